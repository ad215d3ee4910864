//! Carrying out commands, for legs that are here and for those that are not.

use std::time::{Instant, SystemTime};

use mixer::{Codec, Format, Leg, Ntp, Setting, WallClock};

use super::command::{Command, LegCommand, RoomCommand, Seat};
use super::{Place, Whereabouts, Worker, home_of, thread_of_room};
use crate::handle::{LegId, RoomKey};
use crate::{BrowserPeer, Hearing, LegEvent, Mode, Stream};

impl Worker {
    pub(super) fn obey(&mut self, command: Command) {
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
        let Some(&place) = self.places.get(&id) else {
            return; // closed before
        };
        let Some((wire, leg)) = self.rooms.get_mut(&place).and_then(|hall| hall.seat(id)) else {
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
            LegCommand::Linked(link, peer) => {
                wire.linked(link);
                leg.configure(setting_of(&peer), Instant::now());
                wire.report(LegEvent::CameIn);
            }
            LegCommand::Moved(socket) => wire.moved(socket),
            LegCommand::Refused => wire.report(LegEvent::Gone { said: false }),
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
            LegCommand::Volume(db) => leg.set_volume(db),
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
        if let RoomCommand::Record(None) = command
            && !self.rooms.contains_key(&Place::Room(key))
        {
            return;
        }
        let hall = self.hall(Place::Room(key));
        let room = &mut hall.room;
        match command {
            RoomCommand::Play(sounds, Mode::Once, token) => room.play(sounds, token),
            RoomCommand::Play(sounds, Mode::Loop, _) => room.play_music(sounds),
            RoomCommand::Skip => room.skip(),
            RoomCommand::Stop => room.stop(),
            RoomCommand::SuppressNoise(on) => room.suppress_noise(on),
            RoomCommand::Record(recorder) => {
                room.set_tapped(recorder.is_some());
                hall.recorder = recorder;
            }
            RoomCommand::Watch(_) => {}
        }
    }

    /// Puts a leg into a room, or into its private place.
    fn seat(&mut self, seat: Seat, room: Option<(RoomKey, Hearing)>) {
        let Seat { wire, mut leg } = seat;
        let place = match room {
            Some((key, hearing)) => {
                leg.set_hearing(hearing.speaks, hearing.hears);
                Place::Room(key)
            }
            None => {
                leg.set_hearing(true, true);
                Place::Alone(wire.id)
            }
        };
        self.places.insert(wire.id, place);
        self.hall(place).insert(wire, leg);
    }

    fn unseat(&mut self, id: LegId) -> Option<Seat> {
        let place = self.places.remove(&id)?;
        let (wire, leg) = self.rooms.get_mut(&place)?.remove(id)?;
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

/// Browsers have Opus, and press keys as events or not at all.
fn setting_of(peer: &BrowserPeer) -> Setting {
    Setting {
        format: Format::new(Codec::Opus, 20),
        payload_type: peer.opus,
        digits: peer.dtmf,
        inband_digits: false,
        level: peer.level_extension,
        sends: peer.direction.sends(),
        receives: peer.direction.receives(),
    }
}
