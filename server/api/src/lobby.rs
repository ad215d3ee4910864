//! Those who wait at a room's door until a moderator lets them in.

use serde::{Deserialize, Serialize};

use crate::{DeviceKind, EmployeeId, MemberId, Role, RoomId};

/// One who waits to be let in. He hears music.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Waiting {
    /// The member he becomes when he is let in.
    pub id: MemberId,
    pub room_id: RoomId,
    pub name: String,
    pub employee_id: Option<EmployeeId>,
    /// The number he shows, for who is not an employee.
    pub number: Option<String>,
    pub device_kind: DeviceKind,
    /// What he comes in as.
    pub role: Role,
    pub since_at: i64,
}

/// Somebody waits no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WaitingOver {
    pub id: MemberId,
    pub room_id: RoomId,
    pub how: WaitingEnd,
}

/// How somebody's waiting ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum WaitingEnd {
    /// He is a member now.
    LetIn,
    /// He heard that he is not let in.
    SentAway,
    /// He hung up, or the meeting is over.
    Left,
}

/// `POST /rooms/{id}/lobby`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct DecideInLobby {
    pub act: LobbyAct,
    /// Left out: all who wait.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<MemberId>,
}

/// What becomes of one who waits; on the telephone by `**7` (and `**9` for all) and `**8`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum LobbyAct {
    LetIn,
    SendAway,
}
