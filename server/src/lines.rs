//! All lines and what is known of them, for everyone who asks.
//!
//! The fusing of evidence is `domain::line`'s. Here the evidence of every
//! source comes together, whoever waits for a line hears that it freed or
//! returned, and whoever shows it hears that it looks different.
//!
//! Nothing here survives a restart, on purpose: registrations are restored from
//! their rows, calls are taken up again, and old outcomes have faded anyway.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use domain::{
    line::{Change, Detail, Evidence, Line, LineKey, LineState, Source},
    time::Millis,
};
use tokio::sync::broadcast;

use crate::clock;

/// Something about a line is new.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineNews {
    pub line: LineKey,
    /// What happened to it, if it is more than a new look.
    pub change: Option<Change>,
}

/// How many pieces of news a slow listener may be behind before it looks at all lines anew.
const BACKLOG: usize = 1024;

pub struct Lines {
    known: Mutex<Known>,
    news: broadcast::Sender<LineNews>,
}

struct Known {
    lines: BTreeMap<LineKey, Line>,
    steps: clock::Steps,
}

impl Default for Lines {
    fn default() -> Self {
        Lines {
            known: Mutex::new(Known {
                lines: BTreeMap::new(),
                steps: clock::steps(),
            }),
            news: broadcast::channel(BACKLOG).0,
        }
    }
}

impl Lines {
    /// What happens to any line from now on.
    pub fn news(&self) -> broadcast::Receiver<LineNews> {
        self.news.subscribe()
    }

    /// A copy of what is known of one line.
    pub fn line(&self, key: &LineKey) -> Line {
        self.lock().lines.get(key).cloned().unwrap_or_default()
    }

    pub fn add(&self, key: &LineKey, evidence: Evidence, now: Millis) {
        self.change(key, |line| line.add(evidence, now));
    }

    /// A source says nothing of the line any more.
    pub fn withdraw(&self, key: &LineKey, source: Source, now: Millis) {
        self.change(key, |line| {
            line.withdraw(source, now);
            None
        });
    }

    /// What a source said of the line goes on to count until then.
    pub fn prolong(&self, key: &LineKey, source: Source, until: Millis) {
        if let Some(line) = self.lock().lines.get_mut(key) {
            line.prolong(source, until);
        }
    }

    /// A wish for quiet that the phone itself told.
    pub fn set_dnd(&self, key: &LineKey, on: bool) {
        self.change(key, |line| {
            line.set_dnd(on, None);
            None
        });
    }

    /// The line itself gave a sign of life.
    pub fn seen(&self, key: &LineKey, now: Millis) {
        self.change(key, |line| line.seen(now));
    }

    /// A call of ours with the line, under a key of the caller's, is now in this state.
    pub fn call(&self, key: &LineKey, call: &str, state: LineState, now: Millis, detail: Detail) {
        self.change(key, |line| line.call(call, state, now, detail));
    }

    pub fn call_ended(&self, key: &LineKey, call: &str, now: Millis) {
        self.change(key, |line| line.call_ended(call, now));
    }

    /// Tells of the lines whose look has changed by time alone since `before`,
    /// and forgets what has faded. Returns when to look again.
    pub fn fade(&self, before: Millis, now: Millis) -> Option<Millis> {
        let mut next = None;
        let mut faded = Vec::new();
        for (key, line) in self.lock().lines.iter_mut() {
            let looks_different = line.next_change(before).is_some_and(|at| at <= now);
            let change = line.prune(now);
            if looks_different || change.is_some() {
                faded.push((key.clone(), change));
            }
            next = [next, line.next_change(now)].into_iter().flatten().min();
        }
        for (line, change) in faded {
            self.tell(line, change);
        }
        next
    }

    fn change(&self, key: &LineKey, act: impl FnOnce(&mut Line) -> Option<Change>) {
        let change = act(self.lock().lines.entry(key.clone()).or_default());
        self.tell(key.clone(), change);
    }

    fn tell(&self, line: LineKey, change: Option<Change>) {
        // Nobody listening is nobody to tell.
        _ = self.news.send(LineNews { line, change });
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        // Each change is whole or has not begun: a panic elsewhere spoils nothing.
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        // Or whatever is said from now on would be older than what was said.
        if let Some(by) = known.steps.take() {
            for line in known.lines.values_mut() {
                line.on_clock_set_back(by);
            }
        }
        known
    }
}
