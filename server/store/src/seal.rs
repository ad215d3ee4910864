//! Secrets at rest: SIP secrets are encrypted with a key that lies in the data
//! folder, not in the database, so that a stolen backup of the rows opens nothing.

use std::{fmt, io::Write, os::unix::fs::OpenOptionsExt, path::Path, sync::Arc};

use chacha20poly1305::{
    XChaCha20Poly1305,
    aead::{Aead, KeyInit, Payload},
};

use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::{
    Store, StoreError,
    text::{from_hex, to_hex},
};

const KEY_FILE: &str = "secret.key";
const KEY_LEN: usize = 32;
const NONCE_LEN: usize = 24;

/// XChaCha20-Poly1305: a random nonce of 24 bytes needs no counter that must survive.
#[derive(Clone)]
pub(crate) struct Seal {
    cipher: Arc<XChaCha20Poly1305>,
    /// For signatures. It opens nothing.
    signing: Hmac<Sha256>,
}

impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seal")
    }
}

impl Seal {
    /// Takes the key from the folder, made on first use and readable by its owner alone.
    pub(crate) fn from_folder(folder: &Path) -> Result<Self, StoreError> {
        let path = folder.join(KEY_FILE);
        let failed = |source| StoreError::Folder {
            path: path.clone(),
            source,
        };
        let made = std::fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path);
        match made {
            Ok(mut file) => {
                file.write_all(to_hex(&random::<KEY_LEN>()).as_bytes())
                    .map_err(failed)?;
                file.sync_all().map_err(failed)?;
            }
            Err(there) if there.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(failed(error)),
        }
        let text = std::fs::read_to_string(&path).map_err(failed)?;
        let key = from_hex(text.trim())
            .and_then(|key| <[u8; KEY_LEN]>::try_from(key).ok())
            .ok_or_else(|| {
                failed(std::io::Error::other(
                    "it is not a key of 64 hexadecimal digits",
                ))
            })?;
        let derive = |key: &[u8]| <Hmac<Sha256> as KeyInit>::new_from_slice(key);
        let signing = derive(&key)
            .map(|mac| mac.chain_update(b"rollcall signatures").finalize())
            .and_then(|derived| derive(&derived.into_bytes()))
            .map_err(|_| failed(std::io::Error::other("it cannot be used to sign")))?;
        Ok(Self {
            cipher: Arc::new(XChaCha20Poly1305::new(&key.into())),
            signing,
        })
    }

    /// Encrypts for one row: what was sealed for `owner` opens for no other.
    pub(crate) fn close(&self, owner: &str, secret: &str) -> String {
        let nonce = random::<NONCE_LEN>();
        let payload = Payload {
            msg: secret.as_bytes(),
            aad: owner.as_bytes(),
        };
        let sealed = self
            .cipher
            .encrypt(&nonce.into(), payload)
            .expect("a secret is far shorter than the cipher's 256 GiB");
        to_hex(&[&nonce[..], &sealed].concat())
    }

    pub(crate) fn open(&self, owner: &str, sealed: &str) -> Result<String, StoreError> {
        let wrong = || StoreError::WrongKey(owner.to_owned());
        let bytes = from_hex(sealed).ok_or_else(wrong)?;
        let (nonce, sealed) = bytes.split_first_chunk::<NONCE_LEN>().ok_or_else(wrong)?;
        let payload = Payload {
            msg: sealed,
            aad: owner.as_bytes(),
        };
        let secret = self
            .cipher
            .decrypt(&(*nonce).into(), payload)
            .map_err(|_| wrong())?;
        String::from_utf8(secret).map_err(|_| wrong())
    }
}

/// How much of a signature is shown: guessing 16 bytes is hopeless.
const SIGNATURE_LEN: usize = 16;

impl Store {
    /// A signature that only who has the data folder can make: for links that must
    /// not be made up. `purpose` keeps one kind of link from serving as another.
    pub fn sign(&self, purpose: &str, text: &str) -> String {
        let signature = self.seal.mac(purpose, text).finalize().into_bytes();
        to_hex(&signature[..SIGNATURE_LEN])
    }

    /// Whether a signature was made by [`Store::sign`].
    pub fn is_signed(&self, purpose: &str, text: &str, signature: &str) -> bool {
        let Some(bytes) = from_hex(signature).filter(|bytes| bytes.len() == SIGNATURE_LEN) else {
            return false;
        };
        let mac = self.seal.mac(purpose, text);
        mac.verify_truncated_left(&bytes).is_ok()
    }
}

impl Seal {
    fn mac(&self, purpose: &str, text: &str) -> Hmac<Sha256> {
        let mac = self.signing.clone().chain_update(purpose.as_bytes());
        mac.chain_update([0]).chain_update(text.as_bytes())
    }
}

/// Bytes from the operating system.
///
/// # Panics
/// If the operating system has no random source: nothing secret could be made then.
pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system has a random source");
    bytes
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_secret_opens_for_its_owner_and_nobody_else() {
        let folder = tempfile::tempdir().unwrap();
        let seal = Seal::from_folder(folder.path()).unwrap();

        let sealed = seal.close("device 1", "tr0ub4dor");

        assert!(!sealed.contains("tr0ub4dor"));
        assert_eq!(seal.open("device 1", &sealed).unwrap(), "tr0ub4dor");
        assert!(seal.open("device 2", &sealed).is_err());
    }

    #[test]
    fn the_key_is_kept_and_only_its_owner_may_read_it() {
        let folder = tempfile::tempdir().unwrap();
        let sealed = Seal::from_folder(folder.path())
            .unwrap()
            .close("trunk", "secret");

        let again = Seal::from_folder(folder.path()).unwrap();

        assert_eq!(again.open("trunk", &sealed).unwrap(), "secret");
        let mode = std::fs::metadata(folder.path().join(KEY_FILE))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn another_folders_key_opens_nothing() {
        let (ours, theirs) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let sealed = Seal::from_folder(ours.path())
            .unwrap()
            .close("trunk", "secret");

        let refused = Seal::from_folder(theirs.path())
            .unwrap()
            .open("trunk", &sealed);

        assert!(matches!(refused, Err(StoreError::WrongKey(_))));
    }
}
