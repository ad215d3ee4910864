//! Lists of people with a name.

use serde::{Deserialize, Serialize};

use crate::{NewParticipant, Participant, RoomId, TemplateId};

/// A list of people, and what is usual for their meetings. It can be called by telephone too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Template {
    pub id: TemplateId,
    pub name: String,
    pub participants: Vec<Participant>,
    pub room_id: Option<RoomId>,
    pub duration_min: Option<u32>,
}

/// `POST /templates`, `PUT /templates/{id}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewTemplate {
    pub name: String,
    pub participants: Vec<NewParticipant>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room_id: Option<RoomId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_min: Option<u32>,
}
