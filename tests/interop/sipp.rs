//! SIPp for the signalling, and a socket of our own for its audio (G.711 µ-law).
//!
//! SIPp plays recordings but hears nothing; so its SDP names a port of ours, which
//! sends a tone and listens.

use std::{
    fs, io,
    net::{Ipv4Addr, SocketAddr, UdpSocket},
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use mixer::{Codec, codec};
use simulator::{Ear, Heard, rtp};
use tests::{server, wait};

use crate::{process::Process, sound};

/// What SIPp is to play.
#[derive(Debug, Clone, Copy)]
pub enum Scenario {
    Register,
    /// Calls a number and stays until it is hung up on.
    Call,
    /// Answers a call and stays until it is hung up on.
    Answer,
    /// 486 at once.
    Busy,
    /// Rings, then presses the red key: 603.
    Decline,
    /// Rings until the caller gives up.
    RingOut,
    /// The same behind a proxy: the way back is longer.
    RingOutProxied,
    /// Calls a number, holds the call, takes it back, and hangs up.
    CallHoldLeave,
    /// Answers a call, holds it, takes it back, is asked anew, and is hung up on.
    AnswerHold,
    /// Answers a call and hangs up.
    AnswerLeave,
    /// An operator delivers a call, and takes it away.
    Deliver,
}

impl Scenario {
    fn text(self) -> &'static str {
        match self {
            Scenario::Register => include_str!("scenarios/register.xml"),
            Scenario::Call => include_str!("scenarios/call.xml"),
            Scenario::Answer => include_str!("scenarios/answer.xml"),
            Scenario::Busy => include_str!("scenarios/busy.xml"),
            Scenario::Decline => include_str!("scenarios/decline.xml"),
            Scenario::RingOut => include_str!("scenarios/ring_out.xml"),
            Scenario::RingOutProxied => include_str!("scenarios/ring_out_proxied.xml"),
            Scenario::CallHoldLeave => include_str!("scenarios/call_hold_leave.xml"),
            Scenario::AnswerHold => include_str!("scenarios/answer_hold.xml"),
            Scenario::AnswerLeave => include_str!("scenarios/answer_leave.xml"),
            Scenario::Deliver => include_str!("scenarios/deliver.xml"),
        }
    }
}

/// A SIPp phone: one SIP port, kept over its scenarios.
pub struct Sipp {
    folder: PathBuf,
    server: SocketAddr,
    local: SocketAddr,
    user: String,
    secret: String,
    pub audio: Audio,
    runs: u32,
}

impl Sipp {
    pub fn new(folder: &Path, server: SocketAddr, user: &str, secret: &str, tone_hz: u16) -> Self {
        let local = server::free_address();
        Self::at(local, folder, server, user, secret, tone_hz)
    }

    /// The same at an address that was known before.
    pub fn at(
        local: SocketAddr,
        folder: &Path,
        server: SocketAddr,
        user: &str,
        secret: &str,
        tone_hz: u16,
    ) -> Self {
        let folder = folder.join(format!("sipp-{user}"));
        fs::create_dir_all(&folder).expect("the folder is ours");
        Self {
            folder,
            server,
            local,
            user: user.to_owned(),
            secret: secret.to_owned(),
            audio: Audio::start(tone_hz).expect("a port is free"),
            runs: 0,
        }
    }

    /// Where it can be called directly, past any server.
    pub fn uri(&self) -> String {
        format!("sip:{}@{}", self.user, self.local)
    }

    /// Registers and waits for the answer.
    pub fn register(&mut self) {
        let mut run = self.run(Scenario::Register, "");
        assert!(
            run.finished(wait::LONG),
            "SIPp could not register:\n{}",
            run.trace()
        );
    }

    /// Starts a scenario; `number` is whom it calls.
    pub fn run(&mut self, scenario: Scenario, number: &str) -> Run {
        self.runs += 1;
        let file = |end: &str| self.folder.join(format!("{}-{end}", self.runs));
        fs::write(file("scenario.xml"), scenario.text()).expect("the folder is ours");
        let mut command = Command::new("sipp");
        command
            .arg(self.server.to_string())
            .arg("-sf")
            .arg(file("scenario.xml"))
            .args(["-i", "127.0.0.1", "-p", &self.local.port().to_string()])
            .args(["-m", "1", "-nostdin", "-timeout", "300s", "-timeout_error"])
            .args(["-au", &self.user, "-ap", &self.secret])
            .args([
                "-s",
                if number.is_empty() {
                    &self.user
                } else {
                    number
                },
            ])
            .args(["-key", "user", &self.user])
            .args(["-key", "rtp_port", &self.audio.local.port().to_string()])
            .args(["-trace_msg", "-message_file"])
            .arg(file("messages.txt"))
            .args(["-trace_err", "-error_file"])
            .arg(file("errors.txt"));
        Run {
            process: Process::spawn("sipp", &mut command),
            messages: file("messages.txt"),
        }
    }
}

/// A scenario at work.
pub struct Run {
    process: Process,
    messages: PathBuf,
}

impl Run {
    /// Waits for its end; true if all went by the scenario.
    pub fn finished(&mut self, within: Duration) -> bool {
        self.process.finished(within)
    }

    /// Every message it sent and received.
    pub fn trace(&self) -> String {
        fs::read(&self.messages)
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default()
    }
}

/// The audio half: sends a tone to whoever sends here, and listens.
pub struct Audio {
    pub local: SocketAddr,
    heard: Arc<Mutex<Vec<Heard>>>,
    ending: Arc<AtomicBool>,
}

impl Audio {
    fn start(tone_hz: u16) -> io::Result<Self> {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        let local = socket.local_addr()?;
        let heard = Arc::new(Mutex::new(Vec::new()));
        let ending = Arc::new(AtomicBool::new(false));
        let (store, end) = (Arc::clone(&heard), Arc::clone(&ending));
        thread::spawn(move || speak_and_listen(&socket, tone_hz, &store, &end));
        Ok(Self {
            local,
            heard,
            ending,
        })
    }

    /// All that was heard so far.
    pub fn heard(&self) -> Vec<Heard> {
        self.heard
            .lock()
            .expect("the listener does not panic")
            .clone()
    }

    /// Waits for a moment at which just these two tones were heard together.
    pub fn wait_for_tones(&self, tones: [u16; 2]) {
        wait::until(format!("the tones {tones:?} at SIPp"), wait::LONG, || {
            sound::heard_together(&self.heard(), tones).then_some(())
        });
    }

    /// Waits until anything at all was heard.
    pub fn wait_for_sound(&self) {
        wait::until("sound at SIPp", wait::LONG, || {
            self.heard().iter().any(Heard::is_sound).then_some(())
        });
    }
}

impl Drop for Audio {
    fn drop(&mut self) {
        self.ending.store(true, Ordering::Relaxed);
    }
}

fn speak_and_listen(socket: &UdpSocket, tone_hz: u16, heard: &Mutex<Vec<Heard>>, end: &AtomicBool) {
    let frame = Duration::from_millis(20);
    let (Some(mut encoder), Some(mut decoder)) = (
        codec::Encoder::new(Codec::Pcmu),
        codec::Decoder::new(Codec::Pcmu),
    ) else {
        return;
    };
    let mut tone = sound::tone(tone_hz, 8_000).cycle();
    let mut sender = rtp::Sender::new(u32::from(tone_hz));
    let mut ear = Ear::new(8_000);
    let mut peer = None;
    let mut packet = [0; 2_048];
    let mut payload = Vec::new();
    let mut due = Instant::now() + frame;
    while !end.load(Ordering::Relaxed) {
        let left = due.saturating_duration_since(Instant::now());
        if left.is_zero() {
            due += frame;
            if let Some(peer) = peer {
                let samples: Vec<i16> = tone.by_ref().take(160).collect();
                encoder.encode(&samples, &mut payload);
                let bytes = sender.audio(0, false, &payload, 160);
                // A server that was killed has no port; it will have one again.
                _ = socket.send_to(&bytes, peer);
            }
            continue;
        }
        if socket.set_read_timeout(Some(left)).is_err() {
            return;
        }
        let Ok((length, from)) = socket.recv_from(&mut packet) else {
            continue;
        };
        peer = Some(from);
        let Some(rtp) = rtp::parse(&packet[..length]).filter(|rtp| rtp.payload_type == 0) else {
            continue;
        };
        let mut samples = Vec::new();
        if decoder.decode(rtp.payload, &mut samples).is_ok() {
            heard
                .lock()
                .expect("tests do not panic here")
                .extend(ear.hear(&samples));
        }
    }
}
