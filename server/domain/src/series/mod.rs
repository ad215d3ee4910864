//! The dates of a meeting that repeats, and how they become occurrences.
//!
//! A series is a rule and what departs from it: single dates called off or
//! moved, and the whole paused. Each of its dates is known by the *slot*, the
//! day the rule gives it, wherever it was moved since. Occurrences are made
//! ahead over a horizon by [`reconcile`], which may run as often as it likes:
//! a slot that has its occurrence gets no second one, and what has begun or is
//! over is never touched. So a series changes its future only, a server that
//! was away makes up for one date at most, and a clock set back repeats none.

mod answers;
mod clash;
mod reconcile;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use chrono::Days;
use serde::{Deserialize, Serialize};

use crate::{
    id::RoomId,
    meeting::Meeting,
    recurrence::{Recurrence, RecurrenceError},
    time::{LocalDate, LocalTime, Millis, Span, TimeError},
};

pub use answers::{About, AnswerChanges, Answers, Said};
pub use clash::{Clash, Held, Wanted, clashes, free_for_all, free_when, next_free, unmade};
pub use reconcile::{Changes, reconcile};

/// How far ahead occurrences are made.
pub const HORIZON: Span = Span::minutes(60 * 24 * 60);

/// How far ahead people are put on the list of a series' date. Whoever is on it
/// can be shown, taken off and asked whether he comes.
pub const INVITED_AHEAD: Span = Span::minutes(14 * 24 * 60);

/// How far ahead a series is looked at for rooms that are taken.
pub const LOOKED_AHEAD: Span = Span::minutes(366 * 24 * 60);

/// The rarest rule has a date in so many days.
const LOOKED_AFTER_DAYS: u64 = 60 * 366;

/// How a meeting repeats.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Series {
    /// By which rule.
    pub rule: Recurrence,
    /// The dates that depart from it, by their slots.
    #[serde(default)]
    pub exceptions: BTreeMap<LocalDate, Exception>,
    /// Since when it is paused: nobody is called until it goes on.
    #[serde(default)]
    pub paused_since: Option<Millis>,
}

/// How one date departs from the rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Exception {
    /// It is not held.
    CalledOff,
    /// It is held elsewhere or at another time.
    Moved(Moved),
}

/// What is different about a date; the rest is as in the series.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moved {
    /// When it begins, on the clocks of the meeting.
    #[serde(default)]
    pub starts_local: Option<LocalTime>,
    /// How long it lasts.
    #[serde(default)]
    pub duration_ms: Option<Span>,
    /// Where it is held.
    #[serde(default)]
    pub room: Option<RoomId>,
}

/// One date as the plan wants it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Date {
    /// The day the rule gives it; none for a meeting held once.
    pub slot: Option<LocalDate>,
    /// Where.
    pub room: RoomId,
    /// When it begins.
    pub starts_at: Millis,
    /// When it is over.
    pub ends_at: Millis,
    /// Whether it is held: neither called off nor paused.
    pub held: bool,
}

impl Series {
    /// A series without exceptions.
    pub const fn new(rule: Recurrence) -> Self {
        Self {
            rule,
            exceptions: BTreeMap::new(),
            paused_since: None,
        }
    }

    fn moved(&self, slot: LocalDate) -> Moved {
        match self.exceptions.get(&slot) {
            Some(Exception::Moved(moved)) => *moved,
            Some(Exception::CalledOff) | None => Moved::default(),
        }
    }

    fn holds(&self, slot: LocalDate) -> bool {
        self.paused_since.is_none()
            && !matches!(self.exceptions.get(&slot), Some(Exception::CalledOff))
    }
}

impl Meeting {
    /// Every date that begins before `until`, called off or not, by its slot.
    ///
    /// # Errors
    /// If the start is out of the calendar.
    pub fn dates(&self, until: Millis) -> Result<Vec<Date>, TimeError> {
        let Some(series) = &self.series else {
            let (starts_at, ends_at) = self.hours()?;
            return Ok(vec![Date {
                slot: None,
                room: self.room,
                starts_at,
                ends_at,
                held: true,
            }]);
        };
        let out_of_range = || TimeError::OutOfRange(self.starts_local);
        let last = until.in_zone(self.zone).ok_or_else(out_of_range)?.date();
        let mut dates = Vec::new();
        let slots = series
            .rule
            .dates(self.starts_local, self.zone, LocalDate(last));
        for slot in slots {
            dates.push(self.date(series, slot)?);
        }
        dates.retain(|date| date.starts_at < until);
        Ok(dates)
    }

    /// What the plan says of one slot.
    pub(crate) fn date(&self, series: &Series, slot: LocalDate) -> Result<Date, TimeError> {
        let moved = series.moved(slot);
        let local = moved
            .starts_local
            .unwrap_or_else(|| self.starts_local.on(slot));
        let starts_at = local.resolve(self.zone)?.at;
        Ok(Date {
            slot: Some(slot),
            room: moved.room.unwrap_or(self.room),
            starts_at,
            ends_at: starts_at + moved.duration_ms.unwrap_or(self.duration_ms),
            held: series.holds(slot),
        })
    }

    /// When one of its dates begins, by its slot, as the zone's rules are now; of a meeting held
    /// once by none.
    ///
    /// # Errors
    /// If the start is out of the calendar.
    pub fn starts_at(&self, slot: Option<LocalDate>) -> Result<Millis, TimeError> {
        match (&self.series, slot) {
            (Some(series), Some(slot)) => Ok(self.date(series, slot)?.starts_at),
            (_, _) => Ok(self.hours()?.0),
        }
    }

    /// Whether the rule gives a date on this day.
    pub fn has_slot(&self, slot: LocalDate) -> bool {
        self.series.as_ref().is_some_and(|series| {
            series.rule.dates(self.starts_local, self.zone, slot).last() == Some(slot)
        })
    }

    /// When the next date of a series begins that is held, however far ahead; none of a meeting
    /// held once.
    pub fn next_date(&self, now: Millis) -> Option<Millis> {
        let series = self.series.as_ref()?;
        let slots = series.rule.within_a_lifetime(self.starts_local, self.zone);
        slots
            .filter_map(|slot| self.date(series, slot).ok())
            .find(|date| date.held && date.starts_at > now)
            .map(|date| date.starts_at)
    }

    /// Whether the rule gives dates that begin after this instant.
    pub fn has_dates_after(&self, at: Millis) -> bool {
        let (Some(series), Some(local)) = (&self.series, at.in_zone(self.zone)) else {
            return false;
        };
        let last = LocalDate(local.date() + Days::new(LOOKED_AFTER_DAYS));
        series
            .rule
            .dates(self.starts_local, self.zone, last)
            .any(|slot| self.starts_local.on(slot) > local)
    }

    /// How many dates the rule gives before this day.
    pub fn slots_before(&self, slot: LocalDate) -> u32 {
        let Some(series) = &self.series else { return 0 };
        let dates = series.rule.dates(self.starts_local, self.zone, slot);
        let before = dates.filter(|date| *date < slot).count();
        u32::try_from(before).unwrap_or(u32::MAX)
    }

    /// Moves the start to the first date of the rule, so that the plan's own
    /// start is always one of its dates.
    ///
    /// # Errors
    /// [`RecurrenceError::Never`] if there is none.
    pub fn begin_on_a_date(&mut self) -> Result<(), RecurrenceError> {
        if let Some(series) = &self.series {
            let first = series.rule.first(self.starts_local, self.zone)?;
            self.starts_local = self.starts_local.on(first);
        }
        Ok(())
    }

    /// The series from one of its dates on, and what is left of it before.
    ///
    /// None if it does not repeat or nothing would be left.
    pub fn split(&self, slot: LocalDate) -> Option<(Self, Self)> {
        let series = self.series.as_ref()?;
        let passed = self.slots_before(slot);
        if passed == 0 || !self.has_slot(slot) {
            return None;
        }
        let (mut before, mut after) = (self.clone(), self.clone());
        let (earlier, later) = series
            .exceptions
            .iter()
            .map(|(slot, exception)| (*slot, *exception))
            .partition(|(one, _)| *one < slot);
        before.series = Some(Series {
            rule: series.rule.ending_before(slot),
            exceptions: earlier,
            paused_since: series.paused_since,
        });
        after.starts_local = self.starts_local.on(slot);
        after.series = Some(Series {
            rule: series.rule.after(passed),
            exceptions: later,
            paused_since: series.paused_since,
        });
        Some((before, after))
    }

    /// Moves every date along with one: what a drag of `slot` to `to` means for
    /// all of them. False if the rule cannot say that.
    pub fn move_along(&mut self, slot: LocalDate, to: LocalTime) -> bool {
        let target = LocalDate(to.date());
        let days = target.0.signed_duration_since(slot.0).num_days();
        let start = LocalDate(self.starts_local.date());
        let Some(start) = shifted(start, days) else {
            return false;
        };
        if let Some(series) = &mut self.series {
            let Some(rule) = series.rule.moved(slot, target) else {
                return false;
            };
            series.rule = rule;
            // A date that was called off stays called off on its new day.
            series.exceptions = std::mem::take(&mut series.exceptions)
                .into_iter()
                .filter_map(|(slot, exception)| Some((shifted(slot, days)?, exception)))
                .collect();
        }
        self.starts_local = to.on(start);
        true
    }
}

fn shifted(date: LocalDate, days: i64) -> Option<LocalDate> {
    let by = Days::new(days.unsigned_abs());
    let moved = match days {
        0.. => date.0.checked_add_days(by),
        _ => date.0.checked_sub_days(by),
    };
    moved.map(LocalDate)
}
