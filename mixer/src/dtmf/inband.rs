//! Key presses heard in the audio itself: two tones at once (ITU-T Q.23).
//!
//! Where telephone events were not agreed on, a key press is only a sound. Each
//! frame of 20 ms is measured at the eight frequencies by Goertzel's recurrence.
//! A recurrence `s = x + 2·cos(ω)·s' - s''` over the `n` samples ends in the power
//! `s'² + s''² - 2·cos(ω)·s'·s''`, which is `(n·a/2)²` for a sine of that frequency and amplitude `a`; the frame's
//! energy would be `n·a²/2`, and from both follows which share of it the two tones are.
//! A key is one low and one high tone, about equally loud, that together are nearly
//! all there is to hear: speech never is that for two frames on end. Off unless asked
//! for, as it costs a microsecond a frame, and music may still fool it.

use std::f32::consts::TAU;

const LOW: [f32; 4] = [697.0, 770.0, 852.0, 941.0];
const HIGH: [f32; 4] = [1_209.0, 1_336.0, 1_477.0, 1_633.0];
const KEYS: [[char; 4]; 4] = [
    ['1', '2', '3', 'A'],
    ['4', '5', '6', 'B'],
    ['7', '8', '9', 'C'],
    ['*', '0', '#', 'D'],
];
/// Both tones together must be this share of the frame's energy.
const PURITY: f32 = 0.75;
/// One tone may be this many times stronger than the other (9 dB).
const TWIST: f32 = 8.0;
/// Each must be louder than the next one of its group by this factor (8 dB).
const DISTINCT: f32 = 6.0;
/// The faintest key, as mean square: -36 dBov.
const FAINTEST: f32 = 32_768.0 * 32_768.0 * 2.5e-4;
/// Frames of a key before it counts, and without it before the same may come again.
const FRAMES: u8 = 2;

/// Listens to one member's audio.
#[derive(Debug, Default, Clone)]
pub struct Detector {
    /// What the last frames held, and how many of them.
    candidate: Option<char>,
    frames: u8,
    /// The key that is down.
    pressed: Option<char>,
}

impl Detector {
    /// Takes the next 20 ms at this sample rate (Hz): the key that was just found pressed, if any.
    pub fn on_frame(&mut self, rate: u32, frame: &[f32]) -> Option<char> {
        let seen = key_in(rate, frame);
        if seen == self.candidate {
            self.frames = self.frames.saturating_add(1);
        } else {
            self.candidate = seen;
            self.frames = 1;
        }
        if self.frames < FRAMES || self.candidate == self.pressed {
            return None;
        }
        self.pressed = self.candidate;
        self.pressed
    }

    /// Whether what is heard now may be a key, sure or not yet.
    pub fn suspects(&self) -> bool {
        self.candidate.is_some() || self.pressed.is_some()
    }
}

fn key_in(rate: u32, frame: &[f32]) -> Option<char> {
    let energy: f32 = frame.iter().map(|s| s * s).sum();
    if energy < FAINTEST * frame.len() as f32 {
        return None;
    }
    let (row, low) = strongest(&LOW, rate, frame)?;
    let (column, high) = strongest(&HIGH, rate, frame)?;
    // A sine of amplitude a has energy n·a²/2, and measures (n·a/2)² here.
    let share = (low + high) * 2.0 / (frame.len() as f32 * energy);
    let twist = (low / high).max(high / low);
    (share >= PURITY && twist <= TWIST).then(|| KEYS[row][column])
}

/// The strongest of the group, if it stands out.
fn strongest(group: &[f32; 4], rate: u32, frame: &[f32]) -> Option<(usize, f32)> {
    let powers = group.map(|frequency| goertzel(frequency, rate, frame));
    let (mut best, mut second) = ((0, 0.0), 0.0);
    for (i, &power) in powers.iter().enumerate() {
        if power > best.1 {
            second = best.1;
            best = (i, power);
        } else if power > second {
            second = power;
        }
    }
    (best.1 > second * DISTINCT).then_some(best)
}

fn goertzel(frequency: f32, rate: u32, frame: &[f32]) -> f32 {
    let turn = 2.0 * (TAU * frequency / rate as f32).cos();
    let (mut last, mut before) = (0.0, 0.0);
    for sample in frame {
        (last, before) = (sample + turn * last - before, last);
    }
    last * last + before * before - turn * last * before
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Tone;

    fn press(rate: u32, row: usize, column: usize, high_gain: f32, ms: u32, offset: u32) -> String {
        let mut low = Tone::new(rate, LOW[row], 5_000.0);
        let mut high = Tone::new(rate, HIGH[column], 5_000.0 * high_gain);
        let mut audio = vec![0.0; (rate / 50 + rate * offset / 1_000) as usize];
        let samples = (rate * ms / 1_000) as usize;
        audio.extend(
            low.frame(samples)
                .iter()
                .zip(high.frame(samples))
                .map(|(a, b)| a + b),
        );
        audio.resize(audio.len() + rate as usize / 10, 0.0);
        let mut detector = Detector::default();
        audio
            .chunks_exact(rate as usize / 50)
            .filter_map(|frame| detector.on_frame(rate, frame))
            .collect()
    }

    #[test]
    fn every_key_is_found_once_at_every_rate_and_phase() {
        for rate in [8_000, 16_000, 48_000] {
            for (row, keys) in KEYS.iter().enumerate() {
                for (column, key) in keys.iter().enumerate() {
                    for (twist, ms, offset) in [(1.0, 100, 0), (0.5, 80, 7), (1.8, 250, 13)] {
                        let found = press(rate, row, column, twist, ms, offset);
                        assert_eq!(found, key.to_string(), "{rate} Hz, {twist}, {ms} ms");
                    }
                }
            }
        }
    }

    #[test]
    fn the_same_key_twice_is_found_twice() {
        let mut detector = Detector::default();
        let mut tone = Tone::new(8_000, 770.0, 5_000.0);
        let mut other = Tone::new(8_000, 1_336.0, 5_000.0);
        let mut found = String::new();
        for frame in 0..30 {
            let (a, b) = (tone.frame(160), other.frame(160));
            let down = frame % 15 < 8;
            let audio: Vec<f32> = a
                .iter()
                .zip(b)
                .map(|(a, b)| if down { a + b } else { 0.0 })
                .collect();
            found.extend(detector.on_frame(8_000, &audio));
        }
        assert_eq!(found, "55");
    }

    #[test]
    fn speech_tones_and_noise_are_no_keys() {
        let mut detector = Detector::default();
        let mut seed = 1u32;
        let mut phase = 0.0f32;
        for frame in 0..2_000 {
            let audio: Vec<f32> = (0..160)
                .map(|_| {
                    seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    let noise = (seed >> 16) as f32 / 32_768.0 - 1.0;
                    phase = (phase + (100.0 + (frame % 200) as f32) / 8_000.0).fract();
                    8_000.0 * (1.0 - 2.0 * phase).powi(3) + 500.0 * noise
                })
                .collect();
            assert_eq!(detector.on_frame(8_000, &audio), None);
        }
        for frequency in (300..3_000).step_by(7) {
            let tone = Tone::new(8_000, frequency as f32, 9_000.0).frame(480);
            let mut detector = Detector::default();
            for frame in tone.chunks_exact(160) {
                assert_eq!(detector.on_frame(8_000, frame), None, "{frequency} Hz");
            }
        }
    }
}
