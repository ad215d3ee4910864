//! Waiting for something to happen, with a deadline.
//!
//! A test never assumes that something has happened after a while: it asks until it
//! has. The deadline is generous, because it is only ever reached by a failure.

use std::{
    fmt::Display,
    thread,
    time::{Duration, Instant},
};

/// Longer than anything takes on a slow and busy machine.
pub const LONG: Duration = Duration::from_secs(60);

/// Asks until there is an answer; panics after `within`, saying what was waited for.
pub fn until<T>(what: impl Display, within: Duration, mut ask: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + within;
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(
            Instant::now() < deadline,
            "Waited {} s in vain for: {what}",
            within.as_secs()
        );
        thread::sleep(Duration::from_millis(40));
    }
}
