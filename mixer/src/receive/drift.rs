//! Playing a few parts in a million faster or slower than the sender's clock says.
//!
//! Two crystals never agree. At 200 ppm a buffer gains or loses a packet every
//! 100 s; rather than drop or invent one, the audio is read at a position that
//! moves by 1.0002 samples a sample, interpolated by a short windowed sinc. Until a
//! drift is known the position is whole and the samples pass untouched.
//!
//! Output sample `k` of a frame lies at `p + k·r` in the input, where `r` is the ratio of the two
//! clocks and `p` what the last frame left over, less than a sample. Its value is `Σ x[i]·h(i - p - k·r)`
//! over the [`TAPS`] inputs around it, `h` being a sinc under a Kaiser window; `h` is tabulated at
//! [`PHASES`] places between two samples, and between two of those in a straight line.
//!
//! It has a price: the edges of packets and of frames move against each other, so that
//! a packet more must be at hand. Whom the room's own clock follows (`room/phase.rs`) is
//! therefore spared it.

use std::sync::LazyLock;

use crate::resample::{kaiser, sinc};

/// Samples around the position that take part: [`BEHIND`] before and at it, as many after.
const TAPS: usize = 8;
const BEHIND: usize = TAPS / 2;
/// Positions between two samples the table knows; between those it is linear.
const PHASES: usize = 128;

static TABLE: LazyLock<Vec<[f32; TAPS]>> = LazyLock::new(|| {
    (0..=PHASES)
        .map(|phase| {
            let fraction = phase as f64 / PHASES as f64;
            let mut taps = [0.0; TAPS];
            for (i, tap) in taps.iter_mut().enumerate() {
                let x = (i as f64 - (BEHIND - 1) as f64) - fraction;
                *tap = sinc(x) * kaiser(x / BEHIND as f64);
            }
            let sum: f64 = taps.iter().sum();
            taps.map(|tap| (tap / sum) as f32)
        })
        .collect()
});

/// Reads a signal at a slowly moving position.
#[derive(Debug, Default)]
pub struct Drift {
    engaged: bool,
    /// Between the next input sample and the one after it, 0 to 1.
    fraction: f64,
    /// The last inputs consumed, newest last.
    before: [f32; BEHIND - 1],
}

impl Drift {
    pub fn reset(&mut self) {
        *self = Self::default();
    }

    pub fn engaged(&self) -> bool {
        self.engaged
    }

    /// From now on the position may move; the input must look ahead by [`Drift::ahead`].
    pub fn engage(&mut self) {
        self.engaged = true;
    }

    /// From now on samples pass untouched again: less than one is skipped.
    pub fn disengage(&mut self) {
        self.engaged = false;
        self.fraction = 0.0;
    }

    /// How many samples after the position take part.
    pub fn ahead() -> usize {
        BEHIND
    }

    /// How many input samples must be at hand for `count` output samples.
    pub fn needs(&self, count: usize, ratio: f64) -> usize {
        if !self.engaged || count == 0 {
            return count;
        }
        (self.fraction + (count - 1) as f64 * ratio) as usize + 1 + BEHIND
    }

    /// Appends `count` samples to `out` and removes what is done with from `input`,
    /// which must hold what [`Drift::needs`] says.
    pub fn read(&mut self, input: &mut Vec<f32>, count: usize, ratio: f64, out: &mut Vec<f32>) {
        if !self.engaged {
            let count = count.min(input.len());
            out.extend_from_slice(&input[..count]);
            self.consume(input, count);
            return;
        }
        let mut position = self.fraction;
        for _ in 0..count {
            let whole = position as usize;
            out.push(self.interpolate(input, whole, position - whole as f64));
            position += ratio;
        }
        let done = (position as usize).min(input.len());
        self.fraction = position - done as f64;
        self.consume(input, done);
    }

    fn interpolate(&self, input: &[f32], at: usize, fraction: f64) -> f32 {
        let place = fraction * PHASES as f64;
        let phase = (place as usize).min(PHASES - 1);
        let between = (place - phase as f64) as f32;
        let (low, high) = (&TABLE[phase], &TABLE[phase + 1]);
        let mut sum = 0.0;
        for i in 0..TAPS {
            let index = at + i;
            let sample = if index < BEHIND - 1 {
                self.before[index]
            } else {
                input.get(index - (BEHIND - 1)).copied().unwrap_or(0.0)
            };
            sum += sample * (low[i] + (high[i] - low[i]) * between);
        }
        sum
    }

    fn consume(&mut self, input: &mut Vec<f32>, count: usize) {
        for i in 0..self.before.len() {
            let back = self.before.len() - i;
            self.before[i] = if count >= back {
                input[count - back]
            } else {
                self.before[i + count]
            };
        }
        input.drain(..count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Tone, share_at};

    fn read_seconds(ratio: f64, frequency: f32, engage_after: usize) -> (Vec<f32>, usize) {
        let mut tone = Tone::new(8_000, frequency, 10_000.0);
        let mut drift = Drift::default();
        let (mut input, mut out, mut fed) = (Vec::new(), Vec::new(), 0);
        for frame in 0..500 {
            if frame == engage_after {
                drift.engage();
            }
            while input.len() < drift.needs(160, ratio) {
                input.extend(tone.frame(160));
                fed += 160;
            }
            drift.read(&mut input, 160, ratio, &mut out);
        }
        (out, fed - input.len())
    }

    #[test]
    fn a_tone_stays_pure_at_any_drift_and_when_it_is_engaged() {
        for ratio in [0.9998, 1.0002, 1.0005] {
            let (out, _) = read_seconds(ratio, 1_000.0, 50);

            let steady = &out[160 * 60..];
            let heard = 1_000.0 * ratio as f32;
            assert!(share_at(steady, 8_000, heard) > 0.9999, "at {ratio}");
            let around = &out[160 * 47..160 * 53];
            assert!(share_at(around, 8_000, 1_000.0) > 0.995, "engaging {ratio}");
        }
    }

    #[test]
    fn it_consumes_what_the_ratio_says() {
        let (out, consumed) = read_seconds(1.0002, 500.0, 0);

        assert_eq!(out.len(), 80_000);
        assert!((consumed as i64 - 80_016).abs() <= 1, "{consumed}");
    }
}
