//! `rollcall simulate` as a process of its own, and what its lines live through.

use std::{
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    thread,
};

use serde_json::Value;

use crate::{server, wait};

pub struct Simulator {
    child: Child,
    events: Arc<Mutex<Vec<Value>>>,
}

impl Simulator {
    /// Plays the script until the value goes; returns when all lines are at their places.
    pub fn start(lines: &Path, server: SocketAddr, trunk: SocketAddr) -> Self {
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
        let events = Arc::new(Mutex::new(Vec::new()));
        let store = Arc::clone(&events);
        thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                let event = serde_json::from_str(&line).expect("the simulator writes JSON");
                store.lock().expect("readers do not panic").push(event);
            }
        });
        let simulator = Self { child, events };
        wait::until("the simulator to be ready", wait::LONG, || {
            (simulator.count("ready", |_| true) > 0).then_some(())
        });
        simulator
    }

    /// All that has happened to a line, in order.
    pub fn of(&self, line: &str) -> Vec<Value> {
        let events = self.events.lock().expect("the reader does not panic");
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

    /// Forgets what has happened so far.
    pub fn forget(&self) {
        self.events
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
        let events = self.events.lock().expect("the reader does not panic");
        events
            .iter()
            .filter(|event| event["event"] == kind && is_so(event))
            .count()
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        // Gone already is what was wanted.
        _ = self.child.kill();
        _ = self.child.wait();
    }
}
