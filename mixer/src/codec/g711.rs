//! G.711: one byte a sample, logarithmic, in its two laws.
//!
//! Each byte is a sign, a 3-bit exponent (segment) and a 4-bit mantissa, so the
//! step grows with the signal and the noise stays some 38 dB below it at any
//! level. Decoding is a table of 256; encoding finds the segment by counting
//! leading zeros. Both are exact inverses of each other on the codec's own
//! values, so a voice that passes a conference alone passes unchanged.

/// Decoded values of all 256 µ-law bytes.
pub static MU_LAW: [i16; 256] = table(Law::Mu);
/// Decoded values of all 256 A-law bytes.
pub static A_LAW: [i16; 256] = table(Law::A);

/// µ-law for +0: what silence looks like on the wire.
pub const MU_SILENCE: u8 = 0xff;
/// A-law for +0.
pub const A_SILENCE: u8 = 0xd5;

#[derive(Clone, Copy)]
enum Law {
    Mu,
    A,
}

const fn table(law: Law) -> [i16; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = match law {
            Law::Mu => mu_value(byte as u8),
            Law::A => a_value(byte as u8),
        };
        byte += 1;
    }
    table
}

/// G.711 table 2a/2b: 14-bit magnitudes, here scaled to 16 bits, with a bias of 33 · 4.
const MU_BIAS: i32 = 0x84;

const fn mu_value(byte: u8) -> i16 {
    let byte = !byte;
    let segment = (byte >> 4) & 7;
    let magnitude = ((((byte & 0x0f) as i32) << 3) + MU_BIAS) << segment;
    if byte & 0x80 == 0 {
        (magnitude - MU_BIAS) as i16
    } else {
        (MU_BIAS - magnitude) as i16
    }
}

const fn a_value(byte: u8) -> i16 {
    let byte = byte ^ 0x55;
    let segment = (byte >> 4) & 7;
    let mantissa = ((byte & 0x0f) as i32) << 4;
    let magnitude = match segment {
        0 => mantissa + 8,
        _ => (mantissa + 0x108) << (segment - 1),
    };
    if byte & 0x80 == 0 {
        -magnitude as i16
    } else {
        magnitude as i16
    }
}

/// Encodes one sample in µ-law.
pub const fn mu_byte(sample: i16) -> u8 {
    let sign = if sample < 0 { 0x80 } else { 0 };
    let loudest = 32_635; // the largest magnitude whose biased value fits 15 bits
    let mut magnitude = (sample as i32).abs();
    if magnitude > loudest {
        magnitude = loudest;
    }
    magnitude += MU_BIAS;
    // The bias puts the leading one at bit 7 at least: that bit is segment 0.
    let segment = 24 - magnitude.leading_zeros();
    let mantissa = (magnitude >> (segment + 3)) & 0x0f;
    !(sign | ((segment as u8) << 4) | mantissa as u8)
}

/// Encodes one sample in A-law.
pub const fn a_byte(sample: i16) -> u8 {
    // Negative values are folded with one's complement, so -1 and 0 are neighbours.
    let (sign, magnitude) = if sample < 0 {
        (0, !(sample as i32))
    } else {
        (0x80, sample as i32)
    };
    let segment = 24 - (magnitude | 0x80).leading_zeros();
    let shift = if segment == 0 { 4 } else { segment + 3 };
    let mantissa = (magnitude >> shift) & 0x0f;
    (sign | ((segment as u8) << 4) | mantissa as u8) ^ 0x55
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_survives_the_way_through_its_value() {
        for byte in 0..=u8::MAX {
            let value = MU_LAW[usize::from(byte)];
            // µ-law has two zeros; ours is the positive one.
            let expected = if value == 0 { MU_SILENCE } else { byte };
            assert_eq!(mu_byte(value), expected, "µ-law {byte:#x}");
            assert_eq!(a_byte(A_LAW[usize::from(byte)]), byte, "A-law {byte:#x}");
        }
    }

    #[test]
    fn the_values_are_those_of_the_recommendation() {
        assert_eq!(MU_LAW[0x00], -32_124);
        assert_eq!(MU_LAW[0x80], 32_124);
        assert_eq!(MU_LAW[usize::from(MU_SILENCE)], 0);
        assert_eq!(A_LAW[0x2a], -32_256);
        assert_eq!(A_LAW[0xaa], 32_256);
        assert_eq!(A_LAW[usize::from(A_SILENCE)], 8);
    }

    #[test]
    fn the_error_is_at_most_half_a_step() {
        for sample in i16::MIN..=i16::MAX {
            // Half the step of the segment: 1/32 of the magnitude, at least half the smallest step.
            let value = i32::from(sample);
            let bound = (value.abs() + 132) / 32 + 1;
            let mu = i32::from(MU_LAW[usize::from(mu_byte(sample))]);
            if value.abs() <= 32_635 {
                assert!((mu - value).abs() <= bound, "µ-law {sample} became {mu}");
            }
            let a = i32::from(A_LAW[usize::from(a_byte(sample))]);
            assert!((a - value).abs() <= bound + 8, "A-law {sample} became {a}");
        }
    }
}
