//! The audio of one call: a socket, what the line says, what it hears.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use mixer::Codec;
use sip::NegotiatedMedia;
use tokio::{
    net::UdpSocket,
    sync::mpsc,
    time::{Interval, MissedTickBehavior, interval},
};

use crate::{
    ear::{Ear, Heard},
    line::CallKey,
    rtp,
};

const FRAME: Duration = Duration::from_millis(20);
/// A key is held for so many frames, then its end is told three times (RFC 4733 §2.5.1.4).
const KEY_FRAMES: u16 = 7;
const KEY_ENDS: u16 = 3;
/// Packets before the next key may begin.
const KEY_PAUSE: u16 = 4;

/// What a stream is told.
enum Order {
    /// Offer and answer agreed on this; `speech` is at the codec's rate.
    Agreed {
        media: Box<NegotiatedMedia>,
        speech: Arc<[i16]>,
    },
    Speak,
    Press(rtp::Key),
}

/// The handle. The audio ends when it is dropped.
pub struct Stream {
    orders: mpsc::UnboundedSender<Order>,
    pub local: SocketAddr,
}

impl Stream {
    /// Opens a port on `ip` and starts listening. What is heard goes to `heard`.
    pub fn open(
        ip: IpAddr,
        call: CallKey,
        heard: mpsc::UnboundedSender<(CallKey, Heard)>,
    ) -> io::Result<Self> {
        let socket = std::net::UdpSocket::bind((ip, 0))?;
        socket.set_nonblocking(true)?;
        let local = socket.local_addr()?;
        let socket = UdpSocket::from_std(socket)?;
        let (orders, inbox) = mpsc::unbounded_channel();
        tokio::spawn(run(socket, call, inbox, heard));
        Ok(Self { orders, local })
    }

    pub fn agreed(&self, media: NegotiatedMedia, speech: Arc<[i16]>) {
        self.order(Order::Agreed {
            media: Box::new(media),
            speech,
        });
    }

    pub fn speak(&self) {
        self.order(Order::Speak);
    }

    pub fn press(&self, key: rtp::Key) {
        self.order(Order::Press(key));
    }

    fn order(&self, order: Order) {
        // The task ends only when this handle is dropped.
        _ = self.orders.send(order);
    }
}

/// The codec in the mixer's words.
pub fn codec(codec: sip::Codec) -> Codec {
    match codec {
        sip::Codec::Opus => Codec::Opus,
        sip::Codec::G722 => Codec::G722,
        sip::Codec::Pcmu => Codec::Pcmu,
        sip::Codec::Pcma => Codec::Pcma,
    }
}

async fn run(
    socket: UdpSocket,
    call: CallKey,
    mut orders: mpsc::UnboundedReceiver<Order>,
    heard: mpsc::UnboundedSender<(CallKey, Heard)>,
) {
    let mut ticker: Interval = interval(FRAME);
    ticker.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut mouth = Mouth::new(socket.local_addr().map_or(0, |at| u32::from(at.port())));
    let mut ears: Option<Listening> = None;
    let mut packet = [0; 2_048];
    loop {
        tokio::select! {
            order = orders.recv() => match order {
                Some(Order::Agreed { media, speech }) => {
                    ears = Listening::to(&media);
                    mouth.agree(*media, speech);
                }
                Some(Order::Speak) => mouth.speaking = true,
                Some(Order::Press(key)) => mouth.keys.push(key),
                None => return,
            },
            _ = ticker.tick() => {
                if let Some((to, bytes)) = mouth.frame() {
                    // A peer that has closed its port is told so by signalling.
                    _ = socket.try_send_to(&bytes, to);
                }
            }
            received = socket.recv_from(&mut packet) => {
                let (Ok((length, _)), Some(ears)) = (received, &mut ears) else {
                    continue;
                };
                for piece in ears.hear(&packet[..length]) {
                    if heard.send((call, piece)).is_err() {
                        return;
                    }
                }
            }
        }
    }
}

/// The receiving half.
struct Listening {
    payload_types: [u8; 2],
    decoder: mixer::codec::Decoder,
    ear: Ear,
    /// The stream's SSRC and the number heard last.
    last: Option<(u32, u16)>,
}

impl Listening {
    fn to(media: &NegotiatedMedia) -> Option<Self> {
        let codec = codec(media.codec);
        Some(Self {
            payload_types: [media.receive_payload_type, media.payload_type],
            decoder: mixer::codec::Decoder::new(codec)?,
            ear: Ear::new(codec.sample_rate()),
            last: None,
        })
    }

    /// Decodes in the order of arrival; what comes late or twice is dropped. A stream with
    /// another SSRC is another one, and numbered anew (RFC 3550 §8.2).
    fn hear(&mut self, bytes: &[u8]) -> Vec<Heard> {
        let Some(packet) = rtp::parse(bytes) else {
            return Vec::new();
        };
        let fresh = self.last.is_none_or(|(ssrc, last)| {
            ssrc != packet.ssrc || (1..0x8000).contains(&packet.sequence.wrapping_sub(last))
        });
        if !fresh || !self.payload_types.contains(&packet.payload_type) {
            return Vec::new();
        }
        self.last = Some((packet.ssrc, packet.sequence));
        let mut samples = Vec::new();
        match self.decoder.decode(packet.payload, &mut samples) {
            Ok(()) => self.ear.hear(&samples),
            Err(_) => Vec::new(),
        }
    }
}

/// The sending half: one packet every [`FRAME`].
struct Mouth {
    sender: rtp::Sender,
    line: Option<Agreement>,
    speaking: bool,
    keys: Vec<rtp::Key>,
    pressing: Option<Pressing>,
}

struct Agreement {
    media: NegotiatedMedia,
    encoder: mixer::codec::Encoder,
    speech: Arc<[i16]>,
    at: usize,
    payload: Vec<u8>,
    first: bool,
}

struct Pressing {
    key: rtp::Key,
    began: u32,
    frames: u16,
}

impl Mouth {
    fn new(seed: u32) -> Self {
        Self {
            sender: rtp::Sender::new(seed),
            line: None,
            speaking: false,
            keys: Vec::new(),
            pressing: None,
        }
    }

    fn agree(&mut self, media: NegotiatedMedia, speech: Arc<[i16]>) {
        self.line = mixer::codec::Encoder::new(codec(media.codec)).map(|encoder| Agreement {
            media,
            encoder,
            speech,
            at: 0,
            payload: Vec::new(),
            first: true,
        });
    }

    /// The next packet and where it goes; `None` while there is nothing to send.
    fn frame(&mut self) -> Option<(SocketAddr, Vec<u8>)> {
        let line = self.line.as_mut()?;
        let to = line.media.remote;
        let ticks = line.media.codec.rtp_clock() / 50;
        let samples = codec(line.media.codec).sample_rate() as usize / 50;
        // Speech goes on in its circle whether it is heard or not.
        let at = line.at;
        line.at = (line.at + samples) % line.speech.len().max(1);

        if self.pressing.is_none() && !self.keys.is_empty() {
            self.pressing = Some(Pressing {
                key: self.keys.remove(0),
                began: self.sender.timestamp(),
                frames: 0,
            });
        }
        if let (Some(pressing), Some(dtmf)) = (&mut self.pressing, line.media.dtmf) {
            let frames = pressing.frames;
            pressing.frames += 1;
            let (key, began) = (pressing.key, pressing.began);
            if pressing.frames == KEY_FRAMES + KEY_ENDS + KEY_PAUSE {
                self.pressing = None;
            }
            let held = u32::from(frames.min(KEY_FRAMES)) * ticks;
            let held = u16::try_from(held).unwrap_or(u16::MAX);
            let packet = (frames < KEY_FRAMES + KEY_ENDS).then(|| {
                self.sender
                    .event(dtmf, key, began, held, frames >= KEY_FRAMES)
            });
            self.sender.skip(ticks);
            return packet.map(|packet| (to, packet));
        }
        if !line.media.direction.sends() {
            self.sender.skip(ticks);
            return None;
        }
        let frame: Vec<i16> = if self.speaking && !line.speech.is_empty() {
            line.speech
                .iter()
                .cycle()
                .skip(at)
                .take(samples)
                .copied()
                .collect()
        } else {
            vec![0; samples]
        };
        line.encoder.encode(&frame, &mut line.payload);
        let first = std::mem::take(&mut line.first);
        let packet = self
            .sender
            .audio(line.media.payload_type, first, &line.payload, ticks);
        Some((to, packet))
    }
}
