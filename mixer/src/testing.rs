//! Signals for tests, and what to measure in them: audio is judged by frequency, not by ear.

/// Where virtual time begins: there is no other way to an instant.
#[expect(clippy::disallowed_methods, reason = "tests count from some instant")]
pub fn an_instant() -> std::time::Instant {
    std::time::Instant::now()
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
