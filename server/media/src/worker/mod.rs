//! A media thread: the rooms it ticks and the legs whose sockets it reads.
//!
//! Each room has its deadlines, about 20 ms apart, and each is counted from the one before,
//! never from a wake-up. When one comes the thread reads the room's sockets (of a large room
//! most of them a little before: `hall`), ticks it and
//! sends what it says. In between it takes commands. It knows no file, no database
//! and no HTTP.
//!
//! A room lives on one thread, chosen by its key; a leg's private place is on the
//! leg's **home** thread, chosen by its number. All commands for a leg go to its
//! home. When it enters a room elsewhere it is sent there, and its home forwards; to move
//! on, it is first called back. So every command meets the leg in the order
//! given, and no lock is shared.

mod command;
mod hall;
mod load;
mod obey;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use mixer::{FRAME, Room};
use tokio::sync::mpsc::UnboundedSender;

use self::hall::{Call, Hall};
use self::load::Load;
use crate::RoomEvent;
use crate::handle::{LegId, RoomKey};
use crate::inbox::Inbox;
use crate::limits::prefer_this_thread;
use crate::ports::Ports;

pub use self::command::{Command, LegCommand, RoomCommand};

/// Lateness is logged at most once in this time.
const COMPLAIN_EVERY: Duration = Duration::from_secs(10);
/// Rooms that are due within this of each other are ticked in one go.
const TOGETHER: Duration = Duration::from_micros(300);
/// Reports are read and sent every so many frames.
const REPORTS_EVERY: u64 = 25;

/// Where a leg is heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    /// In its private place.
    Alone(LegId),
    Room(RoomKey),
}

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
    rooms: BTreeMap<Place, Hall>,
    /// In which of them each leg is.
    places: BTreeMap<LegId, Place>,
    watchers: BTreeMap<RoomKey, UnboundedSender<(RoomKey, RoomEvent)>>,
    away: BTreeMap<LegId, Whereabouts>,
    inbox: Inbox,
    scratch: Vec<u8>,
    load: Load,
    /// The deadlines of rooms that follow nobody: 20 ms apart since the thread began.
    grid: Instant,
    /// Frames missed and not complained about, and when that may next be done.
    missed: u32,
    complain_at: Instant,
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
        let now = Instant::now();
        Self {
            number,
            peers,
            commands,
            ports,
            rooms: BTreeMap::new(),
            places: BTreeMap::new(),
            watchers: BTreeMap::new(),
            away: BTreeMap::new(),
            inbox: Inbox::new(),
            scratch: Vec::with_capacity(2_048),
            load: Load::new(now),
            grid: now,
            missed: 0,
            complain_at: now,
        }
    }

    /// Works until told to quit.
    pub fn run(mut self) {
        prefer_this_thread();
        loop {
            let Some(due) = self.rooms.values().map(Hall::wakes).min() else {
                // Nobody is here: sleep until someone is.
                match self.commands.recv() {
                    Ok(Command::Quit) | Err(_) => return,
                    Ok(command) => self.attempt(command),
                }
                continue;
            };
            let left = due.saturating_duration_since(Instant::now());
            match self.commands.recv_timeout(left) {
                Ok(Command::Quit) | Err(RecvTimeoutError::Disconnected) => return,
                Ok(command) => self.attempt(command),
                Err(RecvTimeoutError::Timeout) => {}
            }
            if Instant::now() >= due {
                self.tick_what_is_due();
            }
        }
    }

    /// The room at this place, which begins with this if it is new.
    fn hall(&mut self, place: Place) -> &mut Hall {
        let (due, effort) = (self.next_on_grid(), self.load.effort());
        self.rooms.entry(place).or_insert_with(|| {
            let mut room = match place {
                Place::Alone(_) => Room::private(),
                Place::Room(_) => Room::default(),
            };
            room.set_effort(effort);
            Hall::new(room, due)
        })
    }

    /// The next deadline of a room that follows nobody.
    fn next_on_grid(&mut self) -> Instant {
        let now = Instant::now();
        let passed = now.saturating_duration_since(self.grid);
        let frames = (passed.as_nanos() / FRAME.as_nanos()) as u32;
        self.grid += FRAME * frames;
        self.grid + FRAME
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
        let now = Instant::now();
        if self.missed > 0 && now >= self.complain_at {
            tracing::warn!(
                thread = self.number,
                frames = self.missed,
                "Media thread was late"
            );
            self.missed = 0;
            self.complain_at = now + COMPLAIN_EVERY;
        }
    }

    /// Looks after every room whose time has come, or will have in a moment.
    fn tick_what_is_due(&mut self) {
        self.inbox.set_clock();
        let begun = Instant::now();
        let soon = begun + TOGETHER;
        let mut missed = 0;
        let mut rooms = std::mem::take(&mut self.rooms);
        for (place, hall) in &mut rooms {
            match hall.calls(soon) {
                None => {}
                Some(Call::Sweep) => {
                    let before = Instant::now();
                    self.sweep(hall, Call::Sweep);
                    hall.swept(before.elapsed());
                }
                // A fault costs a frame of this room, and the others nothing.
                Some(Call::Tick) => {
                    match catch_unwind(AssertUnwindSafe(|| self.tick(place, hall))) {
                        Ok(late) => missed = missed.max(late),
                        Err(_) => {
                            tracing::error!(?place, "A room failed to tick");
                            hall.ticked(FRAME);
                        }
                    }
                }
            }
        }
        self.rooms = rooms;
        self.note_lateness(missed);
        let done = Instant::now();
        if let Some(effort) = self.load.note(done - begun, missed > 0, done) {
            tracing::debug!(thread = self.number, ?effort, "Encoding effort changed");
            for hall in self.rooms.values_mut() {
                hall.room.set_effort(effort);
            }
        }
        // A room that is recorded goes on while it is empty: the pause is part of it.
        self.rooms
            .retain(|_, hall| !hall.room.is_empty() || hall.recorder.is_some());
        self.watchers.retain(|_, watcher| !watcher.is_closed());
    }

    /// Reads the room's sockets, ticks it, and sends what it says; the frames that were missed.
    fn tick(&mut self, place: &Place, hall: &mut Hall) -> u32 {
        let missed = hall.missed(Instant::now());
        hall.skip(missed);
        self.sweep(hall, Call::Tick);

        hall.tick(&mut self.scratch);
        let room = &mut hall.room;
        if let Some(recorder) = &mut hall.recorder {
            recorder.skip(missed);
            if !recorder.take(room) {
                hall.recorder = None;
                room.set_tapped(false);
            }
        }
        let pace = room.pace();
        while let Some(token) = room.poll_finished() {
            if let Place::Room(key) = *place
                && let Some(watcher) = self.watchers.get(&key)
            {
                let _ = watcher.send((key, RoomEvent::Played { token }));
            }
        }
        hall.ticked(pace);
        missed
    }

    /// Reads a room's sockets; those for reports each every half second, not all at once.
    fn sweep(&mut self, hall: &mut Hall, call: Call) {
        let (due, ticks) = (hall.due, hall.ticks);
        let (inbox, scratch) = (&mut self.inbox, &mut self.scratch);
        hall.for_each_to_read(call, |wire, leg| {
            let reports = (ticks + wire.id.0).is_multiple_of(REPORTS_EVERY);
            // A fault in what one leg was sent costs him a frame, and nobody else anything.
            let read = catch_unwind(AssertUnwindSafe(|| {
                wire.sweep(leg, inbox);
                if reports {
                    wire.exchange_reports(leg, inbox, due, scratch);
                }
            }));
            if read.is_err() {
                tracing::error!(leg = %wire.id, "What a leg was sent could not be read");
            }
        });
    }
}
