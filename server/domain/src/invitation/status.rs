//! How far an invitation is, and why.

use serde::{Deserialize, Serialize};

use crate::{
    attempt::{AttemptResult, LeaveWay},
    id::{AttemptId, MemberId},
    number::PhoneNumber,
    outcome::Outcome,
    rules::LastAct,
    time::Millis,
};

/// How far an invitation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Status {
    /// He is to be called.
    Waiting {
        /// When.
        due_at: Millis,
        /// Why then.
        why: Why,
    },
    /// He is being called.
    Calling {
        /// By which attempt.
        attempt: AttemptId,
        /// Since when it is in this phase.
        since: Millis,
        /// How far the call is.
        phase: Phase,
        /// Why he is called.
        why: Why,
    },
    /// He answered before the start and stays on the line, with music.
    Held {
        /// By which attempt he came.
        attempt: AttemptId,
        /// Since when.
        since: Millis,
    },
    /// He is in the room.
    InRoom {
        /// As which member.
        member: MemberId,
        /// By which attempt; none when he called in.
        attempt: Option<AttemptId>,
        /// Since when.
        since: Millis,
    },
    /// He is not called any more.
    Finished {
        /// Why not.
        why: Finish,
        /// Since when.
        at: Millis,
    },
}

/// How far an invitation is, without what is in it: for an index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum StatusKind {
    /// To be called.
    Waiting,
    /// Being called.
    Calling,
    /// On the line until the start.
    Held,
    /// In the room.
    InRoom,
    /// Not called any more.
    Finished,
}

/// Why somebody is called when he is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// He has not been called yet.
    First,
    /// He was busy.
    Busy,
    /// He was offline.
    Offline,
    /// It rang and he did not come.
    NoAnswer,
    /// A machine answered.
    NotConfirmed,
    /// The call broke off.
    Dropped,
    /// Every trunk failed.
    Network,
    /// His last device was no way to him: the next one is tried.
    NextLine,
    /// The last trunk failed: the next one is tried.
    NextTrunk,
    /// No common codec: the same way is tried with G.711 alone.
    NextCodec,
    /// He asked to be called later, when the meeting had begun.
    AskedLater,
    /// He asked for it, or hung up the music: he is called again at the start.
    AtStart,
    /// The organiser wants it.
    Organiser,
    /// His line was seen to free.
    LineFreed,
    /// His line was seen to return to the network.
    LineReturned,
    /// He is in a call of ours elsewhere: never two at once.
    AlreadyCalled,
    /// It is quiet hours where he is.
    QuietHours,
    /// He asked not to be disturbed.
    DoNotDisturb,
    /// All channels of the trunks are taken.
    NoChannel,
    /// We lost the call ourselves, and it does not count.
    Lost,
}

/// How far a call to him is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// It has not reached him yet.
    Dialling,
    /// It rings.
    Ringing,
    /// Somebody, or something, picked up and is being greeted.
    Answered,
}

/// Why somebody is not called any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Finish {
    /// He refused the call.
    Declined,
    /// He pressed 3: he cannot come.
    CannotCome,
    /// Offline at every try.
    Offline,
    /// He did not come to the phone.
    NoAnswer,
    /// Only a machine answered.
    NotConfirmed,
    /// He was called back once and left again.
    Left,
    /// There is no such number.
    Invalid,
    /// He has nothing to be called by.
    NoDevice,
    /// The moderator took him out.
    TakenOut,
    /// The organiser gave up on him.
    GivenUp,
    /// The company does not call there, or has spent enough.
    NotAllowed,
    /// The meeting ended with him in it.
    Attended,
    /// The meeting ended without him.
    Absent,
}

/// What somebody said about coming.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Rsvp {
    /// He comes.
    Accepted,
    /// He wants to be called later.
    Later,
    /// He cannot come.
    Declined,
}

/// What an invitation asks for besides calls.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Output {
    /// Cancel this call, or hang it up: nobody wants it any more.
    Withdraw(AttemptId),
    /// Say into the room that he is offline.
    AnnounceOffline,
    /// Tell the organiser why he does not come.
    TellOrganiser(Finish),
    /// Send him the room's number, or "join later" with it.
    Send(LastAct),
    /// Never call this number again, in any meeting.
    NeverAgain(PhoneNumber),
    /// A trunk refuses us: somebody must look at it.
    Alarm,
}

/// The last attempt, as the board tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastAttempt {
    /// How it ended.
    pub result: AttemptResult,
    /// When.
    pub at: Millis,
}

/// What the board says of somebody who is not here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// What came of the last attempt; none before the first.
    pub reason: Option<Outcome>,
    /// What happens next.
    pub next: Next,
    /// Which try by the rule that holds this is or will be, counted from 1.
    pub try_number: u32,
    /// How many that rule allows; none when it never gives up.
    pub tries_allowed: Option<u32>,
}

/// What happens next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Next {
    /// He is called for the first time when he is due.
    Call,
    /// It rings until we give up.
    GiveUpRinging,
    /// Called until he is in; at once when he hangs up.
    UntilIn,
    /// Called when due; at once when he is back in the network.
    AtOnceWhenBack,
    /// Called when due, and if that fails the last act follows.
    ThenLastAct(LastAct),
    /// Called when due, further tries follow.
    TryAgain,
    /// Called again at the start.
    AtStart,
    /// Called when nothing stands in the way any more.
    WhenAllowed,
    /// He is on the line, and joins at the start.
    JoinAtStart,
    /// Nothing: he is here.
    Here,
    /// Nothing: he is not called again.
    Nothing,
}

impl Status {
    /// Its kind.
    pub fn kind(&self) -> StatusKind {
        match self {
            Self::Waiting { .. } => StatusKind::Waiting,
            Self::Calling { .. } => StatusKind::Calling,
            Self::Held { .. } => StatusKind::Held,
            Self::InRoom { .. } => StatusKind::InRoom,
            Self::Finished { .. } => StatusKind::Finished,
        }
    }

    /// The call that is up, or being set up.
    pub fn attempt(&self) -> Option<AttemptId> {
        match *self {
            Self::Calling { attempt, .. } | Self::Held { attempt, .. } => Some(attempt),
            Self::InRoom { attempt, .. } => attempt,
            Self::Waiting { .. } | Self::Finished { .. } => None,
        }
    }
}

impl LeaveWay {
    /// Whether he wanted to be out, or somebody with the right to wanted it.
    pub fn is_meant(self) -> bool {
        match self {
            Self::Key | Self::Moderator | Self::MeetingOver => true,
            Self::HungUp | Self::AudioLost | Self::Lost => false,
        }
    }
}
