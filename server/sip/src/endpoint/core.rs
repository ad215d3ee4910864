//! What every part of the endpoint sends through: transactions, addresses, names.

use std::{
    collections::{BTreeMap, VecDeque},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::{Duration, Instant},
};

use super::Output;
use crate::{
    command::{CallId, RegistrationId, WatchId},
    config::{Config, Local},
    event::Event,
    events::{Leaf, SubscriptionId, WatcherId},
    flow::{Flow, Hop, Lookup, SIP_PORT, Transport},
    message::{Method, NameAddr, Request, Response},
    random::Random,
    transaction::{Absorbed, ServerKey, Transactions},
    uri::{Host, SipUri},
};

/// Requests that may wait for names to be looked up.
const MAX_PARKED: usize = 1000;
/// How long a look-up may take.
const RESOLVE_PATIENCE: Duration = Duration::from_secs(5);

/// Who waits for the response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Owner {
    Call(CallId, Purpose),
    Registration(RegistrationId),
    Watch(WatchId),
    /// Of which notifier; none for the first SUBSCRIBE.
    Subscription(SubscriptionId, Option<Leaf>),
    Watcher(WatcherId),
    Nobody,
}

/// What a call sent a request for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// The initial INVITE to the nth target.
    Invite(usize),
    Reinvite,
    Update,
    Prack,
    Info,
    /// Whether the peer is still there.
    Probe,
    Bye,
}

/// A request before it is known where it goes.
#[derive(Debug, Clone)]
pub struct Draft {
    pub request: Request,
    pub hop: Hop,
    pub branch: String,
    pub owner: Owner,
    /// The user part of the Contact to put in, or none for requests without one.
    pub contact: Option<Option<String>>,
}

pub struct Core {
    pub config: Config,
    pub out: VecDeque<Output>,
    pub transactions: Transactions<Owner>,
    pub random: Random,
    /// Requests that could not be sent, to be told to their owners.
    pub undeliverable: VecDeque<(Owner, String)>,
    /// Further addresses of a name something was sent to, to be told to its owner.
    pub spares: VecDeque<(Owner, Vec<SocketAddr>)>,
    parked: BTreeMap<Lookup, Vec<(Instant, Draft)>>,
    /// Since when new calls are refused, and what Retry-After says.
    pub draining: Option<Duration>,
}

impl Core {
    pub fn new(config: Config, random: Random) -> Self {
        Core {
            config,
            out: VecDeque::new(),
            transactions: Transactions::default(),
            random,
            undeliverable: VecDeque::new(),
            spares: VecDeque::new(),
            parked: BTreeMap::new(),
            draining: None,
        }
    }

    pub fn tell(&mut self, event: Event) {
        self.out.push_back(Output::Event(event));
    }

    /// Sends a request, after a look-up where the hop is a name.
    ///
    /// It stays on the transport its hop names, whatever its length. RFC 3261 §18.1.1
    /// would have requests above 1300 bytes go over TCP, which the phones that are
    /// reached over UDP mostly refuse; fragments do reach them.
    pub fn send(&mut self, draft: Draft, now: Instant) {
        match &draft.hop {
            Hop::Flow(flow) => {
                // A flow of an earlier process may name a socket we no longer have.
                let flow = match self.local(flow) {
                    Some(_) => Some(*flow),
                    None => self.flow_to(flow.transport, flow.remote),
                };
                match flow {
                    Some(flow) => self.send_over(draft, flow, now),
                    None => self.fail(draft.owner, "No socket of this family and transport"),
                }
            }
            Hop::To {
                transport,
                host: Host::Ip(ip),
                port,
            } => {
                let port = port.unwrap_or(SIP_PORT);
                let remote = SocketAddr::new(ip.to_canonical(), port);
                match self.flow_to(*transport, remote) {
                    Some(flow) => self.send_over(draft, flow, now),
                    None => self.fail(draft.owner, "No socket of this family and transport"),
                }
            }
            Hop::To {
                transport,
                host: Host::Name(name),
                port,
            } => {
                if self.parked.values().map(Vec::len).sum::<usize>() >= MAX_PARKED {
                    return self.fail(draft.owner, "Too many names to look up");
                }
                let lookup = Lookup {
                    name: name.clone(),
                    transport: *transport,
                    port: *port,
                };
                self.out.push_back(Output::Resolve(lookup.clone()));
                let until = now + RESOLVE_PATIENCE;
                self.parked.entry(lookup).or_default().push((until, draft));
            }
        }
    }

    /// Sends what waited for this name, to the first of its addresses.
    pub fn resolved(&mut self, lookup: &Lookup, addresses: &[SocketAddr], now: Instant) {
        let usable: Vec<Flow> = addresses
            .iter()
            .map(|address| SocketAddr::new(address.ip().to_canonical(), address.port()))
            .filter_map(|address| self.flow_to(lookup.transport, address))
            .collect();
        for (_, draft) in self.parked.remove(lookup).unwrap_or_default() {
            match usable.split_first() {
                Some((first, others)) => {
                    if !others.is_empty() {
                        let others = others.iter().map(|flow| flow.remote).collect();
                        self.spares.push_back((draft.owner.clone(), others));
                    }
                    self.send_over(draft, *first, now);
                }
                None => self.fail(draft.owner, &format!("No address for {}", lookup.name)),
            }
        }
    }

    /// When the oldest look-up is given up.
    pub fn deadline(&self) -> Option<Instant> {
        let parked = self.parked.values().flatten().map(|(until, _)| *until);
        parked.chain(self.transactions.deadline()).min()
    }

    pub fn give_up_look_ups(&mut self, now: Instant) {
        let mut failed = Vec::new();
        self.parked.retain(|lookup, drafts| {
            let (late, waiting) = drafts.drain(..).partition(|(until, _)| *until <= now);
            *drafts = waiting;
            let late: Vec<(Instant, Draft)> = late;
            failed.extend(
                late.into_iter()
                    .map(|(_, draft)| (draft.owner, lookup.name.clone())),
            );
            !drafts.is_empty()
        });
        for (owner, name) in failed {
            self.fail(owner, &format!("Looking up {name} took too long"));
        }
    }

    fn fail(&mut self, owner: Owner, why: &str) {
        self.undeliverable.push_back((owner, why.to_owned()));
    }

    fn send_over(&mut self, draft: Draft, flow: Flow, now: Instant) {
        let Draft {
            mut request,
            branch,
            owner,
            contact,
            ..
        } = draft;
        if let Some(user) = &contact {
            let contact = self.contact(user.as_deref(), &flow);
            request.headers.push("Contact", &contact.to_string());
        }
        let own = self.advertised(&flow);
        let via = format!(
            "SIP/2.0/{} {};rport;branch={branch}",
            flow.transport.name(),
            host_port(own)
        );
        request.headers.push_front("Via", &via);
        request
            .headers
            .push("User-Agent", &self.config.product.clone());
        if request.method == Method::Ack {
            let bytes = request.to_bytes();
            self.out.push_back(Output::Send { flow, bytes });
        } else {
            self.transactions
                .start(request, &branch, flow, owner, now, &mut self.out);
        }
    }

    /// Sends a response that is part of a transaction, with our product's name.
    pub fn respond(&mut self, key: &ServerKey, mut response: Response, now: Instant) {
        response.headers.push("Server", &self.config.product);
        self.transactions
            .respond(key, &response, now, &mut self.out);
    }

    /// Sends a response without a transaction: when the request comes again, it is
    /// answered again. For refusals to strangers, which must cost no memory.
    ///
    /// `asked` is the size of the request, bytes. A datagram's sender may be forged, so
    /// its answer is at most twice as long: what is only nice to know is left out, and
    /// where that does not suffice nothing is sent.
    pub fn respond_once(&mut self, flow: Flow, mut response: Response, asked: usize) {
        response.headers.push("Server", &self.config.product);
        let mut bytes = response.to_bytes();
        if !flow.transport.is_reliable() {
            for optional in [
                "Server",
                "Accept",
                "Supported",
                "Allow-Events",
                "Allow",
                "Warning",
            ] {
                if bytes.len() <= 2 * asked {
                    break;
                }
                response.headers.remove(optional);
                bytes = response.to_bytes();
            }
            if bytes.len() > 2 * asked {
                return;
            }
        }
        self.out.push_back(Output::Send { flow, bytes });
    }

    pub fn absorbs(&mut self, method: &Method, key: &ServerKey, now: Instant) -> bool {
        self.transactions
            .on_request(method, key, now, &mut self.out)
            == Absorbed::Yes
    }

    /// The flow from our default socket of that family and transport.
    pub fn flow_to(&self, transport: Transport, remote: SocketAddr) -> Option<Flow> {
        let local = self
            .config
            .locals
            .iter()
            .find(|l| l.transport == transport && l.bound.is_ipv4() == remote.is_ipv4())?;
        Some(Flow {
            transport,
            local: local.bound,
            remote,
        })
    }

    /// How we call ourselves towards the other end of this flow.
    pub fn advertised(&self, flow: &Flow) -> SocketAddr {
        let ip = self.own_ip(flow.local.ip(), flow.remote.ip(), self.local(flow));
        SocketAddr::new(ip, flow.local.port())
    }

    /// The RTP address to write into SDP for a peer at `remote`.
    pub fn media_address(&self, address: SocketAddr, remote: IpAddr) -> SocketAddr {
        let local = self
            .config
            .locals
            .iter()
            .find(|l| l.bound.is_ipv4() == remote.is_ipv4());
        SocketAddr::new(self.own_ip(address.ip(), remote, local), address.port())
    }

    fn own_ip(&self, bound: IpAddr, remote: IpAddr, local: Option<&Local>) -> IpAddr {
        let same_family = |ip: &IpAddr| ip.is_ipv4() == remote.is_ipv4();
        if remote.is_loopback() {
            return match (bound.is_unspecified(), remote) {
                (false, _) => bound,
                (true, IpAddr::V4(_)) => Ipv4Addr::LOCALHOST.into(),
                (true, IpAddr::V6(_)) => Ipv6Addr::LOCALHOST.into(),
            };
        }
        match self.config.public_ip.filter(same_family) {
            Some(public) if !is_private(remote) && !bound.is_loopback() => public,
            Some(_) | None if !bound.is_unspecified() => bound,
            Some(_) | None => local.map_or(bound, |local| local.host_ip),
        }
    }

    fn local(&self, flow: &Flow) -> Option<&Local> {
        self.config
            .locals
            .iter()
            .find(|l| l.transport == flow.transport && l.bound == flow.local)
    }

    pub fn contact(&self, user: Option<&str>, flow: &Flow) -> NameAddr {
        let own = self.advertised(flow);
        let user = user.filter(|user| !user.is_empty());
        let uri = SipUri::new(user, own.ip().into(), Some(own.port()));
        NameAddr::new(match flow.transport {
            Transport::Udp => uri,
            Transport::Tcp => uri.with_param("transport", Some("tcp")),
        })
    }
}

fn is_private(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_private() || ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unique_local() || ip.is_unicast_link_local(),
    }
}

fn host_port(address: SocketAddr) -> String {
    format!("{}:{}", Host::from(address.ip()), address.port())
}
