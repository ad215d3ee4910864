//! Key presses as RTP events (RFC 4733), both ways.
//!
//! A key press is many packets with one timestamp and a growing duration, the
//! last ones with the end bit and repeated three times. Any of them may be lost:
//! the press is reported on the first packet that arrives of it, whichever that
//! is, and never again for the same timestamp.

pub mod inband;

/// The keys of RFC 4733 §3.2, in the order of their event codes.
const KEYS: [char; 16] = [
    '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '*', '#', 'A', 'B', 'C', 'D',
];
/// -10 dBm0, the level most phones send.
const VOLUME: u8 = 10;
/// How often the last packet is sent (RFC 4733 §2.5.1.4).
const REPEATS: u8 = 3;
/// How long a key press of ours lasts, in frames of 20 ms.
const PRESS_FRAMES: u16 = 5;
/// The least pause between two of them, in frames.
const PAUSE_FRAMES: u16 = 3;

/// Finds key presses in the telephone-event packets of one stream.
#[derive(Debug, Default)]
pub struct Receiver {
    /// Stream and timestamp of the press reported last.
    last: Option<(u32, u32)>,
}

impl Receiver {
    /// The key, if this packet is the first heard of a new press.
    pub fn on_packet(&mut self, ssrc: u32, timestamp: u32, payload: &[u8]) -> Option<char> {
        let &[event, _flags, _, _, ..] = payload else {
            return None;
        };
        let &key = KEYS.get(usize::from(event))?;
        if let Some((last_ssrc, last)) = self.last
            && last_ssrc == ssrc
            // An older timestamp is a late packet of a press that was reported.
            && timestamp.wrapping_sub(last) as i32 <= 0
        {
            return None;
        }
        self.last = Some((ssrc, timestamp));
        Some(key)
    }
}

/// Sends key presses, one after the other, in the place of audio.
#[derive(Debug, Default)]
pub struct Sender {
    waiting: std::collections::VecDeque<u8>,
    state: State,
}

#[derive(Debug, Default, Clone, Copy)]
enum State {
    #[default]
    Idle,
    Pressing {
        event: u8,
        started: u32,
        frames: u16,
        repeats: u8,
    },
    Pausing {
        frames: u16,
    },
}

/// One telephone-event packet to send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventPacket {
    /// Set on the first of a press.
    pub marker: bool,
    /// The instant the key went down: the same for the whole press.
    pub timestamp: u32,
    pub payload: [u8; 4],
}

impl Sender {
    /// Queues a key press; false if there is no such key.
    pub fn press(&mut self, key: char) -> bool {
        let key = key.to_ascii_uppercase();
        let Some(event) = KEYS.iter().position(|&k| k == key) else {
            return false;
        };
        self.waiting.push_back(event as u8);
        true
    }

    /// What to send in this frame. `now` is the audio's timestamp, `frame` its length in the same clock.
    pub fn tick(&mut self, now: u32, frame: u16) -> Option<EventPacket> {
        match self.state {
            State::Idle => {
                let event = self.waiting.pop_front()?;
                self.state = State::Pressing {
                    event,
                    started: now,
                    frames: 1,
                    repeats: 0,
                };
                Some(packet(event, now, frame, true, false))
            }
            State::Pressing {
                event,
                started,
                frames,
                repeats,
            } => {
                let ending = frames >= PRESS_FRAMES;
                let frames = if ending { frames } else { frames + 1 };
                self.state = if ending && repeats + 1 == REPEATS {
                    State::Pausing {
                        frames: PAUSE_FRAMES,
                    }
                } else {
                    State::Pressing {
                        event,
                        started,
                        frames,
                        repeats: repeats + u8::from(ending),
                    }
                };
                Some(packet(event, started, frames * frame, false, ending))
            }
            State::Pausing { frames: 0 } => {
                self.state = State::Idle;
                None
            }
            State::Pausing { frames } => {
                self.state = State::Pausing { frames: frames - 1 };
                None
            }
        }
    }
}

fn packet(event: u8, timestamp: u32, duration: u16, marker: bool, end: bool) -> EventPacket {
    let [high, low] = duration.to_be_bytes();
    EventPacket {
        marker,
        timestamp,
        payload: [event, u8::from(end) << 7 | VOLUME, high, low],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// All packets of one press of ours.
    fn press(key: char) -> Vec<EventPacket> {
        let mut sender = Sender::default();
        assert!(sender.press(key));
        (0..20)
            .filter_map(|frame| sender.tick(8_000 + frame * 160, 160))
            .collect()
    }

    fn heard(packets: &[EventPacket]) -> String {
        let mut receiver = Receiver::default();
        packets
            .iter()
            .filter_map(|p| receiver.on_packet(1, p.timestamp, &p.payload))
            .collect()
    }

    #[test]
    fn a_press_is_heard_once_whatever_part_of_it_is_lost() {
        let sent = press('#');

        for first in 0..sent.len() {
            for last in first..sent.len() {
                assert_eq!(heard(&sent[first..=last]), "#", "{first}..={last}");
            }
        }
    }

    #[test]
    fn the_same_key_twice_is_two_presses() {
        let mut sender = Sender::default();
        sender.press('5');
        sender.press('5');
        let sent: Vec<_> = (0..40)
            .filter_map(|frame| sender.tick(frame * 160, 160))
            .collect();

        assert_eq!(heard(&sent), "55");
    }

    #[test]
    fn a_late_packet_of_an_earlier_press_is_not_a_new_one() {
        let mut receiver = Receiver::default();

        assert_eq!(receiver.on_packet(1, 1_000, &[1, 0, 0, 160]), Some('1'));
        assert_eq!(receiver.on_packet(1, 5_000, &[2, 0, 0, 160]), Some('2'));
        assert_eq!(receiver.on_packet(1, 1_000, &[1, 0x80, 3, 32]), None);
    }

    #[test]
    fn a_press_ends_with_three_equal_packets() {
        let sent = press('1');

        let [.., a, b, c] = &sent[..] else {
            panic!("a press of {} packets", sent.len())
        };
        assert!(a == b && b == c && a.payload[1] & 0x80 != 0);
        assert_eq!(sent.iter().filter(|p| p.marker).count(), 1);
        assert_eq!(sent.iter().filter(|p| p.payload[1] & 0x80 != 0).count(), 3);
    }

    #[test]
    fn what_is_no_key_is_ignored() {
        let mut receiver = Receiver::default();

        assert_eq!(receiver.on_packet(1, 0, &[16, 0, 0, 0]), None);
        assert_eq!(receiver.on_packet(1, 0, &[1, 0]), None);
        assert!(!Sender::default().press('x'));
    }

    proptest! {
        /// Of each press something arrives, some of it twice, in order.
        #[test]
        fn presses_are_heard_once_each_whatever_is_lost_or_comes_twice(
            keys in "[0-9*#A-D]{1,6}",
            network in prop::collection::vec((any::<bool>(), any::<bool>()), 200),
        ) {
            let mut sender = Sender::default();
            for key in keys.chars() {
                sender.press(key);
            }
            let sent: Vec<_> = (0..200).filter_map(|frame| sender.tick(frame * 160, 160)).collect();
            let mut arrived = Vec::new();
            let mut last = None;
            for (packet, (lost, twice)) in sent.iter().zip(network) {
                let first = last != Some(packet.timestamp);
                if lost && !first {
                    continue;
                }
                last = Some(packet.timestamp);
                arrived.push(*packet);
                if twice {
                    arrived.push(*packet);
                }
            }
            prop_assert_eq!(heard(&arrived), keys);
        }

        #[test]
        fn no_event_panics_and_only_keys_are_heard(
            packets in prop::collection::vec(
                (any::<u32>(), any::<u32>(), prop::collection::vec(any::<u8>(), 0..8)), 0..50,
            ),
        ) {
            let mut receiver = Receiver::default();
            for (ssrc, timestamp, payload) in packets {
                if let Some(key) = receiver.on_packet(ssrc, timestamp, &payload) {
                    prop_assert!("0123456789*#ABCD".contains(key));
                }
            }
        }
    }
}
