//! baresip, driven over its control socket (module `ctrl_tcp`: JSON in netstrings).
//!
//! It has no sound card: it plays a file (`aufile`), its loudspeaker is a bridge to
//! nowhere (`aubridge`), and `sndfile` writes down what it decoded.

use std::{
    collections::BTreeSet,
    fs,
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    path::{Path, PathBuf},
    process::Command,
    sync::{Arc, Mutex},
    thread,
};

use serde_json::{Value, json};
use tests::{server, wait};

use crate::{process::Process, sound};

const MODULES: &str = "/usr/lib/baresip/modules";

pub struct Baresip {
    _process: Process,
    control: TcpStream,
    events: Arc<Mutex<Vec<Value>>>,
    folder: PathBuf,
}

/// Its account at the server, and what it sounds like.
pub struct Account<'a> {
    pub user: &'a str,
    pub secret: &'a str,
    /// As baresip names it: `G722/16000/1`.
    pub codec: &'a str,
    pub tone_hz: u16,
    /// It takes and makes no call but with SRTP.
    pub encrypts: bool,
}

impl Baresip {
    /// Starts it in a folder of its own; waits until it has registered.
    pub fn start(folder: &Path, server: SocketAddr, account: &Account<'_>) -> Self {
        Self::start_watching(folder, server, account, &[])
    }

    /// The same; it subscribes to the presence of these extensions and publishes its own.
    pub fn start_watching(
        folder: &Path,
        server: SocketAddr,
        account: &Account<'_>,
        watched: &[&str],
    ) -> Self {
        let folder = folder.join(format!("baresip-{}", account.user));
        fs::create_dir_all(&folder).expect("the folder is ours");
        let tone = folder.join("tone.wav");
        sound::write_tone(&tone, account.tone_hz);
        let control_at = server::free_address();
        let listen = server::free_address();
        let config = format!(
            "poll_method epoll\n\
             sip_listen {listen}\n\
             call_local_timeout 120\n\
             call_max_calls 1\n\
             audio_source aufile,{tone}\n\
             audio_player aubridge,nowhere\n\
             audio_alert aubridge,nowhere\n\
             ausrc_srate 16000\nauplay_srate 16000\nausrc_channels 1\nauplay_channels 1\n\
             audio_level no\n\
             snd_path {folder}\n\
             module_path {MODULES}\n\
             module g711.so\nmodule g722.so\nmodule opus.so\n\
             module aufile.so\nmodule aubridge.so\nmodule sndfile.so\nmodule srtp.so\n\
             module_app account.so\nmodule_app contact.so\nmodule_app menu.so\n\
             module_app presence.so\nmodule_app ctrl_tcp.so\n\
             ctrl_tcp_listen {control_at}\n",
            tone = tone.display(),
            folder = folder.display(),
        );
        let Account {
            user,
            secret,
            codec,
            encrypts,
            ..
        } = account;
        let encryption = if *encrypts { ";mediaenc=srtp-mand" } else { "" };
        let publishes = if watched.is_empty() {
            ""
        } else {
            ";pubint=120"
        };
        let accounts = format!(
            "<sip:{user}@{server};transport=udp>;auth_user={user};auth_pass={secret};\
             audio_codecs={codec};answermode=manual;regint=120{publishes}{encryption}\n"
        );
        let contacts = watched
            .iter()
            .map(|extension| format!("\"{extension}\" <sip:{extension}@{server}>;presence=p2p\n"))
            .collect();
        for (name, text) in [
            ("config", config),
            ("accounts", accounts),
            ("contacts", contacts),
        ] {
            fs::write(folder.join(name), text).expect("the folder is ours");
        }
        let mut process = Process::spawn("baresip", Command::new("baresip").arg("-f").arg(&folder));
        // Told on its console alone: the control socket may come too late for the event.
        process.wait_for("200 OK", 1);
        let control = wait::until("baresip's control socket", wait::LONG, || {
            TcpStream::connect(control_at).ok()
        });
        let events = Arc::new(Mutex::new(Vec::new()));
        let reader = control.try_clone().expect("a socket can be cloned");
        let store = Arc::clone(&events);
        thread::spawn(move || read_events(reader, &store));
        Self {
            _process: process,
            control,
            events,
            folder,
        }
    }

    pub fn dial(&mut self, number: &str) {
        self.command("dial", number);
    }

    pub fn accept(&mut self) {
        self.command("accept", "");
    }

    /// Waits until it shows this of a watched extension.
    pub fn wait_for_presence(&mut self, extension: &str, shown: &str) {
        let what = format!("baresip to show {extension} as {shown}");
        wait::until(what, wait::LONG, || {
            self.command("contacts", "");
            let events = self.events.lock().expect("the reader does not panic");
            let list = events
                .iter()
                .rev()
                .find(|event| event["token"] == "contacts")?;
            let line = list["data"]
                .as_str()?
                .lines()
                .find(|line| line.contains(extension))?;
            line.contains(shown).then_some(())
        });
    }

    /// Publishes that its owner is away.
    pub fn goes_away(&mut self) {
        self.command("presence_offline", "");
    }

    /// Ends the call, or refuses the one that rings.
    pub fn hang_up(&mut self) {
        self.command("hangup", "");
    }

    fn command(&mut self, command: &str, params: &str) {
        let body = json!({ "command": command, "params": params, "token": command }).to_string();
        let message = format!("{}:{body},", body.len());
        self.control
            .write_all(message.as_bytes())
            .expect("baresip is there");
    }

    fn count(&self, kind: &str) -> usize {
        let events = self.events.lock().expect("the reader does not panic");
        events.iter().filter(|event| event["type"] == kind).count()
    }

    /// Waits until something of this kind has happened.
    pub fn wait_for(&self, kind: &str) {
        self.wait_for_nth(kind, 1);
    }

    pub fn wait_for_nth(&self, kind: &str, nth: usize) {
        wait::until(format!("baresip's {nth}. {kind}"), wait::LONG, || {
            (self.count(kind) >= nth).then_some(())
        });
    }

    /// The distinct Call-IDs that have rung here.
    pub fn rung(&self) -> BTreeSet<String> {
        let events = self.events.lock().expect("the reader does not panic");
        events
            .iter()
            .filter(|event| event["type"] == "CALL_INCOMING")
            .filter_map(|event| event["id"].as_str().map(str::to_owned))
            .collect()
    }

    /// What it has recorded in its last call, complete once that is over.
    pub fn recording(&self) -> PathBuf {
        wait::until("baresip's recording", wait::LONG, || {
            let entries = fs::read_dir(&self.folder).ok()?;
            entries
                .filter_map(|entry| Some(entry.ok()?.path()))
                .filter(|path| path.to_string_lossy().ends_with("-dec.wav"))
                // Their names begin with the date and time.
                .max()
        })
    }
}

/// Reads netstrings until the phone is gone.
fn read_events(mut socket: TcpStream, events: &Mutex<Vec<Value>>) {
    let mut pending = Vec::new();
    let mut chunk = [0; 4_096];
    while let Ok(length) = socket.read(&mut chunk)
        && length > 0
    {
        pending.extend(&chunk[..length]);
        while let Some((body, rest)) = first_netstring(&pending) {
            if let Ok(event) = serde_json::from_slice(body) {
                events.lock().expect("tests do not panic here").push(event);
            }
            pending = rest.to_vec();
        }
    }
}

/// `12:hello world!,` and what follows it.
fn first_netstring(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let colon = bytes.iter().position(|byte| *byte == b':')?;
    let length: usize = std::str::from_utf8(&bytes[..colon]).ok()?.parse().ok()?;
    let body = bytes.get(colon + 1..colon + 1 + length)?;
    Some((body, bytes.get(colon + 2 + length..)?))
}
