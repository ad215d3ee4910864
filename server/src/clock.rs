//! The one place that reads the wall clock.
//!
//! Everything that decides takes `now` as an argument; the tasks around it ask
//! here. Waits are taken in short steps, so that a wall clock that jumps
//! forward (or a laptop that slept) is noticed within a second, and one that
//! jumps back merely makes us look again.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use domain::time::Millis;

/// The longest a task sleeps before it looks at the wall clock again.
const GLANCE: Duration = Duration::from_secs(1);

/// Now, as Unix milliseconds in UTC.
pub fn now() -> Millis {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// Sleeps until the wall clock shows `due`, or for a second at most: waking
/// early is harmless by construction, waking late is not. `None` never wakes.
pub async fn glance_at(due: Option<Millis>) {
    match due {
        Some(due) => {
            let left = u64::try_from(due.0.saturating_sub(now().0)).unwrap_or(0);
            tokio::time::sleep(Duration::from_millis(left).min(GLANCE)).await;
        }
        None => std::future::pending().await,
    }
}

/// Ten random bytes, as a version 7 UUID takes them.
pub fn random() -> [u8; 10] {
    let mut bytes = [0; 10];
    getrandom::fill(&mut bytes).expect("The operating system has randomness");
    bytes
}
