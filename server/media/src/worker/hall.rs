//! A room on its thread: when it wants the thread, and what for.
//!
//! To read the sockets of a thousand listeners takes milliseconds, and whoever speaks would
//! wait for it in every frame. So a large room is **swept** shortly before it ticks: all
//! sockets but those of who is heard are read then. At the tick itself only the few are left,
//! whose packets have just come.

use std::time::{Duration, Instant};

use mixer::{FRAME, Leg, LegKey, Room};

use crate::Recorder;

/// Rooms of fewer members are read in one go: a second wake-up costs as much.
const LARGE: usize = 40;
/// How much sooner than it takes a sweep begins.
const SLACK: Duration = Duration::from_micros(300);
const MOST: Duration = Duration::from_millis(10);

/// What the thread is wanted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call {
    Sweep,
    Tick,
}

pub struct Hall {
    pub room: Room,
    /// When it ticks next.
    pub due: Instant,
    /// Counts its ticks.
    pub ticks: u64,
    /// Where what is heard here is written down.
    pub recorder: Option<Box<Recorder>>,
    stage: Stage,
    /// How long before a tick its sweep begins.
    head_start: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Waiting,
    Swept,
}

impl Hall {
    pub fn new(room: Room, due: Instant) -> Self {
        Self {
            room,
            due,
            ticks: 0,
            recorder: None,
            stage: Stage::Waiting,
            head_start: SLACK,
        }
    }

    /// When the thread is wanted next.
    pub fn wakes(&self) -> Instant {
        match self.stage {
            Stage::Waiting if self.room.len() >= LARGE => {
                self.due.checked_sub(self.head_start).unwrap_or(self.due)
            }
            Stage::Waiting | Stage::Swept => self.due,
        }
    }

    /// What the thread is wanted for at `soon`, if it is.
    pub fn calls(&self, soon: Instant) -> Option<Call> {
        if self.due <= soon {
            Some(Call::Tick)
        } else {
            (self.wakes() <= soon).then_some(Call::Sweep)
        }
    }

    /// Everybody whose sockets are to be read at this call: each once in every frame.
    pub fn for_each_to_read(&mut self, call: Call, mut read: impl FnMut(LegKey, &mut Leg)) {
        let stage = self.stage;
        self.room.for_each_leg(|key, leg| {
            let now = match (stage, call) {
                (Stage::Waiting, Call::Tick) => true,
                (_, Call::Sweep) => !leg.is_heard(),
                (Stage::Swept, Call::Tick) => leg.is_heard(),
            };
            if now {
                read(key, leg);
            }
        });
    }

    /// The sweep is over, and took so long.
    pub fn swept(&mut self, took: Duration) {
        self.stage = Stage::Swept;
        // Up at once and down slowly: late is worse than early.
        let settled = self.head_start.mul_f64(0.95);
        self.head_start = (took.mul_f64(1.1) + SLACK).max(settled).min(MOST);
    }

    /// The tick is over; the next is so much later.
    pub fn ticked(&mut self, pace: Duration) {
        self.stage = Stage::Waiting;
        self.ticks += 1;
        self.due += pace;
    }

    /// Frames that are gone for good at `now`.
    pub fn missed(&self, now: Instant) -> u32 {
        let late = now.saturating_duration_since(self.due);
        (late.as_nanos() / FRAME.as_nanos()) as u32
    }

    /// Passes over missed frames.
    pub fn skip(&mut self, missed: u32) {
        if missed > 0 {
            self.room.skip_frames(missed);
            self.due += FRAME * missed;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mixer::{Ntp, Seed, WallClock};

    fn hall(members: u64, now: Instant) -> Hall {
        let mut room = Room::default();
        for key in 0..members {
            let seed = Seed {
                ssrc: 1,
                sequence: 0,
                timestamp: 0,
                cname: 1,
            };
            let clock = WallClock {
                at: now,
                ntp: Ntp(0),
            };
            room.insert(key, Box::new(Leg::new(seed, clock)));
        }
        Hall::new(room, now + FRAME)
    }

    #[test]
    fn a_large_room_is_swept_before_its_tick_and_a_small_one_is_not() {
        let now = Instant::now();
        let due = now + FRAME;
        assert_eq!(hall(5, now).wakes(), due);

        let mut large = hall(200, now);
        assert_eq!(large.calls(now), None);
        assert_eq!(large.calls(large.wakes()), Some(Call::Sweep));
        large.swept(Duration::from_millis(2));
        assert_eq!(large.wakes(), due);
        assert_eq!(large.calls(due), Some(Call::Tick));
        large.ticked(FRAME);
        let next = due + FRAME - Duration::from_micros(2_500);
        assert_eq!(large.wakes(), next);
    }

    #[test]
    fn a_thread_that_comes_too_late_to_sweep_reads_everybody_at_the_tick() {
        let now = Instant::now();
        let mut large = hall(200, now);
        let late = now + FRAME * 3;
        assert_eq!(large.calls(late), Some(Call::Tick));
        assert_eq!(large.missed(late), 2);
        large.skip(2);
        assert_eq!(large.due, late);
        let reads = |hall: &mut Hall| {
            let mut count = 0;
            hall.for_each_to_read(Call::Tick, |_, _| count += 1);
            count
        };
        assert_eq!(reads(&mut large), 200);
        large.swept(Duration::ZERO);
        assert_eq!(reads(&mut large), 0); // nobody is heard
    }
}
