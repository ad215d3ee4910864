//! The roll: who is expected, who is due, and the calls that begin.

use domain::{
    InvitationId, Millis,
    invitation::{self, Finish, Terms, Why},
    line::{Change, LineKey, LineState},
    meeting::Invitee,
    occurrence::{Occurrence, Status},
};
use store::StoreError;
use tokio::sync::broadcast::error::RecvError;

use super::{
    Conference,
    ending::Ending,
    party::{Part, Party},
};
use crate::{clock, directory::Numbers, lines::LineNews};

impl Conference {
    /// Reads the rows of what is held here, and goes on to what they say.
    pub(super) async fn refresh(&mut self) {
        if let Err(error) = self.read().await {
            tracing::warn!(room = %self.room, %error, "The room's rows cannot be read");
        }
    }

    pub(super) async fn read(&mut self) -> Result<(), StoreError> {
        let store = self.shared.store.clone();
        let now = clock::now();
        let found = store.occurrence_in(self.room).await?;
        let held = self.occurrence.as_ref().map(|held| held.value.id);
        if held.is_some() && held != found.as_ref().map(|found| found.value.id) {
            self.close(now).await;
            // The next one waits until the last of this one is out.
            if self.ending != Ending::Over {
                return Ok(());
            }
            self.forget();
        }
        let Some(found) = found else { return Ok(()) };
        let moved = self
            .occurrence
            .as_ref()
            .is_none_or(|held| held.version != found.version);
        if moved {
            self.meeting = match found.value.meeting {
                Some(id) => match store.meeting(self.company, id).await {
                    Ok(meeting) => Some(meeting),
                    Err(StoreError::NotFound { .. }) => None,
                    Err(error) => return Err(error),
                },
                None => None,
            };
        }
        let occurrence = found.value.clone();
        self.occurrence = Some(found);
        for row in store.invitations(occurrence.id).await? {
            let id = row.invitation.id;
            if self
                .seats
                .get(&id)
                .is_none_or(|seat| seat.version < row.version)
            {
                self.seats.insert(id, row);
            }
        }
        if moved {
            self.follow_start(&occurrence, now).await;
        }
        self.mend_what_is_ahead(now).await;
        self.follow(&occurrence, now).await;
        self.settle().await;
        self.carry_out_all().await;
        Ok(())
    }

    /// Everybody hears of a start that has come or moved.
    pub(super) async fn follow_start(&mut self, occurrence: &Occurrence, now: Millis) {
        self.tell_of_lobby().await;
        let early = self.early();
        let legs: Vec<_> = self.parties.keys().copied().collect();
        for leg in legs {
            match self.parties.get_mut(&leg) {
                Some(Party {
                    part: Part::Called { machine, .. },
                    ..
                }) => {
                    machine.on_start_moved(occurrence.begins_at(now), now);
                }
                Some(Party {
                    part: Part::Caller { door, guest },
                    ..
                }) => {
                    if guest.awaits.is_some_and(|other| other != occurrence.id) {
                        continue;
                    }
                    door.on_start_moved(occurrence.begins_at(now) - early, now);
                }
                None => {}
            }
            self.follow_call(leg).await;
        }
    }

    /// Whoever is on the list hears that it has begun.
    async fn follow(&mut self, occurrence: &Occurrence, now: Millis) {
        if let Status::Live { calls: true, .. } = occurrence.status {
            for id in self.seats.keys().copied().collect::<Vec<_>>() {
                self.change(id, |invitation| invitation.on_started(now))
                    .await;
            }
        }
    }

    /// Somebody's line freed or came back: whoever waits for that is called.
    pub(super) async fn on_line(&mut self, news: Result<LineNews, RecvError>) {
        let now = clock::now();
        let (line, change) = match news {
            Ok(LineNews {
                line,
                change: Some(change),
            }) => (line, change),
            Ok(LineNews { change: None, .. }) | Err(RecvError::Closed) => return,
            Err(RecvError::Lagged(missed)) => {
                tracing::warn!(room = %self.room, missed, "News of lines came too fast: all are looked at");
                return self.look_at_lines(now).await;
            }
        };
        let waiting: Vec<InvitationId> = self
            .seats
            .values()
            .filter(|seat| self.is_line_of(&line, &seat.invitation.invitee))
            .map(|seat| seat.invitation.id)
            .collect();
        for id in waiting {
            self.on_change(id, change, now).await;
        }
    }

    /// News was lost: whoever waits for a line that is free now waits no longer.
    async fn look_at_lines(&mut self, now: Millis) {
        let waiting: Vec<(InvitationId, Why)> = self
            .seats
            .values()
            .filter_map(|seat| Some((seat.invitation.id, seat.invitation.poll_timeout()?.1)))
            .collect();
        for (id, why) in waiting {
            let change = match why {
                Why::Offline => Change::Returned,
                Why::Busy => Change::Freed,
                _ => continue,
            };
            let Some(seat) = self.seats.get(&id) else {
                continue;
            };
            let candidates = self.lines_of(&seat.invitation, now).await;
            if candidates.iter().any(|one| one.state == LineState::Free) {
                self.on_change(id, change, now).await;
            }
        }
    }

    async fn on_change(&mut self, id: InvitationId, change: Change, now: Millis) {
        let (rules, times) = (self.rules(), self.times());
        self.change(id, |invitation| {
            let terms = Terms {
                rules: &rules,
                starts_at: times.0,
                ends_at: times.1,
            };
            invitation.on_change(change, terms, now);
        })
        .await;
        self.shared.nudge.notify_one();
    }

    /// Whom the room waits for may be asked about: the moment he can be reached he is called.
    pub(super) fn tell_whom_it_waits_for(&self) {
        let page = self.shared.book.page();
        let Some(company) = page.company(self.company) else {
            return;
        };
        // Most companies have nobody to ask.
        if company
            .trunks
            .iter()
            .all(|trunk| trunk.status.api.is_none())
        {
            return;
        }
        let lines = self.seats.values().filter_map(|seat| {
            let waits = match seat.invitation.status() {
                invitation::Status::Waiting { .. } => true,
                invitation::Status::Finished { why, .. } => *why == Finish::Offline,
                invitation::Status::Calling { .. }
                | invitation::Status::Held { .. }
                | invitation::Status::InRoom { .. } => false,
            };
            match seat.invitation.invitee {
                Invitee::Employee(employee) if waits => Some(company.lines(employee)),
                Invitee::Employee(_) | Invitee::Outside { .. } => None,
            }
        });
        let lines = lines.flatten().collect();
        self.shared.asking.wait_for(self.room, lines);
    }

    fn is_line_of(&self, line: &LineKey, invitee: &Invitee) -> bool {
        match (line, invitee) {
            (LineKey::Device(device), Invitee::Employee(employee)) => {
                let page = self.shared.book.page();
                page.device(*device)
                    .is_some_and(|owner| owner.employee.id == *employee)
            }
            (LineKey::Number(one), Invitee::Outside { number, .. }) => one.same_line(number),
            (LineKey::Device(_), Invitee::Outside { .. })
            | (LineKey::Number(_), Invitee::Employee(_)) => false,
        }
    }
}
