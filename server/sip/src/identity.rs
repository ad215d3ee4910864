//! The identifiers of an outgoing call, all from one seed.
//!
//! The seed comes from the attempt's id, which is on disk before the first packet.
//! A process that re-creates the same [`Invite`](crate::Invite) after a crash thus
//! sends the same bytes, and the phone sees a retransmission: it rings once.

use sha2::{Digest, Sha256};

use crate::scan::hex;

/// Names a call. Equal seeds give equal identifiers, in every process and version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct CallIdentity {
    seed: [u8; 16],
}

impl CallIdentity {
    pub fn derive(seed: [u8; 16]) -> Self {
        CallIdentity { seed }
    }

    /// Another identity made from this one: for whatever begins anew under one name.
    pub fn nth(&self, nth: u64) -> Self {
        let digest = self.digest("nth", &[nth]);
        let mut seed = [0; 16];
        seed.copy_from_slice(&digest[..16]);
        CallIdentity { seed }
    }

    pub fn call_id(&self) -> String {
        hex(&self.digest("call-id", &[])[..16])
    }

    pub fn from_tag(&self) -> String {
        hex(&self.digest("from-tag", &[])[..8])
    }

    /// The branch of the request with this CSeq to the nth target.
    pub fn branch(&self, target: usize, cseq: u32) -> String {
        let digest = self.digest("branch", &[target as u64, u64::from(cseq)]);
        format!("z9hG4bK{}", hex(&digest[..12]))
    }

    /// The client nonce of an authenticated request (RFC 7616 §3.4).
    pub fn cnonce(&self, target: usize, cseq: u32) -> String {
        hex(&self.digest("cnonce", &[target as u64, u64::from(cseq)])[..8])
    }

    /// The SDP session id (RFC 8866 §5.2), below 2^53 as some phones parse it as a float.
    pub fn session_id(&self) -> u64 {
        let digest = self.digest("session", &[]);
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&digest[..8]);
        u64::from_be_bytes(bytes) >> 11
    }

    fn digest(&self, what: &str, numbers: &[u64]) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(self.seed);
        hash.update(what.as_bytes());
        for number in numbers {
            hash.update(number.to_be_bytes());
        }
        hash.finalize().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_depend_on_the_seed_and_on_nothing_else() {
        let once = CallIdentity::derive([7; 16]);
        let again = CallIdentity::derive([7; 16]);
        let other = CallIdentity::derive([8; 16]);

        assert_eq!(once.branch(1, 2), again.branch(1, 2));
        assert_ne!(once.branch(1, 2), once.branch(2, 1));
        assert_ne!(once.call_id(), other.call_id());
        assert_eq!(once.call_id(), "5e3c5f2dddc3bcf870c99374bcf48ec0");
    }
}
