//! Noise is taken out of voices while the room talks.

use serde_json::json;
use tests::wait;

use crate::small::House;

const LINES: &str = r#"
[[line]]
name = "Anna Reut"
number = "+79162120002"
voice = { noise = true, codecs = ["pcma"] }
steps = [{ do = "answer", after_s = 0.3 }]

[[line]]
name = "Oleg Sorokin"
number = "+79162120003"
voice = { tone_hz = 880, codecs = ["g722"] }
steps = [{ do = "answer", after_s = 0.3 }]
"#;

/// Waits until for two seconds Oleg has heard something as loud as this.
fn wait_for_oleg_to_hear(house: &House, what: &str, loud: impl Fn(f64) -> bool) {
    let since = house.phones.of("Oleg Sorokin").len();
    wait::until(format!("Oleg to hear {what}"), wait::LONG, || {
        let of = house.phones.of("Oleg Sorokin");
        let heard: Vec<f64> = of
            .iter()
            .skip(since)
            .filter_map(|event| event["dbov"].as_f64())
            .collect();
        let lately = heard.iter().rev().take(4);
        (heard.len() >= 4 && lately.copied().all(&loud)).then_some(())
    });
}

#[test]
fn a_room_that_talks_is_rid_of_noise_by_a_word_and_has_it_back_by_another() {
    let house = House::open(LINES, &[]);
    house.meet("9000", &["Anna Reut", "Oleg Sorokin"]);
    house.wait_for_members("9000", 2);
    let fan = |dbov: f64| (-45.0..-30.0).contains(&dbov);
    wait_for_oleg_to_hear(&house, "Anna's fan", fan);

    let path = format!("rooms/{}", house.room("9000"));
    let change = |on: bool| {
        house
            .api
            .patch(&path, &json!({ "suppress_noise": on }))
            .ok()
    };
    change(true);
    wait_for_oleg_to_hear(&house, "nothing", |dbov| dbov < -65.0);

    change(false);
    wait_for_oleg_to_hear(&house, "Anna's fan again", fan);
}
