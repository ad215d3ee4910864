//! One endpoint against a peer whose every message is written by hand.

use std::{net::SocketAddr, sync::Arc, time::Instant};

use sip::{
    CallId, Command, Config, Endpoint, Event, Flow, Local, Lookup, Output, Transport,
    message::{Message, Request, Response, parse},
};

use crate::pair::{Door, address, invite};

pub const ANSWER: &str = "v=0\r\no=- 1 1 IN IP4 192.0.2.2\r\ns=-\r\nc=IN IP4 192.0.2.2\r\nt=0 0\r\nm=audio 40000 RTP/AVP 0\r\n";

pub fn locals(bound: SocketAddr) -> Vec<Local> {
    let both = [Transport::Udp, Transport::Tcp].map(|transport| Local {
        transport,
        bound,
        host_ip: address(0).ip(),
    });
    both.to_vec()
}

pub struct Solo {
    pub endpoint: Endpoint,
    pub now: Instant,
    pub flow: Flow,
    pub events: Vec<Event>,
    pub looked_up: Vec<Lookup>,
}

impl Solo {
    pub fn new(door: Door) -> Self {
        Solo::between(door, address(0), address(1))
    }

    /// Bound to `bound` on a host whose own address is address 0, opposite `remote`.
    pub fn between(door: Door, bound: SocketAddr, remote: SocketAddr) -> Self {
        #[expect(
            clippy::disallowed_methods,
            reason = "an arbitrary origin for virtual time"
        )]
        let now = Instant::now();
        let flow = Flow {
            transport: Transport::Udp,
            local: bound,
            remote,
        };
        let config = Config::new(locals(bound));
        Solo {
            endpoint: Endpoint::new(config, Arc::new(door), [5; 32], now, 0),
            now,
            flow,
            events: Vec::new(),
            looked_up: Vec::new(),
        }
    }

    /// What is sent now, and where to.
    pub fn sent(&mut self) -> Vec<(Flow, Message)> {
        let mut sent = Vec::new();
        while let Some(output) = self.endpoint.poll_output() {
            match output {
                Output::Send { flow, bytes } => sent.push((flow, parse(&bytes).unwrap())),
                Output::Event(event) => self.events.push(event),
                Output::Resolve(lookup) => self.looked_up.push(lookup),
            }
        }
        sent
    }

    /// The requests sent now.
    pub fn requests(&mut self) -> Vec<(Flow, Request)> {
        let requests = self
            .sent()
            .into_iter()
            .filter_map(|(flow, message)| match message {
                Message::Request(request) => Some((flow, request)),
                Message::Response(_) => None,
            });
        requests.collect()
    }

    /// The status of the one response sent now.
    pub fn status(&mut self) -> u16 {
        match self.sent().pop() {
            Some((_, Message::Response(response))) => response.status,
            other => panic!("{other:?}"),
        }
    }

    pub fn dial(&mut self, change: impl FnOnce(&mut sip::Invite)) -> (CallId, Request) {
        let mut invite = invite(1, &[1]);
        change(&mut invite);
        let call = CallId::ours(1);
        let invite = Box::new(invite);
        self.endpoint
            .command(Command::Invite { call, invite }, self.now);
        let request = self.requests().pop().map(|(_, request)| request);
        (call, request.expect("an INVITE"))
    }

    pub fn receive(&mut self, bytes: &[u8]) {
        self.endpoint.handle_message(self.flow, bytes, self.now);
    }

    pub fn reply(&mut self, response: &Response) {
        self.receive(&response.to_bytes());
    }
}

pub fn ok(invite: &Request, tag: &str) -> Response {
    let mut response = invite
        .response(200, Some(tag))
        .with("Contact", "<sip:700@192.0.2.2:5060>")
        .with("Content-Type", "application/sdp");
    response.body = ANSWER.as_bytes().to_vec();
    response
}
