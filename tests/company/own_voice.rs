//! Names in people's own voices, on the wire: a tone stands for each voice, and whoever should
//! hear the name hears the tone.

use std::io::Cursor;

use serde_json::json;
use tests::wait;

use crate::small::House;

/// Irina calls the desk and says her name; Anna is called by her, later.
const SAYS_HER_NAME: &str = r#"
[[line]]
name = "Irina Belova"
account = "irina"
secret = "irina-company-1"
voice = { tone_hz = 440, codecs = ["pcma"] }
steps = [{ do = "answer", after_s = 1 }]
calls = [{ to = "9900", at_s = 1, from_start = true, press = [{ key = "3", after_hearing_s = 1 }] }]

[[line]]
name = "Anna Reut"
number = "+79162120002"
steps = [{ do = "answer", after_s = 1 }]
"#;

/// Irina is in the room; Anna's phone is off.
const IS_OFF: &str = r#"
[[line]]
name = "Irina Belova"
account = "irina"
secret = "irina-company-1"
voice = { tone_hz = 440, codecs = ["pcma"] }
steps = [{ do = "answer", after_s = 1 }]

[[line]]
name = "Anna Reut"
number = "+79162120002"
steps = [{ do = "off" }]
"#;

/// Half seconds in which a line heard this tone and nothing else.
fn pure(house: &House, line: &str, hz: u64) -> usize {
    let of = house.phones.of(line);
    let alone = of.iter().filter(|event| {
        let tones = event["tones"].as_array();
        let tones = tones.map_or(&[][..], Vec::as_slice);
        tones.len() == 1 && tones[0].as_u64().is_some_and(|tone| tone.abs_diff(hz) <= 4)
    });
    alone.count()
}

fn wait_for_name(house: &House, listener: &str, hz: u64, half_seconds: usize) {
    let what = format!("{listener} to hear the name of {hz} Hz");
    wait::until(what, wait::LONG, || {
        (pure(house, listener, hz) >= half_seconds).then_some(())
    });
}

fn path_of(house: &House, name: &str) -> String {
    let id = house.person(name);
    format!(
        "people/{}/recorded-name",
        id.as_str().expect("ids are texts")
    )
}

fn is_recorded(house: &House, name: &str) -> bool {
    let people = house.api.list("people");
    let person = people.iter().find(|person| person["name"] == name);
    person.expect("he is in the file")["recorded_name"] == true
}

fn meeting(house: &House, people: &[&str], more: serde_json::Value) {
    let participants: Vec<_> = people
        .iter()
        .map(|name| json!({ "employee_id": house.person(name), "role": "speaker" }))
        .collect();
    let mut plan = json!({
        "title": "Morning roll call",
        "room_id": house.room("9001"),
        "duration_min": 30,
        "participants": participants,
    });
    let (Some(plan_fields), Some(more)) = (plan.as_object_mut(), more.as_object()) else {
        panic!("both are objects");
    };
    plan_fields.extend(more.clone());
    house.api.post("meetings", &plan).ok();
}

/// A WAV file of two seconds of a tone.
fn wav(hz: f32) -> Vec<u8> {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 48_000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut file = Cursor::new(Vec::new());
    let mut writer = hound::WavWriter::new(&mut file, spec).unwrap();
    for n in 0..96_000 {
        let sample = (std::f32::consts::TAU * hz * n as f32 / 48_000.0).sin() * 9_000.0;
        writer.write_sample(sample as i16).unwrap();
    }
    writer.finalize().unwrap();
    file.into_inner()
}

#[test]
fn whoever_says_his_name_to_the_desk_is_heard_by_those_he_invites() {
    let mut house = House::open(SAYS_HER_NAME, &[]);
    wait::until("her name to be recorded", wait::LONG, || {
        is_recorded(&house, "Irina Belova").then_some(())
    });
    // It is played back to her. She said it for six seconds.
    wait_for_name(&house, "Irina Belova", 440, 8);
    let path = path_of(&house, "Irina Belova");
    let reader = hound::WavReader::new(Cursor::new(house.api.bytes(&path))).unwrap();
    let seconds = f64::from(reader.duration()) / 16_000.0;
    assert!((5.0..7.0).contains(&seconds), "{seconds} s");

    house.crash();
    assert!(is_recorded(&house, "Irina Belova"), "it outlives a crash");
    assert_eq!(pure(&house, "Anna Reut", 440), 0);
    // She is asked for a key, and so hears the whole greeting.
    meeting(
        &house,
        &["Anna Reut"],
        json!({ "own_people_need_no_key": false }),
    );
    wait_for_name(&house, "Anna Reut", 440, 8);

    house.api.delete(&path).ok();
    assert!(!is_recorded(&house, "Irina Belova"));
}

#[test]
fn a_room_hears_who_is_offline_in_his_own_voice() {
    let house = House::open(IS_OFF, &[]);
    house.phones.wait_for_registration("Irina Belova");
    let path = path_of(&house, "Anna Reut");
    house.api.put_file(&path, "audio/wav", &wav(620.0)).ok();

    meeting(
        &house,
        &["Irina Belova", "Anna Reut"],
        json!({ "rules": { "offline": { "wait_ms": 5_000, "tries": 1 } } }),
    );

    wait_for_name(&house, "Irina Belova", 620, 2);
}
