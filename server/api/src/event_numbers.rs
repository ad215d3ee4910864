//! City numbers kept for events: what each is bound to, and where it stands.

use serde::{Deserialize, Serialize};

use crate::{MeetingId, OccurrenceId, Role};

/// A city number that may be bound to a meeting and told to the public.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EventNumber {
    pub number: String,
    pub state: EventNumberState,
    /// What it is bound to; `null` while it is free.
    pub binding: Option<EventBinding>,
}

/// What the number does with callers now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum EventNumberState {
    /// It can be bound.
    Free,
    /// It says when the event begins.
    Before { starts_at: i64 },
    /// It lets callers in.
    Open { occurrence_id: OccurrenceId },
    /// It says that the event is over.
    Over { until_at: i64 },
    /// It is out of service, so that nobody lands in another event by an old poster.
    Resting { until_at: i64 },
}

/// What an event number is bound to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EventBinding {
    pub meeting_id: MeetingId,
    pub title: String,
    /// Only this date of the meeting; `null`: all of them.
    pub occurrence_id: Option<OccurrenceId>,
    /// It lets callers in so long before the start.
    pub opens_before_min: u32,
    pub rest_days: u32,
    /// What employees on their own lines come as who are on no list.
    pub employees: Role,
    /// What everybody else comes as.
    pub strangers: Role,
}

/// `PUT /event-numbers/{number}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct BindEventNumber {
    pub meeting_id: MeetingId,
    /// Left out: every date of the meeting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub occurrence_id: Option<OccurrenceId>,
    /// Left out: 15.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opens_before_min: Option<u32>,
    /// Left out: 7.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rest_days: Option<u32>,
    /// Left out: speakers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub employees: Option<Role>,
    /// Left out: listeners.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strangers: Option<Role>,
}
