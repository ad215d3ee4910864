//! SRTP and SRTCP (RFC 3711) in the profile every phone has: AES in counter mode with
//! 128 bits, HMAC-SHA1 of 80 or 32 bits; their keys come by SDP (RFC 4568). And in that of
//! browsers, AES-GCM (RFC 7714), whose keys DTLS agrees on (RFC 5764). What a profile does to a
//! packet is in `counter` and `gcm`; here is what they have in common: numbers that go round,
//! and what has been seen of them.
//!
//! Both directions work in place and allocate nothing. Who sends garbage, replays or
//! forges is not heard, and nothing he sends changes what is known of the stream:
//! everything is believed only after its tag is right.

mod counter;
mod gcm;
#[cfg(test)]
mod tests;

use self::counter::Counter;
use self::gcm::Gcm;

pub use self::counter::{KEY, Profile};
pub use self::gcm::SALT as GCM_SALT;

/// Bit of the word behind an SRTCP packet that says it is encrypted.
const ENCRYPTED: u32 = 1 << 31;
/// Packets of so many streams may come under one key at one time: a phone has one or two.
const MOST_STREAMS: usize = 8;
/// Header of an RTP packet without contributing sources, and of a report with its sender.
const RTP_HEADER: usize = 12;
const RTCP_HEADER: usize = 8;

/// Encrypts what is sent.
pub struct Outbound {
    keys: Session,
    /// How often the sequence number has begun anew, and the last one.
    rollover: u32,
    last: Option<u16>,
    reports: u32,
}

/// Checks and decrypts what is received.
pub struct Inbound {
    keys: Session,
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

/// The keys of one direction, for its packets and for its reports.
pub struct Session {
    rtp: Keys,
    rtcp: Keys,
}

/// What packets are made unreadable with, and how they prove themselves.
enum Keys {
    Counter(Box<Counter>),
    Gcm(Box<Gcm>),
}

/// What is derived for packets, and what for reports (RFC 3711 §4.3.2).
const FOR_RTP: u8 = 0;
const FOR_RTCP: u8 = 3;

impl Session {
    /// AES in counter mode and HMAC-SHA1.
    pub fn counter(master: &[u8; KEY], profile: Profile) -> Self {
        let keys = |label| Keys::Counter(Box::new(Counter::derive(master, profile, label)));
        Self {
            rtp: keys(FOR_RTP),
            rtcp: keys(FOR_RTCP),
        }
    }

    /// AES-GCM; `None` if the master key has neither 16 nor 32 bytes.
    pub fn gcm(master: &[u8], salt: &[u8; GCM_SALT]) -> Option<Self> {
        let keys = |label| Some(Keys::Gcm(Box::new(Gcm::derive(master, salt, label)?)));
        Some(Self {
            rtp: keys(FOR_RTP)?,
            rtcp: keys(FOR_RTCP)?,
        })
    }
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
    pub fn new(keys: Session) -> Self {
        Self {
            keys,
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
        match &self.keys.rtp {
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
        match &self.keys.rtcp {
            Keys::Counter(keys) => keys.seal_rtcp(packet, ssrc, index),
            Keys::Gcm(keys) => keys.seal_rtcp(packet, ssrc, index),
        }
    }
}

impl Inbound {
    pub fn new(keys: Session) -> Self {
        Self {
            keys,
            streams: Vec::with_capacity(MOST_STREAMS),
            reports: Window::default(),
        }
    }

    /// The RTP packet in an SRTP packet; `None` if it is not genuine, or came before.
    pub fn open_rtp<'a>(&mut self, packet: &'a mut [u8]) -> Option<&'a [u8]> {
        let tag = match &self.keys.rtp {
            Keys::Counter(keys) => keys.tag(),
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
        match &self.keys.rtp {
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
        let (word_at, tag) = match &self.keys.rtcp {
            Keys::Counter(_) => (packet.len().checked_sub(counter::TAG + 4)?, counter::TAG),
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
        match &self.keys.rtcp {
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
