//! `rollcall simulate` as a process of its own, and what its lines live through.

use std::{
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Stdio},
    sync::{Arc, Condvar, Mutex, PoisonError},
    thread,
    time::{SystemTime, UNIX_EPOCH},
};

use serde_json::Value;

use crate::{server, wait};

pub struct Simulator {
    child: Child,
    events: Arc<Events>,
    _turn: Turn,
}

/// Phones that play in real time do not share the machine: within one test process they
/// take turns. (nextest runs a process per test, and has a group for it.)
struct Turn;

static TAKEN: Mutex<bool> = Mutex::new(false);
static GIVEN_BACK: Condvar = Condvar::new();

impl Turn {
    fn take() -> Self {
        // Whoever panicked with it has given it back all the same.
        let taken = TAKEN.lock().unwrap_or_else(PoisonError::into_inner);
        let mut taken = GIVEN_BACK
            .wait_while(taken, |taken| *taken)
            .unwrap_or_else(PoisonError::into_inner);
        *taken = true;
        Turn
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        *TAKEN.lock().unwrap_or_else(PoisonError::into_inner) = false;
        GIVEN_BACK.notify_one();
    }
}

/// What happened so far, and a bell that rings at each.
#[derive(Default)]
struct Events {
    so_far: Mutex<Vec<Value>>,
    bell: Condvar,
}

impl Simulator {
    /// Plays the script until the value goes; returns when all lines are at their places.
    /// Waits while another plays.
    pub fn start(lines: &Path, server: SocketAddr, trunk: SocketAddr) -> Self {
        let turn = Turn::take();
        let mut child = Command::new(server::binary())
            .arg("simulate")
            .arg("--lines")
            .arg(lines)
            .args(["--server", &server.to_string()])
            .args(["--trunk-listen", &trunk.to_string()])
            .arg("--events")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the binary runs");
        let output = child.stdout.take().expect("it was asked for");
        let events = Arc::new(Events::default());
        let store = Arc::clone(&events);
        thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                let mut event: Value =
                    serde_json::from_str(&line).expect("the simulator writes JSON");
                event["received_ms"] = Value::from(unix_ms());
                store
                    .so_far
                    .lock()
                    .expect("readers do not panic")
                    .push(event);
                store.bell.notify_all();
            }
        });
        let simulator = Self {
            child,
            events,
            _turn: turn,
        };
        wait::until("the simulator to be ready", wait::LONG, || {
            (simulator.count("ready", |_| true) > 0).then_some(())
        });
        simulator
    }

    /// All that has happened to a line, in order.
    pub fn of(&self, line: &str) -> Vec<Value> {
        let events = self
            .events
            .so_far
            .lock()
            .expect("the reader does not panic");
        events
            .iter()
            .filter(|event| event["line"] == line)
            .cloned()
            .collect()
    }

    /// How many calls a line is in, or is rung by.
    pub fn up(&self, line: &str) -> usize {
        let of = self.of(line);
        let begun = |event: &&Value| event["event"] == "invited" || event["event"] == "calling";
        let over = |event: &&Value| event["event"] == "released" || event["event"] == "rejected";
        let count = of.iter().filter(begun).count();
        count.saturating_sub(of.iter().filter(over).count())
    }

    /// Waits until that many things of these kinds have happened since the last [`Self::forget`],
    /// and returns at that very moment.
    pub fn wait_for_happenings(&self, kinds: &[&str], many: usize) {
        let events = self
            .events
            .so_far
            .lock()
            .expect("the reader does not panic");
        let too_few = |events: &mut Vec<Value>| {
            let of_them = |event: &&Value| kinds.iter().any(|kind| event["event"] == *kind);
            events.iter().filter(of_them).count() < many
        };
        let (events, waited) = self
            .events
            .bell
            .wait_timeout_while(events, wait::LONG, too_few)
            .expect("the reader does not panic");
        drop(events);
        assert!(!waited.timed_out(), "{many} of {kinds:?} did not happen");
    }

    /// Forgets what has happened so far.
    pub fn forget(&self) {
        self.events
            .so_far
            .lock()
            .expect("the reader does not panic")
            .clear();
    }

    /// How often a line was called, told by distinct Call-IDs.
    pub fn times_called(&self, line: &str) -> usize {
        self.of(line)
            .iter()
            .filter(|event| event["event"] == "invited")
            .filter_map(|event| event["call_id"].as_str().map(str::to_owned))
            .collect::<std::collections::BTreeSet<_>>()
            .len()
    }

    /// Waits until the line has registered.
    pub fn wait_for_registration(&self, line: &str) {
        wait::until(format!("{line} to register"), wait::LONG, || {
            (self.count("registered", |event| event["line"] == line) > 0).then_some(())
        });
    }

    fn count(&self, kind: &str, is_so: impl Fn(&Value) -> bool) -> usize {
        let events = self
            .events
            .so_far
            .lock()
            .expect("the reader does not panic");
        events
            .iter()
            .filter(|event| event["event"] == kind && is_so(event))
            .count()
    }
}

/// When something was heard of, by the machine's clock.
fn unix_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(0))
}

impl Drop for Simulator {
    fn drop(&mut self) {
        // Gone already is what was wanted.
        _ = self.child.kill();
        _ = self.child.wait();
    }
}
