//! The packets that have arrived and not been played, in order.
//!
//! Sequence numbers and timestamps are unwrapped here into numbers that never
//! wrap. A **stream** is what one sender counts without a break: a new SSRC or a
//! jump in the numbers, twice in a row, or a codec with another clock begins a new
//! one, and everything of the old is played before it. Twice, because some gateways
//! send key presses, or the last of an announcement, as another source in between.

use std::collections::VecDeque;

use crate::Codec;
use crate::rtp::Header;

/// A packet waiting to be played.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Counts the member's streams.
    pub stream: u32,
    /// Unwrapped sequence number.
    pub sequence: i64,
    /// Unwrapped timestamp, in samples at the codec's *sample* rate.
    pub time: i64,
    pub content: Content,
    pub payload: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// `samples` at the codec's sample rate.
    Audio { codec: Codec, samples: usize },
    /// Audio that nobody needs to hear, for it was found to be silence: not kept, but its
    /// arrival tells as much of the network as any.
    Quiet { codec: Codec },
    /// Comfort noise or a telephone event: it fills its place in the sequence, and nothing is heard.
    Pause,
}

impl Content {
    /// The codec of a packet whose timestamp counts audio.
    fn codec(self) -> Option<Codec> {
        match self {
            Content::Audio { codec, .. } | Content::Quiet { codec } => Some(codec),
            Content::Pause => None,
        }
    }
}

/// What became of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Insert {
    /// It waits in its place; its unwrapped time, and whether its stream is new.
    Queued {
        time: i64,
        fresh: bool,
    },
    Duplicate,
    /// It follows nothing we know: dropped, unless the next one follows it.
    Stray,
}

/// RFC 3550 A.1: how far ahead and back a number may be and still belong to the stream.
const DROPOUT: i32 = 3_000;
const MISORDER: i32 = 100;
/// A jump of the timestamps beyond this many seconds begins a new stream.
const LEAP: i64 = 10;
/// More than any cap of the delay needs; an attacker's flood stops here.
const MOST_PACKETS: usize = 64;

#[derive(Debug, Default)]
pub struct Buffer {
    packets: VecDeque<Stored>,
    spare: Vec<Vec<u8>>,
    current: Option<Stream>,
    streams: u32,
}

#[derive(Debug, Clone, Copy)]
struct Stream {
    ssrc: u32,
    id: u32,
    /// The highest sequence number so far, and the timestamp of the newest audio, unwrapped.
    sequence: i64,
    timestamp: Option<i64>,
    rates: Option<(u32, u32)>,
    /// The source and number that a second packet in a row of another stream would have.
    other: Option<(u32, u16)>,
}

impl Buffer {
    /// Takes note of a packet that need not be kept.
    pub fn pass(&mut self, header: &Header, content: Content) -> Insert {
        match self.follow(header, content) {
            Some((_, time, fresh)) => Insert::Queued { time, fresh },
            None => Insert::Stray,
        }
    }

    pub fn insert(&mut self, header: &Header, content: Content, payload: &[u8]) -> Insert {
        let Some(((stream, sequence), time, fresh)) = self.follow(header, content) else {
            return Insert::Stray;
        };
        let key = (stream, sequence);
        let at = self
            .packets
            .partition_point(|p| (p.stream, p.sequence) < key);
        if let Some(there) = self.packets.get(at)
            && (there.stream, there.sequence) == key
        {
            return Insert::Duplicate;
        }
        let mut kept = self.spare.pop().unwrap_or_default();
        kept.clear();
        if matches!(content, Content::Audio { .. }) {
            kept.extend_from_slice(payload);
        }
        self.packets.insert(
            at,
            Stored {
                stream,
                sequence,
                time,
                content,
                payload: kept,
            },
        );
        if self.packets.len() > MOST_PACKETS {
            self.discard_front();
        }
        Insert::Queued { time, fresh }
    }

    /// Goes on to this packet: its stream and sequence number, its time in samples, and whether
    /// the stream is new. `None` if it follows nothing we know.
    fn follow(&mut self, header: &Header, content: Content) -> Option<((u32, i64), i64, bool)> {
        let (sequence, timestamp, fresh) = self.place(header, content)?;
        let stream = self.current.as_mut()?;
        stream.sequence = stream.sequence.max(sequence);
        let mut time = 0;
        if let Some(codec) = content.codec() {
            stream.timestamp = Some(stream.timestamp.map_or(timestamp, |t| t.max(timestamp)));
            stream.rates = Some((codec.clock_rate(), codec.sample_rate()));
            time = timestamp * i64::from(codec.sample_rate() / codec.clock_rate());
        }
        Some(((stream.id, sequence), time, fresh))
    }

    /// Unwraps the packet's numbers: sequence, timestamp, and whether it begins a stream.
    fn place(&mut self, header: &Header, content: Content) -> Option<(i64, i64, bool)> {
        let Some(stream) = &mut self.current else {
            return Some(self.begin(header));
        };
        let ahead = i32::from(header.sequence.wrapping_sub(stream.sequence as u16) as i16);
        if stream.ssrc != header.ssrc || !(-MISORDER..DROPOUT).contains(&ahead) {
            if content == Content::Pause {
                return None;
            }
            if stream.other == Some((header.ssrc, header.sequence)) {
                return Some(self.begin(header));
            }
            stream.other = Some((header.ssrc, header.sequence.wrapping_add(1)));
            return None;
        }
        stream.other = None;

        let sequence = stream.sequence + i64::from(ahead);
        let Some(codec) = content.codec() else {
            return Some((sequence, 0, false));
        };
        let Some(newest) = stream.timestamp else {
            return Some((sequence, i64::from(header.timestamp), false));
        };
        let timestamp = newest + i64::from(header.timestamp.wrapping_sub(newest as u32) as i32);
        let other_clock = stream
            .rates
            .is_some_and(|rates| rates != (codec.clock_rate(), codec.sample_rate()));
        let back = ahead > 0 && timestamp < newest;
        let leap = timestamp - newest > LEAP * i64::from(codec.clock_rate());
        if ahead > 0 && (other_clock || back || leap) {
            return Some(self.begin(header));
        }
        if other_clock {
            return None; // a straggler from before the change
        }
        Some((sequence, timestamp, false))
    }

    fn begin(&mut self, header: &Header) -> (i64, i64, bool) {
        self.streams += 1;
        let sequence = i64::from(header.sequence);
        self.current = Some(Stream {
            ssrc: header.ssrc,
            id: self.streams,
            sequence,
            timestamp: None,
            rates: None,
            other: None,
        });
        (sequence, i64::from(header.timestamp), true)
    }

    /// Whether this is the stream that packets are expected of, and was followed by no other.
    pub fn goes_on(&self, stream: u32) -> bool {
        self.current.is_some_and(|current| current.id == stream)
    }

    pub fn front(&self) -> Option<&Stored> {
        self.packets.front()
    }

    /// The packet after the front.
    pub fn second(&self) -> Option<&Stored> {
        self.packets.get(1)
    }

    pub fn back(&self) -> Option<&Stored> {
        self.packets.back()
    }

    /// Takes the front; give its payload back with [`Buffer::recycle`].
    pub fn pop(&mut self) -> Option<Stored> {
        self.packets.pop_front()
    }

    pub fn recycle(&mut self, payload: Vec<u8>) {
        if self.spare.len() < 8 {
            self.spare.push(payload);
        }
    }

    pub fn discard_front(&mut self) {
        if let Some(packet) = self.packets.pop_front() {
            self.recycle(packet.payload);
        }
    }

    pub fn len(&self) -> usize {
        self.packets.len()
    }

    pub fn is_empty(&self) -> bool {
        self.packets.is_empty()
    }

    pub fn clear(&mut self) {
        while !self.packets.is_empty() {
            self.discard_front();
        }
    }

    /// Gives back its memory; the stream is known on.
    pub fn rest(&mut self) {
        self.packets = VecDeque::new();
        self.spare = Vec::new();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const AUDIO: Content = Content::Audio {
        codec: Codec::Pcmu,
        samples: 160,
    };

    fn head(ssrc: u32, sequence: u16, timestamp: u32) -> Header {
        Header {
            marker: false,
            payload_type: 0,
            sequence,
            timestamp,
            ssrc,
        }
    }

    fn played(buffer: &mut Buffer) -> Vec<(u32, i64, i64)> {
        std::iter::from_fn(|| buffer.pop())
            .map(|p| (p.stream, p.sequence, p.time))
            .collect()
    }

    #[test]
    fn packets_come_out_in_order_across_the_wrap_and_once() {
        let mut buffer = Buffer::default();
        for (sequence, timestamp) in [
            (65_534, u32::MAX - 319),
            (0, 0),
            (65_535, u32::MAX - 159),
            (0, 0),
        ] {
            buffer.insert(&head(1, sequence, timestamp), AUDIO, &[0; 160]);
        }

        let base = i64::from(u32::MAX) - 319;
        assert_eq!(
            played(&mut buffer),
            [
                (1, 65_534, base),
                (1, 65_535, base + 160),
                (1, 65_536, base + 320)
            ]
        );
    }

    #[test]
    fn a_new_source_is_played_after_the_old() {
        let mut buffer = Buffer::default();
        buffer.insert(&head(1, 500, 80_000), AUDIO, &[0]);
        assert_eq!(buffer.insert(&head(2, 2, 0), AUDIO, &[0]), Insert::Stray);
        let new = buffer.insert(&head(2, 3, 7), AUDIO, &[0]);

        assert_eq!(
            new,
            Insert::Queued {
                time: 7,
                fresh: true
            }
        );
        assert_eq!(played(&mut buffer), [(1, 500, 80_000), (2, 3, 7)]);
    }

    #[test]
    fn a_source_in_between_does_not_disturb() {
        let mut buffer = Buffer::default();
        for i in 0..10 {
            buffer.insert(&head(1, i, u32::from(i) * 160), AUDIO, &[0]);
            buffer.insert(&head(2, 70 + i, 9), Content::Pause, &[]);
            buffer.insert(&head(3, 700 + i, 99), AUDIO, &[0]);
        }

        let played = played(&mut buffer);
        assert_eq!(played.len(), 10);
        assert!(played.iter().all(|&(stream, _, _)| stream == 1));
    }

    #[test]
    fn one_stray_number_is_dropped_and_two_in_a_row_are_a_restart() {
        let mut buffer = Buffer::default();
        buffer.insert(&head(1, 10, 0), AUDIO, &[0]);

        assert_eq!(
            buffer.insert(&head(1, 40_000, 5), AUDIO, &[0]),
            Insert::Stray
        );
        assert_eq!(
            buffer.insert(&head(1, 40_001, 165), AUDIO, &[0]),
            Insert::Queued {
                time: 165,
                fresh: true
            }
        );
    }

    #[test]
    fn a_codec_with_another_clock_begins_a_new_stream() {
        let opus = Content::Audio {
            codec: Codec::Opus,
            samples: 960,
        };
        let mut buffer = Buffer::default();
        buffer.insert(&head(1, 10, 160), AUDIO, &[0]);
        let change = buffer.insert(&head(1, 11, 320), opus, &[0]);

        assert_eq!(
            change,
            Insert::Queued {
                time: 320,
                fresh: true
            }
        );
    }

    proptest! {
        #[test]
        fn whatever_comes_the_order_holds_and_memory_is_bounded(
            packets in prop::collection::vec((0u32..3, any::<u16>(), any::<u32>(), any::<bool>()), 0..300),
        ) {
            let mut buffer = Buffer::default();
            for (ssrc, sequence, timestamp, pause) in packets {
                let content = if pause { Content::Pause } else { AUDIO };
                buffer.insert(&head(ssrc, sequence, timestamp), content, &[0; 20]);
                prop_assert!(buffer.len() <= MOST_PACKETS);
            }
            let order: Vec<_> = played(&mut buffer).iter().map(|p| (p.0, p.1)).collect();
            prop_assert!(order.windows(2).all(|w| w[0] < w[1]));
        }
    }
}
