//! The thread at the browsers' port: it proves who comes, agrees on keys, and shows him in.
//!
//! It reads what no leg's own socket takes: the first packets of every browser, and those of one
//! whose address has changed on the way (from Wi-Fi to mobile, say), who gets a new socket then.
//! It alone knows the guests: the media threads and the handle only tell it of them.

use std::collections::BTreeMap;
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::thread;
use std::time::{Duration, Instant};

use super::stun::{Request, is_dtls, is_stun};
use super::{Link, Peer, certificate, crypto};
use crate::ports::for_audio;
use crate::wire::Seal;
use crate::worker::{Command, LegCommand};
use crate::{LegId, OpenError};
use dimpl::{Dtls, DtlsCertificate, Output, SrtpProfile};
use mixer::srtp::{GCM_SALT, Profile, Session};

/// Whoever has not come in by then does not come.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long the thread sleeps at most: while somebody shakes hands, and else.
const SHORT: Duration = Duration::from_millis(50);
const LONG: Duration = Duration::from_millis(500);
/// The largest datagram of a handshake.
const LARGEST: usize = 4_096;

/// The handle to the thread.
#[derive(Debug, Clone)]
pub struct Porter {
    tells: Sender<Tell>,
    pub local: SocketAddr,
    pub fingerprint: [u8; 32],
}

enum Tell {
    Expect(String, Box<Guest>),
    Forget(String),
}

/// Somebody who is expected, or inside. Forgotten when it is dropped.
#[derive(Debug)]
pub struct Ticket {
    ufrag: String,
    tells: Sender<Tell>,
}

impl Drop for Ticket {
    fn drop(&mut self) {
        _ = self
            .tells
            .send(Tell::Forget(std::mem::take(&mut self.ufrag)));
    }
}

/// A browser that has been answered.
struct Guest {
    leg: LegId,
    /// The leg's home.
    home: Sender<Command>,
    password: String,
    peer: Peer,
    stage: Stage,
}

enum Stage {
    Shaking {
        dtls: Box<Dtls>,
        /// The address it has proved and settled on.
        at: Option<SocketAddr>,
        keys: Option<Box<Seal>>,
        until: Instant,
    },
    /// It has a socket of its own, connected to this address.
    Inside { at: SocketAddr },
    /// It did not come, or is not who was expected.
    Refused,
}

impl Porter {
    /// Binds the port and starts the thread. It ends with the last handle and ticket.
    pub fn start(at: SocketAddr) -> io::Result<Porter> {
        let socket = bind_first(at)?;
        socket.set_read_timeout(Some(LONG))?;
        let local = socket.local_addr()?;
        let config = crypto::config().map_err(io::Error::other)?;
        let certificate =
            certificate::generate().map_err(|_| io::Error::other("No key could be made"))?;
        let fingerprint = crypto::sha256(&certificate.certificate);
        let (tells, told) = channel();
        let work = Work {
            socket,
            local,
            config,
            certificate,
            guests: BTreeMap::new(),
            told,
            scratch: vec![0; LARGEST],
        };
        thread::Builder::new()
            .name("media-porter".to_owned())
            .spawn(move || work.run())?;
        Ok(Porter {
            tells,
            local,
            fingerprint,
        })
    }

    /// Expects a browser that brings this fragment and password.
    pub(crate) fn expect(
        &self,
        leg: LegId,
        home: Sender<Command>,
        peer: Peer,
    ) -> Result<(Ticket, String, String), OpenError> {
        let ufrag = random_word::<4>()?;
        let password = random_word::<16>()?;
        let guest = Guest {
            leg,
            home,
            password: password.clone(),
            peer,
            stage: Stage::Refused,
        };
        let ticket = Ticket {
            ufrag: ufrag.clone(),
            tells: self.tells.clone(),
        };
        // The thread may have died: the browser then waits in vain, and gives up.
        _ = self
            .tells
            .send(Tell::Expect(ufrag.clone(), Box::new(guest)));
        Ok((ticket, ufrag, password))
    }
}

/// Twice as many hexadecimal digits, all of which ICE allows.
fn random_word<const BYTES: usize>() -> Result<String, OpenError> {
    let mut bytes = [0; BYTES];
    getrandom::fill(&mut bytes).map_err(io::Error::from)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

struct Work {
    socket: UdpSocket,
    local: SocketAddr,
    config: Arc<dimpl::Config>,
    certificate: DtlsCertificate,
    guests: BTreeMap<String, Guest>,
    told: Receiver<Tell>,
    scratch: Vec<u8>,
}

impl Work {
    fn run(mut self) {
        let mut datagram = vec![0; LARGEST];
        let mut sleep = LONG;
        loop {
            let received = self.socket.recv_from(&mut datagram);
            // Whoever comes was announced before he could.
            if !self.listen() {
                return;
            }
            let now = Instant::now();
            // An error is a time-out or somebody's ICMP: either way there is no datagram.
            if let Ok((length, from)) = received {
                self.on_datagram(&datagram[..length], from, now);
            }
            self.on_time(now);
            let shaking = |guest: &Guest| matches!(guest.stage, Stage::Shaking { .. });
            let wanted = if self.guests.values().any(shaking) {
                SHORT
            } else {
                LONG
            };
            if std::mem::replace(&mut sleep, wanted) != wanted {
                _ = self.socket.set_read_timeout(Some(wanted));
            }
        }
    }

    /// False once nobody can tell anything any more.
    fn listen(&mut self) -> bool {
        loop {
            match self.told.try_recv() {
                Ok(Tell::Expect(ufrag, mut guest)) => {
                    let now = Instant::now();
                    let (config, ours) = (self.config.clone(), self.certificate.clone());
                    guest.stage = Stage::Shaking {
                        dtls: Box::new(Dtls::new_12(config, ours, now)),
                        at: None,
                        keys: None,
                        until: now + PATIENCE,
                    };
                    self.guests.insert(ufrag, *guest);
                }
                Ok(Tell::Forget(ufrag)) => _ = self.guests.remove(&ufrag),
                Err(TryRecvError::Empty) => return true,
                Err(TryRecvError::Disconnected) => return false,
            }
        }
    }

    fn on_datagram(&mut self, datagram: &[u8], from: SocketAddr, now: Instant) {
        if is_stun(datagram) {
            self.on_stun(datagram, from);
        } else if is_dtls(datagram) {
            let guest = self.guests.values_mut().find(
                |guest| matches!(guest.stage, Stage::Shaking { at: Some(at), .. } if at == from),
            );
            if let Some(guest) = guest {
                guest.shake(
                    Some(datagram),
                    &self.socket,
                    self.local,
                    &mut self.scratch,
                    now,
                );
            }
        }
    }

    fn on_stun(&mut self, datagram: &[u8], from: SocketAddr) {
        let Some(request) = Request::read(datagram) else {
            return;
        };
        let Some(guest) = request.ufrag().and_then(|ufrag| self.guests.get_mut(ufrag)) else {
            return;
        };
        let Some(answer) = request.answer(&guest.password, from) else {
            return;
        };
        _ = self.socket.send_to(answer.as_ref(), from);
        match &mut guest.stage {
            Stage::Shaking { at, .. } if request.nominates() || at.is_none() => *at = Some(from),
            Stage::Inside { at } if request.nominates() && *at != from => {
                match bind_beside(self.local, from) {
                    Ok(socket) => {
                        *at = from;
                        guest.tell(LegCommand::Moved(socket));
                    }
                    Err(error) => tracing::warn!(%error, "A browser that moved gets no socket"),
                }
            }
            Stage::Shaking { .. } | Stage::Inside { .. } | Stage::Refused => {}
        }
    }

    /// Repeats what was lost, and gives up whoever does not come.
    fn on_time(&mut self, now: Instant) {
        for guest in self.guests.values_mut() {
            guest.shake(None, &self.socket, self.local, &mut self.scratch, now);
        }
    }
}

impl Guest {
    fn tell(&self, command: LegCommand) {
        _ = self.home.send(Command::Leg(self.leg, command));
    }

    fn refuse(&mut self, why: &str) {
        tracing::info!(leg = %self.leg, why, "A browser does not come in");
        self.stage = Stage::Refused;
        self.tell(LegCommand::Refused);
    }

    /// Goes on with the handshake, by a datagram or by time.
    fn shake(
        &mut self,
        datagram: Option<&[u8]>,
        socket: &UdpSocket,
        local: SocketAddr,
        scratch: &mut Vec<u8>,
        now: Instant,
    ) {
        let Stage::Shaking {
            dtls,
            at,
            keys,
            until,
        } = &mut self.stage
        else {
            return;
        };
        if *until <= now {
            return self.refuse("It did not come in time");
        }
        let Some(at) = *at else { return };
        let fed = dtls
            .handle_timeout(now)
            .and_then(|()| datagram.map_or(Ok(()), |datagram| dtls.handle_packet(datagram)));
        let (mut connected, mut problem) = (false, fed.err().map(|error| error.to_string()));
        loop {
            match dtls.poll_output(scratch) {
                Output::Packet(packet) => _ = socket.send_to(packet, at),
                Output::BufferTooSmall { needed } => scratch.resize(needed, 0),
                Output::Connected => connected = true,
                Output::PeerCert(certificate)
                    if crypto::sha256(certificate) != self.peer.fingerprint =>
                {
                    problem = Some("Its certificate is not that of its offer".to_owned());
                }
                Output::KeyingMaterial(material, profile) => match seal(&material, profile) {
                    Some(seal) => *keys = Some(Box::new(seal)),
                    None => problem = Some(format!("It wants {profile}")),
                },
                Output::CloseNotify => problem = Some("It has closed".to_owned()),
                Output::Timeout(_) => break,
                _ => {}
            }
        }
        if let Some(problem) = problem {
            return self.refuse(&problem);
        }
        if connected && let Some(keys) = keys.take() {
            self.show_in(*keys, at, local, now);
        }
    }

    /// Gives it a socket of its own, and its leg both.
    fn show_in(&mut self, keys: Seal, at: SocketAddr, local: SocketAddr, now: Instant) {
        let socket = match bind_beside(local, at) {
            Ok(socket) => socket,
            Err(error) => {
                tracing::error!(%error, "No socket for a browser");
                return self.refuse("There is no socket");
            }
        };
        let Stage::Shaking { dtls, .. } = std::mem::replace(&mut self.stage, Stage::Inside { at })
        else {
            return;
        };
        let link = Link::new(socket, *dtls, keys, self.password.clone(), now);
        self.tell(LegCommand::Linked(Box::new(link), self.peer.clone()));
    }
}

/// The keys that were agreed on (RFC 5764 §4.2): the client's, the server's, the client's salt,
/// the server's. The browser is the client.
fn seal(material: &[u8], profile: SrtpProfile) -> Option<Seal> {
    let (key, salt) = match profile {
        SrtpProfile::AES128_CM_SHA1_80 => (16, 14),
        SrtpProfile::AEAD_AES_128_GCM => (16, GCM_SALT),
        SrtpProfile::AEAD_AES_256_GCM => (32, GCM_SALT),
        _ => return None,
    };
    let (keys, salts) = material.split_at_checked(2 * key)?;
    let (their_key, our_key) = keys.split_at(key);
    let (their_salt, our_salt) = salts.split_at_checked(salt)?;
    let session = |key: &[u8], salt: &[u8]| {
        if profile == SrtpProfile::AES128_CM_SHA1_80 {
            let master = [key, salt].concat().try_into().ok()?;
            Some(Session::counter(&master, Profile::Sha1_80))
        } else {
            Session::gcm(key, salt.first_chunk()?)
        }
    };
    Some(Seal::of_keys(
        session(our_key, our_salt)?,
        session(their_key, their_salt)?,
    ))
}

/// Takes the port. Nobody else may have it; our own further sockets may be beside this one.
fn bind_first(at: SocketAddr) -> io::Result<UdpSocket> {
    let socket = for_audio(at)?;
    socket.bind(&at.into())?;
    socket.set_reuse_port(true)?;
    // Its thread sleeps in it; only the media threads' sockets never wait.
    socket.set_nonblocking(false)?;
    Ok(socket.into())
}

/// A socket at the same port for one browser. Before it is connected it may get a stranger's first
/// packet for a moment: he repeats it.
fn bind_beside(local: SocketAddr, at: SocketAddr) -> io::Result<UdpSocket> {
    let socket = for_audio(local)?;
    socket.set_reuse_port(true)?;
    socket.bind(&local.into())?;
    socket.connect(&at.into())?;
    Ok(socket.into())
}
