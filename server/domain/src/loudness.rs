//! How loud somebody is, both ways, as far as somebody turned it by hand.
//!
//! The mixer brings voices to about the same loudness by itself; what is here comes on top of
//! that. It belongs to the person while the room is open: whoever drops out and comes back
//! is as loud as before. A restart of the server forgets it, as it forgets who was muted.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

/// So many decibels louder, or quieter when negative.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(try_from = "i32", into = "i32")]
pub struct Gain(i8);

/// Nobody is made that much louder or quieter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("A gain is from -20 to 20 dB")]
pub struct GainError;

impl Gain {
    /// What a gain may be, dB.
    pub const RANGE: RangeInclusive<i32> = -20..=20;
    /// What a key adds or takes, dB: clearly heard, and five times to the end.
    pub const STEP: i8 = 4;

    /// So many decibels.
    pub fn new(db: i32) -> Result<Self, GainError> {
        if !Self::RANGE.contains(&db) {
            return Err(GainError);
        }
        i8::try_from(db).map(Self).map_err(|_| GainError)
    }

    /// In decibels.
    pub fn db(self) -> i8 {
        self.0
    }

    /// A step up, or down; at the end of the range it stays.
    #[must_use]
    pub fn turned(self, turn: Turn) -> Self {
        let db = match turn {
            Turn::Up => self.0 + Self::STEP,
            Turn::Down => self.0 - Self::STEP,
            Turn::Back => 0,
        };
        Self(db.clamp(-20, 20))
    }
}

impl TryFrom<i32> for Gain {
    type Error = GainError;

    fn try_from(db: i32) -> Result<Self, GainError> {
        Self::new(db)
    }
}

impl From<Gain> for i32 {
    fn from(gain: Gain) -> Self {
        gain.0.into()
    }
}

/// How loud somebody is, both ways.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
pub struct Loudness {
    /// How much louder the others hear him.
    pub voice: Gain,
    /// How much louder he hears what he hears.
    pub ear: Gain,
}

impl Loudness {
    /// One of both.
    pub fn of(self, side: Side) -> Gain {
        match side {
            Side::Voice => self.voice,
            Side::Ear => self.ear,
        }
    }

    /// With one of both changed.
    #[must_use]
    pub fn with(self, side: Side, gain: Gain) -> Self {
        match side {
            Side::Voice => Self {
                voice: gain,
                ..self
            },
            Side::Ear => Self { ear: gain, ..self },
        }
    }
}

/// Which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    /// From him to the others.
    Voice,
    /// From the others to him.
    Ear,
}

/// What a key does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Turn {
    /// Louder.
    Up,
    /// More quietly.
    Down,
    /// As it was at first.
    Back,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gain_is_turned_in_steps_to_its_end_and_back() {
        let loudest = (0..9).fold(Gain::default(), |gain, _| gain.turned(Turn::Up));
        assert_eq!(loudest.db(), 20);
        assert_eq!(loudest.turned(Turn::Down).db(), 16);
        assert_eq!(loudest.turned(Turn::Back), Gain::default());
    }

    #[test]
    fn what_is_out_of_range_is_no_gain() {
        for db in [-21, 21, 300, i32::MIN] {
            assert_eq!(Gain::new(db), Err(GainError), "{db}");
        }
        assert_eq!(Gain::new(-20).map(Gain::db), Ok(-20));
        assert!(serde_json::from_str::<Gain>("21").is_err());
    }
}
