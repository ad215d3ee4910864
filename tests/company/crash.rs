//! kill -9 around the moment at which everybody is due, again and again.
//!
//! What leaves the server is counted at the phones, by Call-ID: every attempt's Call-ID
//! follows from its id, so that a ring without an attempt, or two for one, shows. After
//! each crash the server comes back by itself, everybody rings, and the meeting goes on.
//!
//! `ROLLCALL_CRASHES=60` makes it the long run; the check takes a few rounds with many lines.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use sip::CallIdentity;
use tests::{Api, Server, server, simulator::Simulator, wait};
use uuid::Uuid;

use crate::crowd::{company, name, script};

const LINES: usize = 40;
const ROUNDS: usize = 10;
/// What each phone lives through until it talks.
const STEPS: [&str; 3] = ["invited", "ringing", "answered"];

#[test]
fn killed_at_any_moment_every_phone_rings_once_and_the_meeting_goes_on() {
    let rounds = std::env::var("ROLLCALL_CRASHES")
        .ok()
        .and_then(|rounds| rounds.parse().ok())
        .unwrap_or(ROUNDS);
    let trunk = server::free_address();
    let mut server = Server::start(&company(&trunk.to_string(), LINES));
    let lines = server.folder().join("lines.toml");
    std::fs::write(&lines, script(LINES)).unwrap();
    let phones = Simulator::start(&lines, server.sip, trunk);
    let mut api = login(&server);
    let people = people(&api);
    let room = api.list("rooms")[0]["id"].clone();
    let (mut due, mut rang) = (0, 0);

    for round in 0..rounds {
        let occurrence = start(&api, &room, &people);
        // From "nothing has left yet" to "all are talking": a prime step visits them all.
        phones.wait_for_happenings(&STEPS, round * 37 % (STEPS.len() * LINES + 1));
        server.kill();
        server.serve();
        api = login(&server);

        let path = format!("occurrences/{occurrence}");
        let report = wait::until(format!("everybody of round {round}"), wait::LONG, || {
            let report = api.get(&path).ok();
            let is_in = |story: &Value| story["invitation"]["status"]["kind"] == "in_room";
            let all_in = stories(&report).all(is_in);
            all_in.then_some(report)
        });
        let members = api.list(&format!("rooms/{}/members", room.as_str().unwrap()));
        assert_eq!(members.len(), LINES, "ghosts, or somebody is missing");

        let rings = rings(&phones);
        let mut known = BTreeSet::new();
        for story in stories(&report) {
            let name = story["invitation"]["name"].as_str().unwrap();
            for attempt in story["attempts"].as_array().unwrap() {
                let id: Uuid = attempt["id"].as_str().unwrap().parse().unwrap();
                let call_id = CallIdentity::derive(id.into_bytes()).call_id();
                let times = rings.get(&(name.to_owned(), call_id.clone()));
                let times = times.copied().unwrap_or(0);
                assert!(times <= 1, "{name} rang {times} times for one attempt");
                due += 1;
                rang += times;
                known.insert(call_id);
            }
        }
        for (name, call_id) in rings.keys() {
            assert!(
                known.contains(call_id),
                "{name} rang for no attempt on record"
            );
        }

        api.post(&format!("{path}/end"), &json!({})).ok();
        wait::until("everybody to be hung up on", wait::LONG, || {
            let up: usize = (0..LINES).map(|nth| phones.up(&name(nth))).sum();
            (up == 0).then_some(())
        });
        phones.forget();
    }
    println!("{rounds} crashes, {due} attempts, {rang} of them rang");
    assert!(rang * 100 >= due * 99, "{rang} of {due} attempts rang");
}

/// How often each phone rang for each Call-ID.
fn rings(phones: &Simulator) -> BTreeMap<(String, String), usize> {
    let mut rings = BTreeMap::new();
    for nth in 0..LINES {
        for event in phones.of(&name(nth)) {
            if event["event"] == "ringing" {
                let call_id = event["call_id"].as_str().unwrap().to_owned();
                *rings.entry((name(nth), call_id)).or_default() += 1;
            }
        }
    }
    rings
}

fn start(api: &Api, room: &Value, people: &[Value]) -> String {
    let participants: Vec<Value> = people
        .iter()
        .map(|id| json!({ "employee_id": id, "role": "speaker" }))
        .collect();
    let meeting = api.post(
        "meetings",
        &json!({
            "title": "Under fire",
            "room_id": room,
            "duration_min": 30,
            "participants": participants,
        }),
    );
    let meeting = meeting.ok();
    meeting["occurrence_ids"][0].as_str().unwrap().to_owned()
}

fn stories(report: &Value) -> impl Iterator<Item = &Value> {
    report["invitations"].as_array().into_iter().flatten()
}

fn people(api: &Api) -> Vec<Value> {
    api.list("people")
        .iter()
        .filter(|person| person["name"] != "Irina Belova")
        .map(|person| person["id"].clone())
        .collect()
}

fn login(server: &Server) -> Api {
    server.login("irina@northway.example", "northway-company-1")
}
