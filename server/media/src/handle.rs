//! The handle: everything the rest of the house may ask of the media threads.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread;

use mixer::{Seed, Sound};
use tokio::sync::mpsc::UnboundedSender;

use crate::browser::Porter;
use crate::limits::allow_many_sockets;
use crate::ports::Ports;
use crate::wire::Wire;
use crate::worker::{Command, LegCommand, RoomCommand, Worker, home_of, thread_of_room};
use crate::{
    BrowserLeg, BrowserPeer, Hearing, LegEvent, Mode, Recorder, RoomEvent, Stream, Target,
};

/// How the media threads are set up.
#[derive(Debug, Clone)]
pub struct Config {
    /// The IPv4 address (or the one address at all) the RTP ports are bound to.
    pub ip: IpAddr,
    /// A second address for [`Family::V6`] legs.
    pub ipv6: Option<Ipv6Addr>,
    /// RTP ports, used in pairs: even for RTP, the odd one above for RTCP.
    pub ports: RangeInclusive<u16>,
    /// Where browsers are received, all at one port; none are without it.
    pub browsers: Option<SocketAddr>,
    /// Media threads; 0 is one per core.
    pub threads: usize,
}

/// One member's audio, for as long as the call lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LegId(pub(crate) u64);

impl fmt::Display for LegId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "leg-{}", self.0)
    }
}

/// Names a room. Rooms exist as long as someone is in them or something is played to them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RoomKey(pub u128);

impl From<u128> for RoomKey {
    fn from(key: u128) -> Self {
        Self(key)
    }
}

/// The address family of a leg.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    V4,
    V6,
}

/// A leg that has been opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Leg {
    pub id: LegId,
    /// Where its RTP is received; RTCP is on the port above. The IP is the bound one,
    /// which may be unspecified: SDP names the public address.
    pub local: SocketAddr,
}

impl Leg {
    /// A browser's, as one among others.
    pub fn of(browser: &BrowserLeg) -> Self {
        Self {
            id: browser.id,
            local: browser.local,
        }
    }
}

/// Why no leg could be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("All RTP ports from {first} to {last} are in use")]
    Exhausted { first: u16, last: u16 },
    #[error("RTP port {port} is not an even port of the range")]
    NotOurs { port: u16 },
    #[error("RTP port {port} is in use: {source}")]
    Taken { port: u16, source: io::Error },
    #[error("No address is configured for {0:?}")]
    NoAddress(Family),
    #[error("No port is configured for browsers")]
    NoBrowsers,
    #[error("Cannot open an RTP port: {0}")]
    Socket(#[from] io::Error),
}

/// The media threads, as the rest of the house sees them. Cheap to clone; no method waits.
///
/// The threads end when the last clone is dropped.
#[derive(Debug, Clone)]
pub struct Media {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    config: Config,
    ports: Ports,
    porter: Option<Porter>,
    threads: Vec<Sender<Command>>,
    legs: AtomicU64,
}

impl Drop for Inner {
    fn drop(&mut self) {
        for thread in &self.threads {
            let _ = thread.send(Command::Quit);
        }
    }
}

impl Media {
    /// Starts the media threads.
    pub fn start(config: Config) -> io::Result<Media> {
        let count = match config.threads {
            0 => thread::available_parallelism().map_or(1, usize::from),
            count => count,
        };
        allow_many_sockets();
        let porter = config.browsers.map(Porter::start).transpose()?;
        let ports = Ports::new(config.ports.clone());
        let (threads, receivers): (Vec<_>, Vec<_>) = (0..count).map(|_| channel()).unzip();
        for (number, commands) in receivers.into_iter().enumerate() {
            let worker = Worker::new(number, threads.clone(), commands, ports.clone());
            thread::Builder::new()
                .name(format!("media-{number}"))
                .spawn(move || worker.run())?;
        }
        Ok(Media {
            inner: Arc::new(Inner {
                config,
                ports,
                porter,
                threads,
                legs: AtomicU64::new(1),
            }),
        })
    }

    /// Opens an even RTP port and the RTCP port above it.
    ///
    /// `at` asks for exactly that port: after a restart the repeated INVITE names
    /// the port of the first one. Events for the leg go to `events`.
    pub fn open(
        &self,
        family: Family,
        at: Option<u16>,
        events: UnboundedSender<(LegId, LegEvent)>,
    ) -> Result<Leg, OpenError> {
        let ip = self.address(family)?;
        let seed = random_seed().map_err(io::Error::from)?;
        let pair = self.inner.ports.open(ip, at)?;
        let local = pair.rtp.local_addr()?;
        let id = LegId(self.inner.legs.fetch_add(1, Ordering::Relaxed));
        let wire = Box::new(Wire::to_phone(id, pair, ip, events));
        self.tell(
            home_of(id, self.inner.threads.len()),
            Command::Open(wire, seed),
        );
        Ok(Leg { id, local })
    }

    /// Expects a browser, which answers by what is returned here. [`LegEvent::CameIn`] says that
    /// it has, [`LegEvent::Gone`] that it has not, or is there no more.
    pub fn open_browser(
        &self,
        peer: BrowserPeer,
        events: UnboundedSender<(LegId, LegEvent)>,
    ) -> Result<BrowserLeg, OpenError> {
        let porter = self.inner.porter.as_ref().ok_or(OpenError::NoBrowsers)?;
        let seed = random_seed().map_err(io::Error::from)?;
        let ssrc = seed.ssrc;
        let id = LegId(self.inner.legs.fetch_add(1, Ordering::Relaxed));
        let home = home_of(id, self.inner.threads.len());
        let expected = porter.expect(id, self.inner.threads[home].clone(), peer)?;
        let (ticket, ufrag, password) = expected;
        let wire = Box::new(Wire::to_browser(id, ticket, events));
        self.tell(home, Command::Open(wire, seed));
        Ok(BrowserLeg {
            id,
            local: porter.local,
            ufrag,
            password,
            fingerprint: porter.fingerprint,
            ssrc,
        })
    }

    /// Where browsers are received, if they are.
    pub fn browsers_at(&self) -> Option<SocketAddr> {
        self.inner.porter.as_ref().map(|porter| porter.local)
    }

    fn address(&self, family: Family) -> Result<IpAddr, OpenError> {
        let config = &self.inner.config;
        match family {
            Family::V4 => Some(config.ip).filter(IpAddr::is_ipv4),
            Family::V6 => config
                .ipv6
                .map(IpAddr::V6)
                .or(Some(config.ip).filter(IpAddr::is_ipv6)),
        }
        .ok_or(OpenError::NoAddress(family))
    }

    /// Tells the leg what offer and answer agreed on; again after every re-INVITE.
    pub fn connect(&self, leg: LegId, stream: Stream) {
        self.leg(leg, LegCommand::Connect(stream));
    }

    /// Moves the leg into the room, out of wherever it was.
    pub fn enter(&self, leg: LegId, room: RoomKey, hearing: Hearing) {
        self.leg(leg, LegCommand::Enter(room, hearing));
    }

    /// Moves the leg back to its private place, where it hears only what is played to it.
    pub fn leave(&self, leg: LegId) {
        self.leg(leg, LegCommand::Leave);
    }

    /// Changes whether the leg may be heard and hears, without leaving the room.
    pub fn set_hearing(&self, leg: LegId, hearing: Hearing) {
        self.leg(leg, LegCommand::Hearing(hearing));
    }

    /// A muted member is not heard by anyone; what he says meanwhile is gone.
    pub fn set_muted(&self, leg: LegId, muted: bool) {
        self.leg(leg, LegCommand::Muted(muted));
    }

    /// A deaf member hears nothing of the room, only what is played to him.
    pub fn set_deaf(&self, leg: LegId, deaf: bool) {
        self.leg(leg, LegCommand::Deaf(deaf));
    }

    /// How much louder (or quieter) the room hears him, in dB, -20 to +20.
    pub fn set_gain(&self, leg: LegId, db: f32) {
        self.leg(leg, LegCommand::Gain(db));
    }

    /// How much louder (or quieter) he hears whatever he hears, in dB, -20 to +20. Other than 0
    /// it costs an encode of his own.
    pub fn set_volume(&self, leg: LegId, db: f32) {
        self.leg(leg, LegCommand::Volume(db));
    }

    /// Plays the sounds one after the other. See [`Mode`] for how they queue and end.
    pub fn play(&self, to: Target, sounds: Vec<Arc<Sound>>, mode: Mode, token: u64) {
        match to {
            Target::Leg(leg) => self.leg(leg, LegCommand::Play(sounds, mode, token)),
            Target::Room(room) => self.room(room, RoomCommand::Play(sounds, mode, token)),
        }
    }

    /// Ends everything that is played there, music too. Nothing is reported as played.
    pub fn stop(&self, to: Target) {
        match to {
            Target::Leg(leg) => self.leg(leg, LegCommand::Stop),
            Target::Room(room) => self.room(room, RoomCommand::Stop),
        }
    }

    /// Ends what is played [`Mode::Once`] there and leaves the music.
    pub fn skip(&self, to: Target) {
        match to {
            Target::Leg(leg) => self.leg(leg, LegCommand::Skip),
            Target::Room(room) => self.room(room, RoomCommand::Skip),
        }
    }

    /// Sends a key press to the member (RFC 4733), for instance into another system's menu.
    pub fn send_digit(&self, leg: LegId, digit: char) {
        self.leg(leg, LegCommand::SendDigit(digit));
    }

    /// A key press that came by signalling (SIP INFO): reported like all others.
    pub fn digit(&self, leg: LegId, digit: char) {
        self.leg(leg, LegCommand::Digit(digit));
    }

    /// Reports what happens to the room as a whole. The last watcher counts.
    pub fn watch(&self, room: RoomKey, events: UnboundedSender<(RoomKey, RoomEvent)>) {
        self.room(room, RoomCommand::Watch(events));
    }

    /// Whether the room hears voices without the noise around them: 10 ms later. A room that is
    /// empty forgets it.
    pub fn suppress_noise(&self, room: RoomKey, on: bool) {
        self.room(room, RoomCommand::SuppressNoise(on));
    }

    /// Begins to write down what is heard in the room, from its next frame on, in the
    /// place of a recording before. It goes on while nobody is there.
    pub fn record(&self, room: RoomKey, recorder: Recorder) {
        self.room(room, RoomCommand::Record(Some(Box::new(recorder))));
    }

    /// Ends the recording of the room after the last whole frame.
    pub fn stop_recording(&self, room: RoomKey) {
        self.room(room, RoomCommand::Record(None));
    }

    /// Ends the leg: its ports are closed, and not used again for some seconds.
    pub fn close(&self, leg: LegId) {
        self.leg(leg, LegCommand::Close);
    }

    fn leg(&self, leg: LegId, command: LegCommand) {
        let home = home_of(leg, self.inner.threads.len());
        self.tell(home, Command::Leg(leg, command));
    }

    fn room(&self, room: RoomKey, command: RoomCommand) {
        let thread = thread_of_room(room, self.inner.threads.len());
        self.tell(thread, Command::Room(room, command));
    }

    /// The threads live as long as this handle: sending cannot fail, and if one died
    /// of a fault its legs are silent, which is noticed elsewhere.
    fn tell(&self, thread: usize, command: Command) {
        let _ = self.inner.threads[thread].send(command);
    }
}

fn random_seed() -> Result<Seed, getrandom::Error> {
    let high = getrandom::u64()?;
    let low = getrandom::u32()?;
    Ok(Seed {
        ssrc: low,
        sequence: high as u16,
        timestamp: (high >> 32) as u32,
        cname: getrandom::u64()?,
    })
}
