//! What he and the organiser want beside his calls: answers in writing, the plan and its
//! changes, a call at once, the beginning and the end.

use super::{Finish, Invitation, Output, Rsvp, Status, Why};
use crate::{meeting::Invitee, role::Role, time::Millis};

impl Invitation {
    /// He answered in writing whether he comes. Dialling begins at `dials_at`.
    ///
    /// Whoever declines is not called, as if he had pressed the key; whoever has
    /// changed his mind is called after all. Who is in the room has come.
    pub fn on_reply(&mut self, rsvp: Rsvp, dials_at: Millis, now: Millis) {
        match (rsvp, self.status) {
            (_, Status::InRoom { .. }) => return,
            (Rsvp::Declined, Status::Waiting { .. }) => self.finish(Finish::CannotCome, now),
            (Rsvp::Declined, Status::Calling { attempt, .. } | Status::Held { attempt, .. }) => {
                self.outputs.push_back(Output::Withdraw(attempt));
                self.finish(Finish::CannotCome, now);
            }
            (
                Rsvp::Accepted | Rsvp::Later,
                Status::Finished {
                    why: Finish::CannotCome,
                    ..
                },
            ) => self.wait(dials_at.max(now), Why::First),
            (Rsvp::Declined, Status::Finished { .. })
            | (
                Rsvp::Accepted | Rsvp::Later,
                Status::Waiting { .. }
                | Status::Calling { .. }
                | Status::Held { .. }
                | Status::Finished { .. },
            ) => {}
        }
        self.rsvp = Some(rsvp);
    }

    /// The plan has changed before anybody was called, but for when it begins: what he
    /// said about coming stands.
    pub fn replan(&mut self, invitee: Invitee, role: Role, dials_at: Millis) {
        (self.invitee, self.role) = (invitee, role);
        if let Status::Waiting {
            due_at,
            why: Why::First,
        } = &mut self.status
        {
            *due_at = dials_at;
        }
    }

    /// The organiser wants him now, even after he declined.
    pub fn call_now(&mut self, now: Millis) {
        match self.status {
            Status::Waiting { .. } | Status::Finished { .. } => {
                if self.rsvp == Some(Rsvp::Declined) {
                    self.rsvp = None;
                }
                self.end_round();
                self.tally.dead_lines.clear();
                self.wait(now, Why::Organiser);
            }
            Status::Calling { .. } | Status::Held { .. } | Status::InRoom { .. } => {}
        }
    }

    /// The organiser gives up on him; a call under way is taken back.
    pub fn give_up(&mut self, now: Millis) {
        match self.status {
            Status::Waiting { .. } => self.finish(Finish::GivenUp, now),
            Status::Calling { attempt, .. } | Status::Held { attempt, .. } => {
                self.outputs.push_back(Output::Withdraw(attempt));
                self.finish(Finish::GivenUp, now);
            }
            Status::InRoom { .. } | Status::Finished { .. } => {}
        }
    }

    /// The meeting began, perhaps earlier than planned.
    pub fn on_started(&mut self, now: Millis) {
        if let Status::Waiting {
            due_at,
            why: why @ (Why::First | Why::AtStart),
        } = self.status
        {
            self.wait(due_at.min(now), why);
        }
    }

    /// The meeting is over: nobody is called any more.
    pub fn on_meeting_over(&mut self, now: Millis) {
        match self.status {
            Status::Waiting { .. } => self.finish(Finish::Absent, now),
            Status::Calling { attempt, .. } | Status::Held { attempt, .. } => {
                self.outputs.push_back(Output::Withdraw(attempt));
                self.finish(Finish::Absent, now);
            }
            Status::InRoom { .. } => self.finish(Finish::Attended, now),
            Status::Finished { .. } => {}
        }
    }
}
