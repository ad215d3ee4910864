//! A room while people are in it.
//!
//! Who is here, as what, who is muted and who talks; what each member's keys do
//! and what the moderators' acts do; what is said to one and what into the room.
//! Keys, the console and the API all come through here, so that all of them
//! lead to the same [`Output`]s. The room hears nothing itself: sound is the
//! mixer's affair, and this says only who may be heard.
//!
//! The keys are in `keys`, those who wait to be let in are in `lobby`.

mod keys;
mod lobby;

use std::collections::{BTreeMap, VecDeque};

pub use lobby::Waiting;
use serde::{Deserialize, Serialize};

use self::keys::Stars;
use crate::{
    attempt::LeaveWay,
    employee::DeviceClass,
    id::{EmployeeId, InvitationId, MemberId, RoomId},
    loudness::{Gain, Loudness, Side},
    number::PhoneNumber,
    role::Role,
    speech::{self, Phrase},
    time::Millis,
};

/// One leg in the room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Its id.
    pub id: MemberId,
    /// Who it is, as shown.
    pub name: String,
    /// Which employee, if it is one.
    pub employee: Option<EmployeeId>,
    /// His number, if he came by one.
    pub number: Option<PhoneNumber>,
    /// What he is here by.
    pub class: DeviceClass,
    /// What he may do.
    pub role: Role,
    /// Which invitation brought him, or counts him.
    pub invitation: Option<InvitationId>,
    /// Since when he is here.
    pub joined_at: Millis,
    /// Whether he is muted, by himself or a moderator.
    pub muted: bool,
    /// Whether he talks now.
    pub talking: bool,
    /// Since when he wants to speak.
    #[serde(default)]
    pub hand: Option<Millis>,
    /// How loud he is and hears, as far as it was turned by hand.
    #[serde(default)]
    pub loudness: Loudness,
}

impl Member {
    /// His name as the others hear it: in his own voice where there is one.
    pub fn spoken(&self) -> Phrase {
        let name = speech::name(&self.name);
        match self.employee {
            Some(employee) => speech::in_own_voice(employee, name),
            None => name,
        }
    }
}

/// What a moderator does with the room as a whole, by key, console or API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// Locks it, or opens it again.
    Lock(bool),
    /// Mutes everybody but moderators, or lets them be heard again.
    MuteAll(bool),
    /// Lets the one speak whose hand has been up the longest.
    NextHand,
    /// Lets one of those who wait in, or all of them.
    LetIn(Option<MemberId>),
    /// Sends one of those who wait away, or all of them.
    SendAway(Option<MemberId>),
}

/// What a room asks for, and tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Let this leg speak into the room and hear it, or not.
    Hearing {
        /// Whose.
        member: MemberId,
        /// Whether the room hears him.
        speaks: bool,
        /// Whether he hears the room.
        hears: bool,
    },
    /// Make this leg so loud, both ways.
    Loudness {
        /// Whose.
        member: MemberId,
        /// How loud.
        loudness: Loudness,
    },
    /// Let one member hear this.
    Tell {
        /// Whom.
        member: MemberId,
        /// What.
        phrases: Vec<Phrase>,
    },
    /// A moderator wants the room recorded, or no more if it is.
    Record {
        /// Who.
        member: MemberId,
    },
    /// A moderator gives the meeting more time.
    Extend {
        /// Who.
        member: MemberId,
    },
    /// Let everyone hear this.
    Announce(Vec<Phrase>),
    /// The room is locked, or open again.
    Locked(bool),
    /// Let this one in who waits at the door.
    LetIn {
        /// The member he becomes.
        member: MemberId,
    },
    /// Tell this one who waits at the door that he is not let in.
    SendAway {
        /// The member he would have become.
        member: MemberId,
    },
    /// A moderator ends the meeting.
    EndMeeting,
    /// Hang this leg up; [`LiveRoom::leave`] follows when it is gone.
    HangUp {
        /// Whose leg.
        member: MemberId,
        /// Why.
        way: LeaveWay,
    },
    /// Somebody came in.
    Joined(Member),
    /// Something about a member changed.
    Changed(Member),
    /// Somebody left.
    Left {
        /// Who.
        member: Member,
        /// How.
        way: LeaveWay,
    },
}

/// A room while people are in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveRoom {
    /// Which room.
    pub id: RoomId,
    members: BTreeMap<MemberId, Member>,
    /// How loud those were who were not as loud as they came, whether they are still here or not.
    turned: BTreeMap<Known, Loudness>,
    /// Who pressed a star, and when.
    stars: BTreeMap<MemberId, (Stars, Millis)>,
    locked: bool,
    /// Those who wait to be let in, first to last.
    lobby: VecDeque<Waiting>,
    /// Which moderator wants the meeting to end, and since when.
    ends: Option<(MemberId, Millis)>,
    /// What is still to be said into the room: one after the other.
    announcements: VecDeque<Vec<Phrase>>,
    announcing: bool,
    /// It is recorded, and everyone is told.
    recorded: bool,
    outputs: VecDeque<Output>,
}

/// Who somebody is when he comes again.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Known {
    Employee(EmployeeId),
    Number(PhoneNumber),
}

/// Announcements that wait; more are dropped, the oldest first.
const MOST_WAITING: usize = 20;

impl LiveRoom {
    /// An empty room.
    pub fn new(id: RoomId) -> Self {
        Self {
            id,
            members: BTreeMap::new(),
            turned: BTreeMap::new(),
            stars: BTreeMap::new(),
            locked: false,
            lobby: VecDeque::new(),
            ends: None,
            announcements: VecDeque::new(),
            announcing: false,
            recorded: false,
            outputs: VecDeque::new(),
        }
    }

    /// Everyone here, by when they came.
    pub fn members(&self) -> impl Iterator<Item = &Member> {
        self.members.values()
    }

    /// One of them.
    pub fn member(&self, id: MemberId) -> Option<&Member> {
        self.members.get(&id)
    }

    /// How many are here.
    pub fn count(&self) -> usize {
        self.members.len()
    }

    /// Whether it is locked.
    pub fn is_locked(&self) -> bool {
        self.locked
    }

    /// Whether a moderator is here.
    pub fn has_moderator(&self) -> bool {
        self.members
            .values()
            .any(|member| member.role == Role::Moderator)
    }

    /// What is to be done.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// Somebody comes in: he hears a short welcome and how many are here.
    pub fn join(&mut self, mut member: Member) {
        let others = self.members.len();
        let (id, role) = (member.id, member.role);
        self.recall(&mut member);
        if self.members.insert(id, member.clone()).is_some() {
            return self.changed(id);
        }
        self.outputs.push_back(Output::Joined(member));
        self.hearing(id);
        self.loudness_of_before(id);
        let mut welcome = speech::welcome(others);
        if self.recorded {
            welcome.extend(speech::recorded());
        }
        if role == Role::Moderator {
            welcome.extend(self.who_waits());
        }
        self.tell(id, welcome);
        if self.members.len() == 1 {
            self.announce_next();
        }
    }

    /// Somebody who was here before a restart is here again: he hears nothing new.
    pub fn restore(&mut self, mut member: Member) {
        let id = member.id;
        self.recall(&mut member);
        self.members.insert(id, member.clone());
        self.outputs.push_back(Output::Joined(member));
        self.hearing(id);
        self.loudness_of_before(id);
    }

    /// Somebody is gone.
    pub fn leave(&mut self, id: MemberId, way: LeaveWay) {
        self.stars.remove(&id);
        if let Some(member) = self.members.remove(&id) {
            self.outputs.push_back(Output::Left { member, way });
        }
        if self.members.is_empty() {
            self.announcing = false;
            self.act(Act::Lock(false));
        }
    }

    /// Makes somebody so loud for the others, or what he hears for him. False when he is not here.
    pub fn set_gain(&mut self, id: MemberId, side: Side, gain: Gain) -> bool {
        let Some(member) = self.members.get_mut(&id) else {
            return false;
        };
        if member.loudness.of(side) != gain {
            member.loudness = member.loudness.with(side, gain);
            if let Some(known) = known(member) {
                self.turned.insert(known, member.loudness);
            }
            self.changed(id);
            self.loudness(id);
        }
        true
    }

    /// A member began or stopped to talk.
    pub fn on_talking(&mut self, id: MemberId, talking: bool) {
        let Some(member) = self.members.get_mut(&id) else {
            return;
        };
        let heard = talking && member.role.speaks() && !member.muted;
        if member.talking != heard {
            member.talking = heard;
            self.changed(id);
        }
    }

    /// Mutes somebody, or lets him be heard again; he is told. False when he is not here.
    pub fn mute(&mut self, id: MemberId, muted: bool) -> bool {
        let Some(member) = self.members.get_mut(&id) else {
            return false;
        };
        if member.muted != muted {
            member.muted = muted;
            member.talking &= !muted;
            self.changed(id);
            self.hearing(id);
            self.tell(id, speech::muted(muted));
        }
        true
    }

    /// Raises somebody's hand, or lowers it; he is told. False when he is not here.
    pub fn raise_hand(&mut self, id: MemberId, up: bool, now: Millis) -> bool {
        let Some(member) = self.members.get_mut(&id) else {
            return false;
        };
        if member.hand.is_some() != up {
            member.hand = up.then_some(now);
            self.changed(id);
            self.tell(id, speech::hand(up));
        }
        true
    }

    /// Does what a moderator wants of the room. Answers whose turn it is, if that was asked.
    pub fn act(&mut self, act: Act) -> Option<MemberId> {
        match act {
            Act::Lock(locked) => {
                if self.locked != locked {
                    self.locked = locked;
                    self.outputs.push_back(Output::Locked(locked));
                }
                None
            }
            Act::MuteAll(muted) => {
                let others: Vec<MemberId> = self
                    .members
                    .values()
                    .filter(|member| member.role == Role::Speaker)
                    .map(|member| member.id)
                    .collect();
                for id in others {
                    self.mute(id, muted);
                }
                None
            }
            Act::NextHand => {
                let (_, next) = self
                    .members
                    .values()
                    .filter_map(|member| Some((member.hand?, member.id)))
                    .min()?;
                self.give_the_floor(next);
                Some(next)
            }
            Act::LetIn(wanted) => {
                self.decide_unheard(wanted, true);
                None
            }
            Act::SendAway(wanted) => {
                self.decide_unheard(wanted, false);
                None
            }
        }
    }

    /// Gives somebody another role; he is told when it matters to his voice.
    /// False when he is not here.
    pub fn set_role(&mut self, id: MemberId, role: Role) -> bool {
        let Some(member) = self.members.get_mut(&id) else {
            return false;
        };
        let before = std::mem::replace(&mut member.role, role);
        if before == role {
            return true;
        }
        member.talking &= role.speaks();
        self.changed(id);
        if before.speaks() != role.speaks() {
            self.hearing(id);
            self.tell(id, speech::may_speak(role.speaks()));
        }
        let waits = self.who_waits();
        if role == Role::Moderator && !waits.is_empty() {
            self.tell(id, waits);
        }
        true
    }

    /// Takes somebody out. False when he is not here.
    pub fn hang_up(&mut self, id: MemberId) -> bool {
        let here = self.members.contains_key(&id);
        if here {
            self.outputs.push_back(Output::HangUp {
                member: id,
                way: LeaveWay::Moderator,
            });
        }
        here
    }

    /// Lets one of those here hear something.
    pub fn say_to(&mut self, id: MemberId, phrases: Vec<Phrase>) {
        if self.members.contains_key(&id) {
            self.tell(id, phrases);
        }
    }

    /// Says something into the room, after what is being said. What nobody is
    /// there to hear waits for the first who comes.
    pub fn announce(&mut self, phrases: Vec<Phrase>) {
        self.announcements.push_back(phrases);
        while self.announcements.len() > MOST_WAITING {
            self.announcements.pop_front();
        }
        self.announce_next();
    }

    /// The room is recorded from now on, or no more: everybody hears it, and who
    /// comes while it is.
    pub fn set_recorded(&mut self, on: bool) {
        let changed = self.recorded != on;
        self.recorded = on;
        // Whoever comes later has nothing to do with a recording that is over.
        if changed && !self.members.is_empty() {
            self.announce(speech::recording(on));
        }
    }

    /// What was said into the room has been said.
    pub fn on_announced(&mut self) {
        self.announcing = false;
        self.announce_next();
    }

    /// The meeting is over: all hear it, and then [`close`](Self::close) follows.
    pub fn say_goodbye(&mut self) {
        self.announce(speech::meeting_ended());
    }

    /// Everyone is hung up.
    pub fn close(&mut self) {
        self.announcements.clear();
        let everyone: Vec<MemberId> = self.members.keys().copied().collect();
        self.outputs
            .extend(everyone.into_iter().map(|member| Output::HangUp {
                member,
                way: LeaveWay::MeetingOver,
            }));
    }

    /// Whoever comes again is as loud as he was made before.
    fn recall(&self, member: &mut Member) {
        if let Some(loudness) = known(member).and_then(|known| self.turned.get(&known)) {
            member.loudness = *loudness;
        }
    }

    /// A leg comes as loud as it is: only who was turned before is told.
    fn loudness_of_before(&mut self, id: MemberId) {
        let turned = |member: &Member| member.loudness != Loudness::default();
        if self.members.get(&id).is_some_and(turned) {
            self.loudness(id);
        }
    }

    fn loudness(&mut self, id: MemberId) {
        let Some(member) = self.members.get(&id) else {
            return;
        };
        self.outputs.push_back(Output::Loudness {
            member: id,
            loudness: member.loudness,
        });
    }

    /// He may speak, whatever kept him from it, and hears so.
    fn give_the_floor(&mut self, id: MemberId) {
        let Some(member) = self.members.get_mut(&id) else {
            return;
        };
        member.hand = None;
        member.muted = false;
        if member.role == Role::Listener {
            member.role = Role::Speaker;
        }
        self.changed(id);
        self.hearing(id);
        self.tell(id, speech::may_speak(true));
    }

    fn announce_next(&mut self) {
        if self.announcing || self.members.is_empty() {
            return;
        }
        if let Some(phrases) = self.announcements.pop_front() {
            self.announcing = true;
            self.outputs.push_back(Output::Announce(phrases));
        }
    }

    fn hearing(&mut self, id: MemberId) {
        if let Some(member) = self.members.get(&id) {
            self.outputs.push_back(Output::Hearing {
                member: id,
                speaks: member.role.speaks() && !member.muted,
                hears: true,
            });
        }
    }

    fn tell(&mut self, member: MemberId, phrases: Vec<Phrase>) {
        self.outputs.push_back(Output::Tell { member, phrases });
    }

    fn changed(&mut self, id: MemberId) {
        let member = self.members.get(&id).cloned();
        self.outputs.extend(member.map(Output::Changed));
    }
}

/// Who he is when he comes again; nobody if nothing is known of him.
fn known(member: &Member) -> Option<Known> {
    let number = || member.number.clone().map(Known::Number);
    member.employee.map(Known::Employee).or_else(number)
}

#[cfg(test)]
mod tests;
