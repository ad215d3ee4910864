//! The handle the rest of the program holds, and how signalling is started.

use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use sip::{
    AccountId, Authority, Binding, CallId, Codec, Command, DialogRecord, Endpoint, Event, Invite,
    Local, LocalMedia, Package, Reason, Registration, RegistrationId, Rejection, ResourceId, Shown,
    Subscription, SubscriptionId, Transport, Watch, WatchId,
};
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinSet,
};

use crate::{
    names::Names,
    sockets::{self, Pair},
    task::{self, Task},
};

/// An address to listen on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bind {
    /// Port 0 takes a free one, the same for both transports.
    pub address: SocketAddr,
    pub udp: bool,
    pub tcp: bool,
}

impl Bind {
    fn has(&self, transport: Transport) -> bool {
        match transport {
            Transport::Udp => self.udp,
            Transport::Tcp => self.tcp,
        }
    }
}

/// What signalling is told at its start.
#[derive(Debug, Clone)]
pub struct Config {
    pub bind: Vec<Bind>,
    /// Our address as the world sees it, behind a NAT.
    pub public_ip: Option<IpAddr>,
    /// Digest realm, and our host name in From.
    pub realm: String,
    pub codecs: Vec<Codec>,
    /// Bounds of a binding's lifetime.
    pub min_expires: Duration,
    pub max_expires: Duration,
    /// Calls at once; beyond them 503.
    pub max_calls: usize,
    /// Session interval asked for (RFC 4028).
    pub session_expires: Duration,
    /// Whether REGISTER is served. A user agent that only registers elsewhere says no.
    pub registrar: bool,
    /// Event packages that may be watched here.
    pub packages: Vec<Package>,
    /// `User-Agent` and `Server`; `None` for our own name.
    pub product: Option<String>,
    /// Where host names are looked up.
    pub names: Names,
}

impl Config {
    /// Defaults, with these addresses opened for UDP and TCP.
    pub fn new(bind: Vec<SocketAddr>) -> Self {
        let both = |address| Bind {
            address,
            udp: true,
            tcp: true,
        };
        let bind = bind.into_iter().map(both).collect();
        let defaults = sip::Config::new(Vec::new());
        Config {
            bind,
            public_ip: None,
            realm: defaults.realm,
            codecs: defaults.codecs,
            min_expires: defaults.min_expires,
            max_expires: defaults.max_expires,
            max_calls: defaults.max_calls,
            session_expires: defaults.session_expires,
            registrar: defaults.registrar,
            packages: defaults.packages,
            product: None,
            names: Names::new(None),
        }
    }
}

/// Why signalling did not start.
#[derive(Debug)]
pub struct StartError {
    pub address: SocketAddr,
    /// `UDP` or `TCP`.
    pub transport: &'static str,
    pub source: std::io::Error,
}

impl std::fmt::Display for StartError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "Cannot listen for SIP on {} over {}: {}",
            self.address, self.transport, self.source
        )
    }
}

impl std::error::Error for StartError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.source)
    }
}

impl From<StartError> for std::io::Error {
    fn from(error: StartError) -> Self {
        std::io::Error::new(error.source.kind(), error.to_string())
    }
}

/// What the handle asks of the task.
pub(crate) enum Request {
    Command(Command),
    Bindings(AccountId, oneshot::Sender<Vec<Binding>>),
    /// Ends all calls with BYE or CANCEL and stops once that is done.
    Stop(oneshot::Sender<()>),
}

/// Opens the sockets and starts the task.
///
/// `restored` are the bindings an earlier process reported. Events come out of the
/// returned receiver; the task ends when it is dropped.
pub async fn start(
    config: Config,
    authority: Arc<dyn Authority>,
    restored: Vec<Binding>,
) -> Result<(Signalling, mpsc::UnboundedReceiver<Event>), StartError> {
    let pairs: Vec<Pair> = config
        .bind
        .iter()
        .map(|bind| sockets::open(*bind))
        .collect::<Result<_, _>>()?;
    let addresses: Arc<[SocketAddr]> = pairs.iter().map(|pair| pair.address).collect();
    let opened: Vec<Bind> = config
        .bind
        .iter()
        .zip(addresses.iter())
        .map(|(bind, address)| Bind {
            address: *address,
            ..*bind
        })
        .collect();
    let endpoint = endpoint(&config, &opened, authority, restored)?;

    let (requests, request_queue) = mpsc::unbounded_channel();
    let (events, receiver) = mpsc::unbounded_channel();
    let (inbox, inputs) = mpsc::channel(task::INBOX);
    let mut helpers = JoinSet::new();
    let mut udp = BTreeMap::new();
    for pair in pairs {
        if let Some(socket) = pair.udp {
            let socket = Arc::new(socket);
            // Before the runtime has seen it writable once, nothing could be sent.
            if let Err(source) = socket.writable().await {
                return Err(StartError {
                    address: pair.address,
                    transport: "UDP",
                    source,
                });
            }
            udp.insert(pair.address, socket.clone());
            helpers.spawn(task::read_datagrams(socket, pair.address, inbox.clone()));
        }
        if let Some(listener) = pair.tcp {
            helpers.spawn(task::accept(listener, pair.address, inbox.clone()));
        }
    }
    let task = Task {
        endpoint,
        sockets: udp,
        requests: request_queue,
        inputs,
        inbox,
        events,
        connections: BTreeMap::new(),
        names: config.names,
        helpers,
    };
    tokio::spawn(task.run());
    let signalling = Signalling {
        requests,
        next: Arc::new(AtomicU64::new(1)),
        addresses,
    };
    Ok((signalling, receiver))
}

fn endpoint(
    config: &Config,
    opened: &[Bind],
    authority: Arc<dyn Authority>,
    restored: Vec<Binding>,
) -> Result<Endpoint, StartError> {
    let locals = opened
        .iter()
        .flat_map(|bind| {
            [Transport::Udp, Transport::Tcp]
                .into_iter()
                .filter(|transport| bind.has(*transport))
                .map(|transport| Local {
                    transport,
                    bound: bind.address,
                    host_ip: sockets::host_ip(bind.address.ip()),
                })
        })
        .collect();
    let defaults = sip::Config::new(locals);
    let endpoint_config = sip::Config {
        public_ip: config.public_ip,
        realm: config.realm.clone(),
        codecs: config.codecs.clone(),
        min_expires: config.min_expires,
        max_expires: config.max_expires,
        max_calls: config.max_calls,
        session_expires: config.session_expires,
        registrar: config.registrar,
        packages: config.packages.clone(),
        product: config.product.clone().unwrap_or(defaults.product.clone()),
        ..defaults
    };
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(|error| StartError {
        address: opened
            .first()
            .map_or(([0, 0, 0, 0], 0).into(), |bind| bind.address),
        transport: "randomness",
        source: std::io::Error::other(error.to_string()),
    })?;
    let now = Instant::now();
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH);
    let wall_ms = since_1970.map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(0));
    let mut endpoint = Endpoint::new(endpoint_config, authority, seed, now, wall_ms);
    endpoint.restore(restored, now);
    Ok(endpoint)
}

/// A cheap handle. No method waits for the network; what comes of a command is told
/// by events. Commands for a call that is over are ignored.
#[derive(Clone)]
pub struct Signalling {
    requests: mpsc::UnboundedSender<Request>,
    next: Arc<AtomicU64>,
    addresses: Arc<[SocketAddr]>,
}

impl Signalling {
    /// The addresses listened on, with the ports actually taken.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Places a call; ends in `Answered` or `Failed`.
    pub fn invite(&self, invite: Invite) -> CallId {
        let call = CallId::ours(self.next.fetch_add(1, Ordering::Relaxed));
        self.send(Command::Invite {
            call,
            invite: Box::new(invite),
        });
        call
    }

    /// 180 Ringing for an incoming call.
    pub fn ring(&self, call: CallId) {
        self.send(Command::Ring { call });
    }

    /// Another provisional answer, with early media where `media` is given.
    pub fn progress(&self, call: CallId, status: u16, media: Option<LocalMedia>) {
        self.send(Command::Progress {
            call,
            status,
            media,
        });
    }

    pub fn answer(&self, call: CallId, media: LocalMedia) {
        self.send(Command::Answer { call, media });
    }

    pub fn reject(&self, call: CallId, rejection: Rejection) {
        self.send(Command::Reject { call, rejection });
    }

    /// CANCEL, unless it is answered all the same: for a call that rang long enough.
    pub fn stop_ringing(&self, call: CallId) {
        self.send(Command::StopRinging { call });
    }

    /// The answer of a call that holds its ACK is on record.
    pub fn acknowledge(&self, call: CallId) {
        self.send(Command::Acknowledge { call });
    }

    /// Ends a call in whatever state: CANCEL before the answer, BYE after it.
    pub fn hang_up(&self, call: CallId, reasons: Vec<Reason>) {
        self.send(Command::HangUp { call, reasons });
    }

    pub fn hold(&self, call: CallId, hold: bool) {
        self.send(Command::Hold { call, hold });
    }

    /// Moves our audio to another address or other codecs by re-INVITE.
    pub fn remedia(&self, call: CallId, media: LocalMedia) {
        self.send(Command::Remedia { call, media });
    }

    /// A digit by SIP INFO.
    pub fn send_digit(&self, call: CallId, digit: char) {
        self.send(Command::SendDigit { call, digit });
    }

    /// Takes up a call of an earlier process. Ends in `Answered` or `Failed`.
    pub fn resume(&self, record: DialogRecord, media: LocalMedia) -> CallId {
        let call = CallId::ours(self.next.fetch_add(1, Ordering::Relaxed));
        self.send(Command::Resume {
            call,
            record: Box::new(record),
            media,
        });
        call
    }

    /// Keeps us registered elsewhere, as a trunk's customer or as a phone.
    pub fn register(&self, registration: Registration) -> RegistrationId {
        let id = RegistrationId(self.next.fetch_add(1, Ordering::Relaxed));
        self.send(Command::Register {
            id,
            registration: Box::new(registration),
        });
        id
    }

    pub fn unregister(&self, id: RegistrationId) {
        self.send(Command::Unregister { id });
    }

    /// Asks a peer by OPTIONS, again and again, whether it is there.
    pub fn watch(&self, watch: Watch) -> WatchId {
        let id = WatchId(self.next.fetch_add(1, Ordering::Relaxed));
        self.send(Command::Watch {
            id,
            watch: Box::new(watch),
        });
        id
    }

    pub fn unwatch(&self, id: WatchId) {
        self.send(Command::Unwatch { id });
    }

    /// Hears of something at somebody else's server, until told otherwise.
    pub fn subscribe(&self, subscription: Subscription) -> SubscriptionId {
        let id = SubscriptionId(self.next.fetch_add(1, Ordering::Relaxed));
        self.send(Command::Subscribe {
            id,
            subscription: Box::new(subscription),
        });
        id
    }

    pub fn unsubscribe(&self, id: SubscriptionId) {
        self.send(Command::Unsubscribe { id });
    }

    /// What a watched resource looks like; for one nobody watches it is ignored.
    pub fn show(&self, resource: ResourceId, shown: Shown) {
        self.send(Command::Show {
            resource,
            shown: Box::new(shown),
        });
    }

    /// There is no such resource: whoever watches it is told so.
    pub fn hide(&self, resource: ResourceId) {
        self.send(Command::Hide { resource });
    }

    /// Forgets an account's bindings, and what it watches and published.
    pub fn unbind(&self, account: AccountId) {
        self.send(Command::Unbind { account });
    }

    /// What an account is bound to now; empty when signalling has stopped.
    pub async fn bindings(&self, account: AccountId) -> Vec<Binding> {
        let (answer, bindings) = oneshot::channel();
        // A closed channel drops `answer`, which the await below reports.
        _ = self.requests.send(Request::Bindings(account, answer));
        bindings.await.unwrap_or_default()
    }

    /// Refuses new calls with 503 and this Retry-After; running ones go on.
    pub fn drain(&self, retry_after: Duration) {
        self.send(Command::Drain { retry_after });
    }

    /// Ends every call and registration, waits until the peers have confirmed or
    /// some seconds have passed, and stops.
    pub async fn stop(&self) {
        let (done, stopped) = oneshot::channel();
        _ = self.requests.send(Request::Stop(done));
        _ = stopped.await;
    }

    fn send(&self, command: Command) {
        // After the task's end there is nobody left to do it for.
        _ = self.requests.send(Request::Command(command));
    }
}
