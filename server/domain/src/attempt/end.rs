//! How calls end.

use serde::{Deserialize, Serialize};

/// How a call ended, for the invitation. The verdict that comes with it is for the record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallEnd {
    /// Nobody answered.
    Failed,
    /// Answered, but no key.
    NotConfirmed,
    /// He asked to be called later.
    Later,
    /// He cannot come.
    CannotCome,
    /// He heard it, and hung up before the start.
    LeftHold,
    /// He was in the room, and left it.
    Left(LeaveWay),
    /// We took it back.
    Withdrawn,
}

/// How a member left a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum LeaveWay {
    /// A BYE came, and nothing said that he wanted it.
    HungUp,
    /// No audio came any more.
    AudioLost,
    /// He pressed the key for it.
    Key,
    /// A moderator, or the organiser, took him out.
    Moderator,
    /// The meeting was over.
    MeetingOver,
    /// We lost the call, over a restart.
    Lost,
}

/// Why we hang up: goes into the BYE's `Reason`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HangUp {
    /// Nobody pressed a key.
    NotConfirmed,
    /// He wants to be called later, or not at all.
    AsAsked,
    /// Nobody wants the call any more.
    Withdrawn,
    /// No audio came any more.
    AudioLost,
    /// He was taken out.
    TakenOut,
    /// The meeting is over.
    MeetingOver,
}
