//! What an endpoint is told once.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use crate::{events::Package, flow::Transport, media::Codec};

/// A listening socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Local {
    pub transport: Transport,
    /// As bound; the address may be unspecified, the port may not be 0.
    pub bound: SocketAddr,
    /// What we call ourselves in Via and Contact when `bound` is unspecified and no
    /// public address is set: the host's own address on the way to the world.
    pub host_ip: IpAddr,
}

#[derive(Debug, Clone)]
pub struct Config {
    /// The sockets; the first of a family and transport is the default way out.
    pub locals: Vec<Local>,
    /// The address to give to peers that are not on this machine or a private
    /// network, where it differs from the bound one (behind a NAT).
    pub public_ip: Option<IpAddr>,
    /// The digest realm, and the host in the From of calls we place.
    pub realm: String,
    /// `User-Agent` and `Server`.
    pub product: String,
    /// Codecs we offer and accept, best first.
    pub codecs: Vec<Codec>,
    /// Bounds of a binding's lifetime; shorter wishes get 423, longer ones are cut.
    pub min_expires: Duration,
    pub max_expires: Duration,
    /// Contacts one account may bind.
    pub max_bindings: usize,
    /// Event packages that may be watched here; none serves no SUBSCRIBE.
    pub packages: Vec<Package>,
    /// The longest a watcher is kept without asking again.
    pub max_watch: Duration,
    /// Calls at once, both directions; beyond them 503.
    pub max_calls: usize,
    /// Session interval we ask for and the least we accept (RFC 4028).
    pub session_expires: Duration,
    pub min_session_expires: Duration,
    /// Answer REGISTER as a registrar. A user agent that only registers elsewhere refuses it.
    pub registrar: bool,
}

impl Config {
    /// Defaults for these sockets.
    pub fn new(locals: Vec<Local>) -> Self {
        Config {
            locals,
            public_ip: None,
            realm: "rollcall".to_owned(),
            product: concat!("Rollcall/", env!("CARGO_PKG_VERSION")).to_owned(),
            codecs: Codec::ALL.to_vec(),
            min_expires: Duration::from_secs(30),
            max_expires: Duration::from_secs(3600),
            max_bindings: 10,
            packages: vec![Package::Dialog, Package::Presence],
            max_watch: Duration::from_secs(900),
            max_calls: 4000,
            session_expires: Duration::from_secs(1800),
            min_session_expires: Duration::from_secs(90),
            registrar: true,
        }
    }
}
