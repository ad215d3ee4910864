//! The database is away: stopped, then frozen. Calls go on, whoever is known gets in,
//! writes are refused in time, and what happened is told once it is back.

use std::time::{Duration, Instant};

use domain::{Millis, Zone};
use serde_json::{Value, json};
use tests::{postgres::Postgres, wait};

use crate::{clock, small::House};

const LINES: &str = r#"
[[line]]
name = "Anna Reut"
number = "+79162120002"
voice = { tone_hz = 440, codecs = ["pcma"] }
steps = [{ do = "answer", after_s = 0.3 }]

[[line]]
name = "Oleg Sorokin"
number = "+79162120003"
voice = { tone_hz = 880, codecs = ["pcma"] }
steps = [{ do = "answer", after_s = 0.3 }]
"#;

/// How long a refused write may take.
const REFUSED_WITHIN: Duration = Duration::from_secs(5);

fn hears(house: &House, line: &str, hz: u64, since: usize) -> bool {
    house.phones.of(line).iter().skip(since).any(|event| {
        let tones = event["tones"].as_array();
        tones.is_some_and(|tones| {
            tones
                .iter()
                .any(|tone| tone.as_u64().is_some_and(|tone| tone.abs_diff(hz) <= 8))
        })
    })
}

#[test]
fn calls_outlive_a_database_that_stops_and_one_that_freezes() {
    let postgres = Postgres::start();
    let house = House::open(LINES, &[("ROLLCALL_DATABASE_URL", &postgres.url())]);
    let occurrence = house.meet("9000", &["Anna Reut", "Oleg Sorokin"]);
    house.wait_for_members("9000", 2);
    let room = house.room("9000");

    for (what, away, back) in [
        (
            "stopped",
            Postgres::stop as fn(&Postgres),
            Postgres::resume as fn(&Postgres),
        ),
        ("frozen", Postgres::freeze, Postgres::thaw),
    ] {
        away(&postgres);

        let asked = Instant::now();
        let refused = house.api.post(
            "meetings",
            &json!({ "title": "Later", "room_id": room, "duration_min": 5, "participants": [] }),
        );
        assert_eq!(refused.status, 503, "{what}: {}", refused.body);
        assert!(
            asked.elapsed() < REFUSED_WITHIN,
            "{what}: {:?}",
            asked.elapsed()
        );
        let heard = house.phones.of("Anna Reut").len();
        wait::until(
            format!("Anna to hear Oleg while it is {what}"),
            wait::LONG,
            || hears(&house, "Anna Reut", 880, heard).then_some(()),
        );

        back(&postgres);

        wait::until(format!("writes after it was {what}"), wait::LONG, || {
            (house.api.get("health").status == 200).then_some(())
        });
        house.wait_for_members("9000", 2);
    }

    // Nobody was called again, and the report holds one visit and one attempt each.
    assert_eq!(house.phones.times_called("Anna Reut"), 1);
    assert_eq!(house.phones.times_called("Oleg Sorokin"), 1);
    house
        .api
        .post(&format!("occurrences/{occurrence}/end"), &json!({}))
        .ok();
    let report = wait::until("the report", wait::LONG, || {
        let report = house.api.get(&format!("occurrences/{occurrence}")).ok();
        let stories = report["invitations"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let written = stories
            .iter()
            .all(|story| story["attempts"][0]["ended_at"].is_number());
        (written && report["occurrence"]["status"] == "ended").then_some(report)
    });
    assert_eq!(
        report["visits"].as_array().map(Vec::len),
        Some(2),
        "{report}"
    );
    for story in report["invitations"].as_array().unwrap() {
        assert_eq!(
            story["attempts"].as_array().map(Vec::len),
            Some(1),
            "{story}"
        );
    }
}

#[test]
fn whoever_leaves_while_the_database_is_away_has_left_when_it_is_back() {
    let postgres = Postgres::start();
    let lines = LINES.replacen("after_s = 0.3 }", "after_s = 0.3, leaves_after_s = 8 }", 1);
    let house = House::open(&lines, &[("ROLLCALL_DATABASE_URL", &postgres.url())]);
    let occurrence = house.meet("9000", &["Anna Reut", "Oleg Sorokin"]);
    house.wait_for_members("9000", 2);

    postgres.stop();
    wait::until("Anna to leave", wait::LONG, || {
        let of = house.phones.of("Anna Reut");
        of.iter()
            .any(|event| event["event"] == "released")
            .then_some(())
    });
    postgres.resume();

    // Her call broke off: she is called back, which needs the record to be there first.
    wait::until("Anna to be called back", wait::LONG, || {
        (house.phones.times_called("Anna Reut") == 2).then_some(())
    });
    let report = house.api.get(&format!("occurrences/{occurrence}")).ok();
    let stories = report["invitations"].as_array().unwrap();
    let anna = stories
        .iter()
        .find(|story| story["invitation"]["name"] == "Anna Reut")
        .unwrap();
    let outcomes: Vec<&Value> = anna["attempts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|attempt| &attempt["outcome"])
        .collect();
    assert_eq!(outcomes[0], "dropped", "{outcomes:?}");
}

#[test]
fn a_meeting_whose_start_comes_while_the_database_is_away_rings_everybody_once_when_it_is_back() {
    let (postgres, time) = (Postgres::start(), clock::new_clock());
    let url = postgres.url();
    let mut environment = vec![("ROLLCALL_DATABASE_URL", url.as_str())];
    environment.extend(clock::under(&time));
    let house = House::open(LINES, &environment);
    let names = ["Anna Reut", "Oleg Sorokin"];
    let now = house.api.get("health").body["now"].as_i64().unwrap();
    let starts = now / 60_000 * 60_000 + 10 * 60_000;
    let expected: Vec<Value> = names
        .iter()
        .map(|name| json!({ "employee_id": house.person(name), "role": "speaker" }))
        .collect();
    let meeting = house.api.post(
        "meetings",
        &json!({
            "title": "Roll call", "room_id": house.room("9000"), "duration_min": 60,
            "time_zone": "UTC", "participants": expected,
            "starts_local": Millis(starts).in_zone(Zone::UTC).unwrap().to_string(),
        }),
    );
    let meeting = meeting.ok();
    let occurrence = meeting["occurrence_ids"][0].as_str().unwrap().to_owned();

    postgres.stop();
    clock::set(&time, (starts - now) / 1_000 + 20);
    // It has surely looked meanwhile: whoever asks waits for the database as long as it does.
    let now = json!({
        "title": "Now", "room_id": meeting["room_id"], "duration_min": 5, "participants": [],
    });
    for _ in 0..3 {
        assert_eq!(house.api.post("meetings", &now).status, 503);
    }
    for name in names {
        assert_eq!(house.phones.times_called(name), 0, "{name}");
    }
    postgres.resume();

    house.wait_for_members("9000", 2);
    let report = house.api.get(&format!("occurrences/{occurrence}")).ok();
    assert_eq!(report["occurrence"]["late"], true);
    for (name, story) in names.iter().zip(report["invitations"].as_array().unwrap()) {
        assert_eq!(house.phones.times_called(name), 1, "{name}");
        assert_eq!(
            story["attempts"].as_array().map(Vec::len),
            Some(1),
            "{story}"
        );
    }
}
