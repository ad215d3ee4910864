//! Every row of the decoder's table that a network can show, on the wire: a simulated
//! operator answers each number in its own way, and the attempt's record names the row.

use std::net::UdpSocket;

use serde_json::{Value, json};
use tests::{Server, server, simulator::Simulator, wait};

/// How a number is answered, and the rows that judge the first attempts at it.
struct Case {
    steps: &'static str,
    rows: &'static [&'static str],
}

const fn case(steps: &'static str, rows: &'static [&'static str]) -> Case {
    Case { steps, rows }
}

/// A network's failure is tried over the other trunk at once, which says nothing at all.
#[rustfmt::skip]
const CASES: &[Case] = &[
    // Busy, or the red key.
    case(r#"{ do = "refuse", status = 486 }"#,                                          &["busy486"]),
    case(r#"{ do = "busy" }"#,                                                          &["cause17"]),
    case(r#"{ do = "refuse", status = 486, rings_s = 0.4 }"#,                           &["busy486"]),
    case(r#"{ do = "refuse", status = 486, rings_s = 1.5 }"#,                           &["declined486"]),
    case(r#"{ do = "decline", after_s = 1.5 }"#,                                        &["cause17_rang"]),
    case(r#"{ do = "refuse", status = 600 }"#,                                          &["busy_everywhere600"]),
    case(r#"{ do = "refuse", status = 600, cause = 17 }"#,                              &["busy_everywhere600"]),
    case(r#"{ do = "refuse", status = 603 }"#,                                          &["declined603"]),
    case(r#"{ do = "refuse", status = 607, cause = 21 }"#,                              &["unwanted"]),
    case(r#"{ do = "refuse", status = 608 }"#,                                          &["unwanted"]),
    case(r#"{ do = "refuse", status = 480, cause = 21, at_user = true }"#,              &["cause21_user"]),
    case(r#"{ do = "refuse", status = 480, cause = 21, rings_s = 1.5 }"#,               &["cause21_rang"]),
    case(r#"{ do = "refuse", status = 480, cause = 21 }"#,                              &["cause21_elsewhere"]),
    // Offline, or nobody came.
    case(r#"{ do = "off" }"#,                                                           &["cause20"]),
    case(r#"{ do = "refuse", status = 404, cause = 20 }"#,                              &["cause20"]),
    case(r#"{ do = "refuse", status = 408, cause = 18 }"#,                              &["cause18"]),
    case(r#"{ do = "refuse", status = 480, cause = 19, rings_s = 1.5 }"#,               &["cause19"]),
    case(r#"{ do = "refuse", status = 480, cause = 31 }"#,                              &["cause31"]),
    case(r#"{ do = "refuse", status = 480, rings_s = 1.5 }"#,                           &["no_answer480"]),
    case(r#"{ do = "refuse", status = 480 }"#,                                          &["offline480"]),
    case(r#"{ do = "refuse", status = 480, retry_after_s = 90 }"#,                      &["offline_retry_after"]),
    case(r#"{ do = "refuse", status = 480, sounds_s = 1 }"#,                            &["audio_only480", "audio_only480_again"]),
    case(r#"{ do = "refuse", status = 408, rings_s = 1.5 }"#,                           &["no_answer408"]),
    // Our own timeout.
    case(r#"{ do = "ring_out" }"#,                                                      &["timeout_rang"]),
    case(r#"{ do = "sounds" }"#,                                                        &["timeout_audio_only", "timeout_audio_only_again"]),
    case(r#"{ do = "silent" }"#,                                                        &["timeout_silent"]),
    // No such number.
    case(r#"{ do = "refuse", status = 404 }"#,                                          &["invalid_code"]),
    case(r#"{ do = "refuse", status = 410 }"#,                                          &["invalid_code"]),
    case(r#"{ do = "refuse", status = 484 }"#,                                          &["invalid_code"]),
    case(r#"{ do = "refuse", status = 604 }"#,                                          &["invalid_code"]),
    case(r#"{ do = "invalid" }"#,                                                       &["cause_invalid"]),
    case(r#"{ do = "refuse", status = 500, cause = 28 }"#,                              &["cause_invalid"]),
    // The network's, and over the other trunk at once.
    case(r#"{ do = "refuse", status = 403 }"#,                                          &["trunk_refused", "trunk_silent"]),
    case(r#"{ do = "refuse", status = 402 }"#,                                          &["trunk_refused", "trunk_silent"]),
    case(r#"{ do = "refuse", status = 403, cause = 57 }"#,                              &["cause_barred", "trunk_silent"]),
    case(r#"{ do = "refuse", status = 500 }"#,                                          &["server_failure", "trunk_silent"]),
    case(r#"{ do = "refuse", status = 502, cause = 27 }"#,                              &["cause27_network", "trunk_silent"]),
    case(r#"{ do = "refuse", status = 502, cause = 27, at_user = true }"#,              &["cause27_user"]),
    case(r#"{ do = "refuse", status = 503 }"#,                                          &["server_failure", "trunk_silent"]),
    case(r#"{ do = "refuse", status = 504 }"#,                                          &["server_failure", "trunk_silent"]),
    case(r#"{ do = "refuse", status = 480, cause = 34 }"#,                              &["cause_congestion", "trunk_silent"]),
    // No common codec: once more with G.711 alone, then the other trunk.
    case(r#"{ do = "refuse", status = 488 }"#,                                          &["codec_refused", "codec_refused", "trunk_silent"]),
    case(r#"{ do = "refuse", status = 606 }"#,                                          &["codec_refused", "codec_refused", "trunk_silent"]),
    case(r#"{ do = "refuse", status = 488, cause = 65 }"#,                              &["cause_codec", "cause_codec", "trunk_silent"]),
    // Answered.
    case(r#"{ do = "answer", after_s = 0.2, silent = true }"#,                          &["no_confirm_key"]),
    case(r#"{ do = "voicemail", leaves_after_s = 20 }"#,                                &["no_confirm_key"]),
    case(r#"{ do = "answer", after_s = 0.2, press = [{ key = "3", after_hearing_s = 0.5 }] }"#, &["answered"]),
    case(r#"{ do = "answer", after_s = 0.2, press = [{ key = "1", after_hearing_s = 0.5 }], leaves_after_s = 2.5 }"#, &["broken_off"]),
    // Nothing that is known.
    case(r#"{ do = "refuse", status = 420 }"#,                                          &["unlisted"]),
];

const COMPANY: &str = r#"
[company]
name = "Northway Logistics"
domain = "northway.example"
time_zone = "Europe/Moscow"
lead_s = 0

[company.rules]
ring_s = 2
setup_s = 6
confirm_s = 3
no_answer = { waits_s = [1] }

[[trunks]]
name = "North"
address = "TRUNK"
caller_number = "+74951204040"

[[trunks]]
name = "Dead"
address = "DEAD"
caller_number = "+74951204040"

[[rooms]]
number = "9000"
name = "Roll call"

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
name = "Forwarded to a mailbox"
extension = "102"
devices = [{ kind = "ip_sim", mobile = "+79162120002", short = "202", trunk = "North" }]

[[employees]]
name = "Picked up too quickly"
extension = "103"
devices = [{ kind = "ip_sim", mobile = "+79162120003", short = "203", trunk = "North" }]
"#;

/// People of the company, who need no key but where a machine may have answered.
const OWN: [(&str, &str, &[&str]); 3] = [
    ("Irina Belova", "", &["not_registered"]),
    (
        "Forwarded to a mailbox",
        r#"{ do = "voicemail", forwards_after_s = 0.5 }"#,
        &["no_confirm_key"],
    ),
    (
        "Picked up too quickly",
        r#"{ do = "voicemail" }"#,
        &["no_confirm_key"],
    ),
];

fn number(nth: usize) -> String {
    format!("+7916300{nth:04}")
}

#[test]
fn every_row_of_the_table_judges_a_call_on_the_wire() {
    let trunk = server::free_address();
    // An operator that is there and says nothing.
    let dead = UdpSocket::bind("127.0.0.1:0").unwrap();
    let company = COMPANY
        .replace("TRUNK", &trunk.to_string())
        .replace("DEAD", &dead.local_addr().unwrap().to_string());
    let server = Server::start(&company);
    let lines = server.folder().join("lines.toml");
    std::fs::write(&lines, script()).unwrap();
    let phones = Simulator::start(&lines, server.sip, trunk);
    let api = server.login("irina@northway.example", "northway-company-1");

    let mut participants: Vec<Value> = api
        .list("people")
        .iter()
        .map(|person| json!({ "employee_id": person["id"], "role": "speaker" }))
        .collect();
    participants.extend(
        (0..CASES.len()).map(
            |nth| json!({ "name": nth.to_string(), "number": number(nth), "role": "speaker" }),
        ),
    );
    let meeting = api.post(
        "meetings",
        &json!({
            "title": "Every row",
            "room_id": api.list("rooms")[0]["id"],
            "duration_min": 30,
            "participants": participants,
        }),
    );
    let meeting = meeting.ok();
    let occurrence = meeting["occurrence_ids"][0].as_str().unwrap();

    let outsiders = CASES
        .iter()
        .enumerate()
        .map(|(nth, case)| (nth.to_string(), case.steps, case.rows));
    let own = OWN.map(|(name, steps, rows)| (name.to_owned(), steps, rows));
    let wanted: Vec<_> = outsiders.chain(own).collect();
    let path = format!("occurrences/{occurrence}");
    let mut wrong = Vec::new();
    wait::until("every call to be judged", 2 * wait::LONG, || {
        let report = api.get(&path).ok();
        let missing = wanted
            .iter()
            .any(|(name, _, rows)| rows_of(&report, name).len() < rows.len());
        wrong = wanted
            .iter()
            .filter_map(|(name, steps, rows)| {
                let seen = rows_of(&report, name);
                let as_wanted = seen.len() >= rows.len() && seen[..rows.len()] == **rows;
                (!as_wanted).then(|| format!("{name} {steps}: {seen:?}, not {rows:?}"))
            })
            .collect();
        let spoilt = wanted.iter().any(|(name, _, rows)| {
            let seen = rows_of(&report, name);
            let known = seen.len().min(rows.len());
            seen[..known] != rows[..known]
        });
        (!missing || spoilt).then_some(())
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(phones.times_called("8"), 1, "607 is never called again");
}

/// The rows that have judged the attempts at somebody so far, in order.
fn rows_of(report: &Value, name: &str) -> Vec<String> {
    let stories = report["invitations"].as_array();
    let story = stories
        .into_iter()
        .flatten()
        .find(|story| story["invitation"]["name"] == name);
    let attempts = story.and_then(|story| story["attempts"].as_array());
    attempts
        .into_iter()
        .flatten()
        .map_while(|attempt| attempt["row"].as_str().map(str::to_owned))
        .collect()
}

fn script() -> String {
    let line = |name: &str, number: &str, steps: &str| {
        format!("[[line]]\nname = \"{name}\"\nnumber = \"{number}\"\nsteps = [{steps}]\n")
    };
    let mut script: String = CASES
        .iter()
        .enumerate()
        .map(|(nth, case)| line(&nth.to_string(), &number(nth), case.steps))
        .collect();
    script += &line(OWN[1].0, "+79162120002", OWN[1].1);
    script += &line(OWN[2].0, "+79162120003", OWN[2].1);
    script
}
