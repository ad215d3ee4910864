//! One colleague calls another, and the server is killed.

use tests::wait;

use crate::small::House;

const LINES: &str = r#"
[[line]]
name = "Irina Belova"
account = "irina"
secret = "irina-company-1"
voice = { tone_hz = 440, codecs = ["pcma"] }
steps = [{ do = "busy" }]
calls = [{ to = "102", at_s = 1, from_start = true }]

[[line]]
name = "Anna Reut"
number = "+79162120002"
voice = { tone_hz = 880, codecs = ["pcma"] }
steps = [{ do = "STEP" }]
"#;

fn happened(house: &House, line: &str, event: &str) -> usize {
    let of = house.phones.of(line);
    of.iter().filter(|one| one["event"] == event).count()
}

fn wait_to_hear(house: &House, line: &str, hz: u64) {
    let since = house.phones.of(line).len();
    wait::until(format!("{line} to hear {hz} Hz"), wait::LONG, || {
        let of = house.phones.of(line);
        let heard = of.iter().skip(since).any(|event| {
            let tones = event["tones"].as_array();
            tones.is_some_and(|tones| {
                tones
                    .iter()
                    .any(|tone| tone.as_u64().is_some_and(|tone| tone.abs_diff(hz) <= 8))
            })
        });
        heard.then_some(())
    });
}

#[test]
fn two_who_talk_talk_on_after_a_crash() {
    let mut house = House::open(&LINES.replace("STEP", "answer"), &[]);
    wait_to_hear(&house, "Anna Reut", 440);
    wait_to_hear(&house, "Irina Belova", 880);

    house.crash();

    wait_to_hear(&house, "Anna Reut", 440);
    wait_to_hear(&house, "Irina Belova", 880);
    assert_eq!(house.phones.times_called("Anna Reut"), 1);
    for line in ["Anna Reut", "Irina Belova"] {
        assert_eq!(happened(&house, line, "released"), 0, "{line} was cut off");
    }
    let members = house
        .api
        .list(&format!("rooms/{}/members", house.room("9000")));
    assert!(members.is_empty(), "ghosts");
}

#[test]
fn a_phone_that_rang_when_the_server_died_does_not_ring_on() {
    let mut house = House::open(&LINES.replace("STEP", "ring_out"), &[]);
    wait::until("Anna's phone to ring", wait::LONG, || {
        (happened(&house, "Anna Reut", "ringing") == 1).then_some(())
    });

    house.crash();

    wait::until("Anna's phone to be quiet", wait::LONG, || {
        (happened(&house, "Anna Reut", "released") == 1).then_some(())
    });
    assert_eq!(house.phones.times_called("Anna Reut"), 1);
}
