//! G.722 at 64 kbit/s: 7 kHz speech in the bit rate of a telephone line.
//!
//! A pair of quadrature mirror filters splits the 16 kHz signal into two bands
//! at 8 kHz each. Each band is coded by ADPCM: an adaptive predictor guesses the
//! sample from the past, and only the quantised error is sent, 6 bits for the
//! low band and 2 for the high one, packed in one byte for two samples. The
//! decoder runs the same predictor on the same errors and so stays in step.
//!
//! The names `block 1L` and so on are those of ITU-T G.722 §5-6; the arithmetic
//! is its 16-bit fixed point, and must stay exactly that for the two sides to
//! agree. Derived from the public domain code of S. Underwood (2005), itself
//! after Carnegie Mellon's of 1993.
//!
//! Ours, and not a library's, because the states must be copied (a listener who
//! starts to speak continues from the shared encoder's state, without a click)
//! and because nothing may be allocated in a tick.

/// Decision levels of the low band's 60-level quantiser (G.722 table 14).
const Q6: [i32; 30] = [
    0, 35, 72, 110, 150, 190, 233, 276, 323, 370, 422, 473, 530, 587, 650, 714, 786, 858, 940,
    1023, 1121, 1219, 1339, 1458, 1612, 1765, 1980, 2195, 2557, 2919,
];
const ILN: [u8; 31] = [
    0, 63, 62, 31, 30, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20, 19, 18, 17, 16, 15, 14, 13, 12, 11,
    10, 9, 8, 7, 6, 5, 4,
];
const ILP: [u8; 31] = [
    0, 61, 60, 59, 58, 57, 56, 55, 54, 53, 52, 51, 50, 49, 48, 47, 46, 45, 44, 43, 42, 41, 40, 39,
    38, 37, 36, 35, 34, 33, 32,
];
/// Logarithmic step adaptation, low band.
const WL: [i32; 8] = [-60, -30, 58, 172, 334, 538, 1198, 3042];
const RL42: [u8; 16] = [0, 7, 6, 5, 4, 3, 2, 1, 7, 6, 5, 4, 3, 2, 1, 0];
/// Logarithmic step adaptation, high band.
const WH: [i32; 3] = [0, -214, 798];
const RH2: [u8; 4] = [2, 1, 2, 1];
/// Powers of two in 32 steps, for turning a logarithmic step into a linear one.
const ILB: [i32; 32] = [
    2048, 2093, 2139, 2186, 2233, 2282, 2332, 2383, 2435, 2489, 2543, 2599, 2656, 2714, 2774, 2834,
    2896, 2960, 3025, 3091, 3158, 3228, 3298, 3371, 3444, 3520, 3597, 3676, 3756, 3838, 3922, 4008,
];
const QM2: [i32; 4] = [-7408, -1616, 7408, 1616];
const QM4: [i32; 16] = [
    0, -20456, -12896, -8968, -6288, -4240, -2584, -1200, 20456, 12896, 8968, 6288, 4240, 2584,
    1200, 0,
];
const QM6: [i32; 64] = [
    -136, -136, -136, -136, -24808, -21904, -19008, -16704, -14984, -13512, -12280, -11192, -10232,
    -9360, -8576, -7856, -7192, -6576, -6000, -5456, -4944, -4464, -4008, -3576, -3168, -2776,
    -2400, -2032, -1688, -1360, -1040, -728, 24808, 21904, 19008, 16704, 14984, 13512, 12280,
    11192, 10232, 9360, 8576, 7856, 7192, 6576, 6000, 5456, 4944, 4464, 4008, 3576, 3168, 2776,
    2400, 2032, 1688, 1360, 1040, 728, 432, 136, -432, -136,
];
/// Half of the symmetric 24-tap quadrature mirror filter.
const QMF: [i32; 12] = [3, -11, 12, 32, -210, 951, 3876, -805, 362, -156, 53, -11];

/// From 16 kHz samples to bytes.
#[derive(Debug, Clone)]
pub struct Encoder {
    filter: [i32; 24],
    low: Band,
    high: Band,
}

/// From bytes to 16 kHz samples.
#[derive(Debug, Clone)]
pub struct Decoder {
    filter: [i32; 24],
    low: Band,
    high: Band,
}

impl Default for Encoder {
    fn default() -> Self {
        Self {
            filter: [0; 24],
            low: Band::low(),
            high: Band::high(),
        }
    }
}

impl Default for Decoder {
    fn default() -> Self {
        Self {
            filter: [0; 24],
            low: Band::low(),
            high: Band::high(),
        }
    }
}

impl Encoder {
    /// Encodes two consecutive samples.
    pub fn encode(&mut self, first: i16, second: i16) -> u8 {
        shift_in(&mut self.filter, i32::from(first), i32::from(second));
        let (odd, even) = mirror(&self.filter);
        let low = self.encode_low((even + odd) >> 14);
        let high = self.encode_high((even - odd) >> 14);
        (high << 6) | low
    }

    fn encode_low(&mut self, sample: i32) -> u8 {
        // Blocks 1L (subtract the prediction, quantise the error).
        let error = saturate(sample - self.low.prediction);
        let magnitude = if error >= 0 { error } else { -(error + 1) };
        let step = (1..30)
            .find(|&i| magnitude < (Q6[i] * self.low.step) >> 12)
            .unwrap_or(30);
        let code = if error < 0 { ILN[step] } else { ILP[step] };

        self.low.follow_low(code);
        code
    }

    fn encode_high(&mut self, sample: i32) -> u8 {
        let error = saturate(sample - self.high.prediction);
        let magnitude = if error >= 0 { error } else { -(error + 1) };
        let large = magnitude >= (564 * self.high.step) >> 12;
        let code = match (error < 0, large) {
            (true, false) => 1,
            (true, true) => 0,
            (false, false) => 3,
            (false, true) => 2,
        };

        self.high.follow_high(code);
        code
    }
}

impl Decoder {
    /// Decodes one byte into two consecutive samples.
    pub fn decode(&mut self, byte: u8) -> [i16; 2] {
        // The low band is heard with all 6 bits, but predicted from 4 of them,
        // so that bits may be robbed on the way without losing step.
        let code = byte & 0x3f;
        let error = (self.low.step * QM6[usize::from(code)]) >> 15;
        let low = (self.low.prediction + error).clamp(-16_384, 16_383);
        self.low.follow_low(code);

        let code = byte >> 6;
        let error = (self.high.step * QM2[usize::from(code)]) >> 15;
        let high = (self.high.prediction + error).clamp(-16_384, 16_383);
        self.high.follow_high(code);

        shift_in(&mut self.filter, low + high, low - high);
        let (second, first) = mirror(&self.filter);
        [saturate(first >> 11) as i16, saturate(second >> 11) as i16]
    }
}

/// Follows the low band's quantiser step from the codes alone, which costs a
/// twentieth of decoding: see [`screen`](super::screen).
#[derive(Debug, Clone, Default)]
pub struct StepFollower {
    log_step: i32,
}

impl StepFollower {
    /// White noise at -76.5 dBov would keep the step at its smallest, and every 6 dB more
    /// raise its logarithm by 1770: found by measuring.
    const SMALLEST: f32 = -76.5;
    const PER_UNIT: f32 = 0.0034;

    /// Takes the next packet, and estimates its level in dBov.
    pub fn level(&mut self, payload: &[u8]) -> f32 {
        let mut sum = 0;
        for code in payload {
            let change = WL[usize::from(RL42[usize::from(code >> 2 & 0x0f)])];
            self.log_step = (((self.log_step * 127) >> 7) + change).clamp(0, 18_432);
            sum += self.log_step;
        }
        let mean = sum as f32 / payload.len().max(1) as f32;
        Self::SMALLEST + mean * Self::PER_UNIT
    }
}

/// The adaptive predictor and quantiser step of one band.
#[derive(Debug, Clone, Copy)]
struct Band {
    /// The next sample as the predictor sees it: pole part plus zero part.
    prediction: i32,
    /// The zero section's part of it.
    zeros: i32,
    /// Reconstructed signal, newest first: two past values.
    signal: [i32; 2],
    /// Partially reconstructed signal, newest first.
    partial: [i32; 2],
    /// Pole section coefficients.
    poles: [i32; 2],
    /// Quantised errors, newest first: six past values.
    errors: [i32; 6],
    /// Zero section coefficients.
    taps: [i32; 6],
    /// Logarithm of the quantiser step.
    log_step: i32,
    /// Quantiser step.
    step: i32,
}

impl Band {
    const fn low() -> Self {
        Self::new(32)
    }

    const fn high() -> Self {
        Self::new(8)
    }

    const fn new(step: i32) -> Self {
        Self {
            prediction: 0,
            zeros: 0,
            signal: [0; 2],
            partial: [0; 2],
            poles: [0; 2],
            errors: [0; 6],
            taps: [0; 6],
            log_step: 0,
            step,
        }
    }

    /// Blocks 2L, 3L and 4L: what both sides do with a low-band code.
    fn follow_low(&mut self, code: u8) {
        let coarse = usize::from(code >> 2);
        let error = (self.step * QM4[coarse]) >> 15;
        self.rescale(WL[usize::from(RL42[coarse])], 18_432, 8);
        self.adapt(error);
    }

    /// Blocks 2H, 3H and 4H.
    fn follow_high(&mut self, code: u8) {
        let code = usize::from(code);
        let error = (self.step * QM2[code]) >> 15;
        self.rescale(WH[usize::from(RH2[code])], 22_528, 10);
        self.adapt(error);
    }

    /// Blocks 3: widens the step after large errors, narrows it after small ones.
    fn rescale(&mut self, change: i32, limit: i32, shift: i32) {
        self.log_step = (((self.log_step * 127) >> 7) + change).clamp(0, limit);
        let mantissa = ILB[(self.log_step >> 6 & 31) as usize];
        let exponent = shift - (self.log_step >> 11);
        self.step = if exponent < 0 {
            mantissa << -exponent
        } else {
            mantissa >> exponent
        } << 2;
    }

    /// Block 4: moves the predictor's coefficients along the sign of the error.
    fn adapt(&mut self, error: i32) {
        let signal = saturate(self.prediction + error);
        let partial = saturate(self.zeros + error);

        // UPPOL2: second pole.
        let same = |a: i32, b: i32| (a < 0) == (b < 0);
        let scaled = saturate(self.poles[0] << 2);
        let push = if same(partial, self.partial[0]) {
            -scaled
        } else {
            scaled
        }
        .min(32_767);
        let lean = if same(partial, self.partial[1]) {
            128
        } else {
            -128
        };
        let second = ((push >> 7) + lean + ((self.poles[1] * 32_512) >> 15)).clamp(-12_288, 12_288);

        // UPPOL1: first pole, kept where the filter is stable.
        let lean = if same(partial, self.partial[0]) {
            192
        } else {
            -192
        };
        let bound = saturate(15_360 - second);
        let first = saturate(lean + ((self.poles[0] * 32_640) >> 15)).clamp(-bound, bound);

        // UPZERO: the six taps of the zero section.
        let lean = if error == 0 { 0 } else { 128 };
        for (tap, past) in self.taps.iter_mut().zip(self.errors) {
            let push = if same(error, past) { lean } else { -lean };
            *tap = saturate(push + ((*tap * 32_640) >> 15));
        }

        // DELAYA: everything moves one sample into the past.
        self.errors.copy_within(0..5, 1);
        self.errors[0] = error;
        self.signal = [signal, self.signal[0]];
        self.partial = [partial, self.partial[0]];
        self.poles = [first, second];

        // FILTEP, FILTEZ, PREDIC.
        let term = |factor: i32, value: i32| (factor * saturate(value + value)) >> 15;
        let poles = saturate(term(first, self.signal[0]) + term(second, self.signal[1]));
        let zeros = self
            .taps
            .iter()
            .zip(self.errors)
            .map(|(&tap, past)| term(tap, past))
            .sum();
        self.zeros = saturate(zeros);
        self.prediction = saturate(poles + self.zeros);
    }
}

fn shift_in(filter: &mut [i32; 24], first: i32, second: i32) {
    filter.copy_within(2.., 0);
    filter[22] = first;
    filter[23] = second;
}

/// Both polyphase halves of the mirror filter: over the first, and over the second samples.
fn mirror(filter: &[i32; 24]) -> (i32, i32) {
    let (mut firsts, mut seconds) = (0, 0);
    for (i, pair) in filter.as_chunks::<2>().0.iter().enumerate() {
        firsts += pair[0] * QMF[i];
        seconds += pair[1] * QMF[11 - i];
    }
    (firsts, seconds)
}

fn saturate(value: i32) -> i32 {
    value.clamp(i32::from(i16::MIN), i32::from(i16::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Tone, share_at};

    fn passed(signal: &[i16]) -> Vec<f32> {
        let (mut encoder, mut decoder) = (Encoder::default(), Decoder::default());
        let (pairs, _) = signal.as_chunks::<2>();
        pairs
            .iter()
            .flat_map(|&[a, b]| decoder.decode(encoder.encode(a, b)))
            .map(f32::from)
            .collect()
    }

    #[test]
    fn tones_of_both_bands_pass() {
        for (frequency, purity) in [
            (300.0, 0.999),
            (1_000.0, 0.999),
            (3_400.0, 0.99),
            (6_000.0, 0.95),
        ] {
            let heard = passed(&Tone::new(16_000, frequency, 8_000.0).frame_i16(16_000));
            let share = share_at(&heard[1_600..], 16_000, frequency);
            assert!(share > purity, "{frequency} Hz: {share}");
        }
    }

    /// The bytes of the public domain implementation of 2005 for the same input.
    #[test]
    fn the_bytes_are_those_of_the_reference() {
        let mut encoder = Encoder::default();
        let mut digest = 0u32;
        let mut noise = 1u32;
        for i in 0..40_000i32 {
            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let loud = [0, 100, 3_000, 32_767][(i as usize / 320) % 4];
            let first = ((noise >> 16) as i32 - 32_768) * loud / 32_768;
            let second = (i % 37 - 18) * loud / 18;
            let byte = encoder.encode(first as i16, second as i16);
            digest = digest.wrapping_mul(31).wrapping_add(u32::from(byte));
        }
        assert_eq!(digest, REFERENCE_DIGEST);
    }

    /// Computed with that implementation, its steps begun at 32 and 8 as G.722 says.
    const REFERENCE_DIGEST: u32 = 0x06e8_6e6a;

    #[test]
    fn silence_is_silent_and_any_byte_is_decoded() {
        assert!(passed(&[0; 640]).iter().all(|s| s.abs() <= 16.0));
        let mut decoder = Decoder::default();
        for round in 0..2_000u32 {
            decoder.decode((round.wrapping_mul(97) >> 2) as u8);
        }
    }
}
