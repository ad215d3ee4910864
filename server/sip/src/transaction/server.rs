//! The non-INVITE server transaction (RFC 3261 §17.2.2).

use std::time::Instant;

use super::{PATIENCE, Step};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Not yet answered; a repeated request is absorbed.
    Trying { until: Instant },
    /// Timer J: a repeated request gets the same answer.
    Completed { until: Instant },
}

impl State {
    pub fn new(now: Instant) -> Self {
        State::Trying {
            until: now + PATIENCE,
        }
    }

    pub fn deadline(&self) -> Instant {
        match *self {
            State::Trying { until } | State::Completed { until } => until,
        }
    }

    /// False when a final response has gone before: nothing is sent.
    pub fn on_send(&mut self, status: u16, reliable: bool, now: Instant) -> bool {
        match self {
            State::Trying { .. } if status >= 200 => {
                *self = State::Completed {
                    until: if reliable { now } else { now + PATIENCE },
                };
                true
            }
            State::Trying { .. } => true,
            State::Completed { .. } => false,
        }
    }

    pub fn on_repeat(&self) -> Vec<Step> {
        match self {
            State::Trying { .. } => Vec::new(),
            State::Completed { .. } => vec![Step::Resend],
        }
    }

    pub fn on_timeout(&mut self, now: Instant) -> Vec<Step> {
        match self {
            State::Trying { until } | State::Completed { until } if *until <= now => {
                vec![Step::Forget]
            }
            State::Trying { .. } | State::Completed { .. } => Vec::new(),
        }
    }
}
