//! Places the calls, and takes them down again.

use std::{
    collections::BTreeMap,
    io,
    net::{SocketAddr, UdpSocket},
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

use mixer::Codec;
use signalling::Signalling;
use sip::{
    Authority, CallId, CallIdentity, Event, Invite, LocalMedia, OutboundCredentials, Party, SipUri,
    Target, TrunkId,
};
use tokio::{
    sync::mpsc::UnboundedReceiver,
    time::{Instant, MissedTickBehavior, interval, sleep, sleep_until},
};
use uuid::Uuid;

use crate::{
    phones::{self, Order, Phone, Says},
    process,
    report::{Report, median, rounded},
};

/// All calls must be up within this and the time it takes to place them.
const UP_WITHIN: Duration = Duration::from_secs(40);
/// Welcome and announcements are over by then, and buffers have settled.
const SETTLE: Duration = Duration::from_secs(10);

pub struct Account {
    pub user: String,
    pub secret: String,
}

/// The server under test.
pub struct Site<'a> {
    pub server: SocketAddr,
    /// The number of the first room; the others follow it.
    pub number: u32,
    pub account: &'a Account,
    /// The server's process, if it is on this machine.
    pub pid: Option<u32>,
}

/// What is tried.
#[derive(Debug, Clone, Copy)]
pub struct Load {
    pub members: usize,
    pub rooms: usize,
    /// Who talk in each room.
    pub talkers: usize,
    pub codec: Codec,
    /// Calls placed a second.
    pub rate: u32,
    pub measure_for: Duration,
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
pub struct NoOne;

impl Authority for NoOne {
    fn credentials(&self, _username: &str, _realm: &str) -> Option<sip::Credentials> {
        None
    }

    fn trunk_by_source(&self, _source: SocketAddr) -> Option<TrunkId> {
        None
    }
}

/// Calls on their way and those that are up.
#[derive(Default)]
struct Calls {
    waiting: BTreeMap<CallId, (usize, UdpSocket, Instant)>,
    up: Vec<CallId>,
    set_up_ms: Vec<f64>,
    refusal: String,
}

impl Site<'_> {
    /// One run: up, settled, measured, down.
    pub async fn load(&self, load: Load) -> Result<Report, LoadError> {
        let ip = self.server.ip();
        let mut config = signalling::Config::new(vec![SocketAddr::new(ip, 0)]);
        config.registrar = false;
        config.codecs = vec![named_in_sip(load.codec)];
        let (signalling, mut events) =
            signalling::start(config, Arc::new(NoOne), Vec::new()).await?;
        let (orders, inbox) = mpsc::channel();
        let audio = thread::spawn(move || phones::run(&inbox));
        let voices: Vec<Arc<[i16]>> = (0..load.talkers).map(|n| speech(n, load.codec)).collect();
        let noise = phones::noise(load.codec);
        let says = |nth: usize| match voices.get(nth / load.rooms) {
            Some(samples) => Says::Voice {
                samples: samples.clone(),
                turn: (nth / load.rooms) as u64,
                turns: load.talkers as u64,
            },
            None => Says::Noise(noise.clone()),
        };

        let memory_before = self.pid.and_then(process::memory_kib);
        let mut calls = Calls::default();
        let mut clock = interval(Duration::from_secs(1) / load.rate.max(1));
        clock.set_missed_tick_behavior(MissedTickBehavior::Burst);
        let placing = Duration::from_secs(1) * load.members as u32 / load.rate.max(1);
        let deadline = Instant::now() + placing + UP_WITHIN;
        let mut placed = 0;
        while placed < load.members || !calls.waiting.is_empty() {
            tokio::select! {
                _ = clock.tick(), if placed < load.members => {
                    let socket = UdpSocket::bind((ip, 0))?;
                    let room = self.number + (placed % load.rooms) as u32;
                    let invite = self.invite(placed, room, socket.local_addr()?);
                    let call = signalling.invite(invite);
                    calls.waiting.insert(call, (placed, socket, Instant::now()));
                    placed += 1;
                }
                event = events.recv() => match event {
                    Some(event) => {
                        if let Some((nth, socket, remote, payload_type)) = calls.note(event) {
                            let phone = Phone::new(
                                socket,
                                remote,
                                (load.codec, payload_type),
                                (nth, nth % load.rooms),
                                says(nth),
                            )?;
                            // The thread lives until it is told to finish.
                            _ = orders.send(Order::Add(Box::new(phone)));
                        }
                    }
                    None => break,
                },
                () = sleep_until(deadline) => break,
            }
        }
        let Calls {
            up,
            set_up_ms,
            refusal,
            ..
        } = calls;
        if up.is_empty() {
            return Err(LoadError::NobodyIn(refusal));
        }
        sleep(SETTLE).await;

        let cpu_before = self.pid.and_then(process::cpu_ms);
        _ = orders.send(Order::Measure);
        sleep(load.measure_for).await;
        let cpu_after = self.pid.and_then(process::cpu_ms);
        let memory_after = self.pid.and_then(process::memory_kib);
        _ = orders.send(Order::Finish);
        let tally = audio.join().unwrap_or_default();
        let calls_up = up.len() - lost(&mut events, &up);
        hang_up(&signalling, &up).await;

        let member_seconds = calls_up as f64 * tally.seconds;
        let mut report = Report::of(tally, &load, calls_up);
        report.set_up_ms = median(set_up_ms);
        report.cpu_ms_per_member_second = cpu_before
            .zip(cpu_after)
            .map(|(before, after)| rounded((after - before) as f64 / member_seconds, 4));
        report.memory_kib_per_member = memory_before.zip(memory_after).map(|(before, after)| {
            rounded(after.saturating_sub(before) as f64 / calls_up as f64, 1)
        });
        Ok(report)
    }

    pub fn invite(&self, nth: usize, room: u32, audio: SocketAddr) -> Invite {
        let host: sip::Host = self.server.ip().into();
        Invite {
            identity: CallIdentity::derive(Uuid::new_v4().into_bytes()),
            targets: vec![Target {
                uri: SipUri::at(Some(&room.to_string()), self.server),
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
                user: room.to_string(),
                host,
            },
            asserted: None,
            media: LocalMedia::at(audio),
            offerless: false,
            holds_ack: false,
            credentials: Some(OutboundCredentials {
                username: self.account.user.clone(),
                password: self.account.secret.clone(),
                realm: None,
            }),
            may_encrypt: false,
            first_response_within: None,
            headers: Vec::new(),
        }
    }
}

impl Calls {
    /// Takes an event; a call's number, socket, remote address and payload type if it came up.
    fn note(&mut self, event: Event) -> Option<(usize, UdpSocket, SocketAddr, u8)> {
        match event {
            Event::Answered { call, media, .. } => {
                let (nth, socket, since) = self.waiting.remove(&call)?;
                self.set_up_ms.push(since.elapsed().as_secs_f64() * 1_000.0);
                self.up.push(call);
                Some((nth, socket, media.remote, media.payload_type))
            }
            Event::Failed { call, failure } => {
                self.waiting.remove(&call);
                self.refusal = format!("{:?} {}", failure.status, failure.phrase);
                None
            }
            _ => None,
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

pub async fn hang_up(signalling: &Signalling, up: &[CallId]) {
    for call in up {
        signalling.hang_up(*call, Vec::new());
    }
    signalling.stop().await;
}

/// What the nth talker says: hardly a pause between two sentences.
fn speech(nth: usize, codec: Codec) -> Arc<[i16]> {
    let voice = simulator::script::Voice {
        say: "We have been through the list twice, and all of it is on the way.".to_owned(),
        every: Duration::from_secs(5),
        ..Default::default()
    };
    simulator::speech::Speech::new(&voice, nth).for_codec(codec)
}

pub fn named_in_sip(codec: Codec) -> sip::Codec {
    match codec {
        Codec::Pcmu => sip::Codec::Pcmu,
        Codec::Pcma => sip::Codec::Pcma,
        Codec::G722 => sip::Codec::G722,
        Codec::Opus => sip::Codec::Opus,
    }
}
