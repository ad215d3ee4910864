//! A small company for the tests: one live meeting, two in the room, one more in the directory.

use api::*;

use super::{Live, words::Words};
use crate::texts::Texts;

/// Ids that read as their number; the kind does not matter to a test.
fn id<T: std::str::FromStr>(n: u8) -> T
where
    T::Err: std::fmt::Debug,
{
    format!("01890000-0000-7000-8000-0000000000{n:02x}")
        .parse()
        .unwrap()
}

pub fn person_id(n: u8) -> EmployeeId {
    id(n)
}
pub fn member_id(n: u8) -> MemberId {
    id(n)
}
pub fn room_id(n: u8) -> RoomId {
    id(n)
}
pub fn meeting_id(n: u8) -> MeetingId {
    id(n)
}
pub fn occurrence_id(n: u8) -> OccurrenceId {
    id(n)
}
pub fn invitation_id(n: u8) -> InvitationId {
    id(n)
}

/// English, UTC, one minute past the epoch.
pub fn words() -> Words {
    fn utc(at: i64) -> String {
        let seconds = at / 1000;
        format!(
            "{:02}:{:02}:{:02}",
            seconds / 3600 % 24,
            seconds / 60 % 60,
            seconds % 60
        )
    }
    Words {
        t: Texts(Language::English),
        clock: utc,
        now: 60_000,
    }
}

pub fn company() -> Live {
    let mut live = Live::default();
    live.apply(ServerMessage::Snapshot(Box::new(snapshot())));
    live
}

pub fn event(seq: i64, event: EventKind) -> ServerMessage {
    ServerMessage::Event(Box::new(Event { seq, at: 0, event }))
}

pub fn left(n: u8) -> EventKind {
    EventKind::MemberLeft(MemberLeft {
        id: member_id(n),
        room_id: room_id(1),
        why: LeaveReason::Left,
    })
}

pub fn levels(levels: &[(u8, u8)]) -> ServerMessage {
    let talking = |&(n, level): &(u8, u8)| Talking {
        member_id: member_id(n),
        level,
    };
    ServerMessage::Levels {
        levels: levels.iter().map(talking).collect(),
    }
}

pub fn put(live: &mut Live, invitation: Invitation) {
    live.invitations.insert(invitation.id, invitation);
}

pub fn line(state: LineState) -> LineView {
    LineView {
        state,
        dnd: false,
        since_at: None,
        evidence: Vec::new(),
    }
}

fn person(n: u8, name: &str, address: &str) -> Person {
    Person {
        id: person_id(n),
        name: name.into(),
        group: Some("Sales".into()),
        extension: format!("10{n}"),
        devices: vec![Device {
            id: id(n),
            kind: DeviceKind::IpSim,
            address: address.into(),
        }],
        recorded_name: false,
        line: line(LineState::Free),
        room: None,
        member: None,
    }
}

fn member(n: u8, name: &str) -> Member {
    Member {
        id: member_id(n),
        room_id: room_id(1),
        name: name.into(),
        employee_id: Some(person_id(n)),
        number: None,
        device_kind: DeviceKind::IpSim,
        role: Role::Speaker,
        muted: false,
        talking: false,
        hand_at: None,
        gain_db: 0,
        volume_db: 0,
        joined_at: 0,
        invitation_id: None,
        codec: Some(Codec::Opus),
        quality: None,
    }
}

pub fn quality(loss_percent: f32) -> Quality {
    Quality {
        loss_percent,
        jitter_ms: 4,
        rtt_ms: Some(30),
        loss_there_percent: 0.0,
        delay_ms: 40,
        mos: Some(4.3),
        silent_since_at: None,
    }
}

pub fn invitation(n: u8, status: InvitationStatus) -> Invitation {
    Invitation {
        id: invitation_id(n),
        occurrence_id: occurrence_id(1),
        room_id: room_id(1),
        employee_id: None,
        name: "Somebody".into(),
        number: Some("+4930901820".into()),
        role: Role::Speaker,
        reason: reason(Outcome::NoAnswer, 1, None),
        status,
        next: Next::Nothing,
        tries_made: 1,
        tries_allowed: None,
        rsvp: None,
    }
}

pub fn invitation_to(n: u8, status: InvitationStatus) -> Invitation {
    Invitation {
        employee_id: Some(person_id(n)),
        number: None,
        ..invitation(n, status)
    }
}

pub fn waiting(due_at: i64, why: WaitReason) -> InvitationStatus {
    InvitationStatus::Waiting { due_at, why }
}

pub fn calling(since_at: i64) -> InvitationStatus {
    InvitationStatus::Calling {
        attempt_id: id(1),
        phase: CallPhase::Ringing,
        since_at,
        gives_up_at: Some(since_at + 30_000),
    }
}

pub fn finished(why: Finish) -> InvitationStatus {
    InvitationStatus::Finished { why, at: 9_000 }
}

pub fn reason(outcome: Outcome, times: u32, rang_ms: Option<u32>) -> Option<Reason> {
    Some(Reason {
        outcome,
        at: 9_000,
        times,
        rang_ms,
    })
}

/// Waits after a call that ended so.
pub fn missed(n: u8, outcome: Outcome, times: u32) -> Invitation {
    Invitation {
        reason: reason(outcome, times, None),
        ..invitation(n, waiting(90_000, WaitReason::Retry))
    }
}

pub fn call(sooner: Option<AtOnceWhen>, then: LastAct) -> Next {
    Next::Call {
        at: 90_000,
        sooner,
        until_in: false,
        then,
    }
}

pub fn snapshot() -> Snapshot {
    let company_id = id(1);
    Snapshot {
        seq: 7,
        now: 60_000,
        me: Me {
            user_id: id(1),
            employee_id: person_id(1),
            name: "Irina Belova".into(),
            email: "irina@northway.example".into(),
            level: Level::Administrator,
            company_id,
            company_name: "Northway".into(),
            language: Language::English,
            time_zone: "UTC".into(),
        },
        company: Company {
            id: company_id,
            name: "Northway".into(),
            domain: "northway.example".into(),
            language: Language::English,
            time_zone: "UTC".into(),
            quiet_hours: None,
            lead_s: 300,
            remind_min: 15,
            rules: RetryRules::default(),
            service_number: None,
            service_city_number: None,
            trunks: Vec::new(),
        },
        people: vec![
            person(1, "Irina Belova", "irina"),
            person(2, "Oleg Sorokin", "oleg"),
            person(3, "Timur Valiev", "+79162041138"),
        ],
        rooms: vec![Room {
            id: room_id(1),
            number: "9000".into(),
            name: "Dealers".into(),
            has_pin: false,
            numbers: Vec::new(),
            occurrence: Some(occurrence_id(1)),
            locked: false,
            lobby: false,
            suppress_noise: false,
            members: 2,
        }],
        waiting: Vec::new(),
        members: vec![member(1, "Irina Belova"), member(2, "Oleg Sorokin")],
        meetings: vec![Meeting {
            id: meeting_id(1),
            title: "Dealers’ hour".into(),
            room_id: room_id(1),
            time_zone: "UTC".into(),
            starts_local: "1970-01-01T00:00".into(),
            starts_at: 0,
            duration_min: 60,
            series: None,
            lead_s: 300,
            early_s: 0,
            warn_s: 300,
            own_people_need_no_key: true,
            lobby: false,
            remind_min: 15,
            participants: Vec::new(),
            rules: None,
            occurrence_ids: vec![occurrence_id(1)],
            event_number: None,
        }],
        occurrences: vec![Occurrence {
            id: occurrence_id(1),
            meeting_id: Some(meeting_id(1)),
            date: None,
            title: "Dealers’ hour".into(),
            room_id: room_id(1),
            room_number: "9000".into(),
            status: OccurrenceStatus::Live,
            starts_at: 0,
            ends_at: 3_600_000,
            time_zone: "UTC".into(),
            restorable: false,
            dial_at: -300_000,
            late: false,
            expected: 2,
        }],
        invitations: Vec::new(),
        recordings: Vec::new(),
        notices: Vec::new(),
    }
}

/// One of the room's, in this state.
pub fn recording(n: u8, state: RecordingState) -> Recording {
    Recording {
        id: id(n),
        room_id: room_id(1),
        room_name: "Dealers".into(),
        occurrence_id: Some(occurrence_id(1)),
        title: String::new(),
        started_by: None,
        started_at: 60_000,
        ended_at: None,
        state,
        format: RecordingFormat::Ogg,
        tracks: false,
        duration_ms: 0,
        files: Vec::new(),
    }
}
