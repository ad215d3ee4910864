//! How well people would say it sounds: the E-model (ITU-T G.107), simplified.
//!
//! A rating R begins at what a faultless telephone line gets and loses for delay,
//! for the codec, and for packets that are missing; a cubic turns it into the mean
//! opinion score that everybody knows, 1 (bad) to 4.5 (as good as the telephone gets).
//!
//! ```text
//! R   = 93.2 - delay - equipment                          93.2: G.711 and nothing lost
//! delay     = 0.024·d + 0.11·max(0, d - 177.3)            d: one way, ms; felt beyond 177 ms
//! equipment = Ie + (95 - Ie)·l / (l + Bpl)                l: loss, %; Ie, Bpl: the codec's
//! MOS = 1 + 0.035·R + R·(R - 60)·(100 - R)·7·10⁻⁶
//! ```
//!
//! The scale is that of the telephone's band for every codec: a wideband member whose
//! packets all arrive gets the same best note, and not a better one.

use crate::codec::Codec;
use crate::reception::Quality;

/// The default rating: noise and loudness of an ordinary line (G.107, table 2).
const BEST: f32 = 93.2;
/// Beyond this one-way delay, in ms, conversation itself begins to suffer.
const FELT: f32 = 177.3;
/// What is between microphone and network on both sides and is not measured, in ms:
/// one packet there, one frame here.
const ENDS: f32 = 40.0;

/// The mean opinion score of what the room hears of a member, 1 to 4.5.
pub fn mos(quality: &Quality, codec: Codec) -> f32 {
    let way = quality.rtt_ms.map_or(0.0, |rtt| rtt / 2.0);
    score(rating(
        quality.loss * 100.0,
        quality.delay_ms + way + ENDS,
        codec,
    ))
}

/// The rating for this loss in percent and one-way delay in ms.
fn rating(loss: f32, delay: f32, codec: Codec) -> f32 {
    let late = 0.024 * delay + 0.11 * (delay - FELT).max(0.0);
    let (coding, robustness) = impairment(codec);
    let equipment = coding + (95.0 - coding) * loss / (loss + robustness);
    BEST - late - equipment
}

/// What the codec itself costs, and how well it bears loss: Ie and Bpl. G.711 with
/// concealment is G.113's; for the others it is what their concealment is known to be worth.
fn impairment(codec: Codec) -> (f32, f32) {
    match codec {
        Codec::Pcmu | Codec::Pcma => (0.0, 25.1),
        Codec::G722 => (0.0, 20.0),
        Codec::Opus => (0.0, 30.0),
    }
}

/// G.107, annex B.
fn score(rating: f32) -> f32 {
    let r = rating.clamp(0.0, 100.0);
    (1.0 + 0.035 * r + r * (r - 60.0) * (100.0 - r) * 7e-6).clamp(1.0, 4.5)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(loss: f32, delay_ms: f32) -> f32 {
        let quality = Quality {
            loss,
            delay_ms,
            ..Quality::default()
        };
        mos(&quality, Codec::Pcmu)
    }

    #[test]
    fn a_clean_line_is_as_good_as_the_telephone_gets() {
        assert!((heard(0.0, 0.0) - 4.38).abs() < 0.03, "{}", heard(0.0, 0.0));
    }

    #[test]
    fn the_note_falls_with_loss_and_delay_and_keeps_to_the_scale() {
        let notes = [0.0, 0.01, 0.03, 0.05, 0.1, 0.2, 0.5, 1.0].map(|loss| heard(loss, 20.0));
        assert!(notes.is_sorted_by(|a, b| a > b), "{notes:?}");
        // G.113 appendix I: 5 % random loss with concealment is "some users dissatisfied".
        assert!((3.6..4.0).contains(&notes[3]), "{notes:?}");
        assert!(notes.iter().all(|note| (1.0..=4.5).contains(note)));

        let late = [0.0, 100.0, 200.0, 400.0, 2_000.0].map(|delay| heard(0.0, delay));
        assert!(late.is_sorted_by(|a, b| a > b), "{late:?}");
    }

    #[test]
    fn half_the_round_trip_counts_as_delay() {
        let far = Quality {
            rtt_ms: Some(800.0),
            ..Quality::default()
        };
        assert!(mos(&far, Codec::Opus) < 3.5);
    }
}
