//! `cargo run -p xtask -- sounds`: renders what Rollcall says and plays.
//!
//! Reads `texts/{en,ru}/prompts.toml` (flat: `key = "text"`), has espeak-ng speak
//! every text, and writes `sounds/rendered/{language}/{key}.wav`; the tones and the
//! hold music, which have no language, go to `sounds/rendered/common/`. All are
//! mono, 16 bits, 16 kHz, trimmed and levelled alike, so that pieces of a sentence
//! join without a step in loudness.
//!
//! A stamp remembers the recipe of every file: a second run renders only what
//! changed and removes what no text names any more. espeak-ng is run as a program;
//! nothing of it is linked.

mod level;
mod music;
mod stamp;

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use stamp::Stamp;

/// Samples per second of every rendered sound.
pub const RATE: u32 = 16_000;

/// Raised when the rendering itself changes, so that every file is made anew.
const RECIPE: u32 = 1;

/// The languages Rollcall speaks: folder of texts, espeak-ng's voice, words a minute.
const VOICES: [Voice; 2] = [
    Voice {
        language: "en",
        espeak: "en-us",
        words_per_minute: 155,
    },
    Voice {
        language: "ru",
        espeak: "ru",
        words_per_minute: 150,
    },
];

#[derive(Debug, Clone, Copy)]
struct Voice {
    language: &'static str,
    espeak: &'static str,
    words_per_minute: u32,
}

#[derive(Debug, thiserror::Error)]
pub enum SoundsError {
    #[error("espeak-ng is missing; it speaks the prompts. Install it: apt-get install espeak-ng")]
    NoEspeak,
    #[error("{path}: {source}")]
    File { path: PathBuf, source: io::Error },
    #[error("{path}: {message}")]
    Texts { path: PathBuf, message: String },
    #[error("espeak-ng could not speak '{key}' ({voice}): {message}")]
    Speech {
        key: String,
        voice: &'static str,
        message: String,
    },
    #[error("{path}: {source}")]
    Wav { path: PathBuf, source: hound::Error },
}

/// One file to be made.
enum Recipe {
    Speech {
        voice: Voice,
        key: String,
        text: String,
    },
    Synthetic {
        make: music::Make,
    },
}

impl Recipe {
    /// What the file depends on; equal text means an equal file.
    fn fingerprint(&self) -> String {
        match self {
            Recipe::Speech { voice, text, .. } => {
                format!(
                    "{RECIPE} {} {} {text}",
                    voice.espeak, voice.words_per_minute
                )
            }
            Recipe::Synthetic { .. } => format!("{RECIPE} {}", music::RECIPE),
        }
    }

    fn render(&self) -> Result<Vec<i16>, SoundsError> {
        match self {
            Recipe::Speech { voice, key, text } => {
                let (samples, rate) = speak(*voice, key, text)?;
                let samples = level::resampled(&samples, rate, RATE);
                Ok(level::narrowed(&level::levelled(
                    level::trimmed(&samples, RATE),
                    RATE,
                )))
            }
            Recipe::Synthetic { make } => Ok(level::narrowed(&make())),
        }
    }
}

/// Renders what changed under `root` (the repository) and says what it did.
pub fn run(root: &Path) -> Result<(), SoundsError> {
    let rendered = root.join("sounds/rendered");
    let mut wanted: BTreeMap<String, Recipe> = BTreeMap::new();
    for voice in VOICES {
        for (key, text) in texts(&root.join("texts").join(voice.language).join("prompts.toml"))? {
            let name = format!("{}/{key}.wav", voice.language);
            wanted.insert(name, Recipe::Speech { voice, key, text });
        }
    }
    for (name, make) in music::ALL {
        wanted.insert(format!("common/{name}.wav"), Recipe::Synthetic { make });
    }

    let mut stamp = Stamp::read(&rendered);
    let gone = stamp.forget_all_but(&wanted);
    for name in &gone {
        match fs::remove_file(rendered.join(name)) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                return Err(SoundsError::File {
                    path: rendered.join(name),
                    source,
                });
            }
            _ => {}
        }
    }
    let stale: Vec<(&String, &Recipe)> = wanted
        .iter()
        .filter(|(name, recipe)| !stamp.is_current(&rendered, name, &recipe.fingerprint()))
        .collect();

    let made = render_all(&rendered, &stale);
    // What was made is remembered even when something else failed.
    for (name, recipe) in &stale {
        if made.done.contains(*name) {
            stamp.remember(name, &recipe.fingerprint());
        }
    }
    if !stale.is_empty() || !gone.is_empty() {
        stamp.write(&rendered).map_err(|source| SoundsError::File {
            path: rendered.clone(),
            source,
        })?;
    }
    if let Some(error) = made.failure {
        return Err(error);
    }
    println!(
        "Sounds: {} rendered, {} unchanged, {} removed",
        stale.len(),
        wanted.len() - stale.len(),
        gone.len()
    );
    Ok(())
}

struct Made {
    done: Vec<String>,
    failure: Option<SoundsError>,
}

/// Renders `stale` on every core; the first failure ends the work of all.
fn render_all(rendered: &Path, stale: &[(&String, &Recipe)]) -> Made {
    let next = AtomicUsize::new(0);
    let workers = thread::available_parallelism().map_or(2, usize::from);
    let results: Vec<Made> = thread::scope(|scope| {
        let work = || {
            let mut made = Made {
                done: Vec::new(),
                failure: None,
            };
            while let Some((name, recipe)) = stale.get(next.fetch_add(1, Ordering::Relaxed)) {
                let path = rendered.join(name);
                match recipe
                    .render()
                    .and_then(|samples| write_wav(&path, &samples))
                {
                    Ok(()) => made.done.push((*name).clone()),
                    Err(error) => {
                        next.store(stale.len(), Ordering::Relaxed);
                        made.failure = Some(error);
                        break;
                    }
                }
            }
            made
        };
        let threads: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().expect("a rendering thread does not panic"))
            .collect()
    });
    let mut all = Made {
        done: Vec::new(),
        failure: None,
    };
    for made in results {
        all.done.extend(made.done);
        all.failure = all.failure.or(made.failure);
    }
    all
}

/// Reads a file of prompts: one table, keys of lower-case letters, digits and `_`.
fn texts(path: &Path) -> Result<BTreeMap<String, String>, SoundsError> {
    let wrong = |message: String| SoundsError::Texts {
        path: path.to_owned(),
        message,
    };
    let text = fs::read_to_string(path).map_err(|source| SoundsError::File {
        path: path.to_owned(),
        source,
    })?;
    let texts: BTreeMap<String, String> =
        toml::from_str(&text).map_err(|error| wrong(error.to_string()))?;
    for (key, text) in &texts {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if key.is_empty() || !key.chars().all(plain) {
            return Err(wrong(format!(
                "'{key}' cannot be a file's name: use a-z, 0-9 and _"
            )));
        }
        if text.trim().is_empty() {
            return Err(wrong(format!("'{key}' has no text")));
        }
    }
    Ok(texts)
}

/// Has espeak-ng speak `text`; returns samples of -1.0..1.0 and their rate in Hz.
fn speak(voice: Voice, key: &str, text: &str) -> Result<(Vec<f32>, u32), SoundsError> {
    let failed = |message: String| SoundsError::Speech {
        key: key.to_owned(),
        voice: voice.espeak,
        message,
    };
    let Output {
        status,
        stdout,
        stderr,
    } = Command::new("espeak-ng")
        .args([
            "-v",
            voice.espeak,
            "-s",
            &voice.words_per_minute.to_string(),
            "--stdout",
            "--",
            text,
        ])
        .output()
        .map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => SoundsError::NoEspeak,
            _ => failed(error.to_string()),
        })?;
    if !status.success() {
        return Err(failed(String::from_utf8_lossy(&stderr).trim().to_owned()));
    }
    let (rate, samples) = pcm_of(&stdout).ok_or_else(|| failed("not a WAV stream".to_owned()))?;
    if samples.is_empty() {
        return Err(failed("it said nothing".to_owned()));
    }
    Ok((samples, rate))
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

/// Writes beside the file and renames, so that nobody ever reads half a sound.
fn write_wav(path: &Path, samples: &[i16]) -> Result<(), SoundsError> {
    let at = |source: io::Error| SoundsError::File {
        path: path.to_owned(),
        source,
    };
    let wav = |source: hound::Error| SoundsError::Wav {
        path: path.to_owned(),
        source,
    };
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(at)?;
    }
    let unfinished = path.with_extension("wav.part");
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: RATE,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(&unfinished, spec).map_err(wav)?;
    for sample in samples {
        writer.write_sample(*sample).map_err(wav)?;
    }
    writer.finalize().map_err(wav)?;
    fs::rename(&unfinished, path).map_err(at)
}
