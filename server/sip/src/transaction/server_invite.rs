//! The INVITE server transaction (RFC 3261 §17.2.1 with RFC 6026 §8.7).

use std::time::Instant;

use super::{PATIENCE, Resend, Step, T2, T4};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Ringing, for as long as the user of the transaction lets it.
    Proceeding,
    /// Timers G and H: a refusal is re-sent until it is acknowledged.
    Completed {
        resend: Option<Resend>,
        until: Instant,
    },
    /// Timer I: further ACKs are absorbed.
    Confirmed { until: Instant },
    /// Timer L: the 2xx is the call's to retransmit; repeated INVITEs are absorbed.
    Accepted { until: Instant },
}

impl State {
    pub fn deadline(&self) -> Option<Instant> {
        match *self {
            State::Proceeding => None,
            State::Completed { resend, until } => Some(resend.map_or(until, |r| r.at.min(until))),
            State::Confirmed { until } | State::Accepted { until } => Some(until),
        }
    }

    /// The user sends a response. False when a final one has gone before: nothing is sent.
    pub fn on_send(&mut self, status: u16, reliable: bool, now: Instant) -> bool {
        match (*self, status) {
            (State::Proceeding, ..200) => {}
            (State::Proceeding, 200..300) => {
                *self = State::Accepted {
                    until: now + PATIENCE,
                };
            }
            (State::Proceeding, 300..) => {
                *self = State::Completed {
                    resend: (!reliable).then(|| Resend::new(now, T2)),
                    until: now + PATIENCE,
                };
            }
            // The 2xx, sent again by the call.
            (State::Accepted { .. }, 200..300) => {}
            (State::Completed { .. } | State::Confirmed { .. } | State::Accepted { .. }, _) => {
                return false;
            }
        }
        true
    }

    /// The INVITE came again.
    pub fn on_repeat(&self) -> Vec<Step> {
        match self {
            State::Proceeding | State::Completed { .. } => vec![Step::Resend],
            State::Confirmed { .. } | State::Accepted { .. } => Vec::new(),
        }
    }

    /// An ACK that belongs to a refusal. One for a 2xx is the call's business.
    pub fn on_ack(&mut self, reliable: bool, now: Instant) {
        match self {
            State::Completed { .. } => {
                *self = State::Confirmed {
                    until: if reliable { now } else { now + T4 },
                };
            }
            State::Proceeding | State::Confirmed { .. } | State::Accepted { .. } => {}
        }
    }

    pub fn on_timeout(&mut self, now: Instant) -> Vec<Step> {
        match self {
            State::Completed { until, .. }
            | State::Confirmed { until }
            | State::Accepted { until }
                if *until <= now =>
            {
                vec![Step::Forget]
            }
            State::Completed {
                resend: Some(resend),
                ..
            } => resend.step(now),
            State::Proceeding
            | State::Completed { .. }
            | State::Confirmed { .. }
            | State::Accepted { .. } => Vec::new(),
        }
    }
}
