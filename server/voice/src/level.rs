//! Rate, length and loudness of a sound. Samples are -1.0..1.0, rates in Hz, levels in dBov.

/// What every sound is brought to: about as loud as a person on a good line.
const TARGET_DBOV: f32 = -20.0;
/// No sample is larger: -3 dBFS.
const CEILING: f32 = 0.708;
/// Above this a sample is pressed towards [`CEILING`] instead of cut at it.
const KNEE: f32 = 0.5;

/// The same sound at another rate: windowed sinc, 16 zero crossings a side.
pub fn resampled(samples: &[f32], from: u32, to: u32) -> Vec<f32> {
    if from == to {
        return samples.to_vec();
    }
    let step = f64::from(from) / f64::from(to);
    // Going down in rate, the filter also removes what the new rate cannot carry.
    let cutoff = (1.0 / step).min(1.0) * 0.95;
    let reach = 16.0 / cutoff;
    let length = (samples.len() as f64 / step).floor() as usize;
    (0..length)
        .map(|n| {
            let centre = n as f64 * step;
            let first = (centre - reach).ceil().max(0.0) as usize;
            let last = ((centre + reach).floor() as usize).min(samples.len() - 1);
            let sum: f64 = (first..=last)
                .map(|k| {
                    let away = centre - k as f64;
                    f64::from(samples[k]) * cutoff * sinc(away * cutoff) * hann(away / reach)
                })
                .sum();
            sum as f32
        })
        .collect()
}

fn sinc(x: f64) -> f64 {
    if x.abs() < 1e-9 {
        return 1.0;
    }
    let angle = std::f64::consts::PI * x;
    angle.sin() / angle
}

fn hann(x: f64) -> f64 {
    0.5 + 0.5 * (std::f64::consts::PI * x).cos()
}

/// Without the silence around it, but for 10 ms before and 40 ms after, where
/// consonants begin and end softly.
pub fn trimmed(samples: &[f32], rate: u32) -> &[f32] {
    let rate = rate as usize;
    let peak = samples
        .iter()
        .fold(0.0_f32, |peak, sample| peak.max(sample.abs()));
    let floor = (peak * 0.02).max(0.001);
    let loud = |sample: &f32| sample.abs() > floor;
    let Some(first) = samples.iter().position(loud) else {
        return samples;
    };
    let last = samples.iter().rposition(loud).unwrap_or(first);
    &samples[first.saturating_sub(rate / 100)..(last + rate / 25).min(samples.len())]
}

/// At [`TARGET_DBOV`] over the parts that sound, every sample under [`CEILING`],
/// with 5 ms of fade at both ends against clicks.
pub fn levelled(samples: &[f32], rate: u32) -> Vec<f32> {
    let loudness = active_rms(samples, rate);
    if loudness == 0.0 {
        return samples.to_vec();
    }
    let gain = 10_f32.powf(TARGET_DBOV / 20.0) / loudness;
    let fade = (rate as usize / 200).min(samples.len() / 2).max(1);
    samples
        .iter()
        .enumerate()
        .map(|(n, sample)| {
            let edge = n.min(samples.len() - 1 - n).min(fade) as f32 / fade as f32;
            pressed(sample * gain) * edge
        })
        .collect()
}

/// Root mean square over the 20 ms pieces within 25 dB of the loudest: pauses do not count.
pub fn active_rms(samples: &[f32], rate: u32) -> f32 {
    let powers: Vec<f32> = samples
        .chunks(rate as usize / 50)
        .map(|piece| piece.iter().map(|s| s * s).sum::<f32>() / piece.len() as f32)
        .collect();
    let floor = powers.iter().copied().fold(0.0, f32::max) * 10_f32.powf(-2.5);
    let (sum, count) = powers
        .iter()
        .filter(|power| **power >= floor && **power > 0.0)
        .fold((0.0, 0_u32), |(sum, count), power| (sum + power, count + 1));
    if count == 0 {
        0.0
    } else {
        (sum / count as f32).sqrt()
    }
}

/// Straight up to [`KNEE`], then bent so that it never reaches [`CEILING`].
fn pressed(sample: f32) -> f32 {
    let size = sample.abs();
    if size <= KNEE {
        return sample;
    }
    let room = CEILING - KNEE;
    (KNEE + room * ((size - KNEE) / room).tanh() * 0.999).copysign(sample)
}

pub fn narrowed(samples: &[f32]) -> Vec<i16> {
    samples
        .iter()
        .map(|sample| (sample * 32_767.0).round() as i16)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f32::consts::TAU;

    fn tone(hz: f32, rate: u32, seconds: f32, size: f32) -> Vec<f32> {
        let length = (seconds * rate as f32) as usize;
        (0..length)
            .map(|n| size * (TAU * hz * n as f32 / rate as f32).sin())
            .collect()
    }

    #[test]
    fn a_tone_keeps_pitch_and_size_at_another_rate() {
        let out = resampled(&tone(1_000.0, 22_050, 0.5, 0.5), 22_050, 16_000);

        let wanted = tone(1_000.0, 16_000, 0.5, 0.5);
        let middle = 1_000..7_000;
        let error = out[middle.clone()]
            .iter()
            .zip(&wanted[middle])
            .fold(0.0_f32, |error, (a, b)| error.max((a - b).abs()));
        assert!(error < 0.01, "largest error {error}");
    }

    #[test]
    fn what_the_lower_rate_cannot_carry_is_gone() {
        let out = resampled(&tone(10_000.0, 22_050, 0.5, 0.5), 22_050, 16_000);

        assert!(active_rms(&out[1_000..7_000], 16_000) < 0.005);
    }

    #[test]
    fn silence_around_speech_is_cut_to_its_margins() {
        let mut samples = vec![0.0; 16_000];
        samples.extend(tone(500.0, 16_000, 0.25, 0.5));
        samples.extend(vec![0.0; 16_000]);

        let length = trimmed(&samples, 16_000).len();

        assert!((4_600..4_900).contains(&length), "{length} samples");
    }

    #[test]
    fn a_whisper_and_a_shout_come_out_alike_and_under_the_ceiling() {
        for size in [0.005, 0.9] {
            let out = levelled(&tone(500.0, 16_000, 1.0, size), 16_000);

            let dbov = 20.0 * active_rms(&out, 16_000).log10();
            assert!(
                (dbov - TARGET_DBOV).abs() < 0.5,
                "{dbov} dBov from size {size}"
            );
            assert!(out.iter().all(|sample| sample.abs() < CEILING));
        }
    }

    #[test]
    fn a_sharp_peak_is_pressed_under_the_ceiling() {
        let mut samples = tone(500.0, 16_000, 1.0, 0.05);
        samples[8_000] = 0.9;

        let out = levelled(&samples, 16_000);

        assert!(out.iter().all(|sample| sample.abs() < CEILING));
    }
}
