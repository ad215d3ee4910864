//! From a plan and the occurrences it has to those it should have.

use std::collections::{BTreeMap, VecDeque};

use super::{Date, HORIZON};
use crate::{
    id::OccurrenceId,
    meeting::Meeting,
    occurrence::{Occurrence, Status},
    time::{LocalDate, Millis, TimeError},
};

/// What has to be written so that the occurrences are those of the plan.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// Occurrences that are there and change.
    pub changed: Vec<Occurrence>,
    /// Dates that need an occurrence; it still wants an id, see [`Meeting::occurrence`].
    pub new: Vec<Date>,
}

/// What the plan asks for, beside what is `there` of it at `now`.
///
/// What has begun or is over stays as it is, and its slot is taken. Nothing is
/// made whose end has passed. A date of today whose new hour is over already
/// keeps its old one. An occurrence whose day the rule no longer gives moves to
/// the next day that needs one, so that people keep their places on its list;
/// when there is none it is called off for good.
///
/// # Errors
/// If the plan's start is out of the calendar.
pub fn reconcile(
    meeting: &Meeting,
    there: &[Occurrence],
    now: Millis,
) -> Result<Changes, TimeError> {
    let mut wanted: BTreeMap<Option<LocalDate>, Date> = meeting
        .dates(now + HORIZON)?
        .into_iter()
        .map(|date| (date.slot, date))
        .collect();
    // What was moved or made far ahead is looked after there.
    if let Some(series) = &meeting.series {
        for slot in there.iter().filter_map(|occurrence| occurrence.slot) {
            if !wanted.contains_key(&Some(slot)) && meeting.has_slot(slot) {
                wanted.insert(Some(slot), meeting.date(series, slot)?);
            }
        }
    }

    let mut changes = Changes::default();
    let mut loose = Vec::new();
    for occurrence in there {
        if !is_ahead(occurrence, now) {
            // Held, over or past: its day is taken, whatever the rule says now.
            if !occurrence.is_gone() {
                wanted.remove(&occurrence.slot);
            }
            continue;
        }
        if occurrence.is_gone() {
            continue;
        }
        match wanted.remove(&occurrence.slot) {
            Some(date) => changes.follow(meeting, occurrence, date, now),
            None => loose.push(occurrence),
        }
    }
    let mut needy: VecDeque<Date> = wanted
        .into_values()
        .filter(|date| date.ends_at > now)
        .collect();
    for occurrence in loose {
        let ahead = needy
            .iter()
            .position(|date| date.held && date.starts_at >= now);
        let is_held = occurrence.is_ahead();
        match ahead
            .filter(|_| is_held)
            .and_then(|place| needy.remove(place))
        {
            Some(date) => changes.follow(meeting, occurrence, date, now),
            None => changes.drop(occurrence, now),
        }
    }
    changes.new = needy.into();
    Ok(changes)
}

/// Nobody was called for it and its hour has not come: the plan may still change it.
fn is_ahead(occurrence: &Occurrence, now: Millis) -> bool {
    match occurrence.status {
        Status::Scheduled | Status::Early { .. } => true,
        Status::Cancelled { .. } => occurrence.starts_at > now,
        Status::Calling { .. }
        | Status::Live { .. }
        | Status::Ended { .. }
        | Status::Missed { .. } => false,
    }
}

impl Changes {
    /// The occurrence as the plan has the date.
    fn follow(&mut self, meeting: &Meeting, old: &Occurrence, date: Date, now: Millis) {
        let mut occurrence = old.clone();
        occurrence.slot = date.slot;
        occurrence.title.clone_from(&meeting.title);
        occurrence.zone = Some(meeting.zone);
        let had_hours_left = old.starts_at > now;
        if date.starts_at > now || !had_hours_left {
            meeting.put(&mut occurrence, date);
        }
        occurrence.status = match (old.status, date.held) {
            (Status::Scheduled | Status::Early { .. }, false) => Status::Cancelled { at: now },
            (Status::Cancelled { .. }, true) => Status::Scheduled,
            (status, _) => status,
        };
        occurrence.on_moved(now);
        if occurrence != *old {
            self.changed.push(occurrence);
        }
    }

    /// Its day is no longer one of the series.
    fn drop(&mut self, old: &Occurrence, now: Millis) {
        let mut occurrence = old.clone();
        occurrence.slot = None;
        if occurrence.is_ahead() {
            occurrence.status = Status::Cancelled { at: now };
        }
        if occurrence != *old {
            self.changed.push(occurrence);
        }
    }
}

impl Meeting {
    /// The occurrence of a date.
    pub fn occurrence(&self, date: Date, id: OccurrenceId, now: Millis) -> Occurrence {
        let mut occurrence = Occurrence {
            id,
            company: self.company,
            meeting: Some(self.id),
            slot: date.slot,
            room: date.room,
            title: self.title.clone(),
            zone: Some(self.zone),
            starts_at: date.starts_at,
            ends_at: date.ends_at,
            dial_at: date.starts_at,
            opens_at: None,
            late: false,
            status: match date.held {
                true => Status::Scheduled,
                false => Status::Cancelled { at: now },
            },
        };
        self.put(&mut occurrence, date);
        occurrence
    }

    fn put(&self, occurrence: &mut Occurrence, date: Date) {
        occurrence.room = date.room;
        occurrence.starts_at = date.starts_at;
        occurrence.ends_at = date.ends_at;
        occurrence.dial_at = date.starts_at - self.lead_ms;
        let before_dialling = self.early_ms > self.lead_ms;
        occurrence.opens_at = before_dialling.then(|| date.starts_at - self.early_ms);
    }
}
