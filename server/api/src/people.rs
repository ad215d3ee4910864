//! The directory as the board draws it: who there is, and what is known of their lines.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{DeviceId, DeviceKind, EmployeeId, MemberId, RoomId};

/// An employee. Stays listed while in a room, so that the directory never jumps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Person {
    pub id: EmployeeId,
    pub name: String,
    pub group: Option<String>,
    /// Two to four digits.
    pub extension: String,
    /// In order of preference.
    pub devices: Vec<Device>,
    /// Whether the others hear the name in the person's own voice: `GET /people/{id}/recorded-name`.
    #[serde(default)]
    pub recorded_name: bool,
    /// The person's lines taken together: reachable if one of them is.
    pub line: LineView,
    pub room: Option<RoomId>,
    pub member: Option<MemberId>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Device {
    pub id: DeviceId,
    pub kind: DeviceKind,
    /// What it is reached by, for people to read: a number, or a SIP user name.
    pub address: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum LineState {
    Free,
    Ringing,
    Busy,
    Offline,
    /// Shown as unknown, never as free.
    Unknown,
}

/// What is known of a line, and from where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LineView {
    pub state: LineState,
    /// Do not disturb lies over the state and does not replace it.
    pub dnd: bool,
    pub since_at: Option<i64>,
    /// What the state rests on: first the evidence that won, then the rest, newest first.
    pub evidence: Vec<Evidence>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Evidence {
    pub state: LineState,
    pub source: EvidenceSource,
    pub at: i64,
    /// When it fades; `null` lasts as long as what it tells of.
    pub until_at: Option<i64>,
    pub confidence: Confidence,
    pub text: Text,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum EvidenceSource {
    OwnCall,
    Registration,
    Outcome,
    /// Another server's word of its calls.
    Dialog,
    Presence,
    /// The mobile operator, asked or telling by itself.
    Operator,
    /// "Back in network".
    Notice,
    /// A source that a later server may have.
    #[serde(other)]
    Other,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Confidence {
    Exact,
    Sure,
    Likely,
    Guess,
}

/// `PUT /people/{id}/do-not-disturb`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct DoNotDisturb {
    pub on: bool,
    /// Until when, Unix milliseconds; until it is lifted where it is not said.
    #[serde(default)]
    pub until_at: Option<i64>,
}

/// What an operator tells of a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct LineStatus {
    /// The line's number, with or without the country's code.
    pub number: String,
    /// `assumedIdle`, `camelBusy`, `netDetNotReachable`, `notProvidedFromVLR` (3GPP any-time
    /// interrogation), `connected`, `absent` (home register) or `backInNetwork`.
    pub state: String,
    /// When it was so, Unix milliseconds; now where it is not said.
    #[serde(default)]
    pub at: Option<i64>,
}

/// A sentence the front end has in each language, and what goes into its gaps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Text {
    pub code: String,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub args: BTreeMap<String, String>,
}
