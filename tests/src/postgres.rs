//! A PostgreSQL of one's own, that can be stopped, frozen and brought back.
//!
//! PostgreSQL refuses to run as root, so root lends it the system user `postgres`, as
//! `scripts/with-postgres` does.

use std::{
    path::PathBuf,
    process::{Command, Output},
};

use crate::server;

pub struct Postgres {
    folder: PathBuf,
    tools: PathBuf,
    port: u16,
}

impl Postgres {
    /// An empty database on a free port of loopback.
    pub fn start() -> Self {
        let postgres = Self {
            folder: server::fresh_folder(),
            tools: tools(),
            port: server::free_address().port(),
        };
        if is_root() {
            let owned = Command::new("chown")
                .arg("postgres")
                .arg(&postgres.folder)
                .status();
            assert!(owned.is_ok_and(|status| status.success()), "chown");
        }
        postgres.run(
            "initdb",
            &[
                "--username",
                "rollcall",
                "--auth",
                "trust",
                "--no-sync",
                "--encoding",
                "UTF8",
                "--no-locale",
            ],
        );
        postgres.resume();
        postgres
    }

    pub fn url(&self) -> String {
        format!("postgres://rollcall@127.0.0.1:{}/postgres", self.port)
    }

    /// Ends it as a power cut would; its files stay.
    pub fn stop(&self) {
        self.run("pg_ctl", &["--mode", "immediate", "stop"]);
    }

    /// Starts it, for the first time or again.
    pub fn resume(&self) {
        let options = format!(
            "-p {} -c listen_addresses=127.0.0.1 -c unix_socket_directories={}",
            self.port,
            self.folder.display()
        );
        let log = self.folder.join("log");
        self.run(
            "pg_ctl",
            &[
                "--wait",
                "--log",
                log.to_str().expect("a plain path"),
                "--options",
                &options,
                "start",
            ],
        );
    }

    /// Stops all its processes where they stand: connections stay open and say nothing.
    pub fn freeze(&self) {
        self.signal("-STOP");
    }

    pub fn thaw(&self) {
        self.signal("-CONT");
    }

    /// Its processes are those whose parent is the one in the pid file, and itself.
    fn signal(&self, signal: &str) {
        let pid_file = std::fs::read_to_string(self.folder.join("data/postmaster.pid"));
        let pid_file = pid_file.expect("it runs");
        let parent = pid_file.lines().next().expect("the first line is the pid");
        let children = Command::new("ps")
            .args(["-o", "pid=", "--ppid", parent])
            .output()
            .expect("ps runs");
        let children = String::from_utf8_lossy(&children.stdout).into_owned();
        let sent = Command::new("kill")
            .arg(signal)
            .arg(parent)
            .args(children.split_whitespace())
            .status();
        assert!(sent.is_ok(), "kill runs");
    }

    fn run(&self, tool: &str, arguments: &[&str]) -> Output {
        let program = self.tools.join(tool);
        let mut command = if is_root() {
            let mut command = Command::new("runuser");
            command.args(["-u", "postgres", "--"]).arg(program);
            command
        } else {
            Command::new(program)
        };
        let output = command
            .arg("--pgdata")
            .arg(self.folder.join("data"))
            .args(arguments)
            // A server that inherits our pipes would keep them open for ever.
            .current_dir(&self.folder)
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .output()
            .unwrap_or_else(|error| panic!("{tool}: {error}; 'make test' installs it"));
        assert!(output.status.success(), "{tool} {arguments:?} failed");
        output
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.thaw();
        let stop = ["--mode", "immediate", "stop"];
        if self.folder.join("data/postmaster.pid").exists() {
            self.run("pg_ctl", &stop);
        }
        // What is left behind is in the system's temporary folder.
        _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn is_root() -> bool {
    Command::new("id")
        .arg("-u")
        .output()
        .is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

fn tools() -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql");
    let mut found: Vec<PathBuf> = versions
        .into_iter()
        .flatten()
        .flatten()
        .map(|version| version.path().join("bin"))
        .filter(|folder| folder.join("initdb").exists())
        .collect();
    found.sort();
    found
        .pop()
        .expect("PostgreSQL is needed: 'make test' installs it")
}
