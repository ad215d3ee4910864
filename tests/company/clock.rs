//! The wall clock is set, and the server is away over a start.
//!
//! The server runs under libfaketime: its wall clock is what a file says, the monotonic
//! one under it goes on. A jump forward is a late start, a jump back repeats nothing, and
//! neither cuts a call.

use std::{
    fs,
    path::{Path, PathBuf},
};

use domain::{Millis, Zone};
use serde_json::{Value, json};
use tests::{Api, Server, server, simulator::Simulator, wait};

use crate::crowd;

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

/// A clock that shows what it is, in a file.
pub fn new_clock() -> PathBuf {
    let clock = server::fresh_folder().join("clock");
    fs::write(&clock, "+0s").unwrap();
    clock
}

/// What puts a server under such a clock.
pub fn under(clock: &Path) -> [(&'static str, &str); 5] {
    let mut libraries = LIBRARY.iter();
    let library = libraries.find(|path| fs::exists(path).unwrap_or(false));
    let library = library.expect("libfaketime is needed: 'make test' installs it");
    [
        ("LD_PRELOAD", library),
        ("FAKETIME_TIMESTAMP_FILE", clock.to_str().unwrap()),
        ("FAKETIME_NO_CACHE", "1"),
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
        ("NO_FAKE_STAT", "1"),
    ]
}

/// Sets it to so many seconds ahead of what it is.
pub fn set(clock: &Path, ahead: i64) {
    // Renamed into its place: no half of it is ever read.
    let fresh = clock.with_extension("new");
    fs::write(&fresh, format!("{ahead:+}s")).unwrap();
    fs::rename(&fresh, clock).unwrap();
}

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
        Self::of(COMPANY, LINES)
    }

    /// The company's file may speak of its operator as TRUNK.
    fn of(company: &str, script: &str) -> Self {
        let clock = new_clock();
        let trunk = server::free_address();
        let server = Server::start_under(
            &company.replace("TRUNK", &trunk.to_string()),
            &under(&clock),
        );
        let lines = server.folder().join("lines.toml");
        fs::write(&lines, script).unwrap();
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
        set(&self.clock, self.ahead);
    }

    fn away_while(&mut self, act: impl FnOnce(&mut Self)) {
        self.server.kill();
        act(self);
        self.server.serve();
        self.sign_in();
    }

    fn room(&self, number: &str) -> Value {
        let rooms = self.api.list("rooms");
        let found = rooms.iter().find(|room| room["number"] == number);
        found.expect("the room is in the file")["id"].clone()
    }

    fn now(&self) -> i64 {
        self.api.get("health").body["now"].as_i64().unwrap()
    }

    /// Sets the clock to this Unix time, s. That may be months away: the manager signs in again.
    fn jump_to(&mut self, to: i64) {
        self.jump(to - self.now() / 1_000);
        self.sign_in();
    }

    fn sign_in(&mut self) {
        self.api = self
            .server
            .login("irina@northway.example", "northway-company-1");
    }

    /// A meeting of one person that begins at a full minute, so many minutes from now.
    fn plan(&self, room: &str, person: &str, in_minutes: i64, duration_min: u32) -> String {
        let starts = self.now() / 60_000 * 60_000 + in_minutes * 60_000;
        let starts = Millis(starts).in_zone(Zone::UTC).unwrap().to_string();
        let change = json!({ "time_zone": "UTC", "starts_local": starts });
        let meeting = self.plan_by(room, person, duration_min, &change);
        meeting["occurrence_ids"][0].as_str().unwrap().to_owned()
    }

    /// A meeting of one person, with these fields.
    fn plan_by(&self, room: &str, person: &str, duration_min: u32, change: &Value) -> Value {
        let people = self.api.list("people");
        let person = people.iter().find(|known| known["name"] == person);
        let mut body = json!({
            "title": format!("In {room}"),
            "room_id": self.room(room),
            "duration_min": duration_min,
            "participants": [{ "employee_id": person.unwrap()["id"], "role": "speaker" }],
        });
        for (field, value) in change.as_object().unwrap() {
            body[field] = value.clone();
        }
        self.api.post("meetings", &body).ok()
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

/// One is busy, one lets it ring, one is off and comes back after a while.
const WAITED_FOR: &str = r#"
[company]
name = "Northway Logistics"
domain = "northway.example"
time_zone = "UTC"
lead_s = 0
[company.rules]
ring_s = 8
busy = { wait_s = 5, then_wait_s = 5 }
offline = { wait_s = 600, tries = 2 }
no_answer = { waits_s = [5, 600] }

[[trunks]]
name = "North"
address = "TRUNK"
caller_number = "+74951204040"

[[rooms]]
number = "9000"
name = "Roll call"

[[rooms]]
number = "9002"
name = "Later"

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

[[employees]]
name = "Zoya Petrenko"
extension = "104"
devices = [{ kind = "sip_phone", username = "zoya", secret = "zoya-company-1" }]
"#;

const THEIR_LINES: &str = r#"
[[line]]
name = "Anna Reut"
number = "+79162120002"
steps = [{ do = "busy" }]

[[line]]
name = "Oleg Sorokin"
number = "+79162120003"
steps = [{ do = "ring_out" }]

[[line]]
name = "Zoya Petrenko"
account = "zoya"
secret = "zoya-company-1"
steps = [{ do = "off", until_s = 12 }, { do = "answer", after_s = 0.3 }]
"#;

impl House {
    /// Calls the three who are waited for; what the meeting is reported by.
    fn call_them(&self) -> String {
        let people = self.api.list("people");
        let expected: Vec<Value> = people
            .iter()
            .filter(|person| person["name"] != "Irina Belova")
            .map(|person| json!({ "employee_id": person["id"], "role": "speaker" }))
            .collect();
        let meeting = self.api.post(
            "meetings",
            &json!({
                "title": "Roll call", "room_id": self.room("9000"), "duration_min": 200,
                "participants": expected,
            }),
        );
        let meeting = meeting.ok();
        meeting["occurrence_ids"][0].as_str().unwrap().to_owned()
    }

    /// What became of the calls to somebody, and how he stands.
    fn story(&self, occurrence: &str, name: &str) -> (Vec<String>, String) {
        let report = self.report(occurrence);
        let stories = report["invitations"].as_array().unwrap();
        let story = stories
            .iter()
            .find(|story| story["invitation"]["name"] == name)
            .unwrap();
        let attempts = story["attempts"].as_array().unwrap().iter();
        let outcomes = attempts
            .filter_map(|attempt| attempt["outcome"].as_str().map(str::to_owned))
            .collect();
        let status = &story["invitation"]["status"]["kind"];
        (outcomes, status.as_str().unwrap().to_owned())
    }

    fn wait_for_calls(&self, occurrence: &str, name: &str, outcome: &str, many: usize) {
        let what = format!("{name} to be called {many} times: {outcome}");
        wait::until(what, wait::LONG, || {
            let (outcomes, _) = self.story(occurrence, name);
            (outcomes.iter().filter(|one| *one == outcome).count() >= many).then_some(())
        });
    }

    /// The shortest time between two calls to a line, ms, by no clock that is set.
    fn shortest_wait(&self, line: &str) -> Option<i64> {
        let mut called = std::collections::BTreeMap::new();
        for event in self.phones.of(line) {
            if event["event"] == "invited" {
                let at = event["received_ms"].as_i64().unwrap();
                called.entry(event["call_id"].to_string()).or_insert(at);
            }
        }
        let mut called: Vec<i64> = called.into_values().collect();
        called.sort_unstable();
        called.windows(2).map(|two| two[1] - two[0]).min()
    }
}

#[test]
fn a_clock_that_is_set_back_by_an_hour_keeps_nobody_waiting() {
    let mut house = House::of(WAITED_FOR, THEIR_LINES);
    let meeting = house.call_them();
    let later = house.plan("9002", "Irina Belova", 10, 60);
    let starts = house.report(&later)["occurrence"]["starts_at"].clone();
    house.wait_for_calls(&meeting, "Anna Reut", "busy", 1);
    house.wait_for_calls(&meeting, "Zoya Petrenko", "offline", 1);
    wait::until("Oleg's phone to ring", wait::LONG, || {
        (house.phones.up("Oleg Sorokin") > 0).then_some(())
    });

    house.jump(-60 * MINUTE);

    // The ringing one is let alone after his eight seconds, and called again after five more.
    house.wait_for_calls(&meeting, "Oleg Sorokin", "no_answer", 2);
    // The busy one is knocked at as before.
    house.wait_for_calls(&meeting, "Anna Reut", "busy", 4);
    // And the one who was off is believed when he registers.
    wait::until("Zoya to be in the room", wait::LONG, || {
        (house.story(&meeting, "Zoya Petrenko").1 == "in_room").then_some(())
    });
    assert_eq!(house.phones.times_called("Zoya Petrenko"), 1);
    for name in ["Anna Reut", "Oleg Sorokin"] {
        let shortest = house.shortest_wait(name).unwrap();
        assert!(
            shortest >= 4_900,
            "{name} was called again after {shortest} ms"
        );
    }
    // What is planned is an hour of the wall clock.
    let report = house.report(&later);
    assert_eq!(report["occurrence"]["starts_at"], starts);
    assert_eq!(report["occurrence"]["status"], "scheduled");
}

#[test]
fn a_server_that_starts_after_the_clock_was_set_back_keeps_nobody_waiting() {
    let mut house = House::of(WAITED_FOR, THEIR_LINES);
    let meeting = house.call_them();
    house.wait_for_calls(&meeting, "Anna Reut", "busy", 1);
    house.wait_for_calls(&meeting, "Oleg Sorokin", "no_answer", 1);

    house.away_while(|house| house.jump(-60 * MINUTE));

    let (before, _) = house.story(&meeting, "Anna Reut");
    house.wait_for_calls(&meeting, "Anna Reut", "busy", before.len() + 2);
    house.wait_for_calls(&meeting, "Oleg Sorokin", "no_answer", 2);
    let shortest = house.shortest_wait("Anna Reut").unwrap();
    assert!(shortest >= 4_900, "called again after {shortest} ms");
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

#[test]
fn a_series_that_was_missed_for_days_is_caught_up_once() {
    let mut house = House::open();
    let first = house.now() / 60_000 * 60_000 + 10 * 60_000;
    let first = Millis(first).in_zone(Zone::UTC).unwrap().to_string();
    let daily = json!({ "time_zone": "UTC", "starts_local": first, "repeats": "FREQ=DAILY" });
    let series = house.plan_by("9000", "Anna Reut", 60, &daily);
    let dates: Vec<String> = series["occurrence_ids"]
        .as_array()
        .unwrap()
        .iter()
        .take(4)
        .map(|id| id.as_str().unwrap().to_owned())
        .collect();

    // Away over three of its dates, and back two minutes after the fourth was to begin.
    house.away_while(|house| house.jump(3 * 24 * 60 * MINUTE + 12 * MINUTE));

    let report = house.wait_for(&dates[3], "under way", is_in_room);
    assert_eq!(report["occurrence"]["late"], true);
    for missed in &dates[..3] {
        house.wait_for(missed, "missed", |report| {
            report["occurrence"]["status"] == "missed"
        });
    }
    house.let_it_look();
    assert_eq!(house.phones.times_called("Anna Reut"), 1);
}

/// 00:30 UTC on the 31st of October 2027: half past two in Berlin, for the first time that night.
const FIRST_HALF_PAST_TWO: i64 = 1_824_942_600;
/// 01:30 UTC on the 28th of March 2027: half past two, which the clocks jump over, would be then.
const AFTER_THE_GAP: i64 = 1_806_197_400;

#[test]
fn an_hour_that_comes_twice_calls_once_and_one_that_is_left_out_calls_at_its_end() {
    let mut house = House::open();
    // Spring: planned for 02:30, held at 03:00 summer time, which is 01:00 UTC.
    let spring = json!({ "time_zone": "Europe/Berlin", "starts_local": "2027-03-28T02:30" });
    let spring = house.plan_by("9000", "Anna Reut", 20, &spring);
    let spring = spring["occurrence_ids"][0].as_str().unwrap().to_owned();
    let autumn = json!({ "time_zone": "Europe/Berlin", "starts_local": "2027-10-31T02:30" });
    let autumn = house.plan_by("9001", "Oleg Sorokin", 20, &autumn);
    let autumn = autumn["occurrence_ids"][0].as_str().unwrap().to_owned();

    house.jump_to(AFTER_THE_GAP - 30 * MINUTE - 20);
    house.let_it_look();
    assert_eq!(house.phones.times_called("Anna Reut"), 0, "too early");
    house.wait_for(&spring, "under way", is_in_room);

    house.jump_to(FIRST_HALF_PAST_TWO - 20);
    house.let_it_look();
    assert_eq!(house.phones.times_called("Oleg Sorokin"), 0, "too early");
    house.wait_for(&autumn, "under way", is_in_room);
    // The clocks are set back, and it is half past two again.
    house.jump_to(FIRST_HALF_PAST_TWO + 60 * MINUTE - 5);
    house.wait_for(&autumn, "over", |report| {
        report["occurrence"]["status"] == "ended"
    });
    house.jump_to(FIRST_HALF_PAST_TWO + 60 * MINUTE + 5);
    house.let_it_look();

    assert_eq!(house.phones.times_called("Anna Reut"), 1);
    assert_eq!(house.phones.times_called("Oleg Sorokin"), 1);
}

#[test]
fn fifty_people_are_called_within_a_second_of_the_start() {
    const PEOPLE: usize = 50;
    let mut house = House::of(&crowd::company("TRUNK", PEOPLE), &crowd::script(PEOPLE));
    let starts = house.now() / 60_000 * 60_000 + 10 * 60_000;
    let everybody: Vec<Value> = house
        .api
        .list("people")
        .iter()
        .filter(|person| person["name"] != "Irina Belova")
        .map(|person| json!({ "employee_id": person["id"], "role": "speaker" }))
        .collect();
    let meeting = house.api.post(
        "meetings",
        &json!({
            "title": "Roll call",
            "room_id": house.room("9000"),
            "time_zone": "UTC",
            "starts_local": Millis(starts).in_zone(Zone::UTC).unwrap().to_string(),
            "duration_min": 30,
            "participants": everybody,
        }),
    );
    meeting.ok();

    house.jump_to(starts / 1_000 - 5);
    house.phones.wait_for_happenings(&["invited"], PEOPLE);

    let late: Vec<i64> = (0..PEOPLE)
        .flat_map(|nth| house.phones.of(&crowd::name(nth)))
        .filter(|event| event["event"] == "invited")
        .map(|event| event["received_ms"].as_i64().unwrap() + house.ahead * 1_000 - starts)
        .collect();
    let (first, last) = (late.iter().min().unwrap(), late.iter().max().unwrap());
    println!("The INVITEs arrived {first} to {last} ms after the start");
    assert!(*first >= 0, "called {first} ms after the start");
    assert!(*last <= 1_000, "the last one was called after {last} ms");
}
