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

mod music;
mod stamp;

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use stamp::Stamp;
use voice::{RATE, Voice, VoiceError, level};

#[derive(Debug, thiserror::Error)]
pub enum SoundsError {
    #[error(transparent)]
    NoEspeak(VoiceError),
    #[error("{path}: {source}")]
    File { path: PathBuf, source: io::Error },
    #[error("{path}: {message}")]
    Texts { path: PathBuf, message: String },
    #[error("'{key}': {source}")]
    Speech { key: String, source: VoiceError },
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
            Recipe::Speech { voice, text, .. } => voice.fingerprint(text),
            Recipe::Synthetic { .. } => format!("{} {}", voice::RECIPE, music::RECIPE),
        }
    }

    fn render(&self) -> Result<Vec<i16>, SoundsError> {
        match self {
            Recipe::Speech { voice, key, text } => voice.speak(text).map_err(|source| {
                if let VoiceError::NoEspeak = source {
                    return SoundsError::NoEspeak(source);
                }
                SoundsError::Speech {
                    key: key.clone(),
                    source,
                }
            }),
            Recipe::Synthetic { make } => Ok(level::narrowed(&make())),
        }
    }
}

/// Renders what changed under `root` (the repository) and says what it did.
pub fn run(root: &Path) -> Result<(), SoundsError> {
    let rendered = root.join("sounds/rendered");
    let mut wanted: BTreeMap<String, Recipe> = BTreeMap::new();
    for voice in Voice::ALL {
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
