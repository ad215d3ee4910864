//! Time as the product knows it: instants on the wall clock, spans, and local
//! times in a named zone.
//!
//! Whatever is decided here is decided against [`Millis`], which the caller
//! passes in as `now`. A meeting is planned in local time and an IANA zone and
//! becomes an instant only when its occurrence is made, so that a change of the
//! zone's rules moves the instant and not the hour people wrote down.

use std::{fmt, ops, str::FromStr};

use chrono::{DateTime, NaiveDate, NaiveDateTime, TimeDelta, TimeZone, Timelike, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::windows_zones;

/// An instant: milliseconds since 1970 in UTC, on the wall clock.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(transparent)]
pub struct Millis(pub i64);

/// A length of time in milliseconds.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(transparent)]
pub struct Span(pub i64);

/// A zone of the IANA time zone database, such as `Europe/Moscow`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(value_type = String, example = "Europe/Moscow"))]
pub struct Zone(chrono_tz::Tz);

/// A date and time on the wall of some zone: `2026-11-24T10:00`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(value_type = String, example = "2026-11-24T10:00"))]
pub struct LocalTime(pub NaiveDateTime);

/// A date on the calendar of some zone: `2026-11-24`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(value_type = String, example = "2026-11-24"))]
pub struct LocalDate(pub NaiveDate);

/// What a local time turned out to be in its zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resolved {
    /// The instant meant.
    pub at: Millis,
    /// Whether the clocks change at that hour.
    pub shift: Shift,
}

/// Whether a local time exists once, never or twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shift {
    /// Once, as on most days.
    None,
    /// The clocks jump over it: the end of the gap is meant.
    Gap,
    /// The clocks pass it twice: the first time is meant.
    Double,
}

/// A time or a zone that cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TimeError {
    /// The zone is not in the IANA database.
    #[error("\"{0}\" is not a time zone: expected an IANA name such as Europe/Moscow")]
    UnknownZone(String),
    /// The text is not a date and time.
    #[error("\"{0}\" is not a local time: expected a form such as 2026-11-24T10:00")]
    BadLocalTime(String),
    /// The text is not a date.
    #[error("\"{0}\" is not a date: expected a form such as 2026-11-24")]
    BadLocalDate(String),
    /// The date is too far from now to be an instant.
    #[error("{0} is out of range")]
    OutOfRange(LocalTime),
}

impl Span {
    /// No time at all.
    pub const ZERO: Self = Self(0);

    /// A span of whole seconds.
    pub const fn seconds(seconds: i64) -> Self {
        Self(seconds * 1_000)
    }

    /// A span of whole minutes.
    pub const fn minutes(minutes: i64) -> Self {
        Self::seconds(minutes * 60)
    }

    /// Whole seconds, the rest cut off.
    pub const fn as_seconds(self) -> i64 {
        self.0 / 1_000
    }

    /// Whole minutes, a begun one counted as one.
    pub const fn minutes_begun(self) -> i64 {
        (self.0 + 59_999).div_euclid(60_000)
    }
}

impl Millis {
    /// When the day began on the wall of a zone; none outside the calendar.
    pub fn day_begins(self, zone: Zone) -> Option<Self> {
        let midnight = self.in_zone(zone)?.date().and_hms_opt(0, 0, 0)?;
        Some(LocalTime(midnight).resolve(zone).ok()?.at)
    }

    /// The time on the wall of a zone; none for an instant beyond the calendar.
    pub fn in_zone(self, zone: Zone) -> Option<LocalTime> {
        let utc: DateTime<Utc> = DateTime::from_timestamp_millis(self.0)?;
        Some(LocalTime(utc.with_timezone(&zone.0).naive_local()))
    }
}

impl ops::Add<Span> for Millis {
    type Output = Self;

    fn add(self, span: Span) -> Self {
        Self(self.0.saturating_add(span.0))
    }
}

impl ops::Sub<Span> for Millis {
    type Output = Self;

    fn sub(self, span: Span) -> Self {
        Self(self.0.saturating_sub(span.0))
    }
}

impl ops::Sub for Millis {
    type Output = Span;

    fn sub(self, earlier: Self) -> Span {
        Span(self.0.saturating_sub(earlier.0))
    }
}

impl ops::Add for Span {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Zone {
    /// Coordinated universal time.
    pub const UTC: Self = Self(chrono_tz::UTC);

    /// The IANA name.
    pub fn name(self) -> &'static str {
        self.0.name()
    }
}

impl Default for Zone {
    fn default() -> Self {
        Self::UTC
    }
}

impl LocalTime {
    /// The time of day: hour 0-23 and minute.
    pub fn hour_minute(self) -> (u32, u32) {
        (self.0.hour(), self.0.minute())
    }

    /// The calendar date.
    pub fn date(self) -> NaiveDate {
        self.0.date()
    }

    /// The same time of day on another date.
    pub fn on(self, date: LocalDate) -> Self {
        Self(date.0.and_time(self.0.time()))
    }

    /// The instant this local time means in `zone`.
    ///
    /// An hour the clocks jump over means the end of the gap: a meeting at 02:30
    /// of that night begins at 03:00. An hour that comes twice means its first
    /// coming. Either way it happens, and happens once.
    pub fn resolve(self, zone: Zone) -> Result<Resolved, TimeError> {
        use chrono::offset::LocalResult;

        let out_of_range = TimeError::OutOfRange(self);
        let (at, shift) = match zone.0.from_local_datetime(&self.0) {
            LocalResult::Single(at) => (at, Shift::None),
            LocalResult::Ambiguous(first, second) => (first.min(second), Shift::Double),
            LocalResult::None => (gap_end(self.0, zone).ok_or(out_of_range)?, Shift::Gap),
        };
        Ok(Resolved {
            at: Millis(at.timestamp_millis()),
            shift,
        })
    }
}

/// The first instant after the gap that swallows `local`.
///
/// Zones have skipped a whole day at most (Samoa, December 2011), by offsets
/// that are whole minutes since the railways came.
fn gap_end(local: NaiveDateTime, zone: Zone) -> Option<DateTime<chrono_tz::Tz>> {
    const LONGEST_GAP_MINUTES: i64 = 25 * 60;

    let minute = local.with_second(0)?.with_nanosecond(0)?;
    (1..=LONGEST_GAP_MINUTES).find_map(|step| {
        let later = minute.checked_add_signed(TimeDelta::minutes(step))?;
        zone.0.from_local_datetime(&later).earliest()
    })
}

impl FromStr for Zone {
    type Err = TimeError;

    /// An IANA name, or the name that Windows and Outlook have for a zone.
    fn from_str(name: &str) -> Result<Self, TimeError> {
        let name = name.trim();
        name.parse()
            .ok()
            .or_else(|| windows_zones::iana(name)?.parse().ok())
            .map(Self)
            .ok_or_else(|| TimeError::UnknownZone(name.to_owned()))
    }
}

impl FromStr for LocalTime {
    type Err = TimeError;

    fn from_str(text: &str) -> Result<Self, TimeError> {
        const FORMS: [&str; 4] = [
            "%Y-%m-%dT%H:%M",
            "%Y-%m-%dT%H:%M:%S",
            "%Y-%m-%d %H:%M",
            "%Y-%m-%d %H:%M:%S",
        ];
        FORMS
            .iter()
            .find_map(|form| NaiveDateTime::parse_from_str(text.trim(), form).ok())
            .map(Self)
            .ok_or_else(|| TimeError::BadLocalTime(text.to_owned()))
    }
}

impl FromStr for LocalDate {
    type Err = TimeError;

    fn from_str(text: &str) -> Result<Self, TimeError> {
        NaiveDate::parse_from_str(text.trim(), "%Y-%m-%d")
            .map(Self)
            .map_err(|_| TimeError::BadLocalDate(text.to_owned()))
    }
}

impl fmt::Display for LocalDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.format("%Y-%m-%d"))
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for LocalTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let form = match self.0.second() {
            0 => "%Y-%m-%dT%H:%M",
            _ => "%Y-%m-%dT%H:%M:%S",
        };
        write!(f, "{}", self.0.format(form))
    }
}

macro_rules! serde_as_text {
    ($($name:ident)*) => {$(
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                text.parse().map_err(de::Error::custom)
            }
        }
    )*};
}

serde_as_text! { Zone LocalTime LocalDate }
pub(crate) use serde_as_text;

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(local: &str, zone: &str) -> (String, Shift) {
        let zone: Zone = zone.parse().unwrap();
        let resolved = local.parse::<LocalTime>().unwrap().resolve(zone).unwrap();
        let utc = resolved.at.in_zone(Zone::UTC).unwrap();
        (utc.to_string(), resolved.shift)
    }

    fn at(utc: &str, shift: Shift) -> (String, Shift) {
        (utc.to_owned(), shift)
    }

    #[test]
    fn an_hour_the_clocks_jump_over_means_the_end_of_the_gap() {
        assert_eq!(
            resolve("2026-03-29T02:30", "Europe/Berlin"),
            at("2026-03-29T01:00", Shift::Gap)
        );
        assert_eq!(
            resolve("2026-03-08T02:00", "America/New_York"),
            at("2026-03-08T07:00", Shift::Gap)
        );
        assert_eq!(
            resolve("2018-11-04T00:15", "America/Sao_Paulo"),
            at("2018-11-04T03:00", Shift::Gap)
        );
        // Half an hour only.
        assert_eq!(
            resolve("2026-10-04T02:10", "Australia/Lord_Howe"),
            at("2026-10-03T15:30", Shift::Gap)
        );
        assert_eq!(
            resolve("2026-09-27T02:50", "Pacific/Chatham"),
            at("2026-09-26T14:00", Shift::Gap)
        );
        // A whole day.
        assert_eq!(
            resolve("2011-12-30T10:00", "Pacific/Apia"),
            at("2011-12-30T10:00", Shift::Gap)
        );
    }

    #[test]
    fn an_hour_that_comes_twice_means_its_first_coming() {
        assert_eq!(
            resolve("2026-10-25T02:30", "Europe/Berlin"),
            at("2026-10-25T00:30", Shift::Double)
        );
        assert_eq!(
            resolve("2026-04-05T01:45", "Australia/Lord_Howe"),
            at("2026-04-04T14:45", Shift::Double)
        );
    }

    #[test]
    fn an_ordinary_hour_is_what_it_says() {
        assert_eq!(
            resolve("2026-11-24T10:00", "Europe/Moscow"),
            at("2026-11-24T07:00", Shift::None)
        );
    }

    #[test]
    fn a_zone_may_be_called_as_outlook_calls_it() {
        let zone = |name: &str| name.parse::<Zone>().unwrap().name();

        assert_eq!(zone("W. Europe Standard Time"), "Europe/Berlin");
        assert_eq!(zone("russian standard time"), "Europe/Moscow");
        // Renamed by the database: both names go on.
        assert_eq!(zone("Europe/Kiev"), "Europe/Kiev");
        assert_eq!(zone("FLE Standard Time"), "Europe/Kyiv");
    }

    #[test]
    fn a_zone_that_does_not_exist_is_named_in_the_error() {
        let error = "Europe/Atlantis".parse::<Zone>().unwrap_err();

        assert_eq!(error, TimeError::UnknownZone("Europe/Atlantis".to_owned()));
    }

    #[test]
    fn zones_and_local_times_are_text_on_the_wire() {
        let zone: Zone = serde_json::from_str("\"Asia/Yekaterinburg\"").unwrap();
        let local: LocalTime = serde_json::from_str("\"2026-11-24T10:00\"").unwrap();

        assert_eq!(
            serde_json::to_string(&zone).unwrap(),
            "\"Asia/Yekaterinburg\""
        );
        assert_eq!(
            serde_json::to_string(&local).unwrap(),
            "\"2026-11-24T10:00\""
        );
        assert!(serde_json::from_str::<LocalTime>("\"2026-02-30T10:00\"").is_err());
    }

    #[test]
    fn begun_minutes_count_as_minutes() {
        assert_eq!(Span::seconds(0).minutes_begun(), 0);
        assert_eq!(Span::seconds(1).minutes_begun(), 1);
        assert_eq!(Span::seconds(180).minutes_begun(), 3);
        assert_eq!(Span(180_001).minutes_begun(), 4);
    }
}
