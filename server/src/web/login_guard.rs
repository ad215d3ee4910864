//! Slows down who guesses passwords, by account and by source, and never for
//! long: a stranger must not be able to lock somebody out of his own account.
//!
//! Pure: the time is an argument, and what is remembered is bounded.

use std::collections::BTreeMap;

use domain::{Millis, Span};

/// Wrong passwords in a row that cost nothing.
const FREE: u32 = 5;

/// The longest wait for one account, whoever guesses.
const LONGEST_FOR_ACCOUNT: Span = Span::seconds(60);

/// The longest wait for one source.
const LONGEST_FOR_SOURCE: Span = Span::minutes(15);

/// What is forgotten after so long a silence.
const FORGET_AFTER: Span = Span::minutes(60);

/// How many accounts and sources are remembered. Beyond it the one longest silent is forgotten.
const REMEMBERED: usize = 10_000;

#[derive(Debug, Default)]
pub(super) struct LoginGuard {
    failures: BTreeMap<Key, Failures>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Account(String),
    Source(String),
}

#[derive(Debug, Clone, Copy)]
struct Failures {
    count: u32,
    last: Millis,
}

impl LoginGuard {
    /// How long this source must still wait before it may try this account.
    pub(super) fn wait(&self, account: &str, source: &str, now: Millis) -> Option<Span> {
        keys(account, source)
            .into_iter()
            .filter_map(|key| {
                let failures = self.failures.get(&key)?;
                let left = failures.last + key.wait(failures.count) - now;
                (left > Span::ZERO).then_some(left)
            })
            .max()
    }

    pub(super) fn failed(&mut self, account: &str, source: &str, now: Millis) {
        for key in keys(account, source) {
            let failures = self.failures.entry(key).or_insert(Failures {
                count: 0,
                last: now,
            });
            if now - failures.last > FORGET_AFTER {
                failures.count = 0;
            }
            failures.count = failures.count.saturating_add(1);
            failures.last = now;
        }
        while self.failures.len() > REMEMBERED {
            let oldest = self
                .failures
                .iter()
                .min_by_key(|(_, failures)| failures.last);
            let Some(key) = oldest.map(|(key, _)| key.clone()) else {
                return;
            };
            self.failures.remove(&key);
        }
    }

    /// The right password: the account's guesses are forgiven. The source's are
    /// not, or one own account would pay for guessing at the others.
    pub(super) fn succeeded(&mut self, account: &str) {
        self.failures.remove(&Key::Account(account.to_owned()));
    }
}

fn keys(account: &str, source: &str) -> [Key; 2] {
    [
        Key::Account(account.to_owned()),
        Key::Source(source.to_owned()),
    ]
}

impl Key {
    /// One second after the first that is not free, then twice as long each time.
    fn wait(&self, count: u32) -> Span {
        let longest = match self {
            Self::Account(_) => LONGEST_FOR_ACCOUNT,
            Self::Source(_) => LONGEST_FOR_SOURCE,
        };
        match count.checked_sub(FREE) {
            None | Some(0) => Span::ZERO,
            Some(beyond) => Span::seconds(1_i64 << (beyond - 1).min(20)).min(longest),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Millis = Millis(1_000_000);

    fn guessed(times: u32) -> LoginGuard {
        let mut guard = LoginGuard::default();
        for _ in 0..times {
            guard.failed("a@example", "192.0.2.1", NOW);
        }
        guard
    }

    #[test]
    fn a_few_slips_cost_nothing_and_guessing_costs_ever_more() {
        assert_eq!(guessed(5).wait("a@example", "192.0.2.1", NOW), None);
        assert_eq!(
            guessed(6).wait("a@example", "192.0.2.1", NOW),
            Some(Span::seconds(1))
        );
        assert_eq!(
            guessed(9).wait("a@example", "192.0.2.1", NOW),
            Some(Span::seconds(8))
        );
        assert_eq!(
            guessed(9).wait("a@example", "192.0.2.1", NOW + Span::seconds(8)),
            None
        );
    }

    #[test]
    fn an_account_is_slowed_for_everyone_but_never_for_more_than_a_minute() {
        let guard = guessed(500);

        assert_eq!(
            guard.wait("a@example", "198.51.100.7", NOW),
            Some(Span::seconds(60))
        );
    }

    #[test]
    fn a_source_is_slowed_for_every_account() {
        let guard = guessed(500);

        assert_eq!(
            guard.wait("b@example", "192.0.2.1", NOW),
            Some(Span::minutes(15))
        );
        assert_eq!(guard.wait("b@example", "198.51.100.7", NOW), None);
    }

    #[test]
    fn the_right_password_forgives_the_account_and_not_the_source() {
        let mut guard = guessed(9);

        guard.succeeded("a@example");

        assert_eq!(guard.wait("a@example", "198.51.100.7", NOW), None);
        assert_eq!(
            guard.wait("a@example", "192.0.2.1", NOW),
            Some(Span::seconds(8))
        );
    }

    #[test]
    fn what_is_remembered_is_bounded_and_ages() {
        let mut guard = LoginGuard::default();
        for source in 0..20_000 {
            guard.failed("a@example", &source.to_string(), NOW + Span(source));
        }
        assert_eq!(guard.failures.len(), REMEMBERED);

        let mut guard = guessed(9);
        guard.failed("a@example", "192.0.2.1", NOW + FORGET_AFTER + Span(1));
        assert_eq!(
            guard.wait("a@example", "192.0.2.1", NOW + FORGET_AFTER + Span(1)),
            None
        );
    }
}
