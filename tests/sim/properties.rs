//! What holds whatever phones and people do.
//!
//! The world itself watches over the guard's rules (never two calls at once to
//! one person, none after a decline, after the end or in quiet hours): these
//! tests only have to shake it.

use domain::{InvitationId, Span, company::QuietHours, invitation::Status};
use proptest::prelude::*;

use crate::{
    meeting::at,
    world::{
        World,
        phone::{Answer, Failure, Reaction, always, answers, cycle, fails, until},
    },
};

/// Something that happens from outside.
#[derive(Debug, Clone)]
enum Act {
    Returns(usize),
    CallsIn(usize),
    CallNow(usize),
    GiveUp(usize),
    TakeOut(usize),
    Crash,
}

fn failure() -> impl Strategy<Value = Reaction> {
    let codes = prop::sample::select(vec![
        404_u16, 408, 480, 480, 480, 486, 486, 488, 500, 503, 600, 603, 607, 420,
    ]);
    let causes = prop::option::of(prop::sample::select(vec![
        1_u8, 16, 17, 18, 19, 20, 21, 27, 31, 34, 38, 55, 65,
    ]));
    (
        codes,
        causes,
        20_i64..8_000,
        prop::option::of(10_i64..5_000),
    )
        .prop_map(|(code, cause, fails, rings)| {
            Reaction::Fail(Failure {
                rings: rings.map(Span),
                fails: Span(fails + rings.unwrap_or(0)),
                code,
                cause,
            })
        })
}

fn answer() -> impl Strategy<Value = Reaction> {
    let keys = prop::collection::vec(
        (
            500_i64..40_000,
            prop::sample::select(vec!['1', '1', '2', '3', '7']),
        ),
        0..3,
    );
    (
        prop::option::of(10_i64..3_000),
        0_i64..35_000,
        keys,
        prop::option::of(500_i64..900_000),
    )
        .prop_map(|(rings, answers, keys, hangs_up)| {
            Reaction::Answer(Answer {
                rings: rings.map(Span),
                answers: Span(answers + rings.unwrap_or(0)),
                keys: keys
                    .into_iter()
                    .map(|(after, key)| (Span(after), key))
                    .collect(),
                hangs_up: hangs_up.map(Span),
            })
        })
}

fn reaction() -> impl Strategy<Value = Reaction> {
    prop_oneof![
        4 => failure(),
        4 => answer(),
        1 => Just(Reaction::RingOut),
        1 => Just(Reaction::Silence),
    ]
}

fn act(people: usize) -> impl Strategy<Value = (i64, Act)> {
    let who = 0..people;
    let act = prop_oneof![
        who.clone().prop_map(Act::Returns),
        who.clone().prop_map(Act::CallsIn),
        who.clone().prop_map(Act::CallNow),
        who.clone().prop_map(Act::GiveUp),
        who.prop_map(Act::TakeOut),
        Just(Act::Crash),
    ];
    (-280_000_i64..3_500_000, act)
}

const PEOPLE: usize = 4;

/// Which minute of the day it is so many minutes after the start.
fn minute_of_day(after_start: i64) -> u16 {
    let minute = at(after_start * 60_000).0.div_euclid(60_000);
    u16::try_from(minute.rem_euclid(24 * 60)).expect("a minute of a day")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Four people in two meetings at once, with phones that do anything.
    #[test]
    fn nobody_is_called_who_should_not_be(
        scripts in prop::collection::vec(prop::collection::vec(reaction(), 1..6), PEOPLE),
        needs_key in prop::collection::vec(any::<bool>(), PEOPLE),
        mut acts in prop::collection::vec(act(PEOPLE * 2), 0..25),
        lead in prop::sample::select(vec![0_i64, 60, 300]),
        quiet in prop::option::of((-10_i64..70, 1_i64..40)),
        most_calls in prop::option::of(0_u32..12),
    ) {
        let mut world = World::new();
        world.quiet = quiet.map(|(from, lasts)| QuietHours {
            from_minute: minute_of_day(from),
            until_minute: minute_of_day(from + lasts),
        });
        world.limits.meeting.calls = most_calls;
        let meetings = [world.meeting(Span::seconds(lead)), world.meeting(Span::ZERO)];
        let mut invitations: Vec<InvitationId> = Vec::new();
        for (n, (script, key)) in scripts.into_iter().zip(needs_key).enumerate() {
            let person = world.employee(&format!("Person {n}"), key, cycle(script));
            invitations.extend(meetings.map(|meeting| world.invite(person, meeting)));
        }

        acts.sort_by_key(|(when, _)| *when);
        for (when, act) in acts {
            world.run_until(at(when));
            match act {
                Act::Returns(n) => world.returns(n / 2, at(when)),
                Act::CallsIn(n) => world.calls_in(n / 2, at(when)),
                Act::CallNow(n) => world.call_now(invitations[n]),
                Act::GiveUp(n) => world.give_up(invitations[n]),
                Act::TakeOut(n) => world.take_out(invitations[n]),
                Act::Crash => world.crash_at(at(when)),
            }
        }
        world.run_until(at(2 * 3_600_000));

        for invitation in world.invitations.values() {
            let finished = matches!(invitation.status(), Status::Finished { .. });
            prop_assert!(finished, "{:?}", invitation.status());
        }
        for meeting in world.meetings.values() {
            prop_assert_eq!(meeting.room.count(), 0);
        }
        for meeting in meetings {
            let most = most_calls.map_or(usize::MAX, |most| most as usize);
            prop_assert!(world.calls_of(meeting) <= most);
        }
    }

    #[test]
    fn offline_is_tried_exactly_twice_more_five_minutes_apart(after in 1_i64..20_000) {
        let mut world = World::new();
        let meeting = world.meeting(Span::ZERO);
        let anna = world.employee("Anna", false, always(move || Reaction::Fail(Failure {
            rings: None,
            fails: Span(after),
            code: 480,
            cause: Some(20),
        })));
        let irina = world.employee("Irina", false, always(answers));
        world.invite(irina, meeting);
        world.invite(anna, meeting);

        world.run_until(at(3_600_000));

        let apart = 300_000 + after;
        prop_assert_eq!(world.rings(anna), [Span(0), Span(apart), Span(2 * apart)]);
        prop_assert_eq!(&world.meetings[&meeting].announced, &["Anna is_offline"]);
    }

    #[test]
    fn busy_is_knocked_at_every_20_seconds_for_two_minutes_and_then_every_45(
        after in 1_i64..15_000,
    ) {
        let mut world = World::new();
        let meeting = world.meeting(Span::ZERO);
        let viktor = world.employee("Viktor", false, always(move || Reaction::Fail(Failure {
            rings: None,
            fails: Span(after),
            code: 486,
            cause: None,
        })));
        world.invite(viktor, meeting);

        world.run_until(at(3_600_000));

        let rings: Vec<i64> = world.rings(viktor).iter().map(|span| span.0).collect();
        for pair in rings.windows(2) {
            let (busy_at, next) = (pair[0] + after, pair[1]);
            let since_first = busy_at - after;
            let wait = if since_first < 120_000 { 20_000 } else { 45_000 };
            prop_assert_eq!(next - busy_at, wait);
        }
        // Until the meeting is over.
        let last = rings.last().copied().unwrap_or_default();
        prop_assert!(last + after + 45_000 >= 3_600_000);
    }

    /// A line that is seen to return is in the room within seconds.
    #[test]
    fn a_line_that_returns_is_in_the_room_within_seconds(back in 1_000_i64..3_000_000) {
        let mut world = World::new();
        let meeting = world.meeting(Span::ZERO);
        let oleg = world.employee("Oleg", false, until(
            at(back),
            || fails(480, Some(20)),
            answers,
        ));
        world.invite(oleg, meeting);
        world.returns(oleg, at(back));

        world.run_until(at(back + 8_000));

        prop_assert!(world.is_in(oleg));
    }
}
