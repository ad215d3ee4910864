//! When people are let into a room, and how long they may stay.

use domain::{Millis, Span, Zone};
use serde_json::json;
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
    let meeting = house
        .api
        .post(
            "meetings",
            &json!({
                "title": "Morning roll call",
                "room_id": house.room("9000"),
                "starts_local": in_half_an_hour(),
                "duration_min": 30,
                "lead_s": 3_600,
                "early_s": early_s,
                "participants": [{ "number": "+79162120002", "role": "speaker" }],
            }),
        )
        .ok();
    format!("meetings/{}", meeting["id"].as_str().unwrap())
}

#[test]
fn whoever_calls_early_is_let_in_when_the_plan_says_so() {
    let house = House::open(CALLS_IN, &[]);
    plan(&house, 3_600);
    house.wait_for_members("9000", 1);
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
