//! How loud a packet is, without decoding it.
//!
//! In a crowd nearly everybody is silent, and decoding silence is most of the
//! work: 6 µs a packet for G.722, 20 µs for Opus. What the packet itself tells is
//! enough to see that nobody speaks in it:
//!
//! - the sender's own word, where he puts it in the header (RFC 6464);
//! - G.711: the samples, which are a table away;
//! - G.722: the quantiser step of the low band, which follows from the codes
//!   alone and from nothing decoded. It measures what the predictor did not foresee,
//!   so a hum seems fainter than it is, and speech, which begins unforeseen, hardly;
//! - Opus: a packet of DTX, or the voice activity flags that stand in the clear at
//!   the head of its SILK layer (RFC 6716 §4.2.3).

use super::{Codec, g711, g722};
use crate::level::SILENCE;

/// What Opus calls no voice is taken for this noise, dBov: it says no more.
const NO_VOICE: f32 = -65.0;

/// Listens to one member's packets from outside.
#[derive(Debug, Default, Clone)]
pub struct Screen {
    step: g722::StepFollower,
}

impl Screen {
    /// The packet's level in dBov; `None` if only decoding would tell. `told` is what the sender says.
    pub fn level(&mut self, codec: Codec, payload: &[u8], told: Option<i8>) -> Option<f32> {
        if let Some(told) = told {
            return Some(f32::from(told));
        }
        match codec {
            Codec::Pcmu => Some(g711_level(payload, &g711::MU_LAW)),
            Codec::Pcma => Some(g711_level(payload, &g711::A_LAW)),
            Codec::G722 => Some(self.step.level(payload)),
            Codec::Opus => opus_level(payload),
        }
    }
}

fn g711_level(payload: &[u8], table: &[i16; 256]) -> f32 {
    if payload.is_empty() {
        return SILENCE;
    }
    let energy: i64 = payload
        .iter()
        .map(|&byte| i64::from(table[usize::from(byte)]).pow(2))
        .sum();
    let mean = energy as f32 / payload.len() as f32 / (32_768.0 * 32_768.0);
    (10.0 * mean.log10()).max(SILENCE)
}

fn opus_level(payload: &[u8]) -> Option<f32> {
    let [toc, rest @ ..] = payload else {
        return Some(SILENCE);
    };
    let [first, _, ..] = rest else {
        return Some(NO_VOICE); // a frame of at most one byte is DTX
    };
    let (configuration, stereo, frames) = (toc >> 3, toc & 4 != 0, toc & 3);
    // CELT alone tells nothing in the clear; in a pack of frames each has flags of its own.
    if configuration >= 16 || frames != 0 {
        return None;
    }
    // 60 ms of SILK are three frames of 20, 40 ms two; hybrid packets have one.
    let parts = match configuration {
        0..12 => match configuration % 4 {
            0 | 1 => 1,
            2 => 2,
            _ => 3,
        },
        _ => 1,
    };
    // The flags are the first bits, one a part, then one for the redundant copy; in stereo twice.
    let mid = first >> (8 - parts);
    let side = if stereo {
        first << (parts + 1) >> (8 - parts)
    } else {
        0
    };
    (mid == 0 && side == 0).then_some(NO_VOICE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::Encoder;
    use crate::level::dbov;

    /// Frames of noise or of something like speech, encoded, with their true levels.
    fn frames(codec: Codec, amplitude: f32, voiced: bool) -> Vec<(Vec<u8>, f32)> {
        let rate = codec.sample_rate();
        let mut encoder = Encoder::new(codec).unwrap();
        let mut seed = 1u32;
        let mut phase = 0.0f32;
        (0..100)
            .map(|frame| {
                let audio: Vec<f32> = (0..rate / 50)
                    .map(|_| {
                        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                        let noise = (seed >> 16) as f32 / 32_768.0 - 1.0;
                        // A glottal buzz, its pitch gliding, in syllables.
                        let pitch = 110.0 + 30.0 * (frame as f32 / 7.0).sin();
                        phase = (phase + pitch / rate as f32).fract();
                        let buzz = (1.0 - 2.0 * phase).powi(5) * (1.2 + (frame as f32 / 3.0).sin());
                        amplitude * if voiced { buzz + noise * 0.1 } else { noise }
                    })
                    .collect();
                let narrow: Vec<i16> = audio.iter().map(|&s| s as i16).collect();
                let mut payload = Vec::new();
                encoder.encode(&narrow, &mut payload);
                (payload, dbov(&audio))
            })
            .collect()
    }

    #[test]
    fn noise_is_measured_without_decoding() {
        for (codec, slack) in [(Codec::Pcmu, 0.7), (Codec::Pcma, 0.7), (Codec::G722, 5.0)] {
            for amplitude in [100.0, 300.0, 3_000.0] {
                let mut screen = Screen::default();
                let frames = frames(codec, amplitude, false);
                for (i, (payload, truth)) in frames.into_iter().enumerate() {
                    let level = screen.level(codec, &payload, None).unwrap();
                    assert!(
                        i < 10 || (level - truth).abs() < slack,
                        "{codec:?}: {truth} taken for {level}"
                    );
                }
            }
        }
    }

    #[test]
    fn speech_is_never_taken_for_silence() {
        for codec in [Codec::Pcmu, Codec::Pcma, Codec::G722] {
            let mut screen = Screen::default();
            let faintest = frames(codec, 2_000.0, true)
                .into_iter()
                .map(|(payload, truth)| Some(screen.level(codec, &payload, None)? - truth))
                .skip(10)
                .flatten()
                .fold(0.0, f32::min);
            assert!(faintest > -16.0, "{codec:?}: {faintest} dB too faint");
        }
    }

    #[test]
    fn opus_tells_noise_from_voice_and_dtx_from_both() {
        let level = |amplitude, voiced| {
            let mut screen = Screen::default();
            let frames = frames(Codec::Opus, amplitude, voiced);
            let told = frames
                .iter()
                .skip(50)
                .map(|(payload, _)| screen.level(Codec::Opus, payload, None).is_some());
            told.collect::<Vec<bool>>()
        };
        let noise = level(20.0, false);
        assert!(noise.iter().filter(|&&quiet| quiet).count() > 40);
        // Between syllables there is no voice, but never for long.
        let speech = level(8_000.0, true);
        let longest = speech.split(|&quiet| !quiet).map(<[bool]>::len).max();
        assert!(longest < Some(15), "{longest:?} frames without voice");
        let mut screen = Screen::default();
        assert_eq!(screen.level(Codec::Opus, &[0x48], None), Some(NO_VOICE));
        assert_eq!(screen.level(Codec::Opus, &[], None), Some(SILENCE));
    }

    #[test]
    fn the_senders_word_counts_first() {
        assert_eq!(
            Screen::default().level(Codec::Opus, &[0xff; 80], Some(-100)),
            Some(-100.0)
        );
    }
}
