//! A browser that has come in: its own socket, its keys, and whether it is still there.

use std::net::UdpSocket;
use std::time::{Duration, Instant};

use dimpl::{Dtls, Output};
use mixer::Leg;
use mixer::rtp::{HEADER, is_rtcp};

use super::stun::{answer_to_check, is_dtls, is_stun};
use crate::LegEvent;
use crate::inbox::Inbox;
use crate::wire::{MOST_AT_ONCE, Seal};

/// Whoever has not said for so long that he wants to hear us is gone (RFC 7675 §5.1).
const CONSENT: Duration = Duration::from_secs(30);

#[derive(Debug)]
pub struct Link {
    /// Connected to the browser.
    socket: UdpSocket,
    /// The handshake is over: what still comes is what was lost of it, and the end.
    dtls: Box<Handshake>,
    seal: Box<Seal>,
    password: String,
    /// When it last asked for us.
    asked_at: Instant,
    said_goodbye: bool,
    /// That it is gone.
    told: bool,
}

/// Nothing of it is shown.
struct Handshake(Dtls);

impl std::fmt::Debug for Handshake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Handshake")
    }
}

impl Link {
    pub fn new(socket: UdpSocket, dtls: Dtls, seal: Seal, password: String, now: Instant) -> Self {
        Self {
            socket,
            dtls: Box::new(Handshake(dtls)),
            seal: Box::new(seal),
            password,
            asked_at: now,
            said_goodbye: false,
            told: false,
        }
    }

    /// It comes from another address now.
    pub fn moved(&mut self, socket: UdpSocket) {
        self.socket = socket;
    }

    /// Reads what has arrived: audio, reports, questions whether we are here, the end.
    pub fn sweep(&mut self, leg: &mut Leg, inbox: &mut Inbox) {
        let Self {
            socket,
            dtls,
            seal,
            password,
            asked_at,
            said_goodbye,
            told: _,
        } = self;
        let (socket, heard) = (&*socket, leg.is_heard());
        inbox.sweep(socket, heard, MOST_AT_ONCE, |received| {
            if is_stun(received.bytes) {
                if let Some(answer) = answer_to_check(received.bytes, password, received.from) {
                    *asked_at = received.arrived;
                    _ = socket.send(answer.as_ref());
                }
            } else if is_dtls(received.bytes) {
                *said_goodbye |= dtls.on_datagram(received.bytes, socket);
            } else if is_rtcp(received.bytes) {
                if let Some(report) = seal.inside.open_rtcp(received.bytes) {
                    leg.on_rtcp(report, received.arrived);
                }
            } else if let Some(packet) = seal.inside.open_rtp(received.bytes) {
                leg.on_rtp(packet, received.arrived);
            }
        });
    }

    /// Told once, when it is gone: it said so, or has not asked for us for long.
    pub fn gone(&mut self, now: Instant) -> Option<LegEvent> {
        let said = self.said_goodbye;
        let lost = now.saturating_duration_since(self.asked_at) > CONSENT;
        if self.told || !(said || lost) {
            return None;
        }
        self.told = true;
        Some(LegEvent::Gone { said })
    }

    pub fn send(&mut self, header: &[u8; HEADER], payload: &[u8], scratch: &mut Vec<u8>) {
        scratch.clear();
        scratch.extend_from_slice(header);
        scratch.extend_from_slice(payload);
        self.seal.out.protect_rtp(scratch);
        // A full queue or an unreachable host loses this packet, as a network would.
        _ = self.socket.send(scratch);
    }

    pub fn send_report(&mut self, report: &mut Vec<u8>) {
        self.seal.out.protect_rtcp(report);
        _ = self.socket.send(report);
    }

    /// Tells the browser that it is over.
    pub fn close(&mut self) {
        if self.dtls.0.close().is_ok() {
            self.dtls.drain(&self.socket);
        }
    }
}

impl Handshake {
    /// True if the other side has ended it.
    fn on_datagram(&mut self, datagram: &[u8], socket: &UdpSocket) -> bool {
        let fed = self
            .0
            .handle_timeout(Instant::now())
            .and_then(|()| self.0.handle_packet(datagram));
        self.drain(socket) || fed.is_err()
    }

    fn drain(&mut self, socket: &UdpSocket) -> bool {
        let (mut buffer, mut ended) = (vec![0; 2_048], false);
        loop {
            match self.0.poll_output(&mut buffer) {
                Output::Packet(packet) => _ = socket.send(packet),
                Output::BufferTooSmall { needed } => buffer.resize(needed, 0),
                Output::CloseNotify => ended = true,
                Output::Timeout(_) => return ended,
                _ => {}
            }
        }
    }
}
