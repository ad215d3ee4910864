//! What must not be dialled, whatever is due.
//!
//! The guard is asked right before a call, with everything that is in flight
//! over all meetings. It never forgets a reason to refuse: a refusal says until
//! when it holds, if it does not hold for good.

mod limits;
mod own_calls;

use serde::{Deserialize, Serialize};

pub use limits::{Cap, Charged, Limits, Over, Prefix, PrefixError, Price, Spent};
pub use own_calls::{OwnCalls, OwnRefused, USUAL_AN_HOUR, Who};

use crate::{
    company::QuietHours,
    id::{InvitationId, OccurrenceId},
    invitation::{Finish, Invitation, Rsvp, Status, Why},
    line::LineKey,
    meeting::Invitee,
    number::PhoneNumber,
    numbering,
    time::{Millis, Span, Zone},
};

/// A call that is up or being set up, to whomever, in whichever meeting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InFlight {
    /// For which invitation.
    pub invitation: InvitationId,
    /// At which occurrence.
    pub occurrence: OccurrenceId,
    /// To whom.
    pub invitee: Invitee,
    /// By which line.
    pub line: LineKey,
    /// The number dialled, if it is one.
    pub number: Option<PhoneNumber>,
}

/// Everything the guard looks at.
#[derive(Debug, Clone, Copy)]
pub struct Circumstances<'a> {
    /// When the occurrence is over.
    pub ends_at: Millis,
    /// Whether the occurrence calls people at all now.
    pub calls: bool,
    /// The company's quiet hours.
    pub quiet_hours: Option<QuietHours>,
    /// He asked not to be disturbed.
    pub quiet: bool,
    /// Where the callee's clock hangs, or may hang where nobody knows.
    pub zones: &'a [Zone],
    /// Where the company's clock hangs: numbers are dialled as in its country.
    pub home: Zone,
    /// All calls in flight.
    pub in_flight: &'a [InFlight],
    /// Numbers that asked never to be called again.
    pub never: &'a [PhoneNumber],
    /// The line that is about to be called.
    pub line: &'a LineKey,
    /// Its number, if it is called over an operator.
    pub number: Option<&'a PhoneNumber>,
    /// Where the company calls, and what that may cost.
    pub limits: &'a Limits,
    /// What this meeting has called and spent.
    pub meeting_spent: Spent,
    /// The same of the company today.
    pub day_spent: Spent,
}

/// Why somebody is not called now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Blocked {
    /// The meeting is over, or calls nobody.
    #[error("The meeting is over")]
    MeetingOver,
    /// He declined, or said he cannot come.
    #[error("He declined")]
    Declined,
    /// He asked never to be called on this number.
    #[error("He asked never to be called on this number")]
    NeverAgain,
    /// A call with him is up already.
    #[error("He is in a call of another meeting")]
    InFlight {
        /// At which occurrence.
        occurrence: OccurrenceId,
    },
    /// The company does not call there, or has called and spent enough.
    #[error("It is over the company's limits: {over:?}")]
    Limit {
        /// Over which.
        over: Over,
    },
    /// He asked not to be disturbed.
    #[error("He asked not to be disturbed")]
    DoNotDisturb,
    /// It is night where he is.
    #[error("It is quiet hours where he is")]
    QuietHours {
        /// Until when.
        until: Millis,
    },
}

/// How soon a call that another call stands in the way of is looked at again,
/// when nothing says before that the other one ended.
const LOOK_AGAIN: Span = Span::seconds(15);

/// Whether this invitation may be dialled now.
pub fn check(
    invitation: &Invitation,
    around: &Circumstances<'_>,
    now: Millis,
) -> Result<(), Blocked> {
    if now >= around.ends_at || !around.calls {
        return Err(Blocked::MeetingOver);
    }
    if has_declined(invitation) {
        return Err(Blocked::Declined);
    }
    // The organiser may want him all the same: neither is his to lift.
    if let Some(number) = around.number {
        let spent = (around.meeting_spent, around.day_spent);
        number_allowed(number, around.never, around.limits, around.home, spent)?;
    }
    if let Some(other) = around
        .in_flight
        .iter()
        .find(|call| is_same(call, invitation, around))
    {
        return Err(Blocked::InFlight {
            occurrence: other.occurrence,
        });
    }
    let accepted = invitation.rsvp() == Some(Rsvp::Accepted) || wanted_by_hand(invitation);
    // Only the organiser, by his own hand, disturbs him all the same.
    if around.quiet && !wanted_by_hand(invitation) {
        return Err(Blocked::DoNotDisturb);
    }
    let quiet = around.quiet_hours.filter(|_| !accepted);
    if let Some(until) = quiet
        .and_then(|quiet| quiet_until(quiet, around.zones, now))
        .map(|(until, _)| until)
    {
        return Err(Blocked::QuietHours { until });
    }
    Ok(())
}

/// When it is quiet in none of these zones any more, and in which it ends last; none when it
/// is not quiet in any.
pub fn quiet_until(quiet: QuietHours, zones: &[Zone], now: Millis) -> Option<(Millis, Zone)> {
    let ends = zones
        .iter()
        .filter_map(|zone| Some((quiet.until(now, *zone)?, *zone)));
    ends.max_by_key(|(until, _)| *until)
}

/// Whether this number may be dialled over an operator, as in the country of `home`; `spent` by
/// the meeting and by the day.
///
/// It speaks of the number and not of the person: he may have another line.
pub fn number_allowed(
    number: &PhoneNumber,
    never: &[PhoneNumber],
    limits: &Limits,
    home: Zone,
    (meeting, day): (Spent, Spent),
) -> Result<(), Blocked> {
    if never.iter().any(|never| never.same_line(number)) {
        return Err(Blocked::NeverAgain);
    }
    limits
        .check(&numbering::in_full(number, home), meeting, day)
        .map_err(|over| Blocked::Limit { over })
}

impl Blocked {
    /// When to ask again, and what the board says until then; none when never.
    pub fn retry(self, now: Millis) -> Option<(Millis, Why)> {
        match self {
            Self::MeetingOver | Self::Declined | Self::NeverAgain | Self::Limit { .. } => None,
            Self::InFlight { .. } => Some((now + LOOK_AGAIN, Why::AlreadyCalled)),
            Self::DoNotDisturb => Some((now + LOOK_AGAIN, Why::DoNotDisturb)),
            Self::QuietHours { until } => Some((until, Why::QuietHours)),
        }
    }
}

fn has_declined(invitation: &Invitation) -> bool {
    let finished = matches!(
        invitation.status(),
        Status::Finished {
            why: Finish::Declined | Finish::CannotCome,
            ..
        }
    );
    finished || invitation.rsvp() == Some(Rsvp::Declined)
}

/// The organiser answers for a call he asks for himself.
fn wanted_by_hand(invitation: &Invitation) -> bool {
    matches!(
        invitation.status(),
        Status::Waiting {
            why: Why::Organiser,
            ..
        }
    )
}

/// One person is one person by his id, by his line and by his number: a mobile
/// that was dragged in as a bare number may be an employee's.
fn is_same(call: &InFlight, invitation: &Invitation, around: &Circumstances<'_>) -> bool {
    let number = match (&call.number, around.number) {
        (Some(one), Some(two)) => one.same_line(two),
        (None, _) | (_, None) => false,
    };
    number || call.line == *around.line || call.invitee.is_same_person(&invitation.invitee)
}

#[cfg(test)]
mod tests;
