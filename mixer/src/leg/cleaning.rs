//! His voice without the noise around him, in rooms that ask for it.
//!
//! Two questions are kept apart. Whether there is **anything to hear** of him is asked of what came,
//! for that costs nothing: only then is it worth [cleaning](crate::noise). Whether he **speaks** is asked
//! of what is left. So whoever sits beside a fan is quiet for the mix, for the board and for the leveller, and
//! whoever only listens costs no more than elsewhere.
//!
//! The state is made when a packet of his comes, never in a tick, and given back when he rests.

use super::Leg;
use super::activity::Activity;
use crate::noise::Suppressor;
use crate::receive::Frame;

/// So many who are not heard yet are cleaned in one tick of a room at most.
const MOST: usize = 16;

/// Whose turn it is to be cleaned. Should more seem to speak at once than can be cleaned in time, each is looked
/// at in every second tick or third, until he is found to speak and is heard: from then on in each.
#[derive(Debug, Default)]
pub struct Turns {
    /// So many wanted to be in the last tick, and do so far in this one.
    before: usize,
    wanted: usize,
    first: usize,
}

impl Turns {
    /// Another tick begins.
    pub fn next(&mut self) {
        self.before = self.wanted;
        self.wanted = 0;
        self.first = (self.first + MOST) % self.before.max(1);
    }

    /// Whether it is the turn of the next who wants to.
    fn take(&mut self) -> bool {
        let all = self.before.max(1);
        let place = (self.wanted + all - self.first % all) % all;
        self.wanted += 1;
        place < MOST
    }
}

/// The state of one whose noise is taken out.
#[derive(Debug)]
pub struct Cleaning {
    suppressor: Suppressor,
    /// What there is to hear in what is left of his voice.
    activity: Activity,
}

impl Cleaning {
    /// What others are to hear of this frame, if anything.
    pub fn frame(&self) -> Option<Frame<'_>> {
        self.suppressor.frame()
    }
}

impl Leg {
    /// Whether others hear him without the noise around him, from the next frame on.
    pub(crate) fn set_cleaned(&mut self, on: bool) {
        self.cleaned = on;
        if !on && self.voice.gain() == 0.0 {
            self.cleaning = None;
        }
    }

    /// A packet with audio of this rate has come.
    pub(super) fn prepare_cleaning(&mut self, rate: u32) {
        let wanted = self.cleaned && (!self.crowded || self.activity.audible());
        if wanted && self.cleaning.is_none() {
            self.cleaning = Some(Box::new(Cleaning {
                suppressor: Suppressor::new(rate, self.voice.gain() != 0.0),
                activity: self.activity.clone(),
            }));
        }
    }

    /// Cleans the frame that was taken, if he may be heard in it.
    pub(super) fn clean(&mut self, turns: &mut Turns) {
        let may_be_heard = self.may_be_heard();
        let Some(cleaning) = &mut self.cleaning else {
            return;
        };
        let meter = self.activity.meter();
        let speaks = may_be_heard
            && self.activity.audible()
            && (!self.crowded || meter.loud() || meter.talking());
        let worth = self.voice.gain() != 0.0 || (speaks && turns.take());
        let frame = self.playout.as_ref().and_then(|playout| playout.last());
        match frame.filter(|_| worth) {
            Some(frame) => cleaning.suppressor.process(frame, self.cleaned),
            None => cleaning.suppressor.pass(),
        }
        let left = cleaning.suppressor.frame();
        cleaning.activity.on_frame(left.map(|frame| frame.samples));
    }

    /// Once it has faded out nothing of it is needed.
    pub(super) fn end_cleaning(&mut self) {
        let over = |cleaning: &Cleaning| cleaning.suppressor.is_out();
        if !self.cleaned && self.cleaning.as_deref().is_some_and(over) {
            self.cleaning = None;
        }
    }

    /// What there is to hear in what others hear of him.
    pub(super) fn heard(&self) -> &Activity {
        match &self.cleaning {
            Some(cleaning) => &cleaning.activity,
            None => &self.activity,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn if_more_want_to_be_cleaned_than_can_be_everybody_has_his_turn_within_three_ticks() {
        let mut turns = Turns::default();
        let mut tick = |wanting: usize| -> Vec<bool> {
            turns.next();
            (0..wanting).map(|_| turns.take()).collect()
        };
        assert_eq!(tick(MOST), vec![true; MOST]);
        tick(40);
        let mut had = vec![0; 40];
        for _ in 0..3 {
            let now = tick(40);
            assert_eq!(now.iter().filter(|had| **had).count(), MOST);
            for (had, now) in had.iter_mut().zip(now) {
                *had += usize::from(now);
            }
        }
        assert!(had.iter().all(|turns| *turns > 0), "{had:?}");
        tick(3);
        assert_eq!(tick(3), [true; 3]);
    }
}
