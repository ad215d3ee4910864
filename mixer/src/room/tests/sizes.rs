//! What holds in a room of any size: who speaks is heard by everybody, as clearly among two
//! thousand as among two, and whoever listens costs no encode.

use super::*;
use crate::codec::g711::{MU_LAW, mu_byte};

const HUMMER: LegKey = 0;
const NOTE: f32 = 440.0;
/// Frames until everybody's noise is known, and those that are judged.
const SETTLE: usize = 150;
const JUDGED: usize = 50;

/// What a room of so many heard of one who hums among the noise of all others.
struct Heard {
    /// Signal to noise, dB, of what the first listener hears.
    clarity: f32,
    /// Packets that listeners got, and those of them that carried just that.
    packets: usize,
    alike: usize,
    /// How loud the hummer hears himself.
    echo: f32,
    /// Encoders that the room had at the end.
    encoders: usize,
}

fn hum_among(members: u64) -> Heard {
    let start = crate::testing::an_instant();
    let mut room = Room::default();
    for key in 0..members {
        let seed = Seed {
            ssrc: key as u32,
            sequence: 0,
            timestamp: 0,
            cname: key,
        };
        let clock = WallClock {
            at: start,
            ntp: Ntp(0),
        };
        let mut leg = Box::new(Leg::new(seed, clock));
        leg.configure(setting(Codec::Pcmu, 20), start);
        room.insert(key, leg);
    }
    let mut tone = Tone::new(8_000, NOTE, 8_000.0);
    // A second of a faint noise, -60 dBov, in which each begins elsewhere.
    let hiss: Vec<u8> = crate::testing::noise(8_160, 55.0)
        .iter()
        .map(|&sample| mu_byte(sample as i16))
        .collect();
    let samples = |payload: &[u8]| -> Vec<f32> {
        let values = payload.iter().map(|&b| f32::from(MU_LAW[usize::from(b)]));
        values.collect()
    };

    let (mut first, mut own) = (Vec::new(), Vec::new());
    let (mut packets, mut alike) = (0, 0);
    for frame in 0..SETTLE + JUDGED {
        let now = start + FRAME * frame as u32;
        let hum: Vec<u8> = tone.frame_i16(160).into_iter().map(mu_byte).collect();
        for key in 0..members {
            let at = (frame * 160 + key as usize * 1_237) % 8_000;
            let said = match key {
                HUMMER => &hum[..],
                _ => &hiss[at..at + 160],
            };
            let header = Header {
                marker: false,
                payload_type: 0,
                sequence: frame as u16,
                timestamp: frame as u32 * 160,
                ssrc: 7,
            };
            let datagram = [&header.to_bytes()[..], said].concat();
            room.leg(key).unwrap().on_rtp(&datagram, now);
        }
        let mut model: Option<Vec<u8>> = None;
        room.tick(now + Duration::from_millis(3), |key, _, payload| {
            if frame < SETTLE {
                return;
            }
            if key == HUMMER {
                own.extend(samples(payload));
                return;
            }
            packets += 1;
            let model = model.get_or_insert_with(|| {
                first.extend(samples(payload));
                payload.to_vec()
            });
            alike += usize::from(*model == payload);
        });
        room.drain_events(|_, _| ());
    }
    let share = share_at(&first, 8_000, NOTE);
    let own_encoders = room.legs.iter().filter(|(_, leg)| leg.own.is_some());
    Heard {
        clarity: 10.0 * (share / (1.0 - share)).log10(),
        packets,
        alike,
        echo: power_at(&own, 8_000, NOTE).sqrt(),
        encoders: room.shared.len() + own_encoders.count(),
    }
}

#[test]
fn who_speaks_is_heard_as_clearly_by_all_whatever_the_size_and_not_by_himself() {
    for members in [2, 5, 50, 200, 400, 2_000] {
        let heard = hum_among(members);

        assert!(heard.clarity >= 35.0, "{members}: {} dB", heard.clarity);
        assert_eq!(heard.packets, (members as usize - 1) * JUDGED, "{members}");
        assert_eq!(heard.alike, heard.packets, "{members}");
        assert!(heard.echo < 5.0, "{members}: {}", heard.echo);
        // His own line, and the one that all others share.
        assert_eq!(heard.encoders, 2, "{members}");
    }
}
