//! Transactions: one request and its responses (RFC 3261 §17, RFC 6026).
//!
//! The four machines each live in a file of their own and know only time and
//! statuses; [`Transactions`] keeps them, matches messages to them and does what
//! they say.

mod client;
mod client_invite;
mod server;
mod server_invite;
mod table;

pub use table::{Absorbed, ClientKey, ServerKey, Transactions};

use std::time::{Duration, Instant};

/// Round-trip estimate; the first retransmission comes after it.
pub const T1: Duration = Duration::from_millis(500);
/// Longest interval between retransmissions of a non-INVITE or a final answer.
pub const T2: Duration = Duration::from_secs(4);
/// How long a message may live in the network.
pub const T4: Duration = Duration::from_secs(5);
/// Timers B, F, H, J, L, M and the wait for an ACK to a 2xx.
pub const PATIENCE: Duration = Duration::from_secs(32);

/// What a machine wants done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// Send the last message (request, or latest response) again.
    Resend,
    /// Acknowledge a final answer above 2xx.
    Acknowledge,
    /// Pass the response on to the user of the transaction.
    Deliver,
    /// Tell the user that nobody answered.
    TimedOut,
    /// Forget the transaction.
    Forget,
}

/// A retransmission that doubles its interval up to a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Resend {
    at: Instant,
    interval: Duration,
    limit: Duration,
}

impl Resend {
    fn new(now: Instant, limit: Duration) -> Self {
        Resend {
            at: now + T1,
            interval: T1,
            limit,
        }
    }

    /// Re-sends where it is due; then the next is planned, from the time it was due so
    /// that a late wake-up does not stretch the whole series.
    fn step(&mut self, now: Instant) -> Vec<Step> {
        if self.at > now {
            return Vec::new();
        }
        self.interval = (self.interval * 2).min(self.limit);
        self.at = (self.at + self.interval).max(now);
        vec![Step::Resend]
    }
}
