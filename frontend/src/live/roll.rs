//! The roll: one stroke for each expected person, the board's signature.
//!
//! Read in a second and without colour: full is here, short is ringing, hollow is to be called
//! again, a cross is not called again.

use api::{Invitation, InvitationStatus};

/// A stroke. The order is that in which they are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stroke {
    /// In the room, or on the line until it opens.
    Here,
    Ringing,
    Waiting,
    Not,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Roll {
    pub here: u64,
    pub ringing: u64,
    pub waiting: u64,
    pub not: u64,
}

/// More strokes than this are no longer counted by eye: they are drawn in proportion.
const MOST: u64 = 60;

pub fn stroke(status: &InvitationStatus) -> Stroke {
    match status {
        InvitationStatus::InRoom { .. } | InvitationStatus::Held { .. } => Stroke::Here,
        InvitationStatus::Calling { .. } => Stroke::Ringing,
        InvitationStatus::Waiting { .. } => Stroke::Waiting,
        InvitationStatus::Finished { .. } => Stroke::Not,
    }
}

impl Roll {
    pub fn of<'a>(invitations: impl Iterator<Item = &'a Invitation>) -> Self {
        let mut roll = Self::default();
        for invitation in invitations {
            match stroke(&invitation.status) {
                Stroke::Here => roll.here += 1,
                Stroke::Ringing => roll.ringing += 1,
                Stroke::Waiting => roll.waiting += 1,
                Stroke::Not => roll.not += 1,
            }
        }
        roll
    }

    pub fn expected(self) -> u64 {
        self.here + self.ringing + self.waiting + self.not
    }

    pub fn missing(self) -> u64 {
        self.expected() - self.here
    }

    /// The strokes to draw. Whoever is not here keeps at least one, however many are.
    pub fn strokes(self) -> Vec<Stroke> {
        let all = self.expected();
        let share = |count: u64| match all {
            0..=MOST => count,
            _ if count == 0 => 0,
            _ => (count * MOST / all).max(1),
        };
        let (ringing, waiting, not) = (share(self.ringing), share(self.waiting), share(self.not));
        let here = if all <= MOST {
            self.here
        } else {
            MOST.saturating_sub(ringing + waiting + not)
        };
        let run = |stroke: Stroke, count: u64| {
            std::iter::repeat_n(stroke, usize::try_from(count).unwrap_or(0))
        };
        run(Stroke::Here, here)
            .chain(run(Stroke::Ringing, ringing))
            .chain(run(Stroke::Waiting, waiting))
            .chain(run(Stroke::Not, not))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_roll_has_a_stroke_for_everyone() {
        let roll = Roll {
            here: 7,
            ringing: 1,
            waiting: 4,
            not: 1,
        };
        assert_eq!(roll.strokes().len(), 13);
        assert_eq!(roll.missing(), 6);
    }

    #[test]
    fn one_ringing_among_thousands_is_still_seen() {
        let roll = Roll {
            here: 1_900,
            ringing: 1,
            waiting: 0,
            not: 3,
        };
        let strokes = roll.strokes();
        assert_eq!(strokes.len(), 60);
        assert_eq!(
            strokes
                .iter()
                .filter(|stroke| **stroke == Stroke::Ringing)
                .count(),
            1
        );
        assert_eq!(
            strokes
                .iter()
                .filter(|stroke| **stroke == Stroke::Not)
                .count(),
            1
        );
    }
}
