//! Offers of browsers (WebRTC, RFC 8829), and our answers to them.
//!
//! A browser offers audio under ICE and DTLS, with ports that mean nothing. We answer as
//! an ICE-lite agent and DTLS server (RFC 8445 §2.5, RFC 5763) with one stream of Opus at the addresses named; whatever
//! else is offered, video for instance, is declined.

use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr};

use sdp_types::{Attribute, Media, Session};

use super::{
    Unacceptable,
    read::{direction, read_session, read_stream, value},
};
use crate::media::{Codec, Direction};

const AUDIO_LEVEL: &str = "urn:ietf:params:rtp-hdrext:ssrc-audio-level";

/// What matters of a browser's offer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrowserOffer {
    /// SHA-256 of its certificate.
    pub fingerprint: [u8; 32],
    /// The payload type of Opus.
    pub opus: u8,
    /// That of `telephone-event`, with its clock in Hz.
    pub dtmf: Option<(u8, u32)>,
    /// The id of the audio level's header extension (RFC 6464).
    pub level_extension: Option<u8>,
    /// Which way audio may flow, seen from our side.
    pub direction: Direction,
    /// All streams in their order, to be answered one by one.
    lines: Vec<Line>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Line {
    media: String,
    proto: String,
    fmt: String,
    mid: Option<String>,
    /// It is the one we take.
    taken: bool,
}

/// Why an offer cannot be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotTaken {
    #[error("Not a session description")]
    Malformed,
    #[error("A session description with too many streams or attributes")]
    Bomb,
    #[error("No audio is offered")]
    NoAudio,
    #[error("Not an offer of a browser: it lacks ICE, DTLS, or a SHA-256 fingerprint")]
    NotWebRtc,
    #[error("Opus is not offered")]
    NoOpus,
}

impl From<Unacceptable> for NotTaken {
    fn from(why: Unacceptable) -> Self {
        match why {
            Unacceptable::Bomb => NotTaken::Bomb,
            Unacceptable::Malformed
            | Unacceptable::NoCommonCodec
            | Unacceptable::NotEncrypted
            | Unacceptable::Address => NotTaken::Malformed,
        }
    }
}

/// What our answer tells of us.
#[derive(Debug, Clone, Copy)]
pub struct OurSide<'a> {
    /// Where we are, the best first.
    pub addresses: &'a [SocketAddr],
    pub ufrag: &'a str,
    pub password: &'a str,
    pub fingerprint: &'a [u8; 32],
    pub ssrc: u32,
}

impl BrowserOffer {
    pub fn read(text: &str) -> Result<Self, NotTaken> {
        let session = read_session(text.as_bytes())?;
        let is_audio = |media: &&Media| media.media.eq_ignore_ascii_case("audio");
        let audio = session
            .medias
            .iter()
            .position(|media| is_audio(&media))
            .ok_or(NotTaken::NoAudio)?;
        let media = &session.medias[audio];
        // Each may stand with the stream or once for all.
        let of = |name: &str| {
            value(&media.attributes, name).or_else(|| value(&session.attributes, name))
        };
        let secured = media.proto.to_ascii_uppercase().contains("TLS/RTP/SAVP");
        let has_ice = of("ice-ufrag").is_some() && of("ice-pwd").is_some();
        // We are the server: it must be ready to be the client.
        let may_begin = of("setup").is_none_or(|setup| setup.trim() != "passive");
        if !secured || !has_ice || !may_begin {
            return Err(NotTaken::NotWebRtc);
        }
        let fingerprint = media
            .attributes
            .iter()
            .chain(&session.attributes)
            .find_map(read_fingerprint)
            .ok_or(NotTaken::NotWebRtc)?;
        let stream = read_stream(&session, media)?;
        let (opus, _) = stream.find(Codec::Opus).ok_or(NotTaken::NoOpus)?;
        // Those by the clock of the audio first (RFC 4733 §2.1).
        let dtmf = stream
            .dtmf()
            .max_by_key(|(_, clock)| *clock == Codec::Opus.rtp_clock());
        Ok(Self {
            fingerprint,
            opus,
            dtmf,
            level_extension: level_extension(media),
            direction: direction(&media.attributes)
                .or(direction(&session.attributes))
                .unwrap_or(Direction::SendRecv)
                .reversed(),
            lines: lines(&session, audio),
        })
    }

    pub fn answer(&self, ours: &OurSide<'_>) -> String {
        let host = ours.addresses.first();
        let host = host.map_or(IpAddr::from([0, 0, 0, 0]), SocketAddr::ip);
        let family = if host.is_ipv4() { "IP4" } else { "IP6" };
        let taken = self.lines.iter().find(|line| line.taken);
        let mid = taken.and_then(|line| line.mid.as_deref());
        let mut text = Text::default();
        text.line(format_args!("v=0"));
        text.line(format_args!(
            "o=rollcall {} 1 IN {family} {host}",
            ours.ssrc
        ));
        text.line(format_args!("s=-"));
        text.line(format_args!("t=0 0"));
        if let Some(mid) = mid {
            text.line(format_args!("a=group:BUNDLE {mid}"));
        }
        text.line(format_args!("a=ice-lite"));
        text.line(format_args!("a=msid-semantic: WMS room"));
        for line in &self.lines {
            if line.taken {
                self.audio(line, ours, family, host, &mut text);
            } else {
                let Line {
                    media, proto, fmt, ..
                } = line;
                text.line(format_args!("m={media} 0 {proto} {fmt}"));
                text.line(format_args!("c=IN {family} {host}"));
                text.mid(line);
                text.line(format_args!("a=inactive"));
            }
        }
        text.0
    }

    fn audio(&self, line: &Line, ours: &OurSide<'_>, family: &str, host: IpAddr, text: &mut Text) {
        let port = ours.addresses.first().map_or(9, SocketAddr::port);
        let (proto, opus) = (&line.proto, self.opus);
        match self.dtmf {
            Some((dtmf, _)) => text.line(format_args!("m=audio {port} {proto} {opus} {dtmf}")),
            None => text.line(format_args!("m=audio {port} {proto} {opus}")),
        }
        text.line(format_args!("c=IN {family} {host}"));
        text.line(format_args!("a=ice-ufrag:{}", ours.ufrag));
        text.line(format_args!("a=ice-pwd:{}", ours.password));
        let fingerprint: Vec<String> = ours
            .fingerprint
            .iter()
            .map(|byte| format!("{byte:02X}"))
            .collect();
        text.line(format_args!(
            "a=fingerprint:sha-256 {}",
            fingerprint.join(":")
        ));
        text.line(format_args!("a=setup:passive"));
        text.mid(line);
        if let Some(id) = self.level_extension {
            text.line(format_args!("a=extmap:{id} {AUDIO_LEVEL}"));
        }
        text.line(format_args!("a={}", self.direction.name()));
        text.line(format_args!("a=msid:room audio"));
        text.line(format_args!("a=rtcp-mux"));
        text.line(format_args!("a=rtpmap:{opus} opus/48000/2"));
        text.line(format_args!("a=fmtp:{opus} minptime=10;useinbandfec=1"));
        if let Some((dtmf, clock)) = self.dtmf {
            text.line(format_args!("a=rtpmap:{dtmf} telephone-event/{clock}"));
        }
        text.line(format_args!("a=ptime:20"));
        text.line(format_args!("a=ssrc:{} cname:rollcall", ours.ssrc));
        for (place, at) in (1u32..).zip(ours.addresses) {
            // RFC 8445 §5.1.2.1: hosts, the first preferred.
            let priority = (126 << 24) | ((65_536 - place.min(65_535)) << 8) | 255;
            let (ip, port) = (at.ip(), at.port());
            text.line(format_args!(
                "a=candidate:{place} 1 udp {priority} {ip} {port} typ host"
            ));
        }
        text.line(format_args!("a=end-of-candidates"));
    }
}

/// Lines as SDP ends them.
#[derive(Default)]
struct Text(String);

impl Text {
    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        // Writing into a text cannot fail.
        _ = self.0.write_fmt(line);
        self.0.push_str("\r\n");
    }

    fn mid(&mut self, line: &Line) {
        if let Some(mid) = &line.mid {
            self.line(format_args!("a=mid:{mid}"));
        }
    }
}

fn lines(session: &Session, audio: usize) -> Vec<Line> {
    session
        .medias
        .iter()
        .enumerate()
        .map(|(at, media)| Line {
            media: media.media.clone(),
            proto: media.proto.clone(),
            fmt: media.fmt.clone(),
            mid: value(&media.attributes, "mid").map(|mid| mid.trim().to_owned()),
            taken: at == audio,
        })
        .collect()
}

/// `sha-256 4A:AD:...` (RFC 8122 §5).
fn read_fingerprint(attribute: &Attribute) -> Option<[u8; 32]> {
    if !attribute.attribute.eq_ignore_ascii_case("fingerprint") {
        return None;
    }
    let (hash, digits) = attribute.value.as_deref()?.trim().split_once(' ')?;
    if !hash.eq_ignore_ascii_case("sha-256") {
        return None;
    }
    let bytes: Vec<u8> = digits
        .trim()
        .split(':')
        .map(|pair| u8::from_str_radix(pair, 16).ok())
        .collect::<Option<_>>()?;
    bytes.try_into().ok()
}

/// `1 urn:...` or `1/sendrecv urn:...` (RFC 8285 §5); only ids that fit the short form.
fn level_extension(media: &Media) -> Option<u8> {
    media
        .attributes
        .iter()
        .filter(|attribute| attribute.attribute.eq_ignore_ascii_case("extmap"))
        .find_map(|attribute| {
            let mut words = attribute.value.as_deref()?.split_ascii_whitespace();
            let id = words.next()?.split('/').next()?.parse().ok()?;
            (words.next()? == AUDIO_LEVEL && (1..15).contains(&id)).then_some(id)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As Chromium writes it, shortened.
    const OFFER: &str = "v=0\r\no=- 467 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1\r\n\
        a=extmap-allow-mixed\r\na=msid-semantic: WMS 7c\r\n\
        m=audio 9 UDP/TLS/RTP/SAVPF 111 63 9 0 8 110 126\r\nc=IN IP4 0.0.0.0\r\na=rtcp:9 IN IP4 0.0.0.0\r\n\
        a=ice-ufrag:Yp8y\r\na=ice-pwd:0kJ1Jv1aQpN9lJ0Y1lH6Zt2X\r\na=ice-options:trickle\r\n\
        a=fingerprint:sha-256 00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:13:14:15:16:17:18:19:1A:1B:1C:1D:1E:1F\r\n\
        a=setup:actpass\r\na=mid:0\r\na=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n\
        a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\r\na=sendrecv\r\na=rtcp-mux\r\na=rtcp-rsize\r\n\
        a=rtpmap:111 opus/48000/2\r\na=fmtp:111 minptime=10;useinbandfec=1\r\na=rtpmap:63 red/48000/2\r\n\
        a=rtpmap:110 telephone-event/48000\r\na=rtpmap:126 telephone-event/8000\r\n\
        m=video 9 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\na=mid:1\r\na=rtpmap:96 VP8/90000\r\n";

    fn without(part: &str) -> Result<BrowserOffer, NotTaken> {
        assert!(OFFER.contains(part));
        BrowserOffer::read(&OFFER.replace(part, ""))
    }

    #[test]
    fn an_offer_of_a_browser_is_read() {
        let offer = BrowserOffer::read(OFFER).unwrap();

        assert_eq!(offer.fingerprint, std::array::from_fn(|i| i as u8));
        assert_eq!(offer.opus, 111);
        assert_eq!(offer.dtmf, Some((110, 48_000)));
        assert_eq!(offer.level_extension, Some(1));
        assert_eq!(offer.direction, Direction::SendRecv);

        let listens = BrowserOffer::read(&OFFER.replace("a=sendrecv", "a=recvonly")).unwrap();
        assert_eq!(listens.direction, Direction::SendOnly);
    }

    #[test]
    fn what_cannot_be_answered_is_told() {
        assert_eq!(BrowserOffer::read("hello"), Err(NotTaken::Malformed));
        assert_eq!(
            BrowserOffer::read(&format!("{OFFER}{}", "a=x\r\n".repeat(300))),
            Err(NotTaken::Bomb)
        );
        let (head, _) = OFFER.split_once("m=audio").unwrap();
        assert_eq!(BrowserOffer::read(head), Err(NotTaken::NoAudio));
        assert_eq!(
            without("a=rtpmap:111 opus/48000/2\r\n"),
            Err(NotTaken::NoOpus)
        );
        for needed in ["a=ice-pwd:0kJ1Jv1aQpN9lJ0Y1lH6Zt2X\r\n", ":1E:1F"] {
            assert_eq!(without(needed), Err(NotTaken::NotWebRtc));
        }
        let phone = OFFER.replace("UDP/TLS/RTP/SAVPF", "RTP/AVP");
        assert_eq!(BrowserOffer::read(&phone), Err(NotTaken::NotWebRtc));
    }

    #[test]
    fn the_answer_takes_audio_and_declines_the_rest() {
        let offer = BrowserOffer::read(OFFER).unwrap();
        let answer = offer.answer(&OurSide {
            addresses: &[
                "203.0.113.7:3478".parse().unwrap(),
                "[2001:db8::7]:3478".parse().unwrap(),
            ],
            ufrag: "abcd",
            password: "0123456789abcdef01234567",
            fingerprint: &[0xab; 32],
            ssrc: 5,
        });

        let read = super::super::read(answer.as_bytes()).unwrap();
        assert_eq!(read.streams.len(), 2);
        assert_eq!(read.streams[0].port, 3478);
        assert_eq!(read.streams[0].find(Codec::Opus).unwrap().0, 111);
        assert_eq!(read.streams[1].port, 0);
        for line in [
            "a=group:BUNDLE 0",
            "a=ice-lite",
            "a=setup:passive",
            "a=rtcp-mux",
            "a=mid:0",
            "a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level",
            "a=rtpmap:110 telephone-event/48000",
            "a=candidate:1 1 udp 2130706431 203.0.113.7 3478 typ host",
            "a=candidate:2 1 udp 2130706175 2001:db8::7 3478 typ host",
        ] {
            assert!(
                answer.lines().any(|written| written == line),
                "{line}\n{answer}"
            );
        }
    }
}
