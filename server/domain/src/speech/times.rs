//! Hours and days as they are said.

use chrono::Datelike;

use super::{Phrase, sound};
use crate::time::{Millis, Zone};

/// The time of day on the wall of a zone: "ten o'clock", "ten oh five".
pub fn time_of_day(at: Millis, zone: Zone) -> Vec<Phrase> {
    let Some(local) = at.in_zone(zone) else {
        return Vec::new();
    };
    match local.hour_minute() {
        (hour, 0) => vec![sound(&format!("clock_{hour}"))],
        (hour, minute) => vec![
            sound(&format!("hour_{hour}")),
            sound(&format!("minute_{minute}")),
        ],
    }
}

/// The day on the wall of a zone: "today", "tomorrow", "on Tuesday, the twenty-fourth of November".
pub fn day(at: Millis, zone: Zone, now: Millis) -> Vec<Phrase> {
    let (Some(local), Some(here)) = (at.in_zone(zone), now.in_zone(zone)) else {
        return Vec::new();
    };
    let (date, today) = (local.date(), here.date());
    if date == today {
        return vec![sound("today")];
    }
    if Some(date) == today.succ_opt() {
        return vec![sound("tomorrow")];
    }
    vec![
        sound(&format!("weekday_{}", date.weekday().number_from_monday())),
        sound(&format!("day_{}", date.day())),
        sound(&format!("month_{}", date.month())),
    ]
}

/// When something begins: "today at ten o'clock".
pub fn day_and_time(at: Millis, zone: Zone, now: Millis) -> Vec<Phrase> {
    let mut phrases = day(at, zone, now);
    phrases.push(sound("at"));
    phrases.extend(time_of_day(at, zone));
    phrases
}
