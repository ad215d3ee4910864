//! Meetings (the plan) and occurrences (its dates).

use serde::{Deserialize, Serialize};

use crate::{EmployeeId, LocalDate, MeetingId, OccurrenceId, RetryRules, Role, RoomId};

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
    /// How it repeats; `null` for a meeting held once.
    pub series: Option<Series>,
    /// Dialling begins so long before the start.
    pub lead_s: u32,
    /// Whoever calls the room is let in so long before the start.
    pub early_s: u32,
    /// So long before the end the room hears that it is near; 0: it does not.
    pub warn_s: u32,
    /// Employees on their own devices join without pressing a key.
    pub own_people_need_no_key: bool,
    /// Whoever calls and is not expected waits with music until a moderator lets him in.
    #[serde(default)]
    pub lobby: bool,
    /// Everybody is reminded so long before the start; 0: never.
    pub remind_min: u32,
    pub participants: Vec<Participant>,
    /// `null`: the company's rules.
    pub rules: Option<RetryRules>,
    pub occurrence_ids: Vec<OccurrenceId>,
    /// The city number told to the public, which leads in while the meeting is open.
    #[serde(default)]
    pub event_number: Option<String>,
}

/// How a meeting repeats. Its dates are made some weeks ahead.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Series {
    /// An RRULE of RFC 5545, such as `FREQ=WEEKLY;BYDAY=TU,TH`, on the calendar of the meeting's zone.
    pub rule: String,
    /// Since when it is paused; nobody is called while it is.
    pub paused_since_at: Option<i64>,
    /// The dates that depart from the rule, by their day.
    pub exceptions: Vec<SeriesException>,
}

/// A date of a series that is called off, or held at another time, for another time or in another room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SeriesException {
    /// The day the rule gives it.
    pub date: LocalDate,
    pub called_off: bool,
    pub starts_local: Option<String>,
    pub duration_min: Option<u32>,
    pub room_id: Option<RoomId>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Participant {
    pub employee_id: Option<EmployeeId>,
    pub name: String,
    /// In E.164; for who is not an employee.
    pub number: Option<String>,
    /// Where he is written to; for who is not an employee.
    #[serde(default)]
    pub email: Option<String>,
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
    /// An RRULE of RFC 5545, `FREQ=WEEKLY;BYDAY=TU,TH`: DAILY, WEEKLY, MONTHLY or YEARLY with INTERVAL, COUNT,
    /// UNTIL, BYMONTH, BYMONTHDAY, BYDAY, BYSETPOS and WKST. Left out: the meeting is held once. It begins on
    /// the first date that fits, from the day of `starts_local` on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeats: Option<String>,
    /// Left out: the company's lead.
    #[serde(default)]
    pub lead_s: Option<u32>,
    /// Whoever calls the room is let in so long before the start. Left out: at the start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub early_s: Option<u32>,
    /// So long before the end the room hears that it is near. Left out: 300; 0: it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warn_s: Option<u32>,
    /// Left out: yes.
    #[serde(default)]
    pub own_people_need_no_key: Option<bool>,
    /// Whoever calls and is not expected waits until a moderator lets him in. Left out: as the room has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lobby: Option<bool>,
    /// Left out: 15 minutes. 0: never.
    #[serde(default)]
    pub remind_min: Option<u32>,
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
    /// Where somebody who is not an employee is written to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    pub role: Role,
}

/// `PATCH /meetings/{id}`: what is left out stays as it is.
///
/// A series changes its dates to come; what has begun or is over stays as it was.
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
    /// An RRULE; empty: held once from now on. Left out while `starts_local` moves to another day: the rule moves along.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeats: Option<String>,
    /// For a series: the day of one of its dates. Only this and the following change, `starts_local` is that of
    /// this one, and the answer is the plan that holds from then on, with an id of its own if earlier dates are to come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_date: Option<LocalDate>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lead_s: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub early_s: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warn_s: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub own_people_need_no_key: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lobby: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remind_min: Option<u32>,
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
    /// For a date of a series: the day its rule gives it, wherever it was moved since.
    pub date: Option<LocalDate>,
    /// Empty for a gathering nobody planned.
    pub title: String,
    pub room_id: RoomId,
    pub room_number: String,
    pub status: OccurrenceStatus,
    pub starts_at: i64,
    pub ends_at: i64,
    /// The zone in which the meeting is planned, the company's for a gathering.
    pub time_zone: String,
    /// Called off, and can be brought back.
    pub restorable: bool,
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
    /// The room is open to those who come early; nobody is called before `dial_at`.
    Early,
    /// People are being called; the start is yet to come.
    Calling,
    Live,
    Ended,
    /// The server was away until the end.
    Missed,
    Cancelled,
}

/// `POST /occurrences/{id}/move`: what is left out stays as it is. Only this date moves, not its series.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct MoveOccurrence {
    /// On the clocks of the meeting's zone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub starts_local: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_min: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room_id: Option<RoomId>,
}

/// `POST /occurrences/{id}/extend`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ExtendOccurrence {
    /// From 1 to 240.
    pub minutes: u32,
}

/// `POST /meetings/check`: a plan that is not saved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CheckMeeting {
    /// The plan that would be changed: it is not in its own way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub meeting_id: Option<MeetingId>,
    pub room_id: RoomId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    /// Left out: now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub starts_local: Option<String>,
    pub duration_min: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeats: Option<String>,
    #[serde(default)]
    pub participants: Vec<NewParticipant>,
}

/// What would become of a plan if it were saved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MeetingCheck {
    /// When it would begin, for the first time.
    pub starts_at: i64,
    /// The next dates of a series, ten at most.
    pub dates_at: Vec<i64>,
    /// What is in the way or worth knowing, the gravest first.
    pub findings: Vec<Finding>,
}

/// Something that is in a plan's way, or worth knowing before it is saved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Finding {
    pub severity: Severity,
    pub code: FindingCode,
    /// One sentence, in the caller's language, that can be shown as it is.
    pub message: String,
    /// The field it is about, `participants[2]`.
    pub field: Option<String>,
    /// Whom it is about.
    pub person: Option<FindingPerson>,
    /// The other meeting.
    pub meeting: Option<FindingMeeting>,
    /// The first of the plan's dates it is about.
    pub date_at: Option<i64>,
    /// About how many of its dates.
    pub dates: u32,
    /// When the plan's first date could begin, so that nothing would be in the way of any.
    pub free_at: Option<i64>,
}

/// How grave a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// It will not be saved like this.
    Refusal,
    /// It can be saved; somebody will be missed or annoyed.
    Warning,
    /// Good to know.
    Notice,
}

/// What was found. Codes are never renamed and never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum FindingCode {
    /// Another meeting has the room.
    RoomBooked,
    /// Somebody is expected at another meeting.
    PersonBusy,
    /// The company does not call that number.
    DestinationForbidden,
    /// Its owner asked never to be called.
    NeverAgain,
    /// It is night where somebody is: nobody who has not accepted is called then.
    QuietHours,
    /// Somebody asked not to be disturbed: only the organiser's own hand calls him.
    DoNotDisturb,
    /// Somebody has nothing to be called by.
    NothingToCall,
    /// More calls than the company lets a meeting or a day make.
    TooManyCalls,
    /// It would cost more than it may.
    TooDear,
    /// The clocks jump over that hour: it begins when they have.
    HourSkipped,
    /// The clocks show that hour twice: it begins the first time.
    HourTwice,
    /// A code from a newer server.
    #[serde(other)]
    Other,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FindingPerson {
    pub employee_id: Option<EmployeeId>,
    pub name: String,
    pub number: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FindingMeeting {
    pub id: MeetingId,
    pub title: String,
    pub starts_at: i64,
    pub ends_at: i64,
}
