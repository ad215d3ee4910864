//! A sound that can be told from any speech, to the millisecond: two sines at once.
//!
//! The delay of a room is measured with it. One member sends it at known instants;
//! wherever it comes out, its first full window says how old it is.

use std::{f32::consts::TAU, time::Duration};

/// Samples a second of what is searched: G.711's.
pub const RATE: u32 = 8_000;
/// Both fit a whole number of times into [`WINDOW`], and so does [`QUIET_HZ`], which
/// speech fills as much as the other two and the marker leaves empty.
const TONES_HZ: [f32; 2] = [2_400.0, 3_000.0];
const QUIET_HZ: f32 = 2_800.0;
/// Each sine's size, full scale being 1.
const SIZE: f32 = 0.25;
const LENGTH: Duration = Duration::from_millis(60);
/// 5 ms.
const WINDOW: usize = 40;
/// 1.25 ms: how finely the beginning is told.
const HOP: usize = 10;
/// So many windows in a row make a marker, 10 ms of it.
const CONFIRM: usize = 8;
/// Where the row begins is known within so many samples either way, and looked at again...
const NEAR: usize = 14;
/// ...for the sample before which so many have nothing of it, and after which so many have it.
const BEFORE: usize = 26;
const AFTER: usize = 80;
/// Samples kept for that.
const KEPT: usize = 200;

/// One marker per interval, from the very beginning of it.
pub const INTERVAL: Duration = Duration::from_millis(1_000);

/// Adds the marker to a frame of speech at `rate` that begins `since` after the interval's start.
pub fn mix_into(frame: &mut [i16], rate: u32, since: Duration) {
    let first = (since.as_secs_f32() * rate as f32).round() as usize;
    let length = (LENGTH.as_secs_f32() * rate as f32) as usize;
    for (n, sample) in frame.iter_mut().enumerate() {
        let at = first + n;
        if at >= length {
            return;
        }
        let mixed = f32::from(*sample) + SIZE * 32_767.0 * shape(at as f32 / rate as f32);
        *sample = mixed.clamp(-32_768.0, 32_767.0) as i16;
    }
}

/// The marker at `t` seconds after its beginning.
fn shape(t: f32) -> f32 {
    TONES_HZ.iter().map(|hz| (TAU * hz * t).sin()).sum()
}

/// Finds markers in what a member hears.
#[derive(Default)]
pub struct Detector {
    samples: Vec<f32>,
    /// Samples thrown away before `samples[0]`.
    passed: u64,
    /// Where in `samples` the next window begins.
    at: usize,
    /// How strong the marker is in each window of the row that has it.
    row: Vec<f32>,
}

impl Detector {
    /// Takes samples (-32768 to 32767); returns the index, counted from the first
    /// sample ever pushed, at which a marker begins.
    pub fn push(&mut self, samples: &[f32]) -> Option<u64> {
        self.samples.extend(samples.iter().map(|s| s / 32_768.0));
        let mut found = None;
        while self.at + WINDOW <= self.samples.len() {
            match strength(&self.samples[self.at..self.at + WINDOW]) {
                Some(strength) => {
                    self.row.push(strength);
                    if self.row.len() == CONFIRM {
                        found = Some(self.passed + self.beginning() as u64);
                    }
                }
                None => self.row.clear(),
            }
            self.at += HOP;
        }
        let done = self.at.saturating_sub(KEPT);
        self.samples.drain(..done);
        self.passed += done as u64;
        self.at -= done;
        found
    }

    /// Where the marker begins in `samples`.
    ///
    /// The window that is half as strong as the full ones is half filled; near there it is
    /// the sample that best parts silence from the marker's very shape.
    fn beginning(&self) -> usize {
        let full = self.row.iter().copied().fold(0.0, f32::max);
        let half = self.row.iter().take_while(|s| **s < full / 2.0).count();
        let since = ((self.row.len() - 1 - half) * HOP).saturating_sub(WINDOW / 2);
        let about = self.at.saturating_sub(since);
        let first = about.saturating_sub(NEAR).max(BEFORE);
        let last = (about + NEAR).min(self.samples.len().saturating_sub(AFTER));
        let likeness = |start: usize| -> f32 {
            let around = &self.samples[start - BEFORE..start + AFTER];
            let parts = around.iter().enumerate().map(|(n, sample)| {
                let n = n as f32 - BEFORE as f32;
                sample * shape(n / RATE as f32) * if n < 0.0 { -1.0 } else { 1.0 }
            });
            parts.sum()
        };
        (first..=last)
            .max_by(|a, b| likeness(*a).total_cmp(&likeness(*b)))
            .unwrap_or(about)
    }

    /// Samples pushed so far.
    pub fn pushed(&self) -> u64 {
        self.passed + self.samples.len() as u64
    }
}

/// How strong the marker is: both tones are there, about equally, and nothing between them.
fn strength(window: &[f32]) -> Option<f32> {
    let [low, high] = TONES_HZ.map(|hz| size_of(window, hz));
    let weaker = low.min(high);
    let marker =
        weaker > SIZE / 8.0 && low.max(high) < weaker * 4.0 && size_of(window, QUIET_HZ) < weaker;
    marker.then_some(weaker)
}

/// The size of the sine of this frequency (Goertzel).
fn size_of(window: &[f32], hz: f32) -> f32 {
    let step = 2.0 * (TAU * hz / RATE as f32).cos();
    let (mut before, mut last) = (0.0_f32, 0.0_f32);
    for sample in window {
        (before, last) = (last, sample + step * last - before);
    }
    let power = last * last + before * before - step * last * before;
    2.0 * power.max(0.0).sqrt() / window.len() as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Speech-like noise of the size a talker has.
    fn noise(length: usize) -> Vec<i16> {
        let mut state = 12_345_u32;
        (0..length)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                ((state >> 16) as i16) / 8
            })
            .collect()
    }

    fn heard(detector: &mut Detector, samples: &[i16]) -> Vec<u64> {
        samples
            .chunks(160)
            .filter_map(|frame| {
                let frame: Vec<f32> = frame.iter().map(|s| f32::from(*s)).collect();
                detector.push(&frame)
            })
            .collect()
    }

    #[test]
    fn a_marker_in_noise_is_found_once_and_where_it_begins() {
        let mut samples = noise(8_000);
        mix_into(&mut samples[2_345..], RATE, Duration::ZERO);

        let found = heard(&mut Detector::default(), &samples);

        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].abs_diff(2_345) <= 1, "{found:?}");
    }

    #[test]
    fn noise_and_single_tones_are_no_markers() {
        let tone = |hz: f32| -> Vec<i16> {
            (0..4_000)
                .map(|n| (8_000.0 * (TAU * hz * n as f32 / 8_000.0).sin()) as i16)
                .collect()
        };

        for samples in [noise(16_000), tone(2_400.0), tone(3_000.0), tone(440.0)] {
            assert!(heard(&mut Detector::default(), &samples).is_empty());
        }
    }

    #[test]
    fn a_marker_goes_on_over_frames() {
        let mut whole = vec![0; 480];
        mix_into(&mut whole, RATE, Duration::ZERO);
        let mut pieces = vec![0; 480];
        for (nth, frame) in pieces.chunks_mut(160).enumerate() {
            mix_into(frame, RATE, Duration::from_millis(20 * nth as u64));
        }

        assert_eq!(whole, pieces);
    }
}
