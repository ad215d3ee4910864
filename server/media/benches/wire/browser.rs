//! A browser as far as its audio goes: it asks for the port (ICE), shakes hands (DTLS) and has
//! keys from then on.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::{Duration, Instant};

use dimpl::{Config, Dtls, DtlsCertificate, Output};
use is::stun::{StunMessage, TransId};
use media::{BrowserLeg, BrowserPeer, Direction, LegEvent, LegId, Media};
use mixer::srtp::{GCM_SALT, Outbound, Session};
use tokio::sync::mpsc::UnboundedSender;

use crate::{certificate, crypto};

/// The payload type it offers for Opus.
pub const OPUS: u8 = 111;
/// Whoever is not answered for so long asks again.
const PATIENCE: Duration = Duration::from_millis(200);

/// What all browsers of a run may share.
pub struct Maker {
    certificate: DtlsCertificate,
    config: Arc<Config>,
}

/// A browser that has come in.
pub struct Browser {
    pub socket: UdpSocket,
    pub id: LegId,
    pub to: SocketAddr,
    pub out: Outbound,
}

impl Maker {
    pub fn new() -> Self {
        Self {
            certificate: certificate::generate().unwrap(),
            config: crypto::config().unwrap(),
        }
    }

    pub fn come_in(&self, media: &Media, events: UnboundedSender<(LegId, LegEvent)>) -> Browser {
        let peer = BrowserPeer {
            fingerprint: crypto::sha256(&self.certificate.certificate),
            opus: OPUS,
            dtmf: None,
            level_extension: None,
            direction: Direction::SendReceive,
        };
        let leg = media.open_browser(peer, events).unwrap();
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        socket.connect(leg.local).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut dtls = Dtls::new_12(
            self.config.clone(),
            self.certificate.clone(),
            Instant::now(),
        );
        dtls.set_active(true);
        ask(&socket, &leg);
        let (mut keys, mut datagram) = (None, [0; 4_096]);
        while keys.is_none() {
            let received = socket.recv(&mut datagram);
            dtls.handle_timeout(Instant::now()).unwrap();
            match received {
                Ok(length) if (20..64).contains(&datagram[0]) => {
                    dtls.handle_packet(&datagram[..length]).unwrap();
                }
                Ok(_) => {}
                Err(_) => ask(&socket, &leg),
            }
            keys = agreed(&mut dtls, &socket);
        }
        socket.set_nonblocking(true).unwrap();
        Browser {
            socket,
            id: leg.id,
            to: leg.local,
            out: Outbound::new(keys.unwrap()),
        }
    }
}

/// An address check that settles on this way.
fn ask(socket: &UdpSocket, leg: &BrowserLeg) {
    let name = format!("{}:theirs", leg.ufrag);
    let mut bytes = [0; 512];
    let length = StunMessage::binding_request(&name, TransId::new(), true, 7, 1, true)
        .to_bytes(Some(leg.password.as_bytes()), &mut bytes, crypto::hmac_sha1)
        .unwrap();
    socket.send(&bytes[..length]).unwrap();
}

/// Sends what the handshake wants to say; the key we send under, once there is one.
fn agreed(dtls: &mut Dtls, socket: &UdpSocket) -> Option<Session> {
    let (mut buffer, mut keys) = (vec![0; 4_096], None);
    loop {
        match dtls.poll_output(&mut buffer) {
            Output::Packet(packet) => {
                socket.send(packet).unwrap();
            }
            // The client's key, the server's, the client's salt, the server's (RFC 5764 §4.2).
            Output::KeyingMaterial(material, _) => {
                let key = (material.len() - 2 * GCM_SALT) / 2;
                let salt = material[2 * key..].first_chunk().unwrap();
                keys = Session::gcm(&material[..key], salt);
            }
            Output::Timeout(_) => return keys,
            _ => {}
        }
    }
}
