//! From the domain's words to the wire's: what a row or a live thing looks like to the board.
//!
//! Nothing is decided here. The server's tasks use the same functions for the events they write.

use api::{
    AtOnceWhen, AttemptEnding, CallPhase, Evidence, EvidenceSource, LastAct, Level, LineView, Me,
    Next, Reason, Text, WaitReason,
};
use domain::{
    MeetingId, Millis, OccurrenceId, RoomId, Span,
    attempt::{Attempt, CallEnd, LeaveWay},
    calibration::{Calibration, Condition, Step},
    company::{Company, QuietHours},
    employee::{Device, DeviceKind, Employee},
    invitation::{self, Invitation, Phase, Status, Why},
    line,
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

/// What is known of one line.
pub fn line_view(view: &line::LineView<'_>) -> LineView {
    LineView {
        state: line_state(view.state),
        dnd: view.dnd,
        since_at: view.winner.map(|winner| winner.at.0),
        evidence: view
            .evidence
            .iter()
            .map(|evidence| self::evidence(evidence))
            .collect(),
    }
}

pub fn line_state(state: line::LineState) -> api::LineState {
    match state {
        line::LineState::Free => api::LineState::Free,
        line::LineState::Ringing => api::LineState::Ringing,
        line::LineState::Busy => api::LineState::Busy,
        line::LineState::Offline => api::LineState::Offline,
        line::LineState::Unknown => api::LineState::Unknown,
    }
}

fn evidence(evidence: &line::Evidence) -> Evidence {
    let source = match evidence.source {
        line::Source::OwnCall => EvidenceSource::OwnCall,
        line::Source::Registration | line::Source::RegEvent => EvidenceSource::Registration,
        line::Source::Outcome => EvidenceSource::Outcome,
        line::Source::Dialog => EvidenceSource::Dialog,
        line::Source::Presence => EvidenceSource::Presence,
        line::Source::Operator => EvidenceSource::Operator,
        line::Source::Notice => EvidenceSource::Notice,
    };
    Evidence {
        state: line_state(evidence.state),
        source,
        at: evidence.at.0,
        until_at: evidence.until.map(|until| until.0),
        confidence: match evidence.confidence {
            line::Confidence::Guess => api::Confidence::Guess,
            line::Confidence::Likely => api::Confidence::Likely,
            line::Confidence::Sure => api::Confidence::Sure,
            line::Confidence::Exact => api::Confidence::Exact,
        },
        text: seen(&evidence.detail),
    }
}

/// What was seen of a line, as a code with its arguments.
fn seen(detail: &line::Detail) -> Text {
    use line::Seen;

    let (code, figure) = match detail.seen {
        Seen::Registered => ("registered", None),
        Seen::NotRegistered => ("not_registered", None),
        Seen::Unregistered => ("unregistered", None),
        Seen::Expired => ("expired", None),
        Seen::Probation(seconds) => ("probation", Some(("seconds", seconds))),
        Seen::OurCallRings => ("our_call_rings", None),
        Seen::OurCall => ("our_call", None),
        Seen::Cause(cause) => ("cause", Some(("cause", cause.into()))),
        Seen::Code(code) => ("code", Some(("code", code.into()))),
        Seen::NoAnswer => ("no_answer", None),
        Seen::Rings => ("rings", None),
        Seen::Talks => ("talks", None),
        Seen::NoCall => ("no_call", None),
        Seen::Open => ("open", None),
        Seen::Closed => ("closed", None),
        Seen::OnThePhone => ("on_the_phone", None),
        Seen::AssumedIdle => ("assumed_idle", None),
        Seen::CamelBusy => ("camel_busy", None),
        Seen::NetDetNotReachable => ("net_det_not_reachable", None),
        Seen::NotProvided => ("not_provided", None),
        Seen::Connected => ("connected", None),
        Seen::Absent => ("absent", None),
        Seen::Back => ("back", None),
    };
    let trunk = detail.trunk.iter().map(|trunk| ("trunk", trunk.clone()));
    let figure = figure.map(|(name, figure): (_, u32)| (name, figure.to_string()));
    Text {
        code: code.to_owned(),
        args: trunk
            .chain(figure)
            .map(|(name, value)| (name.to_owned(), value))
            .collect(),
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

/// What surrounds an invitation when it is shown.
#[derive(Debug, Clone, Copy)]
pub struct Around<'a> {
    pub room: RoomId,
    pub starts_at: Millis,
    pub rules: &'a RetryRules,
    pub directory: &'a CompanyDirectory,
}

/// One person's place in the roll.
pub fn invitation(invitation: &Invitation, around: Around<'_>) -> api::Invitation {
    let standing = invitation.standing(around.rules);
    let (employee_id, name, number) = who(&invitation.invitee, around.directory);
    let (tries_made, reason) = (
        tries_made(invitation, standing.try_number),
        reason(invitation, standing.try_number),
    );
    api::Invitation {
        id: invitation.id,
        occurrence_id: invitation.occurrence,
        room_id: around.room,
        employee_id,
        name,
        number,
        role: invitation.role,
        status: status(
            *invitation.status(),
            invitation.last().map(|last| last.result.outcome),
            around.rules,
        ),
        reason,
        next: next(invitation, standing.next, around),
        tries_made,
        tries_allowed: standing.tries_allowed,
        rsvp: invitation.rsvp().map(rsvp),
    }
}

pub fn rsvp(rsvp: invitation::Rsvp) -> api::Rsvp {
    match rsvp {
        invitation::Rsvp::Accepted => api::Rsvp::Accepted,
        invitation::Rsvp::Later => api::Rsvp::Later,
        invitation::Rsvp::Declined => api::Rsvp::Declined,
    }
}

fn tries_made(invitation: &Invitation, try_number: u32) -> u32 {
    match invitation.status() {
        // The try that is numbered is still to come.
        Status::Waiting { .. } => try_number.saturating_sub(1),
        Status::Calling { .. }
        | Status::Held { .. }
        | Status::InRoom { .. }
        | Status::Finished { .. } => try_number,
    }
}

fn reason(invitation: &Invitation, try_number: u32) -> Option<Reason> {
    let last = invitation.last()?;
    let times = match invitation.status() {
        Status::Waiting {
            why: Why::NoAnswer, ..
        } => try_number.saturating_sub(1).max(1),
        Status::Waiting { .. }
        | Status::Calling { .. }
        | Status::Held { .. }
        | Status::InRoom { .. }
        | Status::Finished { .. } => 1,
    };
    Some(Reason {
        outcome: last.result.outcome,
        at: last.at.0,
        times,
        rang_ms: last
            .result
            .rang_ms
            .map(|rang| u32::try_from(rang.0).unwrap_or(0)),
    })
}

fn status(
    status: Status,
    last: Option<domain::Outcome>,
    rules: &RetryRules,
) -> api::InvitationStatus {
    let dropped = last == Some(domain::Outcome::Dropped);
    match status {
        Status::Waiting { due_at, why } => api::InvitationStatus::Waiting {
            due_at: due_at.0,
            why: wait_reason(why),
        },
        Status::Calling {
            attempt,
            since,
            phase,
            ..
        } => api::InvitationStatus::Calling {
            attempt_id: attempt,
            phase: match phase {
                Phase::Dialling => CallPhase::Dialling,
                Phase::Ringing => CallPhase::Ringing,
                Phase::Answered => CallPhase::Answered,
            },
            since_at: since.0,
            gives_up_at: Some(gives_up_at(phase, since, rules).0),
        },
        Status::Held { since, .. } => api::InvitationStatus::Held { since_at: since.0 },
        Status::InRoom { member, since, .. } => api::InvitationStatus::InRoom {
            member_id: member,
            since_at: since.0,
        },
        Status::Finished { why, at } => api::InvitationStatus::Finished {
            why: finish(why, dropped),
            at: at.0,
        },
    }
}

fn gives_up_at(phase: Phase, since: Millis, rules: &RetryRules) -> Millis {
    since
        + match phase {
            Phase::Dialling => rules.setup_ms,
            Phase::Ringing => rules.ring_ms,
            Phase::Answered => rules.confirm_ms,
        }
}

fn wait_reason(why: Why) -> WaitReason {
    match why {
        Why::First => WaitReason::FirstCall,
        Why::Busy
        | Why::Offline
        | Why::NoAnswer
        | Why::NotConfirmed
        | Why::Dropped
        | Why::Network
        | Why::NextLine
        | Why::NextTrunk
        | Why::NextCodec
        | Why::NoChannel
        | Why::Lost => WaitReason::Retry,
        Why::AskedLater | Why::AtStart => WaitReason::Later,
        Why::Organiser => WaitReason::CallNow,
        Why::LineFreed | Why::LineReturned => WaitReason::LineChanged,
        Why::AlreadyCalled => WaitReason::OtherCall,
        Why::QuietHours => WaitReason::QuietHours,
        Why::DoNotDisturb => WaitReason::DoNotDisturb,
    }
}

/// `dropped`: his last call broke off.
fn finish(why: invitation::Finish, dropped: bool) -> api::Finish {
    match why {
        invitation::Finish::Declined => api::Finish::Declined,
        invitation::Finish::CannotCome => api::Finish::CannotCome,
        invitation::Finish::Offline => api::Finish::Offline,
        invitation::Finish::NoAnswer => api::Finish::NoAnswer,
        invitation::Finish::NotConfirmed => api::Finish::NotConfirmed,
        invitation::Finish::Left if dropped => api::Finish::Dropped,
        invitation::Finish::Left | invitation::Finish::Attended => api::Finish::Left,
        invitation::Finish::Invalid => api::Finish::Invalid,
        invitation::Finish::NoDevice => api::Finish::Unreachable,
        invitation::Finish::TakenOut => api::Finish::Removed,
        invitation::Finish::GivenUp => api::Finish::Stopped,
        invitation::Finish::NotAllowed => api::Finish::NotAllowed,
        invitation::Finish::Absent => api::Finish::MeetingOver,
    }
}

fn next(invitation: &Invitation, next: invitation::Next, around: Around<'_>) -> Next {
    let at = match invitation.status() {
        Status::Waiting { due_at, .. } => due_at.0,
        Status::Calling { since, phase, .. } => gives_up_at(*phase, *since, around.rules).0,
        Status::Held { .. } | Status::InRoom { .. } | Status::Finished { .. } => around.starts_at.0,
    };
    let was_offline = matches!(
        invitation.status(),
        Status::Waiting {
            why: Why::Offline,
            ..
        }
    );
    let back = was_offline.then_some(AtOnceWhen::BackInNetwork);
    let call = |sooner, until_in, then| Next::Call {
        at,
        sooner,
        until_in,
        then,
    };
    match next {
        invitation::Next::Call
        | invitation::Next::TryAgain
        | invitation::Next::AtStart
        | invitation::Next::WhenAllowed => call(None, false, LastAct::Nothing),
        invitation::Next::UntilIn => call(Some(AtOnceWhen::HangsUp), true, LastAct::Nothing),
        invitation::Next::AtOnceWhenBack => call(
            Some(AtOnceWhen::BackInNetwork),
            false,
            around.rules.offline.last_act,
        ),
        invitation::Next::ThenLastAct(act) => call(back, false, act),
        invitation::Next::GiveUpRinging => Next::GiveUpRinging { at },
        invitation::Next::JoinAtStart => Next::JoinAtStart {
            at: around.starts_at.0,
        },
        invitation::Next::Here | invitation::Next::Nothing => Next::Nothing,
    }
}

/// One call made for an invitation.
pub fn attempt(attempt: &Attempt, directory: &CompanyDirectory) -> api::Attempt {
    let trunk = attempt
        .route
        .trunk
        .and_then(|id| directory.trunks.iter().find(|trunk| trunk.id == id));
    let row = attempt
        .result
        .and_then(|result| serde_json::to_value(result.row).ok());
    api::Attempt {
        id: attempt.id,
        invitation_id: attempt.invitation,
        number: attempt.number,
        address: attempt.route.address.clone(),
        device_kind: attempt.route.class,
        trunk_id: attempt.route.trunk,
        trunk_name: trunk.map(|trunk| trunk.name.clone()),
        started_at: attempt.started_at.0,
        ringing_at: attempt.ringing_at.map(|at| at.0),
        answered_at: attempt.answered_at.map(|at| at.0),
        ended_at: attempt.ended_at.map(|at| at.0),
        outcome: attempt.result.map(|result| result.outcome),
        ending: attempt.end.map(ending),
        row: row.and_then(|row| row.as_str().map(str::to_owned)),
        sip_code: attempt.result.and_then(|result| result.sip_code),
        q850_cause: attempt.result.and_then(|result| result.q850_cause),
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

fn ending(end: CallEnd) -> AttemptEnding {
    match end {
        CallEnd::Failed => AttemptEnding::Failed,
        CallEnd::NotConfirmed => AttemptEnding::NotConfirmed,
        CallEnd::Later => AttemptEnding::Later,
        CallEnd::CannotCome => AttemptEnding::CannotCome,
        CallEnd::LeftHold => AttemptEnding::LeftHold,
        CallEnd::Withdrawn => AttemptEnding::Withdrawn,
        CallEnd::Left(way) => match way {
            LeaveWay::HungUp => AttemptEnding::HungUp,
            LeaveWay::AudioLost => AttemptEnding::AudioLost,
            LeaveWay::Key => AttemptEnding::Key,
            LeaveWay::Moderator => AttemptEnding::TakenOut,
            LeaveWay::MeetingOver => AttemptEnding::MeetingOver,
            LeaveWay::Lost => AttemptEnding::Lost,
        },
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
