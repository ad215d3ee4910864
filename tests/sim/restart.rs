//! Killed at any instant: the same phones ring, and ring once.

use domain::Span;
use proptest::prelude::*;

use crate::{
    meeting::{Roll, at},
    world::Kills,
};

/// How often each phone rang in the end.
fn rings(roll: &Roll) -> Vec<usize> {
    roll.world
        .people
        .iter()
        .map(|one| one.rings.len())
        .collect()
}

#[test]
fn a_server_killed_every_few_seconds_still_brings_everyone_in() {
    let mut calm = Roll::new();
    calm.world.run_until(at(30 * 60_000));
    let mut shaken = Roll::new();
    for n in 0..150 {
        shaken.world.crash_at(at(7_300 * n));
    }

    shaken.world.run_until(at(30 * 60_000));

    shaken.check();
    // A greeting cut off by a crash begins anew; no phone rings twice for it.
    assert_eq!(rings(&shaken), rings(&calm));
}

#[test]
fn killed_between_the_record_and_the_invite_each_phone_rings_and_rings_once() {
    let mut calm = Roll::new();
    calm.world.run_until(at(30 * 60_000));
    for kills in [Kills::BeforeInvites, Kills::AfterInvites] {
        let mut shaken = Roll::new();
        shaken.world.kills = kills;

        shaken.world.run_until(at(30 * 60_000));

        shaken.check();
        assert_eq!(rings(&shaken), rings(&calm), "{kills:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_server_killed_at_any_instant_loses_nobody_and_rings_nobody_twice(
        crashes in prop::collection::vec(0_i64..900_000, 1..12),
    ) {
        let mut roll = Roll::new();
        for crash in crashes {
            roll.world.crash_at(at(crash));
        }

        roll.world.run_until(at(45 * 60_000));

        roll.check();
    }

    #[test]
    fn crashes_around_the_start_leave_everyone_rung_once(
        crashes in prop::collection::vec(-2_000_i64..12_000, 1..20),
    ) {
        let mut roll = Roll::new();
        for crash in crashes {
            roll.world.crash_at(at(crash));
        }

        roll.world.run_until(at(19_000));

        for person in 0..roll.world.people.len() {
            prop_assert_eq!(roll.world.rings(person), [Span::ZERO]);
        }
    }
}
