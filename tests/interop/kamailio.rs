//! Kamailio in front of the server, as telephone networks have it: it records its
//! route, and phones register through it (RFC 3327).

use std::{fs, net::SocketAddr, path::Path, process::Command};

use crate::process::Process;

/// A record-routing proxy. It ends with the value.
pub struct Kamailio {
    process: Process,
}

impl Kamailio {
    /// Listens at `own`, which the caller has found free: a company may have to name
    /// it before there is a server to be in front of.
    pub fn start(folder: &Path, own: SocketAddr, server: SocketAddr) -> Self {
        let folder = folder.join(format!("kamailio-{}", own.port()));
        fs::create_dir_all(&folder).expect("the folder is ours");
        let script = folder.join("kamailio.cfg");
        let text = include_str!("kamailio.cfg")
            .replace("OWN", &own.to_string())
            .replace("SERVER_IP", &server.ip().to_string())
            .replace("SERVER_PORT", &server.port().to_string());
        fs::write(&script, text).expect("the folder is ours");
        let mut command = Command::new("kamailio");
        command
            // In the foreground, telling on stderr.
            .args(["-DD", "-E", "-m", "32", "-M", "4"])
            .arg("-f")
            .arg(&script)
            .arg("-w")
            .arg(&folder)
            .arg("-Y")
            .arg(&folder)
            .arg("-P")
            .arg(folder.join("pid"));
        let mut process = Process::spawn("kamailio", &mut command);
        // Its workers are ready a moment after; what they miss is sent again.
        process.wait_for("Listening on", 1);
        Self { process }
    }
}

impl Drop for Kamailio {
    /// It is several processes, and only the first can end them all.
    fn drop(&mut self) {
        self.process.end();
    }
}
