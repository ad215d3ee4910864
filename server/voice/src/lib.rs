//! Text to speech by espeak-ng, offline.
//!
//! The prompts are spoken with it when Rollcall is built; names, which nobody
//! can know by then, are spoken with it while it runs. espeak-ng is run as a
//! program; nothing of it is linked.
//!
//! Whatever is spoken comes out trimmed and levelled alike, so that the pieces
//! of a sentence join without a step in loudness.

pub mod level;

use std::{
    io,
    process::{Command, Output},
};

/// Samples per second of everything spoken.
pub const RATE: u32 = 16_000;

/// Raised when the rendering itself changes, so that what was kept is made anew.
pub const RECIPE: u32 = 1;

/// A voice of one language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Voice {
    /// The language's two letters, as in `texts/`.
    pub language: &'static str,
    espeak: &'static str,
    words_per_minute: u32,
}

impl Voice {
    pub const ENGLISH: Voice = Voice {
        language: "en",
        espeak: "en-us",
        words_per_minute: 155,
    };
    pub const RUSSIAN: Voice = Voice {
        language: "ru",
        espeak: "ru",
        words_per_minute: 150,
    };
    pub const ALL: [Voice; 2] = [Voice::ENGLISH, Voice::RUSSIAN];

    /// What a spoken text depends on: equal fingerprints, equal sound.
    pub fn fingerprint(&self, text: &str) -> String {
        format!("{RECIPE} {} {} {text}", self.espeak, self.words_per_minute)
    }

    /// Speaks `text`: mono samples at [`RATE`].
    pub fn speak(&self, text: &str) -> Result<Vec<i16>, VoiceError> {
        let (samples, rate) = self.raw(text)?;
        let samples = level::resampled(&samples, rate, RATE);
        Ok(level::narrowed(&level::levelled(
            level::trimmed(&samples, RATE),
            RATE,
        )))
    }

    /// What espeak-ng says, as samples of -1.0..1.0, and their rate in Hz.
    fn raw(&self, text: &str) -> Result<(Vec<f32>, u32), VoiceError> {
        let failed = |message: String| VoiceError::Speech {
            voice: self.espeak,
            message,
        };
        let Output {
            status,
            stdout,
            stderr,
        } = Command::new("espeak-ng")
            .args([
                "-v",
                self.espeak,
                "-s",
                &self.words_per_minute.to_string(),
                "--stdout",
                "--",
                text,
            ])
            .output()
            .map_err(|error| match error.kind() {
                io::ErrorKind::NotFound => VoiceError::NoEspeak,
                _ => failed(error.to_string()),
            })?;
        if !status.success() {
            return Err(failed(String::from_utf8_lossy(&stderr).trim().to_owned()));
        }
        let (rate, samples) =
            pcm_of(&stdout).ok_or_else(|| failed("not a WAV stream".to_owned()))?;
        if samples.is_empty() {
            return Err(failed("it said nothing".to_owned()));
        }
        Ok((samples, rate))
    }
}

#[derive(Debug, thiserror::Error)]
pub enum VoiceError {
    #[error(
        "espeak-ng is missing; it speaks prompts and names. Install it: apt-get install espeak-ng"
    )]
    NoEspeak,
    #[error("espeak-ng could not speak with the voice {voice}: {message}")]
    Speech {
        voice: &'static str,
        message: String,
    },
}

/// Rate and samples of a WAV written to a pipe.
///
/// Its header claims a length nobody knew yet, which a strict reader refuses, so
/// the 44 bytes are read here and the samples are whatever follows.
fn pcm_of(wav: &[u8]) -> Option<(u32, Vec<f32>)> {
    let (header, samples) = wav.split_at_checked(44)?;
    if &header[..4] != b"RIFF" || &header[36..40] != b"data" {
        return None;
    }
    let rate = u32::from_le_bytes(header[24..28].try_into().ok()?);
    let samples = samples
        .chunks_exact(2)
        .map(|pair| f32::from(i16::from_le_bytes([pair[0], pair[1]])) / 32_768.0)
        .collect();
    Some((rate, samples))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_that_is_no_wav_is_told_from_one_that_is() {
        let mut wav = vec![0; 44];
        wav[..4].copy_from_slice(b"RIFF");
        wav[24..28].copy_from_slice(&22_050_u32.to_le_bytes());
        wav[36..40].copy_from_slice(b"data");
        wav.extend([0, 0x40, 0xff]);

        assert_eq!(pcm_of(&wav), Some((22_050, vec![0.5])));
        assert_eq!(pcm_of(b"ID3"), None);
        wav[0] = b'X';
        assert_eq!(pcm_of(&wav), None);
    }
}
