//! A template: a list of people with a name, to be called again.

use serde::{Deserialize, Serialize};

use crate::{
    id::{CompanyId, RoomId, TemplateId},
    meeting::Participant,
    time::Span,
};

/// A list of people, and what is usual for their meetings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Template {
    /// Its id.
    pub id: TemplateId,
    /// Whose it is.
    pub company: CompanyId,
    /// What it is called, on the screen and by voice.
    pub name: String,
    /// Who is called.
    pub participants: Vec<Participant>,
    /// Where they usually meet.
    #[serde(default)]
    pub room: Option<RoomId>,
    /// How long it usually lasts.
    #[serde(default)]
    pub duration_ms: Option<Span>,
}
