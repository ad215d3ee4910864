//! SRTP and SRTCP by AES-GCM (RFC 7714), with keys of 128 or 256 bits.
//!
//! One pass encrypts and proves. A report's number stands behind the tag here, not before it.

use aes::cipher::{BlockCipherEncrypt, KeyInit};
use aes::{Aes128, Aes256};
use ring::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};

use super::{ENCRYPTED, Number, RTCP_HEADER, word};

/// Bytes of the salt, master's and session's.
pub const SALT: usize = 12;
pub const TAG: usize = 16;

pub struct Gcm {
    key: LessSafeKey,
    salt: [u8; SALT],
}

impl Gcm {
    /// The session keys that belong to a master key (RFC 7714 §11): `label` 0 for RTP, 3 for
    /// RTCP. `None` if the master key has neither 16 nor 32 bytes.
    pub fn derive(master: &[u8], salt: &[u8; SALT], label: u8) -> Option<Self> {
        let (mut key, mut session_salt) = ([0; 32], [0; SALT]);
        let key = key.get_mut(..master.len())?;
        derive(master, salt, label, key)?;
        derive(master, salt, label + 2, &mut session_salt)?;
        Self::new(key, session_salt)
    }

    fn new(key: &[u8], salt: [u8; SALT]) -> Option<Self> {
        let algorithm = match key.len() {
            16 => &AES_128_GCM,
            32 => &AES_256_GCM,
            _ => return None,
        };
        let key = LessSafeKey::new(UnboundKey::new(algorithm, key).ok()?);
        Some(Self { key, salt })
    }

    pub(super) fn seal_rtp(&self, packet: &mut Vec<u8>, payload: usize, number: Number) {
        let (header, body) = packet.split_at_mut(payload);
        let nonce = self.nonce(number.ssrc, number.rollover, number.sequence);
        match self
            .key
            .seal_in_place_separate_tag(nonce, Aad::from(header), body)
        {
            Ok(tag) => packet.extend_from_slice(tag.as_ref()),
            // Only beyond 64 GB: nothing is sent rather than something readable.
            Err(_) => packet.clear(),
        }
    }

    pub(super) fn open_rtp(&self, packet: &mut [u8], payload: usize, number: Number) -> Option<()> {
        let (header, body) = packet.split_at_mut(payload);
        let nonce = self.nonce(number.ssrc, number.rollover, number.sequence);
        self.key
            .open_in_place(nonce, Aad::from(header), body)
            .ok()
            .map(|_| ())
    }

    pub(super) fn seal_rtcp(&self, packet: &mut Vec<u8>, ssrc: u32, index: u32) {
        let told = index | ENCRYPTED;
        let (header, body) = packet.split_at_mut(RTCP_HEADER);
        let nonce = self.report_nonce(ssrc, index);
        match self
            .key
            .seal_in_place_separate_tag(nonce, Aad::from(beside(header, told)), body)
        {
            Ok(tag) => {
                packet.extend_from_slice(tag.as_ref());
                packet.extend_from_slice(&told.to_be_bytes());
            }
            Err(_) => packet.clear(),
        }
    }

    /// Browsers encrypt every report: one that is not is not taken.
    pub(super) fn open_rtcp(&self, packet: &mut [u8], body: usize, told: u32) -> Option<()> {
        if told & ENCRYPTED == 0 {
            return None;
        }
        let ssrc = word(packet, 4)?;
        let (header, rest) = packet.split_at_mut(RTCP_HEADER);
        let nonce = self.report_nonce(ssrc, told & !ENCRYPTED);
        let sealed = rest.get_mut(..body - RTCP_HEADER + TAG)?;
        self.key
            .open_in_place(nonce, Aad::from(beside(header, told)), sealed)
            .ok()
            .map(|_| ())
    }

    /// RFC 7714 §8.1.
    fn nonce(&self, ssrc: u32, rollover: u32, sequence: u16) -> Nonce {
        let mut nonce = [0; SALT];
        nonce[2..6].copy_from_slice(&ssrc.to_be_bytes());
        nonce[6..10].copy_from_slice(&rollover.to_be_bytes());
        nonce[10..].copy_from_slice(&sequence.to_be_bytes());
        self.salted(nonce)
    }

    /// RFC 7714 §9.1.
    fn report_nonce(&self, ssrc: u32, index: u32) -> Nonce {
        let mut nonce = [0; SALT];
        nonce[2..6].copy_from_slice(&ssrc.to_be_bytes());
        nonce[8..].copy_from_slice(&index.to_be_bytes());
        self.salted(nonce)
    }

    fn salted(&self, mut nonce: [u8; SALT]) -> Nonce {
        for (byte, salt) in nonce.iter_mut().zip(self.salt) {
            *byte ^= salt;
        }
        Nonce::assume_unique_for_key(nonce)
    }
}

/// What proves a report besides its body: its header, and its number behind it.
fn beside(header: &[u8], told: u32) -> [u8; RTCP_HEADER + 4] {
    let mut beside = [0; RTCP_HEADER + 4];
    beside[..RTCP_HEADER].copy_from_slice(header);
    beside[RTCP_HEADER..].copy_from_slice(&told.to_be_bytes());
    beside
}

/// RFC 3711 §4.3, by AES of the master key's size.
fn derive(master: &[u8], salt: &[u8; SALT], label: u8, out: &mut [u8]) -> Option<()> {
    for (number, chunk) in out.chunks_mut(16).enumerate() {
        let mut counter = [0; 16];
        counter[..SALT].copy_from_slice(salt);
        counter[7] ^= label;
        counter[15] = number as u8;
        let mut block = counter.into();
        match master.len() {
            16 => Aes128::new_from_slice(master)
                .ok()?
                .encrypt_block(&mut block),
            32 => Aes256::new_from_slice(master)
                .ok()?
                .encrypt_block(&mut block),
            _ => return None,
        }
        chunk.copy_from_slice(&block[..chunk.len()]);
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::srtp::{Inbound, Outbound, Session};
    use crate::testing::hex;

    /// RFC 7714 §16.1.1 and §16.2.1.
    #[test]
    fn a_packet_is_sealed_as_the_rfc_says() {
        let plain = hex("8040f17b8041f8d35501a0b2");
        let text = b"Gallia est omnis divisa in partes tres";
        let salt: [u8; SALT] = hex("517569642070726f2071756f").try_into().unwrap();
        let number = Number {
            ssrc: 0x5501_a0b2,
            rollover: 0,
            sequence: 0xf17b,
        };
        let expected = [
            (
                "000102030405060708090a0b0c0d0e0f",
                "f24de3a3fb34de6cacba861c9d7e4bcabe633bd50d294e6f42a5f47a51c7d19b36de3adf8833\
                 899d7f27beb16a9152cf765ee4390cce",
            ),
            (
                "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
                "32b1de78a822fe12ef9f78fa332e33aab18012389a58e2f3b50b2a0276ffae0f1ba63799b87b\
                 7aa3db36dfffd6b0f9bb7878d7a76c13",
            ),
        ];
        for (key, sealed) in expected {
            let keys = Gcm::new(&hex(key), salt).unwrap();
            let mut packet = [&plain[..], text].concat();
            keys.seal_rtp(&mut packet, 12, number);
            assert_eq!(packet, [plain.clone(), hex(sealed)].concat());
            keys.open_rtp(&mut packet, 12, number).unwrap();
            assert_eq!(packet[12..50], text[..]);
        }
    }

    #[test]
    fn packets_and_reports_go_both_ways_and_only_once() {
        for length in [16, 32] {
            let master = vec![7; length];
            let keys = |master: &[u8]| Session::gcm(master, &[9; SALT]).unwrap();
            let mut out = Outbound::new(keys(&master));
            let mut inside = Inbound::new(keys(&master));
            let mut forger = Outbound::new(keys(&vec![8; length]));
            for sequence in [0xfffe_u16, 0xffff, 0, 1] {
                let mut plain = hex("800f0000decafbadcafebabeabababababab");
                plain[2..4].copy_from_slice(&sequence.to_be_bytes());
                let (mut sent, mut forged) = (plain.clone(), plain.clone());
                forger.protect_rtp(&mut forged);
                assert_eq!(inside.open_rtp(&mut forged), None);
                out.protect_rtp(&mut sent);
                assert_eq!(inside.open_rtp(&mut sent.clone()), Some(&plain[..]));
                assert_eq!(inside.open_rtp(&mut sent), None);

                let mut report = Vec::new();
                crate::rtcp::compose(5, None, None, 1, false, &mut report);
                let plain = report.clone();
                out.protect_rtcp(&mut report);
                assert_ne!(report[8..plain.len()], plain[8..]);
                assert_eq!(inside.open_rtcp(&mut report.clone()), Some(&plain[..]));
                assert_eq!(inside.open_rtcp(&mut report), None);
            }
        }
        assert!(Session::gcm(&[7; 24], &[9; SALT]).is_none());
    }
}
