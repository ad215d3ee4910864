//! The wall clock is set back: what was noted by the old one is noted anew, so that
//! whoever waits from then on waits as long as he would have.
//!
//! What the plan says stays where it is: a start is an hour of the wall clock.

use super::{Invitation, Status, Why};
use crate::time::{Millis, Span};

/// Of two servers' clocks one is always a little ahead.
const TOLERANCE: Span = Span::seconds(2);

impl Invitation {
    /// The clock shows `by` less than it did.
    pub fn on_clock_set_back(&mut self, by: Span) {
        match &mut self.status {
            Status::Waiting { due_at, why } => match why {
                // By the plan, or by the hour where he is.
                Why::First | Why::AtStart | Why::QuietHours => {}
                // So long after something that has happened.
                Why::Busy
                | Why::Offline
                | Why::NoAnswer
                | Why::NotConfirmed
                | Why::Dropped
                | Why::Network
                | Why::NextLine
                | Why::NextTrunk
                | Why::NextCodec
                | Why::AskedLater
                | Why::Organiser
                | Why::LineFreed
                | Why::LineReturned
                | Why::AlreadyCalled
                | Why::DoNotDisturb
                | Why::NoChannel
                | Why::Lost => *due_at = *due_at - by,
            },
            Status::Calling { since, .. }
            | Status::Held { since, .. }
            | Status::InRoom { since, .. } => *since = *since - by,
            Status::Finished { at, .. } => *at = *at - by,
        }
        if let Some(last) = &mut self.last {
            last.at = last.at - by;
        }
        let spells = [&mut self.tally.busy_since, &mut self.tally.left_to_talk];
        for since in spells.into_iter().flatten() {
            *since = *since - by;
        }
    }

    /// By how much the clock has been set back while nobody looked at it: something is on
    /// record here that has not happened yet. It is as if it had happened just now.
    pub fn is_ahead_of(&self, now: Millis) -> Option<Span> {
        let noted = match self.status {
            Status::Waiting { .. } => None,
            Status::Calling { since, .. }
            | Status::Held { since, .. }
            | Status::InRoom { since, .. } => Some(since),
            Status::Finished { at, .. } => Some(at),
        };
        let last = self.last.map(|last| last.at);
        let newest = noted.max(last)?;
        (newest - now > TOLERANCE).then(|| newest - now)
    }
}
