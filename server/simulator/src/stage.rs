//! Where the lines meet signalling, audio and time. Decides nothing: [`Line`] does.

use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use sip::{CallId, Ending, Event as Sip, RegistrationId, RegistrationStatus, ResourceId};
use tokio::{sync::mpsc, task::JoinSet, time::Instant};

use crate::{
    SimulatorError,
    agent::{Agent, digits},
    ear::Heard,
    event::{Event, Reporter, What},
    line::{CallKey, Line, Output, Refusal},
    operator_api::OperatorApi,
    rtp,
    script::Script,
    speech::{self, Speech},
    stream::{self, Stream},
};

/// What an operator says of a number nobody has.
const NO_SUCH_NUMBER: Refusal = Refusal {
    status: 404,
    cause: Some(1),
    at_user: false,
    retry_after: None,
};

const NO_PORT: Refusal = Refusal {
    status: 500,
    cause: None,
    at_user: false,
    retry_after: None,
};

/// A line and what belongs to it.
struct Actor {
    line: Line,
    /// Its place in [`Stage::agents`].
    agent: usize,
    speech: Speech,
    registration: Option<RegistrationId>,
}

/// A call that is not over.
struct Live {
    actor: usize,
    agent: usize,
    call: CallId,
    /// The SIP Call-ID, as events name the call.
    call_id: String,
    stream: Option<Stream>,
    /// Telephone events were agreed on; else keys go by INFO.
    events_agreed: bool,
}

pub struct Stage {
    ip: IpAddr,
    started: Instant,
    actors: Vec<Actor>,
    agents: Vec<Agent>,
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
    /// What the server has subscribed to, and at which agent.
    watched: BTreeMap<ResourceId, usize>,
    api: OperatorApi,
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
        let (events, signals) = mpsc::unbounded_channel();
        let operator = script.operator.clone();
        let mut agents = Vec::new();
        let mut numbers = BTreeMap::new();
        let mut actors = Vec::new();
        let speeches = speech::of_all(script.lines.iter().map(|line| &line.voice));
        for ((nth, line), speech) in script.lines.into_iter().enumerate().zip(speeches) {
            let place = agents.len();
            if line.account.is_some() {
                agents.push(Agent::phone(nth, &line, ip, server, place, &events).await?);
            } else {
                numbers.insert(digits(line.address()), nth);
            }
            actors.push(Actor {
                speech,
                line: Line::new(line),
                agent: place,
                registration: None,
            });
        }
        if !numbers.is_empty() {
            let bind = trunk.ok_or(SimulatorError::NoTrunkAddress)?;
            let operator = agents.len();
            for nth in numbers.values() {
                actors[*nth].agent = operator;
            }
            agents.push(Agent::operator(numbers, bind, server, operator, &events).await?);
        }
        let api = OperatorApi::start(operator)
            .await
            .map_err(SimulatorError::StatusListen)?;
        let (heard, hearing) = mpsc::unbounded_channel();
        Ok(Self {
            ip,
            started: Instant::now(),
            actors,
            agents,
            live: BTreeMap::new(),
            next_call: 1,
            curtain: false,
            quiet_since: None,
            again_after: script.again_after,
            reporter,
            heard,
            hearing,
            signals,
            watched: BTreeMap::new(),
            api,
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
                Some((agent, event)) = self.signals.recv() => self.on_signal(agent, event),
                Some((call, heard)) = self.hearing.recv() => self.on_heard(call, &heard),
                () = tokio::time::sleep_until(wake) => self.on_time(),
            }
            self.carry_out();
        }
        let mut ends = JoinSet::new();
        for agent in std::mem::take(&mut self.agents) {
            ends.spawn(agent.stop());
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

    fn on_signal(&mut self, agent: usize, event: Sip) {
        match event {
            Sip::Incoming { call, incoming } => self.on_incoming(agent, call, &incoming),
            Sip::Answered {
                call,
                media,
                dialog,
                ..
            } => {
                self.on_media(agent, call, media, Some(dialog.call_id));
            }
            Sip::MediaChanged { call, media, .. } => self.on_media(agent, call, media, None),
            Sip::Ended { call, ending } => {
                let by = match ending {
                    Ending::ByUs => "us",
                    Ending::ByPeer { .. } => "peer",
                    Ending::AckLost | Ending::SessionLost | Ending::NoCommonCodec => "network",
                };
                self.on_over(agent, call, by);
            }
            Sip::Failed { call, failure } => {
                tracing::info!(status = failure.status, cause = ?failure.cause, "Call failed");
                self.on_over(agent, call, "network");
            }
            Sip::Registration { status, .. } => {
                let Some(actor) = self.actors.iter().position(|a| a.agent == agent) else {
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
            Sip::Wanted { resource } => {
                self.watched.insert(resource, agent);
            }
            Sip::Unwanted { resource } => {
                self.watched.remove(&resource);
            }
            Sip::Ringing { .. }
            | Sip::Digit { .. }
            | Sip::Bindings { .. }
            | Sip::Subscription { .. }
            | Sip::Notified { .. }
            | Sip::Watched { .. }
            | Sip::Published { .. }
            | Sip::Garbage { .. } => {}
        }
    }

    fn on_incoming(&mut self, at: usize, call: CallId, incoming: &sip::Incoming) {
        let user = incoming.dialled.user.as_deref().unwrap_or_default();
        let Some(actor) = self.agents[at].line_called(user) else {
            return self.agents[at].reject(call, NO_SUCH_NUMBER);
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
        agent: usize,
        call: CallId,
        media: sip::NegotiatedMedia,
        answered: Option<String>,
    ) {
        let now = self.now();
        let Some(key) = self.key_of(agent, call) else {
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

    fn on_over(&mut self, agent: usize, call: CallId, by: &str) {
        let now = self.now();
        let Some(key) = self.key_of(agent, call) else {
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
        self.tell_of_lines();
    }

    /// The operator tells how his lines are, to whoever subscribed and by HTTP. What
    /// looks as it did is not told again.
    fn tell_of_lines(&self) {
        for actor in &self.actors {
            if let Some(number) = &actor.line.script().number {
                self.api.note(number, actor.line.look());
            }
        }
        for (resource, agent) in &self.watched {
            let agent = &self.agents[*agent];
            let line = agent
                .line_watched(*resource)
                .map(|nth| &self.actors[nth].line);
            let number = line.map_or("", |line| line.script().address());
            agent.show(*resource, number, line.map(Line::look));
        }
    }

    fn perform(&mut self, actor: usize, output: Output) {
        let agent = &self.agents[self.actors[actor].agent];
        match output {
            Output::Register => {
                let id = agent.register(self.actors[actor].line.script());
                self.actors[actor].registration = Some(id);
            }
            Output::Unregister => {
                if let Some(id) = self.actors[actor].registration.take() {
                    agent.unregister(id);
                }
            }
            Output::Ring(key) => {
                if let Some(live) = self.live.get(&key) {
                    agent.ring(live.call);
                    let call_id = &live.call_id;
                    self.say(Some(actor), What::Ringing { call_id });
                }
            }
            Output::Answer(key) => self.answer(actor, key),
            Output::Forward(key) => {
                if let Some(live) = self.live.get(&key) {
                    agent.forward(live.call);
                }
            }
            Output::Sound(key) => self.sound(actor, key),
            Output::Reject { call: key, refusal } => {
                if let Some(live) = self.live.remove(&key) {
                    self.quiet_since = Some(Instant::now());
                    agent.reject(live.call, refusal);
                    let call_id = &live.call_id;
                    let status = refusal.status;
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
                    Some(_) | None => agent.send_digit(live.call, digit),
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
                    agent.hang_up(live.call);
                    let call_id = &live.call_id;
                    self.say(Some(actor), What::Released { call_id, by: "us" });
                }
            }
            Output::Call { to } => self.place(actor, &to),
        }
    }

    fn answer(&mut self, actor: usize, key: CallKey) {
        let Actor { line, agent, .. } = &self.actors[actor];
        let agent = &self.agents[*agent];
        let Some(live) = self.live.get_mut(&key) else {
            return;
        };
        match Stream::open(self.ip, key, self.heard.clone()) {
            Ok(stream) => {
                agent.answer(live.call, line.script(), stream.local);
                live.stream = Some(stream);
            }
            Err(error) => {
                tracing::warn!(%error, "No port for audio");
                agent.reject(live.call, NO_PORT);
            }
        }
    }

    /// A session without an answer: what the network plays.
    fn sound(&mut self, actor: usize, key: CallKey) {
        let Actor { line, agent, .. } = &self.actors[actor];
        let agent = &self.agents[*agent];
        let Some(live) = self.live.get_mut(&key) else {
            return;
        };
        match Stream::open(self.ip, key, self.heard.clone()) {
            Ok(stream) => {
                agent.sound(live.call, line.script(), stream.local);
                live.stream = Some(stream);
            }
            Err(error) => tracing::warn!(%error, "No port for audio"),
        }
    }

    fn place(&mut self, actor: usize, to: &str) {
        let Actor { line, agent, .. } = &self.actors[actor];
        let stream = match Stream::open(self.ip, CallKey(self.next_call), self.heard.clone()) {
            Ok(stream) => stream,
            Err(error) => {
                tracing::warn!(%error, "No port for audio");
                return self.actors[actor].line.on_not_placed();
            }
        };
        let (call, call_id) = self.agents[*agent].place(line.script(), to, stream.local);
        let what = What::Calling {
            call_id: &call_id,
            to,
        };
        self.say(Some(actor), what);
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
                agent: self.actors[actor].agent,
                call,
                call_id,
                stream: None,
                events_agreed: false,
            },
        );
        key
    }

    fn key_of(&self, agent: usize, call: CallId) -> Option<CallKey> {
        self.live
            .iter()
            .find(|(_, live)| live.agent == agent && live.call == call)
            .map(|(key, _)| *key)
    }

    fn say(&self, actor: Option<usize>, what: What<'_>) {
        self.reporter.report(&Event {
            at_ms: u64::try_from(self.now().as_millis()).unwrap_or(u64::MAX),
            line: actor.map(|actor| self.actors[actor].line.script().name.as_str()),
            what,
        });
    }
}
