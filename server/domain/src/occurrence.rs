//! One date of a meeting: when dialling begins, when it is live, over or missed.

use serde::{Deserialize, Serialize};

use crate::{
    id::{CompanyId, MeetingId, OccurrenceId, RoomId},
    time::{Millis, Span},
};

/// How late an occurrence may begin and still call everyone.
pub const GRACE: Span = Span::minutes(5);

/// A start this much after its time is not late, only slow.
pub const PUNCTUAL: Span = Span::seconds(2);

/// One date of a meeting, or a gathering nobody planned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Occurrence {
    /// Its id.
    pub id: OccurrenceId,
    /// Whose it is.
    pub company: CompanyId,
    /// The plan; none when it came about by calling people into a room.
    pub meeting: Option<MeetingId>,
    /// Where it is held.
    pub room: RoomId,
    /// What it is called.
    pub title: String,
    /// When it begins.
    pub starts_at: Millis,
    /// When it is over.
    pub ends_at: Millis,
    /// When dialling begins.
    pub dial_at: Millis,
    /// Whether it began too late, by our fault.
    pub late: bool,
    /// How far it is.
    pub status: Status,
}

/// How far an occurrence is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Status {
    /// Its time has not come.
    Scheduled,
    /// People are being called ahead of the start.
    Calling {
        /// Since when.
        since: Millis,
    },
    /// It goes on.
    Live {
        /// Since when.
        since: Millis,
        /// Whether people are called. Not when it began so late that they would
        /// be surprised: then the room is open, and that is all.
        calls: bool,
    },
    /// It is over.
    Ended {
        /// Since when.
        at: Millis,
    },
    /// Nobody was there to begin it before it was over.
    Missed {
        /// When that was found.
        at: Millis,
    },
    /// It was called off.
    Cancelled {
        /// When.
        at: Millis,
    },
}

/// How far an occurrence is, without the times.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum StatusKind {
    /// Its time has not come.
    Scheduled,
    /// People are being called ahead of the start.
    Calling,
    /// It goes on.
    Live,
    /// It is over.
    Ended,
    /// It never began.
    Missed,
    /// It was called off.
    Cancelled,
}

/// What an occurrence asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    /// Make the invitations due: dialling begins.
    CallEveryone,
    /// Let people in who were held, and those who call; greet them as begun.
    Begin,
    /// Let people in, call nobody.
    OpenRoom,
    /// Hang up, close the room, end every invitation.
    Close,
    /// Tell the organiser that it was missed.
    ReportMissed,
}
