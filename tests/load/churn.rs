//! How many may come and go: calls placed at a rate, each hung up after a while.

use std::{
    collections::{BTreeMap, VecDeque},
    net::UdpSocket,
    sync::Arc,
    time::Duration,
};

use mixer::Codec;
use serde::Serialize;
use sip::{CallId, Event};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use crate::{
    caller::{LoadError, NoOne, Site, hang_up, named_in_sip},
    process,
    report::{Delay, percentiles, rounded},
};

/// Answers may take so long after the last call was placed.
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Debug, Clone, Copy)]
pub struct Churn {
    /// Calls placed a second, spread over the rooms.
    pub rate: u32,
    pub rooms: usize,
    /// How long each stays.
    pub stays: Duration,
    pub place_for: Duration,
}

#[derive(Debug, Serialize)]
pub struct ChurnReport {
    /// Joins a second, and as many leaves.
    pub rate: u32,
    pub rooms: usize,
    /// In the rooms at once.
    pub members: usize,
    pub placed: usize,
    pub answered: usize,
    pub refused: usize,
    /// From the INVITE to its answer, one refusal for want of credentials included; ms.
    pub set_up_ms: Option<Delay>,
    /// Server CPU-ms per call that came and went.
    pub cpu_ms_per_call: Option<f64>,
}

impl ChurnReport {
    pub fn row(&self) -> String {
        let figure = |value: Option<f64>| value.map_or("-".to_owned(), |v| format!("{v:.1}"));
        format!(
            "{} joins and leaves a second, {} in {} rooms at once: {} of {} answered, set-up p50 {} p95 {} p99 {} ms, {} CPU-ms a call",
            self.rate,
            self.members,
            self.rooms,
            self.answered,
            self.placed,
            figure(self.set_up_ms.map(|d| d.p50)),
            figure(self.set_up_ms.map(|d| d.p95)),
            figure(self.set_up_ms.map(|d| d.p99)),
            figure(self.cpu_ms_per_call),
        )
    }
}

impl Site<'_> {
    /// Places calls and takes them down again, all the time.
    pub async fn churn(&self, churn: Churn) -> Result<ChurnReport, LoadError> {
        let ip = self.server.ip();
        let mut config = signalling::Config::new(vec![(ip, 0).into()]);
        config.registrar = false;
        config.codecs = vec![named_in_sip(Codec::Pcmu)];
        let (signalling, mut events) =
            signalling::start(config, Arc::new(NoOne), Vec::new()).await?;

        let cpu_before = self.pid.and_then(process::cpu_ms);
        let mut clock = interval(Duration::from_secs(1) / churn.rate.max(1));
        clock.set_missed_tick_behavior(MissedTickBehavior::Burst);
        let end = Instant::now() + churn.place_for;
        let mut waiting: BTreeMap<CallId, (Instant, UdpSocket)> = BTreeMap::new();
        let mut up: VecDeque<(Instant, CallId, UdpSocket)> = VecDeque::new();
        let mut set_up_ms = Vec::new();
        let (mut placed, mut refused, mut refusal) = (0, 0, String::new());
        loop {
            let placing = Instant::now() < end;
            let next_leave = up.front().map(|(leaves, ..)| *leaves);
            let over = end + PATIENCE;
            if !placing && ((waiting.is_empty() && up.is_empty()) || Instant::now() >= over) {
                break;
            }
            tokio::select! {
                _ = clock.tick(), if placing => {
                    let socket = UdpSocket::bind((ip, 0))?;
                    let room = self.number + (placed % churn.rooms) as u32;
                    let invite = self.invite(placed, room, socket.local_addr()?);
                    waiting.insert(signalling.invite(invite), (Instant::now(), socket));
                    placed += 1;
                }
                event = events.recv() => match event {
                    Some(Event::Answered { call, .. }) => {
                        if let Some((since, socket)) = waiting.remove(&call) {
                            set_up_ms.push(since.elapsed().as_secs_f64() * 1_000.0);
                            up.push_back((Instant::now() + churn.stays, call, socket));
                        }
                    }
                    Some(Event::Failed { call, failure }) => {
                        waiting.remove(&call);
                        refused += 1;
                        refusal = format!("{:?} {}", failure.status, failure.phrase);
                    }
                    Some(_) => {}
                    None => break,
                },
                () = sleep_until(next_leave.unwrap_or(over)) => {
                    if let Some((_, call, _)) = next_leave.and_then(|_| up.pop_front()) {
                        signalling.hang_up(call, Vec::new());
                    }
                }
            }
        }
        let cpu_after = self.pid.and_then(process::cpu_ms);
        let left: Vec<CallId> = up.iter().map(|(_, call, _)| *call).collect();
        hang_up(&signalling, &left).await;

        let answered = set_up_ms.len();
        if answered == 0 {
            return Err(LoadError::NobodyIn(refusal));
        }
        Ok(ChurnReport {
            rate: churn.rate,
            rooms: churn.rooms,
            members: (f64::from(churn.rate) * churn.stays.as_secs_f64()) as usize,
            placed,
            answered,
            refused,
            set_up_ms: percentiles(set_up_ms),
            cpu_ms_per_call: cpu_before
                .zip(cpu_after)
                .map(|(before, after)| rounded((after - before) as f64 / answered as f64, 2)),
        })
    }
}
