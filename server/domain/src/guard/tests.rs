//! Who is refused, and until when.

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
    quiet: bool,
    in_flight: Vec<InFlight>,
    never: Vec<PhoneNumber>,
    limits: Limits,
    spent: Spent,
}

fn quiet_around() -> Around {
    Around {
        ends_at: END,
        calls: true,
        quiet_hours: None,
        quiet: false,
        in_flight: Vec::new(),
        never: Vec::new(),
        limits: Limits::default(),
        spent: Spent::default(),
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
        quiet: around.quiet,
        zones: &[Zone::UTC],
        home: Zone::UTC,
        in_flight: &around.in_flight,
        never: &around.never,
        line: &line,
        number: Some(&mobile),
        limits: &around.limits,
        meeting_spent: around.spent,
        day_spent: Spent::default(),
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

#[test]
fn the_companys_limits_hold_even_for_whom_the_organiser_wants_by_name() {
    let mut wanted = invitation(outside("+79162041138"));
    wanted.call_now(NOW);
    let limited = |limits, spent| Around {
        limits,
        spent,
        ..quiet_around()
    };
    let nowhere = Limits {
        allowed: vec![Prefix::parse("+49").unwrap()],
        ..Limits::default()
    };
    let ten_calls = Limits {
        meeting: Cap {
            calls: Some(10),
            price: None,
        },
        ..Limits::default()
    };
    let spent = Spent {
        calls: 10,
        price: 0,
    };
    let blocked = |over| Err(Blocked::Limit { over });

    assert_eq!(
        ask(&wanted, limited(nowhere, Spent::default())),
        blocked(Over::Destination)
    );
    assert_eq!(
        ask(&wanted, limited(ten_calls, spent)),
        blocked(Over::MeetingCalls)
    );
    assert_eq!(
        Blocked::Limit {
            over: Over::DayPrice
        }
        .retry(NOW),
        None
    );
}

#[test]
fn whoever_asked_not_to_be_disturbed_is_left_alone_unless_the_organiser_insists() {
    let mut someone = invitation(outside("+79162041138"));
    let quiet = || Around {
        quiet: true,
        ..quiet_around()
    };
    let blocked = ask(&someone, quiet());
    assert_eq!(blocked, Err(Blocked::DoNotDisturb));
    assert_eq!(
        blocked.unwrap_err().retry(NOW),
        Some((NOW + LOOK_AGAIN, Why::DoNotDisturb))
    );

    someone.call_now(NOW);
    assert_eq!(ask(&someone, quiet()), Ok(()));
}
