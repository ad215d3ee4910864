//! The offer/answer state of one dialog.

use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
};

use sdp_types::{Attribute, Connection, Media, MediaType, Origin, Session, Time, TransportProto};

use super::{Stream, Unacceptable, agree::agree, crypto::Crypto, read, read::Kind};
use crate::{
    media::{Codec, Direction, NegotiatedMedia},
    srtp::{Encryption, Srtp, SrtpKey},
};

/// Clocks we offer telephone events at, Hz: those of our codecs.
const DTMF_CLOCKS: [u32; 2] = [8_000, 48_000];
/// Payload types free for negotiation (RFC 3551 §6).
const FIRST_DYNAMIC: u8 = 96;
const LAST_DYNAMIC: u8 = 127;
const OUR_PTIME_MS: u16 = 20;

/// Our side's descriptions and what has been agreed so far.
#[derive(Debug, Clone)]
pub struct Negotiation {
    address: SocketAddr,
    codecs: Vec<Codec>,
    encryption: Encryption,
    /// What we want of the stream ourselves; `Inactive` while we hold.
    wish: Direction,
    session_id: u64,
    version: u64,
    /// The last description we sent, to tell whether the version must grow.
    sent: Option<Session>,
    /// Payload types once given, by either side, stay given (RFC 3264 §8.3.2).
    numbers: BTreeMap<Numbered, u8>,
    /// All streams ever described, in order: they must be repeated.
    streams: Vec<Line>,
    agreed: Option<NegotiatedMedia>,
}

/// What a payload type can stand for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Numbered {
    Audio(Codec),
    /// Telephone events at this clock, Hz.
    Dtmf(u32),
}

/// One `m=` line of the session.
#[derive(Debug, Clone)]
enum Line {
    Audio,
    Declined {
        media: String,
        proto: String,
        fmt: String,
    },
}

impl Negotiation {
    /// `session_id` below 2^53.
    pub fn new(address: SocketAddr, codecs: Vec<Codec>, session_id: u64) -> Self {
        Negotiation {
            address,
            codecs,
            encryption: Encryption::Off,
            wish: Direction::SendRecv,
            session_id,
            version: 1,
            sent: None,
            numbers: BTreeMap::new(),
            streams: Vec::new(),
            agreed: None,
        }
    }

    /// Takes up the negotiation of an earlier process.
    pub fn resume(
        address: SocketAddr,
        codecs: Vec<Codec>,
        session_id: u64,
        version: u64,
        agreed: NegotiatedMedia,
    ) -> Self {
        let mut resumed = Negotiation::new(address, codecs, session_id);
        resumed.version = version;
        let spoken = Numbered::Audio(agreed.codec);
        resumed.numbers.insert(spoken, agreed.receive_payload_type);
        resumed.agreed = Some(agreed);
        resumed
    }

    pub fn agreed(&self) -> Option<&NegotiatedMedia> {
        self.agreed.as_ref()
    }

    pub fn session(&self) -> (u64, u64) {
        (self.session_id, self.version)
    }

    pub fn set_wish(&mut self, wish: Direction) {
        self.wish = wish;
    }

    pub fn set_media(&mut self, address: SocketAddr, codecs: Vec<Codec>) {
        self.address = address;
        self.codecs = codecs;
    }

    pub fn encrypted(self, encryption: Encryption) -> Self {
        Negotiation { encryption, ..self }
    }

    /// Our description as an offer; the same again while nothing has changed.
    pub fn offer(&mut self) -> Vec<u8> {
        if !self.streams.iter().any(|l| matches!(l, Line::Audio)) {
            self.streams.push(Line::Audio);
        }
        // What is being spoken stays in front: an offer made for another reason should
        // not change the codec.
        let current = self.agreed.as_ref().map(|agreed| agreed.codec);
        let mut codecs = self.codecs.clone();
        codecs.sort_by_key(|codec| Some(*codec) != current);
        let formats: Vec<(u8, Codec)> = codecs
            .into_iter()
            .map(|codec| (self.number(Numbered::Audio(codec)), codec))
            .collect();
        let dtmf: Vec<(u8, u32)> = DTMF_CLOCKS
            .into_iter()
            .filter(|clock| formats.iter().any(|(_, c)| c.rtp_clock() == *clock))
            .map(|clock| (self.number(Numbered::Dtmf(clock)), clock))
            .collect();
        let mut audio = self.audio_line(&formats, &dtmf, self.wish, self.address.port());
        // Offered and not demanded, it is plain audio with keys: what knows nothing of
        // encryption passes over them.
        let savp = self.agreed.as_ref().is_some_and(|agreed| agreed.savp);
        let key = self.offered_key();
        if savp || matches!(self.encryption, Encryption::Required(_)) {
            audio.proto = TransportProto::RtpSavp.as_str().to_owned();
        }
        if let Some(key) = key {
            audio
                .attributes
                .extend(Crypto::offers(key).map(|crypto| crypto.write()));
        }
        self.write(audio)
    }

    /// Answers an offer from `peer` (where its signalling comes from).
    pub fn answer(&mut self, offer: &[u8], peer: IpAddr) -> Result<Vec<u8>, Unacceptable> {
        let offer = read(offer)?;
        let agreed = self.agreed.as_ref();
        let chosen = offer
            .streams
            .iter()
            .position(|stream| self.pick(stream).is_some())
            .or_else(|| {
                // A running stream may be switched off with port 0 or a list we can
                // do nothing with only by its own line.
                offer
                    .streams
                    .iter()
                    .position(|s| s.is_audio() && s.port == 0)
                    .filter(|_| agreed.is_some())
            })
            .ok_or_else(|| self.why_none(&offer.streams))?;
        let stream = &offer.streams[chosen];
        let media = match self.pick(stream) {
            Some(codec) => agree(stream, codec, self.wish, peer, agreed)?
                .under(self.chosen(stream).map(|(srtp, _)| srtp)),
            None => NegotiatedMedia {
                direction: Direction::Inactive,
                ..agreed.cloned().ok_or(Unacceptable::NoCommonCodec)?
            },
        };
        self.streams = lines(&offer.streams, chosen);
        self.learn_numbers(stream);
        let dtmf: Vec<_> = stream
            .dtmf()
            .filter(|(pt, _)| media.receive_dtmf.contains(pt))
            .collect();
        let port = if stream.port == 0 {
            0
        } else {
            self.address.port()
        };
        let formats = [(media.receive_payload_type, media.codec)];
        let mut audio = self.audio_line(&formats, &dtmf, media.direction, port);
        audio.proto.clone_from(&stream.proto);
        audio
            .attributes
            .extend(self.chosen(stream).map(|(_, crypto)| crypto.write()));
        self.agreed = Some(media);
        Ok(self.write(audio))
    }

    /// Takes the answer to our offer.
    pub fn accept(&mut self, answer: &[u8], peer: IpAddr) -> Result<(), Unacceptable> {
        let answer = read(answer)?;
        let ours = self.streams.iter().position(|l| matches!(l, Line::Audio));
        let stream = ours
            .and_then(|at| answer.streams.get(at))
            .filter(|stream| stream.is_audio())
            .ok_or(Unacceptable::NoCommonCodec)?;
        if stream.port == 0 {
            // Declined: fatal for a new stream, an end of audio for a running one.
            let agreed = self.agreed.as_mut().ok_or(Unacceptable::NoCommonCodec)?;
            agreed.direction = Direction::Inactive;
            return Ok(());
        }
        // The answerer's order is its preference (RFC 3264 §7).
        let (payload_type, codec) = stream
            .formats
            .iter()
            .find_map(|format| {
                let codec = self.codecs.iter().find(|codec| {
                    stream
                        .find(**codec)
                        .is_some_and(|(pt, _)| pt == format.payload_type)
                })?;
                Some((format.payload_type, *codec))
            })
            .ok_or(Unacceptable::NoCommonCodec)?;
        let mut media = agree(stream, codec, self.wish, peer, self.agreed.as_ref())?;
        media = media.under(self.offered_key().and_then(|key| {
            let offered = |theirs: &&Crypto| {
                Crypto::offers(key).any(|o| (o.tag, o.suite) == (theirs.tag, theirs.suite))
            };
            let theirs = stream.cryptos.iter().find(offered)?;
            Some(agreed(theirs, key))
        }));
        let needed = stream.is_secure() || matches!(self.encryption, Encryption::Required(_));
        if needed && media.srtp.is_none() {
            return Err(Unacceptable::NotEncrypted);
        }
        media.payload_type = payload_type;
        // They send with our numbers, events at the clocks they have.
        media.receive_payload_type = self.number(Numbered::Audio(codec));
        let clocks = stream.dtmf().map(|(_, clock)| Numbered::Dtmf(clock));
        media.receive_dtmf = clocks
            .filter_map(|c| self.numbers.get(&c).copied())
            .collect();
        self.agreed = Some(media);
        Ok(())
    }

    /// What an offer would come to, without committing to it.
    pub fn preview(
        codecs: &[Codec],
        offer: &[u8],
        peer: IpAddr,
    ) -> Result<NegotiatedMedia, Unacceptable> {
        let nowhere = SocketAddr::new(peer, 9);
        // Whether it must be encrypted is decided when it is known who calls whom.
        let mut trial = Negotiation::new(nowhere, codecs.to_vec(), 0)
            .encrypted(Encryption::IfAsked(SrtpKey([0; 30])));
        trial.answer(offer, peer)?;
        let agreed = trial.agreed.ok_or(Unacceptable::NoCommonCodec)?;
        Ok(NegotiatedMedia {
            srtp: None,
            ..agreed
        })
    }

    /// The key that stands in our offers, if any does.
    fn offered_key(&self) -> Option<SrtpKey> {
        let encrypted = self.agreed.as_ref().is_some_and(|agreed| agreed.encrypted);
        match self.encryption {
            Encryption::Off => None,
            Encryption::IfAsked(key) => encrypted.then_some(key),
            Encryption::Offered(key) | Encryption::Required(key) => Some(key),
        }
    }

    /// How an offered stream would be encrypted, and what we answer to that.
    fn chosen(&self, stream: &Stream) -> Option<(Srtp, Crypto)> {
        let key = self.encryption.key()?;
        let theirs = stream.cryptos.first()?;
        Some((agreed(theirs, key), Crypto { key, ..*theirs }))
    }

    /// None of the streams will do: because of the codecs, or because of encryption?
    fn why_none(&self, streams: &[Stream]) -> Unacceptable {
        let spoken = |stream: &Stream| {
            let mut codecs = self.codecs.iter();
            stream.is_usable_audio() && codecs.any(|codec| stream.find(*codec).is_some())
        };
        match self.encryption {
            Encryption::Required(_) if streams.iter().any(spoken) => Unacceptable::NotEncrypted,
            _ => Unacceptable::NoCommonCodec,
        }
    }

    /// The payload type of something: the one it has, else its customary one where that
    /// is free, else any dynamic one that is.
    fn number(&mut self, what: Numbered) -> u8 {
        if let Some(number) = self.numbers.get(&what) {
            return *number;
        }
        let customary = match what {
            Numbered::Audio(Codec::Pcmu) => 0,
            Numbered::Audio(Codec::Pcma) => 8,
            Numbered::Audio(Codec::G722) => 9,
            Numbered::Audio(Codec::Opus) => 96,
            Numbered::Dtmf(8_000) => 101,
            Numbered::Dtmf(_) => 102,
        };
        let is_free = |number: &u8| !self.numbers.values().any(|taken| taken == number);
        let number = std::iter::once(customary)
            .chain(FIRST_DYNAMIC..=LAST_DYNAMIC)
            .find(is_free)
            .unwrap_or(customary);
        self.numbers.insert(what, number);
        number
    }

    /// The peer's payload types hold for us too.
    fn learn_numbers(&mut self, stream: &Stream) {
        for format in &stream.formats {
            let what = match format.kind {
                Kind::Audio(codec, _) => Numbered::Audio(codec),
                Kind::Dtmf(clock) => Numbered::Dtmf(clock),
                Kind::Unknown => continue,
            };
            self.numbers.insert(what, format.payload_type);
        }
    }

    /// The codec for a stream: the best of ours that is in it.
    fn pick(&self, stream: &Stream) -> Option<Codec> {
        let encrypted = self.chosen(stream).is_some();
        let needed = stream.is_secure() || matches!(self.encryption, Encryption::Required(_));
        if !stream.is_usable_audio() || needed && !encrypted {
            return None;
        }
        self.codecs
            .iter()
            .copied()
            .find(|codec| stream.find(*codec).is_some())
    }

    fn audio_line(
        &self,
        formats: &[(u8, Codec)],
        dtmf: &[(u8, u32)],
        direction: Direction,
        port: u16,
    ) -> Media {
        let fmt: Vec<String> = formats
            .iter()
            .map(|(pt, _)| pt.to_string())
            .chain(dtmf.iter().map(|(pt, _)| pt.to_string()))
            .collect();
        let mut media = Media::new(
            MediaType::Audio,
            port,
            TransportProto::RtpAvp,
            fmt.join(" "),
        );
        let mut attribute = |name: &str, value: String| {
            media.attributes.push(Attribute::with_value(name, value));
        };
        for (pt, codec) in formats {
            let channels = if *codec == Codec::Opus { "/2" } else { "" };
            attribute(
                "rtpmap",
                format!("{pt} {}/{}{channels}", codec.name(), codec.rtp_clock()),
            );
            if *codec == Codec::Opus {
                attribute("fmtp", format!("{pt} useinbandfec=1"));
            }
        }
        for (pt, clock) in dtmf {
            attribute("rtpmap", format!("{pt} telephone-event/{clock}"));
            attribute("fmtp", format!("{pt} 0-15"));
        }
        attribute("ptime", OUR_PTIME_MS.to_string());
        media.attributes.push(Attribute::new(direction.name()));
        media
    }

    /// Puts the audio line among the declined ones, and counts the version up where
    /// the description is not the one sent last.
    fn write(&mut self, audio: Media) -> Vec<u8> {
        let origin = Origin::with_ip_addr(self.session_id, self.version, self.address.ip());
        let mut session = Session::new(origin, "-");
        session.connection = Some(Connection::from_ip_addr(self.address.ip()));
        session.times = vec![Time::new(0, 0)];
        session.medias = self
            .streams
            .iter()
            .map(|line| match line {
                Line::Audio => audio.clone(),
                Line::Declined { media, proto, fmt } => Media {
                    media: media.clone(),
                    proto: proto.clone(),
                    port: 0,
                    ..Media::new(MediaType::Audio, 0, TransportProto::RtpAvp, fmt)
                },
            })
            .collect();
        if self.sent.as_ref().is_some_and(|sent| *sent != session) {
            self.version += 1;
            session.origin.sess_version = self.version;
        }
        let mut bytes = Vec::new();
        session
            .write(&mut bytes)
            .expect("a vector takes everything that is written to it");
        self.sent = Some(session);
        bytes
    }
}

/// What they send is under their key, and what we send under ours.
fn agreed(theirs: &Crypto, ours: SrtpKey) -> Srtp {
    Srtp {
        suite: theirs.suite,
        ours,
        theirs: theirs.key,
    }
}

fn lines(streams: &[Stream], chosen: usize) -> Vec<Line> {
    streams
        .iter()
        .enumerate()
        .map(|(at, stream)| {
            if at == chosen {
                return Line::Audio;
            }
            Line::Declined {
                media: stream.media.clone(),
                proto: stream.proto.clone(),
                fmt: stream.fmt.clone(),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests;
