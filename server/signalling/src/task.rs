//! The one task that owns the endpoint, and the small ones that feed it.

use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::{Duration, Instant},
};

use sip::{Command, Endpoint, Event, Flow, Lookup, Output, Transport};
use tokio::{
    net::{TcpListener, UdpSocket},
    sync::{mpsc, oneshot},
    task::JoinSet,
};

use crate::{handle::Request, names::Names, stream};

/// Messages received and not yet handled; a flood beyond them is dropped by the reader.
pub const INBOX: usize = 4096;
/// Messages waiting for one slow TCP peer.
const OUTBOX: usize = 256;
/// Connections at once, all and of one address.
const MAX_CONNECTIONS: usize = 4096;
const MAX_CONNECTIONS_PER_IP: usize = 512;
/// How long peers may take to confirm that we hang up, at the end.
const STOP_PATIENCE: Duration = Duration::from_secs(3);
/// Largest datagram there is.
const DATAGRAM: usize = 65_535;

/// What arrives at the task from the network.
pub enum Input {
    Message {
        flow: Flow,
        bytes: Vec<u8>,
    },
    Accepted {
        flow: Flow,
        outbox: mpsc::Sender<Vec<u8>>,
    },
    Closed {
        flow: Flow,
        why: String,
    },
    Resolved {
        lookup: Lookup,
        addresses: Vec<SocketAddr>,
    },
}

pub struct Task {
    pub endpoint: Endpoint,
    pub sockets: BTreeMap<SocketAddr, Arc<UdpSocket>>,
    pub requests: mpsc::UnboundedReceiver<Request>,
    pub inputs: mpsc::Receiver<Input>,
    /// For the tasks spawned on the way.
    pub inbox: mpsc::Sender<Input>,
    pub events: mpsc::UnboundedSender<Event>,
    pub connections: BTreeMap<Flow, mpsc::Sender<Vec<u8>>>,
    pub names: Names,
    /// Readers, acceptors and connections; they end with the task.
    pub helpers: JoinSet<()>,
}

impl Task {
    /// Runs until asked to stop, or nobody wants the events any more.
    pub async fn run(mut self) {
        let mut stopping: Option<(Instant, oneshot::Sender<()>)> = None;
        loop {
            self.drain();
            if let Some((until, _)) = &stopping
                && (self.endpoint.is_idle() || *until <= now())
            {
                break;
            }
            let wake = self.endpoint.poll_timeout();
            let wake = match &stopping {
                Some((until, _)) => Some(wake.map_or(*until, |wake| wake.min(*until))),
                None => wake,
            };
            tokio::select! {
                request = self.requests.recv() => match request {
                    Some(Request::Stop(done)) => {
                        self.end_everything();
                        stopping.get_or_insert((now() + STOP_PATIENCE, done));
                    }
                    Some(request) => self.on_request(request),
                    None => break,
                },
                Some(input) = self.inputs.recv() => self.on_input(input),
                () = sleep_until(wake) => self.endpoint.handle_timeout(now()),
                () = self.events.closed() => break,
                Some(_) = self.helpers.join_next() => {}
            }
        }
        self.drain();
        if let Some((_, done)) = stopping {
            _ = done.send(());
        }
    }

    fn end_everything(&mut self) {
        let retry_after = Duration::from_secs(10);
        let now = now();
        self.endpoint.command(Command::Drain { retry_after }, now);
        for call in self.endpoint.open_calls() {
            let reasons = Vec::new();
            self.endpoint
                .command(Command::HangUp { call, reasons }, now);
        }
        self.endpoint.command(Command::CloseWatching, now);
        for id in self.endpoint.subscriptions() {
            self.endpoint.command(Command::Unsubscribe { id }, now);
        }
        for id in self.endpoint.registrations() {
            self.endpoint.command(Command::Unregister { id }, now);
        }
        for id in self.endpoint.watches() {
            self.endpoint.command(Command::Unwatch { id }, now);
        }
    }

    fn on_request(&mut self, request: Request) {
        match request {
            Request::Command(command) => self.endpoint.command(command, now()),
            // Whoever asked may have gone.
            Request::Bindings(account, answer) => {
                _ = answer.send(self.endpoint.bindings(account));
            }
            Request::Stop(done) => _ = done.send(()),
        }
    }

    fn on_input(&mut self, input: Input) {
        match input {
            Input::Message { flow, bytes } => {
                self.endpoint.handle_message(flow, &bytes, now());
            }
            Input::Accepted { flow, outbox } => {
                self.connections.insert(flow, outbox);
            }
            Input::Closed { flow, why } => {
                // Another connection may have taken its place meanwhile.
                if self.connections.get(&flow).is_some_and(|c| c.is_closed()) {
                    self.connections.remove(&flow);
                    tracing::debug!(remote = %flow.remote, why, "Connection closed");
                    self.endpoint.handle_unreachable(flow, &why, now());
                }
            }
            Input::Resolved { lookup, addresses } => {
                self.endpoint.resolved(&lookup, &addresses, now());
            }
        }
    }

    fn drain(&mut self) {
        while let Some(output) = self.endpoint.poll_output() {
            match output {
                Output::Send { flow, bytes } => match flow.transport {
                    Transport::Udp => self.send_datagram(flow, &bytes),
                    Transport::Tcp => self.send_over_connection(flow, bytes),
                },
                Output::Resolve(lookup) => self.resolve(lookup),
                // The loop notices that the receiver is gone.
                Output::Event(event) => _ = self.events.send(event),
            }
        }
    }

    fn send_datagram(&self, flow: Flow, bytes: &[u8]) {
        let Some(socket) = self.sockets.get(&flow.local) else {
            return;
        };
        // What the kernel does not take now is lost like any datagram: it is sent again
        // by whoever needs it.
        if let Err(error) = socket.try_send_to(bytes, flow.remote) {
            tracing::debug!(remote = %flow.remote, %error, "Datagram not sent");
        }
    }

    fn send_over_connection(&mut self, flow: Flow, bytes: Vec<u8>) {
        if let Some(outbox) = self.connections.get(&flow) {
            match outbox.try_send(bytes) {
                Ok(()) => return,
                Err(mpsc::error::TrySendError::Full(_)) => {
                    tracing::debug!(remote = %flow.remote, "Peer reads too slowly");
                    return;
                }
                Err(mpsc::error::TrySendError::Closed(bytes)) => {
                    return self.open_connection(flow, bytes);
                }
            }
        }
        self.open_connection(flow, bytes);
    }

    fn open_connection(&mut self, flow: Flow, bytes: Vec<u8>) {
        if self.connections.len() >= MAX_CONNECTIONS {
            return self
                .endpoint
                .handle_unreachable(flow, "Too many connections", now());
        }
        let (outbox, queue) = mpsc::channel(OUTBOX);
        // A fresh queue has room for one.
        _ = outbox.try_send(bytes);
        self.connections.insert(flow, outbox);
        self.helpers
            .spawn(stream::connect(flow, queue, self.inbox.clone()));
    }

    fn resolve(&mut self, lookup: Lookup) {
        let inbox = self.inbox.clone();
        let names = self.names.clone();
        self.helpers.spawn(async move {
            let addresses = names.find(&lookup).await;
            _ = inbox.send(Input::Resolved { lookup, addresses }).await;
        });
    }
}

/// Reads datagrams for ever. Those that find the inbox full are dropped: their senders
/// repeat what matters, and a flood must not grow the memory.
pub async fn read_datagrams(
    socket: Arc<UdpSocket>,
    local: SocketAddr,
    inputs: mpsc::Sender<Input>,
) {
    let mut buffer = vec![0; DATAGRAM];
    loop {
        match socket.recv_from(&mut buffer).await {
            Ok((length, remote)) => {
                let flow = Flow {
                    transport: Transport::Udp,
                    local,
                    remote,
                };
                let bytes = buffer[..length].to_vec();
                match inputs.try_send(Input::Message { flow, bytes }) {
                    Ok(()) | Err(mpsc::error::TrySendError::Full(_)) => {}
                    Err(mpsc::error::TrySendError::Closed(_)) => return,
                }
            }
            // An ICMP error about something sent earlier; the socket goes on.
            Err(error) => tracing::debug!(%local, %error, "Reading a datagram failed"),
        }
    }
}

/// Accepts connections for ever, within limits.
pub async fn accept(listener: TcpListener, local: SocketAddr, inputs: mpsc::Sender<Input>) {
    let mut connections = JoinSet::new();
    let mut per_ip: BTreeMap<IpAddr, usize> = BTreeMap::new();
    loop {
        let (stream, remote) = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Out of file handles, most likely: do not spin.
                    tracing::warn!(%local, %error, "Cannot accept a connection");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            },
            Some(ended) = connections.join_next() => {
                if let Ok(ip) = ended
                    && let Some(count) = per_ip.get_mut(&ip)
                {
                    *count -= 1;
                    if *count == 0 {
                        per_ip.remove(&ip);
                    }
                }
                continue;
            }
        };
        let of_this = per_ip.entry(remote.ip()).or_default();
        if connections.len() >= MAX_CONNECTIONS || *of_this >= MAX_CONNECTIONS_PER_IP {
            continue;
        }
        *of_this += 1;
        let flow = Flow {
            transport: Transport::Tcp,
            local,
            remote,
        };
        let inputs = inputs.clone();
        connections.spawn(async move {
            let (outbox, queue) = mpsc::channel(OUTBOX);
            if inputs.send(Input::Accepted { flow, outbox }).await.is_ok() {
                stream::serve(stream, flow, queue, inputs).await;
            }
            remote.ip()
        });
    }
}

fn now() -> Instant {
    Instant::now()
}

async fn sleep_until(wake: Option<Instant>) {
    match wake {
        Some(wake) => tokio::time::sleep_until(wake.into()).await,
        None => std::future::pending().await,
    }
}
