//! What stands in the way of dates: rooms that are taken, people who are elsewhere.

use std::collections::BTreeSet;

use crate::{
    id::{MeetingId, OccurrenceId, RoomId},
    meeting::{Invitee, Meeting},
    series::Exception,
    time::{Millis, Span},
};

/// A time for which a room is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// Which room.
    pub room: RoomId,
    /// From when.
    pub from: Millis,
    /// Until when.
    pub until: Millis,
}

/// A time at which something else is held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// What; its occurrence may be too far ahead to have been made.
    pub meeting: MeetingId,
    /// Its occurrence, once it is made.
    pub occurrence: Option<OccurrenceId>,
    /// Where.
    pub room: RoomId,
    /// From when.
    pub from: Millis,
    /// Until when.
    pub until: Millis,
}

/// Two that want the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clash<'a> {
    /// What was asked for.
    pub wanted: Wanted,
    /// What is there.
    pub held: &'a Held,
}

impl Wanted {
    /// The same, so much later.
    pub fn later(self, by: Span) -> Self {
        Self {
            room: self.room,
            from: self.from + by,
            until: self.until + by,
        }
    }
}

/// Further than this nobody looks for a free time.
const SEARCHED: Span = Span::minutes(7 * 24 * 60);

/// Everything that overlaps one of the dates, in whatever room, by the dates' order.
pub fn clashes<'a>(wanted: &[Wanted], held: &'a [Held]) -> Vec<Clash<'a>> {
    // By start; nothing lasts longer than the longest.
    let mut by_start: Vec<&Held> = held.iter().collect();
    by_start.sort_by_key(|one| (one.from, one.until));
    let longest = by_start
        .iter()
        .map(|one| one.until - one.from)
        .max()
        .unwrap_or_default();
    let mut found = Vec::new();
    for date in wanted {
        let first = by_start.partition_point(|one| one.from + longest <= date.from);
        found.extend(
            by_start[first..]
                .iter()
                .take_while(|one| one.from < date.until)
                .filter(|one| one.until > date.from)
                .map(|one| Clash {
                    wanted: *date,
                    held: one,
                }),
        );
    }
    found
}

/// The dates of a series between two times, made or not, that can be in the way of a plan:
/// in a room it wants, or with somebody it expects. Most series have neither, and cost nothing.
pub fn unmade(
    series: &Meeting,
    plan: &Meeting,
    wanted: &[Wanted],
    from: Millis,
    until: Millis,
) -> impl Iterator<Item = Held> {
    let rooms: BTreeSet<RoomId> = wanted.iter().map(|date| date.room).collect();
    let exceptions = series.series.iter().flat_map(|one| one.exceptions.values());
    let elsewhere = exceptions.filter_map(|exception| match exception {
        Exception::Moved(moved) => moved.room,
        Exception::CalledOff => None,
    });
    let mut held_in = elsewhere.chain([series.room]);
    let shares_a_room = held_in.any(|room| rooms.contains(&room));
    let dates = match shares_a_room || series.shares_people(plan) {
        true => series.dates(until).unwrap_or_default(),
        false => Vec::new(),
    };
    let meeting = series.id;
    dates
        .into_iter()
        .filter(move |date| date.held && date.ends_at > from)
        .map(move |date| Held {
            meeting,
            occurrence: None,
            room: date.room,
            from: date.starts_at,
            until: date.ends_at,
        })
}

impl Meeting {
    /// Whether somebody is expected at both.
    pub fn shares_people(&self, other: &Self) -> bool {
        // What all ways of writing one person have in common, so that not each is held against each.
        let hint = |invitee: &Invitee| match invitee {
            Invitee::Employee(id) => id.to_string(),
            Invitee::Outside { number, .. } => number.ending().to_owned(),
        };
        let theirs: BTreeSet<String> = other
            .participants
            .iter()
            .map(|one| hint(&one.invitee))
            .collect();
        let mut both = self.participants.iter().map(|one| &one.invitee);
        both.any(|one| theirs.contains(&hint(one)) && other.expects(one))
    }

    /// Whether somebody is on its list.
    pub fn expects(&self, invitee: &Invitee) -> bool {
        let mut people = self.participants.iter();
        people.any(|one| one.invitee.is_same_person(invitee))
    }
}

/// From when the date's room is free for as long as was asked.
pub fn next_free(date: Wanted, held: &[Held]) -> Option<Millis> {
    free_for_all(&[date], held).map(|later| date.from + later)
}

/// How much later all the dates fit into their rooms; none if not within a week.
pub fn free_for_all(dates: &[Wanted], held: &[Held]) -> Option<Span> {
    free_when(dates, held, |clash| clash.held.room == clash.wanted.room)
}

/// How much later nothing is in the way of any of the dates; none if not within a week.
/// `is_in_the_way` says of what overlaps one of them whether it is.
pub fn free_when(
    dates: &[Wanted],
    held: &[Held],
    is_in_the_way: impl Fn(&Clash<'_>) -> bool,
) -> Option<Span> {
    let mut later = Span::ZERO;
    while later <= SEARCHED {
        let moved: Vec<Wanted> = dates.iter().map(|date| date.later(later)).collect();
        // Past everything that is in the way now, by the one that needs the most.
        let more = clashes(&moved, held)
            .iter()
            .filter(|clash| is_in_the_way(clash))
            .map(|clash| clash.held.until - clash.wanted.from)
            .max();
        match more {
            Some(more) => later = later + more,
            None => return Some(later),
        }
    }
    None
}
