//! What this task has changed and not yet written, and the writing of it.
//!
//! Everything one input changed is written as one, with the events that tell of
//! it. When the database is away the room goes on and the writing is tried
//! again; only a new call cannot begin, for its attempt must be on disk first.

use std::collections::{BTreeMap, BTreeSet};

use api::EventKind;
use domain::{AttemptId, InvitationId, PhoneNumber, invitation::Invitation};
use sip::CallId;
use store::{AttemptRow, Batch, NoticeRow, StoreError, VisitRow};

use super::Conference;
use crate::{
    clock,
    web::resources::{self, Around},
};

#[derive(Default)]
pub struct Unwritten {
    pub invitations: BTreeSet<InvitationId>,
    /// As they are to be; the last word on each.
    pub attempts: BTreeMap<AttemptId, AttemptRow>,
    /// Calls of ours that were answered: acknowledged once their dialogs are on disk.
    pub answers: Vec<CallId>,
    pub visits: Vec<VisitRow>,
    pub events: Vec<EventKind>,
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
            && self.events.is_empty()
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
        self.shared.store.write_batch(&batch).await?;
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
            if let Some(directory) = page.company(self.company) {
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
        batch.never_again = self.unwritten.never_again.clone();
        batch.notices = self.unwritten.notices.clone();
        // What is told of members follows what brought them.
        events.extend(self.unwritten.events.iter().cloned());
        batch.events = events.iter().map(resources::event).collect();
        batch
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
