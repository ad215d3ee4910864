//! A whole roll call of a simulated company: server and simulator are processes of
//! their own and meet over SIP and RTP alone; the manager's side is the API.
//!
//! The outcomes are as the lines' script has them; what is asked is that everyone who
//! can be reached ends in the room, that nobody is called who should not be, and that
//! the API tells the story attempt by attempt.

mod calibration;
mod clock;
mod crash;
mod crowd;
mod database;
mod hours;
mod lamps;
mod migrations;
mod nodes;
mod notices;
mod own_voice;
mod quiet;
mod rows;
mod small;
mod sources;
mod stopping;
mod talks;

use std::{
    f64::consts::TAU,
    net::TcpStream,
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tests::{Api, Server, server, simulator::Simulator, wait};
use tokio_tungstenite::tungstenite::{self, client::IntoClientRequest};

/// Who ends in the room, and the tone each of them speaks with.
const REACHABLE: [(&str, u64); 5] = [
    ("Irina Belova", 440),
    ("Dina Safina", 550),
    ("Viktor Lapin", 660),
    ("Hans Weber", 770),
    ("Dealer, Tula", 880),
];
const OUTSIDE: [(&str, &str); 4] = [
    ("Voicemail", "+4930901820"),
    ("Nobody", "+74862550010"),
    ("Hans Weber", "+493020932093"),
    ("Dealer, Tula", "+74872550011"),
];

#[test]
fn everyone_who_can_be_reached_is_and_nobody_is_called_who_should_not_be() {
    let trunk = server::free_address();
    let company = include_str!("company.toml").replace("TRUNK", &trunk.to_string());
    let server = Server::start(&company);
    let lines = server.folder().join("lines.toml");
    std::fs::write(&lines, include_str!("lines.toml")).unwrap();
    let phones = Simulator::start(&lines, server.sip, trunk);
    phones.wait_for_registration("Irina Belova");
    let api = server.login("irina@northway.example", "northway-company-1");
    let events = Events::of(&server, &api);

    let occurrence = start_meeting(&api);

    // Until nobody waits for another call.
    let path = format!("occurrences/{occurrence}");
    let report = wait::until("everyone's story to end", 2 * wait::LONG, || {
        let report = api.get(&path).ok();
        let settled = stories(&report).all(|story| {
            let kind = &story["invitation"]["status"]["kind"];
            kind == "in_room" || kind == "finished"
        });
        settled.then_some(report)
    });

    for (name, _) in REACHABLE {
        assert_eq!(status(&report, name), json!("in_room"), "{name}");
    }
    for (name, why) in [
        ("Anna Reut", "offline"),
        ("Marat Iskanderov", "no_answer"),
        ("Pavel Orlov", "declined"),
        ("Voicemail", "not_confirmed"),
        ("Nobody", "invalid"),
    ] {
        assert_eq!(status(&report, name), json!(why), "{name}");
    }
    // Attempt by attempt, and as often as the telephones have rung.
    assert_eq!(outcomes(&report, "Anna Reut"), ["offline"; 3]);
    assert_eq!(outcomes(&report, "Marat Iskanderov"), ["no_answer"; 3]);
    assert_eq!(outcomes(&report, "Pavel Orlov"), ["declined"]);
    assert_eq!(outcomes(&report, "Voicemail"), ["not_confirmed"; 2]);
    assert_eq!(outcomes(&report, "Nobody"), ["invalid"]);
    assert_eq!(outcomes(&report, "Viktor Lapin")[0], "busy");
    for name in [
        "Anna Reut",
        "Marat Iskanderov",
        "Pavel Orlov",
        "Voicemail",
        "Nobody",
    ] {
        let rang = phones.times_called(name);
        assert_eq!(outcomes(&report, name).len(), rang, "calls to {name}");
    }
    wait::until("the offline one to be announced", wait::LONG, || {
        events.announced("Anna Reut").then_some(())
    });
    everyone_hears_somebody_else(&phones);
    what_is_recorded_is_what_was_said(&api);
}

/// The mix holds all five tones, each member's track his own and no other, all as long.
fn what_is_recorded_is_what_was_said(api: &Api) {
    let members: Vec<Value> = api
        .list("rooms")
        .iter()
        .filter_map(|room| room["id"].as_str().map(str::to_owned))
        .flat_map(|room| api.list(&format!("rooms/{room}/members")))
        .collect();
    let room = members[0]["room_id"].as_str().unwrap();
    let path = format!("rooms/{room}/recording");
    let begun = api
        .post(&path, &json!({ "format": "wav", "tracks": true }))
        .ok();
    let recording = format!("recordings/{}", begun["id"].as_str().unwrap());
    // A track begins with its member's first sound; the consent prompt is over by then.
    let enough = Instant::now() + Duration::from_secs(8);
    wait::until("some seconds to pass", wait::LONG, || {
        (Instant::now() > enough).then_some(())
    });
    api.delete(&path).ok();
    let done = wait::until("the recording to be written", wait::LONG, || {
        let recording = api.get(&recording).ok();
        (recording["state"] == "done").then_some(recording)
    });

    let files = done["files"].as_array().unwrap();
    assert_eq!(files.len(), 1 + REACHABLE.len(), "{files:?}");
    let mut lengths = Vec::new();
    for file in files {
        let name = file["name"].as_str().unwrap();
        let bytes = api.bytes(&format!("{recording}/files/{name}"));
        let samples: Vec<f64> = hound::WavReader::new(&bytes[..])
            .unwrap()
            .into_samples::<i16>()
            .map(|sample| f64::from(sample.unwrap()))
            .collect();
        lengths.push(samples.len());
        let last = &samples[samples.len() - 16_000..];
        for (who, hz) in REACHABLE {
            let heard = loudness(last, hz as f64) > 300.0;
            let wanted = file["member"].is_null() || file["member"] == who;
            assert_eq!(heard, wanted, "{hz} Hz in {name} of {}", file["member"]);
        }
    }
    assert!(
        lengths.iter().all(|length| *length == lengths[0]),
        "{lengths:?}"
    );
    assert!(lengths[0] >= 7 * 16_000, "{lengths:?}");
}

/// The amplitude of a note at 16 kHz.
fn loudness(samples: &[f64], hz: f64) -> f64 {
    let (mut re, mut im) = (0.0, 0.0);
    for (i, sample) in samples.iter().enumerate() {
        let angle = TAU * hz * i as f64 / 16_000.0;
        re += sample * angle.cos();
        im += sample * angle.sin();
    }
    2.0 * re.hypot(im) / samples.len() as f64
}

/// All members speak at once; each hears some of the others, and never himself.
fn everyone_hears_somebody_else(phones: &Simulator) {
    for (name, own) in REACHABLE {
        let others = REACHABLE.map(|(_, hz)| hz);
        let hears = |hz: u64| {
            let of = phones.of(name);
            let last = of.iter().rev().filter(|event| event["event"] == "heard");
            last.take(4).any(|event| {
                let tones = event["tones"].as_array();
                tones.is_some_and(|tones| {
                    tones
                        .iter()
                        .any(|tone| tone.as_u64().is_some_and(|tone| tone.abs_diff(hz) <= 8))
                })
            })
        };
        wait::until(format!("{name} to hear another"), wait::LONG, || {
            let another = others.iter().any(|hz| *hz != own && hears(*hz));
            (another && !hears(own)).then_some(())
        });
    }
}

fn start_meeting(api: &Api) -> String {
    let rooms = api.list("rooms");
    let mut participants: Vec<Value> = api
        .list("people")
        .iter()
        .map(|person| json!({ "employee_id": person["id"], "role": "speaker" }))
        .collect();
    participants.extend(
        OUTSIDE.map(|(name, number)| json!({ "name": name, "number": number, "role": "speaker" })),
    );
    let meeting = api.post(
        "meetings",
        &json!({
            "title": "Morning roll call",
            "room_id": rooms[0]["id"],
            "duration_min": 30,
            "participants": participants,
        }),
    );
    let meeting = meeting.ok();
    let occurrence = meeting["occurrence_ids"][0].as_str();
    occurrence.expect("a meeting has an occurrence").to_owned()
}

fn stories(report: &Value) -> impl Iterator<Item = &Value> {
    report["invitations"].as_array().into_iter().flatten()
}

fn story<'a>(report: &'a Value, name: &str) -> &'a Value {
    stories(report)
        .find(|story| story["invitation"]["name"] == name)
        .unwrap_or_else(|| panic!("{name} is not invited"))
}

/// Where he is, or why nobody calls him any more.
fn status(report: &Value, name: &str) -> Value {
    let status = &story(report, name)["invitation"]["status"];
    match status["kind"].as_str() {
        Some("finished") => status["why"].clone(),
        _ => status["kind"].clone(),
    }
}

fn outcomes(report: &Value, name: &str) -> Vec<String> {
    let attempts = story(report, name)["attempts"].as_array();
    attempts
        .into_iter()
        .flatten()
        .filter_map(|attempt| attempt["outcome"].as_str().map(str::to_owned))
        .collect()
}

/// What the board is told, as long as the test lasts.
struct Events(Arc<Mutex<Vec<String>>>);

impl Events {
    fn of(server: &Server, api: &Api) -> Self {
        let mut request = format!("ws://{}/api/v1/events", server.http)
            .into_client_request()
            .unwrap();
        let cookie = api.cookie().parse().unwrap();
        request.headers_mut().insert("cookie", cookie);
        let stream = TcpStream::connect(server.http).unwrap();
        let (mut socket, _) = tungstenite::client(request, stream).unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let store = Arc::clone(&seen);
        thread::spawn(move || {
            while let Ok(message) = socket.read() {
                if let Ok(text) = message.into_text() {
                    store.lock().unwrap().push(text.to_string());
                }
            }
        });
        Self(seen)
    }

    /// Was something said into the room about this person?
    fn announced(&self, name: &str) -> bool {
        let seen = self.0.lock().unwrap();
        seen.iter()
            .any(|text| text.contains("\"announced\"") && text.contains(name))
    }
}
