//! An operator with ways of his own is learnt by three test calls, and read by them.

use serde_json::{Value, json};
use tests::wait;

use crate::small::House;

/// This operator says 404 of a phone that is off, plays an announcement and says 480 of one
/// that is busy, and lets every ring be heard as sound. The last line says the same of all.
const LINES: &str = r#"
[[line]]
name = "Test phone"
number = "+79160000001"
steps = [
  { do = "refuse", status = 404 },
  { do = "refuse", status = 480, sounds_s = 1 },
  { do = "sounds" },
]

[[line]]
name = "Off"
number = "+79160000002"
steps = [{ do = "refuse", status = 404 }]

[[line]]
name = "Busy"
number = "+79160000003"
steps = [{ do = "refuse", status = 480, sounds_s = 1 }]

[[line]]
name = "Unanswered"
number = "+79160000004"
steps = [{ do = "sounds" }]

[[line]]
name = "Answers"
number = "+79160000005"
steps = [{ do = "answer", after_s = 0.2 }]

[[line]]
name = "Always the same"
number = "+79160000006"
steps = [{ do = "refuse", status = 480, sounds_s = 1 }]
"#;

fn trunk(house: &House) -> Value {
    house.api.list("trunks")[0].clone()
}

/// Calls a phone of which this is true, and waits for what came of it.
fn call(house: &House, condition: &str, number: &str) -> Value {
    let path = format!(
        "trunks/{}/calibration/calls",
        trunk(house)["id"].as_str().unwrap()
    );
    let body = json!({ "condition": condition, "number": number });
    assert_eq!(house.api.post(&path, &body).status, 202);
    wait::until(
        format!("the call to a phone that is {condition}"),
        wait::LONG,
        || {
            let trunk = trunk(house);
            let steps = trunk["calibration"]["steps"].as_array()?;
            let step = steps.iter().find(|step| step["condition"] == condition)?;
            let over = step["status"]["kind"] == "learnt" || step["status"]["kind"] == "failed";
            over.then(|| step["status"].clone())
        },
    )
}

fn post(house: &House, what: &str) -> tests::api::Answer {
    let path = format!("trunks/{}/{what}", trunk(house)["id"].as_str().unwrap());
    house.api.post(&path, &json!({}))
}

/// The outcome and the row of the first attempt at this number.
fn judged(house: &House, occurrence: &str, name: &str) -> (Value, Value) {
    wait::until(
        format!("the call to {name} to be judged"),
        wait::LONG,
        || {
            let report = house.api.get(&format!("occurrences/{occurrence}")).ok();
            let stories = report["invitations"].as_array()?.clone();
            let story = stories
                .iter()
                .find(|story| story["invitation"]["name"] == name)?;
            let first = story["attempts"].as_array()?.first()?;
            first["outcome"]
                .is_string()
                .then(|| (first["outcome"].clone(), first["row"].clone()))
        },
    )
}

#[test]
fn an_operator_with_ways_of_his_own_is_learnt_by_three_calls_and_read_by_them() {
    let house = House::open(LINES, &[]);
    let rules = json!({ "rules": { "ring_ms": 2000, "setup_ms": 3000 } });
    assert_eq!(house.api.patch("company", &rules).status, 200);
    let phone = "+79160000001";

    assert_eq!(post(&house, "calibration").status, 201);
    // Somebody answers: the phone is not what it was said to be, and it is tried again.
    let answered = call(&house, "off", "+79160000005");
    assert_eq!(answered["why"], "answered", "{answered}");
    let off = call(&house, "off", phone);
    assert_eq!(off["answer"]["code"], 404, "{off}");
    let busy = call(&house, "busy", phone);
    assert_eq!(
        (&busy["answer"]["code"], &busy["answer"]["early_media"]),
        (&json!(480), &json!(true))
    );
    let unanswered = call(&house, "unanswered", phone);
    assert_eq!(unanswered["answer"]["code"], Value::Null, "{unanswered}");
    assert_eq!(post(&house, "calibration/use").status, 200);
    assert_eq!(trunk(&house)["learnt"].as_array().map(Vec::len), Some(3));

    let room = house.room("9000");
    let number =
        |name: &str, number: &str| json!({ "name": name, "number": number, "role": "speaker" });
    let meeting = house.api.post(
        "meetings",
        &json!({
            "title": "Odd answers", "room_id": room, "duration_min": 30,
            "participants": [
                number("Off", "+79160000002"),
                number("Busy", "+79160000003"),
                number("Unanswered", "+79160000004"),
            ],
        }),
    );
    let meeting = meeting.ok();
    let occurrence = meeting["occurrence_ids"][0].as_str().unwrap();
    for (name, outcome) in [
        ("Off", "offline"),
        ("Busy", "busy"),
        ("Unanswered", "no_answer"),
    ] {
        let judged = judged(&house, occurrence, name);
        assert_eq!(judged, (json!(outcome), json!("profile")), "{name}");
    }
}

#[test]
fn an_operator_who_says_the_same_of_everything_is_told_so_and_nothing_changes() {
    let house = House::open(LINES, &[]);
    let same = "+79160000006";
    assert_eq!(post(&house, "calibration").status, 201);
    for condition in ["off", "busy", "unanswered"] {
        assert_eq!(call(&house, condition, same)["kind"], "learnt");
    }

    let calibration = trunk(&house)["calibration"].clone();

    assert_eq!(calibration["ready"], false);
    assert_eq!(
        calibration["alike"],
        json!({ "one": "off", "other": "busy" })
    );
    let refused = post(&house, "calibration/use");
    assert_eq!(
        (refused.status, &refused.body["code"]),
        (409, &json!("answers_look_alike"))
    );
    assert_eq!(trunk(&house)["learnt"], json!([]));
}
