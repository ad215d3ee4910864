//! One call, on virtual time.

use super::*;
use crate::{
    company::Language,
    decode::{CallFacts, Profile, Way},
    invitation::{Phase, Rsvp},
    number::ShortNumber,
    speech::{self, Briefing},
    time::{Span, Zone},
};

const START: Millis = Millis(1_000_000_000);

fn before(seconds: i64) -> Millis {
    START - Span::seconds(seconds)
}

fn after(seconds: i64) -> Millis {
    START + Span::seconds(seconds)
}

fn setup(started_at: Millis, needs_key: bool) -> CallSetup {
    CallSetup {
        attempt: AttemptId::new(started_at, [1; 10]),
        started_at,
        starts_at: START,
        way: Way::Trunk,
        profile: Profile::default(),
        needs_key,
        audio_only_before: false,
        ring_ms: Span::seconds(30),
        setup_ms: Span::seconds(30),
        confirm_ms: Span::seconds(30),
        briefing: Briefing {
            language: Language::English,
            organiser: None,
            caller: None,
            callee: None,
            title: None,
            zone: Zone::UTC,
            starts_at: START,
            room: ShortNumber::parse("9000").unwrap(),
        },
    }
}

/// A call that rings since a second after it was sent.
fn ringing(sent_at: Millis, needs_key: bool) -> Call {
    let mut call = Call::new(setup(sent_at, needs_key));
    call.on_ringing(sent_at + Span::seconds(1));
    assert_eq!(drain(&mut call), [Output::Phase(Phase::Ringing)]);
    call
}

/// A call that was answered five seconds after it was sent.
fn answered(sent_at: Millis, needs_key: bool) -> Call {
    let mut call = ringing(sent_at, needs_key);
    call.on_answered(sent_at + Span::seconds(5));
    call
}

fn drain(call: &mut Call) -> Vec<Output> {
    std::iter::from_fn(|| call.poll_output()).collect()
}

/// What is to be done, without what is to be heard.
fn acts(call: &mut Call) -> Vec<Output> {
    let mut outputs = drain(call);
    outputs.retain(|output| !matches!(output, Output::Play { .. } | Output::Phase(_)));
    outputs
}

fn ended(call: &mut Call) -> (CallEnd, Outcome, Row) {
    let outputs = drain(call);
    let over = outputs.into_iter().find_map(|output| match output {
        Output::Ended { end, verdict } => Some((end, verdict.outcome, verdict.row)),
        _ => None,
    });
    over.expect("the call is over")
}

fn plays(phrases: Vec<speech::Phrase>, mode: PlayMode) -> Output {
    Output::Play { phrases, mode }
}

#[test]
fn it_rings_thirty_seconds_from_the_first_180_and_no_more() {
    let mut call = Call::new(setup(START, true));
    call.on_ringing(after(6));
    call.on_ringing(after(10));
    assert_eq!(call.poll_timeout(), Some((after(36), "no answer")));

    call.handle_timeout(after(36) - Span(1));
    assert_eq!(acts(&mut call), []);
    call.handle_timeout(after(36));
    assert_eq!(acts(&mut call), [Output::StopRinging]);
    call.on_failed(
        CallFacts {
            final_code: Some(487),
            ..CallFacts::default()
        },
        after(37),
    );

    assert_eq!(
        ended(&mut call),
        (CallEnd::Failed, Outcome::NoAnswer, Row::TimeoutRang)
    );
}

#[test]
fn an_answer_that_crosses_our_cancel_still_joins() {
    let mut call = ringing(START, false);
    call.handle_timeout(after(31));
    assert_eq!(acts(&mut call), [Output::StopRinging]);

    call.on_answered(after(31) + Span(20));

    assert_eq!(acts(&mut call), [Output::Join]);
}

#[test]
fn a_call_withdrawn_while_it_times_out_is_cancelled_for_good() {
    let mut call = ringing(START, false);
    call.handle_timeout(after(31));
    assert_eq!(acts(&mut call), [Output::StopRinging]);

    call.withdraw(after(31) + Span(10));

    assert_eq!(acts(&mut call), [Output::Cancel]);
}

#[test]
fn a_red_key_that_crosses_our_cancel_is_a_decline() {
    let mut call = ringing(START, true);
    call.handle_timeout(after(31));
    call.on_failed(
        CallFacts {
            final_code: Some(603),
            ..CallFacts::default()
        },
        after(31),
    );

    assert_eq!(ended(&mut call).1, Outcome::Declined);
}

#[test]
fn a_cancel_that_nobody_answers_ends_too() {
    let mut call = ringing(START, true);
    call.handle_timeout(after(31));
    let (until, why) = call.poll_timeout().unwrap();
    assert_eq!(why, "no word on the CANCEL");

    call.handle_timeout(until);

    assert_eq!(ended(&mut call).2, Row::TimeoutRang);
    assert_eq!(call.poll_timeout(), None);
}

#[test]
fn sound_without_ringing_is_waited_for_like_ringing() {
    let mut call = Call::new(setup(START, true));
    call.on_early_media(after(2));
    assert_eq!(call.poll_timeout(), Some((after(32), "no answer")));

    call.handle_timeout(after(32));
    call.on_failed(CallFacts::default(), after(32));

    let (_, outcome, row) = ended(&mut call);
    assert_eq!((outcome, row), (Outcome::Unknown, Row::TimeoutAudioOnly));
}

#[test]
fn a_stranger_hears_the_greeting_until_he_presses_one() {
    let mut call = answered(START, true);
    let greeting = speech::greeting(&setup(START, true).briefing, after(5));
    assert_eq!(
        drain(&mut call),
        [
            Output::Phase(Phase::Answered),
            plays(greeting, PlayMode::Loop)
        ]
    );
    call.on_digit('7', after(8));
    assert_eq!(drain(&mut call), []);

    call.on_digit('1', after(9));

    assert_eq!(
        drain(&mut call),
        [Output::Rsvp(Rsvp::Accepted), Output::Join]
    );
    call.on_digit('1', after(10));
    assert_eq!(drain(&mut call), []);
}

#[test]
fn before_the_start_he_stays_with_music_and_joins_at_the_start() {
    let mut call = answered(before(120), true);
    drain(&mut call);
    call.on_digit('1', before(100));
    assert_eq!(
        drain(&mut call),
        [
            Output::Rsvp(Rsvp::Accepted),
            Output::Held,
            plays(speech::stay_on_the_line(), PlayMode::Once)
        ]
    );
    call.on_played(before(97));
    assert_eq!(drain(&mut call), [Output::HoldMusic]);
    assert_eq!(call.poll_timeout(), Some((START, "start")));

    call.handle_timeout(START);

    assert_eq!(drain(&mut call), [Output::Join]);
}

#[test]
fn our_own_people_hear_it_and_stay_without_a_key() {
    let mut call = answered(before(120), false);
    let greeting = speech::short_greeting(&setup(START, false).briefing, before(115));
    assert!(drain(&mut call).contains(&plays(greeting, PlayMode::Once)));

    call.on_played(before(105));
    assert_eq!(drain(&mut call), [Output::Held, Output::HoldMusic]);
    call.handle_timeout(START);

    assert_eq!(drain(&mut call), [Output::Join]);
}

#[test]
fn our_own_people_join_at_once_when_it_has_begun() {
    assert_eq!(acts(&mut answered(START, false)), [Output::Join]);
}

#[test]
fn what_may_be_a_machine_needs_the_key_even_on_our_own_line() {
    let mut quick = Call::new(setup(START, false));
    quick.on_answered(START + Span(1_500));
    assert_eq!(acts(&mut quick), []);
    assert_eq!(quick.poll_timeout().unwrap().1, "no key");

    let mut mailbox = Call::new(setup(START, false));
    mailbox.on_ringing(after(1));
    mailbox.on_diverted();
    mailbox.on_answered(after(20));
    assert_eq!(acts(&mut mailbox), []);
    assert_eq!(mailbox.poll_timeout().unwrap().1, "no key");
}

#[test]
fn no_key_in_time_is_not_confirmed() {
    let mut call = answered(START, true);
    drain(&mut call);

    call.handle_timeout(after(35));

    let outputs = drain(&mut call);
    assert_eq!(outputs[0], Output::HangUp(HangUp::NotConfirmed));
    let Output::Ended { end, verdict } = &outputs[1] else {
        panic!("the call is over: {outputs:?}");
    };
    assert_eq!(*end, CallEnd::NotConfirmed);
    assert_eq!(verdict.row, Row::NoConfirmKey);
    assert_eq!(verdict.facts.final_code, Some(200));
}

#[test]
fn key_two_says_when_he_is_called_and_hangs_up() {
    let mut call = answered(before(120), true);
    drain(&mut call);
    call.on_digit('2', before(110));
    assert_eq!(
        drain(&mut call),
        [
            Output::Rsvp(Rsvp::Later),
            plays(speech::called_later(false), PlayMode::Once)
        ]
    );

    call.on_played(before(105));

    assert_eq!(acts(&mut call)[0], Output::HangUp(HangUp::AsAsked));
}

#[test]
fn key_three_is_told_before_anything_else_happens() {
    let mut call = answered(START, true);
    drain(&mut call);

    call.on_digit('3', after(9));

    assert_eq!(drain(&mut call)[0], Output::Rsvp(Rsvp::Declined));
    call.on_gone(LeaveWay::HungUp, after(10));
    assert_eq!(ended(&mut call).0, CallEnd::CannotCome);
}

#[test]
fn hanging_up_the_music_is_no_leaving() {
    let mut call = answered(before(120), true);
    call.on_digit('1', before(100));

    call.on_gone(LeaveWay::HungUp, before(50));

    assert_eq!(ended(&mut call).0, CallEnd::LeftHold);
}

#[test]
fn a_goodbye_from_the_room_is_a_drop_unless_somebody_meant_it() {
    let joined = || {
        let mut call = answered(START, false);
        assert_eq!(acts(&mut call), [Output::Join]);
        call
    };

    let mut dropped = joined();
    dropped.on_gone(LeaveWay::HungUp, after(600));
    assert_eq!(
        ended(&mut dropped),
        (
            CallEnd::Left(LeaveWay::HungUp),
            Outcome::Dropped,
            Row::BrokenOff
        )
    );
    let mut silent = joined();
    silent.on_gone(LeaveWay::AudioLost, after(600));
    assert_eq!(acts(&mut silent)[0], Output::HangUp(HangUp::AudioLost));
    let mut kicked = joined();
    kicked.leave(LeaveWay::Moderator, after(600));
    assert_eq!(
        ended(&mut kicked),
        (
            CallEnd::Left(LeaveWay::Moderator),
            Outcome::Answered,
            Row::Answered
        )
    );
}

#[test]
fn a_call_nobody_wants_is_cancelled_and_an_answer_to_it_hung_up() {
    let mut call = ringing(START, false);
    call.withdraw(after(3));
    assert_eq!(acts(&mut call), [Output::Cancel]);

    call.on_answered(after(3) + Span(10));

    let outputs = drain(&mut call);
    assert_eq!(outputs[0], Output::HangUp(HangUp::Withdrawn));
    assert!(matches!(
        outputs[1],
        Output::Ended {
            end: CallEnd::Withdrawn,
            ..
        }
    ));
}

#[test]
fn start_pressed_early_joins_those_who_wait() {
    let mut call = answered(before(120), true);
    call.on_digit('1', before(100));
    drain(&mut call);

    call.on_start_moved(before(60), before(60));

    assert_eq!(drain(&mut call), [Output::Join]);
}

#[test]
fn the_end_of_the_meeting_is_told_to_whoever_is_being_greeted() {
    let mut call = answered(START, true);
    drain(&mut call);

    call.on_meeting_over(after(9));
    assert_eq!(
        drain(&mut call),
        [plays(speech::meeting_ended(), PlayMode::Once)]
    );
    call.on_played(after(12));

    assert_eq!(acts(&mut call)[0], Output::HangUp(HangUp::MeetingOver));
}

#[test]
fn waking_early_and_late_events_change_nothing() {
    let mut call = ringing(START, true);
    call.handle_timeout(after(2));
    assert_eq!(drain(&mut call), []);
    call.on_failed(CallFacts::default(), after(3));
    drain(&mut call);

    call.on_answered(after(4));
    call.on_digit('1', after(5));
    call.on_failed(CallFacts::default(), after(6));
    call.withdraw(after(7));
    call.handle_timeout(after(900));

    assert_eq!(drain(&mut call), []);
    assert_eq!(call.stage(), &Stage::Over);
}

/// The same call in the next process.
fn read_back(call: &Call) -> Call {
    serde_json::from_str(&serde_json::to_string(call).unwrap()).unwrap()
}

#[test]
fn after_a_restart_a_phone_rings_no_longer_than_it_should() {
    let call = ringing(START, true);

    let mut soon = read_back(&call);
    soon.on_restart(after(12));
    assert_eq!(soon.poll_timeout(), Some((after(31), "no answer")));
    let mut late = read_back(&call);
    late.on_restart(after(30));
    assert_eq!(late.poll_timeout(), Some((after(35), "no answer")));
}

#[test]
fn after_a_restart_whoever_was_greeted_is_greeted_again_and_has_his_time() {
    let mut call = answered(START, true);
    drain(&mut call);

    let mut again = read_back(&call);
    again.on_restart(after(20));

    let greeting = speech::greeting(&setup(START, true).briefing, after(20));
    assert_eq!(drain(&mut again), [plays(greeting, PlayMode::Loop)]);
    assert_eq!(again.poll_timeout(), Some((after(50), "no key")));
}

#[test]
fn after_a_restart_whoever_was_held_is_held_or_let_in() {
    let mut call = answered(before(120), true);
    call.on_digit('1', before(100));
    drain(&mut call);

    let mut early = read_back(&call);
    early.on_restart(before(30));
    assert_eq!(drain(&mut early), [Output::HoldMusic]);
    let mut late = read_back(&call);
    late.on_restart(after(3));
    assert_eq!(drain(&mut late), [Output::HoldMusic, Output::Join]);
}

#[test]
fn a_dialog_we_lost_is_not_held_against_him() {
    let mut greeted = answered(START, true);
    drain(&mut greeted);
    greeted.on_gone(LeaveWay::Lost, after(9));
    assert_eq!(ended(&mut greeted).0, CallEnd::Left(LeaveWay::Lost));
}

#[test]
fn a_phone_rings_no_longer_when_the_clock_is_set_back() {
    const BACK: Span = Span::minutes(60);
    let mut call = ringing(START, true);

    call.on_clock_set_back(BACK);

    assert_eq!(call.poll_timeout(), Some((after(31) - BACK, "no answer")));
    call.handle_timeout(after(31) - BACK);
    assert_eq!(acts(&mut call), [Output::StopRinging]);
    call.on_failed(
        CallFacts {
            final_code: Some(487),
            ..CallFacts::default()
        },
        after(32) - BACK,
    );
    assert_eq!(
        ended(&mut call),
        (CallEnd::Failed, Outcome::NoAnswer, Row::TimeoutRang)
    );
}

#[test]
fn whoever_waits_for_the_start_waits_for_its_hour_whatever_the_clock_does() {
    let mut call = answered(before(300), false);
    drain(&mut call);
    let waits = call.poll_timeout();

    call.on_clock_set_back(Span::minutes(60));

    assert_eq!(call.poll_timeout(), waits);
    assert_eq!(waits, Some((START, "start")));
}
