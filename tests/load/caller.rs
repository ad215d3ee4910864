//! Places the calls, and takes them down again.

use std::{
    collections::BTreeMap,
    io,
    net::{SocketAddr, UdpSocket},
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

use signalling::Signalling;
use sip::{
    Authority, CallId, CallIdentity, Codec, Event, Invite, LocalMedia, OutboundCredentials, Party,
    SipUri, Target, TrunkId,
};
use tokio::{
    sync::mpsc::UnboundedReceiver,
    time::{Instant, sleep, timeout_at},
};
use uuid::Uuid;

use crate::{
    phones::{self, Order, Phone},
    process,
    report::{Report, rounded},
};

/// Calls placed a second: a roll call, not an attack.
const PER_SECOND: u32 = 50;
/// All calls must be up within this and the time it takes to place them.
const UP_WITHIN: Duration = Duration::from_secs(40);
/// Welcome and announcements are over by then, and buffers have settled.
const SETTLE: Duration = Duration::from_secs(10);

pub struct Account {
    pub user: String,
    pub secret: String,
}

/// The room under test.
pub struct Room<'a> {
    pub server: SocketAddr,
    pub number: &'a str,
    pub account: &'a Account,
    /// The server's process, if it is on this machine.
    pub pid: Option<u32>,
}

#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error(transparent)]
    Start(#[from] signalling::StartError),
    #[error("No socket for audio: {0}")]
    Socket(#[from] io::Error),
    #[error("Not one call was answered: {0}")]
    NobodyIn(String),
}

/// Nobody calls the load tool.
struct NoOne;

impl Authority for NoOne {
    fn credentials(&self, _username: &str, _realm: &str) -> Option<sip::Credentials> {
        None
    }

    fn trunk_by_source(&self, _source: SocketAddr) -> Option<TrunkId> {
        None
    }
}

impl Room<'_> {
    /// One run: up, settled, measured, down.
    pub async fn load(
        &self,
        members: usize,
        talkers: usize,
        measure_for: Duration,
    ) -> Result<Report, LoadError> {
        let ip = self.server.ip();
        let mut config = signalling::Config::new(vec![SocketAddr::new(ip, 0)]);
        config.registrar = false;
        config.codecs = vec![Codec::Pcmu];
        let (signalling, mut events) =
            signalling::start(config, Arc::new(NoOne), Vec::new()).await?;
        let (orders, inbox) = mpsc::channel();
        let audio = thread::spawn(move || phones::run(&inbox));

        let memory_before = self.pid.and_then(process::memory_kib);
        let mut waiting = BTreeMap::new();
        for nth in 0..members {
            let socket = UdpSocket::bind((ip, 0))?;
            let call = signalling.invite(self.invite(nth, socket.local_addr()?));
            waiting.insert(call, (nth, socket));
            sleep(Duration::from_secs(1) / PER_SECOND).await;
        }
        let voices: Vec<Arc<[i16]>> = (0..talkers).map(speech).collect();
        let mut up = Vec::new();
        let mut refusal = String::new();
        let deadline = Instant::now() + UP_WITHIN;
        while !waiting.is_empty() {
            let Ok(Some(event)) = timeout_at(deadline, events.recv()).await else {
                break;
            };
            match event {
                Event::Answered { call, media, .. } => {
                    let Some((nth, socket)) = waiting.remove(&call) else {
                        continue;
                    };
                    let speech = voices.get(nth).cloned();
                    let phone =
                        Phone::new(socket, media.remote, media.payload_type, speech, nth == 0)?;
                    // The thread lives until it is told to finish.
                    _ = orders.send(Order::Add(Box::new(phone)));
                    up.push(call);
                }
                Event::Failed { call, failure } => {
                    waiting.remove(&call);
                    refusal = format!("{:?} {}", failure.status, failure.phrase);
                }
                _ => {}
            }
        }
        if up.is_empty() {
            return Err(LoadError::NobodyIn(refusal));
        }
        sleep(SETTLE).await;

        let cpu_before = self.pid.and_then(process::cpu_ms);
        _ = orders.send(Order::Measure);
        sleep(measure_for).await;
        let cpu_after = self.pid.and_then(process::cpu_ms);
        let memory_after = self.pid.and_then(process::memory_kib);
        _ = orders.send(Order::Finish);
        let tally = audio.join().unwrap_or_default();
        let calls_up = up.len() - lost(&mut events, &up);
        hang_up(&signalling, &up).await;

        let member_seconds = calls_up as f64 * tally.seconds;
        let mut report = Report::of(tally, talkers, members, calls_up);
        report.cpu_ms_per_member_second = cpu_before
            .zip(cpu_after)
            .map(|(before, after)| rounded((after - before) as f64 / member_seconds, 4));
        report.memory_kib_per_member = memory_before.zip(memory_after).map(|(before, after)| {
            rounded(after.saturating_sub(before) as f64 / calls_up as f64, 1)
        });
        Ok(report)
    }

    fn invite(&self, nth: usize, audio: SocketAddr) -> Invite {
        let host: sip::Host = self.server.ip().into();
        Invite {
            identity: CallIdentity::derive(Uuid::new_v4().into_bytes()),
            targets: vec![Target {
                uri: SipUri::at(Some(self.number), self.server),
                route: Vec::new(),
                hop: None,
            }],
            from: Party {
                display: Some(format!("Load {nth}")),
                user: self.account.user.clone(),
                host: host.clone(),
            },
            to: Party {
                display: None,
                user: self.number.to_owned(),
                host,
            },
            asserted: None,
            media: LocalMedia::at(audio),
            offerless: false,
            credentials: Some(OutboundCredentials {
                username: self.account.user.clone(),
                password: self.account.secret.clone(),
                realm: None,
            }),
            first_response_within: None,
            headers: Vec::new(),
        }
    }
}

/// Calls that ended while they were measured.
fn lost(events: &mut UnboundedReceiver<Event>, up: &[CallId]) -> usize {
    let mut lost = 0;
    while let Ok(event) = events.try_recv() {
        if let Event::Ended { call, .. } = event
            && up.contains(&call)
        {
            lost += 1;
        }
    }
    lost
}

async fn hang_up(signalling: &Signalling, up: &[CallId]) {
    for call in up {
        signalling.hang_up(*call, Vec::new());
    }
    signalling.stop().await;
}

/// What the nth talker says, at G.711's rate.
fn speech(nth: usize) -> Arc<[i16]> {
    let voice = simulator::script::Voice {
        say: "We have been through the list twice, and all of it is on the way.".to_owned(),
        every: Duration::from_secs(5),
        ..Default::default()
    };
    simulator::speech::Speech::new(&voice, nth).for_codec(mixer::Codec::Pcmu)
}
