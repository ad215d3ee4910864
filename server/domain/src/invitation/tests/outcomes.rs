//! What follows each outcome of a call, and each change of a line.

use super::*;

#[test]
fn offline_is_tried_twice_more_and_then_said_aloud() {
    let mut story = Story::new();
    for _ in 0..2 {
        story.fails_with(480);
        assert_eq!(story.wait(), Some((300_000, Why::Offline)));
        assert_eq!(story.outputs(), []);
        story.until_due();
    }

    story.fails_with(480);

    assert_eq!(story.finished(), Some(Finish::Offline));
    assert_eq!(
        story.outputs(),
        [
            Output::AnnounceOffline,
            Output::TellOrganiser(Finish::Offline)
        ]
    );
    assert_eq!(story.invitation.attempts(), 3);
}

#[test]
fn a_line_that_returns_is_called_at_once_and_its_tries_begin_anew() {
    let mut story = Story::new();
    story.fails_with(480);
    story.now = story.now + Span::seconds(40);

    story.change(Change::Returned);
    assert_eq!(story.wait(), Some((0, Why::LineReturned)));

    for _ in 0..2 {
        story.fails_with(480);
        assert_eq!(story.wait(), Some((300_000, Why::Offline)));
        story.until_due();
    }
}

#[test]
fn a_line_that_flaps_is_not_called_at_every_flap() {
    let mut story = Story::new();
    story.fails_with(480);

    story.change(Change::Returned);

    assert_eq!(story.wait(), Some((3_000, Why::LineReturned)));
}

#[test]
fn somebody_given_up_as_offline_is_called_when_he_is_back_after_all() {
    let mut story = Story::new();
    story.rules.offline.tries = 0;
    story.fails_with(480);
    assert_eq!(story.finished(), Some(Finish::Offline));
    story.now = story.now + Span::minutes(9);

    story.change(Change::Returned);
    assert_eq!(story.wait(), Some((0, Why::LineReturned)));

    let mut silent = Story::new();
    silent.rules.offline.tries = 0;
    silent.rules.offline.call_when_back = false;
    silent.fails_with(480);
    silent.change(Change::Returned);
    assert_eq!(silent.finished(), Some(Finish::Offline));
}

#[test]
fn a_line_that_returns_while_a_call_is_on_its_way_is_called_again_at_once() {
    let mut story = Story::new();
    let attempt = story.dial();
    story.now = story.now + Span::seconds(4);
    story.change(Change::Returned);
    let verdict = decode::judge(&code_alone(480), &Profile::default());
    story.end(attempt, CallEnd::Failed, &verdict, Remaining::default());
    assert_eq!(story.wait(), Some((3_000, Why::LineReturned)));

    // What it did before does not count for the next call.
    story.until_due();
    story.fails_with(480);
    assert_eq!(story.wait(), Some((300_000, Why::Offline)));
}

#[test]
fn whoever_was_given_up_is_called_when_his_line_says_otherwise() {
    let mut story = Story::new();
    for _ in 0..3 {
        story.until_due();
        story.fails(&rang_out());
    }
    assert_eq!(story.finished(), Some(Finish::NoAnswer));
    story.change(Change::Freed);
    assert_eq!(story.wait(), Some((3_000, Why::LineFreed)));

    // Two tunnels, and no phone for a while after the second.
    let mut story = Story::new();
    for _ in 0..2 {
        story.until_due();
        let member = story.joins();
        story.leaves(member, LeaveWay::AudioLost);
    }
    assert_eq!(story.finished(), Some(Finish::Left));
    story.change(Change::Freed);
    assert_eq!(story.finished(), Some(Finish::Left));
    story.change(Change::Returned);
    assert_eq!(story.wait().map(|(_, why)| why), Some(Why::LineReturned));
}

#[test]
fn whoever_left_on_purpose_is_not_called_because_his_line_returns() {
    let mut story = Story::new();
    let member = story.joins();
    story.leaves(member, LeaveWay::Key);

    story.change(Change::Returned);

    assert_eq!(story.finished(), Some(Finish::Left));
}

#[test]
fn busy_is_knocked_at_for_ever_and_at_once_when_the_line_frees() {
    let mut story = Story::new();
    let mut waits = Vec::new();
    for _ in 0..9 {
        story.fails_with(486);
        waits.push(story.wait().unwrap().0 / 1_000);
        story.until_due();
    }
    assert_eq!(waits, [20, 20, 20, 20, 20, 20, 45, 45, 45]);

    story.fails_with(486);
    story.now = story.now + Span::seconds(10);
    story.change(Change::Freed);
    assert_eq!(story.wait(), Some((3_000, Why::LineFreed)));
}

#[test]
fn a_busy_spell_that_ended_begins_anew_with_short_waits() {
    let mut story = Story::new();
    for _ in 0..8 {
        story.fails_with(486);
        story.until_due();
    }
    story.fails(&rang_out());
    story.until_due();

    story.fails_with(486);

    assert_eq!(story.wait(), Some((20_000, Why::Busy)));
}

#[test]
fn a_network_that_fails_in_between_does_not_begin_the_busy_spell_anew() {
    let mut story = Story::new();
    for _ in 0..8 {
        story.fails_with(486);
        story.until_due();
    }
    story.fails_with(503);
    assert_eq!(story.wait(), Some((10_000, Why::Network)));
    story.until_due();

    story.fails_with(486);

    assert_eq!(story.wait(), Some((45_000, Why::Busy)));
}

#[test]
fn no_answer_waits_longer_each_time_and_ends_with_a_message() {
    let mut story = Story::new();
    story.fails(&rang_out());
    assert_eq!(story.wait(), Some((60_000, Why::NoAnswer)));
    story.until_due();
    story.fails(&rang_out());
    assert_eq!(story.wait(), Some((180_000, Why::NoAnswer)));
    story.until_due();
    story.fails(&rang_out());

    assert_eq!(story.finished(), Some(Finish::NoAnswer));
    assert_eq!(story.outputs(), [Output::Send(LastAct::SendRoomNumber)]);
}

#[test]
fn sound_without_ringing_is_believed_to_be_offline_the_second_time() {
    let mut story = Story::new();
    let mut facts = CallFacts {
        early_media_after_ms: Some(Span(800)),
        timed_out_by_us: true,
        ..CallFacts::default()
    };
    story.fails(&facts);
    assert_eq!(story.wait(), Some((60_000, Why::NoAnswer)));
    assert!(story.invitation.audio_only_before());
    story.until_due();

    facts.audio_only_before = true;
    story.fails(&facts);

    assert_eq!(story.wait(), Some((300_000, Why::Offline)));
}

#[test]
fn a_decline_is_final_until_the_organiser_or_he_himself_changes_it() {
    let mut story = Story::new();
    story.fails_with(603);
    assert_eq!(story.finished(), Some(Finish::Declined));
    assert_eq!(story.outputs(), [Output::Send(LastAct::SendJoinLater)]);

    for change in [Change::Freed, Change::Returned] {
        story.change(change);
        assert_eq!(story.finished(), Some(Finish::Declined));
    }
    story.invitation.call_now(story.now);
    assert_eq!(story.wait(), Some((0, Why::Organiser)));

    let mut himself = Story::new();
    himself.fails_with(603);
    himself
        .invitation
        .on_called_in(MemberId::new(START, [9; 10]), START);
    assert_eq!(himself.invitation.status().kind(), StatusKind::InRoom);
}

#[test]
fn who_wants_no_calls_is_never_called_on_that_number_again() {
    let mut story = Story::new();

    story.fails_with(607);

    let number = "+79162041138".parse().unwrap();
    assert_eq!(story.outputs(), [Output::NeverAgain(number)]);
    assert_eq!(story.finished(), Some(Finish::Declined));
}

#[test]
fn a_number_that_does_not_exist_is_told_to_the_organiser() {
    let mut story = Story::new();

    story.fails_with(404);

    assert_eq!(story.finished(), Some(Finish::Invalid));
    assert_eq!(story.outputs(), [Output::TellOrganiser(Finish::Invalid)]);
}

#[test]
fn a_failing_network_is_never_counted_against_him() {
    let mut story = Story::new();
    let mut waits = Vec::new();
    for _ in 0..20 {
        let first = story.dial();
        let verdict = decode::judge(&code_alone(503), &Profile::default());
        let one_more = Remaining {
            another_trunk: true,
            ..Remaining::default()
        };
        story.end(first, CallEnd::Failed, &verdict, one_more);
        assert_eq!(story.wait(), Some((0, Why::NextTrunk)));

        let second = story.dial_by("+79162041138", 2);
        story.end(second, CallEnd::Failed, &verdict, Remaining::default());
        waits.push(story.wait().unwrap().0 / 1_000);
        story.until_due();
    }

    assert_eq!(waits[..5], [10, 20, 30, 30, 30]);
    assert_eq!(story.outputs(), [Output::Alarm]);
    story.fails_with(480);
    assert_eq!(story.wait(), Some((300_000, Why::Offline)));
}

#[test]
fn no_common_codec_is_tried_once_with_g711_alone() {
    let mut story = Story::new();
    story.fails_with(488);
    assert_eq!(story.wait(), Some((0, Why::NextCodec)));

    let route = story.invitation.repeat().unwrap();
    assert!(route.g711_only);
    let attempt = AttemptId::new(START, [77; 10]);
    story.invitation.dial(attempt, route, story.now).unwrap();
    let verdict = decode::judge(&code_alone(488), &Profile::default());
    story.end(attempt, CallEnd::Failed, &verdict, Remaining::default());

    assert_eq!(story.wait(), Some((10_000, Why::Network)));
    assert_eq!(story.invitation.repeat(), None);
}

#[test]
fn one_try_goes_over_all_his_devices() {
    let mut story = Story::new();
    let one_more = Remaining {
        another_line: true,
        ..Remaining::default()
    };
    let off = decode::judge(&code_alone(480), &Profile::default());
    let invalid = decode::judge(&code_alone(404), &Profile::default());

    let first = story.dial_by("+79160000001", 1);
    story.end(first, CallEnd::Failed, &off, one_more);
    assert_eq!(story.wait(), Some((0, Why::NextLine)));
    let second = story.dial_by("+79160000002", 1);
    story.end(second, CallEnd::Failed, &invalid, Remaining::default());

    // The device that is off today outweighs the one that never was.
    assert_eq!(story.wait(), Some((300_000, Why::Offline)));
    assert_eq!(story.invitation.dead_lines().len(), 1);
}
