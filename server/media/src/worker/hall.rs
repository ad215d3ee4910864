//! A room on its thread with the sockets of its members: when it wants the thread, and what for.
//!
//! Room and sockets are both in the order of the legs' numbers, so a walk over all members is
//! one step in each from one to the next, and nobody is looked for.
//!
//! To read the sockets of a thousand listeners takes milliseconds, and whoever speaks would
//! wait for it in every frame. So a large room is **swept** shortly before it ticks: all
//! sockets but those of who is heard are read then. At the tick itself only the few are left,
//! whose packets have just come.

use std::collections::BTreeMap;
use std::collections::btree_map::IterMut;
use std::time::{Duration, Instant};

use mixer::{Event, FRAME, Leg, Room};

use crate::wire::Wire;
use crate::{LegEvent, LegId, Recorder};

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
    wires: BTreeMap<LegId, Wire>,
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
            wires: BTreeMap::new(),
            due,
            ticks: 0,
            recorder: None,
            stage: Stage::Waiting,
            head_start: SLACK,
        }
    }

    pub fn insert(&mut self, wire: Wire, leg: Box<Leg>) {
        self.room.insert(wire.id.0, leg);
        self.wires.insert(wire.id, wire);
    }

    pub fn remove(&mut self, id: LegId) -> Option<(Wire, Box<Leg>)> {
        Some((self.wires.remove(&id)?, self.room.remove(id.0)?))
    }

    /// One of those who are here.
    pub fn seat(&mut self, id: LegId) -> Option<(&mut Wire, &mut Leg)> {
        Some((self.wires.get_mut(&id)?, self.room.leg(id.0)?))
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
    pub fn for_each_to_read(&mut self, call: Call, mut read: impl FnMut(&mut Wire, &mut Leg)) {
        let stage = self.stage;
        let mut wires = Walk::over(&mut self.wires);
        self.room.for_each_leg(|key, leg| {
            let now = match (stage, call) {
                (Stage::Waiting, Call::Tick) => true,
                (_, Call::Sweep) => !leg.is_heard(),
                (Stage::Swept, Call::Tick) => leg.is_heard(),
            };
            if now && let Some(wire) = wires.to(LegId(key)) {
                read(wire, leg);
            }
        });
    }

    /// The room ticks, what it says is sent, and what its legs report is told.
    pub fn tick(&mut self, scratch: &mut Vec<u8>) {
        let mut wires = Walk::over(&mut self.wires);
        self.room.tick(self.due, |key, header, payload| {
            if let Some(wire) = wires.to(LegId(key)) {
                wire.send(header, payload, scratch);
            }
        });
        let wires = &self.wires;
        self.room.drain_events(|key, event: Event| {
            if let Some(wire) = wires.get(&LegId(key)) {
                wire.report(LegEvent::from(event));
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

/// Goes from wire to wire as the room goes from leg to leg.
struct Walk<'a> {
    rest: IterMut<'a, LegId, Wire>,
    at: Option<(&'a LegId, &'a mut Wire)>,
}

impl<'a> Walk<'a> {
    fn over(wires: &'a mut BTreeMap<LegId, Wire>) -> Self {
        Self {
            rest: wires.iter_mut(),
            at: None,
        }
    }

    /// Goes on to this one, who comes after the last one asked for or is he again.
    fn to(&mut self, id: LegId) -> Option<&mut Wire> {
        while self.at.as_ref().is_none_or(|(at, _)| **at < id) {
            self.at = Some(self.rest.next()?);
        }
        let (at, wire) = self.at.as_mut()?;
        (**at == id).then_some(&mut **wire)
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;
    use crate::ports::Ports;
    use mixer::{Ntp, Seed, WallClock};
    use tokio::sync::mpsc::unbounded_channel;

    fn hall(members: u64, now: Instant) -> Hall {
        let (ip, ports) = (Ipv4Addr::LOCALHOST.into(), Ports::new(24_000..=24_999));
        let mut hall = Hall::new(Room::default(), now + FRAME);
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
            let pair = ports.open(ip, None).unwrap();
            let wire = Wire::to_phone(LegId(key), pair, ip, unbounded_channel().0);
            hall.insert(wire, Box::new(Leg::new(seed, clock)));
        }
        hall
    }

    #[test]
    fn everybody_is_found_in_order_and_whoever_has_gone_is_passed_over() {
        let mut hall = hall(6, Instant::now());
        for gone in [0, 3, 5] {
            assert!(hall.remove(LegId(gone)).is_some());
        }
        let mut walk = Walk::over(&mut hall.wires);
        for (asked, here) in [
            (0, false),
            (1, true),
            (1, true),
            (3, false),
            (4, true),
            (9, false),
        ] {
            assert_eq!(walk.to(LegId(asked)).is_some(), here, "{asked}");
        }
        let mut read = Vec::new();
        hall.for_each_to_read(Call::Tick, |wire, _| read.push(wire.id.0));
        assert_eq!(read, [1, 2, 4]);
    }

    #[test]
    fn a_large_room_is_swept_before_its_tick_and_a_small_one_is_not() {
        let now = Instant::now();
        let due = now + FRAME;
        assert_eq!(hall(5, now).wakes(), due);

        let mut large = hall(50, now);
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
        let mut large = hall(50, now);
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
        assert_eq!(reads(&mut large), 50);
        large.swept(Duration::ZERO);
        assert_eq!(reads(&mut large), 0); // nobody is heard
    }
}
