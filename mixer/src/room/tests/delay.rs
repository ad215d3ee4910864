//! How long a syllable takes through a room, from mouth to ear less the two phones.
//!
//! Phones speak syllables that each begin with a hiss of its own; wherever that comes out
//! at a listener, its best match says how old it is. The room ticks when it wants to, and the
//! network brings packets as late as each test says.

use std::collections::VecDeque;

use super::*;

/// Samples a second, and packets of 20 ms of them.
const RATE: f64 = 8_000.0;
const PACKET: usize = 160;
/// A syllable and the pause after it, in packets.
const SYLLABLE: u32 = 14;
const PERIOD: u32 = 20;
/// What is matched: the hiss and a little of the vowel.
const MATCHED: usize = 480;
/// Nothing is looked for beyond this.
const LATEST: f64 = 300.0; // ms
const LISTENER: LegKey = 99;

/// How late a packet is beyond the fastest, in ms, by its number; `None` if it is lost.
type Network = fn(u32) -> Option<f64>;

#[derive(Clone, Copy)]
struct Talker {
    key: LegKey,
    /// When his first packet leaves, in ms.
    phase: f64,
    ppm: f64,
    network: Network,
}

impl Talker {
    fn new(key: LegKey, phase: f64) -> Self {
        Self {
            key,
            phase,
            ppm: 0.0,
            network: |_| Some(0.0),
        }
    }

    fn leaves(&self, packet: u32) -> f64 {
        self.phase + f64::from(packet) * 20.0 * (1.0 - self.ppm / 1e6)
    }

    /// What he says in the packet of this number.
    fn says(&self, packet: u32) -> Vec<f32> {
        let beat = packet + self.key as u32 * 5;
        let (syllable, within) = (beat / PERIOD, beat % PERIOD);
        let mut seed = syllable.wrapping_mul(7_919) ^ (self.key as u32) << 20 ^ within << 8 | 1;
        let pitch = 90.0 + f64::from(syllable.wrapping_mul(37) % 90) + 3.0 * self.key as f64;
        (0..PACKET)
            .map(|i| {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let hiss = (seed >> 16) as f32 / 32_768.0 - 1.0;
                let at = within as usize * PACKET + i;
                if within >= SYLLABLE {
                    return hiss * 8.0;
                }
                let t = at as f64 / RATE * std::f64::consts::TAU * pitch;
                let vowel: f64 = (1..8)
                    .map(|h| (t * f64::from(h)).sin() / f64::from(h))
                    .sum();
                let consonant = if at < 2 * PACKET { 6_000.0 } else { 0.0 };
                hiss * consonant + vowel as f32 * 3_000.0
            })
            .collect()
    }
}

/// How long each syllable took, in ms, with the second it was spoken in.
struct Delays {
    heard: Vec<(f64, f64)>,
    /// Syllables that were not found again.
    missed: usize,
}

impl Delays {
    fn quantile(&self, from_second: f64, share: f64) -> f64 {
        let mut delays: Vec<f64> = self
            .heard
            .iter()
            .filter(|(second, _)| *second >= from_second)
            .map(|(_, delay)| *delay)
            .collect();
        delays.sort_by(f64::total_cmp);
        delays[((delays.len() - 1) as f64 * share).round() as usize]
    }
}

/// What a silent listener heard, and when.
#[derive(Default)]
struct Ear {
    samples: Vec<f32>,
    /// The first sample of each packet, and when it came, in ms.
    packets: Vec<(usize, f64)>,
}

impl Ear {
    fn when(&self, sample: usize) -> f64 {
        let after = self.packets.partition_point(|(first, _)| *first <= sample);
        let (first, arrived) = self.packets[after - 1];
        arrived + (sample - first) as f64 * 1_000.0 / RATE
    }

    /// When this was heard that was said at `said` (ms), if it was.
    fn find(&self, pattern: &[f32], said: f64) -> Option<f64> {
        let begin = self.packets.partition_point(|(_, at)| *at + 20.0 < said);
        let end = self.packets.partition_point(|(_, at)| *at < said + LATEST);
        let (first, _) = *self.packets.get(begin)?;
        let last = self
            .packets
            .get(end)?
            .0
            .min(self.samples.len() - pattern.len());
        let energy = crate::resample::dot(pattern, pattern);
        let (best, alike) = (first..last)
            .map(|at| {
                let part = &self.samples[at..at + pattern.len()];
                let scale = (energy * crate::resample::dot(part, part)).sqrt().max(1.0);
                (at, crate::resample::dot(part, pattern) / scale)
            })
            .max_by(|a, b| a.1.total_cmp(&b.1))?;
        (alike > 0.35).then(|| self.when(best))
    }
}

/// Lets them talk for so long; the thread that ticks is away in the frames (number, ms) of `stall`.
fn talk(talkers: &[Talker], seconds: u32, stall: Option<(f64, f64)>) -> Delays {
    let mut meeting = Meeting::new();
    for talker in talkers {
        meeting.join(talker.key, Codec::Pcmu, 0.0);
    }
    meeting.join(LISTENER, Codec::Pcmu, 0.0);
    let start = meeting.now;
    let at = |ms: f64| start + Duration::from_secs_f64(ms / 1_000.0);

    let mut way: VecDeque<(f64, LegKey, Vec<u8>)> = VecDeque::new();
    let mut sent = vec![0u32; talkers.len()];
    let mut due = 13.0;
    let mut ear = Ear::default();
    while due < f64::from(seconds) * 1_000.0 {
        for (talker, sent) in talkers.iter().zip(&mut sent) {
            while talker.leaves(*sent) <= due {
                let datagram = datagram(talker, *sent);
                if let Some(late) = (talker.network)(*sent) {
                    way.push_back((talker.leaves(*sent) + late, talker.key, datagram));
                }
                *sent += 1;
            }
        }
        way.make_contiguous().sort_by(|a, b| a.0.total_cmp(&b.0));
        let away = stall.map_or(0.0, |(from, length)| {
            if due >= from && due < from + 20.0 {
                length
            } else {
                0.0
            }
        });
        // Away for so long, it skips whole frames and reads what has come meanwhile.
        let missed = (away / 20.0) as u32;
        let now = due + 20.0 * f64::from(missed);
        while way.front().is_some_and(|packet| packet.0 <= now) {
            if let Some((when, key, datagram)) = way.pop_front() {
                meeting.room.leg(key).unwrap().on_rtp(&datagram, at(when));
            }
        }
        if missed > 0 {
            meeting.room.skip_frames(missed);
        }
        meeting.room.tick(at(now), |key, _, payload| {
            if key == LISTENER {
                ear.packets.push((ear.samples.len(), now));
                let heard = payload
                    .iter()
                    .map(|&b| crate::codec::g711::MU_LAW[usize::from(b)]);
                ear.samples.extend(heard.map(f32::from));
            }
        });
        meeting.room.drain_events(|_, _| ());
        due = now + meeting.room.pace().as_secs_f64() * 1_000.0;
    }
    ear.samples = hiss(&ear.samples);
    listen(talkers, &ear, seconds)
}

/// The differences between samples: what hisses stands out, what hums fades.
fn hiss(signal: &[f32]) -> Vec<f32> {
    let before = std::iter::once(&0.0).chain(signal);
    signal
        .iter()
        .zip(before)
        .map(|(now, before)| now - before)
        .collect()
}

fn datagram(talker: &Talker, packet: u32) -> Vec<u8> {
    let header = Header {
        marker: false,
        payload_type: 0,
        sequence: packet as u16,
        timestamp: packet * PACKET as u32,
        ssrc: 1,
    };
    let said = talker.says(packet).into_iter();
    let payload = said.map(|sample| crate::codec::g711::mu_byte(sample as i16));
    header.to_bytes().into_iter().chain(payload).collect()
}

fn listen(talkers: &[Talker], ear: &Ear, seconds: u32) -> Delays {
    let mut delays = Delays {
        heard: Vec::new(),
        missed: 0,
    };
    for talker in talkers {
        let first = PERIOD - talker.key as u32 * 5 % PERIOD;
        for packet in (first..(seconds - 1) * 50).step_by(PERIOD as usize) {
            let said = talker.leaves(packet);
            let pattern: Vec<f32> = (packet..packet + 3).flat_map(|p| talker.says(p)).collect();
            match ear.find(&hiss(&pattern[..MATCHED]), said) {
                Some(heard) => delays.heard.push((said / 1_000.0, heard - said)),
                None => delays.missed += 1,
            }
        }
    }
    delays.heard.sort_by(|a, b| a.0.total_cmp(&b.0));
    delays
}

/// An even, repeatable scatter over 0..1.
fn scatter(i: u32) -> f64 {
    f64::from(i.wrapping_mul(2_654_435_761) >> 8) / f64::from(1u32 << 24)
}

#[test]
fn on_a_clean_network_one_speaker_is_heard_within_two_milliseconds() {
    for phase in [0.0, 3.0, 8.5, 12.7, 14.0, 19.0] {
        let mut talker = Talker::new(1, phase);
        talker.network = |i| Some(scatter(i) * 0.3);
        let delays = talk(&[talker], 30, None);

        let (p50, p99) = (delays.quantile(3.0, 0.5), delays.quantile(3.0, 0.99));
        assert!(p50 <= 1.5 && p99 <= 3.0, "phase {phase}: {p50} / {p99} ms");
        assert_eq!(delays.missed, 0, "phase {phase}");
    }
}

#[test]
fn a_speaker_with_a_clock_of_his_own_is_heard_as_soon() {
    for ppm in [-200.0, -60.0, 60.0, 200.0] {
        let mut talker = Talker::new(1, 11.0);
        talker.ppm = ppm;
        talker.network = |i| Some(scatter(i) * 0.3);
        let delays = talk(&[talker], 120, None);

        let (p50, p99) = (delays.quantile(3.0, 0.5), delays.quantile(3.0, 0.99));
        assert!(p50 <= 1.7 && p99 <= 3.0, "{ppm} ppm: {p50} / {p99} ms");
        assert_eq!(delays.missed, 0, "{ppm} ppm");
    }
}

#[test]
fn of_three_who_speak_at_once_none_waits_for_more_than_a_frame() {
    let talkers = [
        Talker::new(1, 0.0),
        Talker::new(2, 7.0),
        Talker::new(3, 14.0),
    ];
    let delays = talk(&talkers, 30, None);

    let (p50, p99) = (delays.quantile(3.0, 0.5), delays.quantile(3.0, 0.99));
    assert!(p50 <= 10.0 && p99 <= 20.0, "{p50} / {p99} ms");
    assert_eq!(delays.missed, 0);
}

#[test]
fn under_jitter_the_delay_is_what_the_jitter_asks_for() {
    let cases: [(Network, f64, f64); 2] = [
        (|i| Some(scatter(i) * 20.0), 30.0, 45.0),
        (|i| Some(scatter(i) * 80.0), 95.0, 110.0),
    ];
    for (network, half, most) in cases {
        let mut talker = Talker::new(1, 5.0);
        talker.network = network;
        let delays = talk(&[talker], 60, None);

        let (p50, p99) = (delays.quantile(5.0, 0.5), delays.quantile(5.0, 0.99));
        assert!(p50 <= half && p99 <= most, "{p50} / {p99} ms");
        assert!(delays.missed <= 1, "{} missed", delays.missed);
    }
}

#[test]
fn half_a_second_after_a_stall_of_50_ms_the_delay_is_normal() {
    let mut network = Talker::new(1, 5.0);
    // What leaves in 10.00 to 10.05 s comes at 10.05.
    network.network = |i| {
        let leaves = f64::from(i) * 20.0;
        let stalled = (10_000.0..10_050.0).contains(&leaves);
        Some(if stalled { 10_050.0 - leaves } else { 0.0 })
    };
    for (talker, stall) in [
        (network, None),
        (Talker::new(1, 5.0), Some((10_010.0, 50.0))),
    ] {
        let delays = talk(&[talker], 15, stall);

        let after = delays.quantile(10.5, 1.0);
        assert!(after <= 4.0, "{after} ms");
    }
}
