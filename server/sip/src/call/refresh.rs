//! Neither side waits for ever for a BYE that was lost: session timers (RFC 4028), and
//! where the peer wants none, a question from time to time whether it is still there.

use std::time::{Duration, Instant};

use super::headers::{Refresher, session_expires};
use crate::message::Headers;

/// When something must be heard, and who must see to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionTimer {
    interval: Duration,
    pub duty: Duty,
    at: Instant,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Duty {
    /// We agreed to refresh the session.
    Refresh,
    /// They agreed to; when they do not, it is over.
    Watch,
    /// Nothing was agreed: we ask by OPTIONS.
    Probe,
}

impl SessionTimer {
    fn new(interval: Duration, duty: Duty, now: Instant) -> Self {
        let interval = interval.max(Duration::from_secs(1));
        let wait = match duty {
            Duty::Refresh | Duty::Probe => interval / 2,
            // The refresh may come late by this much (§10).
            Duty::Watch => interval - (interval / 3).min(Duration::from_secs(32)),
        };
        SessionTimer {
            interval,
            duty,
            at: now + wait,
        }
    }

    /// Without an agreement: half of `interval` from now we ask.
    pub fn probing(interval: Duration, now: Instant) -> Self {
        SessionTimer::new(interval, Duty::Probe, now)
    }

    /// From the answer to our request; `interval` is for a peer that wants no timer.
    pub fn of_answer(headers: &Headers, interval: Duration, now: Instant) -> Self {
        match session_expires(headers) {
            Some((agreed, Some(Refresher::Uas))) => SessionTimer::new(agreed, Duty::Watch, now),
            Some((agreed, Some(Refresher::Uac) | None)) => {
                SessionTimer::new(agreed, Duty::Refresh, now)
            }
            None => SessionTimer::probing(interval, now),
        }
    }

    /// For a request of the peer, with the `Session-Expires` to answer where it has one.
    pub fn of_request(
        headers: &Headers,
        interval: Duration,
        now: Instant,
    ) -> (Self, Option<String>) {
        let Some((asked, refresher)) = session_expires(headers) else {
            return (SessionTimer::probing(interval, now), None);
        };
        let they_can = headers.lists("Supported", "timer");
        let (duty, name) = match refresher {
            Some(Refresher::Uas) => (Duty::Refresh, "uas"),
            Some(Refresher::Uac) | None if they_can => (Duty::Watch, "uac"),
            Some(Refresher::Uac) | None => (Duty::Refresh, "uas"),
        };
        let answer = format!("{};refresher={name}", asked.as_secs());
        (SessionTimer::new(asked, duty, now), Some(answer))
    }

    /// Writes the agreement into our answer.
    pub fn announce(&self, answer: Option<String>, headers: &mut Headers) {
        if let Some(answer) = answer {
            headers.push("Session-Expires", &answer);
            if self.duty == Duty::Watch {
                headers.push("Require", "timer");
            }
        }
    }

    pub fn deadline(&self) -> Instant {
        self.at
    }

    /// `Session-Expires` for a request of ours, in which we are the client.
    pub fn wish(&self) -> Option<String> {
        let refresher = match self.duty {
            Duty::Refresh => "uac",
            Duty::Watch => "uas",
            Duty::Probe => return None,
        };
        Some(format!("{};refresher={refresher}", self.interval.as_secs()))
    }

    /// Puts off the next refresh while one is under way, or the next question.
    pub fn put_off(&mut self, now: Instant) {
        let wait = match self.duty {
            Duty::Refresh | Duty::Watch => self.interval / 4,
            Duty::Probe => self.interval / 2,
        };
        self.at = now + wait.max(Duration::from_secs(1));
    }
}
