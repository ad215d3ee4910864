//! A program that a test has started, and what it writes.

use std::{
    io::{BufRead, BufReader, Read, Write},
    process::{Child, ChildStdin, Command, Stdio},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use tests::wait;

/// A running program; it ends with the value.
pub struct Process {
    name: String,
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Process {
    pub fn spawn(name: &str, command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| {
                panic!("{name} cannot be started ({error}); 'make test' installs it")
            });
        let lines = Arc::new(Mutex::new(Vec::new()));
        collect(child.stdout.take(), &lines);
        collect(child.stderr.take(), &lines);
        Self {
            name: name.to_owned(),
            stdin: child.stdin.take(),
            child,
            lines,
        }
    }

    /// Types a line.
    pub fn tell(&mut self, line: &str) {
        let stdin = self.stdin.as_mut().expect("the program reads commands");
        writeln!(stdin, "{line}")
            .and_then(|()| stdin.flush())
            .unwrap_or_else(|error| panic!("{} reads no more: {error}", self.name));
    }

    /// How many of its lines hold this text so far.
    pub fn said(&self, text: &str) -> usize {
        self.lines
            .lock()
            .expect("readers do not panic")
            .iter()
            .filter(|line| line.contains(text))
            .count()
    }

    /// Waits until it has written the text `times` times.
    pub fn wait_for(&mut self, text: &str, times: usize) {
        let what = format!("{} to write '{text}' for the {times}. time", self.name);
        wait::until(what, wait::LONG, || {
            (self.said(text) >= times).then_some(())
        });
    }

    /// Waits until it ends by itself, and says whether it was content.
    pub fn finished(&mut self, within: Duration) -> bool {
        let what = format!("{} to end", self.name);
        wait::until(what, within, || self.child.try_wait().ok().flatten()).success()
    }

    /// Asks it to end, and waits until it has.
    pub fn end(&mut self) {
        let asked = Command::new("kill")
            .arg(self.child.id().to_string())
            .status();
        if asked.is_ok_and(|asked| asked.success()) {
            // However it ends is well.
            _ = self.finished(wait::LONG);
        }
    }

    pub fn output(&self) -> String {
        self.lines.lock().expect("readers do not panic").join("\n")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Gone already is what was wanted.
        _ = self.child.kill();
        _ = self.child.wait();
        if thread::panicking() {
            let output = self.output();
            eprintln!("--- {} wrote:", self.name);
            for line in output
                .lines()
                .rev()
                .take(40)
                .collect::<Vec<_>>()
                .iter()
                .rev()
            {
                // baresip repeats its clock on one endless line.
                let shown: String = line.chars().take(200).collect();
                eprintln!("    {shown}");
            }
        }
    }
}

fn collect(source: Option<impl Read + Send + 'static>, lines: &Arc<Mutex<Vec<String>>>) {
    let Some(source) = source else { return };
    let lines = Arc::clone(lines);
    thread::spawn(move || {
        let mut source = BufReader::new(source);
        let mut line = Vec::new();
        // Phones write whatever bytes they please.
        while source
            .read_until(b'\n', &mut line)
            .is_ok_and(|length| length > 0)
        {
            let text = String::from_utf8_lossy(&line).trim_end().to_owned();
            lines.lock().expect("readers do not panic").push(text);
            line.clear();
        }
    });
}
