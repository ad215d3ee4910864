//! All user agents on a set of sockets, without the sockets.
//!
//! Put in what arrives ([`Endpoint::handle_message`]), what fails
//! ([`Endpoint::handle_unreachable`]), what is wanted ([`Endpoint::command`]) and
//! the passing of time ([`Endpoint::handle_timeout`]); then drain
//! [`Endpoint::poll_output`] and come back at [`Endpoint::poll_timeout`]. Coming
//! early is harmless.

use std::{collections::VecDeque, net::IpAddr, sync::Arc, time::Instant};

use crate::{
    authority::{AccountId, Authority},
    command::Command,
    config::Config,
    event::Event,
    flow::Flow,
    registrar::Binding,
};

/// What the shell must do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Send these bytes; for TCP connect first when there is no connection.
    Send {
        flow: Flow,
        bytes: Vec<u8>,
    },
    /// Look up a host name, and call [`Endpoint::resolved`] with what was found.
    Resolve {
        name: String,
    },
    Event(Event),
}

pub struct Endpoint {
    config: Config,
    authority: Arc<dyn Authority>,
    outputs: VecDeque<Output>,
}

impl Endpoint {
    /// `seed` feeds tags, branches and nonces and must be unpredictable; `wall_ms` is
    /// the wall clock at `now` (Unix ms), used for the expiry of bindings.
    pub fn new(
        config: Config,
        authority: Arc<dyn Authority>,
        seed: [u8; 32],
        now: Instant,
        wall_ms: i64,
    ) -> Self {
        let _ = (seed, now, wall_ms);
        Endpoint {
            config,
            authority,
            outputs: VecDeque::new(),
        }
    }

    /// Brings back bindings of an earlier process; those that ran out are left out.
    pub fn restore(&mut self, bindings: Vec<Binding>, now: Instant) {
        let _ = (bindings, now);
    }

    /// Takes one message: a datagram, or a frame cut from a stream.
    pub fn handle_message(&mut self, flow: Flow, bytes: &[u8], now: Instant) {
        let _ = (flow, bytes, now, &self.config, &self.authority);
    }

    /// A flow broke: a connection closed or could not be opened, a port is unreachable.
    pub fn handle_unreachable(&mut self, flow: Flow, why: &str, now: Instant) {
        let _ = (flow, why, now);
    }

    /// The answer to [`Output::Resolve`]; empty when there is none.
    pub fn resolved(&mut self, name: &str, addresses: &[IpAddr], now: Instant) {
        let _ = (name, addresses, now);
    }

    pub fn command(&mut self, command: Command, now: Instant) {
        let _ = (command, now);
    }

    pub fn handle_timeout(&mut self, now: Instant) {
        let _ = now;
    }

    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When to call [`Endpoint::handle_timeout`] next.
    pub fn poll_timeout(&self) -> Option<Instant> {
        None
    }

    /// Everything an account is bound to now.
    pub fn bindings(&self, account: AccountId) -> Vec<Binding> {
        let _ = account;
        Vec::new()
    }

    /// Calls that are not over.
    pub fn calls(&self) -> usize {
        0
    }
}
