//! The non-INVITE client transaction (RFC 3261 §17.1.2).

use std::time::Instant;

use super::{PATIENCE, Resend, Step, T2, T4};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Timers E and F. A provisional answer slows the retransmission down to T2.
    Trying {
        resend: Option<Resend>,
        until: Instant,
    },
    /// Timer K.
    Completed { until: Instant },
}

impl State {
    pub fn new(reliable: bool, now: Instant) -> Self {
        State::Trying {
            resend: (!reliable).then(|| Resend::new(now, T2)),
            until: now + PATIENCE,
        }
    }

    pub fn deadline(&self) -> Instant {
        match *self {
            State::Trying { resend, until } => resend.map_or(until, |r| r.at.min(until)),
            State::Completed { until } => until,
        }
    }

    pub fn on_response(&mut self, status: u16, reliable: bool, now: Instant) -> Vec<Step> {
        match self {
            State::Trying { resend, .. } if status < 200 => {
                if let Some(resend) = resend {
                    resend.interval = T2;
                    resend.at = now + T2;
                }
                vec![Step::Deliver]
            }
            State::Trying { .. } => {
                *self = State::Completed {
                    until: if reliable { now } else { now + T4 },
                };
                vec![Step::Deliver]
            }
            State::Completed { .. } => Vec::new(),
        }
    }

    pub fn on_timeout(&mut self, now: Instant) -> Vec<Step> {
        match self {
            State::Trying { until, .. } if *until <= now => vec![Step::TimedOut, Step::Forget],
            State::Completed { until } if *until <= now => vec![Step::Forget],
            State::Trying {
                resend: Some(resend),
                ..
            } => resend.step(now),
            State::Trying { .. } | State::Completed { .. } => Vec::new(),
        }
    }
}
