//! When people are let into a room, and how long they may stay.

use domain::{Millis, Span, Zone};
use serde_json::{Value, json};
use tests::wait;

use crate::small::House;

/// Irina calls the room by herself; Anna does not come.
const CALLS_IN: &str = r#"
[[line]]
name = "Irina Belova"
account = "irina"
secret = "irina-company-1"
steps = [{ do = "answer", after_s = 1 }]
calls = [{ to = "9000", at_s = 3, from_start = true }]

[[line]]
name = "Anna Reut"
number = "+79162120002"
steps = [{ do = "ring_out" }]
"#;

/// Irina moderates and presses star one, once she hears Anna.
const EXTENDS: &str = r#"
[[line]]
name = "Irina Belova"
account = "irina"
secret = "irina-company-1"
steps = [{ do = "answer", after_s = 1, press = [
    { key = "*", after_hearing_s = 4 }, { key = "1", after_hearing_s = 0.1 },
] }]

[[line]]
name = "Anna Reut"
number = "+79162120002"
voice = { tone_hz = 440 }
steps = [{ do = "answer", after_s = 1, press = [{ key = "1", after_hearing_s = 3 }] }]
"#;

/// Half an hour from now on the company's clocks.
fn in_half_an_hour() -> String {
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    let now = Millis(i64::try_from(now.as_millis()).unwrap());
    let then = now + Span::minutes(30);
    then.in_zone(Zone::UTC).unwrap().to_string()
}

/// Plans a meeting in half an hour that is being got together already; its path.
fn plan(house: &House, early_s: u32) -> String {
    plan_with(house, early_s, 3_600)["id"]
        .as_str()
        .map(|id| format!("meetings/{id}"))
        .unwrap()
}

fn plan_with(house: &House, early_s: u32, lead_s: u32) -> Value {
    house
        .api
        .post(
            "meetings",
            &json!({
                "title": "Morning roll call",
                "room_id": house.room("9000"),
                "starts_local": in_half_an_hour(),
                "duration_min": 30,
                "lead_s": lead_s,
                "early_s": early_s,
                "participants": [{ "number": "+79162120002", "role": "speaker" }],
            }),
        )
        .ok()
}

#[test]
fn whoever_calls_early_is_let_in_when_the_plan_says_so() {
    let house = House::open(CALLS_IN, &[]);
    plan(&house, 3_600);
    house.wait_for_members("9000", 1);
}

#[test]
fn the_room_opens_early_before_anybody_is_called_and_closes_when_the_meeting_moves() {
    let house = House::open(CALLS_IN, &[]);
    // It opens an hour before the start, and calls from five minutes before.
    let made = plan_with(&house, 3_600, 300);
    let date = format!(
        "occurrences/{}",
        made["occurrence_ids"][0].as_str().unwrap()
    );
    let now = || house.api.get(&date).ok();
    let is = |status: &'static str| {
        wait::until(format!("the date to be {status}"), wait::LONG, || {
            (now()["occurrence"]["status"] == status).then_some(())
        });
    };
    is("early");
    house.wait_for_members("9000", 1);
    let story = now();
    assert_eq!(story["members"][0]["name"], "Irina Belova");
    let begins = &story["occurrence"];
    let lead = begins["starts_at"].as_i64().unwrap() - begins["dial_at"].as_i64().unwrap();
    assert_eq!(lead, 300_000);
    assert_eq!(
        house.phones.times_called("Anna Reut"),
        0,
        "the room is open, and that is all"
    );
    assert_eq!(story["invitations"][0]["attempts"], json!([]));

    let moved = json!({ "starts_local": "2030-06-03T11:00" });
    let meeting = format!("meetings/{}", made["id"].as_str().unwrap());
    house.api.patch(&meeting, &moved).ok();
    is("scheduled");
    house.wait_for_members("9000", 0);
    assert_eq!(house.phones.times_called("Anna Reut"), 0);
}

#[test]
fn whoever_is_wanted_before_dialling_begins_is_called_alone() {
    let house = House::open(CALLS_IN, &[]);
    let made = plan_with(&house, 3_600, 300);
    house.wait_for_members("9000", 1);
    let room = house.room("9000");
    let sorokin = json!({ "number": "+79162120003", "role": "speaker" });
    house
        .api
        .post(&format!("rooms/{room}/members"), &sorokin)
        .ok();

    let date = format!(
        "occurrences/{}",
        made["occurrence_ids"][0].as_str().unwrap()
    );
    wait::until("Oleg to be called", wait::LONG, || {
        let story = house.api.get(&date).ok();
        let oleg = story["invitations"].as_array()?.last()?.clone();
        (!oleg["attempts"].as_array()?.is_empty()).then_some(())
    });
    assert_eq!(house.phones.times_called("Anna Reut"), 0);
}

#[test]
fn whoever_calls_early_waits_at_the_door_when_it_does_not() {
    let house = House::open(CALLS_IN, &[]);
    let meeting = plan(&house, 0);
    wait::until("Irina's call to be taken", wait::LONG, || {
        let of = house.phones.of("Irina Belova");
        of.iter()
            .any(|one| one["event"] == "answered")
            .then_some(())
    });
    house.wait_for_members("9000", 0);

    house.api.post(&format!("{meeting}/start"), &json!({})).ok();
    house.wait_for_members("9000", 1);
}

#[test]
fn a_moderators_key_gives_the_meeting_more_time_and_the_board_does() {
    let house = House::open(EXTENDS, &[]);
    let date = house.moderated("9000", "Irina Belova", &["Anna Reut"]);
    let path = format!("occurrences/{date}");
    let ends_at = || house.api.get(&path).ok()["occurrence"]["ends_at"].as_i64();
    let planned = ends_at().unwrap();
    let longer_by = |minutes: i64| {
        wait::until(format!("{minutes} minutes more"), wait::LONG, || {
            (ends_at()? == planned + minutes * 60_000).then_some(())
        });
    };
    longer_by(15);
    house
        .api
        .post(&format!("{path}/extend"), &json!({ "minutes": 30 }))
        .ok();
    longer_by(45);
}
