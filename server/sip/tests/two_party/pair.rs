//! A network of endpoints on virtual time, which loses, doubles and delays as told.

use std::{
    collections::{BTreeMap, VecDeque},
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use sip::{
    AccountId, Authority, CallId, CallIdentity, Caller, Command, Config, Credentials, Endpoint,
    Event, Flow, Hop, Incoming, Invite, Local, LocalMedia, OutboundCredentials, Output, Package,
    Party, ResourceId, SipUri, Target, Transport, TrunkId, authority::Secret,
};
use uuid::Uuid;

pub const TRUNK: TrunkId = TrunkId(Uuid::from_u128(9));

/// Whom an endpoint lets in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// Everybody is a trunk of ours.
    Open,
    /// Users prove who they are; every name is known, with the password `secret`.
    Digest,
}

impl Authority for Door {
    fn credentials(&self, username: &str, _realm: &str) -> Option<Credentials> {
        (!username.starts_with("nobody")).then(|| Credentials {
            account: account(username),
            secret: Secret::Password("secret".to_owned()),
        })
    }

    fn trunk_by_source(&self, _: SocketAddr) -> Option<TrunkId> {
        (*self == Door::Open).then_some(TRUNK)
    }

    fn watched(&self, _: Caller, address: &SipUri, _: Package) -> Option<ResourceId> {
        let number: u128 = address.user.as_deref()?.parse().ok()?;
        (200..300)
            .contains(&number)
            .then_some(ResourceId(Uuid::from_u128(number)))
    }
}

pub fn account(username: &str) -> AccountId {
    let bytes = username
        .bytes()
        .fold(0u128, |sum, b| sum * 131 + u128::from(b));
    AccountId(Uuid::from_u128(bytes))
}

/// What becomes of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    Arrives,
    Lost,
    Doubled,
    /// Arrives with this byte, counted round and round, replaced.
    Damaged(usize, u8),
}

/// A packet on its way.
#[derive(Debug, Clone)]
pub struct Packet {
    pub flow: Flow,
    pub bytes: Vec<u8>,
}

impl Packet {
    /// The first word: a method, or `SIP/2.0`.
    pub fn start(&self) -> String {
        let text = String::from_utf8_lossy(&self.bytes);
        text.lines().next().unwrap_or_default().to_owned()
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }
}

pub struct Agent {
    pub endpoint: Endpoint,
    pub address: SocketAddr,
    pub events: VecDeque<Event>,
}

pub struct Net {
    pub now: Instant,
    pub agents: Vec<Agent>,
    wire: BTreeMap<(Instant, u64), Packet>,
    sent: u64,
    /// How often an agent came in the place of another: each throws other dice.
    replaced: u8,
    /// Everything that was sent, lost or not.
    pub log: Vec<Packet>,
    pub fate: Box<dyn FnMut(&Packet) -> Fate>,
    pub delay: Duration,
}

impl Net {
    pub fn new(doors: &[Door]) -> Self {
        #[expect(
            clippy::disallowed_methods,
            reason = "an arbitrary origin for virtual time"
        )]
        let now = Instant::now();
        let mut net = Net {
            now,
            agents: Vec::new(),
            wire: BTreeMap::new(),
            sent: 0,
            replaced: 0,
            log: Vec::new(),
            fate: Box::new(|_| Fate::Arrives),
            delay: Duration::from_millis(20),
        };
        for (nth, door) in doors.iter().enumerate() {
            net.add(nth, *door, |_| {});
        }
        net
    }

    /// Puts an agent at its place, in place of the one that may be there.
    pub fn add(&mut self, nth: usize, door: Door, configure: impl FnOnce(&mut Config)) {
        let address = address(nth);
        let local = |transport| Local {
            transport,
            bound: address,
            host_ip: address.ip(),
        };
        let mut config = Config::new(vec![local(Transport::Udp), local(Transport::Tcp)]);
        configure(&mut config);
        self.replaced += u8::from(nth < self.agents.len());
        let seed = [u8::try_from(nth).unwrap() + 1 + 16 * self.replaced; 32];
        let endpoint = Endpoint::new(config, Arc::new(door), seed, self.now, 1_000_000);
        let agent = Agent {
            endpoint,
            address,
            events: VecDeque::new(),
        };
        if nth < self.agents.len() {
            self.agents[nth] = agent;
        } else {
            self.agents.push(agent);
        }
    }

    pub fn command(&mut self, agent: usize, command: Command) {
        let now = self.now;
        self.agents[agent].endpoint.command(command, now);
        self.collect();
    }

    /// Takes what agents want sent and told.
    fn collect(&mut self) {
        for agent in &mut self.agents {
            while let Some(output) = agent.endpoint.poll_output() {
                match output {
                    Output::Event(event) => agent.events.push_back(event),
                    Output::Resolve(lookup) => panic!("nobody to look up {lookup:?}"),
                    Output::Send { flow, bytes } => {
                        let packet = Packet { flow, bytes };
                        self.log.push(packet.clone());
                        let mut packet = packet;
                        let copies = match (self.fate)(&packet) {
                            Fate::Arrives => 1,
                            Fate::Lost => 0,
                            Fate::Doubled => 2,
                            Fate::Damaged(at, byte) => {
                                let length = packet.bytes.len();
                                packet.bytes[at % length] = byte;
                                1
                            }
                        };
                        for _ in 0..copies {
                            self.sent += 1;
                            let key = (self.now + self.delay, self.sent);
                            self.wire.insert(key, packet.clone());
                        }
                    }
                }
            }
        }
    }

    /// Lets time pass.
    pub fn run(&mut self, time: Duration) {
        let end = self.now + time;
        loop {
            self.collect();
            let arrival = self.wire.keys().next().map(|(at, _)| *at);
            let timers = self.agents.iter().filter_map(|a| a.endpoint.poll_timeout());
            let Some(next) = timers.chain(arrival).min().filter(|next| *next <= end) else {
                break;
            };
            self.now = self.now.max(next);
            while let Some(entry) = self.wire.first_entry()
                && entry.key().0 <= self.now
            {
                let packet = entry.remove();
                self.deliver(&packet);
            }
            for agent in &mut self.agents {
                if agent
                    .endpoint
                    .poll_timeout()
                    .is_some_and(|at| at <= self.now)
                {
                    agent.endpoint.handle_timeout(self.now);
                }
            }
        }
        self.now = end;
    }

    fn deliver(&mut self, packet: &Packet) {
        let to = packet.flow.remote;
        let flow = Flow {
            transport: packet.flow.transport,
            local: to,
            remote: packet.flow.local,
        };
        if let Some(agent) = self.agents.iter_mut().find(|a| a.address == to) {
            agent.endpoint.handle_message(flow, &packet.bytes, self.now);
        }
        self.collect();
    }

    /// A moment: long enough for a few round trips.
    pub fn moment(&mut self) {
        self.run(Duration::from_millis(300));
    }

    /// All events of an agent since the last look.
    pub fn events(&mut self, agent: usize) -> Vec<Event> {
        self.agents[agent].events.drain(..).collect()
    }

    /// The next event of an agent.
    pub fn event(&mut self, agent: usize) -> Event {
        let event = self.agents[agent].events.pop_front();
        event.unwrap_or_else(|| panic!("agent {agent} has nothing to tell"))
    }

    /// The call that has come in at an agent.
    pub fn incoming(&mut self, agent: usize) -> (CallId, Incoming) {
        match self.event(agent) {
            Event::Incoming { call, incoming } => (call, *incoming),
            other => panic!("{other:?}"),
        }
    }

    /// Sets up an answered call between agents 0 and 1; their names of it.
    pub fn call(&mut self) -> (CallId, CallId) {
        let placed = self.dial(0, invite(1, &[1]));
        self.moment();
        let (call, _) = self.incoming(1);
        let media = audio(1);
        self.command(1, Command::Answer { call, media });
        self.moment();
        for agent in [0, 1] {
            assert!(matches!(self.event(agent), Event::Answered { .. }));
        }
        (placed, call)
    }

    pub fn dial(&mut self, agent: usize, invite: Invite) -> CallId {
        let call = CallId::ours(self.sent + 1000);
        let invite = Box::new(invite);
        self.command(agent, Command::Invite { call, invite });
        call
    }

    /// Everything sent whose first line begins so.
    pub fn logged(&self, start: &str) -> Vec<&Packet> {
        let matching = self.log.iter().filter(|p| p.start().starts_with(start));
        matching.collect()
    }

    /// No call and no transaction is left anywhere, once everything has run out.
    pub fn is_quiet_after_a_while(&mut self) -> bool {
        self.run(Duration::from_secs(200));
        self.agents
            .iter()
            .all(|agent| agent.endpoint.calls() == 0 && agent.endpoint.is_idle())
    }
}

pub fn address(agent: usize) -> SocketAddr {
    SocketAddr::new([192, 0, 2, u8::try_from(agent).unwrap() + 1].into(), 5060)
}

pub fn audio(agent: usize) -> LocalMedia {
    LocalMedia::at(SocketAddr::new(address(agent).ip(), 40_000))
}

pub fn credentials(password: &str) -> OutboundCredentials {
    OutboundCredentials {
        username: "alice".to_owned(),
        password: password.to_owned(),
        realm: None,
    }
}

/// An INVITE of agent 0 to these agents.
pub fn invite(seed: u8, to: &[usize]) -> Invite {
    let party = |user: &str| Party {
        display: Some(format!("The \"{user}\"")),
        user: user.to_owned(),
        host: address(0).ip().into(),
    };
    Invite {
        identity: CallIdentity::derive([seed; 16]),
        targets: to
            .iter()
            .map(|agent| Target {
                uri: SipUri::at(Some("700"), address(*agent)),
                route: Vec::new(),
                hop: Some(Hop::to(Transport::Udp, address(*agent))),
            })
            .collect(),
        from: party("100"),
        to: party("700"),
        asserted: None,
        media: audio(0),
        offerless: false,
        holds_ack: false,
        credentials: None,
        may_encrypt: false,
        first_response_within: None,
        headers: Vec::new(),
    }
}

pub fn is_account(caller: Caller, username: &str) -> bool {
    caller == Caller::Account(account(username))
}

/// A reproducible stream of numbers, for losing packets by.
pub fn dice(seed: u64) -> impl FnMut(u32) -> u32 {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    move |bound| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        u32::try_from((state >> 33) % u64::from(bound)).unwrap()
    }
}
