//! What stands in the way of dates: rooms that are taken, people who are elsewhere.

use crate::{
    id::{MeetingId, OccurrenceId, RoomId},
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

/// From when the date's room is free for as long as was asked.
pub fn next_free(date: Wanted, held: &[Held]) -> Option<Millis> {
    free_for_all(&[date], held).map(|later| date.from + later)
}

/// How much later all the dates fit into their rooms; none if not within a week.
pub fn free_for_all(dates: &[Wanted], held: &[Held]) -> Option<Span> {
    let mut later = Span::ZERO;
    while later <= SEARCHED {
        let moved: Vec<Wanted> = dates
            .iter()
            .map(|date| Wanted {
                room: date.room,
                from: date.from + later,
                until: date.until + later,
            })
            .collect();
        // Past everything that is in the way now, by the one that needs the most.
        let more = clashes(&moved, held)
            .iter()
            .filter(|clash| clash.held.room == clash.wanted.room)
            .map(|clash| clash.held.until - clash.wanted.from)
            .max();
        match more {
            Some(more) => later = later + more,
            None => return Some(later),
        }
    }
    None
}
