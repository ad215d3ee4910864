//! What the board says of somebody who is not here: why, what next, which try.

use super::{Invitation, Next, Standing, Status, Why};
use crate::{outcome::Outcome, rules::RetryRules};

impl Invitation {
    /// What the board says of him under these rules.
    pub fn standing(&self, rules: &RetryRules) -> Standing {
        let (try_number, tries_allowed) = match self.status {
            Status::Waiting { why, .. } | Status::Calling { why, .. } => self.tries(why, rules),
            Status::Held { .. } | Status::InRoom { .. } | Status::Finished { .. } => {
                (self.attempts, None)
            }
        };
        Standing {
            reason: self.last.map(|last| last.result.outcome),
            next: self.next(rules, try_number, tries_allowed),
            try_number,
            tries_allowed,
        }
    }

    /// Which try is due or under way, and how many there may be.
    ///
    /// A call on the event belongs to the rule of what he was before.
    fn tries(&self, why: Why, rules: &RetryRules) -> (u32, Option<u32>) {
        let times = |outcome| self.tally.outcomes.get(&outcome).copied().unwrap_or(0);
        let any = (
            self.attempts + u32::from(matches!(self.status, Status::Waiting { .. })),
            None,
        );
        match why {
            Why::Offline => (times(Outcome::Offline) + 1, Some(rules.offline.tries + 1)),
            Why::NoAnswer => {
                let waits = u32::try_from(rules.no_answer.waits_ms.len()).unwrap_or(u32::MAX);
                (times(Outcome::NoAnswer) + 1, Some(waits.saturating_add(1)))
            }
            Why::NotConfirmed => (
                times(Outcome::NotConfirmed) + 1,
                Some(rules.not_confirmed.tries + 1),
            ),
            Why::Dropped => (times(Outcome::Dropped), Some(rules.dropped.tries)),
            Why::First
            | Why::Busy
            | Why::Network
            | Why::NextLine
            | Why::NextTrunk
            | Why::NextCodec
            | Why::AskedLater
            | Why::AtStart
            | Why::Organiser
            | Why::LineFreed
            | Why::LineReturned
            | Why::AlreadyCalled
            | Why::QuietHours
            | Why::DoNotDisturb
            | Why::NoChannel
            | Why::Lost => any,
        }
    }

    fn next(&self, rules: &RetryRules, try_number: u32, tries_allowed: Option<u32>) -> Next {
        let is_last = tries_allowed.is_some_and(|allowed| try_number >= allowed);
        match self.status {
            Status::Calling { .. } => Next::GiveUpRinging,
            Status::Held { .. } => Next::JoinAtStart,
            Status::InRoom { .. } => Next::Here,
            Status::Finished { .. } => Next::Nothing,
            Status::Waiting { why, .. } => match why {
                Why::Busy | Why::LineFreed => Next::UntilIn,
                Why::Offline if is_last => Next::ThenLastAct(rules.offline.last_act),
                Why::Offline | Why::LineReturned => Next::AtOnceWhenBack,
                Why::NoAnswer if is_last => Next::ThenLastAct(rules.no_answer.last_act),
                Why::NoAnswer | Why::NotConfirmed | Why::Dropped if !is_last => Next::TryAgain,
                Why::NotConfirmed => Next::ThenLastAct(rules.not_confirmed.last_act),
                Why::Dropped => Next::ThenLastAct(rules.dropped.last_act),
                Why::NoAnswer | Why::Network => Next::TryAgain,
                Why::AtStart => Next::AtStart,
                Why::AlreadyCalled | Why::QuietHours | Why::DoNotDisturb | Why::NoChannel => {
                    Next::WhenAllowed
                }
                Why::First
                | Why::NextLine
                | Why::NextTrunk
                | Why::NextCodec
                | Why::AskedLater
                | Why::Organiser
                | Why::Lost => Next::Call,
            },
        }
    }
}
