//! What operators tell of lines: the moment a line frees or returns, its owner is called.
//!
//! The company's waits are ten minutes long, so whoever is in the room within one has
//! been called because of what was told, and by nothing else. Each source is tried alone.

use std::{net::TcpListener, thread};

use serde_json::{Value, json};
use tests::{Api, Server, server, simulator::Simulator, wait};

const COMPANY: &str = r#"
[company]
name = "Northway"
domain = "northway.example"
time_zone = "Europe/Moscow"
lead_s = 0
[company.rules]
busy = { wait_s = 600, then_wait_s = 600 }
offline = { wait_s = 600, tries = 2 }
no_answer = { waits_s = [600] }

[[trunks]]
name = "North"
address = "TRUNK"
caller_number = "+74951204040"
status = { STATUS }

[[rooms]]
number = "9000"
name = "Roll call"

[[employees]]
name = "Irina Belova"
extension = "101"
email = "irina@northway.example"
password = "northway-company-1"
level = "administrator"
devices = [{ kind = "sip_phone", username = "irina", secret = "irina-company-1" }]

[[employees]]
name = "Visitor"
extension = "199"
devices = [{ kind = "sip_phone", username = "visitor", secret = "visitor-company-1" }]

[[employees]]
name = "Zoya Petrenko"
extension = "114"
devices = [{ kind = "sip_phone", username = "zoya", secret = "zoya-company-1" }]

[[employees]]
name = "Viktor Lapin"
extension = "212"
devices = [{ kind = "ip_sim", mobile = "+79162120003", short = "212", trunk = "North" }]

[[employees]]
name = "Anna Reut"
extension = "218"
devices = [{ kind = "ip_sim", mobile = "+79162180005", short = "218", trunk = "North" }]
"#;

const LINES: &str = r#"
[[line]]
name = "Irina Belova"
account = "irina"
secret = "irina-company-1"
steps = [{ do = "answer", after_s = 1 }]

[[line]]
name = "Viktor Lapin"
number = "+79162120003"
steps = [{ do = "busy", until_s = 6 }, { do = "answer", after_s = 1 }]

[[line]]
name = "Anna Reut"
number = "+79162180005"
steps = [{ do = "off", until_s = 7 }, { do = "answer", after_s = 1 }]
"#;

pub struct House {
    pub server: Server,
    pub phones: Simulator,
    pub api: Api,
}

/// A company whose trunk has this `status`, and an operator who plays along. `OPERATOR`
/// stands for the address of his interface, `TRUNK_ID` for the trunk's id.
pub fn house(status: &str, operator: &str) -> House {
    let (trunk, interface) = (server::free_address(), server::free_address());
    let company = COMPANY
        .replace("TRUNK", &trunk.to_string())
        .replace("STATUS", status)
        .replace("OPERATOR", &interface.to_string());
    let server = Server::start_under(&company, &[("ROLLCALL_HTTP_OUT_ALLOW", "127.0.0.0/8")]);
    let api = server.login("irina@northway.example", "northway-company-1");
    let trunk_id = api.list("trunks")[0]["id"].as_str().unwrap().to_owned();
    let script = format!("{operator}\n{LINES}")
        .replace("OPERATOR", &interface.to_string())
        .replace("HTTP", &server.http.to_string())
        .replace("TRUNK_ID", &trunk_id);
    let lines = server.folder().join("lines.toml");
    std::fs::write(&lines, script).unwrap();
    let phones = Simulator::start(&lines, server.sip, trunk);
    phones.wait_for_registration("Irina Belova");
    House {
        server,
        phones,
        api,
    }
}

impl House {
    pub fn person(&self, name: &str) -> String {
        let people = self.api.list("people");
        let person = people.iter().find(|person| person["name"] == name).unwrap();
        person["id"].as_str().unwrap().to_owned()
    }

    /// Begins a meeting of these people; the path of its report.
    pub fn meet(&self, names: &[&str]) -> String {
        let participants: Vec<Value> = names
            .iter()
            .map(|name| json!({ "employee_id": self.person(name), "role": "speaker" }))
            .collect();
        let meeting = self.api.post(
            "meetings",
            &json!({
                "title": "Morning roll call",
                "room_id": self.api.list("rooms")[0]["id"],
                "duration_min": 30,
                "participants": participants,
            }),
        );
        let meeting = meeting.ok();
        let occurrence = meeting["occurrence_ids"][0].as_str().unwrap();
        format!("occurrences/{occurrence}")
    }

    /// Waits until somebody is not called because he wants quiet; his invitation.
    pub fn waits_quietly(&self, report: &str, name: &str) -> String {
        wait::until(format!("{name} to be left alone"), wait::LONG, || {
            let report = self.api.get(report).ok();
            report["invitations"].as_array()?.iter().find_map(|story| {
                let invitation = &story["invitation"];
                let quiet = invitation["status"]["why"] == "do_not_disturb";
                (invitation["name"] == name && quiet)
                    .then(|| invitation["id"].as_str().unwrap().to_owned())
            })
        })
    }

    pub fn wait_for(&self, report: &str, name: &str) {
        wait::until(format!("{name} to be in the room"), wait::LONG, || {
            let report = self.api.get(report).ok();
            let there = report["invitations"].as_array()?.iter().any(|story| {
                let invitation = &story["invitation"];
                invitation["name"] == name && invitation["status"]["kind"] == "in_room"
            });
            there.then_some(())
        });
    }

    /// What the board shows of somebody's line, source by source.
    fn sources(&self, name: &str) -> Vec<(String, String)> {
        let people = self.api.list("people");
        let person = people.iter().find(|person| person["name"] == name).unwrap();
        let evidence = person["line"]["evidence"].as_array().unwrap();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        evidence
            .iter()
            .map(|piece| (text(&piece["source"]), text(&piece["text"]["code"])))
            .collect()
    }
}

fn told(sources: &[(String, String)], source: &str, code: &str) -> bool {
    sources.iter().any(|(s, c)| s == source && c == code)
}

/// The busy one and the one who is off are called once in vain, and then at the event.
fn both_come_by_the_event(house: &House, names: &[&str]) {
    let report = house.meet(&["Irina Belova", "Viktor Lapin", "Anna Reut"]);
    house.wait_for(&report, "Irina Belova");
    for name in names {
        house.wait_for(&report, name);
        assert!(house.phones.times_called(name) <= 3, "{name}");
    }
}

#[test]
fn a_line_that_frees_is_called_when_its_dialogs_say_so() {
    let house = house(r#"events = ["dialog"]"#, "");
    wait::until("the operator to tell of Viktor", wait::LONG, || {
        told(&house.sources("Viktor Lapin"), "dialog", "talks").then_some(())
    });
    both_come_by_the_event(&house, &["Viktor Lapin"]);
    // Nobody rings into his talk.
    assert_eq!(house.phones.times_called("Viktor Lapin"), 1);
}

#[test]
fn a_line_that_registers_at_its_operator_is_called() {
    let house = house(r#"events = ["reg"]"#, "");
    wait::until("the operator to tell of Anna", wait::LONG, || {
        told(&house.sources("Anna Reut"), "registration", "unregistered").then_some(())
    });
    both_come_by_the_event(&house, &["Anna Reut"]);
}

#[test]
fn presence_tells_of_both() {
    let house = house(r#"events = ["presence"]"#, "");
    wait::until("the operator to tell of both", wait::LONG, || {
        let viktor = told(&house.sources("Viktor Lapin"), "presence", "on_the_phone");
        let anna = told(&house.sources("Anna Reut"), "presence", "closed");
        (viktor && anna).then_some(())
    });
    both_come_by_the_event(&house, &["Viktor Lapin", "Anna Reut"]);
}

#[test]
fn an_operator_that_is_asked_tells_of_both() {
    let house = house(
        r#"url = "http://OPERATOR/line", token = "who-asks""#,
        "[operator]\nstatus_listen = \"OPERATOR\"\ntoken = \"who-asks\"",
    );
    both_come_by_the_event(&house, &["Viktor Lapin", "Anna Reut"]);
}

#[test]
fn an_operator_that_tells_unasked_is_believed_by_his_token() {
    let house = house(
        r#"push_token = "north-tells-us-of-lines""#,
        "[operator]\npush_url = \"http://HTTP/api/v1/trunks/TRUNK_ID/line-status\"\npush_token = \"north-tells-us-of-lines\"",
    );
    both_come_by_the_event(&house, &["Viktor Lapin", "Anna Reut"]);
}

#[test]
fn an_interface_that_lies_or_sleeps_keeps_nobody_from_being_called() {
    let sleeper = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = sleeper.local_addr().unwrap();
    // Takes every connection and says nothing.
    thread::spawn(move || {
        let kept: Vec<_> = sleeper.incoming().collect();
        drop(kept);
    });
    let sleeping = format!("url = \"http://{address}/line\", timeout_ms = 1000");
    for (status, operator) in [
        (sleeping.as_str(), ""),
        (
            r#"url = "http://OPERATOR/line""#,
            "[operator]\nstatus_listen = \"OPERATOR\"\nnonsense = true",
        ),
    ] {
        let house = house(status, operator);
        let report = house.meet(&["Irina Belova", "Viktor Lapin", "Anna Reut"]);
        house.wait_for(&report, "Irina Belova");
        wait::until("both to be called all the same", wait::LONG, || {
            let called = |name| house.phones.times_called(name) > 0;
            (called("Viktor Lapin") && called("Anna Reut")).then_some(())
        });
        drop(house.server);
    }
}
