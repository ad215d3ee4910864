//! The room is recorded, or no more: by a moderator's key or through the API.
//!
//! Everybody inside hears it when it begins and ends, and whoever comes later hears
//! that it runs. It ends with the last member, or by itself when the disk fails.

use api::{NewRecording, Recording};
use domain::{EmployeeId, MemberId, RecordingId};
use store::StoreError;
use tokio::sync::oneshot;

use super::Conference;
use crate::{
    clock,
    recording::{Subject, Terms},
};

/// Why a room is not recorded, or goes on being.
#[derive(Debug, thiserror::Error)]
pub enum RecordingRefused {
    #[error("The room is being recorded already")]
    AlreadyRecording,
    #[error("The room is not being recorded")]
    NotRecording,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Where the answer goes.
pub type Answer = oneshot::Sender<Result<Recording, RecordingRefused>>;

impl Conference {
    pub(super) async fn start_recording(
        &mut self,
        terms: Terms,
    ) -> Result<Recording, RecordingRefused> {
        if self.tape.is_some() {
            return Err(RecordingRefused::AlreadyRecording);
        }
        let page = self.shared.book.page();
        let room = page.room(self.room).map(|(_, room)| room.name.clone());
        let held = self.occurrence.as_ref().map(|held| &held.value);
        let subject = Subject {
            company: self.company,
            room: self.room,
            room_name: room.unwrap_or_default(),
            occurrence: held.map(|held| held.id),
            title: held.map(|held| held.title.clone()).unwrap_or_default(),
        };
        let (tape, recording) = self
            .shared
            .recordings
            .begin(
                &self.shared.store,
                &self.shared.media,
                subject,
                terms,
                clock::now(),
            )
            .await?;
        self.shared.hub.wake(self.company);
        self.tape = Some(tape);
        for member in self
            .live
            .members()
            .map(|member| member.id)
            .collect::<Vec<_>>()
        {
            self.name_track(member);
        }
        self.live.set_recorded(true);
        self.follow_room().await;
        Ok(recording)
    }

    /// Ends after the frame that is heard now. How long it is comes as an event.
    pub(super) async fn stop_recording(&mut self) -> Result<Recording, RecordingRefused> {
        let tape = self.tape.take().ok_or(RecordingRefused::NotRecording)?;
        let running = self.shared.recordings.running(self.company);
        self.live.set_recorded(false);
        self.follow_room().await;
        running
            .into_iter()
            .find(|recording| recording.id == tape.id)
            .ok_or(RecordingRefused::NotRecording)
    }

    /// A moderator pressed the key.
    pub(super) async fn on_record_key(&mut self, member: MemberId) {
        let by = self.live.member(member).and_then(|member| member.employee);
        let done = match self.tape {
            None => self.start_recording(terms(by)).await,
            Some(_) => self.stop_recording().await,
        };
        if let Err(error) = done {
            tracing::warn!(room = %self.room, %error, "A moderator's key changes no recording");
        }
    }

    /// The disk failed: everybody hears that nothing is recorded any more.
    pub(super) async fn on_recording_failed(&mut self, id: RecordingId) {
        if self.tape.as_ref().is_some_and(|tape| tape.id == id) {
            self.tape = None;
            self.live.set_recorded(false);
            self.follow_room().await;
        }
    }

    /// After a restart the room is recorded on, in a recording of its own.
    pub(super) async fn record_on(&mut self) {
        if let Some(terms) = self.shared.recordings.unfinished(self.room)
            && let Err(error) = self.start_recording(terms).await
        {
            tracing::warn!(room = %self.room, %error, "The room is not recorded on");
        }
    }

    pub(super) fn name_track(&self, member: MemberId) {
        if let (Some(tape), Some(leg), Some(member)) =
            (&self.tape, self.leg_of(member), self.live.member(member))
        {
            self.shared.recordings.name(tape.id, leg, &member.name);
        }
    }
}

fn terms(by: Option<EmployeeId>) -> Terms {
    Terms {
        wanted: NewRecording::default(),
        by,
    }
}
