//! What the WebSocket `/events` carries: a snapshot, then every change, numbered.
//!
//! An event holds the whole resource as it then was, so applying one twice
//! or over a newer snapshot does no harm: the last word wins.

use serde::{Deserialize, Serialize};

use crate::{
    Attempt, Company, EmployeeId, Invitation, InvitationId, LeaveReason, Me, Meeting, MeetingId,
    Member, MemberId, Notice, Occurrence, Person, Recording, RecordingId, Room, RoomId, Text,
    Waiting, WaitingOver,
};

/// One text frame from the server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ServerMessage {
    /// Comes first, unless the events after `?after=` are all still at hand; and again, in the place
    /// of everything before it, when the company's directory was changed as a whole.
    Snapshot(Box<Snapshot>),
    /// Comes first when the missed events are: they follow, and nothing is to be thrown away.
    Resumed {
        seq: i64,
        now: i64,
    },
    Event(Box<Event>),
    /// Who talks, many times a second, never stored, never numbered.
    Levels {
        levels: Vec<Talking>,
    },
    /// Every 15 s, with the server's clock for the countdowns.
    Ping {
        now: i64,
    },
    /// The last frame before the server closes: the session was ended or revoked.
    SignedOut,
    /// The last frame before the server closes: this client reads too slowly. Come back with `?after=`.
    TooSlow {
        seq: i64,
    },
}

/// Everything the board draws, as of event `seq`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Snapshot {
    pub seq: i64,
    /// The server's clock.
    pub now: i64,
    pub me: Me,
    pub company: Company,
    pub people: Vec<Person>,
    pub rooms: Vec<Room>,
    pub members: Vec<Member>,
    /// Those who wait to be let in, by when they came.
    #[serde(default)]
    pub waiting: Vec<Waiting>,
    pub meetings: Vec<Meeting>,
    /// Those of the last day and all to come.
    pub occurrences: Vec<Occurrence>,
    /// Of the occurrences not over.
    pub invitations: Vec<Invitation>,
    /// Those that run.
    #[serde(default)]
    pub recordings: Vec<Recording>,
    /// About those expected at what goes on, first to last.
    #[serde(default)]
    pub notices: Vec<Notice>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Event {
    /// Counted per company, from 1, without gaps.
    pub seq: i64,
    pub at: i64,
    pub event: EventKind,
}

/// What changed. Where a resource stands here, it is new or has changed: put it in the place of the old one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum EventKind {
    Person(Person),
    PersonRemoved {
        id: EmployeeId,
    },
    Room(Room),
    RoomRemoved {
        id: RoomId,
    },
    MemberJoined(Member),
    Member(Member),
    MemberLeft(MemberLeft),
    /// Somebody waits to be let in.
    Waiting(Waiting),
    /// He was let in or sent away, or is gone.
    WaitingOver(WaitingOver),
    Occurrence(Occurrence),
    Invitation(Invitation),
    /// Somebody was taken off the list of a meeting that is still to come.
    InvitationRemoved {
        id: InvitationId,
    },
    Attempt(Attempt),
    Meeting(Meeting),
    MeetingRemoved {
        id: MeetingId,
    },
    Company(Company),
    /// A recording began, or has ended and can be heard.
    Recording(Recording),
    RecordingRemoved {
        id: RecordingId,
    },
    /// Something was said into a room.
    Announced(Announcement),
    /// A mail or a short message was sent, or could not be.
    Notice(Notice),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MemberLeft {
    pub id: MemberId,
    pub room_id: RoomId,
    pub why: LeaveReason,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Announcement {
    pub room_id: RoomId,
    pub text: Text,
}

/// How loud a member is. Who is not listed is silent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Talking {
    pub member_id: MemberId,
    /// 0 (threshold of talking) to 100 (full scale).
    pub level: u8,
}
