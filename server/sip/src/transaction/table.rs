//! All transactions of an endpoint: matching, retransmission, timers.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Instant,
};

use super::{Step, client, client_invite, server, server_invite};
use crate::{
    endpoint::Output,
    flow::Flow,
    message::{CSeq, Envelope, Headers, Method, Request, Response},
};

/// Branch and method.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ClientKey {
    pub branch: String,
    pub method: String,
}

/// Branch, sent-by and method; for senders without branches what RFC 2543 compared.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ServerKey {
    branch: String,
    sent_by: String,
    method: String,
}

impl ServerKey {
    /// The transaction a request belongs to; an ACK belongs to its INVITE's.
    pub fn of(request: &Request, envelope: &Envelope) -> Self {
        let method = match &request.method {
            Method::Ack => "INVITE".to_owned(),
            method => method.to_string(),
        };
        ServerKey {
            method,
            ..ServerKey::base(request, envelope)
        }
    }

    /// The INVITE transaction a CANCEL is about (RFC 3261 §9.2).
    pub fn cancelled_by(request: &Request, envelope: &Envelope) -> Self {
        ServerKey {
            method: "INVITE".to_owned(),
            ..ServerKey::base(request, envelope)
        }
    }

    fn base(request: &Request, envelope: &Envelope) -> Self {
        let Envelope {
            via,
            from,
            call_id,
            cseq,
            ..
        } = envelope;
        let sent_by = format!("{}:{}", via.host, via.port.unwrap_or(5060));
        let branch = match via.unique_branch() {
            Some(branch) => branch.to_owned(),
            None => format!(
                "{} {call_id} {} {} {via}",
                request.uri,
                from.tag().unwrap_or_default(),
                cseq.number
            ),
        };
        ServerKey {
            branch,
            sent_by,
            method: String::new(),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Client(ClientKey),
    Server(ServerKey),
}

/// A request of ours.
#[derive(Debug)]
pub struct Client<O> {
    pub owner: O,
    pub flow: Flow,
    pub request: Request,
    machine: ClientMachine,
    bytes: Vec<u8>,
    deadline: Instant,
}

#[derive(Debug)]
enum ClientMachine {
    Invite(client_invite::State),
    Other(client::State),
}

#[derive(Debug)]
struct Server {
    /// Where responses go.
    flow: Flow,
    machine: ServerMachine,
    latest: Option<Vec<u8>>,
    deadline: Option<Instant>,
}

#[derive(Debug)]
enum ServerMachine {
    Invite(server_invite::State),
    Other(server::State),
}

/// What became of a request at the door.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Absorbed {
    /// A repetition, or the ACK to a refusal: dealt with.
    Yes,
    /// Not seen before.
    No,
}

#[derive(Debug)]
pub struct Transactions<O> {
    clients: BTreeMap<ClientKey, Client<O>>,
    servers: BTreeMap<ServerKey, Server>,
    deadlines: BTreeSet<(Instant, Key)>,
}

impl<O> Default for Transactions<O> {
    fn default() -> Self {
        Transactions {
            clients: BTreeMap::new(),
            servers: BTreeMap::new(),
            deadlines: BTreeSet::new(),
        }
    }
}

impl<O: Clone> Transactions<O> {
    /// How many there are, of both kinds.
    pub fn count(&self) -> usize {
        self.clients.len() + self.servers.len()
    }

    /// No request of ours is still without an answer.
    pub fn none_waiting(&self) -> bool {
        !self.clients.values().any(Client::is_waiting)
    }

    /// When [`Self::on_timeout`] wants to be called.
    pub fn deadline(&self) -> Option<Instant> {
        self.deadlines.first().map(|(at, _)| *at)
    }

    /// Sends a request, whose topmost Via carries the branch, and waits for its responses.
    pub fn start(
        &mut self,
        request: Request,
        branch: &str,
        flow: Flow,
        owner: O,
        now: Instant,
        out: &mut VecDeque<Output>,
    ) {
        let key = ClientKey {
            branch: branch.to_owned(),
            method: request.method.to_string(),
        };
        let reliable = flow.transport.is_reliable();
        let machine = match request.method {
            Method::Invite => ClientMachine::Invite(client_invite::State::new(reliable, now)),
            _ => ClientMachine::Other(client::State::new(reliable, now)),
        };
        let bytes = request.to_bytes();
        out.push_back(Output::Send {
            flow,
            bytes: bytes.clone(),
        });
        let deadline = machine.deadline();
        let client = Client {
            owner,
            flow,
            request,
            machine,
            bytes,
            deadline,
        };
        // A request sent again the other way (its first one failed) takes its place.
        self.forget_client(&key);
        self.deadlines.insert((deadline, Key::Client(key.clone())));
        self.clients.insert(key, client);
    }

    pub fn client(&self, key: &ClientKey) -> Option<&Client<O>> {
        self.clients.get(key)
    }

    /// Stops retransmitting an INVITE that is not wanted any more.
    pub fn hush(&mut self, key: &ClientKey) {
        if let Some(client) = self.clients.get_mut(key) {
            if let ClientMachine::Invite(state) = &mut client.machine {
                state.hush();
            }
            self.reschedule_client(key);
        }
    }

    /// Whose response this is, if anybody should see it.
    pub fn on_response(
        &mut self,
        response: &Response,
        now: Instant,
        out: &mut VecDeque<Output>,
    ) -> Option<O> {
        let cseq = response.cseq()?;
        let key = ClientKey {
            branch: response.top_via()?.branch()?.to_owned(),
            method: cseq.method.to_string(),
        };
        let client = self.clients.get_mut(&key)?;
        let reliable = client.flow.transport.is_reliable();
        let steps = match &mut client.machine {
            ClientMachine::Invite(state) => state.on_response(response.status, reliable, now),
            ClientMachine::Other(state) => state.on_response(response.status, reliable, now),
        };
        if steps.contains(&Step::Acknowledge) {
            let ack = ack_of_refusal(&client.request, response);
            out.push_back(Output::Send {
                flow: client.flow,
                bytes: ack.to_bytes(),
            });
        }
        let owner = client.owner.clone();
        self.reschedule_client(&key);
        steps.contains(&Step::Deliver).then_some(owner)
    }

    /// Takes what belongs to a transaction we have; the rest is new.
    pub fn on_request(
        &mut self,
        method: &Method,
        key: &ServerKey,
        now: Instant,
        out: &mut VecDeque<Output>,
    ) -> Absorbed {
        let Some(server) = self.servers.get_mut(key) else {
            return Absorbed::No;
        };
        let steps = match &mut server.machine {
            ServerMachine::Invite(state) if *method == Method::Ack => {
                state.on_ack(server.flow.transport.is_reliable(), now);
                Vec::new()
            }
            ServerMachine::Invite(state) => state.on_repeat(),
            ServerMachine::Other(state) => state.on_repeat(),
        };
        if steps.contains(&Step::Resend)
            && let Some(bytes) = server.latest.clone()
        {
            out.push_back(Output::Send {
                flow: server.flow,
                bytes,
            });
        }
        self.reschedule_server(key);
        Absorbed::Yes
    }

    /// Whether a transaction is there, for a CANCEL to be about.
    pub fn has_server(&self, key: &ServerKey) -> bool {
        self.servers.contains_key(key)
    }

    /// Begins a server transaction; `flow` is where its responses go.
    pub fn accept(&mut self, key: ServerKey, flow: Flow, now: Instant) {
        let machine = match key.method.as_str() {
            "INVITE" => ServerMachine::Invite(server_invite::State::Proceeding),
            _ => ServerMachine::Other(server::State::new(now)),
        };
        let server = Server {
            flow,
            machine,
            latest: None,
            deadline: None,
        };
        self.servers.insert(key.clone(), server);
        self.reschedule_server(&key);
    }

    /// Sends a response within a transaction. Nothing is sent after a final one, but a
    /// 2xx to INVITE may be repeated.
    pub fn respond(
        &mut self,
        key: &ServerKey,
        response: &Response,
        now: Instant,
        out: &mut VecDeque<Output>,
    ) {
        let Some(server) = self.servers.get_mut(key) else {
            return;
        };
        let reliable = server.flow.transport.is_reliable();
        let may = match &mut server.machine {
            ServerMachine::Invite(state) => state.on_send(response.status, reliable, now),
            ServerMachine::Other(state) => state.on_send(response.status, reliable, now),
        };
        if may {
            let bytes = response.to_bytes();
            server.latest = Some(bytes.clone());
            out.push_back(Output::Send {
                flow: server.flow,
                bytes,
            });
        }
        self.reschedule_server(key);
    }

    /// Re-sends what is due, forgets what is over, tells whose requests nobody answered.
    pub fn on_timeout(&mut self, now: Instant, out: &mut VecDeque<Output>) -> Vec<O> {
        let mut fired = Vec::new();
        while let Some((at, key)) = self.deadlines.first().cloned()
            && at <= now
        {
            match &key {
                Key::Client(key) => fired.extend(self.client_timeout(key, now, out)),
                Key::Server(key) => self.server_timeout(key, now, out),
            }
            // A machine that asks for the same instant again would never let us go.
            self.deadlines.remove(&(at, key));
        }
        fired
    }

    /// The flow is gone: requests still waiting on it have failed.
    pub fn on_unreachable(&mut self, flow: Flow) -> Vec<O> {
        let waiting: Vec<ClientKey> = self
            .clients
            .iter()
            .filter(|(_, client)| client.flow == flow && client.is_waiting())
            .map(|(key, _)| key.clone())
            .collect();
        waiting
            .iter()
            .filter_map(|key| self.forget_client(key))
            .map(|client| client.owner)
            .collect()
    }

    fn client_timeout(
        &mut self,
        key: &ClientKey,
        now: Instant,
        out: &mut VecDeque<Output>,
    ) -> Option<O> {
        let client = self.clients.get_mut(key)?;
        let steps = match &mut client.machine {
            ClientMachine::Invite(state) => state.on_timeout(now),
            ClientMachine::Other(state) => state.on_timeout(now),
        };
        if steps.contains(&Step::Resend) {
            out.push_back(Output::Send {
                flow: client.flow,
                bytes: client.bytes.clone(),
            });
        }
        let timed_out = steps.contains(&Step::TimedOut);
        let fired = timed_out.then(|| client.owner.clone());
        if steps.contains(&Step::Forget) {
            self.forget_client(key);
        } else {
            self.reschedule_client(key);
        }
        fired
    }

    fn server_timeout(&mut self, key: &ServerKey, now: Instant, out: &mut VecDeque<Output>) {
        let Some(server) = self.servers.get_mut(key) else {
            return;
        };
        let steps = match &mut server.machine {
            ServerMachine::Invite(state) => state.on_timeout(now),
            ServerMachine::Other(state) => state.on_timeout(now),
        };
        if steps.contains(&Step::Resend)
            && let Some(bytes) = server.latest.clone()
        {
            out.push_back(Output::Send {
                flow: server.flow,
                bytes,
            });
        }
        if steps.contains(&Step::Forget) {
            let deadline = server.deadline;
            self.servers.remove(key);
            if let Some(at) = deadline {
                self.deadlines.remove(&(at, Key::Server(key.clone())));
            }
        } else {
            self.reschedule_server(key);
        }
    }

    /// Ends a request without waiting for what may come of it.
    pub fn forget_client(&mut self, key: &ClientKey) -> Option<Client<O>> {
        let client = self.clients.remove(key)?;
        self.deadlines
            .remove(&(client.deadline, Key::Client(key.clone())));
        Some(client)
    }

    fn reschedule_client(&mut self, key: &ClientKey) {
        let Some(client) = self.clients.get_mut(key) else {
            return;
        };
        let deadline = client.machine.deadline();
        if deadline != client.deadline {
            let key = Key::Client(key.clone());
            self.deadlines.remove(&(client.deadline, key.clone()));
            self.deadlines.insert((deadline, key));
            client.deadline = deadline;
        }
    }

    fn reschedule_server(&mut self, key: &ServerKey) {
        let Some(server) = self.servers.get_mut(key) else {
            return;
        };
        let deadline = match &server.machine {
            ServerMachine::Invite(state) => state.deadline(),
            ServerMachine::Other(state) => Some(state.deadline()),
        };
        if deadline != server.deadline {
            let key = Key::Server(key.clone());
            if let Some(at) = server.deadline {
                self.deadlines.remove(&(at, key.clone()));
            }
            if let Some(at) = deadline {
                self.deadlines.insert((at, key));
            }
            server.deadline = deadline;
        }
    }
}

impl<O> Client<O> {
    fn is_waiting(&self) -> bool {
        match self.machine {
            ClientMachine::Invite(
                client_invite::State::Calling { .. } | client_invite::State::Proceeding { .. },
            )
            | ClientMachine::Other(client::State::Trying { .. }) => true,
            ClientMachine::Invite(
                client_invite::State::Completed { .. } | client_invite::State::Accepted { .. },
            )
            | ClientMachine::Other(client::State::Completed { .. }) => false,
        }
    }

    /// Whether it is an INVITE that may be cancelled: something was heard, nothing final.
    pub fn is_cancellable(&self) -> bool {
        matches!(
            self.machine,
            ClientMachine::Invite(client_invite::State::Proceeding { .. })
        )
    }

    /// The CANCEL for this INVITE (RFC 3261 §9.1).
    pub fn cancel(&self) -> Request {
        hop_by_hop(
            &self.request,
            Method::Cancel,
            self.request.headers.get("To"),
        )
    }
}

impl ClientMachine {
    fn deadline(&self) -> Instant {
        match self {
            ClientMachine::Invite(state) => state.deadline(),
            ClientMachine::Other(state) => state.deadline(),
        }
    }
}

/// The ACK to an answer above 2xx, which is part of the transaction (§17.1.1.3).
fn ack_of_refusal(invite: &Request, response: &Response) -> Request {
    hop_by_hop(invite, Method::Ack, response.headers.get("To"))
}

fn hop_by_hop(invite: &Request, method: Method, to: Option<&str>) -> Request {
    let mut headers = Headers::default();
    let mut copy = |name: &str, value: Option<&str>| {
        if let Some(value) = value {
            headers.push(name, value);
        }
    };
    copy("Via", invite.headers.list("Via").next());
    copy("Max-Forwards", Some("70"));
    for route in invite.headers.all("Route") {
        copy("Route", Some(route));
    }
    copy("From", invite.headers.get("From"));
    copy("To", to);
    copy("Call-ID", invite.headers.get("Call-ID"));
    if let Some(cseq) = invite.headers.get("CSeq").and_then(CSeq::parse) {
        copy("CSeq", Some(&format!("{} {method}", cseq.number)));
    }
    Request {
        method,
        uri: invite.uri.clone(),
        headers,
        body: Vec::new(),
    }
}
