//! Where the lines meet signalling, audio and time. Decides nothing: [`Line`] does.

use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use signalling::Signalling;
use sip::{
    Authority, CallId, CallIdentity, Ending, Event as Sip, Invite, LocalMedia, OutboundCredentials,
    Party, Reason, Registration, RegistrationId, RegistrationStatus, Rejection, SipUri, Target,
    TrunkId,
};
use tokio::{sync::mpsc, task::JoinSet, time::Instant};
use uuid::Uuid;

use crate::{
    SimulatorError,
    ear::Heard,
    event::{Event, Reporter, What},
    line::{CallKey, Line, Output},
    rtp,
    script::{self, Script},
    speech::Speech,
    stream::{self, Stream},
};

/// How long a phone's registration lasts.
const REGISTRATION: Duration = Duration::from_secs(300);

/// Everyone who calls us is the server; nobody else's calls are taken.
struct TheServerAlone(SocketAddr);

impl Authority for TheServerAlone {
    fn credentials(&self, _username: &str, _realm: &str) -> Option<sip::Credentials> {
        None
    }

    fn trunk_by_source(&self, source: SocketAddr) -> Option<TrunkId> {
        (source.ip() == self.0.ip()).then_some(TrunkId(Uuid::nil()))
    }
}

/// A user agent: one phone, or the operator with all its numbers.
struct Station {
    signalling: Signalling,
    /// Its lines, by what they are called by; a phone takes whatever reaches it.
    lines: BTreeMap<String, usize>,
    is_operator: bool,
}

/// A line and what belongs to it.
struct Actor {
    line: Line,
    station: usize,
    speech: Speech,
    registration: Option<RegistrationId>,
}

/// A call that is not over.
struct Live {
    actor: usize,
    station: usize,
    call: CallId,
    /// The SIP Call-ID, as events name the call.
    call_id: String,
    stream: Option<Stream>,
    /// Telephone events were agreed on; else keys go by INFO.
    events_agreed: bool,
}

pub struct Stage {
    server: SocketAddr,
    ip: IpAddr,
    started: Instant,
    actors: Vec<Actor>,
    stations: Vec<Station>,
    live: BTreeMap<CallKey, Live>,
    next_call: u64,
    curtain: bool,
    /// When the last call ended.
    quiet_since: Option<Instant>,
    again_after: Option<Duration>,
    reporter: Reporter,
    heard: mpsc::UnboundedSender<(CallKey, Heard)>,
    hearing: mpsc::UnboundedReceiver<(CallKey, Heard)>,
    signals: mpsc::UnboundedReceiver<(usize, Sip)>,
}

impl Stage {
    /// Gives every phone its socket, and the operator its own on `trunk`.
    pub async fn set(
        script: Script,
        server: SocketAddr,
        ip: IpAddr,
        trunk: Option<SocketAddr>,
        reporter: Reporter,
    ) -> Result<Self, SimulatorError> {
        let authority: Arc<dyn Authority> = Arc::new(TheServerAlone(server));
        let (sender, signals) = mpsc::unbounded_channel();
        let mut stations = Vec::new();
        let mut numbers = BTreeMap::new();
        let mut actors = Vec::new();
        for (nth, line) in script.lines.into_iter().enumerate() {
            let station = match &line.account {
                Some(account) => {
                    let lines = BTreeMap::from([(account.clone(), nth)]);
                    let bind = SocketAddr::new(ip, 0);
                    let signalling =
                        start(bind, &line, &authority, stations.len(), &sender).await?;
                    stations.push(Station {
                        signalling,
                        lines,
                        is_operator: false,
                    });
                    stations.len() - 1
                }
                None => {
                    numbers.insert(digits(line.address()), nth);
                    usize::MAX // the operator's, opened below
                }
            };
            actors.push(Actor {
                speech: Speech::new(&line.voice, nth),
                line: Line::new(line),
                station,
                registration: None,
            });
        }
        if !numbers.is_empty() {
            let bind = trunk.ok_or(SimulatorError::NoTrunkAddress)?;
            let operator = stations.len();
            let signalling = open(bind, "Operator", &[], &authority, operator, &sender).await?;
            for actor in actors.iter_mut().filter(|a| a.station == usize::MAX) {
                actor.station = operator;
            }
            stations.push(Station {
                signalling,
                lines: numbers,
                is_operator: true,
            });
        }
        let (heard, hearing) = mpsc::unbounded_channel();
        Ok(Self {
            server,
            ip,
            started: Instant::now(),
            actors,
            stations,
            live: BTreeMap::new(),
            next_call: 1,
            curtain: false,
            quiet_since: None,
            again_after: script.again_after,
            reporter,
            heard,
            hearing,
            signals,
        })
    }

    /// Plays until `end` is done, then hangs up and un-registers.
    pub async fn play(mut self, end: impl Future<Output = ()>) {
        tokio::pin!(end);
        self.say(
            None,
            What::Ready {
                lines: self.actors.len(),
            },
        );
        self.carry_out();
        loop {
            let wake = self.next_wake();
            tokio::select! {
                () = &mut end => break,
                Some((station, event)) = self.signals.recv() => self.on_signal(station, event),
                Some((call, heard)) = self.hearing.recv() => self.on_heard(call, &heard),
                () = tokio::time::sleep_until(wake) => self.on_time(),
            }
            self.carry_out();
        }
        let mut ends = JoinSet::new();
        for station in std::mem::take(&mut self.stations) {
            ends.spawn(async move { station.signalling.stop().await });
        }
        // A server that is gone answers nobody.
        _ = tokio::time::timeout(Duration::from_secs(2), ends.join_all()).await;
    }

    fn now(&self) -> Duration {
        self.started.elapsed()
    }

    fn next_wake(&self) -> Instant {
        let lines = self.actors.iter().filter_map(|a| a.line.poll_timeout());
        let next = lines.min().map(|at| self.started + at);
        let again = self.again_at();
        [next, again]
            .into_iter()
            .flatten()
            .min()
            // Nothing is due: an hour is as good as never.
            .unwrap_or_else(|| Instant::now() + Duration::from_secs(3_600))
    }

    fn again_at(&self) -> Option<Instant> {
        let idle = self.actors.iter().all(|actor| actor.line.is_idle());
        (self.curtain && self.live.is_empty() && idle).then_some(())?;
        Some(self.quiet_since? + self.again_after?)
    }

    fn on_time(&mut self) {
        let now = self.now();
        for actor in &mut self.actors {
            actor.line.handle_timeout(now);
        }
        if self.again_at().is_some_and(|at| at <= Instant::now()) {
            self.curtain = false;
            self.say(None, What::Again);
            for actor in &mut self.actors {
                actor.line.rewind();
            }
        }
    }

    fn on_heard(&mut self, call: CallKey, heard: &Heard) {
        let now = self.now();
        let Some(live) = self.live.get(&call) else {
            return;
        };
        if heard.is_sound() {
            self.actors[live.actor]
                .line
                .on_heard(call, Heard::SPAN, now);
        }
        self.say(
            Some(live.actor),
            What::Heard {
                call_id: &live.call_id,
                heard,
            },
        );
    }

    fn on_signal(&mut self, station: usize, event: Sip) {
        match event {
            Sip::Incoming { call, incoming } => self.on_incoming(station, call, &incoming),
            Sip::Answered {
                call,
                media,
                dialog,
                ..
            } => {
                self.on_media(station, call, media, Some(dialog.call_id));
            }
            Sip::MediaChanged { call, media, .. } => self.on_media(station, call, media, None),
            Sip::Ended { call, ending } => {
                let by = match ending {
                    Ending::ByUs => "us",
                    Ending::ByPeer { .. } => "peer",
                    Ending::AckLost | Ending::SessionLost | Ending::NoCommonCodec => "network",
                };
                self.on_over(station, call, by);
            }
            Sip::Failed { call, failure } => {
                tracing::info!(status = failure.status, cause = ?failure.cause, "Call failed");
                self.on_over(station, call, "network");
            }
            Sip::Registration { status, .. } => {
                let Some(actor) = self.actors.iter().position(|a| a.station == station) else {
                    return;
                };
                match &status {
                    RegistrationStatus::Registered { .. } => {
                        self.say(Some(actor), What::Registered)
                    }
                    RegistrationStatus::Unregistered => self.say(Some(actor), What::Unregistered),
                    RegistrationStatus::Failed { text, .. } => {
                        self.say(Some(actor), What::RegistrationFailed { text });
                    }
                }
            }
            Sip::Ringing { .. } | Sip::Digit { .. } | Sip::Bindings { .. } => {}
        }
    }

    fn on_incoming(&mut self, at: usize, call: CallId, incoming: &sip::Incoming) {
        let station = &self.stations[at];
        let user = incoming.dialled.user.as_deref().unwrap_or_default();
        let actor = if station.is_operator {
            station.lines.get(&digits(user)).copied()
        } else {
            station.lines.values().next().copied()
        };
        let Some(actor) = actor else {
            // What an operator says of a number nobody has.
            let rejection = rejection(404, Some(1), None);
            return station.signalling.reject(call, rejection);
        };
        let now = self.now();
        let from = incoming
            .asserted_user
            .as_deref()
            .or(incoming.from_user.as_deref())
            .unwrap_or_default();
        if !self.curtain {
            self.curtain = true;
            self.say(None, What::Curtain);
            for actor in &mut self.actors {
                actor.line.on_curtain(now);
            }
        }
        let call_id = incoming.sip_call_id.clone();
        self.say(
            Some(actor),
            What::Invited {
                call_id: &call_id,
                from,
            },
        );
        let key = self.enlist(actor, call, call_id);
        self.actors[actor].line.on_incoming(key, from, now);
    }

    fn on_media(
        &mut self,
        station: usize,
        call: CallId,
        media: sip::NegotiatedMedia,
        answered: Option<String>,
    ) {
        let now = self.now();
        let Some(key) = self.key_of(station, call) else {
            return;
        };
        let Some(live) = self.live.get_mut(&key) else {
            return;
        };
        if let Some(call_id) = answered.clone() {
            live.call_id = call_id;
        }
        live.events_agreed = media.dtmf.is_some();
        let codec = media.codec;
        let actor = &mut self.actors[live.actor];
        if let Some(stream) = &live.stream {
            let speech = actor.speech.for_codec(stream::codec(codec));
            stream.agreed(media, speech);
        }
        if answered.is_some() {
            actor.line.on_answered(key, now);
            let live = &self.live[&key];
            self.say(
                Some(live.actor),
                What::Answered {
                    call_id: &live.call_id,
                    codec: codec.name(),
                },
            );
        }
    }

    fn on_over(&mut self, station: usize, call: CallId, by: &str) {
        let now = self.now();
        let Some(key) = self.key_of(station, call) else {
            return;
        };
        let Some(live) = self.live.remove(&key) else {
            return;
        };
        self.quiet_since = Some(Instant::now());
        self.actors[live.actor].line.on_ended(key, now);
        self.say(
            Some(live.actor),
            What::Released {
                call_id: &live.call_id,
                by,
            },
        );
    }

    /// Does what the lines want, until they want nothing more.
    fn carry_out(&mut self) {
        for actor in 0..self.actors.len() {
            while let Some(output) = self.actors[actor].line.poll_output() {
                self.perform(actor, output);
            }
        }
    }

    fn perform(&mut self, actor: usize, output: Output) {
        let signalling = self.stations[self.actors[actor].station].signalling.clone();
        match output {
            Output::Register => {
                let registration = self.registration(actor);
                self.actors[actor].registration = Some(signalling.register(registration));
            }
            Output::Unregister => {
                if let Some(id) = self.actors[actor].registration.take() {
                    signalling.unregister(id);
                }
            }
            Output::Ring(key) => {
                if let Some(live) = self.live.get(&key) {
                    signalling.ring(live.call);
                    let call_id = &live.call_id;
                    self.say(Some(actor), What::Ringing { call_id });
                }
            }
            Output::Answer(key) => self.answer(actor, key, &signalling),
            Output::Reject {
                call: key,
                status,
                cause,
                retry_after,
            } => {
                if let Some(live) = self.live.remove(&key) {
                    self.quiet_since = Some(Instant::now());
                    signalling.reject(live.call, rejection(status, cause, retry_after));
                    let call_id = &live.call_id;
                    self.say(Some(actor), What::Rejected { call_id, status });
                }
            }
            Output::Speak(key) => {
                if let Some(stream) = self.live.get(&key).and_then(|live| live.stream.as_ref()) {
                    stream.speak();
                }
            }
            Output::Press {
                call: key,
                key: digit,
            } => {
                let (Some(live), Some(event)) = (self.live.get(&key), rtp::Key::of(digit)) else {
                    return;
                };
                match &live.stream {
                    Some(stream) if live.events_agreed => stream.press(event),
                    Some(_) | None => signalling.send_digit(live.call, digit),
                }
                let call_id = &live.call_id;
                self.say(
                    Some(actor),
                    What::Pressed {
                        call_id,
                        key: digit,
                    },
                );
            }
            Output::HangUp(key) => {
                if let Some(live) = self.live.remove(&key) {
                    self.quiet_since = Some(Instant::now());
                    let reason = Reason::q850(16, "Normal call clearing");
                    signalling.hang_up(live.call, vec![reason]);
                    let call_id = &live.call_id;
                    self.say(Some(actor), What::Released { call_id, by: "us" });
                }
            }
            Output::Call { to } => self.place(actor, &to, &signalling),
        }
    }

    fn answer(&mut self, actor: usize, key: CallKey, signalling: &Signalling) {
        let (ip, heard) = (self.ip, self.heard.clone());
        let codecs = codecs(self.actors[actor].line.script());
        let Some(live) = self.live.get_mut(&key) else {
            return;
        };
        match Stream::open(ip, key, heard) {
            Ok(stream) => {
                let media = LocalMedia {
                    address: stream.local,
                    codecs,
                };
                live.stream = Some(stream);
                signalling.answer(live.call, media);
            }
            Err(error) => {
                tracing::warn!(%error, "No port for audio");
                signalling.reject(live.call, rejection(500, None, None));
                self.live.remove(&key);
            }
        }
    }

    fn place(&mut self, actor: usize, to: &str, signalling: &Signalling) {
        let script = self.actors[actor].line.script();
        let (user, name) = (script.address().to_owned(), script.name.clone());
        let credentials = credentials(script);
        let codecs = codecs(script);
        let key = CallKey(self.next_call);
        let stream = match Stream::open(self.ip, key, self.heard.clone()) {
            Ok(stream) => stream,
            Err(error) => {
                tracing::warn!(%error, "No port for audio");
                return;
            }
        };
        let host: sip::Host = self.server.ip().into();
        let identity = CallIdentity::derive(Uuid::new_v4().into_bytes());
        let call_id = identity.call_id();
        let call = signalling.invite(Invite {
            identity,
            targets: vec![Target {
                uri: SipUri::at(Some(to), self.server),
                route: Vec::new(),
                hop: None,
            }],
            from: Party {
                display: Some(name),
                user,
                host: host.clone(),
            },
            to: Party {
                display: None,
                user: to.to_owned(),
                host,
            },
            asserted: None,
            media: LocalMedia {
                address: stream.local,
                codecs,
            },
            offerless: false,
            credentials,
            first_response_within: None,
            headers: Vec::new(),
        });
        self.say(
            Some(actor),
            What::Calling {
                call_id: &call_id,
                to,
            },
        );
        let key = self.enlist(actor, call, call_id);
        if let Some(live) = self.live.get_mut(&key) {
            live.stream = Some(stream);
        }
        self.actors[actor].line.on_placed(key);
    }

    fn enlist(&mut self, actor: usize, call: CallId, call_id: String) -> CallKey {
        let key = CallKey(self.next_call);
        self.next_call += 1;
        self.live.insert(
            key,
            Live {
                actor,
                station: self.actors[actor].station,
                call,
                call_id,
                stream: None,
                events_agreed: false,
            },
        );
        key
    }

    fn key_of(&self, station: usize, call: CallId) -> Option<CallKey> {
        self.live
            .iter()
            .find(|(_, live)| live.station == station && live.call == call)
            .map(|(key, _)| *key)
    }

    fn registration(&self, actor: usize) -> Registration {
        let script = self.actors[actor].line.script();
        Registration {
            aor: SipUri::at(Some(script.address()), self.server),
            registrar: SipUri::at(None, self.server),
            hop: None,
            contact_user: script.address().to_owned(),
            credentials: credentials(script).unwrap_or_else(|| OutboundCredentials {
                username: script.address().to_owned(),
                password: String::new(),
                realm: None,
            }),
            expires: REGISTRATION,
            identity: CallIdentity::derive(Uuid::new_v4().into_bytes()),
        }
    }

    fn say(&self, actor: Option<usize>, what: What<'_>) {
        self.reporter.report(&Event {
            at_ms: u64::try_from(self.now().as_millis()).unwrap_or(u64::MAX),
            line: actor.map(|actor| self.actors[actor].line.script().name.as_str()),
            what,
        });
    }
}

async fn start(
    bind: SocketAddr,
    line: &script::Line,
    authority: &Arc<dyn Authority>,
    station: usize,
    events: &mpsc::UnboundedSender<(usize, Sip)>,
) -> Result<Signalling, SimulatorError> {
    open(
        bind,
        &line.name,
        &line.voice.codecs,
        authority,
        station,
        events,
    )
    .await
}

/// Opens a user agent and names its events by the station.
async fn open(
    bind: SocketAddr,
    name: &str,
    codecs: &[script::CodecName],
    authority: &Arc<dyn Authority>,
    station: usize,
    events: &mpsc::UnboundedSender<(usize, Sip)>,
) -> Result<Signalling, SimulatorError> {
    let mut config = signalling::Config::new(vec![bind]);
    config.registrar = false;
    config.product = Some(format!("Simulated ({name})"));
    if !codecs.is_empty() {
        config.codecs = codecs.iter().copied().map(sip_codec).collect();
    }
    let (signalling, mut inbox) = signalling::start(config, authority.clone(), Vec::new()).await?;
    let events = events.clone();
    tokio::spawn(async move {
        while let Some(event) = inbox.recv().await {
            if events.send((station, event)).is_err() {
                return;
            }
        }
    });
    Ok(signalling)
}

fn sip_codec(name: script::CodecName) -> sip::Codec {
    match name {
        script::CodecName::Opus => sip::Codec::Opus,
        script::CodecName::G722 => sip::Codec::G722,
        script::CodecName::Pcmu => sip::Codec::Pcmu,
        script::CodecName::Pcma => sip::Codec::Pcma,
    }
}

fn codecs(script: &script::Line) -> Option<Vec<sip::Codec>> {
    let names = &script.voice.codecs;
    (!names.is_empty()).then(|| names.iter().copied().map(sip_codec).collect())
}

fn credentials(script: &script::Line) -> Option<OutboundCredentials> {
    Some(OutboundCredentials {
        username: script.account.clone()?,
        password: script.secret.clone()?,
        realm: None,
    })
}

fn rejection(status: u16, cause: Option<u16>, retry_after: Option<Duration>) -> Rejection {
    let text = |cause| match cause {
        1 => "Unallocated number",
        17 => "User busy",
        18 => "No user responding",
        19 => "No answer from user",
        20 => "Subscriber absent",
        21 => "Call rejected",
        _ => "Call refused",
    };
    Rejection {
        status,
        reasons: cause
            .map(|cause| Reason::q850(cause, text(cause)))
            .into_iter()
            .collect(),
        retry_after,
    }
}

/// A number without its punctuation: `+7 916 123-01-04` and `79161230104` are one.
fn digits(number: &str) -> String {
    number.chars().filter(char::is_ascii_digit).collect()
}
