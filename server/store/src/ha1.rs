//! What is kept of a SIP secret: H(username:realm:secret), by MD5 (RFC 2617
//! §3.2.2.2) and by SHA-256 (RFC 8760). Enough to check a phone's answer, too
//! little to learn the secret from; but enough to log in with, so it is sealed.

use md5::Md5;
use sha2::{Digest, Sha256};

use crate::text::to_hex;

/// Both hashes, as the lower-case hexadecimal that digest authentication computes on.
#[derive(Clone, PartialEq, Eq)]
pub struct Ha1 {
    pub md5: String,
    pub sha256: String,
}

impl Ha1 {
    pub fn of(username: &str, realm: &str, secret: &str) -> Self {
        let text = format!("{username}:{realm}:{secret}");
        Self {
            md5: to_hex(&Md5::digest(&text)),
            sha256: to_hex(&Sha256::digest(&text)),
        }
    }

    pub(crate) fn to_text(&self) -> String {
        format!("{} {}", self.md5, self.sha256)
    }

    pub(crate) fn from_text(text: &str) -> Option<Self> {
        let (md5, sha256) = text.split_once(' ')?;
        Some(Self {
            md5: md5.to_owned(),
            sha256: sha256.to_owned(),
        })
    }
}

impl std::fmt::Debug for Ha1 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Ha1")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of RFC 7616 §3.9.1.
    #[test]
    fn the_hashes_are_those_of_the_rfc() {
        let ha1 = Ha1::of("Mufasa", "http-auth@example.org", "Circle of Life");

        assert_eq!(ha1.md5, "3d78807defe7de2157e2b0b6573a855f");
        assert_eq!(
            ha1.sha256,
            "7987c64c30e25f1b74be53f966b49b90f2808aa92faf9a00262392d7b4794232"
        );
        assert_eq!(Ha1::from_text(&ha1.to_text()), Some(ha1));
    }
}
