//! Taking out or putting in a piece of audio so that nobody hears it.
//!
//! In a pause any piece will do. In speech, and in any tone, the piece must be
//! a whole number of pitch periods: where the signal looks most like itself a
//! little later, the two are blended, and what lies between is gone or doubled.
//! (The idea of WSOLA, overlap-add by waveform similarity.)
//!
//! With `x` the audio and `w` a window of 5 ms, a piece of `n` samples fits as well as
//! `x[0..w]` and `x[n..n + w]` are alike: `Σ x[i]·x[n + i] / √(Σ x[i]² · Σ x[n + i]²)`, which is 1 for what
//! repeats itself after `n` whatever its loudness. The best `n` of those allowed is taken, if it is
//! [`ALIKE`]. **Shorter**: `x[i]` fades into `x[n + i]` over the window, and the audio goes on from
//! there, `n` samples ahead. **Longer**: it is played up to `n`, fades from `x[n + i]` into
//! `x[i]`, and so is played from the beginning once more. Both fades are straight lines, for two
//! signals that are alike add up by amplitude, not by power.

use std::ops::RangeInclusive;

use crate::resample::dot;

/// The least likeness (normalised correlation) at which a piece may be cut from something audible.
pub const ALIKE: f32 = 0.85;

/// The lag in the range for which the two slices named by `pair` are most alike, and how much.
pub fn best_lag<'a>(
    lags: RangeInclusive<usize>,
    pair: impl Fn(usize) -> (&'a [f32], &'a [f32]),
) -> (usize, f32) {
    let mut best = (*lags.start(), -1.0);
    for lag in lags {
        let (a, b) = pair(lag);
        let energy = (dot(a, a) * dot(b, b)).sqrt();
        // Silence is like silence.
        let alike = if energy > 1.0 {
            dot(a, b) / energy
        } else {
            1.0
        };
        if alike > best.1 {
            best = (lag, alike);
        }
    }
    best
}

/// Shortens the audio by a piece within `lengths` (samples), and says by how much.
///
/// `audible` audio is cut only where the ends match.
pub fn shorten(
    audio: &mut Vec<f32>,
    lengths: RangeInclusive<usize>,
    rate: u32,
    audible: bool,
) -> usize {
    let window = window(rate);
    let longest = audio.len().saturating_sub(window).min(*lengths.end());
    if longest < *lengths.start() {
        return 0;
    }
    let (lag, alike) = if audible {
        best_lag(*lengths.start()..=longest, |lag| {
            (&audio[..window], &audio[lag..lag + window])
        })
    } else {
        (longest, 1.0)
    };
    if lag == 0 || alike < ALIKE {
        return 0;
    }
    for i in 0..window {
        let share = (i + 1) as f32 / (window + 1) as f32;
        audio[i] = audio[i] * (1.0 - share) + audio[i + lag] * share;
    }
    audio.drain(window..window + lag);
    lag
}

/// Lengthens the audio by a piece within `lengths` (samples), and says by how much.
pub fn lengthen(
    audio: &mut Vec<f32>,
    lengths: RangeInclusive<usize>,
    rate: u32,
    audible: bool,
) -> usize {
    let window = window(rate);
    let longest = audio.len().saturating_sub(window).min(*lengths.end());
    if longest < *lengths.start() {
        return 0;
    }
    let (lag, alike) = if audible {
        best_lag(*lengths.start()..=longest, |lag| {
            (&audio[..window], &audio[lag..lag + window])
        })
    } else {
        (longest, 1.0)
    };
    if lag == 0 || alike < ALIKE {
        return 0;
    }
    // Played up to `lag`, led back from there to the beginning, and played on after it.
    let before = audio.len();
    audio.resize(before + lag, 0.0);
    audio.copy_within(window..before, lag + window);
    for i in (0..window).rev() {
        let share = (i + 1) as f32 / (window + 1) as f32;
        // Where the two overlap the later one is still as it was: this runs backwards.
        audio[lag + i] = audio[lag + i] * (1.0 - share) + audio[i] * share;
    }
    lag
}

/// Over how many samples ends are blended: 5 ms.
fn window(rate: u32) -> usize {
    rate as usize / 200
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Tone, share_at};

    #[test]
    fn a_tone_is_cut_and_stretched_by_whole_periods() {
        for (rate, frequency) in [(8_000, 440.0), (16_000, 1_234.0), (48_000, 317.0)] {
            let lengths = rate as usize / 400..=rate as usize / 66;
            let mut tone = Tone::new(rate, frequency, 8_000.0).frame(rate as usize / 20);
            let before = tone.len();

            let cut = shorten(&mut tone, lengths.clone(), rate, true);
            assert!(cut > 0 && tone.len() == before - cut);
            assert!(share_at(&tone, rate, frequency) > 0.999, "cut at {rate}");

            let grown = lengthen(&mut tone, lengths, rate, true);
            assert!(grown > 0 && tone.len() == before - cut + grown);
            assert!(
                share_at(&tone, rate, frequency) > 0.998,
                "stretched at {rate}"
            );
        }
    }

    #[test]
    fn what_is_unlike_itself_is_left_alone() {
        let mut seed = 1u32;
        let noise: Vec<f32> = (0..400)
            .map(|_| {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (seed >> 16) as f32 - 32_768.0
            })
            .collect();
        let mut audio = noise.clone();

        assert_eq!(shorten(&mut audio, 20..=120, 8_000, true), 0);
        assert_eq!(audio, noise);
        assert_eq!(shorten(&mut audio, 100..=100, 8_000, false), 100);
    }
}
