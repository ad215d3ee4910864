//! What is too loud for 16 bits is made quieter before it is narrowed, and not cut off.
//!
//! A sample beyond full scale would be clipped, and clipping is heard as a rasp. The limiter
//! has the whole frame before it, so it needs no delay to see a peak coming: it lowers the
//! gain on the way there and lets it rise again afterwards.
//!
//! The frame is looked at in pieces of 2 ms. A piece whose peak is `p` may be heard
//! `min(1, CEILING / p)` times as loud. Within a piece the gain goes in a straight line, and
//! at the border between two pieces it is what both of them may have: so nowhere in a piece is
//! it more than the piece may have, and no sample is beyond the ceiling. Only at the very
//! beginning of a frame may it step down, in the moment something loud begins, which covers it.
//!
//! A frame without such a peak is left as it is, bit by bit, and costs a look at its samples.

/// The loudest sample that leaves: 0.3 dB below full scale, for resampling may add a little.
pub const CEILING: f32 = 31_600.0;
/// The gain rises again by this factor in each piece: 1 dB in 20 ms.
const RELEASE: f32 = 1.011_6;
/// Pieces in a frame.
const PIECES: usize = 10;

#[derive(Debug, Clone)]
pub struct Limiter {
    /// At the end of the last frame.
    gain: f32,
}

impl Default for Limiter {
    fn default() -> Self {
        Self { gain: 1.0 }
    }
}

impl Limiter {
    /// Whether this frame would leave as it is.
    pub fn passes(&self, frame: &[f32]) -> bool {
        self.gain == 1.0 && peak(frame) <= CEILING
    }

    /// Brings a frame of 20 ms under the ceiling.
    pub fn limit(&mut self, frame: &mut [f32]) {
        if self.passes(frame) {
            return;
        }
        let length = frame.len().div_ceil(PIECES).max(1);
        let mut allowed = [1.0_f32; PIECES + 1];
        for (allowed, piece) in allowed.iter_mut().zip(frame.chunks(length)) {
            *allowed = (CEILING / peak(piece).max(CEILING)).min(1.0);
        }
        let mut from = self.gain.min(allowed[0]);
        for (i, piece) in frame.chunks_mut(length).enumerate() {
            let to = (from * RELEASE)
                .min(1.0)
                .min(allowed[i])
                .min(allowed[i + 1]);
            let step = (to - from) / piece.len() as f32;
            for (n, sample) in piece.iter_mut().enumerate() {
                *sample *= from + step * n as f32;
            }
            from = to;
        }
        self.gain = from;
    }
}

/// In eight lanes, so that the compiler looks at eight samples at a time.
fn peak(samples: &[f32]) -> f32 {
    let mut lanes = [0.0_f32; 8];
    let (whole, rest) = samples.as_chunks::<8>();
    for chunk in whole {
        for (lane, sample) in lanes.iter_mut().zip(chunk) {
            *lane = lane.max(sample.abs());
        }
    }
    let loudest = |a: f32, b: &f32| a.max(b.abs());
    rest.iter().fold(lanes.iter().fold(0.0, loudest), loudest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Tone, share_at};

    #[test]
    fn what_fits_passes_bit_by_bit() {
        let mut limiter = Limiter::default();
        let mut frame = Tone::new(8_000, 440.0, CEILING).frame(160);
        let before = frame.clone();
        limiter.limit(&mut frame);
        assert_eq!(frame, before);
    }

    #[test]
    fn a_tone_of_twice_full_scale_fits_and_is_still_that_tone() {
        let mut limiter = Limiter::default();
        let mut tone = Tone::new(16_000, 440.0, 65_000.0);
        let mut heard = Vec::new();
        for _ in 0..50 {
            let mut frame = tone.frame(320);
            limiter.limit(&mut frame);
            heard.extend(frame);
        }
        assert!(heard.iter().all(|s| s.abs() <= CEILING * 1.000_1));
        assert!(peak(&heard[3_200..]) > CEILING * 0.95);
        let share = share_at(&heard[3_200..], 16_000, 440.0);
        assert!(share > 0.999, "{share}");
    }

    #[test]
    fn after_a_peak_the_old_loudness_comes_back_without_a_step() {
        let mut limiter = Limiter::default();
        let mut shout = [60_000.0; 160];
        limiter.limit(&mut shout);
        let mut heard = Vec::new();
        for _ in 0..20 {
            let mut frame = [10_000.0; 160];
            limiter.limit(&mut frame);
            heard.extend(frame);
        }
        assert!(heard[0] < 5_500.0);
        assert!(
            heard
                .windows(2)
                .all(|w| (0.0..40.0).contains(&(w[1] - w[0])))
        );
        assert_eq!(heard[heard.len() - 1], 10_000.0);
    }
}
