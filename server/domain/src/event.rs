//! Everything that happens, numbered.
//!
//! Each change is one event: appended, broadcast, and sent on as the resource it
//! changed. Numbers grow by one in each company and are never used again, so
//! that whoever lost the connection can say up to where he knows.

use serde::{Deserialize, Serialize};

use crate::{
    attempt::LeaveWay,
    id::{
        AttemptId, CompanyId, DeviceId, EmployeeId, InvitationId, MeetingId, MemberId,
        OccurrenceId, RoomId,
    },
    invitation::Finish,
    line::LineState,
    number::PhoneNumber,
    outcome::Outcome,
    time::Millis,
};

/// The place of an event among all events of a company, from 1 on.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(transparent)]
pub struct Seq(pub u64);

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Its number.
    pub seq: Seq,
    /// When.
    pub at: Millis,
    /// In which company.
    pub company: CompanyId,
    /// What.
    pub what: What,
}

/// What can happen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum What {
    /// A person, or what is known of his line, is different.
    Person {
        /// Who.
        employee: EmployeeId,
    },
    /// A line's state is different.
    Line {
        /// Whose.
        employee: EmployeeId,
        /// Which.
        device: DeviceId,
        /// What it is now.
        state: LineState,
    },
    /// A room was made, or is different.
    Room {
        /// Which.
        room: RoomId,
    },
    /// A meeting was made, or is different.
    Meeting {
        /// Which.
        meeting: MeetingId,
    },
    /// A meeting was removed.
    MeetingRemoved {
        /// Which.
        meeting: MeetingId,
    },
    /// An occurrence went on.
    Occurrence {
        /// Which.
        occurrence: OccurrenceId,
    },
    /// An invitation went on.
    Invitation {
        /// Which.
        invitation: InvitationId,
    },
    /// An attempt began, went on, or is over.
    Attempt {
        /// Which.
        attempt: AttemptId,
        /// How it ended, when it did.
        outcome: Option<Outcome>,
    },
    /// Somebody came into a room.
    MemberJoined {
        /// Who.
        member: MemberId,
        /// Where.
        room: RoomId,
    },
    /// Something about a member is different.
    Member {
        /// Who.
        member: MemberId,
        /// Where.
        room: RoomId,
    },
    /// Somebody left a room.
    MemberLeft {
        /// Who.
        member: MemberId,
        /// Whence.
        room: RoomId,
        /// How.
        way: LeaveWay,
    },
    /// Something was said into a room.
    Announced {
        /// Where.
        room: RoomId,
        /// The words, for those who read.
        text: String,
    },
    /// The organiser is told that somebody does not come.
    NotComing {
        /// Who.
        invitation: InvitationId,
        /// Why.
        why: Finish,
    },
    /// Somebody asked never to be called on this number again.
    NeverAgain {
        /// Which.
        number: PhoneNumber,
    },
}

/// Gives out numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Numbering {
    last: Seq,
}

impl Numbering {
    /// Goes on after the last number that is on record.
    pub fn after(last: Seq) -> Self {
        Self { last }
    }

    /// The last number given.
    pub fn last(&self) -> Seq {
        self.last
    }

    /// The next event.
    pub fn number(&mut self, company: CompanyId, at: Millis, what: What) -> Event {
        self.last = Seq(self.last.0 + 1);
        Event {
            seq: self.last,
            at,
            company,
            what,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_go_on_where_the_record_ends() {
        let company = CompanyId::new(Millis(0), [1; 10]);
        let room = RoomId::new(Millis(0), [2; 10]);
        let mut numbering = Numbering::after(Seq(41));

        let event = numbering.number(company, Millis(5), What::Room { room });

        assert_eq!(event.seq, Seq(42));
        assert_eq!(numbering.last(), Seq(42));
        let text = serde_json::to_string(&event).unwrap();
        assert_eq!(serde_json::from_str::<Event>(&text).unwrap(), event);
    }
}
