//! What a member may do in a room.

use serde::{Deserialize, Serialize};

/// A member's role.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Speaks, and steers the room.
    Moderator,
    /// Speaks and hears.
    #[default]
    Speaker,
    /// Only hears.
    Listener,
}

impl Role {
    /// Whether the room may hear this member.
    pub fn speaks(self) -> bool {
        match self {
            Self::Moderator | Self::Speaker => true,
            Self::Listener => false,
        }
    }
}
