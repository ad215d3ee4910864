//! A sender, a network and a playout on virtual time.

use std::time::{Duration, Instant};

use super::buffer::Content;
use super::playout::{CAP, Playout};
use crate::codec::{Codec, Encoder};
use crate::rtp::Header;
use crate::testing::{Tone, share_at, spectral_distance, speech};

/// A caller who sends a tone; the network decides what arrives, and when.
struct Caller {
    start: Instant,
    codec: Codec,
    encoder: Encoder,
    says: Says,
    sent: u32,
    ptime: u32,
    ppm: f64,
}

enum Says {
    Tone(Tone),
    Speech(Vec<f32>),
}

impl Says {
    /// The packet of this number.
    fn packet(&mut self, nth: usize, samples: usize) -> Vec<i16> {
        match self {
            Says::Tone(tone) => tone.frame_i16(samples),
            Says::Speech(speech) => speech[nth * samples..][..samples]
                .iter()
                .map(|&sample| sample as i16)
                .collect(),
        }
    }
}

const FREQUENCY: f32 = 440.0;

impl Caller {
    fn new(codec: Codec) -> Self {
        Self {
            start: crate::testing::an_instant(),
            codec,
            encoder: Encoder::new(codec).unwrap(),
            says: Says::Tone(Tone::new(codec.sample_rate(), FREQUENCY, 8_000.0)),
            sent: 0,
            ptime: 20,
            ppm: 0.0,
        }
    }

    /// Hears `frames` frames; each packet comes as late (ms) as `network` says, or never.
    fn hear(
        &mut self,
        playout: &mut Playout,
        frames: u32,
        mut network: impl FnMut(u32) -> Option<f64>,
    ) -> Vec<f32> {
        let mut way: Vec<(f64, Header, Vec<u8>)> = Vec::new();
        let mut heard = Vec::new();
        for frame in 0..frames {
            let now_ms = f64::from(frame) * 20.0 + 7.0;
            loop {
                let sent_ms = f64::from(self.sent * self.ptime) * (1.0 - self.ppm / 1e6);
                if sent_ms > now_ms {
                    break;
                }
                let packet = self.packet();
                if let Some(late) = network(self.sent) {
                    way.push((sent_ms + late, packet.0, packet.1));
                }
                self.sent += 1;
            }
            way.sort_by(|a, b| a.0.total_cmp(&b.0));
            while way.first().is_some_and(|p| p.0 <= now_ms) {
                let (at, header, payload) = way.remove(0);
                let samples = crate::codec::samples_in(self.codec, &payload).unwrap();
                let content = Content::Audio {
                    codec: self.codec,
                    samples,
                };
                playout.on_packet(&header, content, &payload, self.at(at));
            }
            match playout.pull(self.at(now_ms)) {
                Some(frame) => {
                    assert_eq!(frame.rate, self.codec.sample_rate());
                    assert_eq!(frame.samples.len(), frame.rate as usize / 50);
                    heard.extend_from_slice(frame.samples);
                }
                None => heard.extend(vec![0.0; self.codec.sample_rate() as usize / 50]),
            }
        }
        heard
    }

    fn packet(&mut self) -> (Header, Vec<u8>) {
        let samples = self.codec.sample_rate() * self.ptime / 1_000;
        let mut payload = Vec::new();
        let said = self.says.packet(self.sent as usize, samples as usize);
        self.encoder.encode(&said, &mut payload);
        let header = Header {
            marker: self.sent == 0,
            payload_type: 0,
            sequence: 65_000u32.wrapping_add(self.sent) as u16,
            timestamp: (self.sent * (self.codec.clock_rate() * self.ptime / 1_000))
                .wrapping_sub(50_000),
            ssrc: 1,
        };
        (header, payload)
    }

    fn at(&self, ms: f64) -> Instant {
        self.start + Duration::from_secs_f64(ms / 1_000.0)
    }
}

/// The worst 100 ms: the least share of the tone in any of them.
fn purity(heard: &[f32], rate: u32) -> f32 {
    heard
        .chunks_exact(rate as usize / 10)
        .map(|part| share_at(part, rate, FREQUENCY))
        .fold(1.0, f32::min)
}

fn after(heard: &[f32], rate: u32, seconds: f32) -> &[f32] {
    &heard[(rate as f32 * seconds) as usize..]
}

/// An even, repeatable scatter over 0..1.
fn scatter(i: u32) -> f64 {
    f64::from(i.wrapping_mul(2_654_435_761) >> 8) / f64::from(1u32 << 24)
}

#[test]
fn a_tone_passes_without_a_click_in_every_codec_and_packet_length() {
    for codec in [Codec::Pcmu, Codec::Pcma, Codec::G722, Codec::Opus] {
        for ptime in [10, 20, 30, 40, 60] {
            if codec == Codec::Opus && ptime == 30 {
                continue; // no such Opus frame
            }
            let mut caller = Caller::new(codec);
            caller.ptime = ptime;
            let mut playout = Playout::default();
            let heard = caller.hear(&mut playout, 500, |_| Some(0.0));

            let steady = after(&heard, codec.sample_rate(), 1.0);
            let purity = purity(steady, codec.sample_rate());
            assert!(purity > 0.995, "{codec:?} in {ptime} ms packets: {purity}");
            assert!(playout.delay_ms() < 30.0 + f64::from(ptime));
        }
    }
}

#[test]
fn on_a_clean_network_delay_is_less_than_a_packet() {
    let mut playout = Playout::default();
    Caller::new(Codec::Pcmu).hear(&mut playout, 500, |_| Some(0.0));

    assert!(playout.delay_ms() < 20.0, "{} ms", playout.delay_ms());
    assert_eq!(playout.counters().late, 0);
}

#[test]
fn under_jitter_the_tone_still_passes_and_delay_fits_the_jitter() {
    for (jitter, most) in [(20.0, 50.0), (80.0, 115.0)] {
        let mut playout = Playout::default();
        let mut caller = Caller::new(Codec::Pcmu);
        let heard = caller.hear(&mut playout, 1_500, |i| Some(scatter(i) * jitter));

        let clean = after(&heard, 8_000, 10.0)
            .chunks_exact(800)
            .filter(|part| share_at(part, 8_000, FREQUENCY) > 0.95)
            .count();
        assert!(clean >= 180, "{clean} of 200 parts under {jitter} ms");
        assert!(
            playout.delay_ms() < most,
            "{} ms under {jitter}",
            playout.delay_ms()
        );
    }
}

#[test]
fn after_a_stall_the_delay_is_back_to_normal_at_once() {
    let mut playout = Playout::default();
    let mut caller = Caller::new(Codec::Pcmu);
    // Nothing between 20.0 and 20.2 s; then all of it at once.
    caller.hear(&mut playout, 1_030, |i| {
        let sent = f64::from(i) * 20.0;
        Some(if (20_000.0..20_200.0).contains(&sent) {
            20_200.0 - sent
        } else {
            0.0
        })
    });

    assert!(playout.delay_ms() < 30.0, "{} ms", playout.delay_ms());
    assert!(playout.counters().dropped >= 5);
}

#[test]
fn a_stall_of_our_own_leaves_no_delay_behind() {
    let mut playout = Playout::default();
    let mut caller = Caller::new(Codec::G722);
    caller.hear(&mut playout, 200, |_| Some(0.0));
    // Our thread was away for 100 ms: five frames were never pulled.
    for i in 0..50 {
        let now = 4_100.0 + f64::from(i) * 20.0 + 7.0;
        while f64::from(caller.sent) * 20.0 <= now {
            let (header, payload) = caller.packet();
            let content = Content::Audio {
                codec: Codec::G722,
                samples: 320,
            };
            let at = caller.at(f64::from(caller.sent) * 20.0);
            playout.on_packet(&header, content, &payload, at);
            caller.sent += 1;
        }
        playout.pull(caller.at(now));
    }

    assert!(playout.delay_ms() < 30.0, "{} ms", playout.delay_ms());
}

#[test]
fn lost_packets_are_bridged_without_holes() {
    // libopus fades a pure tone sooner than speech: it takes it for a rare kind of noise.
    for (codec, faint, least) in [
        (Codec::Pcmu, -30.0, 0.9),
        (Codec::G722, -30.0, 0.9),
        (Codec::Opus, -45.0, 0.8),
    ] {
        let mut playout = Playout::default();
        let heard = Caller::new(codec).hear(&mut playout, 1_000, |i| {
            (i < 100 || scatter(i) > 0.05).then_some(0.0)
        });

        let rate = codec.sample_rate();
        let silent = after(&heard, rate, 1.0)
            .chunks_exact(rate as usize / 100)
            .filter(|part| crate::level::dbov(part) < faint)
            .count();
        let share = share_at(after(&heard, rate, 1.0), rate, FREQUENCY);
        assert!(silent <= 4, "{codec:?}: {silent} silent parts of 10 ms");
        assert!(share > least, "{codec:?}: {share}");
        assert!(
            playout.delay_ms() < 45.0,
            "{codec:?}: {} ms",
            playout.delay_ms()
        );
        assert!(playout.counters().concealed >= 20);
    }
}

#[test]
fn packets_out_of_order_are_put_right() {
    let mut playout = Playout::default();
    let mut caller = Caller::new(Codec::Pcma);
    let heard = caller.hear(&mut playout, 1_000, |i| {
        Some(if i % 5 == 0 { 25.0 } else { 0.0 })
    });

    assert!(purity(after(&heard, 8_000, 8.0), 8_000) > 0.99);
}

#[test]
fn a_drifting_clock_costs_neither_gaps_nor_delay() {
    for ppm in [-200.0, 200.0] {
        let mut caller = Caller::new(Codec::Pcmu);
        caller.ppm = ppm;
        let mut playout = Playout::default();
        let heard = caller.hear(&mut playout, 30_000, |_| Some(0.0));

        assert!(
            playout.delay_ms() < 60.0,
            "{ppm} ppm: {} ms",
            playout.delay_ms()
        );
        let frequency = FREQUENCY * (1.0 + ppm as f32 / 1e6);
        let worst = after(&heard, 8_000, 30.0)
            .chunks_exact(800)
            .map(|part| share_at(part, 8_000, frequency))
            .fold(1.0, f32::min);
        assert!(worst > 0.99, "{ppm} ppm: {worst}");
        assert!(
            playout.counters().concealed <= 1,
            "{ppm} ppm: {:?}",
            playout.counters()
        );
    }
}

#[test]
fn a_bad_line_stays_intelligible_for_ten_minutes() {
    let mut caller = Caller::new(Codec::Pcmu);
    caller.ppm = 120.0;
    let mut playout = Playout::default();
    let heard = caller.hear(&mut playout, 30_000, |i| {
        (scatter(i.wrapping_mul(7)) > 0.02).then(|| scatter(i) * 20.0)
    });

    assert!(playout.delay_ms() < 70.0, "{} ms", playout.delay_ms());
    let silent = after(&heard, 8_000, 2.0)
        .chunks_exact(80)
        .filter(|part| crate::level::dbov(part) < -30.0)
        .count();
    assert!(silent < 120, "{silent} of 60000 parts of 10 ms are silent");
    let counters = playout.counters();
    assert!(counters.concealed < 1_200, "{counters:?}");
}

#[test]
fn delay_never_exceeds_the_cap() {
    let mut playout = Playout::default();
    let mut caller = Caller::new(Codec::Pcmu);
    for round in 0..10 {
        caller.hear(&mut playout, 100, |i| Some(scatter(i ^ round) * 600.0));
        assert!(
            playout.delay_ms() <= CAP + 20.0,
            "{} ms",
            playout.delay_ms()
        );
    }
}

#[test]
fn silence_suppression_is_no_loss() {
    let mut playout = Playout::default();
    let mut caller = Caller::new(Codec::Pcmu);
    let mut skipped = 0u16;
    for frame in 0..600u32 {
        let now = f64::from(frame) * 20.0 + 7.0;
        let (mut header, payload) = caller.packet();
        caller.sent += 1;
        // Two seconds of speech, one of nothing; the sequence has no gap.
        if frame / 50 % 3 == 2 {
            skipped += 1;
        } else {
            header.sequence = header.sequence.wrapping_sub(skipped);
            let content = Content::Audio {
                codec: Codec::Pcmu,
                samples: 160,
            };
            playout.on_packet(&header, content, &payload, caller.at(now - 7.0));
        }
        playout.pull(caller.at(now));
    }

    let counters = playout.counters();
    assert_eq!((counters.late, counters.dropped), (0, 0));
    assert!(counters.played >= 390, "{counters:?}");
    assert!(playout.delay_ms() < 25.0);
}

/// How much worse 20 s of speech sound for what the network does to them, in dB.
fn damage(codec: Codec, encoder: Encoder, network: fn(u32) -> Option<f64>) -> (f32, f64) {
    let rate = codec.sample_rate();
    let speech = speech(rate, 21);
    let hear = |encoder: Encoder, network: fn(u32) -> Option<f64>| {
        let mut caller = Caller::new(codec);
        caller.encoder = encoder;
        caller.says = Says::Speech(speech.clone());
        let mut playout = Playout::default();
        let heard = caller.hear(&mut playout, 1_000, network);
        (heard, playout.delay_ms())
    };
    let (clean, _) = hear(Encoder::new(codec).unwrap(), |_| Some(0.0));
    let (heard, delay) = hear(encoder, network);
    (spectral_distance(&clean, &heard, rate), delay)
}

#[test]
fn speech_stays_intelligible_when_packets_are_lost() {
    for codec in [Codec::Pcmu, Codec::G722, Codec::Opus] {
        let encoder = || Encoder::new(codec).unwrap();
        let (none, _) = damage(codec, encoder(), |_| Some(0.0));
        // Each twentieth; and 100 ms in each two seconds.
        let (some, _) = damage(codec, encoder(), |i| (scatter(i) > 0.05).then_some(0.0));
        let (bursts, _) = damage(codec, encoder(), |i| (i % 100 > 4).then_some(0.0));
        let (half, _) = damage(codec, encoder(), |i| (scatter(i) > 0.5).then_some(0.0));

        assert!(none < 0.01, "{codec:?}: {none} dB without loss");
        assert!(some < 1.5, "{codec:?}: {some} dB at 5 %");
        assert!(bursts < 1.5, "{codec:?}: {bursts} dB in bursts");
        assert!(
            half > 2.0 * some,
            "{codec:?}: {half} dB at 50 % means the measure is blind"
        );
    }
}

#[test]
fn copies_in_later_packets_mend_what_is_lost_of_opus() {
    let with = Encoder::new(Codec::Opus).unwrap();
    let without = Encoder::Opus(crate::codec::opus::Encoder::without_fec().unwrap());
    let network = |i| (i < 200 || scatter(i) > 0.08).then_some(0.0);
    let (mended, delay) = damage(Codec::Opus, with, network);
    let (concealed, _) = damage(Codec::Opus, without, network);

    assert!(
        mended < 0.85 * concealed,
        "{mended} dB, without {concealed}"
    );
    assert!(delay < 45.0, "{delay} ms");
}

#[test]
fn what_waits_while_the_senders_clock_leaps_is_played_and_counts_as_no_delay() {
    let start = crate::testing::an_instant();
    let mut playout = Playout::default();
    let audio = Content::Audio {
        codec: Codec::Pcmu,
        samples: 160,
    };
    // Packets come in pairs; the second of one pair is of another clock.
    for i in 0..200u32 {
        let leap = if i > 100 { 1 << 30 } else { 0 };
        let header = Header {
            marker: false,
            payload_type: 0,
            sequence: i as u16,
            timestamp: i * 160 + leap,
            ssrc: 1,
        };
        let pair = start + Duration::from_millis(u64::from(i / 2) * 40);
        playout.on_packet(&header, audio, &[0x55; 160], pair);
        if i % 2 == 1 {
            for pulled in [1, 21] {
                playout.pull(pair + Duration::from_millis(pulled));
                let delay = playout.delay_ms();
                assert!((0.0..60.0).contains(&delay), "{delay} ms at packet {i}");
            }
        }
    }

    let counters = playout.counters();
    assert_eq!((counters.dropped, counters.late), (0, 0));
    assert!(counters.played >= 198, "{counters:?}");
}

mod anything {
    use super::*;
    use proptest::prelude::*;

    fn content() -> impl Strategy<Value = Content> {
        prop_oneof![
            Just(Content::Pause),
            Just(Content::Quiet { codec: Codec::Pcmu }),
            Just(Content::Audio {
                codec: Codec::Pcmu,
                samples: 160
            }),
            Just(Content::Audio {
                codec: Codec::G722,
                samples: 320
            }),
            Just(Content::Audio {
                codec: Codec::Opus,
                samples: 960
            }),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn arrives_and_there_is_a_frame(
            packets in prop::collection::vec(
                (0u32..2, 0u16..40, 0u32..40_000, content(), prop::collection::vec(any::<u8>(), 1..200), 0u64..60),
                0..120,
            ),
        ) {
            let mut now = crate::testing::an_instant();
            let mut playout = Playout::default();
            for (ssrc, sequence, timestamp, content, payload, wait) in packets {
                let header = Header { marker: false, payload_type: 0, sequence, timestamp, ssrc };
                let content = match content {
                    Content::Audio { codec, .. } => match crate::codec::samples_in(codec, &payload) {
                        Some(samples) => Content::Audio { codec, samples },
                        None => continue,
                    },
                    Content::Quiet { .. } | Content::Pause => content,
                };
                playout.on_packet(&header, content, &payload, now);
                now += Duration::from_millis(wait);
                if let Some(frame) = playout.pull(now) {
                    prop_assert_eq!(frame.samples.len(), frame.rate as usize / 50);
                    prop_assert!(frame.samples.iter().all(|s| s.is_finite()));
                }
            }
        }
    }
}
