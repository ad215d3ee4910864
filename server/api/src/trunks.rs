//! Trunks, and learning what their answers mean.

use serde::{Deserialize, Serialize};

use crate::{CalibrationCondition, Fingerprint, TrunkId, Useless};

/// A way to the telephone network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Trunk {
    pub id: TrunkId,
    pub name: String,
    pub state: TrunkState,
    /// What its answers were learnt to mean: counts before the cause and the code.
    #[serde(default)]
    pub learnt: Vec<Fingerprint>,
    /// The three test calls, as long as they are under way or not yet used.
    #[serde(default)]
    pub calibration: Option<Calibration>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum TrunkState {
    /// Registered, or, used without registration, seen to answer.
    Up,
    Down,
    Unknown,
}

/// Three calls whose truth is known: to a phone that is off, one that is busy, one nobody answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Calibration {
    pub started_at: i64,
    /// All three, in order.
    pub steps: Vec<CalibrationStep>,
    /// Two states that look the same over this trunk: what was learnt cannot be used.
    pub alike: Option<Alike>,
    /// All three are known and told apart: it may be used.
    pub ready: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Alike {
    pub one: CalibrationCondition,
    pub other: CalibrationCondition,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CalibrationStep {
    pub condition: CalibrationCondition,
    pub status: StepStatus,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum StepStatus {
    /// Not called yet.
    Open,
    Calling {
        number: String,
        since_at: i64,
    },
    Learnt {
        number: String,
        answer: Fingerprint,
    },
    /// The call taught nothing; it may be made again.
    Failed {
        number: String,
        at: i64,
        why: Useless,
    },
}

/// `POST /trunks/{id}/calibration/calls`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct TestCall {
    /// What is true of the phone now.
    pub condition: CalibrationCondition,
    pub number: String,
}
