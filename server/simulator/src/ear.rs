//! What a line hears: how loud, and which tones stand out of it.
//!
//! Pure. Decoded samples go in at the codec's rate; for every half second one
//! [`Heard`] comes out. Speech has no steady tones; the sines that tests send do,
//! and several at once are told apart as long as they are 40 Hz from each other.

use std::time::Duration;

use serde::Serialize;

/// Samples a second that are analysed: telephone band.
const RATE: u32 = 8_000;
/// Half a second of them.
const WINDOW: usize = 4_000;
/// The transform's length; bins are `RATE / FFT` = 1.95 Hz apart.
const FFT: usize = 4_096;
/// What is weaker is silence, dBov.
const SILENCE_DBOV: f32 = -55.0;
/// A tone this much weaker than the strongest is its side lobe or a codec's noise, dB.
const RANGE_DB: f32 = 22.0;
const APART_HZ: f32 = 40.0;
const MOST_TONES: usize = 6;

/// Half a second of sound.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Heard {
    /// Root mean square, 0 is a full-scale square wave, -96 at the least.
    pub dbov: f32,
    /// Frequencies that stand out, Hz, strongest first.
    pub tones: Vec<u16>,
}

impl Heard {
    pub const SPAN: Duration = Duration::from_millis(WINDOW as u64 * 1_000 / RATE as u64);

    pub fn is_sound(&self) -> bool {
        self.dbov > SILENCE_DBOV
    }
}

/// Collects samples, and makes a [`Heard`] of each half second.
pub struct Ear {
    /// How many samples of the codec make one that is analysed.
    fold: usize,
    folding: Vec<f32>,
    window: Vec<f32>,
}

impl Ear {
    /// `rate` is the codec's: 8, 16 or 48 kHz.
    pub fn new(rate: u32) -> Self {
        let fold = (rate / RATE).max(1) as usize;
        Self {
            fold,
            folding: Vec::with_capacity(fold),
            window: Vec::with_capacity(WINDOW),
        }
    }

    /// Takes decoded samples, -32768 to 32767; returns what became complete.
    pub fn hear(&mut self, samples: &[f32]) -> Vec<Heard> {
        let mut heard = Vec::new();
        for sample in samples {
            self.folding.push(*sample);
            if self.folding.len() < self.fold {
                continue;
            }
            self.window
                .push(self.folding.iter().sum::<f32>() / self.fold as f32 / 32_768.0);
            self.folding.clear();
            if self.window.len() == WINDOW {
                heard.push(analysed(&self.window));
                self.window.clear();
            }
        }
        heard
    }
}

fn analysed(window: &[f32]) -> Heard {
    let power = window.iter().map(|s| s * s).sum::<f32>() / window.len() as f32;
    let dbov = (10.0 * power.max(1e-10).log10()).max(-96.0);
    let tones = if dbov > SILENCE_DBOV {
        tones(window)
    } else {
        Vec::new()
    };
    Heard { dbov, tones }
}

/// Peaks of the spectrum, strongest first.
fn tones(window: &[f32]) -> Vec<u16> {
    let mut re = vec![0.0; FFT];
    let mut im = vec![0.0; FFT];
    let length = window.len() as f32;
    for (n, (slot, sample)) in re.iter_mut().zip(window).enumerate() {
        // Hann: side lobes fall fast, so that a weak tone shows beside a strong one.
        let hann = 0.5 - 0.5 * (std::f32::consts::TAU * n as f32 / length).cos();
        *slot = sample * hann;
    }
    fourier(&mut re, &mut im);
    let power: Vec<f32> = re
        .iter()
        .zip(&im)
        .take(FFT / 2)
        .map(|(re, im)| re * re + im * im)
        .collect();

    let hz = |bin: usize| bin as f32 * RATE as f32 / FFT as f32;
    let lowest = (100.0 * FFT as f32 / RATE as f32) as usize;
    let strongest = power[lowest..].iter().copied().fold(0.0, f32::max);
    let floor = strongest * 10_f32.powf(-RANGE_DB / 10.0);
    let mut peaks: Vec<usize> = (lowest..power.len() - 1)
        .filter(|&k| power[k] >= floor && power[k] > power[k - 1] && power[k] >= power[k + 1])
        .collect();
    peaks.sort_by(|a, b| power[*b].total_cmp(&power[*a]));
    let mut found: Vec<f32> = Vec::new();
    for peak in peaks {
        if found.len() < MOST_TONES
            && found
                .iter()
                .all(|other| (other - hz(peak)).abs() >= APART_HZ)
        {
            found.push(hz(peak));
        }
    }
    found.into_iter().map(|hz| hz.round() as u16).collect()
}

/// Fast Fourier transform in place, radix 2; the length is a power of two.
fn fourier(re: &mut [f32], im: &mut [f32]) {
    let n = re.len();
    let mut reversed = 0;
    for index in 1..n {
        let mut bit = n >> 1;
        while reversed & bit != 0 {
            reversed ^= bit;
            bit >>= 1;
        }
        reversed |= bit;
        if index < reversed {
            re.swap(index, reversed);
            im.swap(index, reversed);
        }
    }
    let mut length = 2;
    while length <= n {
        let half = length / 2;
        for k in 0..half {
            let angle = -std::f32::consts::TAU * k as f32 / length as f32;
            let (sin, cos) = angle.sin_cos();
            for a in (k..n).step_by(length) {
                let b = a + half;
                let (turned_re, turned_im) = (re[b] * cos - im[b] * sin, re[b] * sin + im[b] * cos);
                (re[b], im[b]) = (re[a] - turned_re, im[a] - turned_im);
                (re[a], im[a]) = (re[a] + turned_re, im[a] + turned_im);
            }
        }
        length *= 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sines(rate: u32, parts: &[(f32, f32)]) -> Vec<f32> {
        (0..rate / 2)
            .map(|n| {
                let t = n as f32 / rate as f32;
                parts
                    .iter()
                    .map(|(hz, size)| size * 32_767.0 * (std::f32::consts::TAU * hz * t).sin())
                    .sum()
            })
            .collect()
    }

    #[test]
    fn three_tones_are_told_apart_at_every_rate() {
        for rate in [8_000, 16_000, 48_000] {
            let sound = sines(rate, &[(440.0, 0.2), (880.0, 0.1), (1_250.0, 0.05)]);

            let heard = Ear::new(rate).hear(&sound);

            assert_eq!(heard.len(), 1);
            let near = |wanted: u16| heard[0].tones.iter().any(|hz| hz.abs_diff(wanted) <= 3);
            assert!(
                near(440) && near(880) && near(1_250) && heard[0].tones.len() == 3,
                "{:?} at {rate} Hz",
                heard[0].tones
            );
        }
    }

    #[test]
    fn a_full_sine_is_three_db_below_overload_and_silence_has_no_tones() {
        let loud = &Ear::new(8_000).hear(&sines(8_000, &[(500.0, 1.0)]))[0];
        let quiet = &Ear::new(8_000).hear(&sines(8_000, &[(500.0, 0.0001)]))[0];

        assert!((loud.dbov + 3.0).abs() < 0.1, "{} dBov", loud.dbov);
        assert!(!quiet.is_sound() && quiet.tones.is_empty());
    }

    #[test]
    fn half_seconds_are_counted_over_packets() {
        let mut ear = Ear::new(16_000);

        let heard: usize = (0..100).map(|_| ear.hear(&[0.0; 320]).len()).sum();

        assert_eq!(heard, 4);
    }
}
