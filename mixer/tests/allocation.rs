//! A tick allocates nothing, and who only listens takes little memory: shown by counting.
#![expect(unsafe_code, reason = "a global allocator is unsafe by definition")]
#![expect(
    clippy::disallowed_methods,
    reason = "virtual time begins at some instant"
)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mixer::codec::{Codec, Encoder};
use mixer::rtp::Header;
use mixer::{FRAME, Format, Leg, LegKey, Ntp, Room, Seed, Setting, Sound, WallClock};

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
    /// Bytes that are allocated now.
    static LIVE: Cell<isize> = const { Cell::new(0) };
}

// SAFETY: every call is passed on unchanged to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        LIVE.with(|live| live.set(live.get() + layout.size() as isize));
        // SAFETY: as the caller promised us.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        LIVE.with(|live| live.set(live.get() - layout.size() as isize));
        // SAFETY: as the caller promised us.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const CODECS: [Codec; 4] = [Codec::Pcmu, Codec::Pcma, Codec::G722, Codec::Opus];
const MEMBERS: usize = 40;
const FRAMES: usize = 300;

#[test]
fn receiving_and_ticking_allocate_nothing_once_a_room_has_settled() {
    for suppresses in [false, true] {
        settle(suppresses);
    }
}

fn settle(suppresses: bool) {
    let start = Instant::now();
    let mut room = room_of(MEMBERS, &CODECS, start);
    room.suppress_noise(suppresses);
    let streams = CODECS.map(|codec| [datagrams(codec, 6_000.0), datagrams(codec, 60.0)]);
    // Somebody is so loud that he must be limited, and one of each codec hears louder than others.
    room.leg(0).unwrap().set_gain(20.0);
    for key in 8..12 {
        room.leg(key).unwrap().set_volume(12.0);
    }

    let mut before = 0;
    let mut sent = 0;
    for frame in 0..FRAMES {
        if frame == FRAMES / 2 {
            before = ALLOCATIONS.with(Cell::get);
        }
        let now = start + FRAME * frame as u32;
        for key in 0..MEMBERS {
            let [voice, noise] = &streams[key % 4];
            // One of each codec speaks all the time; some packets of all are lost.
            let stream = if key < 4 { voice } else { noise };
            if (frame + key) % 17 != 0 {
                room.leg(key as LegKey).unwrap().on_rtp(&stream[frame], now);
            }
        }
        room.tick(now + Duration::from_millis(3), |_, _, _| sent += 1);
        room.drain_events(|_, _| ());
    }
    let allocations = ALLOCATIONS.with(Cell::get) - before;

    assert_eq!(sent, MEMBERS * FRAMES);
    assert_eq!(allocations, 0, "in {} ticks", FRAMES / 2);
}

/// What is kept for one who has spoken and now only listens, without his sockets.
const LISTENER: isize = 8 * 1024;

#[test]
fn who_only_listens_takes_little_memory_though_he_has_spoken() {
    const LISTENERS: usize = 100;
    /// He is taken for a listener after 5 s.
    const SETTLED: usize = FRAMES - 5;
    for codec in CODECS {
        let (voice, noise) = (datagrams(codec, 6_000.0), datagrams(codec, 20.0));
        let start = Instant::now();
        let before = LIVE.with(Cell::get);
        let mut room = room_of(LISTENERS, &[codec], start);
        // What that takes is given back too, and what it takes to greet him.
        room.suppress_noise(true);
        let greeting = Arc::new(Sound::from_samples(vec![100; 16_000]));
        for key in 0..LISTENERS {
            room.leg(key as LegKey)
                .unwrap()
                .play(vec![greeting.clone()], 0);
        }
        for frame in 0..SETTLED {
            let now = start + FRAME * frame as u32;
            let stream = if frame < 20 { &voice } else { &noise };
            for key in 0..LISTENERS {
                room.leg(key as LegKey).unwrap().on_rtp(&stream[frame], now);
            }
            room.tick(now + Duration::from_millis(3), |_, _, _| ());
            room.drain_events(|_, _| ());
        }
        let each = (LIVE.with(Cell::get) - before) / LISTENERS as isize;

        assert!(each <= LISTENER, "{codec:?}: {each} bytes");
    }
}

fn room_of(members: usize, codecs: &[Codec], start: Instant) -> Room {
    let mut room = Room::default();
    for key in 0..members {
        let codec = codecs[key % codecs.len()];
        let seed = Seed {
            ssrc: key as u32,
            sequence: 0,
            timestamp: 0,
            cname: 0,
        };
        let clock = WallClock {
            at: start,
            ntp: Ntp(0),
        };
        let mut leg = Box::new(Leg::new(seed, clock));
        let setting = Setting {
            format: Format::new(codec, 20),
            payload_type: payload_type(codec),
            digits: Some(101),
            level: None,
            inband_digits: false,
            sends: true,
            receives: true,
        };
        leg.configure(setting, start);
        room.insert(key as LegKey, leg);
    }
    room
}

fn datagrams(codec: Codec, amplitude: f64) -> Vec<Vec<u8>> {
    let samples = codec.sample_rate() as usize / 50;
    let mut encoder = Encoder::new(codec).unwrap();
    (0..FRAMES)
        .map(|frame| {
            let audio: Vec<i16> = (0..samples)
                .map(|i| {
                    let t = (frame * samples + i) as f64 / f64::from(codec.sample_rate());
                    // Three syllables a second, so that it is taken for speech.
                    let pause = amplitude > 1_000.0 && t % 0.3 > 0.2;
                    let loudness = if pause { amplitude / 30.0 } else { amplitude };
                    (loudness * (t * 2_500.0).sin()) as i16
                })
                .collect();
            let mut payload = Vec::new();
            encoder.encode(&audio, &mut payload);
            let header = Header {
                marker: false,
                payload_type: payload_type(codec),
                sequence: frame as u16,
                timestamp: frame as u32 * codec.clock_rate() / 50,
                ssrc: 1,
            };
            [&header.to_bytes()[..], &payload].concat()
        })
        .collect()
}

fn payload_type(codec: Codec) -> u8 {
    codec.static_payload_type().unwrap_or(111)
}
