//! The sound of the house: RTP ports, media threads, and the rooms they tick.
//!
//! A **leg** is one member's audio: an RTP port with an RTCP port beside it, a
//! codec each way, and a place where it is heard. A leg is born in a private
//! place of its own, where it hears only what is played to it (a briefing,
//! hold music) and its digits are reported all the same. It may then
//! [`enter`](Media::enter) a **room**, where it hears everybody else.
//!
//! [`Media`] is the handle everyone holds. Its methods never wait: each is a
//! message to the thread that owns the leg, which applies it within one frame
//! (20 ms), in the order given. What happens comes back as [`LegEvent`]s on the
//! channel named when the leg was opened, and as [`RoomEvent`]s for who
//! watches a room.
//!
//! A browser's leg has no ports of its own: all browsers come to one. It is opened
//! with what the browser's offer says ([`Media::open_browser`]), and is silent until the
//! browser has come in.
//!
//! This crate decides nothing about calls: no SIP, no database, no HTTP. The
//! audio itself is the pure `mixer` crate; here are only sockets, threads and
//! the clock.

mod browser;
mod event;
mod handle;
mod inbox;
mod limits;
mod ports;
mod record;
mod source;
mod stream;
mod wire;
mod worker;

/// For those who look for bytes that break it.
#[doc(hidden)]
pub use browser::answer_to_check;
pub use browser::{BrowserLeg, Peer as BrowserPeer};
pub use event::{LegEvent, RoomEvent};
pub use handle::{Config, Family, Leg, LegId, Media, OpenError, RoomKey};
pub use inbox::{Inbox, Received, stamp_arrivals};
pub use limits::{allow_many_sockets, give_back_memory, prefer_this_thread};
pub use mixer::{Codec, NO_AUDIO, Quality, Sound, SoundError};
pub use record::{Block, Ended, RECORDED_RATE, Recorded, Recorder, recording};
pub use stream::{Direction, Hearing, Mode, Srtp, Stream, Target};
