//! The reconciler: brings what happens to what the rows say should happen.
//!
//! It takes no input. Woken by a hint, by the next time in the rows, or by the
//! second, it looks at the rows, lets occurrences begin and end, claims whom is
//! due and hands them to their rooms. The first start, a retry and a restart
//! are the same look.

use std::{
    collections::BTreeMap,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use api::EventKind;
use domain::{
    CompanyId, InvitationId, Millis, OccurrenceId, RoomId, Span,
    line::LineState,
    meeting::Invitee,
    occurrence::{Occurrence, Status},
};
use store::{AttemptRow, Batch, InboundRow, StoreError, Versioned};
use tokio::task::JoinSet;

use crate::{
    bridge, clock,
    conference::{Conferences, Guest, Message},
    directory::Numbers,
    operators::Question,
    shared::Shared,
    web::resources,
};

/// How long a claim holds; a room that has not written by then has died.
const LEASE: Span = Span::seconds(30);

/// How long an operator that is asked about somebody's line may hold up the call to him.
const HEARD_WITHIN: Duration = Duration::from_millis(500);

/// How many are claimed at once.
const CLAIMS: i64 = 200;

pub struct Scheduler {
    pub shared: Arc<Shared>,
    pub conferences: Arc<Conferences>,
    /// The directory's revision that trunks, logins and boards already follow.
    pub followed: i64,
}

/// What an earlier process left in a room.
struct Left {
    company: CompanyId,
    placed: Vec<AttemptRow>,
    came_in: Vec<InboundRow>,
}

impl Left {
    fn of(company: CompanyId) -> Self {
        Left {
            company,
            placed: Vec::new(),
            came_in: Vec::new(),
        }
    }
}

impl Scheduler {
    /// Runs until the task is dropped.
    pub async fn run(mut self) {
        let mut steps = clock::steps();
        self.until_done("take up what was under way", || self.take_up())
            .await;
        self.shared.calibrator.take_up(&self.shared).await;
        self.shared.settled.store(true, Ordering::Release);
        loop {
            if let Some(by) = steps.take() {
                tracing::warn!(by_ms = by.0, "The clock was set back");
                // Their leases would last longer than they were to.
                let store = &self.shared.store;
                self.until_done("give claims back", || store.release_claims())
                    .await;
            }
            let next = match self.look().await {
                Ok(next) => next,
                Err(error) => {
                    tracing::warn!(%error, "The scheduler cannot read its rows");
                    None
                }
            };
            tokio::select! {
                () = self.shared.nudge.notified() => {}
                () = clock::glance_at(Some(next.unwrap_or(Millis(i64::MAX)))) => {}
            }
        }
    }

    /// Repeats until the database answers: nothing else may be done before.
    async fn until_done<F: Future<Output = Result<(), StoreError>>>(
        &self,
        what: &str,
        act: impl Fn() -> F,
    ) {
        while let Err(error) = act().await {
            tracing::warn!(%error, "Cannot {what} yet");
            clock::glance_at(Some(Millis(i64::MAX))).await;
        }
    }

    /// What an earlier process left under way goes on in its rooms.
    async fn take_up(&self) -> Result<(), StoreError> {
        let store = &self.shared.store;
        let now = clock::now();
        self.shared.book.refresh(store).await?;
        store.close_visits(now, "dropped").await?;
        // Nobody waits for the lease of somebody who is dead.
        store.release_claims().await?;
        let mut rooms: BTreeMap<RoomId, Left> = BTreeMap::new();
        for occurrence in store.occurrences_under_way().await? {
            rooms.insert(occurrence.value.room, Left::of(occurrence.value.company));
        }
        for row in store.attempts_in_flight().await? {
            let room = match self.room_of(&row).await {
                Ok(room) => room,
                Err(error @ (StoreError::NotFound { .. } | StoreError::Damaged { .. })) => {
                    tracing::error!(attempt = %row.attempt.id, %error, "A call of before the restart is left alone");
                    continue;
                }
                Err(error) => return Err(error),
            };
            rooms
                .entry(room)
                .or_insert(Left::of(row.company))
                .placed
                .push(row);
        }
        for row in store.inbound_calls().await? {
            match serde_json::from_str::<Guest>(&row.body) {
                Ok(guest) => rooms
                    .entry(guest.room)
                    .or_insert(Left::of(row.company))
                    .came_in
                    .push(row),
                Err(error) => {
                    tracing::warn!(%error, "A call of before the restart cannot be read");
                    store.remove_inbound(row.id).await?;
                }
            }
        }
        for (
            room,
            Left {
                company,
                placed,
                came_in,
            },
        ) in rooms
        {
            tracing::info!(%room, placed = placed.len(), came_in = came_in.len(), "Takes up the room");
            self.conferences.tell(
                &self.shared,
                company,
                room,
                Message::TakeUp(placed, came_in),
            );
        }
        // Last: should anything before it fail, all of this is done again.
        bridge::take_up(&self.shared).await?;
        Ok(())
    }

    async fn room_of(&self, row: &AttemptRow) -> Result<RoomId, StoreError> {
        let store = &self.shared.store;
        let invitation = store
            .invitation(row.company, row.attempt.invitation)
            .await?;
        let occurrence = invitation.invitation.occurrence;
        Ok(store.occurrence(row.company, occurrence).await?.value.room)
    }

    /// One look. Answers when the next is wanted.
    async fn look(&mut self) -> Result<Option<Millis>, StoreError> {
        let store = &self.shared.store;
        let now = clock::now();
        self.shared.book.refresh(store).await?;
        // Whoever else has read it anew meanwhile: what follows from it is done here.
        let revision = self.shared.book.page().directory().revision;
        if revision != self.followed {
            self.shared.on_new_directory();
            self.shared.calibrator.look(&self.shared);
            self.followed = revision;
        }
        let mut changed = store.occurrences_to_open(now).await?;
        let under_way = store.occurrences_under_way().await?;
        changed.extend(
            under_way
                .iter()
                .filter(|row| is_due(&row.value, now))
                .cloned(),
        );
        for row in changed {
            let id = row.value.id;
            if let Err(error) = self.go_on(row, now).await {
                tracing::error!(occurrence = %id, %error, "A meeting does not go on");
            }
        }
        // Whatever the API has written since the last look.
        let rooms = under_way
            .iter()
            .map(|row| (row.value.company, row.value.room));
        self.conferences.refresh(&self.shared, rooms);
        self.claim(now).await?;

        let next_begin = under_way
            .iter()
            .filter_map(|row| row.value.poll_timeout())
            .map(|(at, _)| at)
            .min();
        let nexts = [
            next_begin,
            store.next_opening(now).await?,
            store.next_due().await?,
        ];
        Ok(nexts.into_iter().flatten().min())
    }

    /// Lets an occurrence go on to what holds now, and tells its room.
    async fn go_on(&self, mut row: Versioned<Occurrence>, now: Millis) -> Result<(), StoreError> {
        let outputs = row.value.handle_timeout(now);
        let (company, room) = (row.value.company, row.value.room);
        if outputs.is_empty() {
            return Ok(());
        }
        tracing::info!(title = row.value.title, status = ?row.value.status, late = row.value.late, "A meeting goes on");
        let mut batch = Batch::new(company, now);
        batch.events = self.told(&row.value).await;
        batch.occurrences.push(row);
        match self.shared.store.write_batch(&batch).await {
            Ok(_) => {
                self.shared.hub.wake(company);
                self.conferences
                    .tell(&self.shared, company, room, Message::Refresh);
                Ok(())
            }
            // Another server, or the API, was quicker: the next look sees what it wrote.
            Err(StoreError::Stale { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn told(&self, occurrence: &Occurrence) -> Vec<String> {
        let page = self.shared.book.page();
        let Some(company) = page.company(occurrence.company) else {
            return Vec::new();
        };
        let expected = self
            .shared
            .store
            .invitations(occurrence.id)
            .await
            .map_or(0, |rows| rows.len());
        let mut events = vec![EventKind::Occurrence(resources::occurrence(
            occurrence,
            company,
            u32::try_from(expected).unwrap_or(u32::MAX),
        ))];
        if let Some(room) = company.room(occurrence.room) {
            let held = occurrence.is_open().then_some(occurrence.id);
            let members = self.shared.members.in_room(room.id);
            events.push(EventKind::Room(api::Room {
                locked: self.shared.members.is_locked(room.id),
                ..resources::room(room, company, held, &members)
            }));
        }
        events.iter().map(resources::event).collect()
    }

    /// Claims whom is due and hands them to their rooms.
    async fn claim(&self, now: Millis) -> Result<(), StoreError> {
        let store = &self.shared.store;
        let claimed = store
            .claim_due_invitations(now, now + LEASE, CLAIMS)
            .await?;
        let mut due: BTreeMap<OccurrenceId, (CompanyId, Vec<InvitationId>)> = BTreeMap::new();
        let mut asked = Vec::new();
        for row in claimed {
            let questions = self.questions(row.company, &row.invitation.invitee, now);
            if !questions.is_empty() {
                asked.push((row, questions));
                continue;
            }
            due.entry(row.invitation.occurrence)
                .or_insert((row.company, Vec::new()))
                .1
                .push(row.invitation.id);
        }
        for (occurrence, (company, invitations)) in due {
            let room = store.occurrence(company, occurrence).await?.value.room;
            self.conferences
                .tell(&self.shared, company, room, Message::Due(invitations));
        }
        for (row, questions) in asked {
            let invitation = row.invitation;
            let occurrence = store.occurrence(row.company, invitation.occurrence).await?;
            let (shared, conferences) = (self.shared.clone(), self.conferences.clone());
            // He alone waits for his operator's answer, and not for long: what comes later
            // is evidence all the same.
            tokio::spawn(async move {
                let mut answers = JoinSet::new();
                for question in questions {
                    let shared = shared.clone();
                    answers.spawn(async move { shared.asking.ask(&shared, question).await });
                }
                let answered = async { while answers.join_next().await.is_some() {} };
                if tokio::time::timeout(HEARD_WITHIN, answered).await.is_err() {
                    answers.detach_all();
                    tracing::debug!(invitation = %invitation.id, "The operator does not answer: he is called");
                }
                let due = Message::Due(vec![invitation.id]);
                conferences.tell(&shared, row.company, occurrence.value.room, due);
            });
        }
        Ok(())
    }

    /// What is to be asked about somebody's lines right before he is called.
    fn questions(&self, company: CompanyId, invitee: &Invitee, now: Millis) -> Vec<Question> {
        const STATES: [LineState; 2] = [LineState::Offline, LineState::Unknown];
        let Invitee::Employee(employee) = invitee else {
            return Vec::new();
        };
        let page = self.shared.book.page();
        let Some(company) = page.company(company) else {
            return Vec::new();
        };
        let lines = company.lines(*employee).into_iter();
        lines
            .filter_map(|line| {
                self.shared
                    .asking
                    .question(&self.shared, &line, &STATES, now)
            })
            .collect()
    }
}

fn is_due(occurrence: &Occurrence, now: Millis) -> bool {
    match occurrence.status {
        Status::Scheduled | Status::Early { .. } | Status::Calling { .. } | Status::Live { .. } => {
            occurrence.poll_timeout().is_some_and(|(at, _)| at <= now)
        }
        Status::Ended { .. } | Status::Missed { .. } | Status::Cancelled { .. } => false,
    }
}
