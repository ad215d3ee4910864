//! linphonec, driven by its console: commands on standard input, events on its output.
//!
//! `soundcard use files` frees it from a sound card; `play` and `record` name the files.

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr, UdpSocket},
    path::{Path, PathBuf},
    process::Command,
};

use tests::{server, wait};

use crate::{process::Process, sound};

/// Codecs it knows, as its configuration names them; all but one are switched off.
const CODECS: [(&str, u32); 8] = [
    ("opus", 48_000),
    ("speex", 16_000),
    ("speex", 8_000),
    ("PCMU", 8_000),
    ("PCMA", 8_000),
    ("GSM", 8_000),
    ("G722", 8_000),
    ("G729", 8_000),
];

pub struct Linphone {
    process: Process,
    recording: PathBuf,
}

pub struct Account<'a> {
    pub user: &'a str,
    pub secret: &'a str,
    /// A name of [`CODECS`].
    pub codec: &'a str,
    pub tone_hz: u16,
    /// It takes and makes no call but with SRTP.
    pub encrypts: bool,
}

impl Linphone {
    /// Starts it in a folder of its own; waits until it has registered.
    pub fn start(folder: &Path, server: SocketAddr, account: &Account<'_>) -> Self {
        let folder = folder.join(format!("linphone-{}", account.user));
        // Without these it opens no socket at all.
        for inner in [".local/share/linphone", ".config/linphone"] {
            fs::create_dir_all(folder.join(inner)).expect("the folder is ours");
        }
        let tone = folder.join("tone.wav");
        sound::write_tone(&tone, account.tone_hz);
        let recording = folder.join("heard.wav");
        let config = folder.join("linphonerc");
        fs::write(&config, configuration(account.codec, account.encrypts))
            .expect("the folder is ours");

        // Line by line, though its output is a pipe.
        let mut process = Process::spawn(
            "linphonec",
            Command::new("stdbuf")
                .args(["-oL", "linphonec", "-d", "0", "-c"])
                .arg(&config)
                .env("HOME", &folder)
                .env_remove("XDG_DATA_HOME")
                .env_remove("XDG_CONFIG_HOME"),
        );
        process.tell("soundcard use files");
        process.tell(&format!("play {}", tone.display()));
        process.tell(&format!("record {}", recording.display()));
        let Account { user, secret, .. } = account;
        process.tell(&format!(
            "register sip:{user}@{server} sip:{server} {secret}"
        ));
        // It does not tell by itself.
        wait::until("linphone to register", wait::LONG, || {
            process.tell("status register");
            (process.said("registered, identity") > 0).then_some(())
        });
        Self { process, recording }
    }

    pub fn dial(&mut self, number: &str, server: SocketAddr) {
        self.process.tell(&format!("call sip:{number}@{server}"));
    }

    /// Waits until the nth call rings here, and answers it.
    pub fn answer(&mut self, nth: usize) {
        self.wait_for_ring(nth);
        self.process.tell(&format!("answer {nth}"));
        self.wait_for_audio();
    }

    /// Presses the red key on the call that rings.
    pub fn decline(&mut self) {
        self.process.tell("terminate");
    }

    pub fn hang_up(&mut self) {
        self.process.tell("terminate");
        self.process.wait_for(" ended ", 1);
    }

    /// Waits until so many of its calls are over.
    pub fn wait_for_end(&mut self, nth: usize) {
        self.process.wait_for(" ended ", nth);
    }

    pub fn wait_for_audio(&mut self) {
        self.process.wait_for("Media streams established", 1);
    }

    pub fn wait_for_ring(&mut self, nth: usize) {
        self.process.wait_for("Receiving new incoming call", nth);
    }

    /// How often it has rung: every new Call-ID is a call of its own to it.
    pub fn rung(&self) -> usize {
        self.process.said("Receiving new incoming call")
    }

    /// What it has recorded, complete once its call is over.
    pub fn recording(&self) -> &Path {
        &self.recording
    }
}

/// An even port that is free, as is the odd one above it.
fn free_pair() -> u16 {
    wait::until("two free ports", wait::LONG, || {
        let port = server::free_address().port() & !1;
        let free = |port| UdpSocket::bind((Ipv4Addr::UNSPECIFIED, port)).is_ok();
        (free(port) && free(port + 1)).then_some(port)
    })
}

fn configuration(codec: &str, encrypts: bool) -> String {
    let port = server::free_address().port();
    let audio = free_pair();
    let encryption = match encrypts {
        true => "media_encryption=srtp\nmedia_encryption_mandatory=1\n",
        false => "",
    };
    let mut text = format!(
        "[sip]\n{encryption}ipv6_migration_done=1\nuse_ipv6=0\nsip_port={port}\nsip_tcp_port=0\nsip_tls_port=0\n\
         [rtp]\naudio_rtp_port={audio}\n\
         [sound]\nechocancellation=0\n"
    );
    for (nth, (name, rate)) in CODECS.into_iter().enumerate() {
        let enabled = u8::from(name == codec);
        text.push_str(&format!(
            "[audio_codec_{nth}]\nmime={name}\nrate={rate}\nenabled={enabled}\n"
        ));
    }
    text
}
