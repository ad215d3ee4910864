//! Session timers: neither side waits for ever for a BYE that was lost (RFC 4028).

use std::time::{Duration, Instant};

use super::headers::{Refresher, session_expires};
use crate::message::Headers;

/// When the session must be refreshed, or ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionTimer {
    interval: Duration,
    pub we_refresh: bool,
    at: Instant,
}

impl SessionTimer {
    fn new(interval: Duration, we_refresh: bool, now: Instant) -> Self {
        let wait = match we_refresh {
            true => interval / 2,
            // The refresh may come late by this much (§10).
            false => interval - (interval / 3).min(Duration::from_secs(32)),
        };
        SessionTimer {
            interval,
            we_refresh,
            at: now + wait,
        }
    }

    /// From the answer to our request. `None` when the peer wants no timer.
    pub fn of_answer(headers: &Headers, now: Instant) -> Option<Self> {
        let (interval, refresher) = session_expires(headers)?;
        Some(SessionTimer::new(
            interval.max(Duration::from_secs(1)),
            refresher != Some(Refresher::Uas),
            now,
        ))
    }

    /// For a request of the peer, with what to answer it.
    pub fn of_request(headers: &Headers, now: Instant) -> Option<(Self, String)> {
        let (interval, refresher) = session_expires(headers)?;
        let they_can = headers.lists("Supported", "timer");
        let refresher = match refresher {
            Some(Refresher::Uas) => Refresher::Uas,
            Some(Refresher::Uac) | None if they_can => Refresher::Uac,
            Some(Refresher::Uac) | None => Refresher::Uas,
        };
        let timer = SessionTimer::new(interval, refresher == Refresher::Uas, now);
        let name = match refresher {
            Refresher::Uac => "uac",
            Refresher::Uas => "uas",
        };
        Some((timer, format!("{};refresher={name}", interval.as_secs())))
    }

    pub fn deadline(&self) -> Instant {
        self.at
    }

    /// `Session-Expires` for a refresh of ours, in which we are the client.
    pub fn wish(&self) -> String {
        let refresher = if self.we_refresh { "uac" } else { "uas" };
        format!("{};refresher={refresher}", self.interval.as_secs())
    }

    /// Puts off the next refresh while one is under way.
    pub fn put_off(&mut self, now: Instant) {
        self.at = now + (self.interval / 4).max(Duration::from_secs(1));
    }
}
