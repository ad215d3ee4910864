//! What is heard when nothing has arrived: the last pitch period, repeated and faded.
//!
//! Speech repeats itself from one pitch period to the next, so for 10 to 20 ms
//! its own past is a good guess of its future; after that it turns into a buzz,
//! so the guess fades and is silence after 60 ms. When audio returns, the guess is
//! blended into it. (After G.711 Appendix I; Opus brings its own.)
//!
//! The period is the lag `n`, from 2.5 to 15 ms, at which the newest 10 ms of what was heard are
//! most like those `n` samples before (the measure is that of `stretch`). The last `n` samples are
//! kept as a circle; its last quarter fades into what came before its first sample, so
//! that the end leads into the beginning. Sample `k` of the guess is `circle[k mod n] · g(k)`, where `g` is 1
//! for 10 ms and falls in a straight line to 0 at 60 ms; over the first 5 ms of what returns it
//! fades out against it. The guess itself counts as heard: a second gap continues the first.

use super::stretch::best_lag;

/// How much of the past is kept: two of the longest pitch periods and the window to match.
const MEMORY_MS: usize = 40;
/// Pitch periods looked for: 400 down to 66 Hz.
const SHORTEST_PERIOD_US: usize = 2_500;
const LONGEST_PERIOD_US: usize = 15_000;
const MATCH_MS: usize = 10;
const FULL_MS: usize = 10;
const SILENT_MS: usize = 60;
const BLEND_MS: usize = 5;

#[derive(Debug, Default)]
pub struct Concealer {
    rate: usize,
    /// What was heard last, newest at the end.
    memory: Vec<f32>,
    /// The period being repeated, while concealing.
    period: Vec<f32>,
    made: usize,
    running: bool,
}

impl Concealer {
    /// Begins anew at another sample rate (Hz).
    pub fn reset(&mut self, rate: u32) {
        self.rate = rate as usize;
        self.silence();
        // All they will ever hold: nothing is allocated when a packet is missing.
        self.memory.reserve(self.rate * MEMORY_MS / 1_000);
        self.period
            .reserve(self.rate * LONGEST_PERIOD_US / 1_000_000 + 1);
    }

    /// What was heard has nothing to do with what comes next.
    pub fn silence(&mut self) {
        self.memory.clear();
        self.running = false;
    }

    /// Remembers what was decoded.
    pub fn remember(&mut self, heard: &[f32]) {
        let keep = self.rate * MEMORY_MS / 1_000;
        let heard = &heard[heard.len().saturating_sub(keep)..];
        let excess = (self.memory.len() + heard.len()).saturating_sub(keep);
        self.memory.drain(..excess.min(self.memory.len()));
        self.memory.extend_from_slice(heard);
    }

    pub fn running(&self) -> bool {
        self.running
    }

    /// Appends `count` samples that carry on what was heard.
    pub fn conceal(&mut self, count: usize, out: &mut Vec<f32>) {
        if !self.running {
            self.begin();
        }
        let begin = out.len();
        out.extend((0..count).map(|i| self.sample(self.made + i)));
        self.made += count;
        self.remember(&out[begin..]);
    }

    /// Blends the guess into the audio that has come back, and ends.
    pub fn blend(&mut self, returned: &mut [f32]) {
        if !self.running {
            return;
        }
        let length = (self.rate * BLEND_MS / 1_000).min(returned.len());
        for (i, sample) in returned[..length].iter_mut().enumerate() {
            let share = (i + 1) as f32 / (length + 1) as f32;
            *sample = *sample * share + self.sample(self.made + i) * (1.0 - share);
        }
        self.running = false;
    }

    fn begin(&mut self) {
        self.running = true;
        self.made = 0;
        self.period.clear();
        let window = self.rate * MATCH_MS / 1_000;
        let (shortest, longest) = (
            self.rate * SHORTEST_PERIOD_US / 1_000_000,
            self.rate * LONGEST_PERIOD_US / 1_000_000,
        );
        let have = self.memory.len();
        if have < window + longest + longest / 4 {
            return; // nothing to go by: silence
        }
        // The lag at which the past looks most like the present.
        let newest = &self.memory[have - window..];
        let (lag, _) = best_lag(shortest..=longest, |lag| {
            (newest, &self.memory[have - window - lag..have - lag])
        });
        self.period.extend_from_slice(&self.memory[have - lag..]);
        // The end of the period is led into its beginning, so that it may be repeated.
        let seam = lag / 4;
        for i in 0..seam {
            let share = (i + 1) as f32 / (seam + 1) as f32;
            let before = self.memory[have - lag - seam + i];
            let tail = &mut self.period[lag - seam + i];
            *tail = *tail * (1.0 - share) + before * share;
        }
    }

    fn sample(&self, at: usize) -> f32 {
        if self.period.is_empty() {
            return 0.0;
        }
        let (full, silent) = (self.rate * FULL_MS / 1_000, self.rate * SILENT_MS / 1_000);
        if at >= silent {
            return 0.0;
        }
        let gain = if at < full {
            1.0
        } else {
            (silent - at) as f32 / (silent - full) as f32
        };
        self.period[at % self.period.len()] * gain
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::level::dbov;
    use crate::testing::{Tone, share_at};

    fn after(tone: &mut Tone) -> Concealer {
        let mut concealer = Concealer::default();
        concealer.reset(8_000);
        concealer.remember(&tone.frame(800));
        concealer
    }

    #[test]
    fn a_tone_goes_on_through_a_short_gap_and_fades_in_a_long_one() {
        let mut tone = Tone::new(8_000, 440.0, 10_000.0);
        let mut concealer = after(&mut tone);
        let mut heard = tone.frame(0);
        concealer.conceal(80, &mut heard);

        assert!(share_at(&heard, 8_000, 440.0) > 0.99);
        let first = dbov(&heard);
        heard.clear();
        concealer.conceal(400, &mut heard);
        heard.clear();
        concealer.conceal(80, &mut heard);
        assert!(first > -20.0 && dbov(&heard) < -120.0);
    }

    #[test]
    fn what_returns_is_joined_without_a_step() {
        let mut tone = Tone::new(8_000, 440.0, 10_000.0);
        let mut concealer = after(&mut tone);
        let mut heard = Vec::new();
        concealer.conceal(160, &mut heard);
        tone.frame(160); // lost
        let mut returned = tone.frame(160);
        concealer.blend(&mut returned);
        heard.extend(returned);

        let steepest = 10_000.0 * std::f32::consts::TAU * 440.0 / 8_000.0;
        let step = heard
            .windows(2)
            .map(|w| (w[1] - w[0]).abs())
            .fold(0.0, f32::max);
        assert!(step < steepest * 1.5, "a step of {step}");
    }

    #[test]
    fn with_nothing_heard_before_there_is_silence() {
        let mut concealer = Concealer::default();
        concealer.reset(16_000);
        let mut heard = Vec::new();
        concealer.conceal(320, &mut heard);

        assert_eq!(heard, [0.0; 320]);
    }
}
