//! What one caller says, taken down: his leg is in a room of its own that is recorded.
//!
//! A name is shorter than what the recording's ring holds, so nobody has to empty it
//! while he speaks, and no thread is needed.

use std::time::Duration;

use domain::RecordingId;
use media::{Ended, Hearing, LegId, Media, Recorded, RoomKey};

use crate::clock;

/// How often it is looked whether the media thread has let go, and how often at most.
const LOOK_EVERY: Duration = Duration::from_millis(5);
const LOOKS: u32 = 200;

/// Runs until it is ended or dropped.
pub struct Take {
    media: Media,
    leg: LegId,
    room: RoomKey,
    recorded: Recorded,
}

impl Take {
    pub fn begin(media: &Media, leg: LegId) -> Self {
        let id = RecordingId::new(clock::now(), clock::random());
        let room = RoomKey(id.uuid().as_u128());
        let (recorder, recorded) = media::recording(false);
        media.record(room, recorder);
        let alone = Hearing {
            speaks: true,
            hears: false,
        };
        media.enter(leg, room, alone);
        Self {
            media: media.clone(),
            leg,
            room,
            recorded,
        }
    }

    /// All that was said, as samples at [`media::RECORDED_RATE`].
    pub async fn end(self) -> Vec<i16> {
        self.media.stop_recording(self.room);
        let mut said = Vec::new();
        let mut looks = 0;
        loop {
            match self.recorded.next() {
                Ok(Some(block)) => said.extend(block.samples),
                Ok(None) if looks < LOOKS => {
                    looks += 1;
                    tokio::time::sleep(LOOK_EVERY).await;
                }
                Ok(None) | Err(Ended) => return said,
            }
        }
    }
}

impl Drop for Take {
    fn drop(&mut self) {
        self.media.stop_recording(self.room);
        self.media.leave(self.leg);
    }
}
