//! One person, one occurrence, on virtual time.

mod outcomes;

use super::*;
use crate::{
    decode::{self, CallFacts, Profile, Q850, Row},
    employee::DeviceClass,
    id::{EmployeeId, TrunkId},
    rules::LastAct,
    time::Span,
};

const START: Millis = Millis(1_000_000_000);

/// A person, his rules, and a clock.
struct Story {
    invitation: Invitation,
    rules: RetryRules,
    now: Millis,
    calls: u8,
}

impl Story {
    fn new() -> Self {
        Self {
            invitation: Invitation::new(
                InvitationId::new(START, [1; 10]),
                OccurrenceId::new(START, [1; 10]),
                Invitee::Employee(EmployeeId::new(START, [1; 10])),
                Role::Speaker,
                START,
            ),
            rules: RetryRules::default(),
            now: START,
            calls: 0,
        }
    }

    fn dial_by(&mut self, line: &str, trunk: u8) -> AttemptId {
        self.calls += 1;
        let id = AttemptId::new(self.now, [self.calls; 10]);
        let route = Route {
            line: LineKey::Number(line.parse().unwrap()),
            class: DeviceClass::IpSim,
            address: line.to_owned(),
            trunk: Some(TrunkId::new(START, [trunk; 10])),
            g711_only: false,
        };
        let attempt = self.invitation.dial(id, route, self.now).unwrap();
        assert_eq!(attempt.number, u32::from(self.calls));
        id
    }

    fn dial(&mut self) -> AttemptId {
        self.dial_by("+79162041138", 1)
    }

    fn end(&mut self, attempt: AttemptId, end: CallEnd, verdict: &Verdict, remaining: Remaining) {
        let terms = Terms {
            rules: &self.rules,
            starts_at: START,
            ends_at: START + Span::minutes(60),
        };
        let now = self.now;
        self.invitation
            .on_call_ended(attempt, end, verdict, remaining, terms, now);
    }

    /// A call that fails with these facts, with no other way left.
    fn fails(&mut self, facts: &CallFacts) {
        let attempt = self.dial();
        let verdict = decode::judge(facts, &Profile::default());
        self.end(attempt, CallEnd::Failed, &verdict, Remaining::default());
    }

    fn fails_with(&mut self, code: u16) {
        self.fails(&code_alone(code));
    }

    fn change(&mut self, change: Change) {
        let terms = Terms {
            rules: &self.rules,
            starts_at: START,
            ends_at: START + Span::minutes(60),
        };
        self.invitation.on_change(change, terms, self.now);
    }

    fn leaves(&mut self, member: MemberId, way: LeaveWay) {
        let terms = Terms {
            rules: &self.rules,
            starts_at: START,
            ends_at: START + Span::minutes(60),
        };
        self.invitation.on_left(member, way, terms, self.now);
    }

    fn joins(&mut self) -> MemberId {
        let attempt = self.dial();
        let member = MemberId::new(self.now, [self.calls; 10]);
        assert!(self.invitation.on_joined(attempt, member, self.now));
        member
    }

    /// How long from now he is called, and why.
    fn wait(&self) -> Option<(i64, Why)> {
        let (due, why) = self.invitation.poll_timeout()?;
        Some(((due - self.now).0, why))
    }

    fn until_due(&mut self) {
        self.now = self.invitation.poll_timeout().expect("he is waited for").0;
    }

    fn finished(&self) -> Option<Finish> {
        match self.invitation.status() {
            Status::Finished { why, .. } => Some(*why),
            _ => None,
        }
    }

    fn outputs(&mut self) -> Vec<Output> {
        std::iter::from_fn(|| self.invitation.poll_output()).collect()
    }
}

fn code_alone(code: u16) -> CallFacts {
    CallFacts {
        final_code: Some(code),
        ..CallFacts::default()
    }
}

fn rang_out() -> CallFacts {
    CallFacts {
        final_code: Some(487),
        ringing_after_ms: Some(Span(500)),
        ended_after_ms: Span(30_500),
        timed_out_by_us: true,
        ..CallFacts::default()
    }
}

fn answered() -> Verdict {
    decode::judge_answer(&CallFacts {
        final_code: Some(200),
        ringing_after_ms: Some(Span(500)),
        ended_after_ms: Span(5_000),
        ..CallFacts::default()
    })
}

#[test]
fn a_wish_to_be_called_later_is_kept_unless_it_is_too_late() {
    let mut story = Story::new();
    let mut facts = CallFacts {
        retry_after_s: Some(42),
        ..code_alone(480)
    };
    story.fails(&facts);
    assert_eq!(story.wait(), Some((42_000, Why::Offline)));
    story.until_due();

    facts.retry_after_s = Some(7_200);
    story.fails(&facts);
    assert_eq!(story.wait(), Some((300_000, Why::Offline)));
}

#[test]
fn whoever_drops_out_is_called_back_once() {
    let mut story = Story::new();
    let member = story.joins();
    story.now = story.now + Span::minutes(3);
    story.leaves(member, LeaveWay::HungUp);
    assert_eq!(story.wait(), Some((5_000, Why::Dropped)));
    story.until_due();
    let member = story.joins();

    story.leaves(member, LeaveWay::AudioLost);

    assert_eq!(story.finished(), Some(Finish::Left));
}

#[test]
fn a_call_back_into_a_tunnel_follows_the_offline_rule() {
    let mut story = Story::new();
    let member = story.joins();
    story.leaves(member, LeaveWay::HungUp);
    story.until_due();

    story.fails_with(480);

    assert_eq!(story.wait(), Some((300_000, Why::Offline)));
}

#[test]
fn whoever_leaves_on_purpose_is_left_alone() {
    let ways = [
        (LeaveWay::Key, Finish::Left),
        (LeaveWay::Moderator, Finish::TakenOut),
        (LeaveWay::MeetingOver, Finish::Attended),
    ];
    for (way, why) in ways {
        let mut story = Story::new();
        let member = story.joins();

        story.leaves(member, way);

        assert_eq!(story.finished(), Some(why));
    }
}

#[test]
fn a_call_we_lost_ourselves_does_not_count() {
    let mut story = Story::new();
    for _ in 0..3 {
        let member = story.joins();
        story.leaves(member, LeaveWay::Lost);
        assert_eq!(story.wait(), Some((0, Why::Lost)));
    }
}

#[test]
fn calling_in_himself_ends_our_call_and_the_waiting() {
    let mut story = Story::new();
    let attempt = story.dial();
    let member = MemberId::new(START, [9; 10]);

    story.invitation.on_called_in(member, START);

    assert_eq!(story.outputs(), [Output::Withdraw(attempt)]);
    assert!(!story.invitation.on_joined(attempt, member, START));
    story.end(
        attempt,
        CallEnd::Withdrawn,
        &answered(),
        Remaining::default(),
    );
    assert_eq!(story.invitation.status().kind(), StatusKind::InRoom);
    story.leaves(MemberId::new(START, [8; 10]), LeaveWay::HungUp);
    assert_eq!(story.invitation.status().kind(), StatusKind::InRoom);
}

#[test]
fn a_machine_is_tried_once_more() {
    let mut story = Story::new();
    let verdict = Verdict::after_answer(
        Outcome::NotConfirmed,
        Row::NoConfirmKey,
        CallFacts::default(),
    );
    let attempt = story.dial();
    story.end(
        attempt,
        CallEnd::NotConfirmed,
        &verdict,
        Remaining::default(),
    );
    assert_eq!(story.wait(), Some((300_000, Why::NotConfirmed)));
    story.until_due();

    let attempt = story.dial();
    story.end(
        attempt,
        CallEnd::NotConfirmed,
        &verdict,
        Remaining::default(),
    );

    assert_eq!(story.finished(), Some(Finish::NotConfirmed));
}

#[test]
fn key_two_is_a_call_at_the_start_or_minutes_later() {
    let mut early = Story::new();
    early.invitation.on_started(START - Span::minutes(4));
    early.now = START - Span::minutes(4);
    let attempt = early.dial();
    early.invitation.on_rsvp(attempt, Rsvp::Later, early.now);
    early.end(attempt, CallEnd::Later, &answered(), Remaining::default());
    assert_eq!(early.wait(), Some((240_000, Why::AtStart)));

    let mut late = Story::new();
    let attempt = late.dial();
    late.end(attempt, CallEnd::Later, &answered(), Remaining::default());
    assert_eq!(late.wait(), Some((300_000, Why::AskedLater)));
}

#[test]
fn key_three_is_on_record_before_he_hangs_up() {
    let mut story = Story::new();
    let attempt = story.dial();

    story.invitation.on_rsvp(attempt, Rsvp::Declined, story.now);

    assert_eq!(story.finished(), Some(Finish::CannotCome));
    story.end(
        attempt,
        CallEnd::CannotCome,
        &answered(),
        Remaining::default(),
    );
    assert_eq!(story.finished(), Some(Finish::CannotCome));
}

#[test]
fn who_hangs_up_the_music_is_called_again_at_the_start() {
    let mut story = Story::new();
    story.invitation.on_started(START - Span::minutes(4));
    story.now = START - Span::minutes(4);
    let attempt = story.dial();
    story.invitation.on_held(attempt, story.now);
    assert_eq!(story.invitation.status().kind(), StatusKind::Held);

    story.end(
        attempt,
        CallEnd::LeftHold,
        &answered(),
        Remaining::default(),
    );

    assert_eq!(story.wait(), Some((240_000, Why::AtStart)));
    story.now = story.now + Span::seconds(9);
    story.invitation.on_started(story.now);
    assert_eq!(story.wait(), Some((0, Why::AtStart)));
}

#[test]
fn giving_up_takes_the_call_back_and_its_end_changes_nothing() {
    let mut story = Story::new();
    let attempt = story.dial();

    story.invitation.give_up(story.now);

    assert_eq!(story.outputs(), [Output::Withdraw(attempt)]);
    let verdict = decode::judge(&code_alone(486), &Profile::default());
    story.end(attempt, CallEnd::Failed, &verdict, Remaining::default());
    assert_eq!(story.finished(), Some(Finish::GivenUp));
}

#[test]
fn nobody_is_dialled_twice_at_once_or_too_early() {
    let mut story = Story::new();
    story.dial();
    let route = story.invitation.tried()[0].clone();
    let second = AttemptId::new(START, [99; 10]);
    assert_eq!(
        story.invitation.dial(second, route.clone(), START),
        Err(NotDue(StatusKind::Calling))
    );

    let mut early = Story::new();
    assert_eq!(
        early.invitation.dial(second, route, START - Span(1)),
        Err(NotDue(StatusKind::Waiting))
    );
}

#[test]
fn the_end_of_the_meeting_ends_everything() {
    let mut waiting = Story::new();
    waiting.invitation.on_meeting_over(START);
    assert_eq!(waiting.finished(), Some(Finish::Absent));

    let mut calling = Story::new();
    let attempt = calling.dial();
    calling.invitation.on_meeting_over(START);
    assert_eq!(calling.outputs(), [Output::Withdraw(attempt)]);

    let mut inside = Story::new();
    inside.joins();
    inside.invitation.on_meeting_over(START);
    assert_eq!(inside.finished(), Some(Finish::Attended));

    let mut declined = Story::new();
    declined.fails_with(603);
    declined.invitation.on_meeting_over(START);
    assert_eq!(declined.finished(), Some(Finish::Declined));
}

#[test]
fn the_board_says_why_what_next_and_which_try() {
    let rules = RetryRules::default();
    let standing = |story: &Story| story.invitation.standing(&rules);

    let mut busy = Story::new();
    for _ in 0..8 {
        busy.fails_with(486);
        busy.until_due();
    }
    let shown = standing(&busy);
    assert_eq!(shown.reason, Some(Outcome::Busy));
    assert_eq!(shown.next, Next::UntilIn);
    assert_eq!((shown.try_number, shown.tries_allowed), (9, None));

    let mut silent = Story::new();
    silent.fails(&rang_out());
    assert_eq!(standing(&silent).next, Next::TryAgain);
    silent.until_due();
    silent.fails(&rang_out());
    let shown = standing(&silent);
    assert_eq!(shown.next, Next::ThenLastAct(LastAct::SendRoomNumber));
    assert_eq!((shown.try_number, shown.tries_allowed), (3, Some(3)));

    let mut off = Story::new();
    off.fails_with(480);
    let shown = standing(&off);
    assert_eq!(shown.next, Next::AtOnceWhenBack);
    assert_eq!((shown.try_number, shown.tries_allowed), (2, Some(3)));

    let mut dropped = Story::new();
    let member = dropped.joins();
    dropped.leaves(member, LeaveWay::HungUp);
    dropped.until_due();
    dropped.dial();
    let shown = standing(&dropped);
    assert_eq!(shown.next, Next::GiveUpRinging);
    assert_eq!((shown.try_number, shown.tries_allowed), (1, Some(1)));
}

#[test]
fn a_cause_wins_over_its_code() {
    let mut story = Story::new();

    story.fails(&CallFacts {
        q850: Some(Q850 {
            cause: 20,
            location_user: None,
        }),
        ..code_alone(486)
    });

    assert_eq!(story.wait(), Some((300_000, Why::Offline)));
    assert_eq!(story.invitation.last().unwrap().result.row, Row::Cause20);
}

#[test]
fn an_invitation_reads_back_as_it_was_written() {
    let mut story = Story::new();
    story.fails_with(486);
    story.until_due();
    story.dial();

    let text = serde_json::to_string(&story.invitation).unwrap();

    assert_eq!(
        serde_json::from_str::<Invitation>(&text).unwrap(),
        story.invitation
    );
}

#[test]
fn a_clock_that_is_set_back_makes_nobody_wait_longer_and_nobody_be_called_before_the_start() {
    const HOUR: Span = Span::minutes(60);
    let mut story = Story::new();
    assert_eq!(story.wait(), Some((0, Why::First)));
    story.invitation.on_clock_set_back(HOUR);
    assert_eq!(story.wait(), Some((0, Why::First)), "the plan's hour stays");

    for code in [486, 480] {
        let mut story = Story::new();
        story.fails_with(code);
        let (wait, why) = story.wait().unwrap();
        story.now = story.now + Span::seconds(5);

        story.now = story.now - HOUR;
        story.invitation.on_clock_set_back(HOUR);

        assert_eq!(story.wait(), Some((wait - 5_000, why)), "{code}");
        // And the waits after it are those of the rule.
        story.until_due();
        story.fails_with(code);
        let mut other = Story::new();
        other.fails_with(code);
        other.until_due();
        other.fails_with(code);
        assert_eq!(story.wait(), other.wait(), "{code}");
    }
}

#[test]
fn rows_that_tell_of_what_has_not_happened_yet_are_as_if_it_had_happened_now() {
    let mut story = Story::new();
    story.fails_with(486);
    let wait = story.wait();
    assert_eq!(story.invitation.is_ahead_of(story.now), None);
    let a_little = story.now - Span::seconds(1);
    assert_eq!(
        story.invitation.is_ahead_of(a_little),
        None,
        "two servers' clocks"
    );

    // A server that starts after the clock was set back.
    story.now = story.now - Span::minutes(60);
    let by = story.invitation.is_ahead_of(story.now).unwrap();
    story.invitation.on_clock_set_back(by);

    assert_eq!(story.wait(), wait);
    assert_eq!(story.invitation.is_ahead_of(story.now), None);
}
