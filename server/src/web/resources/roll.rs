//! The roll: who is expected, what became of the calls to him, and what comes next.

use api::{AtOnceWhen, AttemptEnding, CallPhase, LastAct, Next, Reason, WaitReason};
use domain::{
    Millis, RoomId,
    attempt::{Attempt, CallEnd, LeaveWay},
    invitation::{self, Invitation, Phase, Status, Why},
    rules::RetryRules,
};
use store::CompanyDirectory;

use super::who;

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
