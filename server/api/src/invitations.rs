//! One person × one occurrence: where it stands, why, and what happens next; and every call made for it.

use serde::{Deserialize, Serialize};

use crate::{
    AttemptId, DeviceKind, EmployeeId, InvitationId, LastAct, MemberId, OccurrenceId, Outcome,
    Role, RoomId, TrunkId,
};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Invitation {
    pub id: InvitationId,
    pub occurrence_id: OccurrenceId,
    pub room_id: RoomId,
    pub employee_id: Option<EmployeeId>,
    pub name: String,
    /// For who is not an employee.
    pub number: Option<String>,
    pub role: Role,
    pub status: InvitationStatus,
    /// What became of the last call; `null` before the first has ended.
    pub reason: Option<Reason>,
    /// What happens if nothing else does.
    pub next: Next,
    /// Calls made so far, without those the network failed.
    pub tries_made: u32,
    /// `null`: until he is in.
    pub tries_allowed: Option<u32>,
    pub rsvp: Option<Rsvp>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum InvitationStatus {
    Waiting {
        due_at: i64,
        why: WaitReason,
    },
    Calling {
        attempt_id: AttemptId,
        phase: CallPhase,
        since_at: i64,
        gives_up_at: Option<i64>,
    },
    /// Answered before the start and stays on the line, with music.
    Held {
        since_at: i64,
    },
    InRoom {
        member_id: MemberId,
        since_at: i64,
    },
    Finished {
        why: Finish,
        at: i64,
    },
}

/// What a waiting invitation waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum WaitReason {
    /// The first call, when dialling begins.
    FirstCall,
    /// The retry rule; `reason` says after what.
    Retry,
    /// Asked to be called later, or is called again at the start.
    Later,
    /// The line has just freed or come back.
    LineChanged,
    /// Somebody pressed "call now".
    CallNow,
    /// Is being called for another meeting.
    OtherCall,
    QuietHours,
    /// Asked not to be disturbed.
    DoNotDisturb,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum CallPhase {
    Dialling,
    Ringing,
    /// Listens to the greeting, has pressed no key yet.
    Answered,
}

/// Why nobody calls any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Finish {
    /// Was in the room and left it.
    Left,
    /// Was taken out of the room.
    Removed,
    Declined,
    /// Pressed "cannot come".
    CannotCome,
    Offline,
    NoAnswer,
    NotConfirmed,
    Dropped,
    Invalid,
    /// The network failed to the end, or there is nothing to call him by.
    Unreachable,
    /// Somebody pressed "give up".
    Stopped,
    /// The company does not call that number, or has called and spent enough.
    NotAllowed,
    MeetingOver,
    Cancelled,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Reason {
    pub outcome: Outcome,
    pub at: i64,
    /// How often in a row: "rang twice, nobody answered".
    pub times: u32,
    /// How long it rang, if it did.
    pub rang_ms: Option<u32>,
}

/// What happens if nothing else does, and what may come sooner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Next {
    /// Called at `at`; sooner if the line changes; after the last try, `then`.
    /// `until_in`: there is no last try.
    Call {
        at: i64,
        sooner: Option<AtOnceWhen>,
        until_in: bool,
        then: LastAct,
    },
    /// The call under way is given up at `at`.
    GiveUpRinging {
        at: i64,
    },
    /// Joins when the meeting starts.
    JoinAtStart {
        at: i64,
    },
    Nothing,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum AtOnceWhen {
    HangsUp,
    BackInNetwork,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Rsvp {
    Accepted,
    Later,
    Declined,
}

/// One call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Attempt {
    pub id: AttemptId,
    pub invitation_id: InvitationId,
    /// From 1.
    pub number: u32,
    /// What was called: a number, or a SIP user name.
    pub address: String,
    pub device_kind: DeviceKind,
    pub trunk_id: Option<TrunkId>,
    pub trunk_name: Option<String>,
    pub started_at: i64,
    pub ringing_at: Option<i64>,
    pub answered_at: Option<i64>,
    pub ended_at: Option<i64>,
    /// What came of it; `null` while it goes on.
    pub outcome: Option<Outcome>,
    /// Who ended it, or what; `null` while it goes on.
    #[serde(default)]
    pub ending: Option<AttemptEnding>,
    /// The row of the decoding table that judged.
    pub row: Option<String>,
    pub sip_code: Option<u16>,
    pub q850_cause: Option<u8>,
}

/// Who ended a call, or what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum AttemptEnding {
    /// Nobody answered: the outcome says why.
    Failed,
    /// Answered, but no key was pressed.
    NotConfirmed,
    /// He asked to be called later.
    Later,
    /// He cannot come.
    CannotCome,
    /// He heard when it begins, and hung up before.
    LeftHold,
    /// Nobody wanted it any more: he came by another way, or the calls were stopped.
    Withdrawn,
    /// He hung up, in the room.
    HungUp,
    /// No audio came from him any more.
    AudioLost,
    /// He left the room by key.
    Key,
    /// He was taken out of the room.
    TakenOut,
    /// The meeting was over.
    MeetingOver,
    /// We lost it, over a restart.
    Lost,
}
