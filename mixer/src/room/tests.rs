//! A room of phones on virtual time, each humming its own note.

use std::collections::BTreeMap;
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

#[test]
fn everyone_hears_exactly_the_others_in_every_pair_of_codecs() {
    let members = [
        (1, Codec::Pcmu, 440.0),
        (2, Codec::Pcma, 620.0),
        (3, Codec::G722, 1_000.0),
        (4, Codec::Opus, 1_500.0),
    ];
    let mut meeting = Meeting::new();
    for (key, codec, note) in members {
        meeting.join(key, codec, note);
    }
    meeting.run(100);
    meeting.forget();
    meeting.run(100);

    for (listener, codec, own) in members {
        for (_, from, note) in members {
            let loudness = meeting.loudness(listener, note);
            if note == own {
                assert!(loudness < 40.0, "{codec:?} hears himself: {loudness}");
            } else {
                assert!(
                    (7_000.0..9_000.0).contains(&loudness),
                    "{codec:?} hears {from:?} at {loudness}"
                );
            }
        }
    }
}

#[test]
fn a_voice_alone_in_its_codec_passes_bit_by_bit() {
    let mut meeting = Meeting::new();
    meeting.join(1, Codec::Pcmu, 440.0);
    meeting.join(2, Codec::Pcmu, 0.0);
    meeting.run(200);
    meeting.forget();
    meeting.run(50);

    assert!(share_at(&meeting.phones[&2].heard, 8_000, 440.0) > 0.9995);
    assert_eq!(dbov(&meeting.phones[&1].heard), crate::level::SILENCE);
}

#[test]
fn two_loud_voices_do_not_distort_what_a_third_cancels() {
    let mut meeting = Meeting::new();
    meeting.join_with(1, Codec::Pcma, 20, 500.0, 30_000.0);
    meeting.join_with(2, Codec::Pcma, 20, 500.0, 30_000.0);
    meeting.join_with(3, Codec::Pcma, 20, 500.0, -30_000.0);
    meeting.run(100);
    meeting.forget();
    meeting.run(50);

    // Each of the first two hears a voice and its opposite: nothing is left of it.
    assert!(dbov(&meeting.phones[&1].heard) < -60.0);
    assert!(dbov(&meeting.phones[&2].heard) < -60.0);
    // The third hears both at twice full scale: limited, not wrapped.
    let loudest = meeting.phones[&3].heard.iter().copied().fold(0.0, f32::max);
    assert!(loudest > 32_000.0 && meeting.loudness(3, 500.0) > 33_000.0);
}

#[test]
fn who_hears_the_same_shares_one_encode() {
    let mut meeting = Meeting::new();
    meeting.join(1, Codec::Opus, 440.0);
    for key in 2..=9 {
        meeting.join(key, Codec::Opus, 0.0);
    }
    meeting.run(150);
    meeting.forget();
    meeting.run(20);

    assert!((3..=9).all(|key| meeting.phones[&key].payloads == meeting.phones[&2].payloads));
    assert_ne!(meeting.phones[&1].payloads, meeting.phones[&2].payloads);
    assert!((2..=9).all(|key| meeting.room.leg(key).unwrap().own.is_none()));
}

#[test]
fn every_packet_length_carries_the_same_audio() {
    let mut meeting = Meeting::new();
    meeting.join(1, Codec::Pcmu, 440.0);
    for (key, ptime) in [(2, 10), (3, 20), (4, 30), (5, 40), (6, 60)] {
        meeting.join_with(key, Codec::Pcmu, ptime, 0.0, 0.0);
    }
    meeting.run(120);
    meeting.forget();
    meeting.run(60);

    for (key, ptime) in [(2, 10), (3, 20), (4, 30), (5, 40), (6, 60)] {
        let phone = &meeting.phones[&key];
        assert_eq!(phone.payloads.len(), 1_200 / ptime);
        assert_eq!(phone.payloads[0].len(), 8 * ptime);
        assert!(share_at(&phone.heard, 8_000, 440.0) > 0.999, "{ptime} ms");
    }
}

#[test]
fn in_a_crowd_only_the_loudest_are_mixed_and_noise_does_not_add_up() {
    let mut meeting = Meeting::new();
    meeting.join_with(1, Codec::Pcmu, 20, 440.0, 8_000.0);
    for key in 2..=100 {
        // A hum of -48 dBov each, all of them at different notes.
        meeting.join_with(key, Codec::Pcmu, 20, 500.0 + key as f32 * 20.0, 180.0);
    }
    meeting.join(101, Codec::Pcmu, 0.0);
    meeting.run(250);
    meeting.forget();
    meeting.run(50);

    assert!(meeting.loudness(101, 440.0) > 7_500.0);
    let share = share_at(&meeting.phones[&101].heard, 8_000, 440.0);
    assert!(share > 0.9997, "{share}: 35 dB above all else");
}

#[test]
fn a_louder_speaker_takes_a_place_in_a_crowd_within_frames() {
    let mut meeting = Meeting::new();
    for key in 1..=7 {
        meeting.join_with(key, Codec::Pcmu, 20, 300.0 + key as f32 * 100.0, 4_000.0);
    }
    meeting.join(8, Codec::Pcmu, 0.0);
    meeting.run(100);
    meeting.phones.get_mut(&8).unwrap().tone = Some(Tone::new(8_000, 2_000.0, 14_000.0));
    meeting.run(4);
    meeting.forget();
    meeting.run(25);

    assert!(meeting.loudness(1, 2_000.0) > 12_000.0);
}

#[test]
fn who_begins_to_speak_in_a_crowd_is_heard_from_his_first_packet_on() {
    for codec in [Codec::Pcmu, Codec::G722, Codec::Opus] {
        let mut meeting = Meeting::new();
        meeting.join(1, codec, 0.0);
        for key in 2..=40 {
            meeting.join_with(key, codec, 20, 500.0 + key as f32 * 20.0, 40.0);
        }
        meeting.run(200);
        assert!(
            meeting
                .room
                .leg(1)
                .unwrap()
                .playout()
                .is_some_and(|p| p.last().is_none())
        );
        meeting.phones.get_mut(&1).unwrap().tone =
            Some(Tone::new(codec.sample_rate(), 440.0, 8_000.0));
        meeting.forget();
        meeting.run(5);

        // Of five frames at most one and a half are spent on the way there and the codecs' own delay.
        let level = dbov(&meeting.phones[&40].heard);
        assert!(level > -18.5, "{codec:?}: {level}");
        meeting.run(50);
        meeting.forget();
        meeting.run(50);
        let share = share_at(&meeting.phones[&40].heard, codec.sample_rate(), 440.0);
        assert!(share > 0.998, "{codec:?}: {share}");
    }
}

#[test]
fn muted_he_is_not_heard_and_his_old_speech_never_is() {
    let mut meeting = Meeting::new();
    meeting.join(1, Codec::G722, 440.0);
    meeting.join(2, Codec::Pcmu, 620.0);
    meeting.run(50);
    meeting.room.leg(1).unwrap().set_muted(true);
    meeting.run(5);
    meeting.forget();
    meeting.run(50);
    assert!(meeting.loudness(2, 440.0) < 5.0 && meeting.loudness(1, 620.0) > 7_000.0);

    // While muted he changed his tune; unmuted he is heard as he is now.
    meeting.phones.get_mut(&1).unwrap().tone = Some(Tone::new(16_000, 1_200.0, 8_000.0));
    meeting.run(10);
    meeting.room.leg(1).unwrap().set_muted(false);
    meeting.forget();
    meeting.run(50);
    assert!(meeting.loudness(2, 440.0) < 40.0 && meeting.loudness(2, 1_200.0) > 7_000.0);
}

#[test]
fn a_listener_hears_and_is_not_heard_and_the_deaf_hears_only_what_is_played_to_him() {
    let mut meeting = Meeting::new();
    meeting.join(1, Codec::Pcmu, 440.0);
    meeting.join(2, Codec::Pcmu, 620.0);
    meeting.room.leg(1).unwrap().set_hearing(false, true);
    meeting.room.leg(2).unwrap().set_deaf(true);
    let tone = Tone::new(16_000, 1_000.0, 6_000.0).frame_i16(32_000);
    let sound = Arc::new(Sound::from_samples(tone));
    meeting.run(50);
    meeting.room.leg(2).unwrap().play(vec![sound], 5);
    meeting.run(5);
    meeting.forget();
    meeting.run(80);

    assert!(meeting.loudness(1, 620.0) > 7_000.0);
    assert!(meeting.loudness(2, 440.0) < 5.0);
    assert!(meeting.loudness(2, 1_000.0) > 5_500.0);
    assert!(meeting.loudness(1, 1_000.0) < 40.0);
    meeting.run(20);
    assert!(meeting.events.contains(&(2, Event::Played { token: 5 })));
}

#[test]
fn a_prompt_to_the_room_is_heard_over_speech_at_every_rate() {
    let mut meeting = Meeting::new();
    meeting.join(1, Codec::Pcmu, 440.0);
    meeting.join(2, Codec::G722, 0.0);
    meeting.join(3, Codec::Opus, 0.0);
    let tone = Tone::new(16_000, 1_000.0, 6_000.0).frame_i16(32_000);
    meeting.run(50);
    meeting
        .room
        .play(vec![Arc::new(Sound::from_samples(tone))], 9);
    meeting.run(10);
    meeting.forget();
    meeting.run(80);

    for key in 1..=3 {
        let loudness = meeting.loudness(key, 1_000.0);
        assert!((5_500.0..6_500.0).contains(&loudness), "{key}: {loudness}");
    }
    assert!(meeting.loudness(2, 440.0) > 7_000.0);
    meeting.run(20);
    assert_eq!(meeting.room.poll_finished(), Some(9));
}

#[test]
fn a_tone_passes_a_minute_without_a_click_while_others_come_and_go() {
    let mut meeting = Meeting::new();
    meeting.join(1, Codec::Pcmu, 440.0);
    meeting.join(2, Codec::Pcmu, 0.0);
    meeting.join(3, Codec::G722, 0.0);
    meeting.run(100);
    meeting.forget();
    for second in 0..60 {
        let guest = 10 + second % 4;
        if meeting.room.remove(guest).is_some() {
            meeting.phones.remove(&guest);
        } else {
            let codec = [Codec::Pcmu, Codec::Pcma, Codec::G722, Codec::Opus][second as usize % 4];
            meeting.join(guest, codec, 0.0);
        }
        meeting.run(50);
    }

    for (key, rate) in [(2, 8_000), (3, 16_000)] {
        let worst = meeting.phones[&key]
            .heard
            .chunks_exact(rate as usize / 10)
            .map(|part| share_at(part, rate, 440.0))
            .fold(1.0, f32::min);
        assert!(worst > 0.999, "at {rate} Hz: {worst}");
    }
}

#[test]
fn g722_listeners_hear_no_click_when_they_begin_and_end_to_speak() {
    let mut meeting = Meeting::new();
    meeting.join(1, Codec::G722, 440.0);
    meeting.join(2, Codec::G722, 0.0);
    meeting.run(100);
    meeting.forget();
    for _ in 0..5 {
        meeting.phones.get_mut(&2).unwrap().tone = Some(Tone::new(16_000, 900.0, 4_000.0));
        meeting.run(50);
        meeting.phones.get_mut(&2).unwrap().tone = None;
        meeting.run(100);
    }

    let worst = meeting.phones[&2]
        .heard
        .chunks_exact(1_600)
        .map(|part| share_at(part, 16_000, 440.0))
        .fold(1.0, f32::min);
    assert!(worst > 0.999, "{worst}");
}

#[test]
fn comfort_noise_is_a_pause_and_no_loss() {
    let mut meeting = Meeting::new();
    meeting.join(1, Codec::Pcmu, 440.0);
    meeting.join(2, Codec::Pcmu, 0.0);
    meeting.run(50);
    let phone = meeting.phones.get_mut(&1).unwrap();
    let header = Header {
        marker: false,
        payload_type: 13,
        sequence: phone.sent as u16,
        timestamp: phone.sent * 160,
        ssrc: 1,
    };
    phone.sent += 1;
    phone.sends = false;
    let skipped = phone.sent;
    let datagram = [&header.to_bytes()[..], &[60]].concat();
    let now = meeting.now;
    meeting.room.leg(1).unwrap().on_rtp(&datagram, now);
    meeting.run(10);
    meeting.forget();
    meeting.run(40);
    assert_eq!(dbov(&meeting.phones[&2].heard), crate::level::SILENCE);

    // He speaks again: the next number, a second later.
    let phone = meeting.phones.get_mut(&1).unwrap();
    phone.sends = true;
    phone.sequence_gap = phone.sent - skipped;
    meeting.run(10);
    meeting.forget();
    meeting.run(100);
    assert!(meeting.loudness(2, 440.0) > 7_000.0);
    let quality = meeting
        .events
        .iter()
        .filter_map(|(key, event)| match event {
            Event::Quality(quality) if *key == 1 => Some(quality.loss),
            _ => None,
        });
    assert!(quality.sum::<f32>() < 0.02);
}

#[test]
fn a_flood_costs_its_sender_alone() {
    let mut meeting = Meeting::new();
    for (key, note) in [(1, 440.0), (2, 620.0), (3, 0.0)] {
        meeting.join(key, Codec::Pcmu, note);
    }
    meeting.run(50);
    meeting.forget();
    for i in 0..50u32 {
        for n in 0..200u32 {
            let header = Header {
                marker: false,
                payload_type: 0,
                sequence: (i * 200 + n) as u16,
                timestamp: n * 160,
                ssrc: 7,
            };
            let datagram = [&header.to_bytes()[..], &[0x20; 160]].concat();
            let now = meeting.now;
            meeting.room.leg(1).unwrap().on_rtp(&datagram, now);
        }
        meeting.run(1);
    }
    assert!(meeting.loudness(3, 620.0) > 7_000.0);
    meeting.run(100);
    meeting.forget();
    meeting.run(50);
    assert!(meeting.loudness(3, 440.0) > 7_000.0);
}

#[test]
fn keys_are_reported_and_not_heard() {
    let mut meeting = Meeting::new();
    meeting.join(1, Codec::Pcmu, 440.0);
    meeting.join(2, Codec::Pcmu, 0.0);
    meeting.run(50);
    // He holds a key for 200 ms, while his phone goes on sending the tone of it.
    for frame in 0..10u16 {
        let phone = meeting.phones.get_mut(&1).unwrap();
        let header = Header {
            marker: frame == 0,
            payload_type: 101,
            sequence: phone.sent as u16,
            timestamp: phone.sent * 160 - u32::from(frame) * 160,
            ssrc: 1,
        };
        phone.sent += 1;
        let [high, low] = (frame * 160).to_be_bytes();
        let datagram = [&header.to_bytes()[..], &[7, 10, high, low]].concat();
        let now = meeting.now;
        meeting.room.leg(1).unwrap().on_rtp(&datagram, now);
        if frame == 2 {
            meeting.forget();
        }
        let phone = meeting.phones.get_mut(&1).unwrap();
        phone.sends = false;
        phone.sent -= 1;
        meeting.run(1);
    }
    let loudness = meeting.loudness(2, 440.0);
    assert!(loudness < 400.0, "{loudness}");
    let digits = meeting
        .events
        .iter()
        .filter(|(_, event)| matches!(event, Event::Digit(_)));
    assert_eq!(digits.collect::<Vec<_>>(), [&(1, Event::Digit('7'))]);

    meeting.phones.get_mut(&1).unwrap().sends = true;
    meeting.run(10);
    meeting.forget();
    meeting.run(50);
    assert!(meeting.loudness(2, 440.0) > 7_000.0);
}

#[test]
fn keys_in_the_audio_are_found_where_asked_for_and_hardly_heard() {
    let mut meeting = Meeting::new();
    meeting.join(1, Codec::Pcmu, 0.0);
    meeting.join(2, Codec::Pcmu, 0.0);
    let mut asked = setting(Codec::Pcmu, 20);
    asked.inband_digits = true;
    let now = meeting.now;
    meeting.room.leg(1).unwrap().configure(asked, now);
    meeting.run(50);
    meeting.forget();
    let mut low = Tone::new(8_000, 852.0, 6_000.0);
    let mut high = Tone::new(8_000, 1_209.0, 6_000.0);
    meeting.phones.get_mut(&1).unwrap().sends = false;
    for _ in 0..10 {
        let phone = meeting.phones.get_mut(&1).unwrap();
        let (a, b) = (low.frame(160), high.frame(160));
        let both: Vec<i16> = a.iter().zip(b).map(|(a, b)| (a + b) as i16).collect();
        let mut payload = Vec::new();
        phone.encoder.encode(&both, &mut payload);
        let header = Header {
            marker: false,
            payload_type: 0,
            sequence: phone.sent as u16,
            timestamp: phone.sent * 160,
            ssrc: 1,
        };
        let datagram = [&header.to_bytes()[..], &payload].concat();
        let now = meeting.now;
        meeting.room.leg(1).unwrap().on_rtp(&datagram, now);
        meeting.run(1);
    }

    assert!(meeting.events.contains(&(1, Event::Digit('7'))));
    let loud = meeting.phones[&2]
        .heard
        .chunks_exact(160)
        .filter(|frame| dbov(frame) > -40.0);
    assert!(loud.count() <= 1);
}

#[test]
fn a_key_of_ours_takes_the_place_of_audio() {
    let mut meeting = Meeting::new();
    meeting.join(1, Codec::Pcmu, 0.0);
    meeting.run(10);
    assert!(meeting.room.leg(1).unwrap().press('4'));
    meeting.forget();
    meeting.run(20);

    let events = meeting.phones[&1].payloads.iter().filter(|p| p.len() == 4);
    let events: Vec<_> = events.collect();
    assert!(events.len() >= 6 && events.iter().all(|p| p[0] == 4));
    assert_eq!(meeting.phones[&1].payloads.len(), 20);
}

#[test]
fn talking_is_reported_and_so_is_its_end() {
    let mut meeting = Meeting::new();
    meeting.join(1, Codec::Pcmu, 0.0);
    meeting.join(2, Codec::Pcmu, 0.0);
    meeting.run(50);
    meeting.phones.get_mut(&1).unwrap().tone = Some(Tone::new(8_000, 440.0, 8_000.0));
    meeting.run(25);
    meeting.phones.get_mut(&1).unwrap().tone = None;
    meeting.run(50);

    let talking: Vec<_> = meeting
        .events
        .iter()
        .filter(|(_, event)| matches!(event, Event::Talking { .. }))
        .collect();
    assert_eq!(
        talking,
        [
            &(1, Event::Talking { on: true }),
            &(1, Event::Talking { on: false })
        ]
    );
    assert!(meeting.events.contains(&(1, Event::Level { dbov: -15 })));
}

#[test]
fn silence_on_the_wire_is_reported_once_and_only_where_audio_is_due() {
    let mut meeting = Meeting::new();
    meeting.join(1, Codec::Pcmu, 440.0);
    meeting.join(2, Codec::Pcmu, 440.0);
    meeting.run(50);
    let mut on_hold = setting(Codec::Pcmu, 20);
    on_hold.receives = false;
    let now = meeting.now;
    meeting.room.leg(2).unwrap().configure(on_hold, now);
    for key in [1, 2] {
        meeting.phones.get_mut(&key).unwrap().sends = false;
    }
    meeting.run(300);
    meeting.phones.get_mut(&1).unwrap().sends = true;
    meeting.run(10);

    let notices: Vec<_> = meeting
        .events
        .iter()
        .filter(|(_, event)| matches!(event, Event::NoAudio | Event::AudioBack))
        .collect();
    assert_eq!(notices, [&(1, Event::NoAudio), &(1, Event::AudioBack)]);
}

#[test]
fn a_member_who_changes_codec_in_mid_call_is_heard_on_and_hears_on() {
    let mut meeting = Meeting::new();
    meeting.join(1, Codec::Pcmu, 440.0);
    meeting.join(2, Codec::G722, 620.0);
    meeting.run(100);
    let now = meeting.now;
    let phone = meeting.phones.get_mut(&1).unwrap();
    phone.codec = Codec::Opus;
    phone.encoder = Encoder::new(Codec::Opus).unwrap();
    phone.decoder = Decoder::new(Codec::Opus).unwrap();
    phone.tone = Some(Tone::new(48_000, 440.0, 8_000.0));
    meeting
        .room
        .leg(1)
        .unwrap()
        .configure(setting(Codec::Opus, 20), now);
    meeting.run(20);
    meeting.forget();
    meeting.run(50);

    assert!(meeting.loudness(2, 440.0) > 7_000.0);
    assert!(meeting.loudness(1, 620.0) > 7_000.0);
}

#[test]
fn reports_tell_both_sides_loss_jitter_and_round_trip() {
    let mut meeting = Meeting::new();
    meeting.join(1, Codec::Pcmu, 440.0);
    let mut ours = Vec::new();
    let mut datagram = Vec::new();
    for frame in 0..600 {
        // Every tenth packet of his is lost.
        meeting.phones.get_mut(&1).unwrap().sends = frame % 10 != 3;
        meeting.run(1);
        let now = meeting.now;
        if meeting.room.leg(1).unwrap().poll_rtcp(now, &mut datagram) {
            rtcp::parse(&datagram, |report| ours.push((now, report)));
        }
    }
    let mut blocks = ours.iter().filter_map(|(_, report)| match report {
        Report::About(block) => Some(block),
        _ => None,
    });
    let last = blocks.next_back().unwrap();
    assert!((24..=27).contains(&last.fraction_lost), "{last:?}");
    assert!(
        (2..=6).contains(&(ours.len() / 2)),
        "{} reports in 12 s",
        ours.len() / 2
    );

    // His report on ours, 300 ms after he got it, which took 80 ms both ways.
    let (sent, Report::Sender { info, .. }) = ours[ours.len() - 2] else {
        panic!("no sender report among {ours:?}");
    };
    let block = rtcp::Block {
        ssrc: 1,
        last_report: info.at.middle(),
        since_report: 65_536 * 3 / 10,
        fraction_lost: 128,
        ..rtcp::Block::default()
    };
    rtcp::compose(9, None, Some(block), 5, true, &mut datagram);
    let leg = meeting.room.leg(1).unwrap();
    leg.on_rtcp(&datagram, sent + Duration::from_millis(380));
    meeting.run(100);

    let quality = meeting
        .events
        .iter()
        .rev()
        .find_map(|(_, event)| match event {
            Event::Quality(quality) => Some(*quality),
            _ => None,
        });
    let quality = quality.unwrap();
    assert!((quality.rtt_ms.unwrap() - 80.0).abs() < 1.0, "{quality:?}");
    assert_eq!(quality.loss_there, 0.5);
}

mod anything {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn may_arrive_and_the_others_are_not_disturbed(
            datagrams in prop::collection::vec(
                (prop::sample::select(vec![0u8, 8, 9, 13, 101, 111, 77]), prop::collection::vec(any::<u8>(), 0..120)),
                0..200,
            ),
        ) {
            let mut meeting = Meeting::new();
            meeting.join(1, Codec::Opus, 0.0);
            meeting.join(2, Codec::Pcmu, 440.0);
            meeting.join(3, Codec::Pcmu, 0.0);
            meeting.room.leg(1).unwrap().set_muted(true);
            for chunk in datagrams.chunks(4) {
                for (payload_type, bytes) in chunk {
                    let mut datagram = bytes.clone();
                    if let Some(flags) = datagram.first_mut() { *flags = *flags & 0x3f | 0x80; }
                    if let Some(kind) = datagram.get_mut(1) { *kind = *kind & 0x80 | payload_type; }
                    let now = meeting.now;
                    meeting.room.leg(1).unwrap().on_rtp(&datagram, now);
                }
                meeting.run(1);
            }
            meeting.forget();
            meeting.run(30);
            prop_assert!(meeting.loudness(3, 440.0) > 7_000.0);
        }
    }
}
