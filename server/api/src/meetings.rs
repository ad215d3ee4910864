//! Meetings (the plan) and occurrences (its dates).

use serde::{Deserialize, Serialize};

use crate::{EmployeeId, MeetingId, OccurrenceId, RetryRules, Role, RoomId};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Meeting {
    pub id: MeetingId,
    pub title: String,
    pub room_id: RoomId,
    pub time_zone: String,
    /// `2026-11-24T10:00`, on the clocks of `time_zone`.
    pub starts_local: String,
    /// The same as an instant. A local time that the clocks skip is moved on by the length of the
    /// gap, one that they show twice is the first of the two.
    pub starts_at: i64,
    pub duration_min: u32,
    /// Dialling begins so long before the start.
    pub lead_s: u32,
    /// Employees on their own devices join without pressing a key.
    pub own_people_need_no_key: bool,
    pub participants: Vec<Participant>,
    /// `null`: the company's rules.
    pub rules: Option<RetryRules>,
    pub occurrence_ids: Vec<OccurrenceId>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Participant {
    pub employee_id: Option<EmployeeId>,
    pub name: String,
    /// In E.164; for who is not an employee.
    pub number: Option<String>,
    pub role: Role,
}

/// `POST /meetings`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewMeeting {
    pub title: String,
    pub room_id: RoomId,
    /// Left out: the company's zone.
    #[serde(default)]
    pub time_zone: Option<String>,
    /// Left out: now. The meeting is then dialled at once.
    #[serde(default)]
    pub starts_local: Option<String>,
    pub duration_min: u32,
    /// Left out: the company's lead.
    #[serde(default)]
    pub lead_s: Option<u32>,
    /// Left out: yes.
    #[serde(default)]
    pub own_people_need_no_key: Option<bool>,
    pub participants: Vec<NewParticipant>,
    #[serde(default)]
    pub rules: Option<RetryRules>,
}

/// Exactly one of `employee_id` and `number`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewParticipant {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub employee_id: Option<EmployeeId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
    pub role: Role,
}

/// `PATCH /meetings/{id}`: what is left out stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ChangeMeeting {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room_id: Option<RoomId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub starts_local: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_min: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lead_s: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub own_people_need_no_key: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub participants: Option<Vec<NewParticipant>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rules: Option<RetryRules>,
}

/// One date of a meeting, or an ad-hoc gathering in a room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Occurrence {
    pub id: OccurrenceId,
    /// `null` for a gathering nobody planned.
    pub meeting_id: Option<MeetingId>,
    /// Empty for a gathering nobody planned.
    pub title: String,
    pub room_id: RoomId,
    pub room_number: String,
    pub status: OccurrenceStatus,
    pub starts_at: i64,
    pub ends_at: i64,
    /// When dialling begins.
    pub dial_at: i64,
    /// The server was away at the start and dialled late.
    pub late: bool,
    /// How many are invited.
    pub expected: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum OccurrenceStatus {
    Scheduled,
    /// People are being called; the start is yet to come.
    Calling,
    Live,
    Ended,
    /// The server was away until the end.
    Missed,
    Cancelled,
}
