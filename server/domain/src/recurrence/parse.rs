//! A rule as text, and what it must not say.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::RangeInclusive,
    str::FromStr,
};

use chrono::{NaiveDate, NaiveDateTime};

use super::{
    ByDay, COUNT_MOST, End, Frequency, INTERVAL_MOST, Recurrence, RecurrenceError, Weekday,
};
use crate::time::{LocalDate, LocalTime, Millis};

/// Longer than any rule that is meant.
const TEXT_MOST: usize = 500;

const KNOWN: [&str; 9] = [
    "FREQ",
    "INTERVAL",
    "COUNT",
    "UNTIL",
    "BYMONTH",
    "BYMONTHDAY",
    "BYDAY",
    "BYSETPOS",
    "WKST",
];

/// Within a day: two dates a day, or an hour that is not the meeting's own.
const WITHIN_A_DAY: [&str; 3] = ["BYHOUR", "BYMINUTE", "BYSECOND"];

impl FromStr for Recurrence {
    type Err = RecurrenceError;

    fn from_str(text: &str) -> Result<Self, RecurrenceError> {
        let parts = parts(text)?;
        let get = |name: &str| parts.get(name).map(String::as_str);
        let frequency = frequency(get("FREQ").ok_or(RecurrenceError::NoFrequency)?)?;
        let rule = Self {
            frequency,
            interval: get("INTERVAL").map_or(Ok(1), |text| {
                number("INTERVAL", text, 1..=i64::from(INTERVAL_MOST))
            })?,
            by_month: many("BYMONTH", get("BYMONTH"), |text| {
                number("BYMONTH", text, 1..=12)
            })?,
            by_month_day: many("BYMONTHDAY", get("BYMONTHDAY"), |text| {
                place("BYMONTHDAY", text, 31)
            })?,
            by_day: many("BYDAY", get("BYDAY"), by_day)?,
            by_set_pos: many("BYSETPOS", get("BYSETPOS"), |text| {
                place("BYSETPOS", text, 366)
            })?,
            week_start: get("WKST").map_or(Ok(Weekday::Monday), |text| weekday("WKST", text))?,
            end: end(get("COUNT"), get("UNTIL"))?,
        };
        rule.goes_together()?;
        Ok(rule)
    }
}

fn parts(text: &str) -> Result<BTreeMap<&'static str, String>, RecurrenceError> {
    let text = text.trim();
    if text.len() > TEXT_MOST {
        let shown = text.chars().take(40).collect();
        return Err(RecurrenceError::NotAPart(shown));
    }
    let upper = text.to_ascii_uppercase();
    let rule = upper.strip_prefix("RRULE:").unwrap_or(&upper);
    let mut parts = BTreeMap::new();
    for part in rule.split(';').filter(|part| !part.is_empty()) {
        let (name, value) = part
            .split_once('=')
            .ok_or_else(|| RecurrenceError::NotAPart(part.to_owned()))?;
        let name = name.trim();
        if WITHIN_A_DAY.contains(&name) {
            return Err(RecurrenceError::TooOften(name.to_owned()));
        }
        let known = KNOWN
            .into_iter()
            .find(|known| *known == name)
            .ok_or_else(|| RecurrenceError::Unsupported(name.to_owned()))?;
        if parts.insert(known, value.trim().to_owned()).is_some() {
            return Err(RecurrenceError::Twice(known));
        }
    }
    Ok(parts)
}

fn frequency(text: &str) -> Result<Frequency, RecurrenceError> {
    match text {
        "DAILY" => Ok(Frequency::Daily),
        "WEEKLY" => Ok(Frequency::Weekly),
        "MONTHLY" => Ok(Frequency::Monthly),
        "YEARLY" => Ok(Frequency::Yearly),
        "HOURLY" | "MINUTELY" | "SECONDLY" => {
            Err(RecurrenceError::TooOften(format!("FREQ={text}")))
        }
        _ => Err(bad("FREQ", text)),
    }
}

fn bad(part: &'static str, value: &str) -> RecurrenceError {
    RecurrenceError::BadValue {
        part,
        value: value.to_owned(),
    }
}

fn number(
    part: &'static str,
    text: &str,
    within: RangeInclusive<i64>,
) -> Result<u32, RecurrenceError> {
    text.parse::<i64>()
        .ok()
        .filter(|number| within.contains(number))
        .and_then(|number| u32::try_from(number).ok())
        .ok_or_else(|| bad(part, text))
}

/// 1 to `most`, from the front or (negative) from the back.
fn place(part: &'static str, text: &str, most: i32) -> Result<i32, RecurrenceError> {
    text.parse::<i32>()
        .ok()
        .filter(|place| *place != 0 && (-most..=most).contains(place))
        .ok_or_else(|| bad(part, text))
}

fn many<T: Ord>(
    part: &'static str,
    text: Option<&str>,
    one: impl Fn(&str) -> Result<T, RecurrenceError>,
) -> Result<BTreeSet<T>, RecurrenceError> {
    let Some(text) = text else {
        return Ok(BTreeSet::new());
    };
    if text.is_empty() {
        return Err(bad(part, text));
    }
    text.split(',').map(|text| one(text.trim())).collect()
}

fn by_day(text: &str) -> Result<ByDay, RecurrenceError> {
    let split = text
        .len()
        .checked_sub(2)
        .filter(|split| text.is_char_boundary(*split))
        .ok_or_else(|| bad("BYDAY", text))?;
    let (nth, day) = text.split_at(split);
    Ok(ByDay {
        nth: match nth {
            "" => None,
            nth => Some(place("BYDAY", nth, 53).map_err(|_| bad("BYDAY", text))?),
        },
        day: weekday("BYDAY", day).map_err(|_| bad("BYDAY", text))?,
    })
}

fn weekday(part: &'static str, text: &str) -> Result<Weekday, RecurrenceError> {
    Weekday::ALL
        .into_iter()
        .find(|day| day.code() == text)
        .ok_or_else(|| bad(part, text))
}

fn end(count: Option<&str>, until: Option<&str>) -> Result<End, RecurrenceError> {
    match (count, until) {
        (None, None) => Ok(End::Never),
        (Some(_), Some(_)) => Err(RecurrenceError::Together("COUNT", "UNTIL")),
        (Some(count), None) => {
            let found = number("COUNT", count, 1..=i64::from(u32::MAX))?;
            match found {
                1..=COUNT_MOST => Ok(End::Count(found)),
                _ => Err(RecurrenceError::TooMany {
                    found,
                    most: COUNT_MOST,
                }),
            }
        }
        (None, Some(until)) => {
            let date = NaiveDate::parse_from_str(until, "%Y%m%d");
            let local = NaiveDateTime::parse_from_str(until, "%Y%m%dT%H%M%S");
            let utc = NaiveDateTime::parse_from_str(until, "%Y%m%dT%H%M%SZ");
            match (date, local, utc) {
                (Ok(date), _, _) => Ok(End::UntilDate(LocalDate(date))),
                (_, Ok(local), _) => Ok(End::UntilLocal(LocalTime(local))),
                (_, _, Ok(utc)) => Ok(End::UntilInstant(Millis(utc.and_utc().timestamp_millis()))),
                (Err(_), Err(_), Err(_)) => Err(bad("UNTIL", until)),
            }
        }
    }
}

impl Recurrence {
    fn goes_together(&self) -> Result<(), RecurrenceError> {
        let counted = self.by_day.iter().any(|one| one.nth.is_some());
        match self.frequency {
            Frequency::Daily if counted => {
                return Err(RecurrenceError::Together("FREQ=DAILY", "a counted BYDAY"));
            }
            Frequency::Weekly if counted => {
                return Err(RecurrenceError::Together("FREQ=WEEKLY", "a counted BYDAY"));
            }
            Frequency::Weekly if !self.by_month_day.is_empty() => {
                return Err(RecurrenceError::Together("FREQ=WEEKLY", "BYMONTHDAY"));
            }
            Frequency::Daily | Frequency::Weekly | Frequency::Monthly | Frequency::Yearly => {}
        }
        if counted && !self.by_month_day.is_empty() {
            return Err(RecurrenceError::Together("BYMONTHDAY", "a counted BYDAY"));
        }
        if !self.by_set_pos.is_empty()
            && self.by_day.is_empty()
            && self.by_month_day.is_empty()
            && self.by_month.is_empty()
        {
            return Err(RecurrenceError::BadValue {
                part: "BYSETPOS",
                value: "without another BY part".to_owned(),
            });
        }
        Ok(())
    }
}
