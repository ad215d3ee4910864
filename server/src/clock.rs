//! The one place that reads the wall clock.
//!
//! Everything that decides takes `now` as an argument; the tasks around it ask
//! here. Waits are taken in short steps, so that a wall clock that jumps
//! forward (or a laptop that slept) is noticed within a second.
//!
//! One that is set back is noticed by the first reading, against the clock that
//! only goes on. Whoever keeps times that say "so long after that" hears of it
//! through [`Steps`] and moves them along; what the plan says is an hour of the
//! wall clock and stays.

use std::{
    sync::{LazyLock, Mutex, PoisonError},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use domain::{Span, time::Millis};
use tokio::sync::watch;

/// The longest a task sleeps before it looks at the wall clock again.
const GLANCE: Duration = Duration::from_secs(1);

/// A wall clock this much behind where it should be was set, and does not drift.
const STEP: Span = Span::seconds(1);

/// A reading that took longer was interrupted and says nothing of how the clocks stand.
const TOO_LONG: Duration = Duration::from_millis(100);

static BEGAN: LazyLock<Instant> = LazyLock::new(Instant::now);
static STANDING: Mutex<Standing> = Mutex::new(Standing::new());
static SET_BACK: LazyLock<watch::Sender<Span>> = LazyLock::new(|| watch::Sender::new(Span::ZERO));

/// How the wall clock stands to the one that only goes on.
#[derive(Debug)]
struct Standing {
    /// Wall clock less the other, ms; none before the first reading.
    ahead: Option<i64>,
    /// By how much the wall clock was set back in all.
    back: Span,
}

impl Standing {
    const fn new() -> Self {
        Standing {
            ahead: None,
            back: Span::ZERO,
        }
    }

    /// The wall clock showed `wall` between these two. True if it was set back before.
    fn on_reading(&mut self, before: Duration, wall: Millis, after: Duration) -> bool {
        if after - before > TOO_LONG {
            return false;
        }
        let ahead = wall.0 - i64::try_from(after.as_millis()).unwrap_or(i64::MAX);
        let by = Span(self.ahead.replace(ahead).map_or(0, |known| known - ahead));
        let is_step = by >= STEP;
        if is_step {
            self.back = Span(self.back.0 + by.0);
        }
        is_step
    }
}

/// Now, as Unix milliseconds in UTC.
pub fn now() -> Millis {
    let mut standing = STANDING.lock().unwrap_or_else(PoisonError::into_inner);
    let before = BEGAN.elapsed();
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let now = Millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX));
    if standing.on_reading(before, now, BEGAN.elapsed()) {
        SET_BACK.send_replace(standing.back);
    }
    now
}

/// Hears of each time the wall clock is set back.
pub struct Steps {
    heard: watch::Receiver<Span>,
    taken: Span,
}

/// Of those to come.
pub fn steps() -> Steps {
    let heard = SET_BACK.subscribe();
    let taken = *heard.borrow();
    Steps { heard, taken }
}

impl Steps {
    /// Wakes when it was set back.
    pub async fn stepped(&mut self) {
        if self.heard.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// By how much it was set back since this was asked last.
    pub fn take(&mut self) -> Option<Span> {
        now();
        let back = *self.heard.borrow_and_update();
        let by = Span(back.0 - self.taken.0);
        self.taken = back;
        (by > Span::ZERO).then_some(by)
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads a wall clock that shows this, so many milliseconds after the beginning.
    fn read(standing: &mut Standing, after_ms: u64, wall: i64) -> bool {
        let at = Duration::from_millis(after_ms);
        standing.on_reading(at, Millis(wall), at)
    }

    #[test]
    fn a_clock_that_is_set_back_is_noticed_by_the_first_reading() {
        let mut standing = Standing::new();
        assert!(!read(&mut standing, 0, 1_000_000));
        assert!(!read(&mut standing, 500, 1_000_500));

        assert!(read(&mut standing, 700, 640_700));

        assert_eq!(standing.back, Span::seconds(360));
        assert!(!read(&mut standing, 900, 640_900), "once");
        assert!(!read(&mut standing, 950, 9_000_000), "a jump forward");
        assert!(read(&mut standing, 960, 8_990_010), "and some of it back");
        assert_eq!(standing.back, Span::seconds(370));
    }

    #[test]
    fn a_clock_that_is_slewed_was_not_set() {
        let mut standing = Standing::new();
        for second in 0..1_000 {
            // By 0.9 s in each second, which is more than any program slews.
            let wall = i64::try_from(second).unwrap() * 100;
            assert!(!read(&mut standing, second * 1_000, wall), "{second}");
        }
    }

    #[test]
    fn a_reading_that_was_interrupted_says_nothing() {
        let mut standing = Standing::new();
        read(&mut standing, 0, 1_000_000);
        let (before, after) = (Duration::from_secs(1), Duration::from_secs(9));

        assert!(!standing.on_reading(before, Millis(1_001_000), after));

        assert!(!read(&mut standing, 9_100, 1_009_100));
    }
}
