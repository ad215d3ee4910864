//! A conference room: a place with a number of its own.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use crate::{
    id::{CompanyId, RoomId},
    number::ShortNumber,
    role::{Grant, Role},
};

/// A room of a company.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Room {
    /// Its id.
    pub id: RoomId,
    /// Whose it is.
    pub company: CompanyId,
    /// What is dialled to enter it, and spoken to those invited.
    pub number: ShortNumber,
    /// Its name.
    pub name: String,
    /// What callers key in to enter; anyone may come in when there is none.
    pub pin: Option<Pin>,
    /// What a moderator keys in instead.
    pub moderator_pin: Option<Pin>,
    /// How it behaves besides.
    #[serde(default)]
    pub settings: RoomSettings,
}

/// How a room behaves.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RoomSettings {
    /// Nobody who calls comes in before a moderator is there.
    #[serde(default)]
    pub wait_for_moderator: bool,
    /// Whoever calls and is not expected comes in when a moderator lets him.
    #[serde(default)]
    pub lobby: bool,
    /// Voices are heard without the noise around them, a hundredth of a second later.
    #[serde(default)]
    pub suppress_noise: bool,
    /// Roles by who calls and what he dialled; speakers are all others.
    #[serde(default)]
    pub grants: Vec<Grant>,
}

/// 4 to 12 digits that open a room.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Pin(String);

/// The text is no PIN.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("A PIN has 4 to 12 digits and nothing else")]
pub struct PinError;

impl Pin {
    /// How many digits a PIN may have.
    pub const LENGTHS: RangeInclusive<usize> = 4..=12;

    /// Reads a PIN.
    pub fn parse(text: &str) -> Result<Self, PinError> {
        let fits = Self::LENGTHS.contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        fits.then(|| Self(text.to_owned())).ok_or(PinError)
    }

    /// The digits, for the one place that stores them.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether these digits are the PIN, in a time that does not tell how many fit.
    pub fn matches(&self, digits: &str) -> bool {
        let (ours, theirs) = (self.0.as_bytes(), digits.as_bytes());
        let differing = ours
            .iter()
            .zip(theirs.iter().chain(std::iter::repeat(&0)))
            .fold(0, |sum, (a, b)| sum | (a ^ b));
        differing == 0 && ours.len() == theirs.len()
    }
}

impl Room {
    /// The role these digits open the room with, if they open it.
    pub fn admits(&self, digits: &str) -> Option<Role> {
        let opens = |pin: &Option<Pin>| pin.as_ref().is_some_and(|pin| pin.matches(digits));
        if opens(&self.moderator_pin) {
            Some(Role::Moderator)
        } else if opens(&self.pin) {
            Some(Role::Speaker)
        } else {
            None
        }
    }
}

/// Never in a log.
impl std::fmt::Debug for Pin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pin(…)")
    }
}

impl TryFrom<String> for Pin {
    type Error = PinError;

    fn try_from(text: String) -> Result<Self, PinError> {
        Self::parse(&text)
    }
}

impl From<Pin> for String {
    fn from(pin: Pin) -> Self {
        pin.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Millis;

    #[test]
    fn each_pin_opens_with_its_own_role() {
        let room = Room {
            id: RoomId::new(Millis(0), [1; 10]),
            company: CompanyId::new(Millis(0), [2; 10]),
            number: ShortNumber::parse("9000").unwrap(),
            name: "Dealers".to_owned(),
            pin: Pin::parse("1234").ok(),
            moderator_pin: Pin::parse("98765").ok(),
            settings: RoomSettings::default(),
        };

        assert_eq!(room.admits("1234"), Some(Role::Speaker));
        assert_eq!(room.admits("98765"), Some(Role::Moderator));
        for wrong in ["", "123", "12345", "0000"] {
            assert_eq!(room.admits(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_pin_is_not_shown_in_logs() {
        assert!(!format!("{:?}", Pin::parse("1234").unwrap()).contains("1234"));
    }
}
