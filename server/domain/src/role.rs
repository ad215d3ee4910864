//! What a member may do in a room, and who gets that by what he calls from and dials.

use crate::number::PhoneNumber;
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

/// A role for whoever comes this way. Of several grants the first that fits counts;
/// the list of a meeting goes before them all, and a moderator's PIN after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// Who.
    pub who: Who,
    /// Only by this number; by any when none is set.
    #[serde(default)]
    pub dialled: Option<PhoneNumber>,
    /// As what.
    pub role: Role,
}

/// Whom a grant is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Who {
    /// Whoever calls.
    Anyone,
    /// An employee, on a line of his own that proves it.
    Employee,
    /// An employee of this group, likewise.
    Group(String),
}

/// How somebody comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Approach<'a> {
    /// Whether his line is an employee's own.
    pub employee: bool,
    /// His group.
    pub group: Option<&'a str>,
    /// The city number he dialled.
    pub dialled: Option<&'a PhoneNumber>,
}

impl Approach<'_> {
    /// The role that the grants give him; none when none fits.
    pub fn granted(&self, grants: &[Grant]) -> Option<Role> {
        let fits = |grant: &&Grant| {
            let who = match &grant.who {
                Who::Anyone => true,
                Who::Employee => self.employee,
                Who::Group(group) => self.employee && self.group == Some(group.as_str()),
            };
            let number = match (&grant.dialled, self.dialled) {
                (None, _) => true,
                (Some(wanted), Some(dialled)) => wanted.same_line(dialled),
                (Some(_), None) => false,
            };
            who && number
        };
        grants.iter().find(fits).map(|grant| grant.role)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> PhoneNumber {
        PhoneNumber::parse(text).unwrap()
    }

    #[test]
    fn the_first_grant_that_fits_counts() {
        let event = number("+74951204041");
        let grants = [
            Grant {
                who: Who::Group("Board".to_owned()),
                dialled: None,
                role: Role::Moderator,
            },
            Grant {
                who: Who::Employee,
                dialled: None,
                role: Role::Speaker,
            },
            Grant {
                who: Who::Anyone,
                dialled: Some(event.clone()),
                role: Role::Listener,
            },
        ];
        let stranger = Approach::default();
        let colleague = Approach {
            employee: true,
            group: Some("Drivers"),
            dialled: Some(&event),
        };
        let of_board = Approach {
            group: Some("Board"),
            ..colleague
        };
        let dialled = Approach {
            dialled: Some(&event),
            ..stranger
        };
        let pretender = Approach {
            employee: false,
            ..of_board
        };

        assert_eq!(of_board.granted(&grants), Some(Role::Moderator));
        assert_eq!(colleague.granted(&grants), Some(Role::Speaker));
        assert_eq!(dialled.granted(&grants), Some(Role::Listener));
        assert_eq!(pretender.granted(&grants), Some(Role::Listener));
        assert_eq!(stranger.granted(&grants), None);
    }
}
