//! What a roll call is, and everything that is decided about it.
//!
//! A manager names a time and the people; everyone is called, called again by
//! the rule that fits what happened, and brought into one room. This crate
//! holds the words of that (company, employee, line, room, meeting, occurrence,
//! invitation, attempt, outcome) and the machines that decide.
//!
//! It is pure: no socket, no clock, no database, no random source. Every
//! machine takes an input and `now`, and yields outputs in our own words and
//! the time at which it next wants to be woken. Waking one early is harmless.
//! Everything that must survive a restart is `serde`, and a machine read back
//! goes on exactly where it stood.
//!
//! The way of one invitation through the modules:
//!
//! 0. [`series`] says on which dates a meeting is held, by its [`recurrence`];
//! 1. [`occurrence`] says when dialling begins, when the meeting is live, over
//!    or missed;
//! 2. [`invitation`] says when a person is due; [`reach`] picks the line and the
//!    trunk; [`guard`] refuses what must not be dialled;
//! 3. [`attempt`] is the one call that follows, from the first ring to the room;
//! 4. [`decode`] turns its facts into an outcome and into evidence for [`mod@line`];
//! 5. [`rules`] decides what follows an outcome;
//! 6. [`calibration`] teaches the decoder a trunk that has its own ways;
//! 7. [`live`] is the room while people are in it, [`entrance`] the door for
//!    those who call it, [`speech`] what all of them hear;
//! 8. [`notice`] is what reaches people in writing: when it is tried again, and
//!    when no more; [`webhook`] is what tells other programs.
#![cfg_attr(not(test), warn(clippy::unwrap_used))]

pub mod attempt;
pub mod calibration;
pub mod company;
pub mod decode;
pub mod desk;
pub mod employee;
pub mod entrance;
pub mod event_number;
pub mod guard;
pub mod id;
pub mod invitation;
pub mod line;
pub mod live;
pub mod loudness;
pub mod meeting;
pub mod notice;
pub mod number;
pub mod numbering;
pub mod occurrence;
pub mod outcome;
pub mod reach;
pub mod recurrence;
pub mod role;
pub mod room;
pub mod rules;
pub mod series;
pub mod speech;
pub mod template;
pub mod time;
pub mod trunk;
pub mod webhook;
mod windows_zones;

pub use company::Language;
pub use id::*;
pub use number::{PhoneNumber, ShortNumber};
pub use outcome::Outcome;
pub use role::Role;
pub use time::{LocalDate, LocalTime, Millis, Span, TimeError, Zone};
