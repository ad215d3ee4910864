//! The jitter buffer beside a model of it: whatever one sender's packets go through on their
//! way, they come out once each and in order, and each at the time its sender gave it.

use std::collections::BTreeMap;

use mixer::Codec;
use mixer::receive::buffer::{Buffer, Content, Insert};
use mixer::rtp::Header;
use proptest::prelude::*;

const SAMPLES: u32 = 160;

/// What happens next.
#[derive(Debug, Clone)]
enum Step {
    /// The packet of this place after the last one played arrives, perhaps once more.
    Arrive(u8),
    /// The front is played.
    Play,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![3 => (0u8..40).prop_map(Step::Arrive), 2 => Just(Step::Play)]
}

/// The packet of this number, of a stream that begins at these.
fn packet(number: u32, sequence: u16, timestamp: u32) -> (Header, [u8; 2]) {
    let header = Header {
        marker: false,
        payload_type: 0,
        sequence: sequence.wrapping_add(number as u16),
        timestamp: timestamp.wrapping_add(number * SAMPLES),
        ssrc: 7,
    };
    (header, (number as u16).to_be_bytes())
}

proptest! {
    #[test]
    fn packets_come_out_as_from_a_sorted_list(
        sequence: u16,
        timestamp: u32,
        steps in prop::collection::vec(step(), 1..400),
    ) {
        let content = Content::Audio { codec: Codec::Pcmu, samples: SAMPLES as usize };
        let mut buffer = Buffer::default();
        let mut model: BTreeMap<u32, [u8; 2]> = BTreeMap::new();
        // The first packet says where its stream is; those before it are not in the trial.
        let mut next = 0;
        let mut begun = false;
        let mut times = None;
        for step in steps {
            match step {
                Step::Arrive(ahead) => {
                    let number = if begun { next + u32::from(ahead) } else { 0 };
                    begun = true;
                    let (header, payload) = packet(number, sequence, timestamp);
                    let inserted = buffer.insert(&header, content, &payload);
                    let twice = model.insert(number, payload).is_some();
                    match inserted {
                        Insert::Duplicate => prop_assert!(twice),
                        Insert::Queued { time, .. } => {
                            prop_assert!(!twice);
                            let origin = time - i64::from(number * SAMPLES);
                            prop_assert_eq!(*times.get_or_insert(origin), origin);
                        }
                        Insert::Stray => prop_assert!(false, "{} of the same stream", number),
                    }
                }
                Step::Play => {
                    let expected = model.pop_first();
                    let played = buffer.pop();
                    let payload = played.as_ref().map(|packet| packet.payload.clone());
                    prop_assert_eq!(payload, expected.map(|(_, payload)| payload.to_vec()));
                    if let (Some(packet), Some((number, _))) = (played, expected) {
                        // What is older than this now comes too late and is not tried again.
                        next = number + 1;
                        buffer.recycle(packet.payload);
                    }
                }
            }
            prop_assert_eq!(buffer.len(), model.len());
        }
    }
}
