//! How a meeting repeats: a rule in the words of RFC 5545 §3.3.10.
//!
//! A rule names *dates*, never instants: it is expanded on the calendar of the
//! meeting's zone, and only the date with the meeting's time of day becomes an
//! instant ([`LocalTime::resolve`](crate::time::LocalTime::resolve)). So the
//! clocks' changes are decided in one place, and a series has one date a day at most.
//!
//! Of the RFC it knows DAILY, WEEKLY, MONTHLY and YEARLY with INTERVAL, COUNT,
//! UNTIL, BYMONTH, BYMONTHDAY, BYDAY, BYSETPOS and WKST. What is more frequent
//! than a day, and what never comes, is refused with its reason.

mod dates;
mod moved;
mod parse;
#[cfg(test)]
mod tests;

use std::{collections::BTreeSet, fmt};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::time::{LocalDate, LocalTime, Millis, Zone};

pub use dates::Dates;

/// A rule by which dates follow one another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recurrence {
    /// What the interval counts.
    pub frequency: Frequency,
    /// Every so many of them; at least 1.
    pub interval: u32,
    /// Only in these months; 1 is January.
    pub by_month: BTreeSet<u32>,
    /// On these days of the month; -1 is the last.
    pub by_month_day: BTreeSet<i32>,
    /// On these days of the week.
    pub by_day: BTreeSet<ByDay>,
    /// Of the dates in a period only these; -1 is the last.
    pub by_set_pos: BTreeSet<i32>,
    /// On which day a week begins: it matters every second week.
    pub week_start: Weekday,
    /// When it is enough.
    pub end: End,
}

/// What the interval counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Frequency {
    /// Days.
    Daily,
    /// Weeks.
    Weekly,
    /// Months.
    Monthly,
    /// Years.
    Yearly,
}

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weekday {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

/// A day of the week, perhaps only one of its comings in a month or year.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ByDay {
    /// Which coming: 1 is the first, -1 the last, none is all of them.
    pub nth: Option<i32>,
    /// The day.
    pub day: Weekday,
}

/// When a rule ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Not.
    Never,
    /// After so many dates.
    Count(u32),
    /// With this date, or the last before it.
    UntilDate(LocalDate),
    /// With the last date whose start is not after this, on the clocks of the meeting.
    UntilLocal(LocalTime),
    /// With the last date whose start is not after this instant.
    UntilInstant(Millis),
}

/// Why a rule cannot be kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecurrenceError {
    /// A part that is no `NAME=value`.
    #[error("\"{0}\" is not a part of a rule: expected a form such as FREQ=WEEKLY")]
    NotAPart(String),
    /// A part that RFC 5545 does not know, or that we do not follow.
    #[error("{0} is not supported")]
    Unsupported(String),
    /// A part that is there twice.
    #[error("{0} is given twice")]
    Twice(&'static str),
    /// No FREQ.
    #[error("FREQ is missing: expected DAILY, WEEKLY, MONTHLY or YEARLY")]
    NoFrequency,
    /// More than one date a day.
    #[error("{0} would call people more than once a day")]
    TooOften(String),
    /// A value that a part cannot have.
    #[error("{part} cannot be \"{value}\"")]
    BadValue {
        /// The part.
        part: &'static str,
        /// What was found.
        value: String,
    },
    /// Two parts that do not go together.
    #[error("{0} and {1} do not go together")]
    Together(&'static str, &'static str),
    /// More dates than anybody means.
    #[error("The rule names {found} dates: at most {most} are possible")]
    TooMany {
        /// The count asked for.
        found: u32,
        /// The most.
        most: u32,
    },
    /// No date at all.
    #[error("No date fits the rule")]
    Never,
}

/// The most dates a rule may count.
pub const COUNT_MOST: u32 = 2_000;

/// The most an interval may skip.
pub const INTERVAL_MOST: u32 = 1_000;

impl Recurrence {
    /// The dates of a meeting that first begins at `start`, or on the first date after
    /// it that fits; none after `last`.
    pub fn dates(&self, start: LocalTime, zone: Zone, last: LocalDate) -> Dates<'_> {
        Dates::new(self, start, zone, last)
    }

    /// The same, for as long as a rule without an end is looked at.
    pub fn within_a_lifetime(&self, start: LocalTime, zone: Zone) -> Dates<'_> {
        self.dates(start, zone, dates::a_lifetime_after(start))
    }

    /// The first date.
    ///
    /// # Errors
    /// [`RecurrenceError::Never`] if there is none within a lifetime.
    pub fn first(&self, start: LocalTime, zone: Zone) -> Result<LocalDate, RecurrenceError> {
        self.within_a_lifetime(start, zone)
            .next()
            .ok_or(RecurrenceError::Never)
    }
}

impl Weekday {
    /// Monday first.
    pub const ALL: [Self; 7] = [
        Self::Monday,
        Self::Tuesday,
        Self::Wednesday,
        Self::Thursday,
        Self::Friday,
        Self::Saturday,
        Self::Sunday,
    ];

    /// Two letters, as the RFC has them.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Monday => "MO",
            Self::Tuesday => "TU",
            Self::Wednesday => "WE",
            Self::Thursday => "TH",
            Self::Friday => "FR",
            Self::Saturday => "SA",
            Self::Sunday => "SU",
        }
    }

    /// Days since Monday.
    pub const fn index(self) -> u32 {
        self as u32
    }

    /// The day so many days after Monday, weeks left out.
    pub fn from_index(days: i64) -> Self {
        Self::ALL[usize::try_from(days.rem_euclid(7)).unwrap_or(0)]
    }
}

impl Frequency {
    /// The RFC's word.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Daily => "DAILY",
            Self::Weekly => "WEEKLY",
            Self::Monthly => "MONTHLY",
            Self::Yearly => "YEARLY",
        }
    }
}

impl fmt::Display for ByDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.nth {
            Some(nth) => write!(f, "{nth}{}", self.day.code()),
            None => f.write_str(self.day.code()),
        }
    }
}

impl fmt::Display for Recurrence {
    /// The rule as RFC 5545 writes it, without what goes without saying.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FREQ={}", self.frequency.code())?;
        if self.interval != 1 {
            write!(f, ";INTERVAL={}", self.interval)?;
        }
        list(f, "BYMONTH", &self.by_month)?;
        list(f, "BYMONTHDAY", &self.by_month_day)?;
        list(f, "BYDAY", &self.by_day)?;
        list(f, "BYSETPOS", &self.by_set_pos)?;
        if self.week_start != Weekday::Monday {
            write!(f, ";WKST={}", self.week_start.code())?;
        }
        match self.end {
            End::Never => Ok(()),
            End::Count(count) => write!(f, ";COUNT={count}"),
            End::UntilDate(date) => write!(f, ";UNTIL={}", date.0.format("%Y%m%d")),
            End::UntilLocal(time) => write!(f, ";UNTIL={}", time.0.format("%Y%m%dT%H%M%S")),
            End::UntilInstant(at) => match at.in_zone(Zone::UTC) {
                Some(utc) => write!(f, ";UNTIL={}", utc.0.format("%Y%m%dT%H%M%SZ")),
                None => Ok(()),
            },
        }
    }
}

fn list<T: fmt::Display>(
    f: &mut fmt::Formatter<'_>,
    name: &str,
    values: &BTreeSet<T>,
) -> fmt::Result {
    for (place, value) in values.iter().enumerate() {
        match place {
            0 => write!(f, ";{name}={value}")?,
            _ => write!(f, ",{value}")?,
        }
    }
    Ok(())
}

crate::time::serde_as_text! { Recurrence }
