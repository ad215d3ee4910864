//! A room: everybody hears all the others, 20 ms at a time.
//!
//! One tick in four steps:
//!
//! 1. **Listen**: every leg gives its frame, decoded at its own rate.
//! 2. **Choose**: the loudest few are mixed; a hundred open microphones are
//!    a hundred fans. In a room of a few, everyone who is not silent is heard. Each is made about as
//!    loud as the others, and as much louder as somebody wished.
//! 3. **Sum** in 32-bit floats, where 16-bit samples are exact, for each sample rate
//!    that someone hears. Whoever is part of the sum hears the others alone: his sum
//!    is made without him, not by taking him out again.
//! 4. **Encode and send**: one encode per codec and packet length for all who hear the
//!    same; the sum is narrowed to 16 bits there, once.
//!
//! A leg that is in no room is in a [private](Room::private) one of its own.

mod phase;
pub mod tap;

use std::sync::Arc;
use std::time::{Duration, Instant};

use self::phase::Phase;
use crate::FRAME;
use crate::codec::Codec;
use crate::codec::opus::Effort;
use crate::encode::Line;
use crate::fetch::fetch;
use crate::leg::cleaning::Turns;
use crate::leg::{Event, Leg};
use crate::level::dbov;
use crate::player::Player;
use crate::rtp::HEADER;
use crate::sound::Sound;
use crate::voice::{RATES, add, rate_index};

/// Names a leg in a room; whoever owns the rooms gives them out.
pub type LegKey = u64;

/// How many voices are mixed at most.
pub const SPEAKERS: usize = 5;
/// From so many members on the silent ones are not decoded.
const CROWD: usize = 8;
/// A challenger must be louder by this much, in dB, to take an incumbent's place.
const HOLD: f32 = 6.0;
/// Who has been loud for one frame alone, be it a click or his first syllable, takes a place
/// that is free and nobody's.
const UNSURE: f32 = 200.0;
/// Who has ended to speak keeps his own line for so many frames, until both sound the same.
const OWN_FRAMES: u32 = 25;
/// If no pause comes, he keeps it for so many: 20 s.
const OWN_FRAMES_MOST: u32 = 1_000;
/// A mix quieter than this is a pause, dBov.
const PAUSE: f32 = -50.0;
/// A shared line nobody hears is dropped after so many frames.
const LINE_FRAMES: u64 = 250;

/// Who hears each other.
#[derive(Debug, Default)]
pub struct Room {
    /// The private place of one leg: nobody hears him there.
    private: bool,
    /// Sorted by key.
    legs: Vec<(LegKey, Box<Leg>)>,
    player: Player,
    shared: Vec<Shared>,
    frames: u64,
    effort: Effort,
    phase: Phase,
    /// Somebody writes down what is heard here.
    tapped: bool,
    /// Voices are heard without the noise around them.
    cleaned: bool,
    turns: Turns,
    /// Who can be heard in this frame or was in the last, and the sample rates that someone hears.
    active: Vec<usize>,
    needed: [bool; 3],
    /// Scratch: the loudest candidates and the indices of those heard in this frame.
    ranking: Vec<(f32, usize)>,
    speakers: Vec<usize>,
    /// Who has something to report since the last tick.
    eventful: Vec<LegKey>,
    mixes: [Vec<f32>; 3],
    own_mix: Vec<f32>,
}

/// A line for all who hear the whole mix in one format.
#[derive(Debug)]
struct Shared {
    line: Line,
    listeners: usize,
    used: u64,
}

impl Room {
    /// A place for one leg that is in no room: it hears what is played to it, and is not
    /// listened to, so its audio is not even decoded.
    pub fn private() -> Self {
        Self {
            private: true,
            ..Self::default()
        }
    }

    pub fn insert(&mut self, key: LegKey, mut leg: Box<Leg>) {
        leg.own = None;
        leg.aside = u32::MAX;
        leg.set_cleaned(self.cleaned);
        match self.legs.binary_search_by_key(&key, |(k, _)| *k) {
            Ok(at) => self.legs[at].1 = leg,
            Err(at) => self.legs.insert(at, (key, leg)),
        }
    }

    pub fn remove(&mut self, key: LegKey) -> Option<Box<Leg>> {
        let at = self.legs.binary_search_by_key(&key, |(k, _)| *k).ok()?;
        let (_, mut leg) = self.legs.remove(at);
        leg.set_led(false);
        Some(leg)
    }

    pub fn leg(&mut self, key: LegKey) -> Option<&mut Leg> {
        let at = self.legs.binary_search_by_key(&key, |(k, _)| *k).ok()?;
        Some(&mut self.legs[at].1)
    }

    /// What encoding may cost from now on: less when whoever ticks the room comes too late.
    pub fn set_effort(&mut self, effort: Effort) {
        self.effort = effort;
        for shared in &mut self.shared {
            shared.line.set_effort(effort);
        }
        for (_, leg) in &mut self.legs {
            if let Some(own) = &mut leg.own {
                own.set_effort(effort);
            }
        }
    }

    /// Whether voices are heard without the noise around them from now on: some 10 ms later, and
    /// at some cost for each who is heard ([`noise`](crate::noise)).
    pub fn suppress_noise(&mut self, on: bool) {
        self.cleaned = on;
        for (_, leg) in &mut self.legs {
            leg.set_cleaned(on);
        }
    }

    pub fn len(&self) -> usize {
        self.legs.len()
    }

    /// Nobody is here, and nothing is played.
    pub fn is_empty(&self) -> bool {
        self.legs.is_empty() && !self.player.active()
    }

    pub fn play(&mut self, sounds: Vec<Arc<Sound>>, token: u64) {
        self.player.play(sounds, token);
    }

    pub fn play_music(&mut self, sounds: Vec<Arc<Sound>>) {
        self.player.play_music(sounds);
    }

    pub fn skip(&mut self) {
        self.player.skip();
    }

    pub fn stop(&mut self) {
        self.player.stop();
    }

    /// The token of sounds that the room has heard to their end.
    pub fn poll_finished(&mut self) -> Option<u64> {
        self.player.poll_finished()
    }

    /// Hands over what the legs report, up to the last tick.
    pub fn drain_events(&mut self, mut report: impl FnMut(LegKey, Event)) {
        for at in 0..self.eventful.len() {
            let key = self.eventful[at];
            while let Some(event) = self.leg(key).and_then(Leg::poll_event) {
                report(key, event);
            }
        }
        self.eventful.clear();
    }

    /// So many ticks were missed: time went on for those who listen.
    pub fn skip_frames(&mut self, frames: u32) {
        for (_, leg) in &mut self.legs {
            if let Some(setting) = leg.setting() {
                let ticks = setting.format.frame_ticks() * frames;
                leg.sender.pause(ticks);
            }
        }
    }

    /// The next 20 ms. Hands each packet to `send` in two parts, header and payload, in the order
    /// of the legs' keys.
    pub fn tick(&mut self, now: Instant, mut send: impl FnMut(LegKey, &[u8; HEADER], &[u8])) {
        self.listen(now);
        let music = self.player.advance();
        self.choose(now);
        self.mix(music);
        self.encode_shared();
        self.deliver(music, &mut send);
        self.frames += 1;
    }

    /// How long after the last tick the next should come: about 20 ms (`room/phase.rs`).
    /// To be asked once after each tick.
    pub fn pace(&mut self) -> Duration {
        if self.private {
            return FRAME;
        }
        let before = self.phase.led();
        let shift = self.phase.step(&self.legs);
        let led = self.phase.led();
        if led != before {
            for (key, follows) in [(before, false), (led, true)] {
                if let Some(leg) = key.and_then(|key| self.leg(key)) {
                    leg.set_led(follows);
                }
            }
        }
        Duration::from_secs_f64((FRAME.as_secs_f64() * 1_000.0 + shift) / 1_000.0)
    }

    /// Everybody in the room in the order of the keys, to be handed what has arrived.
    pub fn for_each_leg(&mut self, mut visit: impl FnMut(LegKey, &mut Leg)) {
        for at in 0..self.legs.len() {
            // Each step needs an address that the one before has fetched.
            if let Some((_, leg)) = self.legs.get(at + 3) {
                fetch(&**leg);
            }
            if let Some((_, leg)) = self.legs.get(at + 2) {
                leg.fetch_playout();
            }
            if let Some((_, leg)) = self.legs.get(at + 1) {
                leg.fetch_lateness();
            }
            let (key, leg) = &mut self.legs[at];
            visit(*key, leg);
        }
    }

    /// Listens to everybody, and notes what the later steps would else have to look for: each
    /// look at every member of a large room is a walk through memory that is in no cache.
    fn listen(&mut self, now: Instant) {
        let crowded = self.legs.len() > CROWD;
        self.active.clear();
        self.eventful.clear();
        self.needed = [false; 3];
        self.needed[rate_index(tap::TAPPED_RATE)] = self.tapped;
        self.turns.next();
        for (i, (key, leg)) in self.legs.iter_mut().enumerate() {
            leg.listen(now, self.private, crowded, &mut self.turns);
            leg.player.advance();
            if leg.has_events() {
                self.eventful.push(*key);
            }
            if leg.is_candidate() || leg.voice.gain() != 0.0 {
                self.active.push(i);
            }
            if let Some(setting) = leg.setting() {
                self.needed[rate_index(setting.format.codec.sample_rate())] = true;
            }
        }
    }

    /// Decides who is heard in this frame, and puts his voice at the needed rates.
    fn choose(&mut self, now: Instant) {
        self.ranking.clear();
        let candidates = self
            .active
            .iter()
            .filter(|&&i| self.legs[i].1.is_candidate());
        let crowded = candidates.count() > SPEAKERS;
        if crowded {
            for &i in &self.active {
                let leg = &self.legs[i].1;
                let meter = leg.meter();
                if leg.is_candidate() && (meter.talking() || meter.loud()) {
                    let standing = match (leg.voice.gain() != 0.0, meter.talking()) {
                        (true, _) => HOLD,
                        (false, true) => 0.0,
                        (false, false) => -UNSURE,
                    };
                    self.ranking.push((leg.loudness() + standing, i));
                }
            }
            self.ranking.sort_unstable_by(|a, b| b.0.total_cmp(&a.0));
            self.ranking.truncate(SPEAKERS);
        }
        let (ranking, private) = (&self.ranking, self.private);
        self.speakers.clear();
        for &i in &self.active {
            let leg = &mut self.legs[i].1;
            let chosen = if crowded {
                ranking.iter().any(|&(_, chosen)| chosen == i)
            } else {
                leg.is_candidate() && !private
            };
            if leg.speak(chosen, now) {
                self.speakers.push(i);
            }
        }
    }

    /// Sums the chosen, once for each sample rate that someone hears.
    fn mix(&mut self, music: bool) {
        for (i, &rate) in RATES.iter().enumerate() {
            let mix = &mut self.mixes[i];
            mix.clear();
            if !self.needed[i] {
                continue;
            }
            mix.resize(rate as usize / 50, 0.0);
            for &speaker in &self.speakers {
                let voice = &mut self.legs[speaker].1.voice;
                voice.prepare(rate);
                add(mix, voice.at(rate));
            }
            if music {
                self.player.voice().prepare(rate);
                add(mix, self.player.heard().at(rate));
            }
        }
    }

    /// One encode for all who hear the whole mix in the same format.
    fn encode_shared(&mut self) {
        for shared in &mut self.shared {
            shared.listeners = 0;
        }
        let pauses = self.mixes.each_ref().map(|mix| dbov(mix) < PAUSE);
        for (_, leg) in &mut self.legs {
            let Some(setting) = leg.setting() else {
                continue;
            };
            let format = setting.format;
            if self.private {
                // Nobody shares what he hears.
                if leg.own.is_none() {
                    leg.own = Line::new(format, self.frames, self.effort).map(Box::new);
                }
                continue;
            }
            let at = match self.shared.iter().position(|s| s.line.format() == format) {
                Some(at) => at,
                None => {
                    let Some(line) = Line::new(format, self.frames, self.effort) else {
                        continue;
                    };
                    self.shared.push(Shared {
                        line,
                        listeners: 0,
                        used: 0,
                    });
                    self.shared.len() - 1
                }
            };
            let shared = &mut self.shared[at];
            if hears_alone(leg) {
                if leg.own.is_none() {
                    leg.own = shared.line.branch().map(Box::new);
                }
            } else if leg.own.is_none() || may_rejoin(leg, format.codec, pauses) {
                leg.own = None;
                shared.listeners += 1;
            }
        }
        let (frames, mixes) = (self.frames, &self.mixes);
        for shared in &mut self.shared {
            // Kept warm a while, so that who ends to speak comes back to a line in step.
            if shared.listeners > 0 {
                shared.used = frames;
            }
            let rate = shared.line.format().codec.sample_rate();
            shared.line.feed(&mixes[rate_index(rate)]);
        }
    }

    fn deliver(&mut self, music: bool, send: &mut impl FnMut(LegKey, &[u8; HEADER], &[u8])) {
        for i in 0..self.legs.len() {
            // Another is sent his packet meanwhile.
            if let Some((_, leg)) = self.legs.get(i + 2) {
                fetch(&**leg);
            }
            let Some(&setting) = self.legs[i].1.setting() else {
                continue;
            };
            let format = setting.format;
            let rate = format.codec.sample_rate();
            if self.legs[i].1.own.is_some() {
                self.mix_own(i, rate, music);
            }
            let (key, leg) = &mut self.legs[i];
            let payloads = if let Some(own) = &mut leg.own {
                own.feed(&self.own_mix);
                own.payloads()
            } else {
                let shared = self.shared.iter().find(|s| s.line.format() == format);
                shared.map_or(&[][..], |s| s.line.payloads())
            };
            if setting.sends {
                leg.sender.send(
                    format,
                    setting.payload_type,
                    setting.digits,
                    payloads,
                    |header, payload| send(*key, header, payload),
                );
            } else {
                leg.sender.pause(format.frame_ticks());
            }
        }
        let frames = self.frames;
        self.shared.retain(|s| frames < s.used + LINE_FRAMES);
    }

    /// What one leg hears that nobody else does: all but himself, and what is played to him.
    fn mix_own(&mut self, listener: usize, rate: u32, music: bool) {
        self.own_mix.clear();
        self.own_mix.resize(rate as usize / 50, 0.0);
        if self.legs[listener].1.hears_room() {
            for &speaker in &self.speakers {
                if speaker != listener {
                    add(&mut self.own_mix, self.legs[speaker].1.voice.at(rate));
                }
            }
            if music {
                add(&mut self.own_mix, self.player.heard().at(rate));
            }
        }
        let leg = &mut self.legs[listener].1;
        if leg.player.active() {
            leg.player.voice().prepare(rate);
            add(&mut self.own_mix, leg.player.heard().at(rate));
        }
        leg.at_volume(&mut self.own_mix);
    }
}

/// Whether what he hears differs from what all hear, or did just now.
fn hears_alone(leg: &Leg) -> bool {
    leg.aside < OWN_FRAMES || leg.player.active() || !leg.hears_room() || leg.has_volume()
}

/// Whether he may change from his own line to the shared one. Both have the same mix by now,
/// but encoders with a memory still differ in it a little: in a pause nobody hears that.
fn may_rejoin(leg: &Leg, codec: Codec, pauses: [bool; 3]) -> bool {
    match codec {
        Codec::Pcmu | Codec::Pcma => true,
        Codec::G722 | Codec::Opus => {
            pauses[rate_index(codec.sample_rate())] || leg.aside > OWN_FRAMES_MOST
        }
    }
}

#[cfg(test)]
mod tests;
