//! How one attempt ended.

use serde::{Deserialize, Serialize};

/// What an attempt came to. Final: an outcome never changes and never ages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Somebody, or something, picked up and went the whole way.
    Answered,
    /// Talking to somebody else.
    Busy,
    /// Switched off, out of reach, or not registered.
    Offline,
    /// It rang and nobody came.
    NoAnswer,
    /// The person refused.
    Declined,
    /// Picked up, but no key was pressed: most likely a machine.
    NotConfirmed,
    /// The call broke off.
    Dropped,
    /// There is no such number.
    Invalid,
    /// The way to the person failed, not the person.
    Network,
    /// Nothing can be said.
    Unknown,
}
