//! A name as it is kept: 16-bit samples, one channel, at the prompts' rate and loudness,
//! without the silence around it.

use std::io::Cursor;

use hound::{SampleFormat, WavReader, WavSpec, WavWriter};
use media::Sound;
use voice::level;

/// Seconds a name may last.
pub const LONGEST_S: u32 = 10;
/// What an uploaded file may weigh: more than so long takes in the best quality, stereo.
pub const MOST_BYTES: usize = 4 * 1024 * 1024;

const RATE: u32 = Sound::SAMPLE_RATE;
const RATES: std::ops::RangeInclusive<u32> = 8_000..=96_000;
/// What is quieter is no name: -50 dBov.
const SILENCE: f32 = 0.003;
/// Neither is what is shorter than 0.2 s.
const SHORTEST: usize = RATE as usize / 5;
/// The end of what is said by telephone is not kept: it may be the sound of the key that ended it.
const KEY: usize = RATE as usize * 12 / 100;

/// Why a name cannot be kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClipError {
    #[error("Not a WAV file of PCM samples: {0}")]
    NotWav(String),
    #[error("The sound has {channels} channels at {rate} Hz; one or two at {} to {} Hz are needed", RATES.start(), RATES.end())]
    Form { channels: u16, rate: u32 },
    #[error("The sound lasts {seconds} s; a name lasts {LONGEST_S} s at most")]
    TooLong { seconds: u32 },
    #[error("Nothing is heard")]
    Silent,
}

/// From what a caller said.
///
/// # Errors
/// [`ClipError::Silent`] if that was nothing.
pub fn of_take(said: &[i16]) -> Result<Vec<u8>, ClipError> {
    let said: Vec<f32> = said[..said.len().saturating_sub(KEY)]
        .iter()
        .map(|sample| f32::from(*sample) / 32_768.0)
        .collect();
    kept(&said)
}

/// From a WAV file of whatever kind.
///
/// # Errors
/// What is wrong with it.
pub fn of_wav(bytes: &[u8]) -> Result<Vec<u8>, ClipError> {
    let not_wav = |error: hound::Error| ClipError::NotWav(error.to_string());
    let reader = WavReader::new(Cursor::new(bytes)).map_err(not_wav)?;
    let WavSpec {
        channels,
        sample_rate: rate,
        bits_per_sample,
        sample_format,
    } = reader.spec();
    if !(1..=2).contains(&channels) || !RATES.contains(&rate) {
        return Err(ClipError::Form { channels, rate });
    }
    let seconds = reader.duration().div_ceil(rate);
    if reader.duration() > LONGEST_S * rate {
        return Err(ClipError::TooLong { seconds });
    }
    let samples: Vec<f32> = match sample_format {
        SampleFormat::Float => reader.into_samples::<f32>().collect::<Result<_, _>>(),
        SampleFormat::Int => {
            let full = 2_f32.powi(i32::from(bits_per_sample) - 1);
            let samples = reader.into_samples::<i32>();
            samples
                .map(|sample| sample.map(|sample| sample as f32 / full))
                .collect()
        }
    }
    .map_err(not_wav)?;
    let mono: Vec<f32> = samples
        .chunks_exact(usize::from(channels))
        .map(|all| all.iter().sum::<f32>() / f32::from(channels))
        .map(|sample| {
            if sample.is_finite() {
                sample.clamp(-1.0, 1.0)
            } else {
                0.0
            }
        })
        .collect();
    if mono.is_empty() {
        return Err(ClipError::Silent);
    }
    kept(&level::resampled(&mono, rate, RATE))
}

fn kept(samples: &[f32]) -> Result<Vec<u8>, ClipError> {
    let name = level::trimmed(samples, RATE);
    if name.len() < SHORTEST || level::active_rms(name, RATE) < SILENCE {
        return Err(ClipError::Silent);
    }
    let name = level::narrowed(&level::levelled(name, RATE));
    wav(&name).map_err(|error| ClipError::NotWav(error.to_string()))
}

fn wav(samples: &[i16]) -> Result<Vec<u8>, hound::Error> {
    let spec = WavSpec {
        channels: 1,
        sample_rate: RATE,
        bits_per_sample: 16,
        sample_format: SampleFormat::Int,
    };
    let mut file = Cursor::new(Vec::new());
    let mut writer = WavWriter::new(&mut file, spec)?;
    for sample in samples {
        writer.write_sample(*sample)?;
    }
    writer.finalize()?;
    Ok(file.into_inner())
}

#[cfg(test)]
mod tests {
    use std::f32::consts::TAU;

    use super::*;

    /// `seconds` of a tone, between as much silence.
    fn tone(rate: u32, hz: f32, size: f32, seconds: f32) -> Vec<f32> {
        let length = (rate as f32 * seconds) as usize;
        let sounds = |n: usize| size * (TAU * hz * n as f32 / rate as f32).sin();
        let silence = vec![0.0; length];
        let mut all = silence.clone();
        all.extend((0..length).map(sounds));
        all.extend(silence);
        all
    }

    fn file(spec: WavSpec, samples: &[f32]) -> Vec<u8> {
        let mut file = Cursor::new(Vec::new());
        let mut writer = WavWriter::new(&mut file, spec).unwrap();
        for sample in samples {
            for _ in 0..spec.channels {
                match spec.sample_format {
                    SampleFormat::Float => writer.write_sample(*sample).unwrap(),
                    SampleFormat::Int => {
                        let full = 2_f32.powi(i32::from(spec.bits_per_sample) - 1) - 1.0;
                        writer.write_sample((sample * full) as i32).unwrap();
                    }
                }
            }
        }
        writer.finalize().unwrap();
        file.into_inner()
    }

    fn spec(channels: u16, sample_rate: u32, bits_per_sample: u16) -> WavSpec {
        let sample_format = match bits_per_sample {
            32 => SampleFormat::Float,
            _ => SampleFormat::Int,
        };
        WavSpec {
            channels,
            sample_rate,
            bits_per_sample,
            sample_format,
        }
    }

    /// How often the wave rises through zero in a second: a tone's frequency.
    fn hz(samples: &[i16]) -> f32 {
        let rises = samples.windows(2).filter(|two| two[0] < 0 && two[1] >= 0);
        rises.count() as f32 * RATE as f32 / samples.len() as f32
    }

    #[test]
    fn a_file_of_any_usual_kind_is_brought_to_the_prompts_form_and_loudness() {
        for (channels, rate, bits) in [
            (1, 16_000, 16),
            (2, 44_100, 16),
            (1, 8_000, 8),
            (2, 48_000, 24),
            (1, 96_000, 32),
        ] {
            for size in [0.05, 0.9] {
                let name = tone(rate, 440.0, size, 1.0);
                let kept = of_wav(&file(spec(channels, rate, bits), &name)).unwrap();

                let sound = Sound::from_wav(&kept).expect("it can be played");
                let samples = sound.samples();
                let length = samples.len() as f32 / RATE as f32;
                assert!((0.95..1.1).contains(&length), "{length} s of {rate} Hz");
                let heard = hz(&samples[2_000..14_000]);
                assert!((heard - 440.0).abs() < 3.0, "{heard} Hz of {rate} Hz");
                let loud: Vec<f32> = samples.iter().map(|s| f32::from(*s) / 32_768.0).collect();
                let dbov = 20.0 * level::active_rms(&loud, RATE).log10();
                assert!((dbov + 20.0).abs() < 1.0, "{dbov} dBov of {size}");
            }
        }
    }

    #[test]
    fn what_is_no_name_is_refused_with_its_reason() {
        let plain = spec(1, 16_000, 16);
        let long = tone(16_000, 440.0, 0.5, 3.6);
        assert_eq!(
            of_wav(&file(plain, &long)),
            Err(ClipError::TooLong { seconds: 11 })
        );
        for silence in [vec![], vec![0.0; 16_000], tone(16_000, 440.0, 0.5, 0.05)] {
            assert_eq!(of_wav(&file(plain, &silence)), Err(ClipError::Silent));
        }
        assert_eq!(
            of_wav(&file(spec(3, 16_000, 16), &tone(16_000, 440.0, 0.5, 1.0))),
            Err(ClipError::Form {
                channels: 3,
                rate: 16_000
            })
        );
        let mut half = file(plain, &tone(16_000, 440.0, 0.5, 1.0));
        half.truncate(20_001);
        for nonsense in [&b""[..], b"RIFF", b"ID3\x04 an MP3", &half] {
            let refused = of_wav(nonsense);
            assert!(matches!(refused, Err(ClipError::NotWav(_))), "{refused:?}");
        }
    }

    #[test]
    fn what_a_caller_said_is_kept_without_the_key_that_ended_it() {
        let narrow = |samples: Vec<f32>| level::narrowed(&samples);
        let mut said = narrow(tone(RATE, 440.0, 0.1, 0.5));
        // The key's own sound, a loud one.
        said.extend(narrow(tone(RATE, 1_477.0, 0.6, 0.1)[1_600..3_200].to_vec()));

        let kept = of_take(&said).unwrap();

        let sound = Sound::from_wav(&kept).unwrap();
        let length = sound.samples().len() as f32 / RATE as f32;
        assert!((0.5..0.6).contains(&length), "{length} s");
        assert_eq!(of_take(&[]), Err(ClipError::Silent));
        assert_eq!(of_take(&[3; 96_000]), Err(ClipError::Silent));
    }
}
