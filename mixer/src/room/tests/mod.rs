//! A room of phones on virtual time, each humming its own note.

mod continuity;
mod delay;
mod members;
mod mixing;
mod noise;
mod pace;
mod sizes;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::*;
use crate::FRAME;
use crate::codec::{Codec, Decoder, Encoder};
use crate::encode::Format;
use crate::leg::{Setting, WallClock};
use crate::level::dbov;
use crate::rtcp::{self, Ntp, Report};
use crate::rtp::{Header, Packet};
use crate::send::Seed;
use crate::testing::{Tone, power_at, share_at};

/// A phone: what it says, and what it has heard.
struct Phone {
    codec: Codec,
    encoder: Encoder,
    decoder: Decoder,
    tone: Option<Tone>,
    /// What it says in place of the tone, while there is something left of it.
    says: VecDeque<i16>,
    sent: u32,
    /// Packets it says nothing in, if it is silent: whether it sends at all.
    sends: bool,
    /// Numbers it has not used because it was silent.
    sequence_gap: u32,
    heard: Vec<f32>,
    last: Option<Header>,
    /// What the last packet adds to the timestamp.
    last_ticks: u32,
    payloads: Vec<Vec<u8>>,
}

struct Meeting {
    room: Room,
    now: Instant,
    phones: BTreeMap<LegKey, Phone>,
    events: Vec<(LegKey, Event)>,
}

impl Meeting {
    fn new() -> Self {
        Self {
            room: Room::default(),
            now: crate::testing::an_instant(),
            phones: BTreeMap::new(),
            events: Vec::new(),
        }
    }

    /// Someone who hums a note (Hz), or is silent at 0.
    fn join(&mut self, key: LegKey, codec: Codec, note: f32) {
        self.join_with(key, codec, 20, note, 8_000.0);
    }

    fn join_with(&mut self, key: LegKey, codec: Codec, ptime: u8, note: f32, amplitude: f32) {
        let seed = Seed {
            ssrc: key as u32,
            sequence: 65_530,
            timestamp: u32::MAX - 500,
            cname: key,
        };
        let clock = WallClock {
            at: self.now,
            ntp: Ntp(42 << 32),
        };
        let mut leg = Box::new(Leg::new(seed, clock));
        leg.configure(setting(codec, ptime), self.now);
        self.room.insert(key, leg);
        self.phones.insert(
            key,
            Phone {
                codec,
                encoder: Encoder::new(codec).unwrap(),
                decoder: Decoder::new(codec).unwrap(),
                tone: (note > 0.0).then(|| Tone::new(codec.sample_rate(), note, amplitude)),
                says: VecDeque::new(),
                sent: 0,
                sends: true,
                sequence_gap: 0,
                heard: Vec::new(),
                last: None,
                last_ticks: 0,
                payloads: Vec::new(),
            },
        );
    }

    fn run(&mut self, frames: u32) {
        for _ in 0..frames {
            for (&key, phone) in &mut self.phones {
                if let Some(datagram) = phone.speak()
                    && let Some(leg) = self.room.leg(key)
                {
                    leg.on_rtp(&datagram, self.now);
                }
            }
            self.now += Duration::from_millis(5);
            let phones = &mut self.phones;
            self.room.tick(self.now, |key, header, payload| {
                let datagram = [&header[..], payload].concat();
                phones.get_mut(&key).unwrap().hear(&datagram);
            });
            let events = &mut self.events;
            self.room
                .drain_events(|key, event| events.push((key, event)));
            self.now += FRAME - Duration::from_millis(5);
        }
    }

    fn forget(&mut self) {
        for phone in self.phones.values_mut() {
            phone.heard.clear();
            phone.payloads.clear();
        }
    }

    /// How loud (amplitude) one hears a note, over all he has heard since `forget`.
    fn loudness(&self, key: LegKey, note: f32) -> f32 {
        let phone = &self.phones[&key];
        power_at(&phone.heard, phone.codec.sample_rate(), note).sqrt()
    }
}

impl Phone {
    fn speak(&mut self) -> Option<Vec<u8>> {
        if !self.sends {
            self.sent += 1;
            return None;
        }
        let samples = self.codec.sample_rate() as usize / 50;
        let audio = match &mut self.tone {
            _ if self.says.len() >= samples => self.says.drain(..samples).collect(),
            Some(tone) => tone.frame_i16(samples),
            None => vec![0; samples],
        };
        let mut payload = Vec::new();
        self.encoder.encode(&audio, &mut payload);
        let header = Header {
            marker: false,
            payload_type: payload_type(self.codec),
            sequence: self.sent.wrapping_sub(self.sequence_gap) as u16,
            timestamp: self.sent * self.codec.clock_rate() / 50,
            ssrc: 1,
        };
        self.sent += 1;
        Some([&header.to_bytes()[..], &payload].concat())
    }

    fn hear(&mut self, datagram: &[u8]) {
        let packet = Packet::parse(datagram).unwrap();
        if let Some(last) = self.last {
            assert_eq!(packet.header.sequence, last.sequence.wrapping_add(1));
            assert_eq!(packet.header.ssrc, last.ssrc);
            let audio = packet.header.payload_type == payload_type(self.codec)
                && last.payload_type == packet.header.payload_type;
            if audio && !packet.header.marker {
                let step = packet.header.timestamp.wrapping_sub(last.timestamp);
                assert_eq!(step, self.last_ticks);
            }
        }
        self.last = Some(packet.header);
        self.last_ticks = match self.codec {
            Codec::Opus => 960,
            Codec::Pcmu | Codec::Pcma | Codec::G722 => packet.payload.len() as u32,
        };
        if packet.header.payload_type == payload_type(self.codec) {
            self.decoder
                .decode(packet.payload, &mut self.heard)
                .unwrap();
        }
        self.payloads.push(packet.payload.to_vec());
    }
}

fn payload_type(codec: Codec) -> u8 {
    codec.static_payload_type().unwrap_or(111)
}

fn setting(codec: Codec, ptime: u8) -> Setting {
    Setting {
        format: Format::new(codec, ptime),
        payload_type: payload_type(codec),
        digits: Some(101),
        level: None,
        inband_digits: false,
        sends: true,
        receives: true,
    }
}
