//! What this task has changed and not yet written, and the writing of it.
//!
//! Everything that one round of inputs changed is written as one, with the events that tell of
//! it, and in one commit with what other rooms write meanwhile. When the database is away the room goes on and the writing is tried
//! again; only a new call cannot begin, for its attempt must be on disk first.

use std::collections::{BTreeMap, BTreeSet};

use api::EventKind;
use domain::{AttemptId, InvitationId, PhoneNumber, invitation::Invitation};
use sip::CallId;
use store::{AttemptRow, Batch, InboundRow, NoticeRow, StoreError, VisitRow};
use uuid::Uuid;

use super::{Conference, ending::Ending};
use crate::{
    clock,
    web::resources::{self, Around},
};

#[derive(Default)]
pub struct Unwritten {
    pub invitations: BTreeSet<InvitationId>,
    /// Those of them of whom nobody needs to hear: they wait on for what they waited for.
    pub untold: BTreeSet<InvitationId>,
    /// As they are to be; the last word on each.
    pub attempts: BTreeMap<AttemptId, AttemptRow>,
    /// Calls of ours that were answered: acknowledged once their dialogs are on disk.
    pub answers: Vec<CallId>,
    pub visits: Vec<VisitRow>,
    /// Calls that came in; none where one is over.
    pub inbound: BTreeMap<Uuid, Option<InboundRow>>,
    pub events: Vec<EventKind>,
    /// The room looks different.
    pub room: bool,
    /// Numbers that asked never to be called again.
    pub never_again: Vec<PhoneNumber>,
    /// What is to be written to somebody.
    pub notices: Vec<NoticeRow>,
}

impl Unwritten {
    pub fn is_empty(&self) -> bool {
        self.invitations.is_empty()
            && self.attempts.is_empty()
            && self.visits.is_empty()
            && self.inbound.is_empty()
            && self.events.is_empty()
            && !self.room
            && self.never_again.is_empty()
            && self.notices.is_empty()
    }
}

/// How often somebody else may have been quicker before we give the change up.
const STALE_RETRIES: usize = 3;

impl Conference {
    /// Gives an invitation an input and writes what became of it.
    ///
    /// The API may have written the same row meanwhile: then it is read again and
    /// given the same input, so `input` must mean the same whatever it meets.
    pub(super) async fn change(
        &mut self,
        id: InvitationId,
        mut input: impl FnMut(&mut Invitation),
    ) {
        for _ in 0..STALE_RETRIES {
            let Some(seat) = self.seats.get_mut(&id) else {
                return;
            };
            let before = seat.invitation.clone();
            input(&mut seat.invitation);
            if seat.invitation == before {
                return;
            }
            self.unwritten.invitations.insert(id);
            self.unwritten.untold.remove(&id);
            match self.try_write().await {
                Ok(()) => return,
                Err(StoreError::Stale {
                    what: "invitation",
                    id: other,
                }) if other != id.to_string() => {
                    // Not this row: one whose writing had to wait. What is done here stays.
                    self.take_newest_versions().await;
                    return self.write().await;
                }
                Err(StoreError::Stale {
                    what: "invitation", ..
                }) => {
                    if !self.read_again(id).await {
                        return;
                    }
                }
                Err(error) => return tracing::warn!(%error, "A change is not written yet"),
            }
        }
        tracing::error!(invitation = %id, "A change was given up: somebody else keeps writing the row");
    }

    /// Writes what is left to be written; what fails stays for the next time.
    pub(super) async fn write(&mut self) {
        match self.try_write().await {
            Ok(()) => {}
            Err(StoreError::Stale {
                what: "invitation", ..
            }) => self.take_newest_versions().await,
            Err(error) => {
                tracing::warn!(room = %self.room, %error, "The room's changes are not written yet")
            }
        }
    }

    pub(super) async fn try_write(&mut self) -> Result<(), StoreError> {
        if self.unwritten.is_empty() {
            return Ok(());
        }
        let batch = self.batch();
        self.shared.store.write_together(batch).await?;
        for id in &self.unwritten.invitations {
            if let Some(seat) = self.seats.get_mut(id) {
                seat.version += 1;
            }
        }
        let written = std::mem::take(&mut self.unwritten);
        for call in written.answers {
            self.shared.switchboard.signalling().acknowledge(call);
        }
        if !written.notices.is_empty() {
            self.shared.post.notify_one();
        }
        self.shared.hub.wake(self.company);
        Ok(())
    }

    fn batch(&self) -> Batch {
        let page = self.shared.book.page();
        let mut batch = Batch::new(self.company, clock::now());
        let mut events = Vec::new();
        let rules = self.rules();
        for id in &self.unwritten.invitations {
            let Some(seat) = self.seats.get(id) else {
                continue;
            };
            batch.invitations.push(seat.clone());
            if let Some(directory) = page.company(self.company)
                && !self.unwritten.untold.contains(id)
            {
                let around = Around {
                    room: self.room,
                    starts_at: self.times().0,
                    rules: &rules,
                    directory,
                };
                events.push(EventKind::Invitation(resources::invitation(
                    &seat.invitation,
                    around,
                )));
            }
        }
        for row in self.unwritten.attempts.values() {
            batch.attempts.push(row.clone());
            if let Some(directory) = page.company(self.company) {
                events.push(EventKind::Attempt(resources::attempt(
                    &row.attempt,
                    directory,
                )));
            }
        }
        batch.visits = self.unwritten.visits.clone();
        for (id, row) in &self.unwritten.inbound {
            match row {
                Some(row) => batch.inbound.push(row.clone()),
                None => batch.inbound_over.push(*id),
            }
        }
        batch.never_again = self.unwritten.never_again.clone();
        batch.notices = self.unwritten.notices.clone();
        // What is told of members follows what brought them.
        events.extend(self.unwritten.events.iter().cloned());
        if self.unwritten.room {
            events.extend(self.room_now().map(EventKind::Room));
        }
        batch.events = events.iter().map(resources::event).collect();
        batch
    }

    /// The room as the boards are to see it.
    fn room_now(&self) -> Option<api::Room> {
        let page = self.shared.book.page();
        let (company, room) = page.room(self.room)?;
        let held = self
            .occurrence
            .as_ref()
            .filter(|_| self.ending == Ending::No)
            .map(|held| held.value.id);
        let members = self.shared.members.in_room(self.room);
        Some(api::Room {
            locked: self.live.is_locked(),
            ..resources::room(room, company, held, &members)
        })
    }

    /// Reads a row that somebody else has written. False if that cannot be done now.
    async fn read_again(&mut self, id: InvitationId) -> bool {
        match self.shared.store.invitation(self.company, id).await {
            Ok(row) => {
                self.unwritten.invitations.remove(&id);
                self.seats.insert(id, row);
                true
            }
            Err(error) => {
                tracing::warn!(invitation = %id, %error, "An invitation cannot be read");
                false
            }
        }
    }

    /// Our change waited for the database, and somebody else wrote the row first.
    /// We hold the call: what we know of it stands.
    async fn take_newest_versions(&mut self) {
        for id in self.unwritten.invitations.clone() {
            if let (Ok(row), Some(seat)) = (
                self.shared.store.invitation(self.company, id).await,
                self.seats.get_mut(&id),
            ) {
                seat.version = row.version;
            }
        }
    }
}
