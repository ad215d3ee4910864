//! From one sample rate to another, in the fixed ratios 1:2, 1:3 and 1:6.
//!
//! A polyphase filter: conceptually zeros are put between the samples, a low
//! pass removes the images, and every n-th sample is kept; in effect only the
//! products that are not zero, for samples that are kept, are computed. The low
//! pass is a windowed sinc of 24 samples of the lower rate, so the delay is
//! half of that: 1.5 ms between 8 kHz and anything.
//!
//! The taps are computed once per ratio and shared. No FFT: with frames of 20 ms
//! its blocks would cost delay, and these sums run at several products a cycle.

use std::f64::consts::PI;
use std::sync::LazyLock;

/// Taps per output sample when going up; products per output sample over the ratio when going down.
const SPAN: usize = 24;
/// The cut-off, as a share of the lower rate's half: a narrow way between imaging and dullness.
const CUT_OFF: f64 = 0.90;
/// Kaiser window shape: about 60 dB down.
const BETA: f64 = 5.65;

static BY_2: LazyLock<Vec<f32>> = LazyLock::new(|| low_pass(2));
static BY_3: LazyLock<Vec<f32>> = LazyLock::new(|| low_pass(3));
static BY_6: LazyLock<Vec<f32>> = LazyLock::new(|| low_pass(6));

/// Converts one signal, frame by frame, without a seam.
#[derive(Debug, Clone)]
pub struct Resampler {
    way: Way,
    ratio: usize,
    /// The last inputs, as many as the filter looks back, then room for a frame.
    history: Vec<f32>,
}

#[derive(Debug, Clone, Copy)]
enum Way {
    Up(&'static [f32]),
    Down(&'static [f32]),
}

impl Resampler {
    /// `None` if the rates are equal or in no supported ratio.
    pub fn new(from: u32, to: u32) -> Option<Self> {
        let (high, low) = (from.max(to), from.min(to));
        if !high.is_multiple_of(low) {
            return None;
        }
        let ratio = (high / low) as usize;
        let taps = match ratio {
            2 => &*BY_2,
            3 => &*BY_3,
            6 => &*BY_6,
            _ => return None,
        };
        let (way, back) = if to > from {
            (Way::Up(phases(ratio)), SPAN - 1)
        } else {
            (Way::Down(taps), SPAN * ratio - 1)
        };
        Some(Self {
            way,
            ratio,
            history: vec![0.0; back],
        })
    }

    /// Replaces `out` by the converted frame. Going down, the frame must hold a multiple of the ratio.
    pub fn process(&mut self, frame: &[f32], out: &mut Vec<f32>) {
        out.clear();
        let back = match self.way {
            Way::Up(_) => SPAN - 1,
            Way::Down(_) => SPAN * self.ratio - 1,
        };
        self.history.extend_from_slice(frame);
        match self.way {
            Way::Up(phases) => {
                for window in self.history.windows(SPAN) {
                    for phase in phases.chunks_exact(SPAN) {
                        out.push(dot(window, phase));
                    }
                }
            }
            Way::Down(taps) => {
                let length = taps.len();
                for start in (0..frame.len()).step_by(self.ratio) {
                    // The newest of the group belongs to the output sample.
                    let end = start + self.ratio - 1 + length;
                    if let Some(window) = self.history.get(end - length..end) {
                        out.push(dot(window, taps));
                    }
                }
            }
        }
        let done = self.history.len() - back;
        self.history.drain(..done);
    }
}

/// The sum of products, in lanes the compiler can keep side by side.
pub fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut lanes = [0.0f32; 8];
    let (a_chunks, a_rest) = a.as_chunks::<8>();
    let (b_chunks, b_rest) = b.as_chunks::<8>();
    for (x, y) in a_chunks.iter().zip(b_chunks) {
        for lane in 0..8 {
            lanes[lane] += x[lane] * y[lane];
        }
    }
    let rest: f32 = a_rest.iter().zip(b_rest).map(|(x, y)| x * y).sum();
    lanes.iter().sum::<f32>() + rest
}

/// The prototype at the higher rate; its gain is one for going down.
fn low_pass(ratio: usize) -> Vec<f32> {
    let length = SPAN * ratio;
    let middle = (length - 1) as f64 / 2.0;
    let cut_off = CUT_OFF / ratio as f64;
    let mut taps: Vec<f64> = (0..length)
        .map(|i| {
            let x = i as f64 - middle;
            sinc(x * cut_off) * cut_off * kaiser(x / (middle + 0.5))
        })
        .collect();
    let sum: f64 = taps.iter().sum();
    for tap in &mut taps {
        *tap /= sum;
    }
    taps.into_iter().map(|tap| tap as f32).collect()
}

/// The prototype cut into its phases for going up, each in the order of the inputs it meets.
fn phases(ratio: usize) -> &'static [f32] {
    static PHASES: LazyLock<[Vec<f32>; 3]> = LazyLock::new(|| [2, 3, 6].map(split));
    let index = match ratio {
        2 => 0,
        3 => 1,
        _ => 2,
    };
    &PHASES[index]
}

fn split(ratio: usize) -> Vec<f32> {
    let taps = low_pass(ratio);
    let mut phases = Vec::with_capacity(taps.len());
    for phase in 0..ratio {
        let own: Vec<f32> = (0..SPAN).rev().map(|i| taps[i * ratio + phase]).collect();
        // Each phase alone passes a constant unchanged, so that no hum of the ratio is added.
        let sum: f32 = own.iter().sum();
        phases.extend(own.into_iter().map(|tap| tap / sum));
    }
    phases
}

pub(crate) fn sinc(x: f64) -> f64 {
    if x.abs() < 1e-9 {
        1.0
    } else {
        (PI * x).sin() / (PI * x)
    }
}

/// The Kaiser window at -1..1.
pub(crate) fn kaiser(x: f64) -> f64 {
    bessel(BETA * (1.0 - (x * x).min(1.0)).sqrt()) / bessel(BETA)
}

/// The modified Bessel function of order zero.
fn bessel(x: f64) -> f64 {
    let mut term = 1.0;
    let mut sum = 1.0;
    for k in 1..30 {
        term *= (x / 2.0 / f64::from(k)).powi(2);
        sum += term;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Tone, power_at, share_at};

    fn convert(from: u32, to: u32, frequency: f32) -> Vec<f32> {
        let mut tone = Tone::new(from, frequency, 10_000.0);
        let mut resampler = Resampler::new(from, to).unwrap();
        let mut all = Vec::new();
        let mut out = Vec::new();
        for _ in 0..50 {
            resampler.process(&tone.frame(from as usize / 50), &mut out);
            assert_eq!(out.len(), to as usize / 50);
            all.extend_from_slice(&out);
        }
        all.split_off(to as usize / 10)
    }

    #[test]
    fn a_tone_keeps_its_frequency_and_level_in_every_pair_of_rates() {
        for from in [8_000, 16_000, 48_000] {
            for to in [8_000, 16_000, 48_000] {
                if from == to {
                    continue;
                }
                for frequency in [300.0, 1_000.0, 3_000.0] {
                    let out = convert(from, to, frequency);
                    let rms = power_at(&out, to, frequency).sqrt();
                    assert!(
                        (rms / 10_000.0 - 1.0).abs() < 0.03,
                        "{from} to {to}, {frequency} Hz: {rms}"
                    );
                    let share = share_at(&out, to, frequency);
                    assert!(share > 0.9999, "{from} to {to}, {frequency} Hz: {share}");
                }
            }
        }
    }

    #[test]
    fn what_the_lower_rate_cannot_carry_is_removed() {
        let out = convert(48_000, 8_000, 5_500.0);

        let left = crate::level::dbov(&out);
        assert!(left < -55.0 - 13.0, "{left} dBov are left");
    }
}
