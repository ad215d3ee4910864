//! Whole meetings, with every outcome.

use domain::{
    Millis, Outcome, Span,
    attempt::Attempt,
    invitation::{Finish, Status},
    occurrence,
};

use crate::world::{
    START, World,
    phone::{
        Answer, Reaction, always, answers, answers_and_presses, cycle, fails, machine, red_key,
        until,
    },
};

pub fn at(ms: i64) -> Millis {
    START + Span(ms)
}

fn ms(spans: &[Span]) -> Vec<i64> {
    spans.iter().map(|span| span.0).collect()
}

fn outcomes(attempts: &[&Attempt]) -> Vec<Outcome> {
    let results = attempts.iter().filter_map(|attempt| attempt.result);
    results.map(|result| result.outcome).collect()
}

fn finish(world: &World, person: usize) -> Option<Finish> {
    match world.of(person).status() {
        Status::Finished { why, .. } => Some(*why),
        _ => None,
    }
}

/// A call that is answered, joined, and breaks off after a minute.
pub fn drops_after_a_minute() -> Reaction {
    Reaction::Answer(Answer {
        rings: Some(Span(500)),
        answers: Span::seconds(4),
        keys: Vec::new(),
        hangs_up: Some(Span::seconds(60)),
    })
}

/// Ten lines with every outcome there is, and one who drops out.
pub struct Roll {
    pub world: World,
    pub answering: usize,
    pub busy: usize,
    pub back: usize,
    pub off: usize,
    pub silent: usize,
    pub declining: usize,
    pub machine: usize,
    pub nowhere: usize,
    pub outside: usize,
    pub later: usize,
    pub dropping: usize,
}

impl Roll {
    pub fn new() -> Self {
        let mut world = World::new();
        let roll = Self {
            answering: world.employee("Irina", false, always(answers)),
            busy: world.employee(
                "Viktor",
                false,
                until(at(130_000), || fails(486, Some(17)), answers),
            ),
            back: world.employee(
                "Oleg",
                false,
                until(at(400_000), || fails(480, Some(20)), answers),
            ),
            off: world.employee("Anna", false, always(|| fails(480, Some(20)))),
            silent: world.employee("Dina", false, always(|| Reaction::RingOut)),
            declining: world.employee("Pavel", false, always(red_key)),
            machine: world.employee("Muller", false, always(machine)),
            nowhere: world.employee("Nobody", false, always(|| fails(404, Some(1)))),
            outside: world.outsider("Hans", always(|| answers_and_presses('1'))),
            later: world.outsider(
                "Katya",
                cycle(vec![answers_and_presses('2'), answers_and_presses('1')]),
            ),
            dropping: world.employee(
                "Marat",
                false,
                cycle(vec![drops_after_a_minute(), answers()]),
            ),
            world,
        };
        let mut roll = roll;
        let meeting = roll.world.meeting(Span::ZERO);
        for person in 0..roll.world.people.len() {
            roll.world.invite(person, meeting);
        }
        roll.world.returns(roll.back, at(400_000));
        roll
    }

    /// What must be true of it in the end, whatever happened in between.
    pub fn check(&self) {
        let world = &self.world;
        for reachable in [
            self.answering,
            self.busy,
            self.back,
            self.outside,
            self.later,
            self.dropping,
        ] {
            assert!(
                world.is_in(reachable),
                "{} is missing",
                world.people[reachable].name
            );
        }
        let end = |person| finish(world, person);
        assert_eq!(end(self.off), Some(Finish::Offline));
        assert_eq!(end(self.silent), Some(Finish::NoAnswer));
        assert_eq!(end(self.declining), Some(Finish::Declined));
        assert_eq!(end(self.machine), Some(Finish::NotConfirmed));
        assert_eq!(end(self.nowhere), Some(Finish::Invalid));

        let meeting = world.meetings.values().next().expect("a meeting");
        assert_eq!(meeting.announced, ["Anna is_offline"]);
        assert_eq!(meeting.room.count(), 6);
    }
}

#[test]
fn a_meeting_with_every_outcome_ends_with_everyone_reachable_in_the_room() {
    let mut roll = Roll::new();

    roll.world.run_until(at(30 * 60_000));

    roll.check();
    let rings = |person| ms(&roll.world.rings(person));
    let came_to = |person| outcomes(&roll.world.attempts_of(person));
    assert_eq!(rings(roll.answering), [0]);
    assert_eq!(
        rings(roll.busy),
        [0, 20_200, 40_400, 60_600, 80_800, 101_000, 121_200, 166_400]
    );
    assert_eq!(came_to(roll.busy), [Outcome::Busy; 7]);
    assert_eq!(rings(roll.back), [0, 300_200, 400_000]);
    assert_eq!(rings(roll.off), [0, 300_200, 600_400]);
    assert_eq!(came_to(roll.off), [Outcome::Offline; 3]);
    assert_eq!(rings(roll.silent), [0, 90_520, 301_040]);
    assert_eq!(came_to(roll.silent), [Outcome::NoAnswer; 3]);
    assert_eq!(rings(roll.declining), [0]);
    assert_eq!(rings(roll.machine), [0, 330_800]);
    assert_eq!(came_to(roll.machine), [Outcome::NotConfirmed; 2]);
    assert_eq!(rings(roll.nowhere), [0]);
    assert_eq!(rings(roll.outside), [0]);
    // Key 2 after ten seconds, three seconds of goodbye, five minutes.
    assert_eq!(rings(roll.later), [0, 313_000]);
    assert_eq!(rings(roll.dropping), [0, 69_000]);
    assert_eq!(came_to(roll.dropping), [Outcome::Dropped]);

    let told: Vec<&str> = roll
        .world
        .log
        .iter()
        .map(|(_, what)| what.as_str())
        .collect();
    for expected in [
        "Anna: Offline",
        "Nobody: Invalid",
        "Pavel: SendJoinLater",
        "Dina: SendRoomNumber",
    ] {
        assert!(told.contains(&expected), "{expected} is not in {told:?}");
    }
}

#[test]
fn the_end_of_the_meeting_ends_everything() {
    let mut roll = Roll::new();

    roll.world.run_until(at(2 * 3_600_000));

    let meeting = roll.world.meetings.values().next().unwrap();
    assert_eq!(
        meeting.occurrence.status.kind(),
        occurrence::StatusKind::Ended
    );
    assert_eq!(meeting.room.count(), 0);
    assert_eq!(finish(&roll.world, roll.answering), Some(Finish::Attended));
    assert_eq!(finish(&roll.world, roll.off), Some(Finish::Offline));
}

#[test]
fn dialled_ahead_they_wait_with_music_and_all_join_at_the_start() {
    let mut world = World::new();
    let meeting = world.meeting(Span::minutes(5));
    let own = world.employee("Irina", false, always(answers));
    let outside = world.outsider("Hans", always(|| answers_and_presses('1')));
    let later = world.outsider(
        "Katya",
        cycle(vec![answers_and_presses('2'), answers_and_presses('1')]),
    );
    let never = world.outsider("Pavel", always(|| answers_and_presses('3')));
    let impatient = world.employee(
        "Marat",
        false,
        cycle(vec![drops_after_a_minute(), answers()]),
    );
    for person in [own, outside, later, never, impatient] {
        world.invite(person, meeting);
    }

    world.run_until(at(-1));
    for held in [own, outside] {
        assert!(matches!(world.of(held).status(), Status::Held { .. }));
    }
    assert_eq!(world.meetings[&meeting].room.count(), 0);
    world.run_until(at(60_000));

    let joined = |world: &World, person: usize| {
        let name = &world.people[person].name;
        let member = world.meetings[&meeting]
            .room
            .members()
            .find(|m| m.name == *name);
        member.map(|member| (member.joined_at - START).0)
    };
    assert_eq!(joined(&world, own), Some(0));
    assert_eq!(joined(&world, outside), Some(0));
    assert_eq!(joined(&world, later), Some(10_000));
    assert_eq!(joined(&world, impatient), Some(4_000));
    assert_eq!(ms(&world.rings(later)), [-300_000, 0]);
    assert_eq!(ms(&world.rings(impatient)), [-300_000, 0]);
    assert_eq!(finish(&world, never), Some(Finish::CannotCome));
    assert_eq!(ms(&world.rings(never)), [-300_000]);
}

#[test]
fn calling_back_lands_in_the_room_and_ends_the_waiting() {
    let mut world = World::new();
    let meeting = world.meeting(Span::ZERO);
    let silent = world.employee("Dina", false, always(|| Reaction::RingOut));
    world.invite(silent, meeting);
    world.calls_in(silent, at(50_000));

    world.run_until(at(30 * 60_000));

    assert!(world.is_in(silent));
    assert_eq!(ms(&world.rings(silent)), [0]);
}

#[test]
fn a_phone_that_declines_may_still_call_in() {
    let mut world = World::new();
    let meeting = world.meeting(Span::ZERO);
    let pavel = world.employee("Pavel", false, always(red_key));
    world.invite(pavel, meeting);
    world.calls_in(pavel, at(600_000));

    world.run_until(at(30 * 60_000));

    assert!(world.is_in(pavel));
    assert_eq!(ms(&world.rings(pavel)), [0]);
}

#[test]
fn dragged_in_after_a_decline_he_is_called_once_more() {
    let mut world = World::new();
    let meeting = world.meeting(Span::ZERO);
    let pavel = world.employee("Pavel", false, cycle(vec![red_key(), answers()]));
    let invitation = world.invite(pavel, meeting);
    world.run_until(at(60_000));

    world.call_now(invitation);
    world.run_until(at(120_000));

    assert!(world.is_in(pavel));
    assert_eq!(ms(&world.rings(pavel)), [0, 60_000]);
}

#[test]
fn who_is_in_one_meeting_is_called_into_the_next_when_he_leaves() {
    let mut world = World::new();
    let first = world.meeting(Span::ZERO);
    let second = world.meeting(Span::ZERO);
    let marat = world.employee("Marat", false, always(answers));
    let one = world.invite(marat, first);
    let two = world.invite(marat, second);
    world.run_until(at(600_000));
    assert!(matches!(
        world.invitations[&one].status(),
        Status::InRoom { .. }
    ));
    assert!(matches!(
        world.invitations[&two].status(),
        Status::Waiting { .. }
    ));

    world.take_out(one);
    world.run_until(at(660_000));

    assert!(matches!(
        world.invitations[&two].status(),
        Status::InRoom { .. }
    ));
    assert_eq!(ms(&world.rings(marat)), [0, 603_000]);
}

#[test]
fn a_late_start_within_the_grace_calls_everyone_at_once() {
    let mut roll = Roll::new();
    roll.world.now = at(4 * 60_000);

    roll.world.run_until(at(5 * 60_000));

    let meeting = roll.world.meetings.values().next().unwrap();
    assert!(meeting.occurrence.late);
    assert_eq!(ms(&roll.world.rings(roll.answering)), [240_000]);
    assert!(roll.world.is_in(roll.answering));
}

#[test]
fn a_later_start_calls_nobody_and_lets_in_who_calls() {
    let mut roll = Roll::new();
    roll.world.now = at(5 * 60_000 + 1);
    roll.world.calls_in(roll.answering, at(6 * 60_000));

    roll.world.run_until(at(50 * 60_000));

    assert!(roll.world.is_in(roll.answering));
    for person in 0..roll.world.people.len() {
        assert!(roll.world.rings(person).is_empty());
    }
}

#[test]
fn a_meeting_slept_over_is_reported_missed() {
    let mut roll = Roll::new();
    roll.world.now = at(3_600_000);

    roll.world.run_until(at(3_700_000));

    assert_eq!(roll.world.log, [(at(3_600_000), "missed".to_owned())]);
}
