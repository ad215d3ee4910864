//! What people are written when nobody reaches them: over a real mail server, on
//! the wire, while another one hangs, and over a restart.

use std::net::{Ipv4Addr, SocketAddr};

use serde_json::{Value, json};
use simulator::{
    mail::{MailSink, Manner},
    receiver::{Asked, Conduct, Receiver},
};
use tests::{Api, Server, server, simulator::Simulator, wait};

const COMPANY: &str = include_str!("company.toml");

fn sink() -> MailSink {
    MailSink::start(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), |_| {}).expect("loopback has ports")
}

fn house(sink: &MailSink) -> (Server, Simulator, Api) {
    let url = format!("smtp://{}", sink.address);
    house_under(&[
        ("ROLLCALL_SMTP_URL", url.as_str()),
        ("ROLLCALL_MAIL_FROM", "rollcall@pbx.example"),
        ("ROLLCALL_PUBLIC_URL", "https://pbx.example"),
        ("ROLLCALL_HTTP_OUT_ALLOW", "127.0.0.0/8"),
    ])
}

fn house_under(settings: &[(&str, &str)]) -> (Server, Simulator, Api) {
    let trunk = server::free_address();
    let company = COMPANY.replace("TRUNK", &trunk.to_string());
    let server = Server::start_under(&company, settings);
    let lines = server.folder().join("lines.toml");
    std::fs::write(&lines, include_str!("lines.toml")).unwrap();
    let phones = Simulator::start(&lines, server.sip, trunk);
    let api = server.login("irina@northway.example", "northway-company-1");
    (server, phones, api)
}

/// A meeting now with one who declines and one whose number does not exist.
fn call(api: &Api) -> String {
    let rooms = api.list("rooms");
    let people = api.list("people");
    let pavel = people.iter().find(|one| one["name"] == "Pavel Orlov");
    let meeting = api.post(
        "meetings",
        &json!({
            "title": "Roll call <b>&\"",
            "room_id": rooms[0]["id"],
            "duration_min": 30,
            "participants": [
                { "employee_id": pavel.expect("he is there")["id"], "role": "speaker" },
                { "number": "+74862550010", "name": "Nobody", "email": "nobody@south.example", "role": "speaker" },
            ],
        }),
    );
    meeting.ok()["occurrence_ids"][0]
        .as_str()
        .expect("a meeting has a date")
        .to_owned()
}

fn notices(api: &Api, occurrence: &str) -> Vec<Value> {
    let report = api.get(&format!("occurrences/{occurrence}")).ok();
    report["notices"].as_array().cloned().unwrap_or_default()
}

fn wait_for(api: &Api, occurrence: &str, about: &str, state: &str) -> Value {
    wait::until(format!("{about} to be {state}"), wait::LONG, || {
        notices(api, occurrence)
            .into_iter()
            .find(|one| one["about"] == about && one["state"]["kind"] == state)
    })
}

#[test]
fn the_organiser_is_told_by_mail_and_what_has_no_gateway_is_shown_as_not_sent() {
    let sink = sink();
    let (_server, _phones, api) = house(&sink);

    let occurrence = call(&api);

    let sent = wait_for(&api, &occurrence, "not_coming", "sent");
    assert_eq!(sent["to"], "irina@northway.example");
    let mail = wait::until("the mail", wait::LONG, || {
        sink.mails()
            .into_iter()
            .find(|mail| mail.text.contains(sent["id"].as_str().unwrap_or("?")))
    });
    assert_eq!(mail.from, "rollcall@pbx.example");
    assert_eq!(mail.to, ["irina@northway.example"]);
    // He declined, and there is only his mobile to write to.
    let kept = wait::until("the message to be kept", wait::LONG, || {
        notices(&api, &occurrence)
            .into_iter()
            .find(|one| one["about"] == "join_later" && one["trouble"].is_object())
    });
    assert_eq!(kept["state"]["kind"], "waiting");
    assert_eq!(
        (&kept["by"], &kept["to"]),
        (&json!("sms"), &json!("+79162210007"))
    );
    assert_eq!(kept["trouble"]["kind"], "not_configured");
    let due_at = kept["state"]["due_at"].as_i64().unwrap_or_default();
    let written_at = kept["created_at"].as_i64().unwrap_or_default();
    assert!(
        due_at >= written_at + 25 * 60_000,
        "nobody looks every few seconds"
    );

    // A gateway is set up: nobody waits for the half hour.
    let gateway = receiver();
    let set = api.put(
        "company/sms-gateway",
        &json!({
            "url": format!("http://{}/sms", gateway.address),
            "template": r#"{"to":"{to}","text":"{text}","ref":"{id}"}"#,
        }),
    );
    set.ok();
    let sent = wait_for(&api, &occurrence, "join_later", "sent");
    assert_eq!(sent["id"], kept["id"]);
}

#[test]
fn a_mail_that_waits_for_a_mail_server_leaves_when_the_server_starts_with_one() {
    let sink = sink();
    let (mut server, _phones, api) = house_under(&[]);
    let occurrence = call(&api);
    wait_for(&api, &occurrence, "not_coming", "waiting");
    let held = wait::until("the mail to be held", wait::LONG, || {
        notices(&api, &occurrence)
            .into_iter()
            .find(|one| one["trouble"]["kind"] == "not_configured" && one["by"] == "mail")
    });

    server.kill();
    let url = format!("smtp://{}", sink.address);
    server.set("ROLLCALL_SMTP_URL", &url);
    server.set("ROLLCALL_MAIL_FROM", "rollcall@pbx.example");
    server.serve();
    let api = server.login("irina@northway.example", "northway-company-1");

    wait::until("the mail to be sent", wait::LONG, || {
        notices(&api, &occurrence)
            .into_iter()
            .find(|one| one["id"] == held["id"] && one["state"]["kind"] == "sent")
    });
}

#[test]
fn a_mail_server_that_hangs_holds_up_neither_calls_nor_the_api_and_gets_its_mail_later() {
    let sink = sink();
    sink.behave(Manner::Hangs);
    let (mut server, phones, api) = house(&sink);

    let occurrence = call(&api);
    wait::until("the mail server to be asked", wait::LONG, || {
        (sink.connections() > 0).then_some(())
    });
    // While it hangs, people are called and the API answers.
    let second = api.post(&format!("occurrences/{occurrence}/end"), &json!({}));
    second.ok();
    let again = call(&api);
    wait::until("the next meeting to call", wait::LONG, || {
        (phones.times_called("Pavel Orlov") >= 2).then_some(())
    });
    assert!(sink.mails().is_empty());

    // Killed in the middle of it, it sends what it owes.
    server.kill();
    sink.behave(Manner::Takes);
    server.serve();
    let api = server.login("irina@northway.example", "northway-company-1");
    let sent = wait::until("the mail to be sent after all", 3 * wait::LONG, || {
        notices(&api, &again)
            .into_iter()
            .find(|one| one["about"] == "not_coming" && one["state"]["kind"] == "sent")
    });
    assert!(
        sink.mails()
            .iter()
            .any(|mail| mail.text.contains(sent["id"].as_str().unwrap_or("?")))
    );
}

#[test]
fn a_recipient_that_is_refused_for_good_is_not_tried_again() {
    let sink = sink();
    sink.behave(Manner::Refuses(550));
    let (_server, _phones, api) = house(&sink);

    let occurrence = call(&api);

    let failed = wait_for(&api, &occurrence, "not_coming", "failed");
    assert_eq!(failed["tries"], 1);
    assert_eq!(failed["trouble"]["kind"], "refused");
}

fn receiver() -> Receiver {
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    Receiver::start(any, |_| {}).expect("loopback has ports")
}

#[test]
fn whoever_declines_gets_a_short_message_with_the_room_over_the_companys_gateway() {
    let (sink, gateway) = (sink(), receiver());
    gateway.behave(Conduct::Answers(503));
    let (_server, _phones, api) = house(&sink);
    let set = api.put(
        "company/sms-gateway",
        &json!({
            "url": format!("http://{}/sms", gateway.address),
            "template": r#"{"to":"{to}","text":"{text}","ref":"{id}"}"#,
            "token": "gateway-token",
        }),
    );
    set.ok();

    let occurrence = call(&api);

    wait::until("the gateway to be asked", wait::LONG, || {
        (!gateway.asked().is_empty()).then_some(())
    });
    gateway.behave(Conduct::Answers(202));
    let sent = wait_for(&api, &occurrence, "join_later", "sent");
    let asked = gateway.asked();
    let last = asked.last().expect("it was asked");
    assert_eq!(last.what, "POST /sms");
    assert_eq!(last.header("authorization"), "Bearer gateway-token");
    let said: Value = serde_json::from_str(&last.body).expect("its template is JSON");
    assert_eq!(
        (&said["to"], &said["ref"]),
        (&json!("+79162210007"), &sent["id"])
    );
    let text = said["text"].as_str().unwrap_or_default();
    assert!(
        text.contains("Roll call <b>&\"") && text.contains("+74951204040"),
        "{text}"
    );
    let ids = asked.iter().map(|one| {
        let body: Value = serde_json::from_str(&one.body).unwrap_or_default();
        body["ref"].clone()
    });
    assert!(
        ids.clone().all(|id| id == sent["id"]),
        "one message, one id"
    );
    assert!(ids.count() >= 2);
}

#[test]
fn whoever_has_no_mailbox_is_invited_by_short_message_and_told_of_changes() {
    let (sink, gateway) = (sink(), receiver());
    let (_server, _phones, api) = house(&sink);
    let set = api.put(
        "company/sms-gateway",
        &json!({
            "url": format!("http://{}/sms", gateway.address),
            "template": r#"{"to":"{to}","text":"{text}"}"#,
        }),
    );
    set.ok();
    let texts = |to: &str| {
        let asked = gateway.asked().into_iter();
        let bodies = asked.filter_map(|one| serde_json::from_str::<Value>(&one.body).ok());
        let to_him = bodies.filter(|body| body["to"] == to);
        let said = to_him.map(|body| body["text"].as_str().unwrap_or_default().to_owned());
        said.collect::<Vec<_>>()
    };
    let said = |count: usize| {
        wait::until(format!("message {count}"), wait::LONG, || {
            let texts = texts("+74862550010");
            (texts.len() == count).then(|| texts.last().cloned().unwrap_or_default())
        })
    };
    let plan = json!({
        "title": "Board",
        "room_id": api.list("rooms")[0]["id"],
        "starts_local": "2036-03-04T10:00",
        "duration_min": 30,
        "participants": [
            { "number": "+74862550010", "name": "Guest", "role": "listener" },
            { "number": "+74862550011", "name": "Other", "email": "other@south.example", "role": "listener" },
        ],
    });
    let made = api.post("meetings", &plan).ok();
    let id = made["meeting"]["id"].as_str().or(made["id"].as_str());
    let path = format!("meetings/{}", id.expect("it has an id"));

    let invited = said(1);
    assert!(
        invited.contains("Board") && invited.contains("10:00") && invited.contains("9000"),
        "{invited}"
    );
    let moved = api.patch(&path, &json!({ "starts_local": "2036-03-04T11:00" }));
    moved.ok();
    let change = said(2);
    assert!(change.contains("11:00"), "{change}");
    api.delete(&path).ok();
    let off = said(3);
    assert!(off.contains("does not take place"), "{off}");
    // Whoever has a mailbox is written to there.
    assert!(texts("+74862550011").is_empty());
}

#[test]
fn a_webhook_is_told_every_event_in_order_over_a_restart_while_another_one_hangs() {
    let (sink, program, deaf) = (sink(), receiver(), receiver());
    deaf.behave(Conduct::Hangs);
    let (mut server, _phones, api) = house(&sink);
    let hook = |receiver: &Receiver| {
        let url = format!("http://{}/hook", receiver.address);
        api.post(
            "webhooks",
            &json!({ "url": url, "kinds": ["occurrence", "notice"] }),
        )
        .ok()
    };
    let made = hook(&program);
    hook(&deaf);
    program.behave(Conduct::Answers(500));

    let occurrence = call(&api);
    wait::until("both to be told", wait::LONG, || {
        (!program.asked().is_empty() && !deaf.asked().is_empty()).then_some(())
    });
    // Both are in trouble when the server dies.
    server.kill();
    program.behave(Conduct::Answers(204));
    server.serve();
    let api = server.login("irina@northway.example", "northway-company-1");
    api.post(&format!("occurrences/{occurrence}/end"), &json!({}))
        .ok();

    let ended = |asked: &[Asked]| {
        asked.iter().any(|one| {
            let body: Value = serde_json::from_str(&one.body).unwrap_or_default();
            body["event"]["id"] == occurrence.as_str() && body["event"]["status"] == "ended"
        })
    };
    let asked = wait::until("the end to be told", 2 * wait::LONG, || {
        Some(program.asked()).filter(|asked| ended(asked))
    });
    let mut numbers: Vec<i64> = asked
        .iter()
        .filter_map(|one| one.header("rollcall-sequence").parse().ok())
        .collect();
    assert!(numbers.is_sorted(), "{numbers:?}");
    numbers.dedup();
    assert!(numbers.len() >= 2, "{numbers:?}");
    let secret = made["secret"].as_str().expect("it is shown once");
    for one in &asked {
        let stamp = one.header("rollcall-timestamp");
        let ours = rollcall::signature(secret, stamp, &one.body);
        assert_eq!(one.header("rollcall-signature"), ours);
    }
    // Told again by number, under the same ids.
    let before = program.asked().len();
    let id = made["webhook"]["id"].as_str().expect("it has an id");
    let first = numbers[0] - 1;
    api.post(&format!("webhooks/{id}/replay"), &json!({ "after": first }))
        .ok();
    wait::until("it to be told again", wait::LONG, || {
        let asked = program.asked();
        let again = asked.get(before..)?.first()?;
        (again.header("rollcall-event-id") == asked[0].header("rollcall-event-id")).then_some(())
    });
}

#[test]
fn a_private_address_is_not_reached_unless_the_server_allows_it() {
    let (sink, program) = (sink(), receiver());
    let (mut server, _phones, _) = house(&sink);
    server.kill();
    server
        .environment
        .retain(|(name, _)| name != "ROLLCALL_HTTP_OUT_ALLOW");
    server.serve();
    let api = server.login("irina@northway.example", "northway-company-1");
    let url = format!("http://{}/hook", program.address);
    api.post("webhooks", &json!({ "url": url })).ok();

    call(&api);

    let trouble = wait::until("the refusal to be shown", wait::LONG, || {
        let hooks = api.list("webhooks");
        Some(hooks.first()?["trouble"].clone()).filter(|trouble| !trouble.is_null())
    });
    assert_eq!(trouble["kind"], "refused", "{trouble}");
    assert!(program.asked().is_empty());
}

#[test]
fn those_invited_get_a_calendar_object_its_change_and_its_end_and_the_organiser_the_report() {
    let sink = sink();
    let (_server, _phones, api) = house(&sink);
    let rooms = api.list("rooms");
    let body = json!({
        "title": "Planning, with guests",
        "room_id": rooms[0]["id"],
        "time_zone": "Europe/Moscow",
        "starts_local": "2030-06-03T10:00",
        "duration_min": 60,
        "participants": [
            { "number": "+74862550010", "name": "Guest", "email": "guest@south.example", "role": "speaker" },
        ],
    });
    let made = api.post("meetings", &body).ok();
    let id = made["id"].as_str().expect("it has an id").to_owned();
    let mail = |nth: usize| {
        wait::until(format!("mail {nth}"), wait::LONG, || {
            sink.mails().get(nth).cloned()
        })
    };

    let invitation = mail(0);
    assert_eq!(invitation.to, ["guest@south.example"]);
    let object = calendar_of(&invitation.text);
    for line in [
        "METHOD:REQUEST",
        &format!("UID:{id}@rollcall"),
        "SEQUENCE:0",
        "DTSTART:20300603T070000Z",
        "DTEND:20300603T080000Z",
        "SUMMARY:Planning\\, with guests",
        "STATUS:CONFIRMED",
    ] {
        assert!(object.lines().any(|one| one == line), "{line} in {object}");
    }
    assert!(
        object.contains("RSVP=TRUE") && object.contains("mailto:rollcall@pbx.example"),
        "{object}"
    );

    api.patch(
        &format!("meetings/{id}"),
        &json!({ "starts_local": "2030-06-03T11:00" }),
    )
    .ok();
    let change = calendar_of(&mail(1).text);
    for line in ["METHOD:REQUEST", "SEQUENCE:1", "DTSTART:20300603T080000Z"] {
        assert!(change.lines().any(|one| one == line), "{line} in {change}");
    }
    // The link in the mail answers without a login.
    let text = decoded(&mail(1).text);
    let link = text
        .split_whitespace()
        .find(|word| word.starts_with("https://pbx.example/rsvp/"))
        .unwrap_or_else(|| panic!("no link in {text}"))
        .to_owned();
    assert!(link.contains(&id));

    api.delete(&format!("meetings/{id}"));
    let cancel = calendar_of(&mail(2).text);
    for line in [
        "METHOD:CANCEL",
        "SEQUENCE:2",
        "STATUS:CANCELLED",
        &format!("UID:{id}@rollcall"),
    ] {
        assert!(cancel.lines().any(|one| one == line), "{line} in {cancel}");
    }

    let occurrence = call(&api);
    wait_for(&api, &occurrence, "not_coming", "sent");
    wait::until("everyone's story to end", wait::LONG, || {
        let report = api.get(&format!("occurrences/{occurrence}")).ok();
        let stories = report["invitations"].as_array()?;
        stories
            .iter()
            .all(|story| story["invitation"]["status"]["kind"] == "finished")
            .then_some(())
    });
    api.post(&format!("occurrences/{occurrence}/end"), &json!({}))
        .ok();
    wait_for(&api, &occurrence, "report", "sent");
    let report = sink.mails().pop().expect("it was sent");
    assert_eq!(report.to, ["irina@northway.example"]);
    let text = decoded(&report.text);
    assert!(text.contains("Pavel Orlov: declined the call"), "{text}");
    assert!(
        text.contains("missed,Nobody") && text.contains("call,Pavel Orlov"),
        "{text}"
    );
}

/// The calendar object of a mail, its lines unfolded.
fn calendar_of(mail: &str) -> String {
    let text = decoded(mail);
    let from = text
        .find("BEGIN:VCALENDAR")
        .unwrap_or_else(|| panic!("no calendar in {text}"));
    let until = text[from..].find("END:VCALENDAR").expect("it ends");
    text[from..from + until]
        .replace("\r\n ", "")
        .replace('\r', "")
}

/// A mail with its base64 parts in plain.
fn decoded(mail: &str) -> String {
    let mut out = String::new();
    let mut block = String::new();
    for line in mail.split("\r\n") {
        let is_base64 = line.len() >= 4
            && line.len() % 4 == 0
            && line
                .bytes()
                .all(|sign| sign.is_ascii_alphanumeric() || b"+/=".contains(&sign));
        if is_base64 {
            block += line;
            continue;
        }
        if !block.is_empty() {
            out += &String::from_utf8_lossy(&base64(&block));
            block.clear();
        }
        out += line;
        out += "\r\n";
    }
    // Quoted-printable: soft breaks and signs.
    let soft = out.replace("=\r\n", "");
    soft.replace("=3D", "=").replace("=22", "\"")
}

fn base64(text: &str) -> Vec<u8> {
    let (mut bytes, mut held, mut bits) = (Vec::new(), 0u32, 0);
    for sign in text.bytes() {
        let value = match sign {
            b'A'..=b'Z' => sign - b'A',
            b'a'..=b'z' => sign - b'a' + 26,
            b'0'..=b'9' => sign - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => break,
        };
        held = ((held << 6) | u32::from(value)) & 0xff_ffff;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from((held >> bits) & 0xff).expect("it is masked"));
        }
    }
    bytes
}
