//! Recorded sounds: prompts and music, as the mixer plays them.
//!
//! A sound is decoded once, kept as 16 kHz mono, and shared by everyone it is
//! played to. It is read from a WAV file; anything else is refused by name,
//! because a sound that plays at the wrong speed is worse than a clear error.

use std::fmt;
use std::io::Cursor;

/// A piece of audio: 16-bit mono samples at [`Sound::SAMPLE_RATE`].
#[derive(Clone, PartialEq, Eq)]
pub struct Sound {
    samples: Box<[i16]>,
}

impl Sound {
    /// Samples a second.
    pub const SAMPLE_RATE: u32 = 16_000;

    /// From samples that are already mono at 16 kHz.
    pub fn from_samples(samples: impl Into<Box<[i16]>>) -> Self {
        Self {
            samples: samples.into(),
        }
    }

    /// Reads a WAV file's bytes: mono, 16-bit PCM, 16 kHz, at least one sample.
    pub fn from_wav(bytes: &[u8]) -> Result<Self, SoundError> {
        let reader = hound::WavReader::new(Cursor::new(bytes))
            .map_err(|e| SoundError::NotWav(e.to_string()))?;
        let spec = reader.spec();
        if spec.sample_format != hound::SampleFormat::Int || spec.bits_per_sample != 16 {
            return Err(SoundError::NotSixteenBit {
                bits: spec.bits_per_sample,
            });
        }
        if spec.channels != 1 {
            return Err(SoundError::NotMono {
                channels: spec.channels,
            });
        }
        if spec.sample_rate != Self::SAMPLE_RATE {
            return Err(SoundError::WrongRate {
                rate: spec.sample_rate,
            });
        }
        let samples = reader
            .into_samples::<i16>()
            .collect::<Result<Box<[i16]>, _>>()
            .map_err(|e| SoundError::NotWav(e.to_string()))?;
        if samples.is_empty() {
            return Err(SoundError::Empty);
        }
        Ok(Self { samples })
    }

    pub fn samples(&self) -> &[i16] {
        &self.samples
    }

    /// How long it plays.
    pub fn duration(&self) -> std::time::Duration {
        std::time::Duration::from_micros(
            self.samples.len() as u64 * 1_000_000 / u64::from(Self::SAMPLE_RATE),
        )
    }
}

/// A million samples in a log line help nobody.
impl fmt::Debug for Sound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sound")
            .field("duration", &self.duration())
            .finish()
    }
}

/// Why a file cannot be played.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SoundError {
    #[error("Not a readable WAV file: {0}")]
    NotWav(String),
    #[error("The sound has {bits} bits a sample; 16-bit integer PCM is needed")]
    NotSixteenBit { bits: u16 },
    #[error("The sound has {channels} channels; mono is needed")]
    NotMono { channels: u16 },
    #[error("The sound has {rate} samples a second; 16000 are needed")]
    WrongRate { rate: u32 },
    #[error("The sound holds no audio")]
    Empty,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wav(channels: u16, rate: u32, bits: u16, samples: &[i16]) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        let spec = hound::WavSpec {
            channels,
            sample_rate: rate,
            bits_per_sample: bits,
            sample_format: hound::SampleFormat::Int,
        };
        let mut writer = hound::WavWriter::new(&mut bytes, spec).unwrap();
        for &sample in samples {
            writer.write_sample(sample).unwrap();
        }
        writer.finalize().unwrap();
        bytes.into_inner()
    }

    #[test]
    fn a_mono_16_khz_file_is_taken_sample_by_sample() {
        let sound = Sound::from_wav(&wav(1, 16_000, 16, &[1, -2, 3])).unwrap();

        assert_eq!(sound.samples(), [1, -2, 3]);
    }

    #[test]
    fn every_other_shape_is_refused_by_name() {
        let refused = |bytes: &[u8]| Sound::from_wav(bytes).unwrap_err();

        assert_eq!(
            refused(&wav(2, 16_000, 16, &[1, 2])),
            SoundError::NotMono { channels: 2 }
        );
        assert_eq!(
            refused(&wav(1, 8_000, 16, &[1])),
            SoundError::WrongRate { rate: 8_000 }
        );
        assert_eq!(
            refused(&wav(1, 16_000, 24, &[1])),
            SoundError::NotSixteenBit { bits: 24 }
        );
        assert_eq!(refused(&wav(1, 16_000, 16, &[])), SoundError::Empty);
        assert!(matches!(refused(b"RIFF nonsense"), SoundError::NotWav(_)));
        let mut cut = wav(1, 16_000, 16, &[1, 2, 3, 4]);
        cut.truncate(47);
        assert!(matches!(refused(&cut), SoundError::NotWav(_)));
    }
}
