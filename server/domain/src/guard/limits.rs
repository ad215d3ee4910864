//! What a company lets its meetings dial, and what that may cost.
//!
//! Destinations are told by the first digits of the number in full; the longest
//! prefix that fits decides, whether it allows or forbids. Prices are counted by
//! begun minutes, in hundredths of the company's money. Calls to phones of one's
//! own that log in with us cost nothing and count nowhere.

use serde::{Deserialize, Serialize};

use super::OwnCalls;
use crate::{
    number::PhoneNumber,
    time::{Millis, Span},
};

/// The company's limits; none by default.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Limits {
    /// Only these may be dialled; everything when there are none.
    #[serde(default)]
    pub allowed: Vec<Prefix>,
    /// These may not, unless a longer allowed one fits.
    #[serde(default)]
    pub forbidden: Vec<Prefix>,
    /// What a minute costs.
    #[serde(default)]
    pub prices: Vec<Price>,
    /// For each meeting.
    #[serde(default)]
    pub meeting: Cap,
    /// For all meetings of a day on the company's clocks.
    #[serde(default)]
    pub day: Cap,
    /// Who calls numbers outside from his own lines; nobody when none is set.
    #[serde(default)]
    pub own_calls: Option<OwnCalls>,
}

/// The first digits of numbers in international form, without the plus.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Prefix(String);

/// The text is no prefix.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("A prefix is a plus and 1 to 15 digits")]
pub struct PrefixError;

/// What a minute to these numbers costs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Price {
    /// Which numbers.
    pub prefix: Prefix,
    /// Hundredths of the company's money.
    pub per_minute: u64,
}

/// How much is too much.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Cap {
    /// Calls to numbers outside; no limit when none is set.
    #[serde(default)]
    pub calls: Option<u32>,
    /// What they may cost together.
    #[serde(default)]
    pub price: Option<u64>,
}

/// What was called and spent already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Spent {
    /// Calls to numbers outside.
    pub calls: u32,
    /// What they cost.
    pub price: u64,
}

impl std::ops::Add for Spent {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            calls: self.calls.saturating_add(other.calls),
            price: self.price.saturating_add(other.price),
        }
    }
}

/// A call to a number outside that was made, or is up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Charged<'a> {
    /// To whom.
    pub number: &'a PhoneNumber,
    /// When it was answered.
    pub answered_at: Option<Millis>,
    /// When it was over.
    pub ended_at: Option<Millis>,
}

/// Why a number is not dialled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Over {
    /// The company does not call there.
    Destination,
    /// The meeting has made as many calls as it may.
    MeetingCalls,
    /// The company has, today.
    DayCalls,
    /// The meeting would cost more than it may.
    MeetingPrice,
    /// The company's day would.
    DayPrice,
}

impl Prefix {
    /// Reads `+7495` or `7495`.
    pub fn parse(text: &str) -> Result<Self, PrefixError> {
        let digits = text.trim();
        let digits = digits.strip_prefix('+').unwrap_or(digits);
        let sound =
            (1..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
        sound.then(|| Self(digits.to_owned())).ok_or(PrefixError)
    }

    /// With the plus.
    pub fn written(&self) -> String {
        format!("+{}", self.0)
    }

    fn fits(&self, international: &str) -> bool {
        international.starts_with(&self.0)
    }
}

impl Limits {
    /// Whether there is nothing to look at.
    pub fn are_none(&self) -> bool {
        *self == Self::default()
    }

    /// Whether the company calls this number, which is written in full where it can be
    /// ([`crate::numbering::in_full`]). One that cannot, and is too long for a number of
    /// the same town or begins as those of others do, may lead where it must not.
    pub fn allow(&self, number: &PhoneNumber) -> bool {
        let Some(digits) = international(number) else {
            let digits = number.digits();
            let local = digits.len() < 10 && !digits.starts_with('0');
            return self.allowed.is_empty() && (local || self.forbidden.is_empty());
        };
        let longest = |prefixes: &[Prefix]| {
            let fits = prefixes.iter().filter(|prefix| prefix.fits(digits));
            fits.map(|prefix| prefix.0.len()).max()
        };
        match (longest(&self.allowed), longest(&self.forbidden)) {
            (allowed, Some(forbidden)) => allowed.is_some_and(|allowed| allowed > forbidden),
            (Some(_), None) => true,
            (None, None) => self.allowed.is_empty(),
        }
    }

    /// What a minute to this number costs; nothing where no price is known.
    pub fn per_minute(&self, number: &PhoneNumber) -> u64 {
        let digits = international(number).unwrap_or_default();
        let fits = self.prices.iter().filter(|price| price.prefix.fits(digits));
        fits.max_by_key(|price| price.prefix.0.len())
            .map_or(0, |price| price.per_minute)
    }

    /// What these calls come to.
    pub fn spent<'a>(&self, calls: impl IntoIterator<Item = Charged<'a>>, now: Millis) -> Spent {
        calls
            .into_iter()
            .fold(Spent::default(), |spent, call| Spent {
                calls: spent.calls.saturating_add(1),
                price: spent.price.saturating_add(self.cost(&call, now)),
            })
    }

    fn cost(&self, call: &Charged<'_>, now: Millis) -> u64 {
        let minutes = match (call.answered_at, call.ended_at) {
            (Some(answered), ended) => (ended.unwrap_or(now) - answered)
                .max(Span(1))
                .minutes_begun(),
            // It rings: it may be answered any moment.
            (None, None) => 1,
            (None, Some(_)) => 0,
        };
        let minutes = u64::try_from(minutes).unwrap_or_default();
        self.per_minute(call.number).saturating_mul(minutes)
    }

    /// Whether one more call to this number may begin.
    pub fn check(&self, number: &PhoneNumber, meeting: Spent, day: Spent) -> Result<(), Over> {
        if !self.allow(number) {
            return Err(Over::Destination);
        }
        let full = |cap: Cap, spent: Spent| cap.calls.is_some_and(|most| spent.calls >= most);
        if full(self.meeting, meeting) {
            return Err(Over::MeetingCalls);
        }
        if full(self.day, day) {
            return Err(Over::DayCalls);
        }
        // A minute of it at least.
        let minute = self.per_minute(number);
        let dear = |cap: Cap, spent: Spent| {
            minute > 0
                && cap
                    .price
                    .is_some_and(|most| spent.price.saturating_add(minute) > most)
        };
        if dear(self.meeting, meeting) {
            return Err(Over::MeetingPrice);
        }
        if dear(self.day, day) {
            return Err(Over::DayPrice);
        }
        Ok(())
    }
}

/// The number as prefixes are written; none where it does not tell its country.
fn international(number: &PhoneNumber) -> Option<&str> {
    number.as_str().strip_prefix('+')
}

impl TryFrom<String> for Prefix {
    type Error = PrefixError;

    fn try_from(text: String) -> Result<Self, PrefixError> {
        Self::parse(&text)
    }
}

impl From<Prefix> for String {
    fn from(prefix: Prefix) -> Self {
        prefix.written()
    }
}

impl std::str::FromStr for Prefix {
    type Err = PrefixError;

    fn from_str(text: &str) -> Result<Self, PrefixError> {
        Self::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> PhoneNumber {
        dialled_at("Europe/Moscow", text)
    }

    fn dialled_at(home: &str, text: &str) -> PhoneNumber {
        crate::numbering::in_full(&PhoneNumber::parse(text).unwrap(), home.parse().unwrap())
    }

    fn prefixes(list: &[&str]) -> Vec<Prefix> {
        list.iter()
            .map(|text| Prefix::parse(text).unwrap())
            .collect()
    }

    fn limits() -> Limits {
        Limits {
            allowed: prefixes(&["+7", "+49"]),
            forbidden: prefixes(&["+7809", "+4990"]),
            prices: vec![
                Price {
                    prefix: Prefix::parse("+7").unwrap(),
                    per_minute: 200,
                },
                Price {
                    prefix: Prefix::parse("+79").unwrap(),
                    per_minute: 300,
                },
            ],
            meeting: Cap {
                calls: Some(3),
                price: Some(1_000),
            },
            day: Cap {
                calls: Some(5),
                price: Some(2_000),
            },
            own_calls: None,
        }
    }

    #[test]
    fn the_longest_prefix_says_whether_a_number_is_called() {
        let limits = limits();
        for yes in [
            "+79162041138",
            "8 916 204-11-38",
            "00493012345",
            "8104930123456",
        ] {
            assert!(limits.allow(&number(yes)), "{yes}");
        }
        for no in [
            "+78095551234",
            "8 809 555-12-34",
            "+33140205050",
            "0033140205050",
            "2041138",
        ] {
            assert!(!limits.allow(&number(no)), "{no}");
        }
        assert!(Limits::default().allow(&number("+33140205050")));
        let premium = Limits {
            forbidden: prefixes(&["+49900"]),
            ..Limits::default()
        };
        for (home, text, allowed) in [
            ("Europe/Berlin", "0900 123456", false),
            ("Europe/Berlin", "0049 900 123456", false),
            ("Europe/Berlin", "030 901820", true),
            ("Europe/Berlin", "901820", true),
            // Nobody knows in which country that is dialled.
            ("UTC", "0900 123456", false),
            ("UTC", "901820", true),
        ] {
            let number = dialled_at(home, text);
            assert_eq!(premium.allow(&number), allowed, "{text} at {home}");
        }
        let exception = Limits {
            allowed: prefixes(&["+78095"]),
            forbidden: prefixes(&["+7809"]),
            ..Limits::default()
        };
        assert!(exception.allow(&number("+78095551234")));
    }

    #[test]
    fn a_call_costs_its_begun_minutes_and_one_that_rings_is_counted_as_one() {
        let (limits, now) = (limits(), Millis(10_000_000));
        let mobile = number("+79162041138");
        let call = |answered_at, ended_at| Charged {
            number: &mobile,
            answered_at,
            ended_at,
        };
        let calls = [
            call(Some(now - Span::seconds(61)), Some(now)),
            call(None, Some(now)),
            call(None, None),
        ];

        assert_eq!(
            limits.spent(calls, now),
            Spent {
                calls: 3,
                price: 300 * 3
            }
        );
    }

    #[test]
    fn caps_hold_for_the_meeting_and_for_the_day() {
        let (limits, mobile) = (limits(), number("+79162041138"));
        let spent = |calls, price| Spent { calls, price };
        let none = Spent::default();

        assert_eq!(limits.check(&mobile, none, none), Ok(()));
        assert_eq!(
            limits.check(&mobile, spent(3, 0), none),
            Err(Over::MeetingCalls)
        );
        assert_eq!(
            limits.check(&mobile, none, spent(5, 0)),
            Err(Over::DayCalls)
        );
        assert_eq!(limits.check(&mobile, spent(1, 700), none), Ok(()));
        assert_eq!(
            limits.check(&mobile, spent(1, 701), none),
            Err(Over::MeetingPrice)
        );
        assert_eq!(
            limits.check(&mobile, none, spent(1, 1_701)),
            Err(Over::DayPrice)
        );
        assert_eq!(
            limits.check(&number("+33140205050"), none, none),
            Err(Over::Destination)
        );
        let free = number("+4930123456");
        assert_eq!(limits.check(&free, spent(1, 5_000), none), Ok(()));
    }
}
