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

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::{Instant, SystemTime};

use mixer::{FRAME, Format, Leg, Ntp, Room, Seed, Setting, Sound, WallClock};
use tokio::sync::mpsc::UnboundedSender;

use crate::handle::{LegId, RoomKey};
use crate::inbox::Inbox;
use crate::ports::Ports;
use crate::wire::{Place, Wire};
use crate::{Hearing, LegEvent, Mode, RoomEvent, Stream};

/// Lateness is logged at most once in so many frames: 10 s.
const COMPLAIN_EVERY: u64 = 500;
/// Between the usual 0 and the most urgent -20.
const NICENESS: libc::c_int = -11;
/// Reports are read and sent every so many frames.
const REPORTS_EVERY: u64 = 5;

/// What a media thread is told.
#[derive(Debug)]
pub enum Command {
    Open(Box<Wire>, Seed),
    Leg(LegId, LegCommand),
    Room(RoomKey, RoomCommand),
    /// A leg from its home, to be put into this room.
    Adopt(Box<Seat>, RoomKey, Hearing),
    /// The leg's home wants it back.
    Recall(LegId),
    /// A leg comes home.
    Returned(Box<Seat>),
    Quit,
}

#[derive(Debug)]
pub enum LegCommand {
    Connect(Stream),
    Enter(RoomKey, Hearing),
    Leave,
    Hearing(Hearing),
    Muted(bool),
    Deaf(bool),
    Gain(f32),
    Play(Vec<Arc<Sound>>, Mode, u64),
    Skip,
    Stop,
    SendDigit(char),
    Digit(char),
    Close,
}

#[derive(Debug)]
pub enum RoomCommand {
    Play(Vec<Arc<Sound>>, Mode, u64),
    Skip,
    Stop,
    Watch(UnboundedSender<(RoomKey, RoomEvent)>),
}

/// A leg on its way between threads.
#[derive(Debug)]
pub struct Seat {
    wire: Wire,
    leg: Box<Leg>,
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
            let left = deadline.saturating_duration_since(Instant::now());
            match self.commands.recv_timeout(left) {
                Ok(Command::Quit) | Err(RecvTimeoutError::Disconnected) => return,
                Ok(command) => {
                    // What a command breaks must not end the thread and with it every room.
                    if catch_unwind(AssertUnwindSafe(|| self.obey(command))).is_err() {
                        tracing::error!(thread = self.number, "A command failed");
                    }
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

    fn obey(&mut self, command: Command) {
        match command {
            Command::Open(wire, seed) => {
                let clock = WallClock {
                    at: Instant::now(),
                    ntp: ntp(SystemTime::now()),
                };
                let leg = Box::new(Leg::new(seed, clock));
                self.seat(Seat { wire: *wire, leg }, None);
            }
            Command::Leg(leg, command) => self.obey_leg(leg, command),
            Command::Room(room, command) => self.obey_room(room, command),
            Command::Adopt(seat, room, hearing) => self.seat(*seat, Some((room, hearing))),
            Command::Recall(leg) => {
                if let Some(seat) = self.unseat(leg) {
                    let home = home_of(leg, self.peers.len());
                    self.tell(home, Command::Returned(Box::new(seat)));
                }
            }
            Command::Returned(seat) => {
                let id = seat.wire.id;
                self.seat(*seat, None);
                if let Some(Whereabouts::Returning(waiting)) = self.away.remove(&id) {
                    for command in waiting {
                        self.obey_leg(id, command);
                    }
                }
            }
            Command::Quit => {}
        }
    }

    fn obey_leg(&mut self, id: LegId, command: LegCommand) {
        match self.away.get_mut(&id) {
            Some(Whereabouts::Returning(waiting)) => waiting.push(command),
            Some(&mut Whereabouts::On(thread)) => self.obey_away(id, thread, command),
            None => self.obey_here(id, command),
        }
    }

    /// At home, for a leg that is elsewhere.
    fn obey_away(&mut self, id: LegId, thread: usize, command: LegCommand) {
        let stays = match &command {
            LegCommand::Leave => false,
            LegCommand::Enter(room, _) => thread_of_room(*room, self.peers.len()) == thread,
            _ => true,
        };
        if !stays {
            self.away.insert(id, Whereabouts::Returning(vec![command]));
            self.tell(thread, Command::Recall(id));
            return;
        }
        if let LegCommand::Close = command {
            self.away.remove(&id);
        }
        self.tell(thread, Command::Leg(id, command));
    }

    fn obey_here(&mut self, id: LegId, command: LegCommand) {
        let Some(wire) = self.wires.get_mut(&id) else {
            return; // closed before
        };
        let place = wire.place;
        let Some(leg) = self.rooms.get_mut(&place).and_then(|r| r.leg(id.0)) else {
            return;
        };
        match command {
            LegCommand::Connect(stream) => {
                let reachable = wire.connect(&stream, &self.ports);
                if !reachable {
                    wire.report(LegEvent::RemoteRefused);
                }
                leg.configure(setting(&stream), Instant::now());
            }
            LegCommand::Enter(room, hearing) => self.enter(id, room, hearing),
            LegCommand::Leave => {
                if place != Place::Alone(id)
                    && let Some(seat) = self.unseat(id)
                {
                    self.seat(seat, None);
                }
            }
            LegCommand::Hearing(hearing) => leg.set_hearing(hearing.speaks, hearing.hears),
            LegCommand::Muted(muted) => leg.set_muted(muted),
            LegCommand::Deaf(deaf) => leg.set_deaf(deaf),
            LegCommand::Gain(db) => leg.set_gain(db),
            LegCommand::Play(sounds, Mode::Once, token) => leg.play(sounds, token),
            LegCommand::Play(sounds, Mode::Loop, _) => leg.play_music(sounds),
            LegCommand::Skip => leg.skip(),
            LegCommand::Stop => leg.stop(),
            LegCommand::SendDigit(digit) => {
                leg.press(digit);
            }
            LegCommand::Digit(digit) => wire.report(LegEvent::Digit(digit)),
            LegCommand::Close => {
                if let Some(mut seat) = self.unseat(id) {
                    seat.wire
                        .bye(&mut seat.leg, Instant::now(), &mut self.scratch);
                }
            }
        }
    }

    fn enter(&mut self, id: LegId, room: RoomKey, hearing: Hearing) {
        let Some(seat) = self.unseat(id) else {
            return;
        };
        let thread = thread_of_room(room, self.peers.len());
        if thread == self.number {
            self.seat(seat, Some((room, hearing)));
        } else {
            self.away.insert(id, Whereabouts::On(thread));
            self.tell(thread, Command::Adopt(Box::new(seat), room, hearing));
        }
    }

    fn obey_room(&mut self, key: RoomKey, command: RoomCommand) {
        if let RoomCommand::Watch(watcher) = command {
            self.watchers.insert(key, watcher);
            return;
        }
        let room = self.rooms.entry(Place::Room(key)).or_default();
        match command {
            RoomCommand::Play(sounds, Mode::Once, token) => room.play(sounds, token),
            RoomCommand::Play(sounds, Mode::Loop, _) => room.play_music(sounds),
            RoomCommand::Skip => room.skip(),
            RoomCommand::Stop => room.stop(),
            RoomCommand::Watch(_) => {}
        }
    }

    /// Puts a leg into a room, or into its private place.
    fn seat(&mut self, seat: Seat, room: Option<(RoomKey, Hearing)>) {
        let Seat { mut wire, mut leg } = seat;
        wire.place = match room {
            Some((key, hearing)) => {
                leg.set_hearing(hearing.speaks, hearing.hears);
                Place::Room(key)
            }
            None => {
                leg.set_hearing(true, true);
                Place::Alone(wire.id)
            }
        };
        let room = match wire.place {
            Place::Alone(_) => Room::private,
            Place::Room(_) => Room::default,
        };
        self.rooms
            .entry(wire.place)
            .or_insert_with(room)
            .insert(wire.id.0, leg);
        self.wires.insert(wire.id, wire);
    }

    fn unseat(&mut self, id: LegId) -> Option<Seat> {
        let wire = self.wires.remove(&id)?;
        let leg = self.rooms.get_mut(&wire.place)?.remove(id.0)?;
        Some(Seat { wire, leg })
    }

    /// A thread that has quit needs nothing any more.
    fn tell(&self, thread: usize, command: Command) {
        if let Some(peer) = self.peers.get(thread) {
            let _ = peer.send(command);
        }
    }
}

/// Seconds since 1900 (RFC 3550 §4): 70 years with 17 leap days before Unix began.
fn ntp(time: SystemTime) -> Ntp {
    const UNIX: u64 = 2_208_988_800;
    let since = time
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    let fraction = (u64::from(since.subsec_nanos()) << 32) / 1_000_000_000;
    Ntp(since.as_secs().wrapping_add(UNIX) << 32 | fraction)
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

fn setting(stream: &Stream) -> Setting {
    Setting {
        format: Format::new(stream.codec, stream.ptime_ms),
        payload_type: stream.payload_type,
        digits: stream.dtmf,
        inband_digits: stream.inband_digits,
        level: stream.level_extension,
        sends: stream.direction.sends(),
        receives: stream.direction.receives(),
    }
}
