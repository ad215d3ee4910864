//! Devices and trunks to choose from.

use super::*;
use crate::{
    id::{AttemptId, DeviceId, EmployeeId, InvitationId, OccurrenceId},
    meeting::Invitee,
    role::Role,
    time::Millis,
};

const NOW: Millis = Millis(1_000);

fn invitation() -> Invitation {
    Invitation::new(
        InvitationId::new(NOW, [1; 10]),
        OccurrenceId::new(NOW, [1; 10]),
        Invitee::Employee(EmployeeId::new(NOW, [1; 10])),
        Role::Speaker,
        NOW,
    )
}

fn trunk(n: u8, free_channels: Option<u32>) -> TrunkNow {
    TrunkNow {
        id: TrunkId::new(NOW, [n; 10]),
        free_channels,
    }
}

fn phone(n: u8, registered: bool) -> Candidate {
    Candidate {
        line: LineKey::Device(DeviceId::new(NOW, [n; 10])),
        class: DeviceClass::SipPhone,
        username: Some(format!("10{n}")),
        registered,
        number: None,
        state: if registered {
            LineState::Free
        } else {
            LineState::Offline
        },
        calls: Calls::Unseen,
        barred: None,
    }
}

fn mobile(n: u8, state: LineState) -> Candidate {
    Candidate {
        line: LineKey::Device(DeviceId::new(NOW, [n; 10])),
        class: DeviceClass::IpSim,
        username: None,
        registered: false,
        number: format!("+791600000{n:02}").parse().ok(),
        state,
        calls: Calls::Unseen,
        barred: None,
    }
}

/// The choice by the usual rule, now.
fn pick(invitation: &Invitation, his: &[Candidate], trunks: &[TrunkNow]) -> Choice {
    choose(invitation, his, trunks, &BusyRule::default(), NOW)
}

fn talking(mut candidate: Candidate, calls: Calls) -> Candidate {
    (candidate.state, candidate.calls) = (LineState::Busy, calls);
    candidate
}

fn way(choice: Choice) -> (String, Option<TrunkId>) {
    match choice {
        Choice::Call(route) => (route.address, route.trunk),
        other => panic!("no call: {other:?}"),
    }
}

fn dial(invitation: &mut Invitation, choice: Choice) {
    let Choice::Call(route) = choice else {
        panic!("no call: {choice:?}");
    };
    invitation
        .dial(AttemptId::new(NOW, [1; 10]), route, NOW)
        .unwrap();
}

#[test]
fn the_device_he_likes_best_is_called_first() {
    let his = [phone(1, true), mobile(2, LineState::Free)];

    let chosen = pick(&invitation(), &his, &[trunk(1, None)]);

    assert_eq!(way(chosen), ("101".to_owned(), None));
}

#[test]
fn a_busy_or_absent_device_is_passed_over_while_another_may_be_free() {
    let trunks = [trunk(1, None)];
    let second = |first| {
        let his = [first, mobile(2, LineState::Unknown)];
        way(pick(&invitation(), &his, &trunks)).0
    };

    assert_eq!(second(mobile(1, LineState::Busy)), "+79160000002");
    assert_eq!(second(mobile(1, LineState::Offline)), "+79160000002");
    assert_eq!(second(phone(1, false)), "+79160000002");
    // When none is better, what is known may be out of date.
    let both_off = [mobile(1, LineState::Offline), mobile(2, LineState::Offline)];
    assert_eq!(
        way(pick(&invitation(), &both_off, &trunks)).0,
        "+79160000001"
    );
}

#[test]
fn a_failing_trunk_is_followed_by_the_next_and_then_by_the_next_line() {
    let his = [mobile(1, LineState::Free), mobile(2, LineState::Free)];
    let trunks = [trunk(1, None), trunk(2, None)];
    let mut someone = invitation();
    let first = pick(&someone, &his, &trunks);
    dial(&mut someone, first);

    assert_eq!(
        remaining(&someone, &his, &trunks),
        Remaining {
            another_line: true,
            another_trunk: true
        }
    );
    assert_eq!(
        way(pick(&someone, &his, &trunks)),
        ("+79160000001".to_owned(), Some(trunks[1].id))
    );
}

#[test]
fn a_mobile_that_registers_is_called_directly_before_its_operator_is_asked() {
    let mut sim = mobile(1, LineState::Free);
    sim.username = Some("231".to_owned());
    sim.registered = true;
    let his = [sim];
    let trunks = [trunk(1, None)];
    let mut someone = invitation();

    let first = pick(&someone, &his, &trunks);
    assert_eq!(way(first.clone()), ("231".to_owned(), None));
    dial(&mut someone, first);

    assert!(remaining(&someone, &his, &trunks).another_line);
    assert_eq!(way(pick(&someone, &his, &trunks)).0, "+79160000001");
}

#[test]
fn a_full_trunk_is_passed_over_and_when_all_are_full_the_call_waits() {
    let his = [mobile(1, LineState::Free)];

    let chosen = pick(&invitation(), &his, &[trunk(1, Some(0)), trunk(2, Some(3))]);
    assert_eq!(way(chosen).1, Some(trunk(2, None).id));
    assert_eq!(
        pick(&invitation(), &his, &[trunk(1, Some(0))]),
        Choice::NoChannel
    );
}

#[test]
fn a_line_in_a_call_of_ours_is_waited_for() {
    let talking = talking(phone(1, true), Calls::Ours);

    assert_eq!(pick(&invitation(), &[talking], &[]), Choice::Busy);
}

#[test]
fn a_talk_that_another_server_tells_of_is_waited_for_and_tried_after_a_time() {
    let (rule, trunks) = (BusyRule::default(), [trunk(1, None)]);
    let his = [talking(mobile(1, LineState::Free), Calls::Told)];
    let mut someone = invitation();
    let told = Choice::ToldBusy;

    let mut looks = 0;
    let mut now = NOW;
    while choose(&someone, &his, &trunks, &rule, now) == told {
        someone.let_talk(&rule, now);
        (now, _) = someone.poll_timeout().unwrap();
        looks += 1;
    }
    assert_eq!(now, NOW + rule.let_talk_ms);
    assert_eq!(looks, 15, "he is looked at every 20 s");
    let choice = choose(&someone, &his, &trunks, &rule, now);
    assert_eq!(way(choice.clone()).0, "+79160000001");
    // The knock told nothing new: another five minutes.
    ring_out(&mut someone, choice);
    assert_eq!(choose(&someone, &his, &trunks, &rule, now), told);

    // The organiser's hand does not wait.
    someone.call_now(now);
    let by_hand = choose(&someone, &his, &trunks, &rule, now);
    assert_eq!(way(by_hand).0, "+79160000001");
}

#[test]
fn whoever_talks_on_one_device_is_not_called_on_one_that_is_off() {
    let his = [
        phone(1, false),
        talking(mobile(2, LineState::Free), Calls::Told),
    ];
    let trunks = [trunk(1, None)];

    assert_eq!(pick(&invitation(), &his, &trunks), Choice::ToldBusy);
    // One that may be free is called.
    let his = [phone(1, true), his[1].clone()];
    assert_eq!(way(pick(&invitation(), &his, &trunks)).0, "101");
    // Only when it turns out to be off is his talk waited for.
    let mut someone = invitation();
    let first = pick(&someone, &his, &trunks);
    dial(&mut someone, first);
    assert!(remaining(&someone, &his, &trunks).another_line);
    let his = [phone(1, false), his[1].clone()];
    assert_eq!(pick(&someone, &his, &trunks), Choice::ToldBusy);
}

#[test]
fn a_phone_that_is_not_registered_is_a_try_that_fails_at_once() {
    let Choice::NotRegistered(route) = pick(&invitation(), &[phone(1, false)], &[]) else {
        panic!("there is nothing to send");
    };

    assert_eq!(route.address, "101");
    assert_eq!(pick(&invitation(), &[], &[]), Choice::NoWay);
}

#[test]
fn who_did_not_come_to_one_device_is_called_on_the_next() {
    let his = [mobile(1, LineState::Free), phone(2, true)];
    let trunks = [trunk(1, None)];
    let mut someone = invitation();
    let mut called = Vec::new();
    for _ in 0..3 {
        let choice = pick(&someone, &his, &trunks);
        called.push(way(choice.clone()).0);
        ring_out(&mut someone, choice);
    }

    assert_eq!(called, ["+79160000001", "102", "+79160000001"]);
    // His mobile is seen to free: he has it in his hand.
    line_frees(&mut someone);
    assert_eq!(way(pick(&someone, &his, &trunks)).0, "+79160000001");
}

#[test]
fn a_number_that_may_not_be_dialled_bars_the_number_and_not_the_person() {
    let forbidden = Blocked::Limit {
        over: crate::guard::Over::Destination,
    };
    let barred = Candidate {
        barred: Some(forbidden),
        ..mobile(1, LineState::Free)
    };
    let trunks = [trunk(1, None)];

    let his = [barred.clone(), phone(2, true)];
    assert_eq!(way(pick(&invitation(), &his, &trunks)).0, "102");
    assert!(!remaining_after_direct(&his, &trunks).another_line);
    // Only a desk phone that is not there: it may come back.
    let his = [barred.clone(), phone(2, false)];
    let choice = pick(&invitation(), &his, &trunks);
    assert!(matches!(choice, Choice::NotRegistered(_)), "{choice:?}");
    let his = [barred];
    assert_eq!(
        pick(&invitation(), &his, &trunks),
        Choice::Barred(forbidden)
    );
}

/// What is left to be tried after the first choice.
fn remaining_after_direct(his: &[Candidate], trunks: &[TrunkNow]) -> Remaining {
    let mut someone = invitation();
    let choice = pick(&someone, his, trunks);
    dial(&mut someone, choice);
    remaining(&someone, his, trunks)
}

fn terms(rules: &crate::rules::RetryRules) -> crate::invitation::Terms<'_> {
    crate::invitation::Terms {
        rules,
        starts_at: NOW,
        ends_at: NOW + crate::time::Span::minutes(600),
    }
}

/// He is called and nobody comes.
fn ring_out(invitation: &mut Invitation, choice: Choice) {
    let Choice::Call(route) = choice else {
        panic!("no call: {choice:?}");
    };
    let now = invitation.poll_timeout().expect("he is waited for").0;
    let id = AttemptId::new(now, [9; 10]);
    invitation.dial(id, route, now).unwrap();
    let facts = crate::decode::CallFacts {
        timed_out_by_us: true,
        ringing_after_ms: Some(crate::time::Span(500)),
        ..Default::default()
    };
    let verdict = crate::decode::judge(&facts, &crate::decode::Profile::default());
    let rules = crate::rules::RetryRules::default();
    let end = crate::attempt::CallEnd::Failed;
    let left = Remaining::default();
    invitation.on_call_ended(id, end, &verdict, left, terms(&rules), now);
}

fn line_frees(invitation: &mut Invitation) {
    let rules = crate::rules::RetryRules::default();
    invitation.on_change(crate::line::Change::Freed, terms(&rules), NOW);
}
