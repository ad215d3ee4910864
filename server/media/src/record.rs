//! What a room sounds like, on its way from a media thread to whoever writes it down.
//!
//! A media thread must not wait: the blocks go through a ring of fixed size without a
//! lock or a system call. When the writer is too slow for the ring, blocks are
//! lost; each carries the number of its frame, so the writer puts silence in their
//! place and everything after them is in time.
//!
//! A recording ends when either side drops its end: what is in the ring is then still read.

use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, TrySendError, sync_channel};

use mixer::Room;
use mixer::room::tap::TAPPED_FRAME;

use crate::LegId;

pub use mixer::room::tap::TAPPED_RATE as RECORDED_RATE;

/// Seconds of audio that wait for a slow disk.
const SECONDS: usize = 8;
/// Blocks of one frame, if the members' voices are recorded too: the mix and some speakers.
const BLOCKS_A_FRAME: usize = 4;

/// 20 ms of the mix, or of one member's voice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// Counted from the beginning of the recording, in frames of 20 ms.
    pub frame: u64,
    /// Whose voice it is; `None` is the mix.
    pub who: Option<LegId>,
    /// At [`RECORDED_RATE`].
    pub samples: [i16; TAPPED_FRAME],
}

/// The media thread's end.
#[derive(Debug)]
pub struct Recorder {
    blocks: SyncSender<Block>,
    voices: bool,
    frame: u64,
}

/// The writer's end.
#[derive(Debug)]
pub struct Recorded {
    blocks: Receiver<Block>,
}

/// Both ends of a recording that has not begun: give one to [`Media::record`](crate::Media::record).
/// `voices` asks for each member's voice besides the mix.
pub fn recording(voices: bool) -> (Recorder, Recorded) {
    let frames = SECONDS * 50;
    let blocks = if voices {
        frames * BLOCKS_A_FRAME
    } else {
        frames
    };
    let (sender, receiver) = sync_channel(blocks);
    let recorder = Recorder {
        blocks: sender,
        voices,
        frame: 0,
    };
    (recorder, Recorded { blocks: receiver })
}

impl Recorded {
    /// The next block that waits; `None` if there is none yet.
    ///
    /// # Errors
    /// The recording has ended, and everything has been read.
    pub fn next(&self) -> Result<Option<Block>, Ended> {
        match self.blocks.try_recv() {
            Ok(block) => Ok(Some(block)),
            Err(TryRecvError::Empty) => Ok(None),
            Err(TryRecvError::Disconnected) => Err(Ended),
        }
    }
}

/// There is nothing more to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ended;

impl Recorder {
    /// Takes the tick the room has just made; false if nobody reads any more.
    pub(crate) fn take(&mut self, room: &mut Room) -> bool {
        let (frame, voices, blocks) = (self.frame, self.voices, &self.blocks);
        self.frame += 1;
        let mut read = true;
        room.tapped(|who, samples| {
            if who.is_some() && !voices {
                return;
            }
            let mut block = Block {
                frame,
                who: who.map(LegId),
                samples: [0; TAPPED_FRAME],
            };
            for (narrow, sample) in block.samples.iter_mut().zip(samples) {
                // The cast saturates.
                *narrow = sample.round() as i16;
            }
            if let Err(TrySendError::Disconnected(_)) = blocks.try_send(block) {
                read = false;
            }
        });
        read
    }

    /// Ticks were missed: time went on.
    pub(crate) fn skip(&mut self, frames: u32) {
        self.frame += u64::from(frames);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_writer_loses_blocks_and_never_their_place_in_time() {
        let (mut recorder, recorded) = recording(false);
        let mut room = Room::default();
        room.set_tapped(true);
        let mut tick = |frames: u64| {
            for _ in 0..frames {
                room.tick(std::time::Instant::now(), |_, _, _| {});
                assert!(recorder.take(&mut room));
            }
        };
        let read = || {
            let mut frames = Vec::new();
            while let Ok(Some(block)) = recorded.next() {
                frames.push(block.frame);
            }
            frames
        };
        let room_for = SECONDS as u64 * 50;

        tick(room_for + 7);
        assert_eq!(read(), (0..room_for).collect::<Vec<_>>());
        tick(2);
        assert_eq!(read(), [room_for + 7, room_for + 8]);
    }

    #[test]
    fn what_waits_is_read_after_the_end_and_a_reader_that_is_gone_is_noticed() {
        let mut room = Room::default();
        room.set_tapped(true);
        room.tick(std::time::Instant::now(), |_, _, _| {});

        let (mut recorder, recorded) = recording(true);
        assert!(recorder.take(&mut room));
        drop(recorder);
        assert!(recorded.next().is_ok_and(|block| block.is_some()));
        assert_eq!(recorded.next(), Err(Ended));

        let (mut recorder, recorded) = recording(true);
        drop(recorded);
        assert!(!recorder.take(&mut room));
    }
}
