//! Calls that employees make by themselves, to numbers outside, from their own lines.
//!
//! Nobody makes any unless the company says who. They are counted and paid for like those
//! of meetings, and each employee has a number of calls an hour, so that a stolen phone or
//! a copied SIM is stopped before it is dear.

use serde::{Deserialize, Serialize};

use super::{Limits, Over, Spent};
use crate::{
    number::PhoneNumber,
    time::{Millis, Span},
};

/// So many calls an hour, unless the company says otherwise.
pub const USUAL_AN_HOUR: u32 = 20;

/// Who of the company calls numbers outside from his own lines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnCalls {
    /// Those of these groups; everybody when none is named.
    #[serde(default)]
    pub groups: Vec<String>,
    /// So many calls an hour for each of them.
    pub an_hour: u32,
}

/// What is known of the employee who calls.
#[derive(Debug, Clone, Copy)]
pub struct Who<'a> {
    /// His group.
    pub group: Option<&'a str>,
    /// When he made his last calls outside.
    pub made_at: &'a [Millis],
}

/// Why his call is not made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OwnRefused {
    /// The company does not let him call outside.
    #[error("He may not call outside")]
    NotAllowed,
    /// He has called outside too often within an hour.
    #[error("He has made as many calls as he may within an hour")]
    TooMany,
    /// The company does not call there, or has called and spent enough today.
    #[error("It is over the company's limits: {0:?}")]
    Limit(Over),
}

impl Limits {
    /// Whether an employee may call this number from a line of his own now.
    pub fn check_own(
        &self,
        who: Who<'_>,
        number: &PhoneNumber,
        day: Spent,
        now: Millis,
    ) -> Result<(), OwnRefused> {
        let Some(own) = &self.own_calls else {
            return Err(OwnRefused::NotAllowed);
        };
        let named = |group: &str| own.groups.iter().any(|one| one == group);
        if !own.groups.is_empty() && !who.group.is_some_and(named) {
            return Err(OwnRefused::NotAllowed);
        }
        let since = now - Span::minutes(60);
        let lately = who.made_at.iter().filter(|at| **at > since).count();
        if u32::try_from(lately).unwrap_or(u32::MAX) >= own.an_hour {
            return Err(OwnRefused::TooMany);
        }
        // No meeting is concerned: its caps are not asked.
        let of_day = Limits {
            meeting: Default::default(),
            ..self.clone()
        };
        of_day
            .check(number, Spent::default(), day)
            .map_err(OwnRefused::Limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guard::{Cap, Prefix};

    const NOW: Millis = Millis(100_000_000);

    fn number() -> PhoneNumber {
        "+4930901820".parse().unwrap()
    }

    fn limits(groups: &[&str]) -> Limits {
        Limits {
            own_calls: Some(OwnCalls {
                groups: groups.iter().map(ToString::to_string).collect(),
                an_hour: 2,
            }),
            ..Limits::default()
        }
    }

    fn check(limits: &Limits, group: Option<&str>, made_at: &[Millis]) -> Result<(), OwnRefused> {
        let who = Who { group, made_at };
        limits.check_own(who, &number(), Spent::default(), NOW)
    }

    #[test]
    fn nobody_calls_outside_unless_the_company_says_who() {
        let refused = Err(OwnRefused::NotAllowed);
        assert_eq!(check(&Limits::default(), Some("Dealers"), &[]), refused);
        assert_eq!(check(&limits(&[]), None, &[]), Ok(()));
        assert_eq!(check(&limits(&["Dealers"]), Some("Dealers"), &[]), Ok(()));
        assert_eq!(check(&limits(&["Dealers"]), Some("Stock"), &[]), refused);
        assert_eq!(check(&limits(&["Dealers"]), None, &[]), refused);
    }

    #[test]
    fn whoever_called_often_waits_until_an_hour_has_passed() {
        let just_now = [NOW - Span::minutes(1), NOW - Span::minutes(59)];
        let limits = limits(&[]);
        assert_eq!(check(&limits, None, &just_now), Err(OwnRefused::TooMany));
        let before = [NOW - Span::minutes(1), NOW - Span::minutes(60)];
        assert_eq!(check(&limits, None, &before), Ok(()));
    }

    #[test]
    fn the_companys_destinations_and_its_day_hold_for_them_too() {
        let forbidden = Limits {
            forbidden: vec![Prefix::parse("+49").unwrap()],
            ..limits(&[])
        };
        assert_eq!(
            check(&forbidden, None, &[]),
            Err(OwnRefused::Limit(Over::Destination))
        );
        let full = Limits {
            day: Cap {
                calls: Some(0),
                price: None,
            },
            meeting: Cap {
                calls: Some(0),
                price: None,
            },
            ..limits(&[])
        };
        assert_eq!(
            check(&full, None, &[]),
            Err(OwnRefused::Limit(Over::DayCalls))
        );
    }
}
