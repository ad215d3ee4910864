//! Web passwords: argon2id, its parameters written beside the hash.

use std::sync::LazyLock;

use argon2::{
    Argon2,
    password_hash::{PasswordHasher, PasswordVerifier},
};

/// As PHC text.
///
/// # Errors
/// If the password is longer than argon2 takes (4 GiB).
pub fn hash(password: &str) -> Result<String, argon2::password_hash::Error> {
    Ok(Argon2::default()
        .hash_password(password.as_bytes())?
        .to_string())
}

/// Whether it is the password. A damaged hash fits none.
pub fn verify(password: &str, hash: &str) -> bool {
    Argon2::default()
        .verify_password(password.as_bytes(), hash)
        .is_ok()
}

/// Takes as long as checking a password, so that an unknown address looks like a wrong password.
pub(super) fn verify_nothing(password: &str) -> bool {
    static NOBODYS: LazyLock<String> =
        LazyLock::new(|| hash("nobody has this password").unwrap_or_default());
    verify(password, &NOBODYS);
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_fits_its_hash_and_no_other() {
        let kept = hash("correct horse").unwrap();

        assert!(kept.starts_with("$argon2id$"), "{kept}");
        assert!(verify("correct horse", &kept));
        assert!(!verify("incorrect horse", &kept));
        assert!(!verify("correct horse", "$argon2id$damaged"));
    }
}
