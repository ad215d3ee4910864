//! What a member's keys do in a room.
//!
//! `*6` mutes and unmutes, `*9` raises and lowers a hand, `*5` tells how
//! many are here, `*#` helps, `*0` leaves; for moderators `*7` locks and opens,
//! `*8` mutes everybody else and lets them be heard again, `*2` lets the next
//! raised hand speak, `*3` has the room recorded or ends that, `*1` gives the meeting
//! more time, and `*4`, pressed twice, ends it. A key is two presses within two seconds.
//! After two stars the digits turn the loudness: `**3` and `**1` make what he hears louder and
//! quieter and `**2` as it was; `**6`, `**4` and `**5` do so with his voice for the others. More of
//! the same digits turn on. For moderators `**7` lets in the first who waits at the door, `**8` sends
//! him away, and `**9` lets in all.

use super::{Act, LiveRoom, Member, Output};
use crate::{
    attempt::LeaveWay,
    id::MemberId,
    loudness::{Side, Turn},
    role::Role,
    speech,
    time::{Millis, Span},
};

/// The second press of a key comes within this.
pub(super) const KEY_TIME: Span = Span::seconds(2);

/// The second wish to end the meeting comes within this.
const END_TIME: Span = Span::seconds(12);

/// What the next digit means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stars {
    One,
    /// It turns the loudness.
    Two,
    /// It was turned, and may be turned on.
    Turning,
}

impl LiveRoom {
    /// A member pressed a key.
    pub fn on_digit(&mut self, id: MemberId, digit: char, now: Millis) {
        if !self.members.contains_key(&id) {
            return;
        }
        let stars = self
            .stars
            .remove(&id)
            .filter(|(_, at)| now - *at <= KEY_TIME)
            .map(|(stars, _)| stars);
        if digit == '*' {
            let stars = match stars {
                Some(Stars::One | Stars::Two) => Stars::Two,
                Some(Stars::Turning) | None => Stars::One,
            };
            self.stars.insert(id, (stars, now));
            return;
        }
        match stars {
            Some(Stars::One) => self.on_key(id, digit, now),
            Some(Stars::Two) if matches!(digit, '7'..='9') => match self.moderates(id) {
                true => self.on_lobby_key(id, digit),
                false => self.tell(id, speech::only_moderators()),
            },
            Some(Stars::Two | Stars::Turning) => self.on_turn(id, digit, now),
            None => {}
        }
    }

    fn on_key(&mut self, id: MemberId, digit: char, now: Millis) {
        match digit {
            '6' => self.toggle_mute(id),
            '5' => self.tell(id, speech::head_count(self.members.len() - 1)),
            '#' => {
                let mut help = speech::help(self.moderates(id));
                if self.moderates(id) && !self.lobby.is_empty() {
                    help.extend(speech::help_lobby());
                }
                self.tell(id, help);
            }
            '9' => self.toggle_hand(id, now),
            '1' | '2' | '3' | '4' | '7' | '8' if !self.moderates(id) => {
                self.tell(id, speech::only_moderators());
            }
            '1' => self.outputs.push_back(Output::Extend { member: id }),
            '2' => self.next_hand_for(id),
            '3' => self.outputs.push_back(Output::Record { member: id }),
            '4' => self.end_for(id, now),
            '7' => {
                self.act(Act::Lock(!self.locked));
                self.tell(id, speech::locked(self.locked));
            }
            '8' => {
                let muted = self.anybody_may_be_muted();
                self.act(Act::MuteAll(muted));
                self.tell(id, speech::all_muted(muted));
            }
            '0' => self.outputs.push_back(Output::HangUp {
                member: id,
                way: LeaveWay::Key,
            }),
            _ => {}
        }
    }

    /// A digit after two stars.
    fn on_turn(&mut self, id: MemberId, digit: char, now: Millis) {
        let (side, turn) = match digit {
            '1' => (Side::Ear, Turn::Down),
            '2' => (Side::Ear, Turn::Back),
            '3' => (Side::Ear, Turn::Up),
            '4' => (Side::Voice, Turn::Down),
            '5' => (Side::Voice, Turn::Back),
            '6' => (Side::Voice, Turn::Up),
            _ => return,
        };
        let Some(member) = self.members.get(&id) else {
            return;
        };
        let before = member.loudness.of(side);
        let after = before.turned(turn);
        self.set_gain(id, side, after);
        let moved = turn == Turn::Back || before != after;
        self.tell(id, speech::loudness(side, moved.then_some(turn)));
        self.stars.insert(id, (Stars::Turning, now));
    }

    fn moderates(&self, id: MemberId) -> bool {
        self.members
            .get(&id)
            .is_some_and(|member| member.role == Role::Moderator)
    }

    fn anybody_may_be_muted(&self) -> bool {
        self.members
            .values()
            .any(|member| member.role == Role::Speaker && !member.muted)
    }

    fn toggle_hand(&mut self, id: MemberId, now: Millis) {
        let up = self
            .members
            .get(&id)
            .is_some_and(|member| member.hand.is_none());
        self.raise_hand(id, up, now);
    }

    fn next_hand_for(&mut self, moderator: MemberId) {
        let next = self.act(Act::NextHand);
        let name = next
            .and_then(|id| self.members.get(&id))
            .map(Member::spoken);
        self.tell(moderator, speech::next_hand(name));
    }

    fn end_for(&mut self, moderator: MemberId, now: Millis) {
        match self.ends {
            Some((who, since)) if who == moderator && now - since <= END_TIME => {
                self.ends = None;
                self.outputs.push_back(Output::EndMeeting);
            }
            Some(_) | None => {
                self.ends = Some((moderator, now));
                self.tell(moderator, speech::end_asked());
            }
        }
    }

    fn toggle_mute(&mut self, id: MemberId) {
        let Some(member) = self.members.get(&id) else {
            return;
        };
        if member.role.speaks() {
            self.mute(id, !member.muted);
        } else {
            self.tell(id, speech::may_speak(false));
        }
    }
}
