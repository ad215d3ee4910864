//! What was written to people: mails and short messages.

use domain::notice::{About, TroubleKind};
use serde::{Deserialize, Serialize};

use crate::{InvitationId, MeetingId, NoticeId, OccurrenceId, Rsvp};

/// A mail or a short message, and how far it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Notice {
    pub id: NoticeId,
    pub about: About,
    pub occurrence_id: Option<OccurrenceId>,
    /// Of whom it is; he need not be the one who gets it.
    pub invitation_id: Option<InvitationId>,
    pub by: NoticeWay,
    /// The address or the number.
    pub to: String,
    pub name: Option<String>,
    pub created_at: i64,
    pub state: NoticeState,
    /// How often it was tried.
    pub tries: u32,
    /// What stood in the way the last time.
    pub trouble: Option<NoticeTrouble>,
}

/// `POST /mail-replies`: what a calendar's answer came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MailReply {
    pub meeting_id: MeetingId,
    /// `null`: he has not decided.
    pub rsvp: Option<Rsvp>,
    /// At how many dates it was put on record.
    pub recorded: u32,
    /// It answers hours that hold no more, or he has said something else since: it does not count.
    pub outdated: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum NoticeWay {
    Mail,
    Sms,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum NoticeState {
    /// Tried at `due_at`.
    Waiting { due_at: i64 },
    /// The mail server or the gateway has taken it.
    Sent { at: i64 },
    /// Given up.
    Failed { at: i64 },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NoticeTrouble {
    pub kind: TroubleKind,
    /// What the other side said, or what we saw; in its own words.
    pub detail: String,
}
