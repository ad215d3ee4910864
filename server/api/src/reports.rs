//! What became of an occurrence: who came, when, and every call that was made.

use serde::{Deserialize, Serialize};

use crate::{Attempt, EmployeeId, Invitation, LeaveReason, Member, MemberId, Notice, Occurrence};

/// `GET /occurrences/{id}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OccurrenceReport {
    pub occurrence: Occurrence,
    pub invitations: Vec<InvitationStory>,
    /// Who is in the room now.
    pub members: Vec<Member>,
    /// Every stay in the room, in order of joining; those still there have no `left_at`.
    pub visits: Vec<Visit>,
    /// What was written to anybody about it, first to last.
    pub notices: Vec<Notice>,
}

/// An invitation and every call made for it, first to last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct InvitationStory {
    pub invitation: Invitation,
    pub attempts: Vec<Attempt>,
}

/// One stay of one member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Visit {
    pub member_id: MemberId,
    pub name: String,
    pub employee_id: Option<EmployeeId>,
    pub number: Option<String>,
    pub joined_at: i64,
    pub left_at: Option<i64>,
    pub why: Option<LeaveReason>,
    /// How long he talked; `null` where it was not measured, or not yet.
    #[serde(default)]
    pub talked_s: Option<u32>,
    /// Of all the talking, in percent.
    #[serde(default)]
    pub talk_share: Option<u32>,
}
