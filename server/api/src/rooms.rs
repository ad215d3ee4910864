//! Rooms and who is in them.

use serde::{Deserialize, Serialize};

use crate::{
    BrowserCallId, DeviceKind, EmployeeId, InvitationId, MemberId, OccurrenceId, Role, RoomId,
};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Room {
    pub id: RoomId,
    /// What one dials to enter.
    pub number: String,
    pub name: String,
    pub has_pin: bool,
    /// City numbers that lead here.
    pub numbers: Vec<String>,
    /// The occurrence being called or held here now.
    pub occurrence: Option<OccurrenceId>,
    /// Only those expected and moderators come in.
    #[serde(default)]
    pub locked: bool,
    /// Whoever calls and is not expected waits with music until a moderator lets him in.
    #[serde(default)]
    pub lobby: bool,
    /// Voices are heard without the noise around them, a hundredth of a second later.
    #[serde(default)]
    pub suppress_noise: bool,
    pub members: u32,
}

/// `POST /rooms`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewRoom {
    pub name: String,
    /// Left out: the lowest free number of the company.
    #[serde(default)]
    pub number: Option<String>,
    /// Four to ten digits.
    #[serde(default)]
    pub pin: Option<String>,
    #[serde(default)]
    pub moderator_pin: Option<String>,
    /// Whoever calls waits with music until a moderator is there.
    #[serde(default)]
    pub wait_for_moderator: bool,
    /// Whoever calls and is not expected waits with music until a moderator lets him in.
    #[serde(default)]
    pub lobby: bool,
    /// Voices are heard without the noise around them, a hundredth of a second later.
    #[serde(default)]
    pub suppress_noise: bool,
}

/// `PATCH /rooms/{id}`: what is left out stays as it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ChangeRoom {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lobby: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suppress_noise: Option<bool>,
}

/// `POST /rooms/{id}/acts`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ActInRoom {
    pub act: RoomAct,
}

/// What a moderator does with a room as a whole; on the telephone by `*7`, `*8` and `*2`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum RoomAct {
    Lock,
    Unlock,
    /// Everybody but moderators.
    MuteAll,
    UnmuteAll,
    /// Whose hand has been up the longest may speak.
    NextHand,
}

/// A live leg in a room.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Member {
    pub id: MemberId,
    pub room_id: RoomId,
    pub name: String,
    pub employee_id: Option<EmployeeId>,
    /// The outside number, for who is not an employee.
    pub number: Option<String>,
    pub device_kind: DeviceKind,
    pub role: Role,
    pub muted: bool,
    pub talking: bool,
    /// Since when he has a hand up.
    #[serde(default)]
    pub hand_at: Option<i64>,
    /// How much louder the others hear him than he would be by himself, dB, -20 to 20.
    #[serde(default)]
    pub gain_db: i8,
    /// How much louder he hears than the room is, dB, -20 to 20.
    #[serde(default)]
    pub volume_db: i8,
    pub joined_at: i64,
    /// The invitation that brought the member in; `null` for who dialled the room himself.
    pub invitation_id: Option<InvitationId>,
    pub codec: Option<Codec>,
    pub quality: Option<Quality>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Codec {
    Pcmu,
    Pcma,
    G722,
    Opus,
}

/// How well a member is heard, over the last seconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Quality {
    /// Packets lost or come too late, percent.
    pub loss_percent: f32,
    /// Of what we send, lost on the way to the member, percent, as his phone tells.
    #[serde(default)]
    pub loss_there_percent: f32,
    pub jitter_ms: u32,
    /// Round trip, as far as the member's RTCP tells it.
    pub rtt_ms: Option<u32>,
    /// From the member's microphone into the mix: the jitter buffer's depth.
    pub delay_ms: u32,
    /// How well people would say he sounds, 1 to 4.5, by the E-model (G.107).
    #[serde(default)]
    pub mos: Option<f32>,
    /// Since when nothing at all has come from the member.
    pub silent_since_at: Option<i64>,
}

/// `POST /rooms/{id}/browser-calls`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewBrowserCall {
    /// The page's WebRTC offer: one audio stream with Opus.
    pub sdp: String,
}

/// A browser's way into a room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BrowserCall {
    pub id: BrowserCallId,
    pub room_id: RoomId,
    pub state: BrowserCallState,
    /// Who he is in the room, once he is in it.
    pub member_id: Option<MemberId>,
    /// Our WebRTC answer, in the answer to the `POST` alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sdp: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum BrowserCallState {
    /// Nothing has come from the browser yet.
    Connecting,
    /// He hears the room's door: keys the PIN, waits for the start or a moderator.
    AtDoor,
    InRoom,
}

/// Why a member is no longer in the room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum LeaveReason {
    /// Hung up.
    Left,
    /// Taken out by a user of the board.
    Removed,
    /// The call broke off.
    Dropped,
    /// The meeting is over.
    Ended,
}

/// `POST /rooms/{id}/members`: call this person or number, and join.
///
/// Exactly one of `employee_id` and `number`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Dial {
    #[serde(default)]
    pub employee_id: Option<EmployeeId>,
    #[serde(default)]
    pub number: Option<String>,
    #[serde(default)]
    pub name: Option<String>,
    pub role: Role,
}

/// `PATCH /rooms/{id}/members/{member}`: what is left out stays as it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ChangeMember {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub muted: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// Raises a hand for him, or lowers it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hand: Option<bool>,
    /// How much louder the others hear him, dB, -20 to 20.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gain_db: Option<i32>,
    /// How much louder he hears, dB, -20 to 20.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volume_db: Option<i32>,
}
