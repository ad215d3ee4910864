//! Recordings of what was said in rooms.

use serde::{Deserialize, Serialize};

use crate::{EmployeeId, OccurrenceId, RecordingId, RoomId};

/// What is written down of a room, from its start to its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Recording {
    pub id: RecordingId,
    pub room_id: RoomId,
    /// The room's name as it was then.
    pub room_name: String,
    /// What was held there, if anything was.
    pub occurrence_id: Option<OccurrenceId>,
    /// What that was called; empty for a gathering nobody planned.
    pub title: String,
    /// Who started it; `null` if it was a caller who is no employee.
    pub started_by: Option<EmployeeId>,
    pub started_at: i64,
    pub ended_at: Option<i64>,
    pub state: RecordingState,
    pub format: RecordingFormat,
    /// Whether each member's voice is written down by itself too.
    pub tracks: bool,
    /// How much there is to hear; 0 while it runs.
    pub duration_ms: i64,
    /// The mix first. Empty while it runs.
    pub files: Vec<RecordingFile>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum RecordingState {
    Running,
    Done,
    /// The disk was full or failed: everything up to then is there.
    Truncated,
    /// The server died meanwhile: everything up to some seconds before is there.
    Interrupted,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum RecordingFormat {
    /// Opus in Ogg: 11 MB an hour.
    #[default]
    Ogg,
    /// 16 bits at 16 kHz, uncompressed: 115 MB an hour.
    Wav,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RecordingFile {
    /// Its name in `GET /recordings/{id}/files/{name}`.
    pub name: String,
    /// Whose voice it is; `null` is the mix.
    pub member: Option<String>,
    pub bytes: i64,
}

/// `POST /rooms/{id}/recording`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewRecording {
    #[serde(default)]
    pub format: RecordingFormat,
    #[serde(default)]
    pub tracks: bool,
}
