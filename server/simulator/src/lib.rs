//! Simulated phones, IP-SIMs and an operator, over real SIP and RTP.
//!
//! A separate process that knows the server only by its SIP address: it serves the
//! newcomer, who has no telephones yet, and the tests. What every line does stands in
//! a script ([`script`]); [`line`] plays one line of it and decides everything,
//! purely; [`stage`] carries that out. What the lines live through is told as JSON
//! lines ([`event`]). Beside the telephones stands a mail server that keeps what it
//! is sent ([`mail`]), and an HTTP server that does ([`receiver`]).

mod agent;
mod ear;
mod event;
mod line;
pub mod mail;
mod operator_api;
pub mod receiver;
pub mod rtp;
pub mod script;
pub mod speech;
mod stage;
mod stream;

pub use ear::{Ear, Heard};

use std::{
    io,
    net::{IpAddr, SocketAddr, UdpSocket},
    path::PathBuf,
};

/// What `rollcall simulate` is told.
#[derive(Debug, Clone)]
pub struct Options {
    /// The script.
    pub lines: PathBuf,
    /// The server's SIP address.
    pub server: SocketAddr,
    /// Where the operator listens; the server's trunk names it.
    pub trunk_listen: Option<SocketAddr>,
    /// Tell on standard output what the lines live through, as JSON lines.
    pub events: bool,
}

#[derive(Debug, thiserror::Error)]
pub enum SimulatorError {
    #[error(transparent)]
    Script(#[from] script::ScriptError),
    #[error("The script has lines behind a trunk: say where it listens (--trunk-listen)")]
    NoTrunkAddress,
    #[error("The operator's status interface: {0}")]
    StatusListen(io::Error),
    #[error(transparent)]
    Signalling(#[from] signalling::StartError),
    #[error("Cannot reach {server}: {source}")]
    Unreachable {
        server: SocketAddr,
        source: io::Error,
    },
}

/// Plays the script until `end` is done; then hangs up and un-registers.
pub async fn run(options: Options, end: impl Future<Output = ()>) -> Result<(), SimulatorError> {
    let sink = options
        .events
        .then(|| Box::new(io::stdout()) as Box<dyn io::Write + Send>);
    run_telling(options, sink, end).await
}

/// The same, telling what happens to `events`, whatever the options say.
pub async fn run_telling(
    options: Options,
    events: Option<Box<dyn io::Write + Send>>,
    end: impl Future<Output = ()>,
) -> Result<(), SimulatorError> {
    let script = script::Script::read(&options.lines)?;
    let ip = own_address(options.server).map_err(|source| SimulatorError::Unreachable {
        server: options.server,
        source,
    })?;
    let reporter = event::Reporter::new(events);
    let stage =
        stage::Stage::set(script, options.server, ip, options.trunk_listen, reporter).await?;
    stage.play(end).await;
    Ok(())
}

/// The address this machine uses towards `server`. Nothing is sent.
fn own_address(server: SocketAddr) -> io::Result<IpAddr> {
    let any: IpAddr = match server {
        SocketAddr::V4(_) => std::net::Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => std::net::Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = UdpSocket::bind((any, 0))?;
    socket.connect(server)?;
    Ok(socket.local_addr()?.ip())
}
