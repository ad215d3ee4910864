//! From the domain's words to the wire's: what a row or a live thing looks like to the board.
//!
//! Nothing is decided here. The server's tasks use the same functions for the events they write.

use api::{Level, LineView, Me};
use domain::{
    MeetingId, OccurrenceId, Span,
    calibration::{Calibration, Condition, Step},
    company::{Company, QuietHours},
    employee::{Device, DeviceKind, Employee},
    meeting::{Invitee, Meeting},
    notice::{self, Notice},
    occurrence::{Occurrence, StatusKind},
    room::Room,
    rules::RetryRules,
    series::{Exception, Moved, Series},
    trunk::{Target, Trunk},
};
use store::{CompanyDirectory, User, VisitRow};

use super::{Live, auth::Signed, error::ApiError};

mod lines;
mod roll;

pub use lines::{line_state, line_view};
pub use roll::{Around, attempt, invitation, rsvp};

pub(super) fn level(user: &User) -> Level {
    if user.level == "administrator" {
        Level::Administrator
    } else {
        Level::Employee
    }
}

pub(super) fn me(signed: &Signed) -> Result<Me, ApiError> {
    let (company, employee) = (&signed.company()?.company, signed.employee()?);
    Ok(Me {
        user_id: signed.user.id,
        employee_id: employee.id,
        name: employee.name.clone(),
        email: signed.user.email.clone(),
        level: signed.level,
        company_id: company.id,
        company_name: company.name.clone(),
        language: company.language,
        time_zone: employee.zone.unwrap_or(company.zone).name().to_owned(),
    })
}

/// A reminder's minutes; 0 is never.
fn minutes_ahead(before: Option<Span>) -> u32 {
    before.map_or(0, |before| seconds(before.as_seconds() / 60))
}

/// The company with its trunks as they are now.
pub fn company(directory: &CompanyDirectory, live: &dyn Live) -> api::Company {
    let Company {
        id,
        name,
        domain,
        language,
        zone,
        rules,
        lead_ms,
        remind_ms,
        quiet_hours,
        service,
        limits: _,
    } = &directory.company;
    api::Company {
        id: *id,
        name: name.clone(),
        domain: domain.clone(),
        language: *language,
        time_zone: zone.name().to_owned(),
        quiet_hours: quiet_hours.as_ref().map(self::quiet_hours),
        lead_s: seconds(lead_ms.as_seconds()),
        remind_min: minutes_ahead(*remind_ms),
        rules: rules.clone(),
        service_number: service.number.as_ref().map(ToString::to_string),
        service_city_number: service.city_number.as_ref().map(ToString::to_string),
        trunks: trunks(directory, live),
    }
}

/// The company's trunks in order of trying, with what was learnt of them.
pub fn trunks(directory: &CompanyDirectory, live: &dyn Live) -> Vec<api::Trunk> {
    let trunk = |trunk: &Trunk| api::Trunk {
        id: trunk.id,
        name: trunk.name.clone(),
        state: live.trunk(trunk.id),
        learnt: trunk.profile.prints.clone(),
        calibration: directory.calibrations.get(&trunk.id).map(calibration),
    };
    directory.trunks.iter().map(trunk).collect()
}

fn calibration(calibration: &Calibration) -> api::Calibration {
    let step = |condition: Condition| api::CalibrationStep {
        condition,
        status: match calibration.step(condition) {
            None => api::StepStatus::Open,
            Some(Step::Calling { number, since, .. }) => api::StepStatus::Calling {
                number: number.to_string(),
                since_at: since.0,
            },
            Some(Step::Learnt { number, print }) => api::StepStatus::Learnt {
                number: number.to_string(),
                answer: *print,
            },
            Some(Step::Failed { number, at, why }) => api::StepStatus::Failed {
                number: number.to_string(),
                at: at.0,
                why: *why,
            },
        },
    };
    let alike = calibration.conflict();
    api::Calibration {
        started_at: calibration.started_at.0,
        steps: Condition::ALL.map(step).into(),
        alike: alike.map(|(one, other)| api::Alike { one, other }),
        ready: calibration.profile().is_ok(),
    }
}

fn quiet_hours(hours: &QuietHours) -> api::QuietHours {
    let clock = |minute: u16| format!("{:02}:{:02}", minute / 60, minute % 60);
    api::QuietHours {
        from: clock(hours.from_minute),
        until: clock(hours.until_minute),
    }
}

/// An employee; `members` are those of the company's rooms, `recorded` says whether he has recorded his name.
pub fn person(
    employee: &Employee,
    line: LineView,
    members: &[api::Member],
    recorded: bool,
) -> api::Person {
    let member = members
        .iter()
        .find(|member| member.employee_id == Some(employee.id));
    api::Person {
        id: employee.id,
        name: employee.name.clone(),
        group: employee.group.clone(),
        extension: employee.extension.to_string(),
        devices: employee.devices.iter().map(device).collect(),
        recorded_name: recorded,
        line,
        room: member.map(|member| member.room_id),
        member: member.map(|member| member.id),
    }
}

fn device(device: &Device) -> api::Device {
    let address = match &device.kind {
        DeviceKind::SipPhone { username, .. } => username.clone(),
        DeviceKind::IpSim { mobile, .. } => mobile.to_string(),
        DeviceKind::Outside { number } => number.to_string(),
    };
    api::Device {
        id: device.id,
        kind: device.kind.class(),
        address,
    }
}

/// A room; `occurrence` is the one being called or held in it.
pub fn room(
    room: &Room,
    directory: &CompanyDirectory,
    occurrence: Option<OccurrenceId>,
    members: &[api::Member],
) -> api::Room {
    let leads_here = |target: &Target| matches!(target, Target::Room(id) if *id == room.id);
    let inside = members
        .iter()
        .filter(|member| member.room_id == room.id)
        .count();
    api::Room {
        id: room.id,
        number: room.number.to_string(),
        name: room.name.clone(),
        has_pin: room.pin.is_some() || room.moderator_pin.is_some(),
        numbers: directory
            .numbers
            .iter()
            .filter(|number| leads_here(&number.target))
            .map(|number| number.number.to_string())
            .collect(),
        occurrence,
        // What is in no row is told by whoever asks.
        locked: false,
        lobby: room.settings.lobby,
        suppress_noise: room.settings.suppress_noise,
        members: u32::try_from(inside).unwrap_or(u32::MAX),
    }
}

/// A plan with the ids of its dates.
pub fn meeting(
    meeting: &Meeting,
    directory: &CompanyDirectory,
    occurrences: Vec<OccurrenceId>,
) -> api::Meeting {
    let participants = meeting
        .participants
        .iter()
        .map(|one| participant(one, directory));
    api::Meeting {
        id: meeting.id,
        title: meeting.title.clone(),
        room_id: meeting.room,
        time_zone: meeting.zone.name().to_owned(),
        starts_local: meeting.starts_local.to_string(),
        starts_at: meeting.hours().map_or(0, |(start, _)| start.0),
        duration_min: seconds(meeting.duration_ms.as_seconds() / 60),
        series: meeting.series.as_ref().map(series),
        lead_s: seconds(meeting.lead_ms.as_seconds()),
        early_s: seconds(meeting.early_ms.as_seconds()),
        warn_s: seconds(meeting.warn_ms.as_seconds()),
        own_people_need_no_key: meeting.own_people_need_no_key,
        lobby: meeting.lobby,
        remind_min: minutes_ahead(meeting.remind_ms),
        participants: participants.collect(),
        rules: meeting.rules.clone(),
        occurrence_ids: occurrences,
        event_number: directory
            .event_numbers
            .iter()
            .find(|number| {
                let binding = number.binding.as_ref();
                binding
                    .is_some_and(|bound| bound.meeting == meeting.id && bound.released_at.is_none())
            })
            .map(|number| number.number.to_string()),
    }
}

fn participant(
    participant: &domain::meeting::Participant,
    directory: &CompanyDirectory,
) -> api::Participant {
    let (employee_id, name, number) = who(&participant.invitee, directory);
    api::Participant {
        employee_id,
        name,
        number,
        email: participant.email.clone(),
        role: participant.role,
    }
}

/// A list of people with a name. Whoever has left the company since is not shown.
pub fn template(
    template: &domain::template::Template,
    directory: &CompanyDirectory,
) -> api::Template {
    let here = |one: &&domain::meeting::Participant| match one.invitee {
        Invitee::Employee(id) => directory.employee(id).is_some(),
        Invitee::Outside { .. } => true,
    };
    api::Template {
        id: template.id,
        name: template.name.clone(),
        participants: template
            .participants
            .iter()
            .filter(here)
            .map(|one| participant(one, directory))
            .collect(),
        room_id: template.room.filter(|room| directory.room(*room).is_some()),
        duration_min: template
            .duration_ms
            .map(|lasts| seconds(lasts.as_seconds() / 60)),
    }
}

fn series(series: &Series) -> api::Series {
    let exceptions = series.exceptions.iter().map(|(date, exception)| {
        let moved = match exception {
            Exception::CalledOff => Moved::default(),
            Exception::Moved(moved) => *moved,
        };
        api::SeriesException {
            date: *date,
            called_off: *exception == Exception::CalledOff,
            starts_local: moved.starts_local.map(|local| local.to_string()),
            duration_min: moved
                .duration_ms
                .map(|span| seconds(span.as_seconds() / 60)),
            room_id: moved.room,
        }
    });
    api::Series {
        rule: series.rule.to_string(),
        paused_since_at: series.paused_since.map(|at| at.0),
        exceptions: exceptions.collect(),
    }
}

/// Somebody's employee id, name as shown, and number if he is from outside.
pub(super) fn who(
    invitee: &Invitee,
    directory: &CompanyDirectory,
) -> (Option<domain::EmployeeId>, String, Option<String>) {
    match invitee {
        Invitee::Employee(id) => {
            let name = directory
                .employee(*id)
                .map(|employee| employee.name.clone());
            (Some(*id), name.unwrap_or_default(), None)
        }
        Invitee::Outside { name, number } => {
            let shown = name.clone().unwrap_or_else(|| number.to_string());
            (None, shown, Some(number.to_string()))
        }
    }
}

/// A date; `expected` is how many are invited.
pub fn occurrence(
    occurrence: &Occurrence,
    directory: &CompanyDirectory,
    expected: u32,
) -> api::Occurrence {
    api::Occurrence {
        id: occurrence.id,
        meeting_id: occurrence.meeting,
        date: occurrence.slot,
        title: occurrence.title.clone(),
        room_id: occurrence.room,
        room_number: directory
            .room(occurrence.room)
            .map(|room| room.number.to_string())
            .unwrap_or_default(),
        status: match occurrence.status.kind() {
            StatusKind::Scheduled => api::OccurrenceStatus::Scheduled,
            StatusKind::Early => api::OccurrenceStatus::Early,
            StatusKind::Calling => api::OccurrenceStatus::Calling,
            StatusKind::Live => api::OccurrenceStatus::Live,
            StatusKind::Ended => api::OccurrenceStatus::Ended,
            StatusKind::Missed => api::OccurrenceStatus::Missed,
            StatusKind::Cancelled => api::OccurrenceStatus::Cancelled,
        },
        starts_at: occurrence.starts_at.0,
        ends_at: occurrence.ends_at.0,
        time_zone: occurrence
            .zone
            .unwrap_or(directory.company.zone)
            .name()
            .to_owned(),
        restorable: occurrence.slot.is_some() && occurrence.status.kind() == StatusKind::Cancelled,
        dial_at: occurrence.dial_at.0,
        late: occurrence.late,
        expected,
    }
}

/// A mail or a short message.
pub fn notice(notice: &Notice) -> api::Notice {
    api::Notice {
        id: notice.id,
        about: notice.about,
        occurrence_id: notice.occurrence,
        invitation_id: notice.invitation,
        by: match notice.to {
            notice::Address::Mail(_) => api::NoticeWay::Mail,
            notice::Address::Sms(_) => api::NoticeWay::Sms,
        },
        to: notice.to.to_string(),
        name: notice.name.clone(),
        created_at: notice.created_at.0,
        state: match notice.state {
            notice::State::Waiting { due_at } => api::NoticeState::Waiting { due_at: due_at.0 },
            notice::State::Sent { at } => api::NoticeState::Sent { at: at.0 },
            notice::State::Failed { at } => api::NoticeState::Failed { at: at.0 },
        },
        tries: notice.tries,
        trouble: notice.trouble.as_ref().map(trouble),
    }
}

pub(super) fn trouble(trouble: &notice::Trouble) -> api::NoticeTrouble {
    api::NoticeTrouble {
        kind: trouble.kind,
        detail: trouble.detail.clone(),
    }
}

pub(super) fn visit(visit: &VisitRow, talk_share: Option<u32>) -> api::Visit {
    api::Visit {
        member_id: visit.member,
        name: visit.name.clone(),
        employee_id: visit.employee,
        number: visit.number.as_ref().map(ToString::to_string),
        joined_at: visit.joined_at.0,
        left_at: visit.left_at.map(|at| at.0),
        why: visit
            .why
            .as_ref()
            .and_then(|why| serde_json::from_value(why.as_str().into()).ok()),
        talked_s: visit
            .talked_ms
            .filter(|_| visit.left_at.is_some())
            .and_then(|talked| u32::try_from(talked / 1000).ok()),
        talk_share,
    }
}

/// The rules that hold for a meeting: its own, else the company's.
pub fn rules_of<'a>(meeting: Option<&'a Meeting>, company: &'a Company) -> &'a RetryRules {
    meeting
        .and_then(|meeting| meeting.rules.as_ref())
        .unwrap_or(&company.rules)
}

/// An event as the rows keep it.
pub fn event(kind: &api::EventKind) -> String {
    serde_json::to_string(kind).expect("events are plain data")
}

/// The event that a meeting is no more.
pub(super) fn meeting_removed(id: MeetingId) -> String {
    event(&api::EventKind::MeetingRemoved { id })
}

fn seconds(value: i64) -> u32 {
    u32::try_from(value).unwrap_or(0)
}
