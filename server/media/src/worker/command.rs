//! What a media thread is told, by the handle and by its peers.

use std::net::UdpSocket;
use std::sync::Arc;

use mixer::{Leg, Seed, Sound};
use tokio::sync::mpsc::UnboundedSender;

use crate::browser::Link;
use crate::handle::{LegId, RoomKey};
use crate::wire::Wire;
use crate::{BrowserPeer, Hearing, Mode, Recorder, RoomEvent, Stream};

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
    /// The browser has come in, and this was agreed on.
    Linked(Box<Link>, BrowserPeer),
    /// The browser comes from another address: this socket is connected to it.
    Moved(UdpSocket),
    /// The browser that was expected does not come.
    Refused,
    Enter(RoomKey, Hearing),
    Leave,
    Hearing(Hearing),
    Muted(bool),
    Deaf(bool),
    Gain(f32),
    Volume(f32),
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
    /// Takes the noise out of the voices, or leaves it.
    SuppressNoise(bool),
    /// Writes down what is heard in the room; `None` ends it.
    Record(Option<Box<Recorder>>),
    Watch(UnboundedSender<(RoomKey, RoomEvent)>),
}

/// A leg on its way between threads.
#[derive(Debug)]
pub struct Seat {
    pub wire: Wire,
    pub leg: Box<Leg>,
}
