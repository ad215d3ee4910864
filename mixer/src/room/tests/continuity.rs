//! Whatever else happens, who hums is heard without a click, a gap or a repeat.

use super::tap::{TAPPED_FRAME, TAPPED_RATE};
use super::*;
use crate::codec::g711::{MU_LAW, mu_byte};

const HUMMER: LegKey = 1;
const LISTENER: LegKey = 2;
const NOTE: f32 = 440.0;

/// Someone who hums without end, and a listener who judges each tenth of a second.
struct Hum {
    room: Room,
    start: Instant,
    tone: Tone,
    ppm: f64,
    sent: u32,
    due: f64,
    heard: Vec<f32>,
    packets: u64,
    last: Option<u16>,
    /// The least share of the note in any tenth of a second.
    worst: f32,
    seconds_judged: f64,
    /// What was written down of the room since it was tapped, of the mix and of the hummer's track.
    mix: Vec<f32>,
    track: Vec<f32>,
}

impl Hum {
    fn new(ppm: f64) -> Self {
        let start = crate::testing::an_instant();
        let mut hum = Self {
            room: Room::default(),
            start,
            tone: Tone::new(8_000, NOTE, 8_000.0),
            ppm,
            sent: 0,
            due: 13.0,
            heard: Vec::new(),
            packets: 0,
            last: None,
            worst: 1.0,
            seconds_judged: 0.0,
            mix: Vec::new(),
            track: Vec::new(),
        };
        hum.join(HUMMER);
        hum.join(LISTENER);
        hum
    }

    fn at(&self, ms: f64) -> Instant {
        self.start + Duration::from_secs_f64(ms / 1_000.0)
    }

    fn join(&mut self, key: LegKey) {
        let seed = Seed {
            ssrc: key as u32,
            sequence: 0,
            timestamp: 0,
            cname: key,
        };
        let clock = WallClock {
            at: self.start,
            ntp: Ntp(0),
        };
        let mut leg = Box::new(Leg::new(seed, clock));
        leg.configure(setting(Codec::Pcmu, 20), self.at(self.due));
        self.room.insert(key, leg);
    }

    /// One tick of the room, at its own time.
    fn tick(&mut self) {
        loop {
            let leaves = f64::from(self.sent) * 20.0 * (1.0 - self.ppm / 1e6);
            if leaves > self.due {
                break;
            }
            let header = Header {
                marker: false,
                payload_type: 0,
                sequence: self.sent as u16,
                timestamp: self.sent.wrapping_mul(160),
                ssrc: 7,
            };
            let hummed = self.tone.frame_i16(160).into_iter().map(mu_byte);
            let datagram: Vec<u8> = header.to_bytes().into_iter().chain(hummed).collect();
            let at = self.at(leaves);
            self.room.leg(HUMMER).unwrap().on_rtp(&datagram, at);
            self.sent += 1;
        }
        let now = self.at(self.due);
        let (heard, packets, last) = (&mut self.heard, &mut self.packets, &mut self.last);
        self.room.tick(now, |key, header, payload| {
            if key != LISTENER {
                return;
            }
            let sequence = u16::from_be_bytes([header[2], header[3]]);
            assert!(last.is_none_or(|last| sequence == last.wrapping_add(1)));
            *last = Some(sequence);
            *packets += 1;
            heard.extend(payload.iter().map(|&b| f32::from(MU_LAW[usize::from(b)])));
        });
        let (mix, track) = (&mut self.mix, &mut self.track);
        self.room.tapped(|who, samples| match who {
            None => mix.extend_from_slice(samples),
            Some(HUMMER) => track.extend_from_slice(samples),
            Some(_) => {}
        });
        self.room.drain_events(|_, _| ());
        self.due += self.room.pace().as_secs_f64() * 1_000.0;
        while self.heard.len() >= 800 {
            if self.due > 2_000.0 {
                let share = share_at(&self.heard[..800], 8_000, NOTE);
                self.worst = self.worst.min(share);
                self.seconds_judged += 0.1;
            }
            self.heard.drain(..800);
        }
    }
}

/// Frames from the beginning of one recording to that of the next, and how many are recorded.
const TAPE: u64 = 700;
const TAPED: u64 = 450;

#[test]
fn ten_minutes_while_two_hundred_come_and_go_a_second_and_prompts_and_recordings_too() {
    let mut hum = Hum::new(0.0);
    let mut tapes = 0;
    let prompt = Arc::new(Sound::from_samples(
        (0..8_000)
            .map(|i| (i % 40 * 200) as i16)
            .collect::<Vec<_>>(),
    ));
    let mut noise = 1u32;
    // Four a frame, who stay for half a second.
    for frame in 0..30_000u64 {
        for nth in 0..4 {
            let key = 100 + frame * 4 + nth;
            hum.join(key);
            if nth == 0 {
                hum.room.leg(key).unwrap().play(vec![prompt.clone()], key);
            }
            if nth == 1 {
                hum.room.leg(key).unwrap().set_muted(true);
            }
            if let Some(old) = key.checked_sub(100).filter(|old| *old >= 100) {
                hum.room.remove(old);
            }
        }
        // Those who have just come send the noise of their rooms.
        for key in 100 + frame * 4..104 + frame * 4 {
            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let header = Header {
                marker: true,
                payload_type: 0,
                sequence: 1,
                timestamp: 1,
                ssrc: key as u32,
            };
            let payload = [0xff ^ (noise >> 29) as u8; 160];
            let datagram = [&header.to_bytes()[..], &payload].concat();
            let now = hum.at(hum.due);
            hum.room.leg(key).unwrap().on_rtp(&datagram, now);
        }
        match frame % TAPE {
            100 => hum.room.set_tapped(true),
            at if at == 100 + TAPED => {
                hum.room.set_tapped(false);
                for written in [&mut hum.mix, &mut hum.track] {
                    assert_eq!(written.len() as u64, TAPED * TAPPED_FRAME as u64);
                    // What goes into the resampler first comes out after its first samples.
                    let share = share_at(&written[TAPPED_FRAME..], TAPPED_RATE, NOTE);
                    assert!(share > 0.999, "{share} from frame {frame}");
                    written.clear();
                }
                tapes += 1;
            }
            _ => {}
        }
        hum.tick();
    }

    assert!(tapes > 40);
    assert_eq!(hum.packets, 30_000);
    assert!(hum.seconds_judged > 590.0);
    assert!(hum.worst > 0.999, "{}", hum.worst);
}

#[test]
fn an_hour_from_a_clock_that_drifts() {
    for ppm in [-200.0, 200.0] {
        let mut hum = Hum::new(ppm);
        let mut longest = 0.0_f64;
        for _ in 0..180_000 {
            hum.tick();
            let playout = hum.room.leg(HUMMER).unwrap().playout().unwrap();
            if hum.due > 5_000.0 {
                longest = longest.max(playout.delay_ms());
            }
        }

        let playout = hum.room.leg(HUMMER).unwrap().playout().unwrap();
        assert!(hum.worst > 0.99, "{ppm} ppm: {}", hum.worst);
        assert!(longest < 50.0, "{ppm} ppm: {longest} ms");
        assert!(
            playout.counters().concealed <= 2,
            "{ppm} ppm: {:?}",
            playout.counters()
        );
    }
}
