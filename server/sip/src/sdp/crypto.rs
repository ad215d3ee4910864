//! `a=crypto` lines (RFC 4568 §9): a tag, a suite and a key in base64.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use sdp_types::Attribute;

use crate::srtp::{SrtpKey, SrtpSuite};

/// One way to encrypt that a description offers or has chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Crypto {
    pub tag: u32,
    pub suite: SrtpSuite,
    pub key: SrtpKey,
}

impl Crypto {
    /// `None` for a suite we do not have, a key we cannot read, and for demands we do
    /// not meet: a key identifier in every packet, several keys, no encryption.
    pub fn read(value: &str) -> Option<Self> {
        let mut words = value.split_ascii_whitespace();
        let tag = words.next()?.parse().ok()?;
        let name = words.next()?;
        let suite = SrtpSuite::ALL
            .into_iter()
            .find(|suite| suite.name().eq_ignore_ascii_case(name))?;
        let key = read_key(words.next()?)?;
        // The window is the sender's own affair; whatever begins with "-" may be passed over.
        let understood = words.all(|word| word.starts_with("WSH=") || word.starts_with('-'));
        understood.then_some(Self { tag, suite, key })
    }

    pub fn write(&self) -> Attribute {
        let (tag, suite, key) = (self.tag, self.suite.name(), STANDARD.encode(self.key.0));
        Attribute::with_value("crypto", format!("{tag} {suite} inline:{key}"))
    }

    /// What we offer: every suite, under one key.
    pub fn offers(key: SrtpKey) -> impl Iterator<Item = Self> {
        (1..)
            .zip(SrtpSuite::ALL)
            .map(move |(tag, suite)| Self { tag, suite, key })
    }
}

/// `inline:key|lifetime|MKI:length`, of which the lifetime does not concern us.
fn read_key(text: &str) -> Option<SrtpKey> {
    if text.contains(';') {
        return None;
    }
    let mut parts = text.strip_prefix("inline:")?.split('|');
    let key = from_base64(parts.next()?)?;
    let has_identifier = parts.any(|part| part.contains(':'));
    (!has_identifier).then_some(SrtpKey(key))
}

fn from_base64(text: &str) -> Option<[u8; 30]> {
    let mut key = [0; 30];
    let length = STANDARD.decode_slice(text, &mut key).ok()?;
    (length == key.len()).then_some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of RFC 4568 §9.1.
    const EXAMPLE: &str =
        "1 AES_CM_128_HMAC_SHA1_80 inline:PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR|2^20|1:4";

    #[test]
    fn a_key_is_read_and_written_back() {
        let text = EXAMPLE.trim_end_matches("|1:4");
        let crypto = Crypto::read(text).unwrap();

        assert_eq!((crypto.tag, crypto.suite), (1, SrtpSuite::Sha1_80));
        assert_eq!(crypto.key.0[..4], *b"=-n@");
        let written = crypto.write().value.unwrap();
        assert_eq!(written, text.trim_end_matches("|2^20"));
    }

    #[test]
    fn demands_we_do_not_meet_are_no_offer() {
        for text in [
            EXAMPLE,
            "1 AES_CM_256_HMAC_SHA1_80 inline:PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR",
            "1 AES_CM_128_HMAC_SHA1_80 inline:PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVB",
            "1 AES_CM_128_HMAC_SHA1_80 inline:PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVB!",
            "1 AES_CM_128_HMAC_SHA1_80 inline:PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR UNENCRYPTED_SRTP",
            "x AES_CM_128_HMAC_SHA1_80 inline:PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR",
            "1",
            "",
        ] {
            assert_eq!(Crypto::read(text), None, "{text}");
        }
    }

    #[test]
    fn keys_are_not_shown() {
        let crypto = Crypto::read(EXAMPLE.trim_end_matches("|1:4")).unwrap();
        assert!(!format!("{crypto:?}").contains("45"), "{crypto:?}");
    }
}
