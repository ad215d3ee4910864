//! When a room ticks: every 20 ms, at the moment that is best for whoever speaks.
//!
//! A packet that arrives just after a tick waits 20 ms for the next. So the room
//! follows the one who speaks, its **leader**: tick by tick a little earlier, until
//! his packets come just in time (and as much before as his network's jitter
//! asks for); or a little later, where that is much nearer. The former costs no sample of
//! his, he is only heard sooner; the latter a packet's length of a pause or some pitch
//! periods. The others, who are silent, lose or gain a piece of a pause.
//!
//! Following him, the room ticks by his clock, whatever it is: between the two is no drift.
//!
//! Each millisecond a room gets ahead is one its listeners must buffer (or, behind, do
//! without), so it is given back, a whole frame at a time, while nobody speaks. Should
//! nobody ever be silent, a room that can get no further ahead gives a frame back all the
//! same, and its leader is cut by a packet; one whose clock would lead it further and
//! further away is resampled like all others (`receive/drift.rs`).

use super::LegKey;
use crate::leg::Leg;
use crate::receive::playout::Spare;

/// How much a tick may be earlier or later than 20 ms after the last, in ms.
const STEP: f64 = 1.0;
/// How long before the tick the leader's packets should be there, beyond his jitter.
const MARGIN: f64 = 0.25; // ms
/// Less than this is not worth a correction.
const NEAR: f64 = 0.2; // ms
/// More than this is too much to leave him with, when the room can get no further ahead.
const STUCK: f64 = 2.0; // ms
/// A leader who is later than this has other means.
const FAR: f64 = 2.5; // ms
/// From this share of a packet on the way to the next one is the shorter.
const NEARLY: f64 = 0.7;
/// A packet and this much too early, his playout is sure to leave one out: the room must go so far.
const BEYOND: f64 = 5.0; // ms
/// A leader is followed until he has been silent for so many frames: 1 s.
const LOYALTY: u32 = 50;
/// The room never gets further ahead of its listeners, or behind them, than this.
const MOST_AHEAD: f64 = 40.0; // ms
/// What is given back at once: a frame, after which the phase is as before.
const FRAME_MS: f64 = 20.0;

#[derive(Debug, Default)]
pub struct Phase {
    leader: Option<LegKey>,
    /// Frames since the leader last spoke.
    silent: u32,
    /// How far the room is ahead of a clock that ticks every 20 ms, in ms.
    ahead: f64,
    /// How much of that is being given back.
    repaying: f64,
}

impl Phase {
    /// Whose clock the room follows, if it can.
    pub fn led(&self) -> Option<LegKey> {
        self.leader.filter(|_| self.ahead.abs() < MOST_AHEAD)
    }

    /// By how many ms the next tick should come later (or earlier) than 20 ms from now.
    pub fn step(&mut self, legs: &[(LegKey, Box<Leg>)]) -> f64 {
        let before = self.leader;
        let leader = self.follow(legs);
        if self.leader != before {
            self.repaying = 0.0; // another one's phase is another
        }
        let shift = match leader {
            // Repaying a frame, once begun, ends at the same phase: stopping would not.
            Some(_) if self.repaying != 0.0 => self.repay(),
            Some(leader) => leader.spare().map_or(0.0, |spare| self.towards(spare)),
            None if self.leader.is_none() => self.repay(),
            None => 0.0,
        };
        self.ahead -= shift;
        shift
    }

    /// The leader, if he speaks.
    fn follow<'a>(&mut self, legs: &'a [(LegKey, Box<Leg>)]) -> Option<&'a Leg> {
        let speaking = |key: LegKey| {
            let at = legs.binary_search_by_key(&key, |(k, _)| *k).ok()?;
            Some(&*legs[at].1).filter(|leg| leg.talking())
        };
        if let Some(leader) = self.leader.and_then(speaking) {
            self.silent = 0;
            return Some(leader);
        }
        self.silent = self.silent.saturating_add(1);
        if self.leader.is_some() && self.silent < LOYALTY {
            return None;
        }
        let loudest = legs
            .iter()
            .filter(|(_, leg)| leg.talking())
            .max_by(|(_, a), (_, b)| a.meter().loudness().total_cmp(&b.meter().loudness()));
        self.leader = loudest.map(|&(key, _)| key);
        loudest.map(|(_, leg)| &**leg)
    }

    /// The shorter way to where the leader's packets come just in time.
    fn towards(&mut self, spare: Spare) -> f64 {
        let early = spare.ms - MARGIN;
        // Nearly a packet too early: once it is a whole one, his playout leaves one out.
        let nearly = (NEARLY * spare.packet..spare.packet + BEYOND).contains(&early);
        if nearly && self.ahead > -MOST_AHEAD {
            STEP
        } else if early > STUCK && self.ahead >= MOST_AHEAD {
            self.repay()
        } else if early > NEAR && self.ahead < MOST_AHEAD {
            -early.min(STEP)
        } else if early < -NEAR && early > -FAR {
            (-early).min(STEP)
        } else {
            0.0
        }
    }

    /// In silence: a whole frame later, or earlier, after which the phase is as before.
    fn repay(&mut self) -> f64 {
        if self.repaying == 0.0 && self.ahead.abs() >= FRAME_MS {
            self.repaying = FRAME_MS.copysign(self.ahead);
        }
        let step = self.repaying.clamp(-STEP, STEP);
        self.repaying -= step;
        step
    }
}
