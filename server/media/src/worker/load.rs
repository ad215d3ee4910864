//! How busy a media thread is, and what encoding may therefore cost.
//!
//! Hundreds of greetings at once are hundreds of encoders: with Opus at full effort that
//! is more than a thread can do in time. Audio that comes too late is lost for everyone on the
//! thread, audio that is encoded with less effort is hardly worse for anyone.

use std::time::{Duration, Instant};

use mixer::codec::opus::Effort;

/// How long is measured before something is changed.
const WINDOW: Duration = Duration::from_millis(200);
/// Busy for more than this share of the time, the effort is lowered by a step.
const BUSY: f64 = 0.6;
/// Busy for less than this, it may be raised again: a step up doubles the cost at most.
const IDLE: f64 = 0.25;
/// So many windows in a row must be idle before it is: 5 s.
const IDLE_WINDOWS: u32 = 25;

/// Measures one thread.
#[derive(Debug)]
pub struct Load {
    effort: Effort,
    since: Instant,
    busy: Duration,
    missed: bool,
    idle: u32,
}

impl Load {
    pub fn new(now: Instant) -> Self {
        Self {
            effort: Effort::Full,
            since: now,
            busy: Duration::ZERO,
            missed: false,
            idle: 0,
        }
    }

    pub fn effort(&self) -> Effort {
        self.effort
    }

    /// The thread has ticked rooms for so long until `now`, and had missed frames before.
    /// Yields the effort when it has changed.
    pub fn note(&mut self, busy: Duration, missed: bool, now: Instant) -> Option<Effort> {
        self.busy += busy;
        self.missed |= missed;
        let passed = now.saturating_duration_since(self.since);
        if passed < WINDOW {
            return None;
        }
        let share = self.busy.as_secs_f64() / passed.as_secs_f64();
        let before = self.effort;
        if share > BUSY {
            self.idle = 0;
            self.effort = if self.missed {
                Effort::Least
            } else {
                lower(before)
            };
        } else if share < IDLE {
            self.idle += 1;
            if self.idle >= IDLE_WINDOWS {
                self.idle = 0;
                self.effort = higher(before);
            }
        } else {
            self.idle = 0;
        }
        (self.since, self.busy, self.missed) = (now, Duration::ZERO, false);
        (self.effort != before).then_some(self.effort)
    }
}

fn lower(effort: Effort) -> Effort {
    match effort {
        Effort::Full => Effort::Less,
        Effort::Less | Effort::Least => Effort::Least,
    }
}

fn higher(effort: Effort) -> Effort {
    match effort {
        Effort::Least => Effort::Less,
        Effort::Less | Effort::Full => Effort::Full,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lets so many frames pass, each of them this busy; what changed.
    fn frames(
        load: &mut Load,
        now: &mut Instant,
        count: u32,
        busy_ms: u64,
        missed: bool,
    ) -> Vec<Effort> {
        (0..count)
            .filter_map(|_| {
                *now += mixer::FRAME;
                load.note(Duration::from_millis(busy_ms), missed, *now)
            })
            .collect()
    }

    #[test]
    fn a_busy_thread_encodes_with_less_effort_and_with_more_again_when_it_has_time() {
        let mut now = Instant::now();
        let mut load = Load::new(now);
        assert_eq!(frames(&mut load, &mut now, 50, 8, false), []);
        let lowered = frames(&mut load, &mut now, 20, 15, false);
        assert_eq!(lowered, [Effort::Less, Effort::Least]);
        assert_eq!(frames(&mut load, &mut now, 100, 8, false), []);
        let raised = frames(&mut load, &mut now, 500, 2, false);
        assert_eq!(raised, [Effort::Less, Effort::Full]);
    }

    #[test]
    fn a_thread_too_late_already_gives_up_beauty_at_once() {
        let mut now = Instant::now();
        let mut load = Load::new(now);
        let lowered = frames(&mut load, &mut now, 10, 19, true);
        assert_eq!(lowered, [Effort::Least]);
    }

    #[test]
    fn a_thread_woken_late_but_with_little_to_do_changes_nothing() {
        let mut now = Instant::now();
        let mut load = Load::new(now);
        assert_eq!(frames(&mut load, &mut now, 100, 1, true), []);
        assert_eq!(load.effort(), Effort::Full);
    }
}
