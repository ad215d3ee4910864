//! SRTP and SRTCP by AES in counter mode and HMAC-SHA1 (RFC 3711), as every phone has them.
//!
//! A key stream is added to the payload: the cipher of a counter that begins with the salt, in
//! which source and number of the packet are mixed, so that no two packets share one. The tag
//! proves header, payload and how often the numbers have gone round.

use aes::Aes128;
use aes::cipher::{BlockCipherEncrypt, KeyInit};
use hmac::{Hmac, Mac};
use sha1::Sha1;

use super::{ENCRYPTED, Number, RTCP_HEADER, word};

/// Bytes of a master key with its salt behind it, as SDP carries them.
pub const KEY: usize = 30;
const SALT: usize = 14;
/// The longest tag.
pub const TAG: usize = 10;

/// How long the tag of an RTP packet is. Reports always have the long one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// `AES_CM_128_HMAC_SHA1_80`
    Sha1_80,
    /// `AES_CM_128_HMAC_SHA1_32`
    Sha1_32,
}

impl Profile {
    const fn tag(self) -> usize {
        match self {
            Profile::Sha1_80 => TAG,
            Profile::Sha1_32 => 4,
        }
    }
}

/// AES in counter mode, and HMAC-SHA1.
pub struct Counter {
    cipher: Aes128,
    salt: [u8; SALT],
    mac: Hmac<Sha1>,
    /// How long the tag of an RTP packet is.
    tag: usize,
}

impl Counter {
    /// The session keys that belong to a master key (RFC 3711 §4.3): `label` 0 for RTP, 3 for RTCP.
    pub fn derive(master: &[u8; KEY], profile: Profile, label: u8) -> Self {
        let mut key = [0; 16];
        key.copy_from_slice(&master[..16]);
        let master_cipher = Aes128::new(&key.into());
        let mut salt = [0; SALT];
        salt.copy_from_slice(&master[16..]);
        let derived = |label: u8, out: &mut [u8]| {
            let mut counter = counter(&salt);
            counter[7] ^= label;
            stream(&master_cipher, counter, out);
        };
        let (mut auth, mut session_salt) = ([0; 20], [0; SALT]);
        key.fill(0);
        derived(label, &mut key);
        derived(label + 1, &mut auth);
        derived(label + 2, &mut session_salt);
        Self {
            cipher: Aes128::new(&key.into()),
            salt: session_salt,
            mac: Hmac::new_from_slice(&auth).expect("HMAC takes a key of any length"),
            tag: profile.tag(),
        }
    }

    /// How long the tag of an RTP packet is.
    pub(super) fn tag(&self) -> usize {
        self.tag
    }

    pub(super) fn seal_rtp(&self, packet: &mut Vec<u8>, payload: usize, number: Number) {
        self.crypt(number.ssrc, number.index(), &mut packet[payload..]);
        let tag = self.prove(packet, &number.rollover.to_be_bytes());
        packet.extend_from_slice(&tag[..self.tag]);
    }

    pub(super) fn open_rtp(&self, packet: &mut [u8], payload: usize, number: Number) -> Option<()> {
        let (packet, told) = packet.split_at_mut(packet.len() - self.tag);
        self.is_genuine(packet, &number.rollover.to_be_bytes(), told)
            .then(|| self.crypt(number.ssrc, number.index(), &mut packet[payload..]))
    }

    pub(super) fn seal_rtcp(&self, packet: &mut Vec<u8>, ssrc: u32, index: u32) {
        self.crypt(ssrc, index.into(), &mut packet[RTCP_HEADER..]);
        packet.extend_from_slice(&(index | ENCRYPTED).to_be_bytes());
        let tag = self.prove(packet, &[]);
        packet.extend_from_slice(&tag);
    }

    pub(super) fn open_rtcp(&self, packet: &mut [u8], body: usize, index: u32) -> Option<()> {
        let (packet, told) = packet.split_at_mut(packet.len() - TAG);
        if !self.is_genuine(packet, &[], told) {
            return None;
        }
        let ssrc = word(packet, 4)?;
        if index & ENCRYPTED != 0 {
            let number = u64::from(index & !ENCRYPTED);
            self.crypt(ssrc, number, &mut packet[RTCP_HEADER..body]);
        }
        Some(())
    }

    /// Encrypts or decrypts the packet with this index (RFC 3711 §4.1.1).
    fn crypt(&self, ssrc: u32, index: u64, payload: &mut [u8]) {
        let mut counter = counter(&self.salt);
        for (byte, ssrc) in counter[4..8].iter_mut().zip(ssrc.to_be_bytes()) {
            *byte ^= ssrc;
        }
        for (byte, index) in counter[8..14].iter_mut().zip(&index.to_be_bytes()[2..]) {
            *byte ^= index;
        }
        stream(&self.cipher, counter, payload);
    }

    /// Over the packet and what is not sent with it.
    fn mac(&self, packet: &[u8], behind: &[u8]) -> Hmac<Sha1> {
        let mut mac = self.mac.clone();
        mac.update(packet);
        mac.update(behind);
        mac
    }

    fn prove(&self, packet: &[u8], behind: &[u8]) -> [u8; TAG] {
        let whole = self.mac(packet, behind).finalize().into_bytes();
        let mut tag = [0; TAG];
        tag.copy_from_slice(&whole[..TAG]);
        tag
    }

    /// Whether this is the beginning of the tag; in a time that does not tell how much of it is.
    fn is_genuine(&self, packet: &[u8], behind: &[u8], told: &[u8]) -> bool {
        self.mac(packet, behind).verify_truncated_left(told).is_ok()
    }
}

/// The salt in front, and two bytes that count blocks.
fn counter(salt: &[u8; SALT]) -> [u8; 16] {
    let mut counter = [0; 16];
    counter[..SALT].copy_from_slice(salt);
    counter
}

/// Adds the key stream that begins with this counter to the bytes.
fn stream(cipher: &Aes128, mut counter: [u8; 16], bytes: &mut [u8]) {
    for (number, chunk) in bytes.chunks_mut(16).enumerate() {
        // A datagram has less than 65536 blocks.
        counter[14..].copy_from_slice(&(number as u16).to_be_bytes());
        let mut block = counter.into();
        cipher.encrypt_block(&mut block);
        for (byte, key) in chunk.iter_mut().zip(block.iter()) {
            *byte ^= key;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::hex;

    #[test]
    fn the_key_stream_is_that_of_the_rfc() {
        let key: [u8; 16] = hex("2B7E151628AED2A6ABF7158809CF4F3C").try_into().unwrap();
        let salt: [u8; 16] = hex("F0F1F2F3F4F5F6F7F8F9FAFBFCFD0000").try_into().unwrap();
        let mut out = [0; 48];
        stream(&Aes128::new(&key.into()), salt, &mut out);
        assert_eq!(
            out.to_vec(),
            hex(
                "E03EAD0935C95E80E166B16DD92B4EB4 D23513162B02D0F72A43A2FE4A5F97AB
                 41E95B3BB0A2E8DD477901E4FCA894C0"
            )
        );
    }
}
