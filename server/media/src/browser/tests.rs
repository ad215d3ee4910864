//! Browsers on loopback: each a client of ICE, DTLS and SRTP that hums one note in Opus.
//!
//! No test sleeps: a browser sends one packet for each it receives.

use std::f64::consts::TAU;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use dimpl::{Dtls, DtlsCertificate, Output, SrtpProfile};
use is::stun::{StunMessage, TransId};
use mixer::codec::opus::{Decoder, Encoder, LONGEST};
use mixer::rtp::{Header, Packet, is_rtcp};
use mixer::srtp::{GCM_SALT, Inbound, Outbound, Session};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::stun::{is_dtls, is_stun};
use super::{BrowserLeg, Peer, certificate, crypto};
use crate::{Config, Direction, Hearing, LegEvent, LegId, Media, OpenError, RoomKey};

/// No beat for this long is a failure.
const PATIENCE: Duration = Duration::from_secs(5);
const OPUS: u8 = 111;

fn media(browsers: Option<SocketAddr>) -> Media {
    Media::start(Config {
        ip: Ipv4Addr::LOCALHOST.into(),
        ipv6: None,
        ports: 39_000..=39_010,
        browsers,
        threads: 2,
    })
    .unwrap()
}

fn any_port() -> SocketAddr {
    (Ipv4Addr::LOCALHOST, 0).into()
}

struct Browser {
    socket: UdpSocket,
    leg: BrowserLeg,
    events: UnboundedReceiver<(LegId, LegEvent)>,
    dtls: Dtls,
    seal: Option<(Outbound, Inbound)>,
    frequency: f64,
    sent: u32,
    encoder: Encoder,
    decoder: Decoder,
    heard: Vec<f64>,
}

impl Browser {
    /// Makes an offer and is answered.
    fn call(media: &Media, frequency: f64) -> Self {
        let certificate = certificate::generate().unwrap();
        let fingerprint = crypto::sha256(&certificate.certificate);
        Self::call_as(media, frequency, certificate, fingerprint)
    }

    fn call_as(
        media: &Media,
        frequency: f64,
        certificate: DtlsCertificate,
        fingerprint: [u8; 32],
    ) -> Self {
        let (sender, events) = unbounded_channel();
        let peer = Peer {
            fingerprint,
            opus: OPUS,
            dtmf: Some(126),
            level_extension: None,
            direction: Direction::SendReceive,
        };
        let leg = media.open_browser(peer, sender).unwrap();
        let mut dtls = Dtls::new_12(crypto::config().unwrap(), certificate, Instant::now());
        dtls.set_active(true);
        let browser = Self {
            socket: own_socket(),
            leg,
            events,
            dtls,
            seal: None,
            frequency,
            sent: 0,
            encoder: Encoder::new().unwrap(),
            decoder: Decoder::new().unwrap(),
            heard: Vec::new(),
        };
        browser.ask();
        browser
    }

    /// An address check that settles on this way.
    fn ask(&self) {
        let name = format!("{}:theirs", self.leg.ufrag);
        let mut bytes = [0; 512];
        let length = StunMessage::binding_request(&name, TransId::new(), true, 7, 1, true)
            .to_bytes(
                Some(self.leg.password.as_bytes()),
                &mut bytes,
                crypto::hmac_sha1,
            )
            .unwrap();
        self.socket
            .send_to(&bytes[..length], self.leg.local)
            .unwrap();
    }

    /// Shakes hands until there are keys, or the port falls silent.
    fn shake_hands(&mut self) -> bool {
        let mut datagram = [0; 4_096];
        while self.seal.is_none() {
            let Ok((length, _)) = self.socket.recv_from(&mut datagram) else {
                return false;
            };
            self.dtls.handle_timeout(Instant::now()).unwrap();
            if is_dtls(&datagram[..length]) && self.dtls.handle_packet(&datagram[..length]).is_err()
            {
                return false;
            }
            self.drain();
        }
        true
    }

    fn drain(&mut self) {
        let mut buffer = vec![0; 4_096];
        loop {
            match self.dtls.poll_output(&mut buffer) {
                Output::Packet(packet) => {
                    self.socket.send_to(packet, self.leg.local).unwrap();
                }
                Output::PeerCert(certificate) => {
                    assert_eq!(crypto::sha256(certificate), self.leg.fingerprint);
                }
                Output::KeyingMaterial(material, profile) => {
                    assert_eq!(profile, SrtpProfile::AEAD_AES_256_GCM);
                    let (keys, salts) = material.split_at(64);
                    let salt = |at: usize| salts[at..at + GCM_SALT].try_into().unwrap();
                    self.seal = Some((
                        Outbound::new(Session::gcm(&keys[..32], &salt(0)).unwrap()),
                        Inbound::new(Session::gcm(&keys[32..], &salt(GCM_SALT)).unwrap()),
                    ));
                }
                Output::Timeout(_) => return,
                _ => {}
            }
        }
    }

    /// Waits for the next packet of audio, and keeps what it says.
    fn hear(&mut self) {
        let mut datagram = [0; 2_048];
        loop {
            let (length, from) = self
                .socket
                .recv_from(&mut datagram)
                .expect("no packet came");
            assert_eq!(from, self.leg.local, "there is one port for all");
            let bytes = &mut datagram[..length];
            if is_stun(bytes) || is_dtls(bytes) || is_rtcp(bytes) {
                continue;
            }
            let (_, inside) = self.seal.as_mut().unwrap();
            let packet = Packet::parse(inside.open_rtp(bytes).unwrap()).unwrap();
            assert_eq!(packet.header.payload_type, OPUS);
            assert_eq!(packet.header.ssrc, self.leg.ssrc);
            let mut samples = [0; LONGEST];
            let count = self.decoder.decode(packet.payload, &mut samples).unwrap();
            self.heard
                .extend(samples[..count].iter().map(|&s| f64::from(s)));
            return;
        }
    }

    fn hum(&mut self, beats: usize) {
        for _ in 0..beats {
            self.hear();
            let samples: Vec<i16> = (0..960)
                .map(|i| {
                    let t = f64::from(self.sent * 960 + i) / 48_000.0;
                    (8_000.0 * (TAU * self.frequency * t).sin()) as i16
                })
                .collect();
            let mut payload = [0; 1_275];
            let length = self.encoder.encode(&samples, &mut payload).unwrap();
            self.say(OPUS, &payload[..length]);
        }
    }

    fn say(&mut self, payload_type: u8, payload: &[u8]) {
        let header = Header {
            marker: self.sent == 0,
            payload_type,
            sequence: self.sent as u16,
            timestamp: self.sent * 960,
            ssrc: 77,
        };
        self.sent += 1;
        let mut datagram = [&header.to_bytes()[..], payload].concat();
        self.seal.as_mut().unwrap().0.protect_rtp(&mut datagram);
        self.socket.send_to(&datagram, self.leg.local).unwrap();
    }

    /// The amplitude of a note in the last half second heard.
    fn loudness(&self, frequency: f64) -> f64 {
        let last = &self.heard[self.heard.len() - 24_000..];
        let (mut re, mut im) = (0.0, 0.0);
        for (i, sample) in last.iter().enumerate() {
            let angle = TAU * frequency * i as f64 / 48_000.0;
            re += sample * angle.cos();
            im += sample * angle.sin();
        }
        2.0 * re.hypot(im) / last.len() as f64
    }

    /// The next event that matters, while the other side's beat goes on if there is one.
    fn wait_for(&mut self, wanted: LegEvent) {
        while let Some((id, event)) = self.events.blocking_recv() {
            assert_eq!(id, self.leg.id);
            if event == wanted {
                return;
            }
        }
        panic!("the leg ended before {wanted:?}");
    }
}

fn own_socket() -> UdpSocket {
    let socket = UdpSocket::bind(any_port()).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket
}

fn hum_together(browsers: &mut [Browser], beats: usize) {
    for _ in 0..beats {
        for browser in &mut *browsers {
            browser.hum(1);
        }
    }
}

/// So many of them, in one room.
fn gathered(media: &Media, notes: &[f64]) -> Vec<Browser> {
    let room = RoomKey(7);
    let mut browsers: Vec<_> = notes
        .iter()
        .map(|&note| Browser::call(media, note))
        .collect();
    for browser in &mut browsers {
        assert!(browser.shake_hands());
        browser.wait_for(LegEvent::CameIn);
        media.enter(browser.leg.id, room, Hearing::SPEAKER);
    }
    browsers
}

fn assert_all_hear_the_others(browsers: &[Browser], notes: &[f64]) {
    for browser in browsers {
        for &note in notes {
            let loudness = browser.loudness(note);
            let theirs = note != browser.frequency;
            assert!(
                if theirs {
                    loudness > 2_000.0
                } else {
                    loudness < 400.0
                },
                "{note} at {loudness} for the one who hums {}",
                browser.frequency
            );
        }
    }
}

#[test]
fn browsers_come_to_one_port_and_hear_each_other() {
    let media = media(Some(any_port()));
    let notes = [440.0, 620.0, 1_000.0];
    let mut browsers = gathered(&media, &notes);

    hum_together(&mut browsers, 100);

    assert_all_hear_the_others(&browsers, &notes);
}

#[test]
fn a_browser_whose_address_changes_goes_on_being_heard() {
    let media = media(Some(any_port()));
    let notes = [440.0, 1_000.0];
    let mut browsers = gathered(&media, &notes);
    hum_together(&mut browsers, 20);

    browsers[0].socket = own_socket();
    browsers[0].ask();
    hum_together(&mut browsers, 100);

    assert_all_hear_the_others(&browsers, &notes);
}

#[test]
fn a_browser_that_closes_is_gone_and_one_that_is_sent_away_hears_so() {
    let media = media(Some(any_port()));
    let mut browsers = gathered(&media, &[440.0, 1_000.0]);
    hum_together(&mut browsers, 5);

    browsers[0].dtls.close().unwrap();
    browsers[0].drain();
    browsers[0].wait_for(LegEvent::Gone { said: true });

    media.close(browsers[1].leg.id);
    let mut datagram = [0; 4_096];
    loop {
        let (length, _) = browsers[1].socket.recv_from(&mut datagram).unwrap();
        if is_dtls(&datagram[..length]) {
            break;
        }
    }
}

#[test]
fn keys_are_heard_from_a_browser_too() {
    let media = media(Some(any_port()));
    let mut browsers = gathered(&media, &[440.0]);
    browsers[0].hum(5);

    // "5", 20 ms so far, on the clock of Opus.
    browsers[0].say(126, &[5, 10, 0x03, 0xc0]);

    browsers[0].wait_for(LegEvent::Digit('5'));
}

#[test]
fn whoever_comes_with_another_certificate_does_not_come_in() {
    let media = media(Some(any_port()));
    let certificate = certificate::generate().unwrap();
    let mut browser = Browser::call_as(&media, 440.0, certificate, [7; 32]);

    browser.shake_hands();

    browser.wait_for(LegEvent::Gone { said: false });
}

#[test]
fn without_a_port_no_browser_is_expected_and_a_port_in_use_is_told() {
    let closed = media(None);
    let (sender, _events) = unbounded_channel();
    let peer = Peer {
        fingerprint: [0; 32],
        opus: OPUS,
        dtmf: None,
        level_extension: None,
        direction: Direction::SendReceive,
    };
    let refused = closed.open_browser(peer, sender);
    assert!(matches!(refused, Err(OpenError::NoBrowsers)));

    let first = media(Some(any_port()));
    let second = Media::start(Config {
        ip: Ipv4Addr::LOCALHOST.into(),
        ipv6: None,
        ports: 39_000..=39_010,
        browsers: first.browsers_at(),
        threads: 1,
    });
    assert_eq!(second.unwrap_err().kind(), std::io::ErrorKind::AddrInUse);
}
