//! The INVITE client transaction (RFC 3261 §17.1.1 with RFC 6026 §8.4).

use std::time::{Duration, Instant};

use super::{PATIENCE, Resend, Step};

/// Timer C (RFC 3261 §16.6 step 11): a provisional answer buys this much time.
const RINGING_PATIENCE: Duration = Duration::from_secs(180);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Timers A and B run. Over a reliable transport, or once hushed, nothing is re-sent.
    Calling {
        resend: Option<Resend>,
        until: Instant,
    },
    /// Timer C, restarted by every provisional answer above 100.
    Proceeding { until: Instant },
    /// Timer D: finals that come again are acknowledged again.
    Completed { until: Instant },
    /// Timer M: further 2xx, from other forks or resent, are all delivered.
    Accepted { until: Instant },
}

impl State {
    pub fn new(reliable: bool, now: Instant) -> Self {
        State::Calling {
            resend: (!reliable).then(|| Resend::new(now, PATIENCE)),
            until: now + PATIENCE,
        }
    }

    pub fn deadline(&self) -> Instant {
        match *self {
            State::Calling { resend, until } => resend.map_or(until, |r| r.at.min(until)),
            State::Proceeding { until }
            | State::Completed { until }
            | State::Accepted { until } => until,
        }
    }

    /// Stops retransmitting: the call is not wanted any more, but may not be
    /// cancelled before something is heard (§9.1).
    pub fn hush(&mut self) {
        if let State::Calling { resend, .. } = self {
            *resend = None;
        }
    }

    pub fn on_response(&mut self, status: u16, reliable: bool, now: Instant) -> Vec<Step> {
        let completed = State::Completed {
            // Timer D is 0 where nothing can be retransmitted.
            until: if reliable { now } else { now + PATIENCE },
        };
        match (*self, status) {
            (State::Calling { .. } | State::Proceeding { .. }, ..200) => {
                *self = State::Proceeding {
                    until: now + RINGING_PATIENCE,
                };
                vec![Step::Deliver]
            }
            (State::Calling { .. } | State::Proceeding { .. }, 200..300) => {
                *self = State::Accepted {
                    until: now + PATIENCE,
                };
                vec![Step::Deliver]
            }
            (State::Calling { .. } | State::Proceeding { .. }, 300..) => {
                *self = completed;
                vec![Step::Acknowledge, Step::Deliver]
            }
            (State::Completed { .. }, 300..) => vec![Step::Acknowledge],
            (State::Accepted { .. }, 200..300) => vec![Step::Deliver],
            (State::Completed { .. } | State::Accepted { .. }, _) => Vec::new(),
        }
    }

    pub fn on_timeout(&mut self, now: Instant) -> Vec<Step> {
        match self {
            State::Calling { until, .. } | State::Proceeding { until } if *until <= now => {
                vec![Step::TimedOut, Step::Forget]
            }
            State::Completed { until } | State::Accepted { until } if *until <= now => {
                vec![Step::Forget]
            }
            State::Calling {
                resend: Some(resend),
                ..
            } => resend.step(now),
            State::Calling { .. }
            | State::Proceeding { .. }
            | State::Completed { .. }
            | State::Accepted { .. } => Vec::new(),
        }
    }
}
