//! What people hear: sequences of recorded phrases.

use serde::{Deserialize, Serialize};

use crate::{
    company::Language,
    number::ShortNumber,
    time::{Millis, Zone},
};

/// The name of a recorded phrase: a key of `texts/{language}/prompts.toml`, and
/// the name of the sound file made from it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SoundKey(String);

/// A piece of what is heard.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phrase {
    /// A recorded phrase.
    Sound(SoundKey),
    /// A name, spoken by a machine; or the phrase `otherwise` where none can.
    Spoken {
        /// What is spoken.
        text: String,
        /// What is heard where nothing can speak it.
        otherwise: SoundKey,
    },
    /// A recording of the company's own.
    Recording(String),
}

/// What a greeting speaks of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Briefing {
    /// In which language.
    pub language: Language,
    /// Who calls: the company or the organiser; a generic word when none is set.
    pub caller: Option<Phrase>,
    /// Who is called.
    pub callee: Option<Phrase>,
    /// What the meeting is called; a generic word when none is set.
    pub title: Option<Phrase>,
    /// Where the callee's clock hangs.
    pub zone: Zone,
    /// When the meeting begins.
    pub starts_at: Millis,
    /// Its room.
    pub room: ShortNumber,
}

impl SoundKey {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
