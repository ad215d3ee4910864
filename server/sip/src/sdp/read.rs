//! Reading a description: the streams, their formats, addresses and directions.

use std::net::{IpAddr, SocketAddr};

use sdp_types::{Attribute, Media, Session};

use super::{Unacceptable, crypto::Crypto};
use crate::media::{Codec, Direction, OpusParams};

const MAX_BYTES: usize = 16 * 1024;
const MAX_STREAMS: usize = 16;
const MAX_ATTRIBUTES: usize = 256;
const MAX_FORMATS: usize = 64;

/// What a description says, stream by stream in its order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    pub streams: Vec<Stream>,
}

/// One `m=` section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stream {
    pub media: String,
    pub proto: String,
    /// The formats as written, to be echoed when the stream is declined.
    pub fmt: String,
    /// 0 declines or ends the stream.
    pub port: u16,
    /// Unspecified means hold in the manner of RFC 2543.
    pub address: Option<IpAddr>,
    pub rtcp: Option<SocketAddr>,
    pub formats: Vec<Format>,
    /// As the writer of the description sees it.
    pub direction: Direction,
    pub ptime_ms: Option<u16>,
    /// The ways to encrypt that we could take, in the writer's order.
    pub cryptos: Vec<Crypto>,
}

/// One payload type of an audio stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Format {
    pub payload_type: u8,
    pub kind: Kind,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    Audio(Codec, OpusParams),
    /// `telephone-event` at this clock, Hz.
    Dtmf(u32),
    Unknown,
}

impl Stream {
    /// RTP audio that is not switched off.
    pub fn is_usable_audio(&self) -> bool {
        self.is_audio() && self.port != 0 && self.address.is_some()
    }

    pub fn is_audio(&self) -> bool {
        let plain = matches!(self.proto.as_str(), "RTP/AVP" | "RTP/AVPF");
        self.media == "audio" && (plain || self.is_secure())
    }

    /// Its writer wants it encrypted, or not at all.
    pub fn is_secure(&self) -> bool {
        matches!(self.proto.as_str(), "RTP/SAVP" | "RTP/SAVPF")
    }

    pub fn is_held_by_address(&self) -> bool {
        self.address.is_some_and(|ip| ip.is_unspecified())
    }

    /// Formats of this codec, with what is asked of its encoder.
    pub fn find(&self, codec: Codec) -> Option<(u8, OpusParams)> {
        self.formats.iter().find_map(|format| match &format.kind {
            Kind::Audio(theirs, params) if *theirs == codec => Some((format.payload_type, *params)),
            Kind::Audio(..) | Kind::Dtmf(_) | Kind::Unknown => None,
        })
    }

    pub fn dtmf(&self) -> impl Iterator<Item = (u8, u32)> {
        self.formats.iter().filter_map(|format| match format.kind {
            Kind::Dtmf(clock) => Some((format.payload_type, clock)),
            Kind::Audio(..) | Kind::Unknown => None,
        })
    }
}

/// Reads a body. Only its shape is judged here, not whether we want it.
pub fn read(body: &[u8]) -> Result<Description, Unacceptable> {
    let session = read_session(body)?;
    let streams = session
        .medias
        .iter()
        .map(|media| read_stream(&session, media))
        .collect::<Result<_, _>>()?;
    Ok(Description { streams })
}

/// The lines of a body, if they are not too many.
pub fn read_session(body: &[u8]) -> Result<Session, Unacceptable> {
    if body.len() > MAX_BYTES {
        return Err(Unacceptable::Bomb);
    }
    let session = Session::parse(body).map_err(|_| Unacceptable::Malformed)?;
    let attributes: usize = session.medias.iter().map(|m| m.attributes.len()).sum();
    if session.medias.len() > MAX_STREAMS || attributes + session.attributes.len() > MAX_ATTRIBUTES
    {
        return Err(Unacceptable::Bomb);
    }
    Ok(session)
}

pub fn read_stream(session: &Session, media: &Media) -> Result<Stream, Unacceptable> {
    let connection = media.connections.first().or(session.connection.as_ref());
    let address = connection
        .and_then(|c| c.try_address().ok())
        .map(|address| address.ip.to_canonical());
    let direction = direction(&media.attributes)
        .or(direction(&session.attributes))
        .unwrap_or(Direction::SendRecv);
    let payload_types: Vec<u8> = media
        .fmt
        .split_ascii_whitespace()
        .filter_map(|pt| pt.parse().ok())
        .filter(|pt| *pt < 128)
        .collect();
    if payload_types.len() > MAX_FORMATS {
        return Err(Unacceptable::Bomb);
    }
    let rtcp = value(&media.attributes, "rtcp").and_then(|text| read_rtcp(text, address));
    Ok(Stream {
        media: media.media.to_ascii_lowercase(),
        proto: media.proto.to_ascii_uppercase(),
        fmt: media.fmt.clone(),
        port: media.port,
        address,
        rtcp,
        formats: payload_types
            .into_iter()
            .map(|payload_type| Format {
                payload_type,
                kind: read_format(&media.attributes, payload_type),
            })
            .collect(),
        direction,
        ptime_ms: value(&media.attributes, "ptime").and_then(|ms| ms.trim().parse().ok()),
        cryptos: media
            .attributes
            .iter()
            .filter(|a| a.attribute.eq_ignore_ascii_case("crypto"))
            .filter_map(|a| Crypto::read(a.value.as_deref()?))
            .collect(),
    })
}

pub fn value<'a>(attributes: &'a [Attribute], name: &str) -> Option<&'a str> {
    attributes
        .iter()
        .find(|a| a.attribute.eq_ignore_ascii_case(name))
        .and_then(|a| a.value.as_deref())
}

pub fn direction(attributes: &[Attribute]) -> Option<Direction> {
    attributes
        .iter()
        .find_map(|a| match a.attribute.to_ascii_lowercase().as_str() {
            "sendrecv" => Some(Direction::SendRecv),
            "sendonly" => Some(Direction::SendOnly),
            "recvonly" => Some(Direction::RecvOnly),
            "inactive" => Some(Direction::Inactive),
            _ => None,
        })
}

/// `port` or `port IN IP4 address` (RFC 3605).
fn read_rtcp(text: &str, default: Option<IpAddr>) -> Option<SocketAddr> {
    let mut parts = text.split_ascii_whitespace();
    let port = parts.next()?.parse().ok()?;
    let ip = match parts.nth(2) {
        Some(address) => address.parse::<IpAddr>().ok()?.to_canonical(),
        None => default?,
    };
    Some(SocketAddr::new(ip, port))
}

/// What a payload type stands for: by `rtpmap`, else by the static table (RFC 3551 §6).
fn read_format(attributes: &[Attribute], payload_type: u8) -> Kind {
    let of_type = |name: &str| {
        attributes
            .iter()
            .filter(|a| a.attribute.eq_ignore_ascii_case(name))
            .filter_map(|a| a.value.as_deref()?.trim().split_once(' '))
            .find(|(pt, _)| pt.parse() == Ok(payload_type))
            .map(|(_, rest)| rest.trim())
    };
    let Some(map) = of_type("rtpmap") else {
        return match payload_type {
            0 => Kind::Audio(Codec::Pcmu, OpusParams::default()),
            8 => Kind::Audio(Codec::Pcma, OpusParams::default()),
            9 => Kind::Audio(Codec::G722, OpusParams::default()),
            _ => Kind::Unknown,
        };
    };
    let mut parts = map.split('/');
    let name = parts.next().unwrap_or_default();
    let clock: u32 = parts.next().and_then(|c| c.parse().ok()).unwrap_or(0);
    if name.eq_ignore_ascii_case("telephone-event") {
        return Kind::Dtmf(clock);
    }
    let codec = Codec::ALL
        .into_iter()
        .find(|codec| codec.name().eq_ignore_ascii_case(name) && codec.rtp_clock() == clock);
    match codec {
        Some(Codec::Opus) => {
            Kind::Audio(Codec::Opus, read_opus(of_type("fmtp").unwrap_or_default()))
        }
        Some(codec @ (Codec::G722 | Codec::Pcmu | Codec::Pcma)) => {
            Kind::Audio(codec, OpusParams::default())
        }
        None => Kind::Unknown,
    }
}

fn read_opus(fmtp: &str) -> OpusParams {
    let mut params = OpusParams::default();
    for (name, value) in fmtp.split(';').filter_map(|p| p.split_once('=')) {
        let value = value.trim();
        match name.trim() {
            "useinbandfec" => params.fec = value == "1",
            "usedtx" => params.dtx = value == "1",
            "maxplaybackrate" => params.max_playback_rate = value.parse().ok(),
            "maxaveragebitrate" => params.max_average_bitrate = value.parse().ok(),
            _ => {}
        }
    }
    params
}

#[cfg(test)]
mod tests {
    use super::*;

    const OFFER: &str = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n\
        m=audio 4000 RTP/AVP 111 9 0 101 102 77\r\na=rtpmap:111 OPUS/48000/2\r\n\
        a=fmtp:111 useinbandfec=1; maxplaybackrate=16000\r\na=rtpmap:101 telephone-event/8000\r\n\
        a=rtpmap:102 telephone-event/48000\r\na=rtcp:4005\r\na=ptime:30\r\na=sendonly\r\n\
        m=video 4002 RTP/AVP 31\r\n";

    #[test]
    fn an_ordinary_offer_is_read() {
        let description = read(OFFER.as_bytes()).unwrap();
        let audio = &description.streams[0];

        let (payload_type, params) = audio.find(Codec::Opus).unwrap();
        assert_eq!(payload_type, 111);
        assert!(params.fec && !params.dtx);
        assert_eq!(params.max_playback_rate, Some(16_000));
        assert_eq!(audio.find(Codec::G722).unwrap().0, 9);
        assert_eq!(audio.find(Codec::Pcma), None);
        assert_eq!(
            audio.dtmf().collect::<Vec<_>>(),
            [(101, 8000), (102, 48_000)]
        );
        assert_eq!(audio.direction, Direction::SendOnly);
        assert_eq!(audio.rtcp, Some("192.0.2.1:4005".parse().unwrap()));
        assert_eq!(audio.ptime_ms, Some(30));
        assert!(!description.streams[1].is_usable_audio());
    }

    #[test]
    fn bombs_are_refused_before_they_are_worked_on() {
        let streams = "m=audio 4000 RTP/AVP 0\r\n".repeat(MAX_STREAMS + 1);
        let attributes = "a=x\r\n".repeat(MAX_ATTRIBUTES + 1);
        let head = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\n";
        for bomb in [streams, attributes, "a=x\r\n".repeat(MAX_BYTES)] {
            assert_eq!(
                read(format!("{head}{bomb}").as_bytes()),
                Err(Unacceptable::Bomb)
            );
        }
        assert_eq!(read(b"hello"), Err(Unacceptable::Malformed));
    }
}
