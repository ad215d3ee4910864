//! What people hear: rendered prompts out of the binary, and names spoken on the spot.
//!
//! The prompts are rendered when Rollcall is built and carried in the binary.
//! Names and titles are not known by then: espeak-ng speaks them where it is
//! installed, once each; the result is kept in the data folder. Without
//! espeak-ng a word stands in for the name. Whoever has recorded his name is
//! heard himself.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use domain::{
    EmployeeId,
    company::Language,
    speech::{Phrase, SoundKey},
};
use media::Sound;
use rust_embed::RustEmbed;
use sha2::{Digest, Sha256};
use voice::{Voice, VoiceError};

use crate::recorded_names::RecordedNames;

#[derive(RustEmbed)]
#[folder = "../sounds/rendered/"]
#[allow_missing = true]
struct Rendered;

/// The longest text spoken for a name or a title, in characters.
const LONGEST_SPOKEN: usize = 200;

/// All sounds, decoded once each. Shared by every room.
pub struct Sounds {
    /// Where spoken names are kept, as WAV files named by their fingerprint.
    kept: PathBuf,
    names: Arc<RecordedNames>,
    decoded: Mutex<BTreeMap<String, Option<Arc<Sound>>>>,
}

impl Sounds {
    pub fn new(data: &Path, names: Arc<RecordedNames>) -> Self {
        Sounds {
            kept: data.join("spoken"),
            names,
            decoded: Mutex::default(),
        }
    }

    /// The hold music, which has no language.
    pub fn music(&self) -> Option<Arc<Sound>> {
        self.rendered("common/hold_music")
    }

    /// What these phrases sound like, one after the other. What is missing is
    /// left out, and told once in the log: silence is better than no call.
    ///
    /// A name not spoken before takes some tens of milliseconds, off this task.
    pub async fn render(
        self: &Arc<Self>,
        language: Language,
        phrases: &[Phrase],
    ) -> Vec<Arc<Sound>> {
        let mut sounds = Vec::with_capacity(phrases.len());
        for phrase in phrases {
            sounds.extend(self.of(language, phrase).await);
        }
        sounds
    }

    async fn of(self: &Arc<Self>, language: Language, phrase: &Phrase) -> Option<Arc<Sound>> {
        let rendered = |key: &SoundKey| self.rendered(&format!("{}/{key}", language.code()));
        match phrase {
            Phrase::Sound(key) => rendered(key),
            Phrase::Spoken { text, otherwise } => match self.spoken(language, text).await {
                Some(sound) => Some(sound),
                None => otherwise.as_ref().and_then(rendered),
            },
            Phrase::Recording {
                employee,
                otherwise,
            } => match self.in_own_voice(*employee).await {
                Some(sound) => Some(sound),
                None => Box::pin(self.of(language, otherwise)).await,
            },
        }
    }

    /// His name as he recorded it. It is not kept here: it is short, and may be another next time.
    async fn in_own_voice(&self, employee: EmployeeId) -> Option<Arc<Sound>> {
        let sound = match self.names.wav(employee).await {
            Ok(wav) => Sound::from_wav(&wav?).map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        sound
            .inspect_err(
                |error| tracing::warn!(%employee, error, "A recorded name cannot be played"),
            )
            .ok()
            .map(Arc::new)
    }

    /// Speaks `text` ahead of its first use.
    pub async fn spoken(self: &Arc<Self>, language: Language, text: &str) -> Option<Arc<Sound>> {
        let text: String = text
            .chars()
            .filter(|c| !c.is_control())
            .take(LONGEST_SPOKEN)
            .collect();
        if text.trim().is_empty() {
            return None;
        }
        let voice = voice_of(language);
        let key = fingerprint(voice, &text);
        if let Some(known) = self.decoded().get(&key) {
            return known.clone();
        }
        let path = self.kept.join(format!("{key}.wav"));
        let sound = tokio::task::spawn_blocking(move || kept_or_spoken(voice, &text, &path))
            .await
            .unwrap_or_else(|panic| {
                tracing::error!(%panic, "Speaking a name failed");
                None
            })
            .map(Arc::new);
        self.decoded().insert(key, sound.clone());
        sound
    }

    fn rendered(&self, key: &str) -> Option<Arc<Sound>> {
        let mut decoded = self.decoded();
        if let Some(known) = decoded.get(key) {
            return known.clone();
        }
        let sound = match Rendered::get(&format!("{key}.wav")) {
            Some(file) => match Sound::from_wav(&file.data) {
                Ok(sound) => Some(Arc::new(sound)),
                Err(error) => {
                    tracing::error!(key, %error, "A prompt cannot be played");
                    None
                }
            },
            None => {
                tracing::error!(key, "A prompt is missing; `make sounds` renders it");
                None
            }
        };
        decoded.insert(key.to_owned(), sound.clone());
        sound
    }

    fn decoded(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Option<Arc<Sound>>>> {
        // A panic while the map was held leaves a map that is still whole.
        self.decoded.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn voice_of(language: Language) -> Voice {
    match language {
        Language::English => Voice::ENGLISH,
        Language::Russian => Voice::RUSSIAN,
    }
}

fn fingerprint(voice: Voice, text: &str) -> String {
    Sha256::digest(voice.fingerprint(text))
        .iter()
        .take(16)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

fn kept_or_spoken(voice: Voice, text: &str, path: &Path) -> Option<Sound> {
    if let Some(sound) = fs::read(path)
        .ok()
        .and_then(|bytes| Sound::from_wav(&bytes).ok())
    {
        return Some(sound);
    }
    match voice.speak(text) {
        Ok(samples) => {
            if let Err(error) = keep(path, &samples) {
                tracing::warn!(path = %path.display(), %error, "A spoken name could not be kept");
            }
            Some(Sound::from_samples(samples))
        }
        Err(error @ VoiceError::NoEspeak) => {
            tracing::warn!(%error, "Names are not spoken");
            None
        }
        Err(error) => {
            tracing::warn!(%error, text, "A name could not be spoken");
            None
        }
    }
}

/// Writes beside the file and renames: nobody ever reads half a sound.
fn keep(path: &Path, samples: &[i16]) -> Result<(), hound::Error> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: voice::RATE,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let unfinished = path.with_extension("part");
    let mut writer = hound::WavWriter::create(&unfinished, spec)?;
    for sample in samples {
        writer.write_sample(*sample)?;
    }
    writer.finalize()?;
    Ok(fs::rename(unfinished, path)?)
}
