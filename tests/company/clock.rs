//! The wall clock is set, and the server is away over a start.
//!
//! The server runs under libfaketime: its wall clock is what a file says, the monotonic
//! one under it goes on. A jump forward is a late start, a jump back repeats nothing, and
//! neither cuts a call.

use std::{fs, path::PathBuf};

use domain::{Millis, Zone};
use serde_json::{Value, json};
use tests::{Api, Server, server, simulator::Simulator, wait};

const LIBRARY: [&str; 2] = [
    "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1",
    "/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1",
];
const MINUTE: i64 = 60;

const COMPANY: &str = r#"
[company]
name = "Northway Logistics"
domain = "northway.example"
time_zone = "UTC"
lead_s = 0

[[trunks]]
name = "North"
address = "TRUNK"
caller_number = "+74951204040"

[[rooms]]
number = "9000"
name = "Roll call"

[[rooms]]
number = "9001"
name = "Talks"

[[rooms]]
number = "9002"
name = "Later"

[[numbers]]
number = "+74951204040"
room = "9000"

[[employees]]
name = "Irina Belova"
extension = "101"
email = "irina@northway.example"
password = "northway-company-1"
level = "administrator"
devices = [{ kind = "sip_phone", username = "irina", secret = "irina-company-1" }]

[[employees]]
name = "Anna Reut"
extension = "102"
devices = [{ kind = "ip_sim", mobile = "+79162120002", short = "202", trunk = "North" }]

[[employees]]
name = "Oleg Sorokin"
extension = "103"
devices = [{ kind = "ip_sim", mobile = "+79162120003", short = "203", trunk = "North" }]
"#;

const LINES: &str = r#"
[[line]]
name = "Anna Reut"
number = "+79162120002"
steps = [{ do = "answer", after_s = 0.3 }]

[[line]]
name = "Oleg Sorokin"
number = "+79162120003"
steps = [{ do = "answer", after_s = 0.3 }]
"#;

/// A server whose clock can be set, its phones, and its manager.
struct House {
    server: Server,
    phones: Simulator,
    api: Api,
    clock: PathBuf,
    /// What was added to the clock so far, s.
    ahead: i64,
}

impl House {
    fn open() -> Self {
        let library = LIBRARY
            .iter()
            .find(|path| fs::exists(path).unwrap_or(false));
        let library = library.expect("libfaketime is needed: 'make test' installs it");
        let clock = server::fresh_folder().join("clock");
        fs::write(&clock, "+0s").unwrap();
        let trunk = server::free_address();
        let server = Server::start_under(
            &COMPANY.replace("TRUNK", &trunk.to_string()),
            &[
                ("LD_PRELOAD", library),
                ("FAKETIME_TIMESTAMP_FILE", clock.to_str().unwrap()),
                ("FAKETIME_NO_CACHE", "1"),
                ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
                ("NO_FAKE_STAT", "1"),
            ],
        );
        let lines = server.folder().join("lines.toml");
        fs::write(&lines, LINES).unwrap();
        let phones = Simulator::start(&lines, server.sip, trunk);
        let api = server.login("irina@northway.example", "northway-company-1");
        Self {
            server,
            phones,
            api,
            clock,
            ahead: 0,
        }
    }

    /// Sets the clock by so many seconds, forward or back.
    fn jump(&mut self, seconds: i64) {
        self.ahead += seconds;
        // Renamed into its place: no half of it is ever read.
        let fresh = self.clock.with_extension("new");
        fs::write(&fresh, format!("{:+}s", self.ahead)).unwrap();
        fs::rename(&fresh, &self.clock).unwrap();
    }

    fn away_while(&mut self, act: impl FnOnce(&mut Self)) {
        self.server.kill();
        act(self);
        self.server.serve();
        self.api = self
            .server
            .login("irina@northway.example", "northway-company-1");
    }

    fn room(&self, number: &str) -> Value {
        let rooms = self.api.list("rooms");
        let found = rooms.iter().find(|room| room["number"] == number);
        found.expect("the room is in the file")["id"].clone()
    }

    /// A meeting of one person that begins at a full minute, so many minutes from now.
    fn plan(&self, room: &str, person: &str, in_minutes: i64, duration_min: u32) -> String {
        let now = self.api.get("health").body["now"].as_i64().unwrap();
        let starts = now / 60_000 * 60_000 + in_minutes * 60_000;
        let people = self.api.list("people");
        let person = people.iter().find(|known| known["name"] == person);
        let meeting = self.api.post(
            "meetings",
            &json!({
                "title": format!("In {room}"),
                "room_id": self.room(room),
                "time_zone": "UTC",
                "starts_local": Millis(starts).in_zone(Zone::UTC).unwrap().to_string(),
                "duration_min": duration_min,
                "participants": [{ "employee_id": person.unwrap()["id"], "role": "speaker" }],
            }),
        );
        let meeting = meeting.ok();
        meeting["occurrence_ids"][0].as_str().unwrap().to_owned()
    }

    fn report(&self, occurrence: &str) -> Value {
        self.api.get(&format!("occurrences/{occurrence}")).ok()
    }

    fn status(&self, occurrence: &str) -> Value {
        self.report(occurrence)["invitations"][0]["invitation"]["status"]["kind"].clone()
    }

    fn wait_for(&self, occurrence: &str, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        wait::until(format!("the meeting to be {what}"), wait::LONG, || {
            let report = self.report(occurrence);
            is_so(&report).then_some(report)
        })
    }

    /// Waits until the scheduler has surely looked: a meeting that begins now has begun.
    fn let_it_look(&self) {
        let probe = self.api.post(
            "meetings",
            &json!({
                "title": "Probe", "room_id": self.room("9002"), "duration_min": 1, "participants": [],
            }),
        );
        let probe = probe.ok()["occurrence_ids"][0].as_str().unwrap().to_owned();
        self.wait_for(&probe, "under way", |report| {
            report["occurrence"]["status"] == "live"
        });
        self.api
            .post(&format!("occurrences/{probe}/end"), &json!({}))
            .ok();
    }
}

fn is_in_room(report: &Value) -> bool {
    report["invitations"][0]["invitation"]["status"]["kind"] == "in_room"
}

#[test]
fn a_jump_forward_is_a_late_start_and_a_jump_back_repeats_nothing() {
    let mut house = House::open();
    let talk = house.plan("9001", "Oleg Sorokin", 0, 240);
    house.wait_for(&talk, "talking", is_in_room);
    let meeting = house.plan("9000", "Anna Reut", 10, 60);
    assert_eq!(house.phones.times_called("Anna Reut"), 0);

    house.jump(12 * MINUTE);

    let report = house.wait_for(&meeting, "under way", is_in_room);
    assert_eq!(report["occurrence"]["late"], true);
    assert_eq!(house.status(&talk), "in_room", "a running call was cut");

    house.jump(-15 * MINUTE);
    house.let_it_look();
    house.jump(14 * MINUTE);
    house.let_it_look();

    assert_eq!(house.status(&meeting), "in_room");
    assert_eq!(house.status(&talk), "in_room", "a running call was cut");
    assert_eq!(house.phones.times_called("Anna Reut"), 1);
    assert_eq!(house.phones.times_called("Oleg Sorokin"), 1);
    // And its end comes, when the clock has come there.
    house.jump(70 * MINUTE);
    house.wait_for(&meeting, "over", |report| {
        report["occurrence"]["status"] == "ended"
    });
    assert_eq!(house.phones.times_called("Anna Reut"), 1);
    assert_eq!(house.status(&talk), "in_room", "a running call was cut");
}

#[test]
fn a_server_that_was_away_over_the_start_is_late_opens_the_room_or_reports() {
    let mut house = House::open();
    let late = house.plan("9000", "Anna Reut", 10, 60);
    let later = house.plan("9001", "Oleg Sorokin", 2, 60);
    let missed = house.plan("9002", "Oleg Sorokin", 1, 5);

    house.away_while(|house| house.jump(12 * MINUTE));

    // Two minutes late: dialled at once, and said so.
    let report = house.wait_for(&late, "under way", is_in_room);
    assert_eq!(report["occurrence"]["late"], true);
    // Ten minutes late: the room is open, and nobody is called.
    house.wait_for(&later, "open", |report| {
        report["occurrence"]["status"] == "live"
    });
    // Over before we were back.
    house.wait_for(&missed, "missed", |report| {
        report["occurrence"]["status"] == "missed"
    });
    assert_eq!(house.phones.times_called("Anna Reut"), 1);
    assert_eq!(house.phones.times_called("Oleg Sorokin"), 0);
}
