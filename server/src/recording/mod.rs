//! Writing down what is said in rooms.
//!
//! A recording is a row, a folder of files and, while it runs, a thread that empties
//! the media thread's ring into them. The row comes first: what is on disk is always
//! known, and after a crash [`Recordings::repair`] ends what was left validly. A disk
//! that is full ends the recording and nothing else; the row says so, and the boards.

mod ogg;
mod storage;
mod wav;
mod writer;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use api::{EventKind, NewRecording, Recording, RecordingFile, RecordingState};
use domain::{CompanyId, EmployeeId, Millis, OccurrenceId, RecordingId, RoomId, Span};
use media::{LegId, Media, RoomKey};
use store::{RecordingRow, Store, StoreError};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::{
    clock,
    conference::{Conferences, Message},
    shared::Shared,
    web::resources,
};
use writer::{Plan, Written};

/// How long one waits for the last files when the server stops.
const LAST_FILES: Duration = Duration::from_secs(10);
/// A database that is away is asked again after this.
const AGAIN: Duration = Duration::from_secs(2);

pub struct Recordings {
    /// One folder per company in it, and in that one per recording.
    folder: PathBuf,
    running: Mutex<BTreeMap<RecordingId, Running>>,
    /// Rooms that were recorded when the last process died.
    unfinished: Mutex<BTreeMap<RoomId, Terms>>,
    ended: UnboundedSender<Ended>,
}

struct Running {
    company: CompanyId,
    recording: Recording,
    names: BTreeMap<LegId, String>,
}

/// How, and for whom.
#[derive(Debug, Clone, Copy)]
pub struct Terms {
    pub wanted: NewRecording,
    pub by: Option<EmployeeId>,
}

/// What is recorded.
#[derive(Debug, Clone)]
pub struct Subject {
    pub company: CompanyId,
    pub room: RoomId,
    pub room_name: String,
    pub occurrence: Option<OccurrenceId>,
    pub title: String,
}

/// A recording has been written to its end.
pub struct Ended {
    id: RecordingId,
    written: Written,
}

/// A recording that runs; it ends when this is dropped.
pub struct Tape {
    pub id: RecordingId,
    media: Media,
    key: RoomKey,
}

impl Drop for Tape {
    fn drop(&mut self) {
        self.media.stop_recording(self.key);
    }
}

impl Recordings {
    /// What [`keep`] is given comes out of the second.
    pub fn new(data: &Path) -> (Self, UnboundedReceiver<Ended>) {
        let (ended, endings) = unbounded_channel();
        let recordings = Self {
            folder: data.join("recordings"),
            running: Mutex::default(),
            unfinished: Mutex::default(),
            ended,
        };
        (recordings, endings)
    }

    /// Begins to record a room. It is on record when this returns, and audible from the next frame on.
    pub async fn begin(
        &self,
        store: &Store,
        media: &Media,
        subject: Subject,
        terms: Terms,
        now: Millis,
    ) -> Result<(Tape, Recording), StoreError> {
        let id = RecordingId::new(now, clock::random());
        let NewRecording { format, tracks } = terms.wanted;
        let recording = Recording {
            id,
            room_id: subject.room,
            room_name: subject.room_name,
            occurrence_id: subject.occurrence,
            title: subject.title,
            started_by: terms.by,
            started_at: now.0,
            ended_at: None,
            state: RecordingState::Running,
            format,
            tracks,
            duration_ms: 0,
            files: Vec::new(),
        };
        let event = resources::event(&EventKind::Recording(recording.clone()));
        store
            .save_recording(&row(subject.company, &recording), &event, now)
            .await?;

        let (recorder, recorded) = media::recording(tracks);
        let plan = Plan {
            folder: self.folder_of(subject.company, id),
            format,
            title: match recording.title.as_str() {
                "" => recording.room_name.clone(),
                title => title.to_owned(),
            },
        };
        self.lock().insert(
            id,
            Running {
                company: subject.company,
                recording: recording.clone(),
                names: BTreeMap::new(),
            },
        );
        let ended = self.ended.clone();
        let spawned = thread::Builder::new()
            .name("recording".to_owned())
            .spawn(move || {
                let written = writer::write(&plan, &recorded);
                // The ring ends here, and with it the recording, if the disk has failed.
                drop(recorded);
                _ = ended.send(Ended { id, written });
            });
        if let Err(error) = spawned {
            let written = Written {
                files: Vec::new(),
                frames: 0,
                missed: 0,
                failed: Some(error),
            };
            _ = self.ended.send(Ended { id, written });
        }
        let key = RoomKey(subject.room.uuid().as_u128());
        media.record(key, recorder);
        let media = media.clone();
        Ok((Tape { id, media, key }, recording))
    }

    /// Whose voice it is that comes from this leg.
    pub fn name(&self, id: RecordingId, leg: LegId, name: &str) {
        if let Some(running) = self.lock().get_mut(&id) {
            running.names.insert(leg, name.to_owned());
        }
    }

    /// Those that run in a company.
    pub fn running(&self, company: CompanyId) -> Vec<Recording> {
        let running = self.lock();
        let ours = running.values().filter(|one| one.company == company);
        ours.map(|one| one.recording.clone()).collect()
    }

    /// Whether the room was being recorded when the last process died; asked once.
    pub fn unfinished(&self, room: RoomId) -> Option<Terms> {
        let mut unfinished = self
            .unfinished
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        unfinished.remove(&room)
    }

    /// The file of a recording. `name` must be one of those its row lists.
    pub fn file(&self, company: CompanyId, id: RecordingId, name: &str) -> PathBuf {
        self.folder_of(company, id).join(name)
    }

    /// Removes the files of a recording.
    pub async fn erase(&self, company: CompanyId, id: RecordingId) {
        let folder = self.folder_of(company, id);
        match tokio::fs::remove_dir_all(&folder).await {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                tracing::warn!(%error, folder = %folder.display(), "A recording's files are not removed");
            }
            Ok(()) | Err(_) => {}
        }
    }

    /// Ends validly what a dead process was writing. Its rooms are recorded on when their
    /// members are back.
    pub async fn repair(&self, store: &Store) -> Result<(), StoreError> {
        for row in store.open_recordings().await? {
            let now = clock::now();
            let Ok(mut recording) = serde_json::from_str::<Recording>(&row.body) else {
                continue;
            };
            let folder = self.folder_of(row.company, row.id);
            let (files, length) = tokio::task::spawn_blocking(move || writer::repair(&folder))
                .await
                .ok()
                .and_then(Result::ok)
                .unwrap_or_default();
            recording.duration_ms = i64::try_from(length).unwrap_or(i64::MAX);
            recording.ended_at = Some((row.started_at + Span(recording.duration_ms)).0);
            recording.state = RecordingState::Interrupted;
            recording.files = files
                .into_iter()
                .map(|(name, bytes)| RecordingFile {
                    name,
                    // Whose track it was died with the process.
                    member: None,
                    bytes: i64::try_from(bytes).unwrap_or(i64::MAX),
                })
                .collect();
            let event = resources::event(&EventKind::Recording(recording.clone()));
            store
                .save_recording(&self::row(row.company, &recording), &event, now)
                .await?;
            tracing::info!(recording = %row.id, length, "A recording that a dead process left is closed");
            let terms = Terms {
                wanted: NewRecording {
                    format: recording.format,
                    tracks: recording.tracks,
                },
                by: recording.started_by,
            };
            self.unfinished
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .insert(row.room, terms);
        }
        Ok(())
    }

    /// Waits until everything that was recorded is written.
    pub async fn finish(&self) {
        let all = async {
            while !self.lock().is_empty() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        if tokio::time::timeout(LAST_FILES, all).await.is_err() {
            tracing::warn!("Recordings are left to be closed at the next start");
        }
    }

    fn folder_of(&self, company: CompanyId, id: RecordingId) -> PathBuf {
        self.folder.join(company.to_string()).join(id.to_string())
    }

    /// What has been written of it, as it is shown from now on.
    fn ended(
        &self,
        id: RecordingId,
        written: &Written,
        now: Millis,
    ) -> Option<(CompanyId, Recording)> {
        let running = self.lock();
        let Running {
            company,
            recording,
            names,
        } = running.get(&id)?;
        let files = written.files.iter().map(|file| RecordingFile {
            name: file.name.clone(),
            member: file
                .who
                .map(|leg| names.get(&leg).cloned().unwrap_or_default()),
            bytes: i64::try_from(file.bytes).unwrap_or(i64::MAX),
        });
        let recording = Recording {
            ended_at: Some(now.0),
            state: match written.failed {
                None => RecordingState::Done,
                Some(_) => RecordingState::Truncated,
            },
            duration_ms: i64::try_from(written.frames * 20).unwrap_or(i64::MAX),
            files: files.collect(),
            ..recording.clone()
        };
        Some((*company, recording))
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<RecordingId, Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Puts on record what has been written. Runs as long as the server.
pub async fn keep(
    shared: Arc<Shared>,
    conferences: Arc<Conferences>,
    mut endings: UnboundedReceiver<Ended>,
) {
    while let Some(Ended { id, written }) = endings.recv().await {
        let now = clock::now();
        let Some((company, recording)) = shared.recordings.ended(id, &written, now) else {
            continue;
        };
        let Written {
            frames,
            missed,
            failed,
            ..
        } = &written;
        if let Some(error) = failed {
            tracing::error!(recording = %id, %error, frames, "A recording broke off; the audio goes on");
            conferences.tell(
                &shared,
                company,
                recording.room_id,
                Message::RecordingFailed(id),
            );
        } else {
            tracing::info!(recording = %id, frames, missed, "A recording is written");
        }
        let event = resources::event(&EventKind::Recording(recording.clone()));
        let row = row(company, &recording);
        while let Err(error) = shared.store.save_recording(&row, &event, now).await {
            tracing::warn!(%error, "A recording's end is not on record yet");
            tokio::time::sleep(AGAIN).await;
        }
        shared.recordings.lock().remove(&id);
        shared.hub.wake(company);
    }
}

fn row(company: CompanyId, recording: &Recording) -> RecordingRow {
    RecordingRow {
        id: recording.id,
        company,
        room: recording.room_id,
        started_at: Millis(recording.started_at),
        ended_at: recording.ended_at.map(Millis),
        body: serde_json::to_string(recording).expect("a recording is plain data"),
    }
}
