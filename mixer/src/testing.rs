//! Signals for tests, and what to measure in them: audio is judged by frequency, not by ear.

/// Where virtual time begins: there is no other way to an instant.
#[expect(clippy::disallowed_methods, reason = "tests count from some instant")]
pub fn an_instant() -> std::time::Instant {
    std::time::Instant::now()
}

/// The bytes that are written so; what is no digit is passed over.
pub fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u32> = text.chars().filter_map(|c| c.to_digit(16)).collect();
    digits
        .chunks(2)
        .map(|pair| (pair[0] << 4 | pair[1]) as u8)
        .collect()
}

/// A sine that goes on from frame to frame.
pub struct Tone {
    phase: f64,
    step: f64,
    amplitude: f32,
}

impl Tone {
    pub fn new(rate: u32, frequency: f32, amplitude: f32) -> Self {
        Self {
            phase: 0.0,
            step: f64::from(frequency) * std::f64::consts::TAU / f64::from(rate),
            amplitude,
        }
    }

    pub fn frame(&mut self, samples: usize) -> Vec<f32> {
        (0..samples)
            .map(|_| {
                let sample = self.amplitude * self.phase.sin() as f32;
                self.phase += self.step;
                sample
            })
            .collect()
    }

    pub fn frame_i16(&mut self, samples: usize) -> Vec<i16> {
        self.frame(samples)
            .iter()
            .map(|&s| s.round() as i16)
            .collect()
    }
}

/// The squared amplitude of the sine of this frequency in the signal (Goertzel, Hann window).
pub fn power_at(signal: &[f32], rate: u32, frequency: f32) -> f32 {
    let n = signal.len() as f64;
    let step = f64::from(frequency) * std::f64::consts::TAU / f64::from(rate);
    let (mut re, mut im, mut weight) = (0.0, 0.0, 0.0);
    for (i, &sample) in signal.iter().enumerate() {
        let window = 0.5 - 0.5 * (std::f64::consts::TAU * (i as f64 + 0.5) / n).cos();
        re += f64::from(sample) * window * (step * i as f64).cos();
        im += f64::from(sample) * window * (step * i as f64).sin();
        weight += window;
    }
    (4.0 * (re * re + im * im) / (weight * weight)) as f32
}

/// How much of the signal's energy is the sine of this frequency, 0 to 1: the rest is
/// noise, clicks and echoes. By least squares, so that any length will do.
pub fn share_at(signal: &[f32], rate: u32, frequency: f32) -> f32 {
    let step = f64::from(frequency) * std::f64::consts::TAU / f64::from(rate);
    let (mut cc, mut ss, mut cs, mut xc, mut xs, mut xx) = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0);
    for (i, &sample) in signal.iter().enumerate() {
        let (s, c) = (step * i as f64).sin_cos();
        let x = f64::from(sample);
        cc += c * c;
        ss += s * s;
        cs += c * s;
        xc += x * c;
        xs += x * s;
        xx += x * x;
    }
    let det = cc * ss - cs * cs;
    let (a, b) = ((xc * ss - xs * cs) / det, (xs * cc - xc * cs) / det);
    ((a * xc + b * xs) / xx) as f32
}

/// Something like speech, the same at every call: syllables of changing pitch and vowel, each
/// begun by a hiss, with pauses between them.
pub fn speech(rate: u32, seconds: u32) -> Vec<f32> {
    let rate = rate as f64;
    let mut seed = 1u32;
    let mut phase = 0.0_f64;
    (0..(rate * f64::from(seconds)) as usize)
        .map(|n| {
            let t = n as f64 / rate;
            let (syllable, at) = ((t / 0.3) as u32, t % 0.3);
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let hiss = (seed >> 16) as f32 / 32_768.0 - 1.0;
            let pitch = 100.0 + f64::from(syllable.wrapping_mul(37) % 80) + 60.0 * at;
            phase += std::f64::consts::TAU * pitch / rate;
            // Two formants, where the vowel has its strength.
            let formants = [
                300.0 + f64::from(syllable.wrapping_mul(53) % 500),
                1_000.0 + f64::from(syllable.wrapping_mul(91) % 1_200),
            ];
            let vowel: f64 = (1..24)
                .map(|h| {
                    let f = pitch * f64::from(h);
                    let near = |formant: f64| (-((f - formant) / 150.0).powi(2)).exp();
                    (phase * f64::from(h)).sin() * (near(formants[0]) + 0.5 * near(formants[1]))
                })
                .sum();
            let loudness = match at {
                at if at < 0.01 => at / 0.01,
                at if at < 0.2 => 1.0,
                at if at < 0.22 => (0.22 - at) / 0.02,
                _ => 0.0,
            };
            let consonant = if at < 0.03 { 1_500.0 } else { 0.0 };
            (vowel * 5_000.0 * loudness) as f32 + hiss * (consonant + 10.0)
        })
        .collect()
}

/// White noise, the same at every call.
pub fn noise(samples: usize, amplitude: f32) -> Vec<f32> {
    let mut seed = 7u32;
    (0..samples)
        .map(|_| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            ((seed >> 16) as f32 / 32_768.0 - 1.0) * amplitude
        })
        .collect()
}

/// Noise with as much power in each octave, as loud as white noise of this amplitude: white noise and
/// slower and slower copies of it.
pub fn pink_noise(samples: usize, amplitude: f32) -> Vec<f32> {
    const OCTAVES: usize = 8;
    let white = noise(OCTAVES * samples, amplitude / (OCTAVES as f32).sqrt());
    (0..samples)
        .map(|n| (0..OCTAVES).map(|o| white[o * samples + (n >> o)]).sum())
        .collect()
}

/// How different the second signal sounds from the first, in dB: the mean difference of their
/// spectra in bands a third of an octave wide and more, 20 ms by 20 ms, as a listener who does not mind
/// being 100 ms late every now and then would find it.
pub fn spectral_distance(reference: &[f32], heard: &[f32], rate: u32) -> f32 {
    let (reference, heard) = (spectra(reference, rate), spectra(heard, rate));
    // So many frames are compared as one piece, wherever near its place it fits best.
    const PIECE: usize = 10;
    const SHIFT: isize = 12;
    let pieces = reference.len().min(heard.len()) / PIECE;
    let total: f32 = (1..pieces.saturating_sub(1))
        .map(|piece| {
            let at = (piece * PIECE) as isize;
            (-SHIFT..=SHIFT)
                .filter_map(|shift| {
                    let from = usize::try_from(at + shift).ok()?;
                    let heard = heard.get(from..from + PIECE)?;
                    let said = &reference[at as usize..at as usize + PIECE];
                    let sum: f32 = said.iter().zip(heard).map(|(a, b)| apart(a, b)).sum();
                    Some(sum / PIECE as f32)
                })
                .fold(f32::INFINITY, f32::min)
        })
        .sum();
    total / pieces.saturating_sub(2).max(1) as f32
}

const BANDS: usize = 14;

/// The level of each band in each 20 ms, in dB, with a floor below which nobody hears a difference.
fn spectra(signal: &[f32], rate: u32) -> Vec<[f32; BANDS]> {
    let frame = rate as usize / 50;
    signal
        .chunks_exact(frame)
        .map(|part| {
            std::array::from_fn(|band| {
                // 200 Hz to 3.4 kHz, three frequencies to a band.
                let low = 200.0 * 17.0_f32.powf(band as f32 / BANDS as f32);
                let high = 200.0 * 17.0_f32.powf((band + 1) as f32 / BANDS as f32);
                let power: f32 = (0..3)
                    .map(|i| power_at(part, rate, low + (high - low) * (i as f32 + 0.5) / 3.0))
                    .sum();
                10.0 * power.max(400.0).log10()
            })
        })
        .collect()
}

fn apart(a: &[f32; BANDS], b: &[f32; BANDS]) -> f32 {
    let sum: f32 = a.iter().zip(b).map(|(a, b)| (a - b).abs()).sum();
    sum / BANDS as f32
}
