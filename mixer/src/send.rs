//! The outgoing half of a leg: numbers on the packets, and key presses of ours.

use crate::dtmf;
use crate::encode::Format;
use crate::rtp::{HEADER, Header};

/// Where a leg's numbers begin: random (RFC 3550 §5.1), so that nobody guesses them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seed {
    pub ssrc: u32,
    pub sequence: u16,
    pub timestamp: u32,
    /// Our name in RTCP: random, since it should tell nothing else (RFC 7022).
    pub cname: u64,
}

/// Counts what is sent to one listener.
#[derive(Debug)]
pub struct Sender {
    ssrc: u32,
    sequence: u16,
    timestamp: u32,
    /// The next packet is the first after a pause.
    begins: bool,
    digits: dtmf::Sender,
    packets: u32,
    octets: u32,
}

impl Sender {
    pub fn new(seed: Seed) -> Self {
        Self {
            ssrc: seed.ssrc,
            sequence: seed.sequence,
            timestamp: seed.timestamp,
            begins: true,
            digits: dtmf::Sender::default(),
            packets: 0,
            octets: 0,
        }
    }

    pub fn ssrc(&self) -> u32 {
        self.ssrc
    }

    /// The timestamp of the next packet.
    pub fn timestamp(&self) -> u32 {
        self.timestamp
    }

    /// Packets and payload bytes sent so far, as RTCP counts them.
    pub fn sent(&self) -> (u32, u32) {
        (self.packets, self.octets)
    }

    /// Sends a key press as soon as those before it are done; false if there is no such key.
    pub fn press(&mut self, key: char) -> bool {
        self.digits.press(key)
    }

    /// Time passes and nothing is sent.
    pub fn pause(&mut self, ticks: u32) {
        self.timestamp = self.timestamp.wrapping_add(ticks);
        self.begins = true;
    }

    /// Sends this frame's packets: a key press if there is one, or else the audio.
    pub fn send(
        &mut self,
        format: Format,
        payload_type: u8,
        digits: Option<u8>,
        payloads: &[Vec<u8>],
        mut out: impl FnMut(&[u8; HEADER], &[u8]),
    ) {
        if let Some(digits) = digits
            && let Some(event) = self
                .digits
                .tick(self.timestamp, format.frame_ticks() as u16)
        {
            let header = self.header(digits, event.marker, event.timestamp, event.payload.len());
            out(&header, &event.payload);
            let ticks = format.ticks() * payloads.len() as u32;
            self.pause(ticks);
            return;
        }
        for payload in payloads {
            let header = self.header(payload_type, self.begins, self.timestamp, payload.len());
            self.begins = false;
            out(&header, payload);
            self.timestamp = self.timestamp.wrapping_add(format.ticks());
        }
    }

    fn header(
        &mut self,
        payload_type: u8,
        marker: bool,
        timestamp: u32,
        octets: usize,
    ) -> [u8; HEADER] {
        let header = Header {
            marker,
            payload_type,
            sequence: self.sequence,
            timestamp,
            ssrc: self.ssrc,
        };
        self.sequence = self.sequence.wrapping_add(1);
        self.packets = self.packets.wrapping_add(1);
        self.octets = self.octets.wrapping_add(octets as u32);
        header.to_bytes()
    }
}
