//! A media thread: the rooms it ticks and the legs whose sockets it reads.
//!
//! Every 20 ms, at deadlines counted from the thread's start and never from its last
//! wake-up, it reads all sockets, ticks all rooms and sends what they say. In
//! between it takes commands. It knows no file, no database and no HTTP.
//!
//! A room lives on one thread, chosen by its key; a leg's private place is on the
//! leg's **home** thread, chosen by its number. All commands for a leg go to its
//! home. When it enters a room elsewhere it is sent there, and its home forwards; to move
//! on, it is first called back. So every command meets the leg in the order
//! given, and no lock is shared.

mod command;
mod obey;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::Instant;

use mixer::{FRAME, Room};
use tokio::sync::mpsc::UnboundedSender;

use crate::handle::{LegId, RoomKey};
use crate::inbox::Inbox;
use crate::ports::Ports;
use crate::wire::{Place, Wire};
use crate::{LegEvent, RoomEvent};

pub use self::command::{Command, LegCommand, RoomCommand};

/// Lateness is logged at most once in so many frames: 10 s.
const COMPLAIN_EVERY: u64 = 500;
/// Between the usual 0 and the most urgent -20.
const NICENESS: libc::c_int = -11;
/// Reports are read and sent every so many frames.
const REPORTS_EVERY: u64 = 5;

/// Where a leg is that is not at home.
#[derive(Debug)]
enum Whereabouts {
    On(usize),
    /// Called back; what it was told meanwhile.
    Returning(Vec<LegCommand>),
}

pub struct Worker {
    number: usize,
    peers: Vec<Sender<Command>>,
    commands: Receiver<Command>,
    ports: Ports,
    wires: BTreeMap<LegId, Wire>,
    rooms: BTreeMap<Place, Room>,
    watchers: BTreeMap<RoomKey, UnboundedSender<(RoomKey, RoomEvent)>>,
    away: BTreeMap<LegId, Whereabouts>,
    inbox: Inbox,
    scratch: Vec<u8>,
    ticks: u64,
    /// Frames missed and not complained about, and when that may next be done.
    missed: u32,
    complain_at: u64,
}

/// The thread a room lives on.
pub fn thread_of_room(room: RoomKey, threads: usize) -> usize {
    // The low bits of a UUID v7 are random; folding costs nothing and helps other keys.
    let folded = (room.0 ^ (room.0 >> 64)) as u64;
    (folded % threads as u64) as usize
}

/// The thread a leg's commands go to.
pub fn home_of(leg: LegId, threads: usize) -> usize {
    (leg.0 % threads as u64) as usize
}

impl Worker {
    pub fn new(
        number: usize,
        peers: Vec<Sender<Command>>,
        commands: Receiver<Command>,
        ports: Ports,
    ) -> Self {
        Self {
            number,
            peers,
            commands,
            ports,
            wires: BTreeMap::new(),
            rooms: BTreeMap::new(),
            watchers: BTreeMap::new(),
            away: BTreeMap::new(),
            inbox: Inbox::new(),
            scratch: Vec::with_capacity(2_048),
            ticks: 0,
            missed: 0,
            complain_at: 0,
        }
    }

    /// Works until told to quit.
    pub fn run(mut self) {
        prefer_this_thread();
        let mut deadline = Instant::now() + FRAME;
        loop {
            if self.rooms.is_empty() {
                // Nobody is here: sleep until someone is.
                match self.commands.recv() {
                    Ok(Command::Quit) | Err(_) => return,
                    Ok(command) => self.attempt(command),
                }
                deadline = Instant::now() + FRAME;
                continue;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            match self.commands.recv_timeout(left) {
                Ok(Command::Quit) | Err(RecvTimeoutError::Disconnected) => return,
                Ok(command) => {
                    self.attempt(command);
                    if Instant::now() < deadline {
                        continue;
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
            let late = Instant::now().saturating_duration_since(deadline);
            let missed = (late.as_nanos() / FRAME.as_nanos()) as u32;
            if missed > 0 {
                self.note_lateness(missed);
                for room in self.rooms.values_mut() {
                    room.skip_frames(missed);
                }
                deadline += FRAME * missed;
            }
            self.tick(deadline);
            deadline += FRAME;
        }
    }

    /// What a command breaks must not end the thread and with it every room.
    fn attempt(&mut self, command: Command) {
        if catch_unwind(AssertUnwindSafe(|| self.obey(command))).is_err() {
            tracing::error!(thread = self.number, "A command failed");
        }
    }

    /// Says once in a while how many frames were missed: under overload it would be every frame.
    fn note_lateness(&mut self, missed: u32) {
        self.missed += missed;
        if self.ticks >= self.complain_at {
            tracing::warn!(
                thread = self.number,
                frames = self.missed,
                "Media thread was late"
            );
            self.missed = 0;
            self.complain_at = self.ticks + COMPLAIN_EVERY;
        }
    }

    fn tick(&mut self, now: Instant) {
        self.sweep(now);
        let (wires, scratch) = (&self.wires, &mut self.scratch);
        for (place, room) in &mut self.rooms {
            // A fault costs a frame of this room, and the others nothing.
            let ticked = catch_unwind(AssertUnwindSafe(|| {
                room.tick(now, |key, header, payload| {
                    if let Some(wire) = wires.get(&LegId(key)) {
                        wire.send(header, payload, scratch);
                    }
                });
            }));
            if ticked.is_err() {
                tracing::error!(?place, "A room failed to tick");
            }
            room.drain_events(|key, event| {
                if let Some(wire) = wires.get(&LegId(key)) {
                    wire.report(LegEvent::from(event));
                }
            });
            while let Some(token) = room.poll_finished() {
                if let Place::Room(key) = *place
                    && let Some(watcher) = self.watchers.get(&key)
                {
                    let _ = watcher.send((key, RoomEvent::Played { token }));
                }
            }
        }
        self.rooms.retain(|_, room| !room.is_empty());
        self.watchers.retain(|_, watcher| !watcher.is_closed());
    }

    /// Reads all sockets; those for reports each every tenth of a second, not all at once.
    fn sweep(&mut self, now: Instant) {
        self.ticks += 1;
        self.inbox.set_clock();
        for wire in self.wires.values_mut() {
            let Some(leg) = self
                .rooms
                .get_mut(&wire.place)
                .and_then(|room| room.leg(wire.id.0))
            else {
                continue;
            };
            let (inbox, scratch) = (&mut self.inbox, &mut self.scratch);
            let reports = (self.ticks + wire.id.0).is_multiple_of(REPORTS_EVERY);
            // A fault in what one leg was sent costs him a frame, and nobody else anything.
            let read = catch_unwind(AssertUnwindSafe(|| {
                wire.sweep(leg, inbox);
                if reports {
                    wire.exchange_reports(leg, inbox, now, scratch);
                }
            }));
            if read.is_err() {
                tracing::error!(leg = %wire.id, "What a leg was sent could not be read");
            }
        }
    }
}

/// Asks the system to run this thread before others: audio that is late is lost. Without
/// the privilege it stays as it is.
#[expect(unsafe_code, reason = "the system call exists in C alone")]
fn prefer_this_thread() {
    // SAFETY: plain integers; on Linux 0 means the calling thread.
    let preferred = unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, NICENESS) };
    if preferred != 0 {
        tracing::debug!("Media threads run at normal priority");
    }
}
