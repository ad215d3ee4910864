//! What must not be dialled, whatever is due.
//!
//! The guard is asked right before a call, with everything that is in flight
//! over all meetings. It never forgets a reason to refuse: a refusal says until
//! when it holds, if it does not hold for good.

use serde::{Deserialize, Serialize};

use crate::{
    company::QuietHours,
    id::{InvitationId, OccurrenceId},
    invitation::{Finish, Invitation, Rsvp, Status, Why},
    line::LineKey,
    meeting::Invitee,
    number::PhoneNumber,
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
    /// Where the callee's clock hangs.
    pub zone: Zone,
    /// All calls in flight.
    pub in_flight: &'a [InFlight],
    /// Numbers that asked never to be called again.
    pub never: &'a [PhoneNumber],
    /// The line that is about to be called.
    pub line: &'a LineKey,
    /// Its number, if it is one.
    pub number: Option<&'a PhoneNumber>,
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
    if let Some(number) = around.number
        && around.never.iter().any(|never| never.same_line(number))
    {
        return Err(Blocked::NeverAgain);
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
    let quiet = around.quiet_hours.filter(|_| !accepted);
    if let Some(until) = quiet.and_then(|quiet| quiet.until(now, around.zone)) {
        return Err(Blocked::QuietHours { until });
    }
    Ok(())
}

impl Blocked {
    /// When to ask again, and what the board says until then; none when never.
    pub fn retry(self, now: Millis) -> Option<(Millis, Why)> {
        match self {
            Self::MeetingOver | Self::Declined | Self::NeverAgain => None,
            Self::InFlight { .. } => Some((now + LOOK_AGAIN, Why::AlreadyCalled)),
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
mod tests {
    use super::*;
    use crate::{
        attempt::{CallEnd, Route},
        decode::{CallFacts, judge},
        employee::DeviceClass,
        id::{AttemptId, EmployeeId},
        invitation::{Remaining, Terms},
        role::Role,
        rules::RetryRules,
    };

    const NOW: Millis = Millis(1_000_000_000);
    const END: Millis = Millis(1_003_600_000);

    fn number(text: &str) -> PhoneNumber {
        text.parse().unwrap()
    }

    fn outside(text: &str) -> Invitee {
        Invitee::Outside {
            name: None,
            number: number(text),
        }
    }

    fn invitation(invitee: Invitee) -> Invitation {
        let id = InvitationId::new(NOW, [1; 10]);
        Invitation::new(
            id,
            OccurrenceId::new(NOW, [1; 10]),
            invitee,
            Role::Speaker,
            NOW,
        )
    }

    fn in_flight(invitee: Invitee, text: &str) -> InFlight {
        InFlight {
            invitation: InvitationId::new(NOW, [2; 10]),
            occurrence: OccurrenceId::new(NOW, [2; 10]),
            invitee,
            line: LineKey::Number(number(text)),
            number: Some(number(text)),
        }
    }

    /// What is around a call to `+79162041138`.
    struct Around {
        ends_at: Millis,
        calls: bool,
        quiet_hours: Option<QuietHours>,
        in_flight: Vec<InFlight>,
        never: Vec<PhoneNumber>,
    }

    fn quiet_around() -> Around {
        Around {
            ends_at: END,
            calls: true,
            quiet_hours: None,
            in_flight: Vec::new(),
            never: Vec::new(),
        }
    }

    fn beside(call: InFlight) -> Around {
        Around {
            in_flight: vec![call],
            ..quiet_around()
        }
    }

    fn ask(invitation: &Invitation, around: Around) -> Result<(), Blocked> {
        let mobile = number("+79162041138");
        let line = LineKey::Number(mobile.clone());
        let around = Circumstances {
            ends_at: around.ends_at,
            calls: around.calls,
            quiet_hours: around.quiet_hours,
            zone: Zone::UTC,
            in_flight: &around.in_flight,
            never: &around.never,
            line: &line,
            number: Some(&mobile),
        };
        check(invitation, &around, NOW)
    }

    #[test]
    fn nothing_in_the_way_is_a_call() {
        assert_eq!(
            ask(&invitation(outside("+79162041138")), quiet_around()),
            Ok(())
        );
    }

    #[test]
    fn one_person_is_never_in_two_calls_at_once() {
        let employee = Invitee::Employee(EmployeeId::new(NOW, [7; 10]));
        let him = invitation(employee.clone());
        let his_mobile = invitation(outside("+79162041138"));
        let blocked = Err(Blocked::InFlight {
            occurrence: OccurrenceId::new(NOW, [2; 10]),
        });

        let on_his_other_device = beside(in_flight(employee.clone(), "+74951204040"));
        assert_eq!(ask(&him, on_his_other_device), blocked);
        let by_the_same_number = beside(in_flight(employee, "+79162041138"));
        assert_eq!(ask(&his_mobile, by_the_same_number), blocked);
        let spelt_otherwise = beside(in_flight(outside("89162041138"), "8 916 204-11-38"));
        assert_eq!(ask(&his_mobile, spelt_otherwise), blocked);
        let somebody_else = beside(in_flight(outside("+79995550000"), "+79995550000"));
        assert_eq!(ask(&his_mobile, somebody_else), Ok(()));
    }

    #[test]
    fn nobody_is_called_after_the_end_or_when_the_occurrence_calls_nobody() {
        let someone = invitation(outside("+79162041138"));
        let over = Around {
            ends_at: NOW,
            ..quiet_around()
        };
        let silent = Around {
            calls: false,
            ..quiet_around()
        };

        assert_eq!(ask(&someone, over), Err(Blocked::MeetingOver));
        assert_eq!(ask(&someone, silent), Err(Blocked::MeetingOver));
    }

    #[test]
    fn who_declined_is_called_again_only_by_the_organisers_hand() {
        let mut someone = invitation(outside("+79162041138"));
        let attempt = AttemptId::new(NOW, [1; 10]);
        let route = Route {
            line: LineKey::Number(number("+79162041138")),
            class: DeviceClass::Outside,
            address: "+79162041138".to_owned(),
            trunk: None,
            g711_only: false,
        };
        someone.dial(attempt, route, NOW).unwrap();
        let facts = CallFacts {
            final_code: Some(603),
            ..CallFacts::default()
        };
        let rules = RetryRules::default();
        let terms = Terms {
            rules: &rules,
            starts_at: NOW,
            ends_at: END,
        };
        let verdict = judge(&facts, &Default::default());
        let remaining = Remaining::default();
        someone.on_call_ended(attempt, CallEnd::Failed, &verdict, remaining, terms, NOW);

        assert_eq!(ask(&someone, quiet_around()), Err(Blocked::Declined));
        someone.call_now(NOW);
        assert_eq!(ask(&someone, quiet_around()), Ok(()));
    }

    #[test]
    fn quiet_hours_wait_for_the_morning_unless_the_organiser_insists() {
        let mut someone = invitation(outside("+79162041138"));
        let night = || Around {
            quiet_hours: Some(QuietHours {
                from_minute: 0,
                until_minute: 24 * 60 - 1,
            }),
            ..quiet_around()
        };
        let Err(Blocked::QuietHours { until }) = ask(&someone, night()) else {
            panic!("it is quiet");
        };

        assert!(until > NOW);
        someone.call_now(NOW);
        assert_eq!(ask(&someone, night()), Ok(()));
    }

    #[test]
    fn an_unwanted_number_is_never_called() {
        let around = Around {
            never: vec![number("89162041138")],
            ..quiet_around()
        };

        let asked = ask(&invitation(outside("+79162041138")), around);

        assert_eq!(asked, Err(Blocked::NeverAgain));
    }
}
