//! One call in a room's care, whichever way it came about.

use std::net::SocketAddr;

use domain::{
    BrowserCallId, InvitationId, MemberId, Millis, OccurrenceId, Role, RoomId, Span, attempt::Call,
    employee::DeviceClass, entrance::Entrance, line::LineKey, live::Member, loudness::Loudness,
    meeting::Invitee,
};
use serde::{Deserialize, Serialize};
use signalling::Signalling;
use sip::CallId;
use store::AttemptRow;
use uuid::Uuid;

use crate::wire;

/// A call and the person at its other end.
pub struct Party {
    pub tie: Tie,
    pub who: Who,
    pub part: Part,
    /// What he speaks; none before the answer.
    pub codec: Option<sip::Codec>,
    /// The token of what he hears once, so that its end can be told from an earlier one's.
    pub hears: u64,
    /// Who he is in the room, while he is in it.
    pub member: Option<MemberId>,
    pub quality: Option<api::Quality>,
    /// Where our audio for him is.
    pub local: SocketAddr,
    /// He was silent for long, and has been asked whether he is still there.
    pub probed: bool,
    /// How long he has talked in the room.
    pub talked: Talked,
}

/// What he is held by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tie {
    Call(CallId),
    /// His audio alone: a browser's ends with its leg.
    Browser(BrowserCallId),
}

/// How long somebody has talked.
#[derive(Debug, Clone, Copy, Default)]
pub struct Talked {
    since: Option<Millis>,
    before: Span,
}

/// Who it is, as far as we know.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Who {
    pub name: String,
    /// Nobody, when nothing is known.
    pub invitee: Option<Invitee>,
    pub role: Role,
    pub class: DeviceClass,
    pub line: Option<LineKey>,
    /// The place on the list he takes.
    pub invitation: Option<InvitationId>,
}

/// How the call came about.
pub enum Part {
    /// We call him. The machine, and the row of its attempt.
    Called {
        machine: Box<Call>,
        row: Box<AttemptRow>,
    },
    /// He calls us.
    Caller {
        door: Box<Entrance>,
        guest: Box<Guest>,
    },
}

/// What must survive a restart of a call that came in.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Guest {
    /// Names its row.
    pub id: Uuid,
    pub room: RoomId,
    pub who: Who,
    /// What his wrong PINs are counted by.
    pub source: String,
    /// The event whose number he dialled: he comes to that, and to nothing before it.
    #[serde(default)]
    pub awaits: Option<OccurrenceId>,
    /// Who he will be, while he waits to be let in.
    #[serde(default)]
    pub knocks: Option<MemberId>,
    /// Who he is in the room, once he is in it.
    pub member: Option<MemberId>,
    pub since: Millis,
    pub rtp_port: u16,
    /// The dialog's record, in a column of its own.
    #[serde(skip)]
    pub dialog: Option<String>,
}

impl Tie {
    pub fn call(self) -> Option<CallId> {
        match self {
            Tie::Call(call) => Some(call),
            Tie::Browser(_) => None,
        }
    }

    pub fn hang_up(self, signalling: &Signalling) {
        if let Tie::Call(call) = self {
            signalling.hang_up(call, Vec::new());
        }
    }
}

impl Talked {
    pub fn on_clock_set_back(&mut self, by: Span) {
        self.since = self.since.map(|since| since - by);
    }
}

impl Party {
    pub fn poll_timeout(&self) -> Option<Millis> {
        match &self.part {
            Part::Called { machine, .. } => machine.poll_timeout().map(|(at, _)| at),
            Part::Caller { door, .. } => door.poll_timeout().map(|(at, _)| at),
        }
    }

    /// He begins to talk, or stops.
    pub fn talk(&mut self, on: bool, now: Millis) {
        self.talked.before = self.talked_until(now);
        self.talked.since = on.then_some(now);
    }

    /// How long he has talked up to now.
    pub fn talked_until(&self, now: Millis) -> Span {
        let Talked { since, before } = self.talked;
        since.map_or(before, |since| before + (now - since).max(Span::ZERO))
    }

    /// The key under which this call is evidence about the line.
    pub fn line_key(&self) -> String {
        format!("{:?}", self.tie)
    }

    /// Him, as the room takes him in.
    pub fn to_member(&self, id: MemberId, now: Millis) -> Member {
        let (employee, number) = match &self.who.invitee {
            Some(Invitee::Employee(id)) => (Some(*id), None),
            Some(Invitee::Outside { number, .. }) => (None, Some(number.clone())),
            None => (None, None),
        };
        Member {
            id,
            name: self.who.name.clone(),
            employee,
            number,
            class: self.who.class,
            role: self.who.role,
            invitation: self.who.invitation,
            joined_at: now,
            muted: false,
            talking: false,
            hand: None,
            loudness: Loudness::default(),
        }
    }

    /// A member as the board draws him, with what this call knows of him.
    pub fn shown(&self, member: &Member, room: RoomId) -> api::Member {
        api::Member {
            id: member.id,
            room_id: room,
            name: member.name.clone(),
            employee_id: member.employee,
            number: member.number.as_ref().map(ToString::to_string),
            device_kind: member.class,
            role: member.role,
            muted: member.muted,
            talking: member.talking,
            hand_at: member.hand.map(|hand| hand.0),
            gain_db: member.loudness.voice.db(),
            volume_db: member.loudness.ear.db(),
            joined_at: member.joined_at.0,
            invitation_id: member.invitation,
            codec: self.codec.map(wire::api_codec),
            quality: self.quality,
        }
    }
}
