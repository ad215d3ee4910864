//! A room in which everything happens all the time, in virtual time: people come and go, lose
//! packets, change codec, source and packet length, are muted, press keys and hear prompts, while
//! recordings begin and end. Whatever happens, everybody gets his 20 ms in every tick under numbers
//! without a gap, nobody's delay grows, and memory does not.
//!
//! Three minutes in every check; `SOAK_MINUTES=1000` for a night.
#![expect(unsafe_code, reason = "a global allocator is unsafe by definition")]
#![expect(
    clippy::disallowed_methods,
    reason = "virtual time begins at some instant"
)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mixer::codec::{Codec, Encoder};
use mixer::receive::playout::CAP;
use mixer::rtp::{Header, Packet};
use mixer::{Format, Leg, LegKey, Ntp, Room, Seed, Setting, Sound, WallClock};

struct Counting;

thread_local! {
    /// Bytes that are allocated now.
    static LIVE: Cell<isize> = const { Cell::new(0) };
}

// SAFETY: every call is passed on unchanged to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LIVE.with(|live| live.set(live.get() + layout.size() as isize));
        // SAFETY: as the caller promised us.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        LIVE.with(|live| live.set(live.get() - layout.size() as isize));
        // SAFETY: as the caller promised us.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const CODECS: [Codec; 4] = [Codec::Pcmu, Codec::Pcma, Codec::G722, Codec::Opus];
/// The key's payload type, and that of comfort noise.
const DIGITS: u8 = 101;
const NOISE: u8 = 13;
/// So many are in the room, more or less.
const MEMBERS: usize = 24;
/// Audio is encoded once and said over and over: frames of it.
const CIRCLE: usize = 100;
/// A member's memory: his jitter buffer full, encoder and decoder of Opus, resamplers, a cleaned voice.
const MEMBER: isize = 160 * 1_024;

/// Chance, the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }

    fn below(&mut self, sides: u64) -> u64 {
        self.roll() % sides
    }

    /// True once in so many.
    fn one_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    fn share(&mut self) -> f64 {
        self.below(1_000_000) as f64 / 1e6
    }
}

/// A phone, and the network to it.
struct Phone {
    codec: Codec,
    /// Whether he speaks, or his room is heard.
    speaks: bool,
    at: usize,
    sequence: u16,
    timestamp: u32,
    ssrc: u32,
    /// His clock against ours, and when his next packet leaves, in ms.
    ppm: f64,
    leaves: f64,
    /// How late packets come at most, in ms, and the share that never does.
    jitter: f64,
    loss: f64,
    /// Datagrams under way.
    way: Vec<(f64, Vec<u8>)>,
    last: Option<u16>,
    /// Milliseconds of audio he got.
    heard_ms: u64,
    ticks: u64,
}

struct Soak {
    dice: Dice,
    room: Room,
    start: Instant,
    now: f64,
    phones: BTreeMap<LegKey, Phone>,
    next_key: LegKey,
    streams: Vec<[Vec<Vec<u8>>; 2]>,
    prompt: Arc<Sound>,
    report: Vec<u8>,
}

impl Soak {
    fn new() -> Self {
        let prompt = (0..16_000)
            .map(|i| (i % 80 * 100) as i16)
            .collect::<Vec<_>>();
        Self {
            dice: Dice(4),
            room: Room::default(),
            start: Instant::now(),
            now: 1_000.0,
            phones: BTreeMap::new(),
            next_key: 1,
            streams: CODECS
                .map(|codec| [payloads(codec, 6_000.0), payloads(codec, 40.0)])
                .into(),
            prompt: Arc::new(Sound::from_samples(prompt)),
            report: Vec::new(),
        }
    }

    fn at(&self, ms: f64) -> Instant {
        self.start + Duration::from_secs_f64(ms / 1_000.0)
    }

    fn join(&mut self) {
        let key = self.next_key;
        self.next_key += 1;
        let codec = CODECS[self.dice.below(4) as usize];
        let seed = Seed {
            ssrc: key as u32,
            sequence: self.dice.roll() as u16,
            timestamp: self.dice.roll() as u32,
            cname: key,
        };
        let clock = WallClock {
            at: self.start,
            ntp: Ntp(0),
        };
        let mut leg = Box::new(Leg::new(seed, clock));
        leg.configure(self.setting(codec), self.at(self.now));
        self.room.insert(key, leg);
        let phone = Phone {
            codec,
            speaks: self.dice.one_in(4),
            at: self.dice.below(CIRCLE as u64) as usize,
            sequence: self.dice.roll() as u16,
            timestamp: self.dice.roll() as u32,
            ssrc: self.dice.roll() as u32,
            ppm: (self.dice.share() - 0.5) * 400.0,
            leaves: self.now + self.dice.share() * 20.0,
            jitter: [0.0, 1.0, 10.0, 80.0][self.dice.below(4) as usize],
            loss: [0.0, 0.0, 0.02, 0.2][self.dice.below(4) as usize],
            way: Vec::new(),
            last: None,
            heard_ms: 0,
            ticks: 0,
        };
        self.phones.insert(key, phone);
    }

    fn setting(&mut self, codec: Codec) -> Setting {
        let ptime = [10, 20, 20, 20, 30, 40, 60][self.dice.below(7) as usize];
        Setting {
            format: Format::new(codec, ptime),
            payload_type: payload_type(codec),
            digits: Some(DIGITS),
            level: None,
            inband_digits: self.dice.one_in(8),
            sends: true,
            receives: true,
        }
    }

    /// Something happens to somebody.
    fn happen(&mut self) {
        if self.phones.len() < MEMBERS && self.dice.one_in(5) {
            self.join();
        }
        let count = self.phones.len() as u64;
        if count == 0 {
            return;
        }
        let nth = self.dice.below(count) as usize;
        let key = *self.phones.keys().nth(nth).expect("there are so many");
        let act = self.dice.below(400);
        let coin = self.dice.one_in(2);
        let sounds = vec![self.prompt.clone()];
        match act {
            0..8 => {
                self.room.remove(key).expect("he is here");
                self.phones.remove(&key);
                return;
            }
            8 => self.room.play(sounds.clone(), 0),
            9 => self.room.play_music(sounds.clone()),
            10 => self.room.stop(),
            11 => self.room.set_tapped(coin),
            12 => self.room.suppress_noise(coin),
            13 => {
                // Taken out and put back, as into another room.
                let leg = self.room.remove(key).expect("he is here");
                self.room.insert(key, leg);
            }
            14 => self.room.skip_frames(2),
            _ => {}
        }
        let codec = CODECS[self.dice.below(4) as usize];
        let setting = self.setting(codec);
        let (now, gain) = (self.at(self.now), self.dice.share() as f32 * 40.0 - 20.0);
        let leg = self.room.leg(key).expect("he is here");
        let phone = self.phones.get_mut(&key).expect("he is here");
        match act {
            20 => leg.set_muted(coin),
            21 => leg.set_deaf(coin),
            22 => leg.set_hearing(coin, true),
            23 => leg.set_gain(gain),
            24 => leg.set_volume(gain),
            25 => leg.set_volume(0.0),
            26 => leg.play(sounds, 7),
            27 => leg.skip(),
            28 => _ = leg.press('5'),
            29 | 30 => {
                leg.configure(setting, now);
                (phone.codec, phone.heard_ms, phone.ticks) = (codec, 0, 0);
            }
            31 => phone.ssrc = phone.ssrc.wrapping_add(1),
            32 => phone.sequence = phone.sequence.wrapping_add(9_000),
            33 => phone.timestamp = phone.timestamp.wrapping_add(1 << 30),
            // Away for a while, and all at once.
            34 => phone.leaves += 3_000.0,
            35 => phone.way.iter_mut().for_each(|(when, _)| *when += 150.0),
            36..60 => phone.speaks = coin && act < 48,
            _ => {}
        }
    }

    /// What leaves the phones until now is under way, and what has come is taken.
    fn carry(&mut self) {
        let mut come: Vec<(f64, LegKey, Vec<u8>)> = Vec::new();
        for (&key, phone) in &mut self.phones {
            while phone.leaves <= self.now {
                let datagram = phone.say(&self.streams, &mut self.dice);
                let lost = self.dice.share() < phone.loss;
                let when = phone.leaves + self.dice.share() * phone.jitter;
                if !lost {
                    phone.way.push((when, datagram.clone()));
                }
                // Now and then twice, and now and then broken.
                if self.dice.one_in(200) {
                    phone.way.push((when + 1.0, datagram.clone()));
                }
                if self.dice.one_in(200) {
                    let mut broken = datagram;
                    let at = self.dice.below(broken.len() as u64) as usize;
                    broken[at] ^= 1 << self.dice.below(8);
                    phone.way.push((when, broken));
                }
                phone.leaves += 20.0 * (1.0 - phone.ppm / 1e6);
            }
            let arrived = phone.way.extract_if(.., |(when, _)| *when <= self.now);
            come.extend(arrived.map(|(when, datagram)| (when, key, datagram)));
        }
        come.sort_by(|a, b| a.0.total_cmp(&b.0));
        for (when, key, datagram) in come {
            let at = self.at(when);
            self.room
                .leg(key)
                .expect("he is here")
                .on_rtp(&datagram, at);
        }
    }

    fn tick(&mut self) {
        let now = self.at(self.now);
        let phones = &mut self.phones;
        for phone in phones.values_mut() {
            phone.ticks += 1;
        }
        self.room.tick(now, |key, header, payload| {
            let datagram = [&header[..], payload].concat();
            let packet = Packet::parse(&datagram).expect("ours is RTP");
            let phone = phones.get_mut(&key).expect("he is here");
            let sequence = packet.header.sequence;
            assert!(
                phone
                    .last
                    .is_none_or(|last| sequence == last.wrapping_add(1)),
                "a gap in what {key} gets"
            );
            phone.last = Some(sequence);
            phone.heard_ms += match phone.codec {
                _ if packet.header.payload_type == DIGITS => 0,
                Codec::Opus => 0,
                Codec::Pcmu | Codec::Pcma | Codec::G722 => payload.len() as u64 / 8,
            };
        });
        let mut events = 0;
        self.room.drain_events(|_, _| events += 1);
        assert!(events <= 8 * self.phones.len(), "{events} events in a tick");
        while self.room.poll_finished().is_some() {}
        let mut mixes = 0;
        self.room.tapped(|who, samples| {
            mixes += usize::from(who.is_none());
            assert!(samples.iter().all(|sample| sample.is_finite()));
        });
        assert!(mixes <= 1);
        let report = &mut self.report;
        self.room.for_each_leg(|key, leg| {
            if leg.poll_rtcp(now, report) {
                let copy = report.clone();
                leg.on_rtcp(&copy, now);
            }
            let delay = leg.playout().map_or(0.0, |playout| playout.delay_ms());
            assert!(delay <= CAP + 60.0, "{key} is {delay} ms late");
        });
        let pace = self.room.pace().as_secs_f64() * 1_000.0;
        assert!((18.9..=21.1).contains(&pace), "{pace} ms to the next tick");
        self.now += pace;
    }

    /// Whoever gets G.711 or G.722 got 20 ms in each tick, but for what his last packet still lacks
    /// and for key presses, which take the place of audio.
    fn judge(&self) {
        for (key, phone) in &self.phones {
            if phone.codec != Codec::Opus && phone.ticks > 50 {
                let due = phone.ticks * 20;
                assert!(
                    phone.heard_ms <= due + 60,
                    "{key}: {} of {due} ms",
                    phone.heard_ms
                );
                let least = due - due / 20 - 400;
                assert!(
                    phone.heard_ms >= least,
                    "{key}: {} of {due} ms",
                    phone.heard_ms
                );
            }
        }
    }
}

impl Phone {
    /// The next packet: mostly audio, sometimes comfort noise or a key.
    fn say(&mut self, streams: &[[Vec<Vec<u8>>; 2]], dice: &mut Dice) -> Vec<u8> {
        let nth = CODECS.iter().position(|codec| *codec == self.codec);
        let [voice, noise] = &streams[nth.expect("it is one of them")];
        self.at = (self.at + 1) % CIRCLE;
        let audio = if self.speaks { voice } else { noise };
        let (payload_type, payload) = match dice.below(100) {
            0 => (NOISE, vec![60]),
            1 => (DIGITS, vec![dice.below(16) as u8, 0x80, 3, 32]),
            _ => (payload_type(self.codec), audio[self.at].clone()),
        };
        let header = Header {
            marker: false,
            payload_type,
            sequence: self.sequence,
            timestamp: self.timestamp,
            ssrc: self.ssrc,
        };
        self.sequence = self.sequence.wrapping_add(1);
        self.timestamp = self.timestamp.wrapping_add(self.codec.clock_rate() / 50);
        [&header.to_bytes()[..], &payload].concat()
    }
}

/// A circle of packets: a hum that wavers as syllables do, under noise.
fn payloads(codec: Codec, amplitude: f64) -> Vec<Vec<u8>> {
    let rate = f64::from(codec.sample_rate());
    let samples = codec.sample_rate() as usize / 50;
    let mut encoder = Encoder::new(codec).expect("there is memory");
    let mut dice = Dice(1);
    (0..CIRCLE)
        .map(|frame| {
            let audio: Vec<i16> = (0..samples)
                .map(|i| {
                    let t = (frame * samples + i) as f64 / rate;
                    let syllable = (t * 4.0 * std::f64::consts::TAU).sin().max(0.0);
                    let voice = (t * 200.0 * std::f64::consts::TAU).sin() * syllable;
                    (amplitude * (voice + 0.1 * (dice.share() - 0.5))) as i16
                })
                .collect();
            let mut payload = Vec::new();
            encoder.encode(&audio, &mut payload);
            payload
        })
        .collect()
}

fn payload_type(codec: Codec) -> u8 {
    codec.static_payload_type().unwrap_or(111)
}

#[test]
fn whatever_happens_everybody_gets_his_audio_and_memory_stays_what_it_was() {
    let minutes: u64 = std::env::var("SOAK_MINUTES")
        .ok()
        .and_then(|told| told.parse().ok())
        .unwrap_or(3);
    let mut soak = Soak::new();
    let before = LIVE.with(Cell::get);
    for minute in 0..minutes {
        for _ in 0..3_000 {
            soak.happen();
            soak.carry();
            soak.tick();
        }
        soak.judge();
        let taken = LIVE.with(Cell::get) - before;
        assert!(
            taken < MEMBERS as isize * MEMBER,
            "{taken} bytes after minute {minute}"
        );
    }
    assert!(soak.next_key > minutes * 40, "hardly anybody came");
    for key in soak.phones.keys() {
        soak.room.remove(*key);
    }
    soak.phones.clear();
    soak.room.stop();
    soak.room.suppress_noise(false);
    for _ in 0..600 {
        soak.tick();
    }
    // What the empty room keeps are its mixes and the plans of the noise suppressor.
    let left = LIVE.with(Cell::get) - before;
    assert!(left < 1_024 * 1_024, "{left} bytes are left");
}
