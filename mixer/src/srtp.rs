//! SRTP and SRTCP (RFC 3711) in the profile every phone has: AES in counter mode with
//! 128 bits, HMAC-SHA1 of 80 or 32 bits; their keys come by SDP (RFC 4568). And in that of
//! browsers, AES-GCM (RFC 7714), whose keys DTLS agrees on (RFC 5764): see `gcm`.
//!
//! Both directions work in place and allocate nothing. Who sends garbage, replays or
//! forges is not heard, and nothing he sends changes what is known of the stream:
//! everything is believed only after its tag is right.

mod gcm;

use aes::Aes128;
use aes::cipher::{BlockCipherEncrypt, KeyInit};
use hmac::{Hmac, Mac};
use sha1::Sha1;

use self::gcm::Gcm;

pub use self::gcm::SALT as GCM_SALT;

/// Bytes of a master key with its salt behind it, as SDP carries them.
pub const KEY: usize = 30;
const SALT: usize = 14;
/// The longest tag.
const TAG: usize = 10;
/// Bit of the word behind an SRTCP packet that says it is encrypted.
const ENCRYPTED: u32 = 1 << 31;
/// Packets of so many streams may come under one key at one time: a phone has one or two.
const MOST_STREAMS: usize = 8;
/// Header of an RTP packet without contributing sources, and of a report with its sender.
const RTP_HEADER: usize = 12;
const RTCP_HEADER: usize = 8;

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

/// Encrypts what is sent.
pub struct Outbound {
    rtp: Keys,
    rtcp: Keys,
    /// How often the sequence number has begun anew, and the last one.
    rollover: u32,
    last: Option<u16>,
    reports: u32,
}

/// Checks and decrypts what is received.
pub struct Inbound {
    rtp: Keys,
    rtcp: Keys,
    streams: Vec<Stream>,
    reports: Window,
}

/// One sender's packets.
#[derive(Debug, Clone, Copy)]
struct Stream {
    ssrc: u32,
    rollover: u32,
    highest: u16,
    seen: Window,
}

/// Which of the last 64 numbers have been seen, up to the highest.
#[derive(Debug, Clone, Copy, Default)]
struct Window {
    highest: u64,
    bits: u64,
}

/// What packets are made unreadable with, and how they prove themselves.
enum Keys {
    Counter(Box<Counter>),
    Gcm(Box<Gcm>),
}

/// AES in counter mode, and HMAC-SHA1.
struct Counter {
    cipher: Aes128,
    salt: [u8; SALT],
    mac: Hmac<Sha1>,
    /// How long the tag of an RTP packet is.
    tag: usize,
}

/// Which packet of whose it is: no two under one key are alike.
#[derive(Debug, Clone, Copy)]
struct Number {
    ssrc: u32,
    rollover: u32,
    sequence: u16,
}

impl Number {
    fn index(self) -> u64 {
        u64::from(self.rollover) << 16 | u64::from(self.sequence)
    }
}

impl Outbound {
    pub fn new(master: &[u8; KEY], profile: Profile) -> Self {
        Self::with(
            Keys::counter(master, profile, 0),
            Keys::counter(master, profile, 3),
        )
    }

    /// By AES-GCM; `None` if the master key has neither 16 nor 32 bytes.
    pub fn gcm(master: &[u8], salt: &[u8; GCM_SALT]) -> Option<Self> {
        Some(Self::with(
            Keys::gcm(master, salt, 0)?,
            Keys::gcm(master, salt, 3)?,
        ))
    }

    fn with(rtp: Keys, rtcp: Keys) -> Self {
        Self {
            rtp,
            rtcp,
            rollover: 0,
            last: None,
            reports: 0,
        }
    }

    /// Turns an RTP packet into an SRTP packet.
    pub fn protect_rtp(&mut self, packet: &mut Vec<u8>) {
        let Some((ssrc, sequence, payload)) = rtp_parts(packet) else {
            return packet.clear();
        };
        if self
            .last
            .is_some_and(|last| last > 0xc000 && sequence < 0x4000)
        {
            self.rollover = self.rollover.wrapping_add(1);
        }
        self.last = Some(sequence);
        let number = Number {
            ssrc,
            rollover: self.rollover,
            sequence,
        };
        match &self.rtp {
            Keys::Counter(keys) => keys.seal_rtp(packet, payload, number),
            Keys::Gcm(keys) => keys.seal_rtp(packet, payload, number),
        }
    }

    /// Turns an RTCP packet into an SRTCP packet.
    pub fn protect_rtcp(&mut self, packet: &mut Vec<u8>) {
        let Some(ssrc) = word(packet, 4) else {
            return packet.clear();
        };
        let index = self.reports;
        self.reports = (self.reports + 1) & !ENCRYPTED;
        match &self.rtcp {
            Keys::Counter(keys) => keys.seal_rtcp(packet, ssrc, index),
            Keys::Gcm(keys) => keys.seal_rtcp(packet, ssrc, index),
        }
    }
}

impl Inbound {
    pub fn new(master: &[u8; KEY], profile: Profile) -> Self {
        Self::with(
            Keys::counter(master, profile, 0),
            Keys::counter(master, profile, 3),
        )
    }

    /// By AES-GCM; `None` if the master key has neither 16 nor 32 bytes.
    pub fn gcm(master: &[u8], salt: &[u8; GCM_SALT]) -> Option<Self> {
        Some(Self::with(
            Keys::gcm(master, salt, 0)?,
            Keys::gcm(master, salt, 3)?,
        ))
    }

    fn with(rtp: Keys, rtcp: Keys) -> Self {
        Self {
            rtp,
            rtcp,
            streams: Vec::with_capacity(MOST_STREAMS),
            reports: Window::default(),
        }
    }

    /// The RTP packet in an SRTP packet; `None` if it is not genuine, or came before.
    pub fn open_rtp<'a>(&mut self, packet: &'a mut [u8]) -> Option<&'a [u8]> {
        let tag = match &self.rtp {
            Keys::Counter(keys) => keys.tag,
            Keys::Gcm(_) => gcm::TAG,
        };
        let length = packet.len().checked_sub(tag)?;
        let (ssrc, sequence, payload) = rtp_parts(&packet[..length])?;
        let known = self.streams.iter().position(|stream| stream.ssrc == ssrc);
        let mut stream = known.map_or(
            Stream {
                ssrc,
                rollover: 0,
                highest: sequence,
                seen: Window::default(),
            },
            |at| self.streams[at],
        );
        let rollover = stream.rollover_of(sequence);
        let number = Number {
            ssrc,
            rollover,
            sequence,
        };
        if !stream.seen.is_new(number.index()) {
            return None;
        }
        match &self.rtp {
            Keys::Counter(keys) => keys.open_rtp(packet, payload, number)?,
            Keys::Gcm(keys) => keys.open_rtp(packet, payload, number)?,
        }
        if stream.seen.note(number.index()) {
            stream.rollover = rollover;
            stream.highest = sequence;
        }
        match known {
            Some(at) => self.streams[at] = stream,
            None => {
                if self.streams.len() == MOST_STREAMS {
                    self.streams.remove(0);
                }
                self.streams.push(stream);
            }
        }
        Some(&packet[..length])
    }

    /// The RTCP packet in an SRTCP packet; `None` if it is not genuine, or came before.
    pub fn open_rtcp<'a>(&mut self, packet: &'a mut [u8]) -> Option<&'a [u8]> {
        // The word with the number: before the tag, or behind it.
        let (word_at, tag) = match &self.rtcp {
            Keys::Counter(_) => (packet.len().checked_sub(TAG + 4)?, TAG),
            Keys::Gcm(_) => (packet.len().checked_sub(4)?, gcm::TAG),
        };
        let body = packet
            .len()
            .checked_sub(4 + tag)
            .filter(|at| *at >= RTCP_HEADER)?;
        let index = word(packet, word_at)?;
        let number = u64::from(index & !ENCRYPTED);
        if !self.reports.is_new(number) {
            return None;
        }
        match &self.rtcp {
            Keys::Counter(keys) => keys.open_rtcp(packet, body, index)?,
            Keys::Gcm(keys) => keys.open_rtcp(packet, body, index)?,
        }
        self.reports.note(number);
        Some(&packet[..body])
    }
}

impl Stream {
    /// RFC 3711 §3.3.1: which turn of the numbers the packet is of.
    fn rollover_of(&self, sequence: u16) -> u32 {
        let (ours, theirs) = (i32::from(self.highest), i32::from(sequence));
        if ours < 0x8000 && theirs - ours > 0x8000 {
            self.rollover.wrapping_sub(1)
        } else if ours >= 0x8000 && ours - theirs > 0x8000 {
            self.rollover.wrapping_add(1)
        } else {
            self.rollover
        }
    }
}

impl Window {
    /// Numbers are kept one higher: 0 is "none yet".
    fn is_new(&self, index: u64) -> bool {
        let index = index + 1;
        if index > self.highest {
            return true;
        }
        let age = self.highest - index;
        age < 64 && self.bits >> age & 1 == 0
    }

    /// True if it is the highest so far.
    fn note(&mut self, index: u64) -> bool {
        let index = index + 1;
        if index > self.highest {
            let ahead = index - self.highest;
            self.bits = if ahead < 64 { self.bits << ahead } else { 0 } | 1;
            self.highest = index;
            return true;
        }
        self.bits |= 1 << (self.highest - index).min(63);
        false
    }
}

impl Keys {
    fn counter(master: &[u8; KEY], profile: Profile, label: u8) -> Self {
        Keys::Counter(Box::new(Counter::derive(master, profile, label)))
    }

    fn gcm(master: &[u8], salt: &[u8; GCM_SALT], label: u8) -> Option<Self> {
        Some(Keys::Gcm(Box::new(Gcm::derive(master, salt, label)?)))
    }
}

impl Counter {
    /// The session keys that belong to a master key (RFC 3711 §4.3): `label` 0 for RTP, 3 for RTCP.
    fn derive(master: &[u8; KEY], profile: Profile, label: u8) -> Self {
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

    fn seal_rtp(&self, packet: &mut Vec<u8>, payload: usize, number: Number) {
        self.crypt(number.ssrc, number.index(), &mut packet[payload..]);
        let tag = self.tag(packet, &number.rollover.to_be_bytes());
        packet.extend_from_slice(&tag[..self.tag]);
    }

    fn open_rtp(&self, packet: &mut [u8], payload: usize, number: Number) -> Option<()> {
        let (packet, told) = packet.split_at_mut(packet.len() - self.tag);
        self.is_genuine(packet, &number.rollover.to_be_bytes(), told)
            .then(|| self.crypt(number.ssrc, number.index(), &mut packet[payload..]))
    }

    fn seal_rtcp(&self, packet: &mut Vec<u8>, ssrc: u32, index: u32) {
        self.crypt(ssrc, index.into(), &mut packet[RTCP_HEADER..]);
        packet.extend_from_slice(&(index | ENCRYPTED).to_be_bytes());
        let tag = self.tag(packet, &[]);
        packet.extend_from_slice(&tag);
    }

    fn open_rtcp(&self, packet: &mut [u8], body: usize, index: u32) -> Option<()> {
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

    fn tag(&self, packet: &[u8], behind: &[u8]) -> [u8; TAG] {
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

/// Source, number, and where the payload begins.
fn rtp_parts(packet: &[u8]) -> Option<(u32, u16, usize)> {
    let first = *packet.first()?;
    let sequence = u16::from_be_bytes([*packet.get(2)?, *packet.get(3)?]);
    let ssrc = word(packet, 8)?;
    let mut payload = RTP_HEADER + 4 * usize::from(first & 0x0f);
    if first & 0x10 != 0 {
        let words = *packet.get(payload + 2..payload + 4)?.first_chunk::<2>()?;
        payload += 4 + 4 * usize::from(u16::from_be_bytes(words));
    }
    (first >> 6 == 2 && payload <= packet.len()).then_some((ssrc, sequence, payload))
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    let word = bytes.get(at..)?.first_chunk::<4>()?;
    Some(u32::from_be_bytes(*word))
}

/// Keys are never shown.
impl std::fmt::Debug for Outbound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Outbound").finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Inbound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inbound").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn hex(text: &str) -> Vec<u8> {
        let digits: Vec<u8> = text
            .chars()
            .filter_map(|c| c.to_digit(16))
            .map(|digit| digit as u8)
            .collect();
        digits
            .chunks(2)
            .map(|pair| pair[0] << 4 | pair[1])
            .collect()
    }

    /// That of RFC 3711 B.3.
    fn master() -> [u8; KEY] {
        hex("E1F97A0D3E018BE0D64FA32C06DE4139 0EC675AD498AFEEBB6960B3AABE6")
            .try_into()
            .unwrap()
    }

    fn rtp(sequence: u16) -> Vec<u8> {
        let mut packet = hex("800f0000 decafbad cafebabe abababababababababababababababab");
        packet[2..4].copy_from_slice(&sequence.to_be_bytes());
        packet
    }

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

    /// Of libsrtp's own test, which follows the RFC's keys.
    #[test]
    fn a_packet_is_encrypted_and_tagged_as_others_do() {
        let mut packet = rtp(0x1234);
        Outbound::new(&master(), Profile::Sha1_80).protect_rtp(&mut packet);
        assert_eq!(
            packet,
            hex("800f1234 decafbad cafebabe 4e55dc4ce79978d88ca4d215949d2402
                 b78d6acc99ea179b8dbb")
        );
    }

    #[test]
    fn what_is_protected_is_opened_in_every_order_and_only_once() {
        for profile in [Profile::Sha1_80, Profile::Sha1_32] {
            let mut out = Outbound::new(&master(), profile);
            let mut inside = Inbound::new(&master(), profile);
            // Over the turn of the numbers, every third and fourth exchanged.
            let plain: Vec<_> = (0..400u16).map(|i| rtp(i.wrapping_add(0xff00))).collect();
            let mut sent: Vec<_> = plain
                .iter()
                .map(|packet| {
                    let mut packet = packet.clone();
                    out.protect_rtp(&mut packet);
                    packet
                })
                .collect();
            for i in (2..400).step_by(4) {
                sent.swap(i, i + 1);
            }
            let mut opened: Vec<_> = sent
                .iter()
                .map(|packet| inside.open_rtp(&mut packet.clone()).unwrap().to_vec())
                .collect();
            for i in (2..400).step_by(4) {
                opened.swap(i, i + 1);
            }
            assert_eq!(opened, plain);
            let again = sent
                .iter()
                .filter(|packet| inside.open_rtp(&mut packet.to_vec()).is_some());
            assert_eq!(again.count(), 0);
        }
    }

    #[test]
    fn reports_go_both_ways_and_only_once() {
        let mut out = Outbound::new(&master(), Profile::Sha1_32);
        let mut inside = Inbound::new(&master(), Profile::Sha1_32);
        for i in 0..5 {
            let mut plain = Vec::new();
            crate::rtcp::compose(5, None, None, i, i == 4, &mut plain);
            let mut packet = plain.clone();
            out.protect_rtcp(&mut packet);
            assert_ne!(packet[8..plain.len()], plain[8..]);
            assert_eq!(inside.open_rtcp(&mut packet.clone()), Some(&plain[..]));
            assert_eq!(inside.open_rtcp(&mut packet), None);
        }
    }

    #[test]
    fn a_forged_packet_is_not_heard_and_moves_nothing() {
        let mut out = Outbound::new(&master(), Profile::Sha1_80);
        let mut inside = Inbound::new(&master(), Profile::Sha1_80);
        let mut first = rtp(10);
        out.protect_rtp(&mut first);
        assert!(inside.open_rtp(&mut first).is_some());

        // Of another key, far ahead, so that a careless receiver would turn its numbers over.
        let mut other = [7; KEY];
        other[0] = 1;
        let mut forger = Outbound::new(&other, Profile::Sha1_80);
        for sequence in [11, 0x9000, 0xffff] {
            let mut forged = rtp(sequence);
            forger.protect_rtp(&mut forged);
            assert_eq!(inside.open_rtp(&mut forged), None);
        }
        let mut next = rtp(11);
        out.protect_rtp(&mut next);
        assert_eq!(inside.open_rtp(&mut next), Some(&rtp(11)[..]));
    }

    proptest! {
        #[test]
        fn no_datagram_panics_and_none_is_believed(mut bytes in prop::collection::vec(any::<u8>(), 0..200), rtp in any::<bool>()) {
            if rtp && bytes.len() > 12 {
                bytes[0] = bytes[0] & 0x3f | 0x80;
            }
            let mut inside = Inbound::new(&master(), Profile::Sha1_80);
            prop_assert!(inside.open_rtp(&mut bytes.clone()).is_none());
            prop_assert!(inside.open_rtcp(&mut bytes.clone()).is_none());
            let mut out = Outbound::new(&master(), Profile::Sha1_80);
            out.protect_rtp(&mut bytes.clone());
            out.protect_rtcp(&mut bytes);
        }
    }
}
