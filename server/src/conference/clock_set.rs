//! The wall clock is set back: whatever here says "so long after that" is moved along,
//! so that people are called again, and phones stop ringing, when they would have.

use domain::{InvitationId, Millis, Span, occurrence::Status};

use super::{Conference, ending::Ending, party::Part};
use crate::clock;

impl Conference {
    /// The clock shows `by` less than it did.
    pub(super) async fn on_clock_set_back(&mut self, by: Span) {
        tracing::warn!(room = %self.room, by_ms = by.0, "The clock was set back");
        for party in self.parties.values_mut() {
            party.on_clock_set_back(by);
        }
        if let Ending::LastWords { until } = &mut self.ending {
            *until = *until - by;
        }
        for id in self.seats.keys().copied().collect::<Vec<_>>() {
            self.change(id, |invitation| invitation.on_clock_set_back(by))
                .await;
        }
        if let Some(held) = self.occurrence.clone()
            && let Status::Live { .. } = held.value.status
        {
            // Nobody waits once more for what has begun.
            self.follow_start(&held.value, clock::now()).await;
        }
        self.shared.nudge.notify_one();
    }

    /// Rows that were read tell of what has not happened yet: the clock was set back while
    /// no server was there.
    pub(super) async fn mend_what_is_ahead(&mut self, now: Millis) {
        let ahead: Vec<(InvitationId, Span)> = self
            .seats
            .iter()
            .filter_map(|(id, seat)| Some((*id, seat.invitation.is_ahead_of(now)?)))
            .collect();
        for (id, by) in ahead {
            tracing::warn!(room = %self.room, invitation = %id, by_ms = by.0, "The clock was set back meanwhile");
            self.change(id, |invitation| {
                // Another row may have come in its place.
                if let Some(by) = invitation.is_ahead_of(now) {
                    invitation.on_clock_set_back(by);
                }
            })
            .await;
        }
    }
}

impl super::Party {
    fn on_clock_set_back(&mut self, by: Span) {
        match &mut self.part {
            Part::Called { machine, row } => {
                machine.on_clock_set_back(by);
                let attempt = &mut row.attempt;
                attempt.started_at = attempt.started_at - by;
                for at in [&mut attempt.ringing_at, &mut attempt.answered_at] {
                    *at = at.map(|at| at - by);
                }
            }
            Part::Caller { door, .. } => door.on_clock_set_back(by),
        }
        if let Some(quality) = &mut self.quality {
            quality.silent_since_at = quality.silent_since_at.map(|at| at - by.0);
        }
        self.talked.on_clock_set_back(by);
    }
}
