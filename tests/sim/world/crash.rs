//! Rows are written after every input; a crash leaves nothing but them.

use domain::{InvitationId, attempt::LeaveWay, invitation::Status, line::LineState, live};

use super::World;

impl World {
    /// Writes the rows and reads them back.
    pub(super) fn persist(&mut self) {
        for call in self.calls.values_mut() {
            *call = reread(call);
        }
        for invitation in self.invitations.values_mut() {
            *invitation = reread(invitation);
        }
        for attempt in self.attempts.values_mut() {
            *attempt = reread(attempt);
        }
        for meeting in self.meetings.values_mut() {
            meeting.occurrence = reread(&meeting.occurrence);
        }
    }

    /// Everything that is not a row is lost, and made again from the rows.
    pub(super) fn crash(&mut self) {
        self.persist();
        self.playing.clear();
        for person in &mut self.people {
            person.line = domain::line::Line::default();
        }
        for id in self.meetings.keys().copied().collect::<Vec<_>>() {
            let meeting = self.meetings.get_mut(&id).expect("a meeting");
            meeting.room = live::LiveRoom::new(meeting.occurrence.room);
        }
        self.hang_up_what_nobody_wants();
        for id in self.invitations.keys().copied().collect::<Vec<_>>() {
            self.restore(id);
        }
    }

    /// Calls that no invitation waits for any more were being ended when the
    /// server died: they are ended by what is on record of them.
    pub(super) fn hang_up_what_nobody_wants(&mut self) {
        for (person, attempt) in self.on_the_phone.clone() {
            let invitation = self.attempts[&attempt].invitation;
            if self.invitations[&invitation].status().attempt() != Some(attempt) {
                self.phone_is_down(person, attempt);
                self.calls.remove(&attempt);
            }
        }
    }

    pub(super) fn restore(&mut self, id: InvitationId) {
        let invitation = &self.invitations[&id];
        let person = self.person_of(&invitation.invitee);
        let Some(attempt) = invitation.status().attempt() else {
            return;
        };
        if let Status::InRoom { member, .. } = *invitation.status() {
            self.enter(id, member, person, live::LiveRoom::restore);
        }
        let answered = self.attempts[&attempt].answered_at.is_some();
        if answered && self.on_the_phone.get(&person) != Some(&attempt) {
            // He hung up while nobody was there to hear it.
            return self.with_call(attempt, |call, now| call.on_gone(LeaveWay::Lost, now));
        }
        if answered {
            self.hear(person, attempt, LineState::Busy);
        }
        self.with_call(attempt, |call, now| call.on_restart(now));
        self.send(attempt, person);
    }
}

fn reread<T: serde::Serialize + serde::de::DeserializeOwned>(row: &T) -> T {
    let text = serde_json::to_string(row).expect("rows are written");
    serde_json::from_str(&text).expect("rows are read")
}
