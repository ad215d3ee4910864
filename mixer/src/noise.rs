//! Taking noise out of a voice: fans, streets and keyboards, in rooms that ask for it.
//!
//! The work is done by RNNoise (the crate `nnnoiseless`): it looks at 10 ms of 48 kHz at a time, lets a
//! small recurrent network guess how much of each of 22 bands is speech, and turns the rest
//! down. A frame of the mixer is two of its own, so nothing waits for a frame to fill.
//!
//! **Delay**: one frame of the network, 10 ms, since each overlaps the next; and where a voice is
//! not at 48 kHz, half of what its way up looks at: 0.25 ms from 16 kHz, 0.5 ms from 8 kHz. The way down
//! costs none: the way up *interpolates*, so every third or sixth sample is one that came, and to take just
//! those gives back what was not changed, without a filter.
//!
//! **Cost**: about 0.14 ms for each frame of 20 ms of each voice, and 35 KiB. So only those are cleaned who may
//! be heard (`leg/cleaning.rs`). Once it is made nothing is allocated.
//!
//! Turned on or off while somebody speaks, one fades into the other within a frame.
//!
//! **What it does**, to espeak-ng's voice at -22 dBov in white and pink noise (2026-11-25): where speech and noise
//! are 7 dB apart, they are 11 to 15 dB apart afterwards; at 1 dB, 7 to 12; the speech is as loud as before to within 1 dB,
//! and in its pauses the noise falls by 14 to 27 dB. A clean voice is changed by what lies 20 dB below it. A steady
//! tone is left alone; music may not be.

use std::fmt;

use nnnoiseless::DenoiseState;

use crate::receive::Frame;
use crate::resample::{dot, kaiser, sinc};

/// What the network works at, samples a second, and how much of it at a time.
const RATE: u32 = 48_000;
const PIECE: usize = DenoiseState::FRAME_SIZE;
/// How many samples the way up looks at.
const SPAN: usize = 8;

/// The state for one voice.
pub struct Suppressor {
    network: Box<DenoiseState<'static>>,
    way_up: WayUp,
    raised: Vec<f32>,
    cleaned: Vec<f32>,
    /// Frame by frame what is to be heard, at the voice's rate. Empty if it was not asked.
    out: Vec<f32>,
    /// How much of what is heard is cleaned, 0 to 1.
    share: f32,
}

impl Suppressor {
    /// For a voice of this rate. `heard` as it came so far, it fades into the cleaned one.
    pub fn new(rate: u32, heard: bool) -> Self {
        let frame = RATE as usize / 50;
        let mut network = DenoiseState::new();
        // The transforms are planned at their first use on each thread.
        network.process_frame(&mut [0.0; PIECE], &[0.0; PIECE]);
        Self {
            network,
            way_up: WayUp::new(rate),
            raised: Vec::with_capacity(frame),
            cleaned: vec![0.0; frame],
            out: Vec::with_capacity(frame),
            share: if heard { 0.0 } else { 1.0 },
        }
    }

    /// Takes 20 ms of the voice: [`Suppressor::frame`] is then what is to be heard of it, cleaned
    /// if so `wished`.
    pub fn process(&mut self, frame: Frame<'_>, wished: bool) {
        if self.way_up.rate != frame.rate {
            self.way_up = WayUp::new(frame.rate);
        }
        self.way_up.process(frame.samples, &mut self.raised);
        self.cleaned.resize(self.raised.len(), 0.0);
        let (pieces, _) = self.raised.as_chunks::<PIECE>();
        let (outs, _) = self.cleaned.as_chunks_mut::<PIECE>();
        for (piece, out) in pieces.iter().zip(outs) {
            self.network.process_frame(out, piece);
        }
        let ratio = self.way_up.ratio;
        self.out.clear();
        self.out.extend(self.cleaned.iter().step_by(ratio).copied());

        let goal = if wished { 1.0 } else { 0.0 };
        if self.share < 1.0 || goal < 1.0 {
            // In the second half: in the first the network may still know nothing of this voice.
            let half = self.out.len() / 2;
            let step = (goal - self.share) / half.max(1) as f32;
            for (n, (out, raw)) in self.out.iter_mut().zip(frame.samples).enumerate() {
                let share = self.share + step * n.saturating_sub(half) as f32;
                *out = raw + (*out - raw) * share;
            }
            self.share = goal;
        }
    }

    /// There is nothing to clean in this frame: what comes next begins after a gap.
    pub fn pass(&mut self) {
        self.out.clear();
    }

    /// The frame processed last, if it was this one.
    pub fn frame(&self) -> Option<Frame<'_>> {
        (!self.out.is_empty()).then(|| Frame {
            rate: self.way_up.rate,
            samples: &self.out,
        })
    }

    /// What is heard is as it came.
    pub fn is_out(&self) -> bool {
        self.share == 0.0
    }
}

/// A network is nothing to look at.
impl fmt::Debug for Suppressor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Suppressor")
            .field("rate", &self.way_up.rate)
            .field("share", &self.share)
            .finish_non_exhaustive()
    }
}

/// From a voice's rate to the network's, through every sample that came.
///
/// [`resample`](crate::resample) has the longer filter, for what is to be heard; here what it
/// leaves above half the voice's rate folds back to where it came from.
struct WayUp {
    rate: u32,
    ratio: usize,
    /// For each place between two samples, what the samples around it weigh.
    phases: Vec<[f32; SPAN]>,
    history: Vec<f32>,
}

impl WayUp {
    fn new(rate: u32) -> Self {
        let ratio = (RATE / rate.max(1)).max(1) as usize;
        let middle = SPAN as f64 / 2.0;
        let phases = (0..ratio).map(|phase| {
            let at = middle - 1.0 + phase as f64 / ratio as f64;
            let taps: [f64; SPAN] =
                std::array::from_fn(|n| sinc(at - n as f64) * kaiser((at - n as f64) / middle));
            let sum: f64 = taps.iter().sum();
            taps.map(|tap| (tap / sum) as f32)
        });
        let mut history = Vec::with_capacity(RATE as usize / 50 / ratio + SPAN);
        history.resize(SPAN - 1, 0.0);
        Self {
            rate,
            ratio,
            phases: phases.collect(),
            history,
        }
    }

    fn process(&mut self, frame: &[f32], out: &mut Vec<f32>) {
        out.clear();
        if self.ratio == 1 {
            out.extend_from_slice(frame);
            return;
        }
        self.history.extend_from_slice(frame);
        for window in self.history.windows(SPAN) {
            out.extend(self.phases.iter().map(|phase| dot(window, phase)));
        }
        let done = self.history.len() - (SPAN - 1);
        self.history.drain(..done);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::{Codec, Decoder};
    use crate::level::dbov;
    use crate::resample::Resampler;
    use crate::testing::{Tone, noise, pink_noise, speech};

    const RATES: [u32; 3] = [8_000, 16_000, 48_000];

    /// What is heard of a signal, the first `raw` frames of which nobody wished to be cleaned.
    fn heard(rate: u32, signal: &[f32], raw: usize) -> Vec<f32> {
        let mut suppressor = Suppressor::new(rate, raw > 0);
        let mut heard = Vec::new();
        for (n, samples) in signal.chunks_exact(rate as usize / 50).enumerate() {
            suppressor.process(Frame { rate, samples }, n >= raw);
            heard.extend_from_slice(suppressor.frame().unwrap().samples);
        }
        heard
    }

    /// How late what is heard is, in samples.
    fn lateness(rate: u32) -> usize {
        let early = if rate == RATE { 0 } else { SPAN / 2 };
        rate as usize / 100 + early
    }

    fn sum(a: &[f32], b: &[f32]) -> Vec<f32> {
        a.iter().zip(b).map(|(a, b)| a + b).collect()
    }

    /// How much of what is heard is what was said, in dB, whatever its loudness.
    fn snr(said: &[f32], heard: &[f32]) -> f32 {
        let product = |a: &[f32], b: &[f32]| -> f64 {
            let products = a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b));
            products.sum()
        };
        let share = product(said, heard).powi(2) / product(said, said);
        (10.0 * (share / (product(heard, heard) - share)).log10()) as f32
    }

    /// Eight seconds of espeak-ng's voice, its sentences apart by pauses.
    fn voice(rate: u32) -> Vec<f32> {
        let mut decoder = Decoder::new(Codec::G722).unwrap();
        let mut said = Vec::new();
        let payload = include_bytes!("../tests/data/speech.g722");
        decoder.decode(payload, &mut said).unwrap();
        raised(&said, 16_000, rate)
    }

    fn raised(signal: &[f32], from: u32, to: u32) -> Vec<f32> {
        let Some(mut resampler) = Resampler::new(from, to) else {
            return signal.to_vec();
        };
        let mut frame = Vec::new();
        let mut all = Vec::new();
        for part in signal.chunks_exact(from as usize / 50) {
            resampler.process(part, &mut frame);
            all.extend_from_slice(&frame);
        }
        all
    }

    /// No room has noise beyond 8 kHz to speak of.
    fn noises(rate: u32, samples: usize, amplitude: f32) -> [(&'static str, Vec<f32>); 2] {
        let (own, ratio) = (rate.min(16_000), rate.max(16_000) / 16_000);
        let own_samples = samples / ratio as usize + own as usize;
        let of = |signal: Vec<f32>| raised(&signal, own, rate)[..samples].to_vec();
        [
            ("white", of(noise(own_samples, amplitude))),
            ("pink", of(pink_noise(own_samples, amplitude))),
        ]
    }

    #[test]
    fn speech_in_noise_gets_clearer_and_stays_as_loud() {
        for rate in RATES {
            let said = voice(rate);
            let from = rate as usize;
            for (colour, noise) in noises(rate, said.len(), 3_000.0) {
                let came = sum(&said, &noise);
                let heard = heard(rate, &came, 0);
                let late = lateness(rate);
                let before = snr(&said[from..], &came[from..]);
                let after = snr(&said[from..said.len() - late], &heard[from + late..]);
                println!("{colour} at {rate}: {before:.1} to {after:.1} dB");
                assert!(
                    after > before + 4.0,
                    "{colour} at {rate}: {before} to {after}"
                );
                let louder = dbov(&heard[from..]) - dbov(&said[from..]);
                assert!(louder.abs() < 3.0, "{colour} at {rate}: {louder} dB louder");
            }
        }
    }

    #[test]
    fn where_nobody_speaks_noise_falls_by_far_and_silence_stays_silence() {
        for rate in RATES {
            let samples = 6 * rate as usize;
            let from = 2 * rate as usize;
            for (colour, noise) in noises(rate, samples, 600.0) {
                let left = heard(rate, &noise, 0);
                let fell = dbov(&noise[from..]) - dbov(&left[from..]);
                println!("{colour} at {rate} falls by {fell:.1} dB");
                assert!(fell > 12.0, "{colour} at {rate}: {fell} dB");
            }
            let nothing = heard(rate, &vec![0.0; samples], 0);
            assert!(nothing.iter().all(|s| s.abs() < 0.5), "at {rate}");
        }
    }

    #[test]
    fn a_voice_comes_ten_milliseconds_later_and_the_half_of_the_way_up() {
        for (rate, ms) in [(48_000, 10.0), (16_000, 10.25), (8_000, 10.5)] {
            let said = speech(rate, 4);
            let heard = heard(rate, &said, 0);
            let from = 2 * rate as usize;
            let likeness = |late: usize| -> f32 {
                let pairs = said[from..from + rate as usize]
                    .iter()
                    .zip(&heard[from + late..]);
                pairs.map(|(a, b)| a * b).sum()
            };
            let late = (0..rate as usize / 40)
                .max_by(|a, b| likeness(*a).total_cmp(&likeness(*b)))
                .unwrap();
            assert_eq!(late, lateness(rate));
            assert_eq!(late as f32 * 1_000.0 / rate as f32, ms);
        }
    }

    #[test]
    fn what_is_not_changed_comes_back_as_it_came() {
        for rate in [8_000, 16_000] {
            let said = speech(rate, 1);
            let mut way_up = WayUp::new(rate);
            let (mut back, mut raised) = (Vec::<f32>::new(), Vec::new());
            for frame in said.chunks_exact(rate as usize / 50) {
                way_up.process(frame, &mut raised);
                assert_eq!(raised.len(), RATE as usize / 50);
                back.extend(raised.iter().step_by(way_up.ratio));
            }
            for (came, back) in said.iter().zip(&back[SPAN / 2..]) {
                assert!((came - back).abs() < 0.01, "{came} became {back}");
            }
        }
    }

    #[test]
    fn turning_it_on_and_off_while_somebody_speaks_makes_no_click() {
        let rate = 8_000;
        // A note, for it passes as it is: what is not smooth in it comes of the change.
        let note = Tone::new(rate, 437.0, 8_000.0).frame(16_000);
        let steepest = |signal: &[f32]| {
            let steps = signal.windows(3).map(|w| (w[2] - 2.0 * w[1] + w[0]).abs());
            steps.fold(0.0, f32::max)
        };
        let usual = steepest(&note[1_600..]);
        for turned in [20, 33, 50] {
            let on = heard(rate, &note, turned);
            let steep = steepest(&on[1_600..]);
            assert!(
                steep < usual * 1.5,
                "turned on: {steep} where {usual} is usual"
            );
        }
        let mut suppressor = Suppressor::new(rate, false);
        let mut off = Vec::new();
        for (n, samples) in note.chunks_exact(160).enumerate() {
            suppressor.process(Frame { rate, samples }, n < 40);
            off.extend_from_slice(suppressor.frame().unwrap().samples);
        }
        let steep = steepest(&off[1_600..]);
        assert!(
            steep < usual * 1.5,
            "turned off: {steep} where {usual} is usual"
        );
        assert!(suppressor.is_out());
        assert_eq!(off[6_600..], note[6_600..]);
    }
}
