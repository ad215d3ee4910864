//! One source of sound in a room, at whatever rates its listeners need.
//!
//! A source is decoded once at its own rate, scaled by its gain, and converted
//! to each other rate at most once a frame, however many hear it.

use crate::limiter::Limiter;
use crate::resample::Resampler;

/// The sample rates a mix is made at.
pub const RATES: [u32; 3] = [8_000, 16_000, 48_000];

/// The place of a rate in [`RATES`].
pub fn rate_index(rate: u32) -> usize {
    match rate {
        8_000 => 0,
        16_000 => 1,
        _ => 2,
    }
}

/// How fast a source comes in, in ms: fast enough to keep the first consonant.
const RISE_MS: usize = 2;

/// A source's current frame. Silent until the first [`Voice::set`].
#[derive(Debug, Default)]
pub struct Voice {
    rate: u32,
    gain: f32,
    limiter: Limiter,
    frames: [Vec<f32>; 3],
    resamplers: [Option<Box<Resampler>>; 3],
}

impl Voice {
    /// The next frame, to be heard `gain` times as loud. From the last gain to this one
    /// there is a ramp, not a step: up within 2 ms, down within the frame. What is made louder
    /// than it came is kept from being too loud.
    pub fn set(&mut self, rate: u32, samples: &[f32], gain: f32) {
        if self.rate != rate {
            self.rate = rate;
            self.resamplers = [None, None, None];
        }
        for frame in &mut self.frames {
            frame.clear();
        }
        let frame = &mut self.frames[rate_index(rate)];
        if gain == self.gain {
            frame.extend(samples.iter().map(|s| s * gain));
        } else {
            let ramp = if gain > self.gain {
                rate as usize * RISE_MS / 1_000
            } else {
                samples.len()
            };
            let step = (gain - self.gain) / ramp.max(1) as f32;
            frame.extend(samples.iter().enumerate().map(|(i, s)| {
                let now = if i < ramp {
                    self.gain + step * i as f32
                } else {
                    gain
                };
                s * now
            }));
        }
        // As loud as it came it fits: only what is raised is looked at.
        if gain > 1.0 || self.gain > 1.0 {
            self.limiter.limit(frame);
        }
        self.gain = gain;
    }

    /// The gain of the frame set last.
    pub fn gain(&self) -> f32 {
        self.gain
    }

    /// Makes the current frame available at this rate.
    pub fn prepare(&mut self, rate: u32) {
        let (own, wanted) = (rate_index(self.rate), rate_index(rate));
        if self.rate == 0 || own == wanted || !self.frames[wanted].is_empty() {
            return;
        }
        let resampler = match &mut self.resamplers[wanted] {
            Some(resampler) => resampler,
            none => {
                let Some(resampler) = Resampler::new(self.rate, rate) else {
                    return;
                };
                none.insert(Box::new(resampler))
            }
        };
        let [a, b, c] = &mut self.frames;
        let (from, to) = match (own, wanted) {
            (0, 1) => (a, b),
            (0, _) => (a, c),
            (1, 0) => (b, a),
            (1, _) => (b, c),
            (_, 0) => (c, a),
            _ => (c, b),
        };
        resampler.process(from, to);
    }

    /// The current frame at a rate that was prepared.
    pub fn at(&self, rate: u32) -> &[f32] {
        &self.frames[rate_index(rate)]
    }
}

/// Adds a frame to a sum of the same rate.
pub fn add(sum: &mut [f32], frame: &[f32]) {
    for (sum, sample) in sum.iter_mut().zip(frame) {
        *sum += sample;
    }
}
