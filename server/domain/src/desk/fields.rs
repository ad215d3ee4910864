//! What keys mean in each field.

use chrono::{Datelike, Days, NaiveDate};

use super::Stage;
use crate::time::{LocalTime, Millis, Span, Zone};

/// A field with so many keys is full.
pub(super) fn longest(stage: &Stage) -> usize {
    match stage {
        Stage::Extension => 6,
        Stage::Pin { .. } => 12,
        Stage::Date | Stage::Time { .. } => 4,
        Stage::Length { .. } => 4,
        Stage::Main | Stage::List { .. } | Stage::Confirm(_) | Stage::Mine { .. } => 1,
        Stage::Asked | Stage::Naming(_) | Stage::Parting | Stage::Gone => usize::MAX,
    }
}

/// `1` is today, `2` tomorrow; else the day and the month, `2411`, next time they come.
pub(super) fn date(keyed: &str, now: Millis, zone: Zone) -> Option<NaiveDate> {
    let today = now.in_zone(zone)?.date();
    match keyed {
        "1" => return Some(today),
        "2" => return today.succ_opt(),
        _ => {}
    }
    if keyed.len() != 4 {
        return None;
    }
    let (day, month) = (keyed[..2].parse().ok()?, keyed[2..].parse().ok()?);
    // The 29th of February may be years away; nobody plans that far.
    (today.year()..=today.year() + 1)
        .filter_map(|year| NaiveDate::from_ymd_opt(year, month, day))
        .find(|date| *date >= today && *date <= today + Days::new(366))
}

/// `0930` or `930`.
pub(super) fn time(keyed: &str, date: NaiveDate) -> Option<LocalTime> {
    if !(3..=4).contains(&keyed.len()) {
        return None;
    }
    let (hour, minute) = keyed.split_at(keyed.len() - 2);
    date.and_hms_opt(hour.parse().ok()?, minute.parse().ok()?, 0)
        .map(LocalTime)
}

/// Minutes, up to a day.
pub(super) fn length(keyed: &str) -> Option<Span> {
    let minutes: i64 = keyed.parse().ok()?;
    (1..=24 * 60)
        .contains(&minutes)
        .then_some(Span::minutes(minutes))
}

/// One of so many lists, or with `0` none of them.
pub(super) fn choice(keyed: &str, lists: usize) -> Option<Option<usize>> {
    match keyed.parse().ok()? {
        0 => Some(None),
        n if n <= lists => Some(Some(n - 1)),
        _ => None,
    }
}
