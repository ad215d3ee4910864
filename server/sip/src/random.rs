//! Unpredictable tags, branches and numbers, all from the endpoint's seed.

use sha2::{Digest, Sha256};

use crate::scan::hex;

/// A counter under a keyed hash; as unpredictable as its seed.
pub struct Random {
    seed: [u8; 32],
    drawn: u64,
}

impl Random {
    pub fn new(seed: [u8; 32]) -> Self {
        Random { seed, drawn: 0 }
    }

    pub fn bytes(&mut self) -> [u8; 32] {
        self.drawn += 1;
        self.keyed(&self.drawn.to_be_bytes())
    }

    /// 64 bits of tag.
    pub fn tag(&mut self) -> String {
        hex(&self.bytes()[..8])
    }

    pub fn branch(&mut self) -> String {
        format!("z9hG4bK{}", hex(&self.bytes()[..12]))
    }

    /// Evenly below `bound`, which is small against 2^32.
    pub fn below(&mut self, bound: u32) -> u32 {
        let [a, b, c, d, ..] = self.bytes();
        u32::from_be_bytes([a, b, c, d]) % bound.max(1)
    }

    /// The same tag for the same text: what is answered without a transaction is
    /// answered alike when it comes again.
    pub fn tag_for(&self, text: &str) -> String {
        hex(&self.keyed(text.as_bytes())[..8])
    }

    fn keyed(&self, text: &[u8]) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(self.seed);
        hash.update(text);
        Sha256::digest(hash.finalize()).into()
    }
}
