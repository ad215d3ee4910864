//! What a call is set up with, how far it is, and what it asks for.

use serde::{Deserialize, Serialize};

use super::{CallEnd, HangUp};
use crate::{
    decode::{Profile, Verdict, Way},
    id::AttemptId,
    invitation::{Phase, Rsvp},
    speech::{Briefing, Phrase},
    time::{Millis, Span},
};

/// What a call is set up with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallSetup {
    /// Its attempt.
    pub attempt: AttemptId,
    /// When the attempt was put on record.
    pub started_at: Millis,
    /// When the meeting begins.
    pub starts_at: Millis,
    /// Whether it goes to an operator or to a phone of ours.
    pub way: Way,
    /// What this trunk's answers mean.
    pub profile: Profile,
    /// Whether only a key opens the room.
    pub needs_key: bool,
    /// An earlier attempt had sound but never rang.
    pub audio_only_before: bool,
    /// How long it rings.
    pub ring_ms: Span,
    /// How long it may show no sign of ringing.
    pub setup_ms: Span,
    /// How long the greeting waits for a key.
    pub confirm_ms: Span,
    /// What the greeting says.
    pub briefing: Briefing,
}

/// How far a call is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Stage {
    /// The INVITE is out.
    Dialling {
        /// When we give up.
        gives_up_at: Millis,
    },
    /// It rings, or sound comes.
    Ringing {
        /// When we give up.
        gives_up_at: Millis,
    },
    /// It rang too long and we sent CANCEL; an answer may still cross it (RFC 3261 §9.1).
    TimingOut {
        /// When we stop waiting for the other side's word on it.
        until: Millis,
    },
    /// Nobody wants it any more and we sent CANCEL; an answer that crosses it is hung up.
    Withdrawing {
        /// When we stop waiting for the other side's word on it.
        until: Millis,
    },
    /// He hears what it is about.
    Greeting {
        /// When a key must have come; none when none is needed.
        confirm_until: Option<Millis>,
    },
    /// He stays on the line until the start.
    Held,
    /// He is in the room.
    Joined,
    /// He hears the last words.
    Parting {
        /// When he has heard them at the latest.
        until: Millis,
        /// How the call ends.
        end: CallEnd,
    },
    /// It is over.
    Over,
}

/// How often something is played.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlayMode {
    /// Once; [`on_played`](super::Call::on_played) is to follow.
    Once,
    /// Over and over.
    Loop,
}

/// What a call asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Send CANCEL.
    Cancel,
    /// It has rung long enough: cancel it, though an answer that crosses still counts.
    StopRinging,
    /// Let him hear this, in the place of what he hears.
    Play {
        /// What he hears.
        phrases: Vec<Phrase>,
        /// How often.
        mode: PlayMode,
    },
    /// Let him hear music.
    HoldMusic,
    /// Stop what he hears and let him into the room.
    Join,
    /// Send BYE.
    HangUp(HangUp),
    /// Show how far it is.
    Phase(Phase),
    /// He stays on the line until the start.
    Held,
    /// He said something about coming: to be put on record at once.
    Rsvp(Rsvp),
    /// It is over.
    Ended {
        /// How.
        end: CallEnd,
        /// What goes into the attempt's record.
        verdict: Verdict,
    },
}
