//! Who gets in, and as what, by real calls: server and simulator are processes of their own and meet over
//! SIP and RTP alone. Keys are pressed by telephones, what came of them is asked of the API.

mod lobby;
mod outside;

use serde_json::{Value, json};
use tests::{Api, Server, server, simulator::Simulator, wait};

struct House {
    server: Server,
    api: Api,
    phones: Simulator,
}

impl House {
    /// `prepare` is done before the telephones are switched on.
    fn new(lines: &str, prepare: impl FnOnce(&Api)) -> Self {
        let trunk = server::free_address();
        let company = include_str!("company.toml").replace("TRUNK", &trunk.to_string());
        let server = Server::start(&company);
        let api = server.login("irina@northway.example", "northway-company-1");
        prepare(&api);
        let file = server.folder().join("lines.toml");
        std::fs::write(&file, lines).unwrap();
        let phones = Simulator::start(&file, server.sip, trunk);
        Self {
            server,
            api,
            phones,
        }
    }

    /// Waits until the member looks so.
    fn member(&self, room: &str, name: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        let path = format!("rooms/{}/members", room_id(&self.api, room));
        wait::until(format!("{name} in room {room}"), wait::LONG, || {
            let members = self.api.list(&path);
            members
                .into_iter()
                .find(|member| member["name"] == name && is_so(member))
        })
    }

    fn wait_for(&self, line: &str, event: &str) {
        wait::until(format!("{line}: {event}"), wait::LONG, || {
            let seen = self.phones.of(line);
            seen.iter().any(|one| one["event"] == event).then_some(())
        });
    }

    fn ever(&self, line: &str, event: &str) -> bool {
        let seen = self.phones.of(line);
        seen.iter().any(|one| one["event"] == event)
    }
}

fn room_id(api: &Api, number: &str) -> String {
    let rooms = api.list("rooms");
    let room = rooms.iter().find(|room| room["number"] == number);
    room.expect("the file names it")["id"]
        .as_str()
        .expect("rooms have ids")
        .to_owned()
}

/// A meeting nobody is called for.
fn meeting(api: &Api, title: &str, room: &str, starts_local: Option<&str>) -> Value {
    let room = room_id(api, room);
    let mut plan =
        json!({ "title": title, "room_id": room, "duration_min": 30, "participants": [] });
    if let Some(starts) = starts_local {
        plan["starts_local"] = json!(starts);
    }
    api.post("meetings", &plan).ok()
}

fn bind(api: &Api, number: &str, meeting: &Value) -> Value {
    let body = json!({ "meeting_id": meeting["id"] });
    api.put(&format!("event-numbers/{number}"), &body).ok()
}

#[test]
fn a_moderators_pin_makes_a_moderator_for_whom_the_others_wait() {
    let house = House::new(
        r##"
        [[line]]
        name = "Dina Safina"
        account = "dina"
        secret = "dina-company-1"
        steps = [{ do = "answer" }]
        calls = [{ to = "9001", at_s = 1, from_start = true, press = [{ key = "#", after_hearing_s = 1 }] }]

        [[line]]
        name = "Irina Belova"
        account = "irina"
        secret = "irina-company-1"
        steps = [{ do = "answer" }]
        calls = [{ to = "9001", at_s = 12, from_start = true, press = [
          { key = "4", after_hearing_s = 1 }, { key = "7", after_hearing_s = 0 }, { key = "1", after_hearing_s = 0 },
          { key = "1", after_hearing_s = 0 }, { key = "4", after_hearing_s = 0 }, { key = "7", after_hearing_s = 0 },
          { key = "*", after_hearing_s = 3 }, { key = "7", after_hearing_s = 0 },
        ] }]
        "##,
        |_| {},
    );
    house.wait_for("Dina Safina", "pressed");
    let path = format!("rooms/{}/members", room_id(&house.api, "9001"));

    house.member("9001", "Irina Belova", |member| {
        member["role"] == "moderator"
    });
    // She hears music until then: nobody was in the room before the moderator.
    let dina = house.member("9001", "Dina Safina", |member| member["role"] == "speaker");
    let members = house.api.list(&path);
    let irina = members
        .iter()
        .find(|member| member["name"] == "Irina Belova")
        .expect("she is in");
    assert!(irina["joined_at"].as_i64() <= dina["joined_at"].as_i64());
    wait::until("the room to be locked by key", wait::LONG, || {
        let rooms = house.api.list("rooms");
        rooms
            .iter()
            .any(|room| room["number"] == "9001" && room["locked"] == true)
            .then_some(())
    });
    assert!(house.server.http.port() > 0);
}

#[test]
fn on_an_event_number_a_colleague_speaks_a_stranger_listens_and_others_hear_when_it_is() {
    let house = House::new(
        r##"
        [[line]] # an IP-SIM, known by its number over its own trunk
        name = "Viktor Lapin"
        number = "+79162120003"
        steps = [{ do = "answer" }]
        calls = [{ to = "+74951204041", at_s = 1, from_start = true }]

        [[line]] # nobody we know
        name = "Stranger"
        number = "+79031112233"
        steps = [{ do = "answer" }]
        calls = [{ to = "+74951204041", at_s = 1, from_start = true, press = [
          { key = "*", after_hearing_s = 2 }, { key = "9", after_hearing_s = 0 },
        ] }]

        [[line]] # too early
        name = "Early"
        number = "+79031112244"
        steps = [{ do = "answer" }]
        calls = [{ to = "+74951204042", at_s = 1, from_start = true }]

        [[line]] # a number that leads nowhere
        name = "Lost"
        number = "+79031112255"
        steps = [{ do = "answer" }]
        calls = [{ to = "+74951204043", at_s = 1, from_start = true }]
        "##,
        |api| {
            let now = meeting(api, "Open day", "9002", None);
            let bound = bind(api, "+74951204041", &now);
            assert_eq!(bound["state"]["kind"], "open");
            let later = meeting(api, "Results of the year", "9000", Some("2027-12-24T10:00"));
            let bound = bind(api, "+74951204042", &later);
            assert_eq!(bound["state"]["kind"], "before");
        },
    );

    house.member("9002", "Viktor Lapin", |member| member["role"] == "speaker");
    let hand = house.member("9002", "Stranger", |member| member["hand_at"].is_number());
    assert_eq!(hand["role"], "listener");

    house.wait_for("Early", "released");
    assert!(house.ever("Early", "heard"), "he was told when it begins");
    house.wait_for("Lost", "released");
    assert!(!house.ever("Lost", "answered"), "out of service");
}

/// The keys as a line presses them: the first once it has heard something, the others in turn.
fn keys(keys: &str) -> String {
    let presses = keys.chars().enumerate().map(|(place, key)| {
        let heard = if place == 0 { 1.0 } else { 0.3 };
        format!("{{ key = \"{key}\", after_hearing_s = {heard} }}")
    });
    presses.collect::<Vec<_>>().join(", ")
}

fn meeting_called(api: &Api, title: &str) -> Value {
    wait::until(format!("the meeting {title}"), wait::LONG, || {
        let meetings = api.list("meetings");
        meetings
            .into_iter()
            .find(|meeting| meeting["title"] == title)
    })
}

#[test]
fn a_meeting_is_planned_by_keys_alone_from_ones_own_line_or_by_extension_and_pin() {
    // Tomorrow at 9:30 for 45 minutes with the first list; saved.
    let own_line = keys("12#093045#11");
    // Not his line: he says who he is. Then the next day but one, at 12:00, an hour, nobody called.
    let stranger = keys("116#2580#12#1200060#01");
    let lines = format!(
        r##"
        [[line]]
        name = "Irina Belova"
        account = "irina"
        secret = "irina-company-1"
        steps = [{{ do = "answer" }}]
        calls = [{{ to = "9900", at_s = 1, from_start = true, press = [{own_line}] }}]

        [[line]] # Dina, from a hotel's telephone
        name = "Hotel"
        number = "+4930901820"
        steps = [{{ do = "answer" }}]
        calls = [{{ to = "+74951204050", at_s = 1, from_start = true, press = [{stranger}] }}]
        "##
    );
    let house = House::new(&lines, |_| {});

    let dealers = meeting_called(&house.api, "Dealers");
    assert_eq!(dealers["duration_min"], 45);
    let local = dealers["starts_local"].as_str().unwrap_or_default();
    assert!(local.ends_with("T09:30"), "{local}");
    let names: Vec<&Value> = dealers["participants"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|one| &one["name"])
        .collect();
    assert_eq!(names, ["Irina Belova", "Dina Safina", "Viktor Lapin"]);

    let own = meeting_called(&house.api, "Dina Safina");
    assert_eq!(own["duration_min"], 60);
    assert_eq!(own["participants"].as_array().map(Vec::len), Some(1));
}

#[test]
fn whoever_missed_the_call_on_his_mobile_calls_back_from_his_desk_and_is_in_his_meeting() {
    let house = House::new(
        r##"
        [[line]]
        name = "Mobile"
        number = "+79162240006"
        steps = [{ do = "ring_out" }]

        [[line]] # the number that rang the mobile leads into another room
        name = "Desk"
        account = "marat"
        secret = "marat-company-1"
        steps = [{ do = "answer" }]
        calls = [{ to = "+74951204040", at_s = 3 }]
        "##,
        |_| {},
    );
    house.phones.wait_for_registration("Desk");
    let people = house.api.list("people");
    let marat = people
        .iter()
        .find(|person| person["name"] == "Marat Iskanderov")
        .expect("the file names him");
    let plan = json!({
        "title": "Results", "room_id": room_id(&house.api, "9002"), "duration_min": 30,
        "participants": [{ "employee_id": marat["id"], "role": "speaker" }],
    });

    house.api.post("meetings", &plan).ok();

    // The room has a PIN, and he is not asked for it.
    let member = house.member("9002", "Marat Iskanderov", |_| true);
    assert!(
        !member["invitation_id"].is_null(),
        "he is in his place on the list"
    );
    assert!(house.ever("Mobile", "invited"));
    assert_eq!(house.phones.times_called("Mobile"), 1);
}
