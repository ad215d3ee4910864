//! Answers in writing, gateways and webhooks, over the API.

use insta::assert_snapshot;
use serde_json::json;

use crate::world::{Asker, World};

pub async fn invitation(
    world: &World,
    who: &Asker,
    occurrence: &str,
    place: usize,
) -> serde_json::Value {
    let report = world
        .get(who, &format!("/api/v1/occurrences/{occurrence}"))
        .await
        .json();
    report["invitations"][place]["invitation"].clone()
}

/// The page that opens for one who is invited.
pub fn page(world: &World, meeting: &str, person: &str) -> String {
    let signature = world.store.sign("rsvp", &format!("{meeting} {person}"));
    format!("/rsvp/{meeting}/{signature}")
}

pub async fn form(world: &World, path: &str, body: String) -> crate::world::Answer {
    let mut request = world.nobody().request("POST", path, Some(body));
    let kind = "application/x-www-form-urlencoded".parse().unwrap();
    request.headers_mut().insert("content-type", kind);
    world.send(request).await
}

#[tokio::test]
async fn a_signed_link_opens_a_page_without_a_login_and_looking_changes_nothing() {
    let world = World::new().await;
    let oleg = world.oleg().await;
    let made = world.meeting(&oleg).await;
    let (meeting, date) = (
        made["id"].as_str().unwrap(),
        made["occurrence_ids"][0].as_str().unwrap(),
    );
    let path = page(&world, meeting, "4930901820");

    let shown = world.get(&world.nobody(), &path).await;
    assert_eq!(shown.status, 200, "{}", shown.text);
    assert!(
        shown.text.contains("Morning roll") && shown.text.contains("2026-11-23 10:00"),
        "{}",
        shown.text
    );
    assert!(
        shown
            .header("content-security-policy")
            .contains("form-action 'self'")
    );
    assert_eq!(
        invitation(&world, &oleg, date, 1).await["rsvp"],
        json!(null)
    );

    let answer = |value: &str| format!("date={date}&answer={value}");
    let thanks = form(&world, &path, answer("declined")).await;
    assert_eq!(thanks.status, 200, "{}", thanks.text);
    let declined = invitation(&world, &oleg, date, 1).await;
    assert_eq!(
        (&declined["rsvp"], &declined["status"]["why"]),
        (&json!("declined"), &json!("cannot_come"))
    );

    form(&world, &path, answer("accepted")).await;
    let accepted = invitation(&world, &oleg, date, 1).await;
    assert_eq!(
        (&accepted["rsvp"], &accepted["status"]["kind"]),
        (&json!("accepted"), &json!("waiting"))
    );
}

#[tokio::test]
async fn a_link_that_was_made_up_opens_nothing() {
    let world = World::new().await;
    let oleg = world.oleg().await;
    let made = world.meeting(&oleg).await;
    let meeting = made["id"].as_str().unwrap();
    let date = made["occurrence_ids"][0].as_str().unwrap();
    let good = page(&world, meeting, "4930901820");
    let forged = [
        format!("/rsvp/{meeting}/{}", "0".repeat(32)),
        format!("/rsvp/{meeting}/00"),
        page(&world, meeting, "4930901821"),
        format!("{good}0"),
    ];
    for path in forged {
        assert_eq!(
            world.get(&world.nobody(), &path).await.status,
            404,
            "{path}"
        );
        let answered = form(&world, &path, format!("date={date}&answer=declined")).await;
        assert_eq!(answered.status, 404, "{path}");
    }
    for body in ["", "answer=maybe", "answer=accepted&date=x"] {
        assert_eq!(
            form(&world, &good, body.to_owned()).await.status,
            400,
            "{body}"
        );
    }
    assert_eq!(
        invitation(&world, &oleg, date, 1).await["rsvp"],
        json!(null)
    );
}

#[tokio::test]
async fn what_people_typed_is_text_on_the_page() {
    let world = World::new().await;
    let oleg = world.oleg().await;
    let mut body = world.meeting_body().await;
    body["title"] = json!("<script>alert(1)</script>\"'&");
    let made = world.post(&oleg, "/api/v1/meetings", body).await.json();

    let path = page(&world, made["id"].as_str().unwrap(), "4930901820");
    let shown = world.get(&world.nobody(), &path).await.text;

    assert!(!shown.contains("<script"), "{shown}");
    assert!(
        shown.contains("&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;"),
        "{shown}"
    );
}

pub fn reply(meeting: &str, from: &str, attendee: &str, says: &str) -> String {
    format!(
        "From: <{from}>\r\nTo: rollcall@pbx.example\r\nContent-Type: text/calendar; method=REPLY\r\n\r\n\
         BEGIN:VCALENDAR\r\nMETHOD:REPLY\r\nBEGIN:VEVENT\r\nUID:{meeting}@rollcall\r\n\
         ATTENDEE;PARTSTAT={says}:mailto:{attendee}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    )
}

#[tokio::test]
async fn a_calendars_answer_by_mail_is_put_on_record() {
    let world = World::new().await;
    let (oleg, irina, anna) = (world.oleg().await, world.irina().await, world.anna().await);
    let made = world.meeting(&irina).await;
    let meeting = made["id"].as_str().unwrap();
    let date = made["occurrence_ids"][0].as_str().unwrap();
    let his = "oleg@northway.example";
    let send = |who: &Asker, mail: String| {
        let mut request = who.request("POST", "/api/v1/mail-replies", Some(mail));
        let kind = "message/rfc822".parse().unwrap();
        request.headers_mut().insert("content-type", kind);
        world.send(request)
    };

    let taken = send(&irina, reply(meeting, his, his, "DECLINED")).await;

    assert_snapshot!(taken.shown());
    assert_eq!(invitation(&world, &oleg, date, 0).await["rsvp"], "declined");
    let undecided = send(&irina, reply(meeting, his, his, "TENTATIVE")).await;
    assert_eq!(undecided.json()["recorded"], 0);
    for (mail, refusal) in [
        (
            reply(meeting, "evil@x.example", his, "ACCEPTED"),
            "422 bad_mail_reply",
        ),
        (
            reply(meeting, "evil@x.example", "evil@x.example", "ACCEPTED"),
            "422 bad_mail_reply",
        ),
        (
            "Subject: I come\r\n\r\nYes".to_owned(),
            "422 bad_mail_reply",
        ),
        (
            reply("01939d5e-6c2a-7b3c-9d4e-5f6071829304", his, his, "ACCEPTED"),
            "404 not_found",
        ),
        (reply("nothing", his, his, "ACCEPTED"), "404 not_found"),
    ] {
        assert_eq!(send(&irina, mail).await.refusal(), refusal);
    }
    let theirs = send(&anna, reply(meeting, his, his, "ACCEPTED")).await;
    assert_eq!(theirs.refusal(), "404 not_found");
    assert_eq!(invitation(&world, &oleg, date, 0).await["rsvp"], "declined");
}

#[tokio::test]
async fn a_guests_address_is_kept_and_a_wrong_one_is_told() {
    let world = World::new().await;
    let oleg = world.oleg().await;
    let mut body = world.meeting_body().await;
    body["participants"][1]["email"] = json!("office@mueller.example");
    body["remind_min"] = json!(0);
    let made = world
        .post(&oleg, "/api/v1/meetings", body.clone())
        .await
        .json();
    assert_eq!(made["participants"][1]["email"], "office@mueller.example");
    assert_eq!(made["remind_min"], 0);

    for wrong in ["nobody", "a@b.example\r\nBcc: x@y.example", "a b@c.example"] {
        body["participants"][1]["email"] = json!(wrong);
        let refused = world.post(&oleg, "/api/v1/meetings", body.clone()).await;
        assert_eq!(
            refused.refusal(),
            "422 bad_email at participants[1].email",
            "{wrong}"
        );
    }
    body["participants"][1]["email"] = json!(null);
    body["remind_min"] = json!(1441);
    let refused = world.post(&oleg, "/api/v1/meetings", body).await;
    assert_eq!(refused.refusal(), "422 bad_reminder at remind_min");
}

#[tokio::test]
async fn a_gateway_for_short_messages_is_set_up_without_showing_its_token() {
    let world = World::new().await;
    let (irina, oleg) = (world.irina().await, world.oleg().await);
    let path = "/api/v1/company/sms-gateway";
    assert_eq!(world.get(&irina, path).await.refusal(), "404 not_found");
    let body = json!({
        "url": "https://sms.example/send",
        "template": "{\"to\":\"{to}\",\"text\":\"{text}\"}",
        "token": "tr0ub4dor",
    });

    let set = world.ask(&irina, "PUT", path, Some(body.clone())).await;

    assert_snapshot!(set.shown());
    assert!(!set.text.contains("tr0ub4dor"));
    assert_eq!(world.get(&irina, path).await.json(), set.json());
    let directory = world.store.directory().await.unwrap();
    let gateway = directory.companies[&world.northway()].sms.clone().unwrap();
    assert_eq!(gateway.token.unwrap().reveal(), "tr0ub4dor");
    assert_eq!(
        world
            .ask(&oleg, "PUT", path, Some(body.clone()))
            .await
            .refusal(),
        "403 not_allowed"
    );
    assert_eq!(world.get(&oleg, path).await.refusal(), "403 not_allowed");
    for (field, wrong, refusal) in [
        ("url", "ftp://sms.example", "422 bad_url at url"),
        ("template", "to={to}", "422 bad_template at template"),
    ] {
        let mut body = body.clone();
        body[field] = json!(wrong);
        assert_eq!(
            world.ask(&irina, "PUT", path, Some(body)).await.refusal(),
            refusal
        );
    }
    assert_eq!(world.ask(&irina, "DELETE", path, None).await.status, 204);
    assert_eq!(world.get(&irina, path).await.refusal(), "404 not_found");
}

#[tokio::test]
async fn a_webhook_is_added_with_a_secret_that_is_shown_once() {
    let world = World::new().await;
    let (irina, oleg, anna) = (world.irina().await, world.oleg().await, world.anna().await);
    let body = json!({ "url": "https://crm.example/hook", "kinds": ["occurrence", "attempt"] });

    let made = world.post(&irina, "/api/v1/webhooks", body.clone()).await;

    assert_eq!(made.status, 201, "{}", made.text);
    let secret = made.json()["secret"].as_str().unwrap().to_owned();
    assert!(secret.len() >= 32);
    let listed = world.get(&irina, "/api/v1/webhooks").await;
    assert!(!listed.text.contains(&secret));
    assert_snapshot!(listed.shown());
    let id = made.json()["webhook"]["id"].as_str().unwrap().to_owned();
    for (who, method, path, body, refusal) in [
        (
            &oleg,
            "POST",
            "/webhooks".to_owned(),
            Some(body.clone()),
            "403 not_allowed",
        ),
        (
            &anna,
            "DELETE",
            format!("/webhooks/{id}"),
            None,
            "404 not_found",
        ),
        (
            &anna,
            "POST",
            format!("/webhooks/{id}/replay"),
            Some(json!({ "after": 0 })),
            "404 not_found",
        ),
        (
            &irina,
            "POST",
            format!("/webhooks/{id}/replay"),
            Some(json!({ "after": 900 })),
            "409 events_not_kept at after",
        ),
        (
            &irina,
            "POST",
            "/webhooks".to_owned(),
            Some(json!({ "url": "crm" })),
            "422 bad_url at url",
        ),
        (
            &irina,
            "POST",
            "/webhooks".to_owned(),
            Some(json!({ "url": "https://a.example", "kinds": ["tea"] })),
            "422 unknown_event_kind at kinds[0]",
        ),
    ] {
        let answer = world
            .ask(who, method, &format!("/api/v1{path}"), body)
            .await;
        assert_eq!(answer.refusal(), refusal, "{method} {path}");
    }
    let replay = world
        .post(
            &irina,
            &format!("/api/v1/webhooks/{id}/replay"),
            json!({ "after": 0 }),
        )
        .await;
    assert_eq!(replay.status, 202, "{}", replay.text);
    assert_eq!(
        world
            .ask(&irina, "DELETE", &format!("/api/v1/webhooks/{id}"), None)
            .await
            .status,
        204
    );
    assert_eq!(
        world.get(&irina, "/api/v1/webhooks").await.json(),
        json!([])
    );
}

#[tokio::test]
async fn the_report_is_a_table_too_and_nobody_elses() {
    let world = World::new().await;
    let (oleg, anna) = (world.oleg().await, world.anna().await);
    let mut body = world.meeting_body().await;
    body["participants"][1]["name"] = json!("=cmd|' /C calc'!A0");
    let made = world.post(&oleg, "/api/v1/meetings", body).await.json();
    let path = format!(
        "/api/v1/occurrences/{}/report.csv",
        made["occurrence_ids"][0].as_str().unwrap()
    );

    let table = world.get(&oleg, &path).await;

    assert_eq!(table.header("content-type"), "text/csv; charset=utf-8");
    assert_snapshot!(table.text.replace("\r\n", "\n"));
    assert_eq!(world.get(&anna, &path).await.refusal(), "404 not_found");
}

#[tokio::test]
async fn what_somebody_said_stands_until_the_hour_is_another() {
    let world = World::new().await;
    let oleg = world.oleg().await;
    let made = world.meeting(&oleg).await;
    let (meeting, date) = (
        made["id"].as_str().unwrap(),
        made["occurrence_ids"][0].as_str().unwrap(),
    );
    let path = page(&world, meeting, "4930901820");
    form(&world, &path, format!("date={date}&answer=declined")).await;
    let change = async |body: serde_json::Value| {
        let path = format!("/api/v1/meetings/{meeting}");
        let answer = world.ask(&oleg, "PATCH", &path, Some(body)).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        let guest = invitation(&world, &oleg, date, 1).await;
        (
            guest["rsvp"].clone(),
            guest["role"].clone(),
            guest["name"].clone(),
        )
    };

    let oleg_id = world.employee("Oleg Sorokin").await;
    let renamed = json!([
        { "employee_id": oleg_id, "role": "speaker" },
        { "number": "+49 30 901-820", "name": "Frau Müller", "role": "speaker" },
    ]);
    for body in [
        json!({ "title": "Evening roll" }),
        json!({ "lead_s": 60 }),
        json!({ "duration_min": 90 }),
        json!({ "room_id": world.room("9001").await }),
    ] {
        assert_eq!(change(body.clone()).await.0, "declined", "{body}");
    }
    assert_eq!(
        change(json!({ "participants": renamed })).await,
        (json!("declined"), json!("speaker"), json!("Frau Müller"))
    );
    let moved = change(json!({ "starts_local": "2026-11-23T11:00" })).await;
    assert_eq!(moved.0, json!(null));
}

#[tokio::test]
async fn what_was_said_of_a_date_stands_when_its_series_is_cut() {
    let world = World::new().await;
    let oleg = world.oleg().await;
    let mut body = world.meeting_body().await;
    body["repeats"] = json!("FREQ=DAILY");
    let made = world.post(&oleg, "/api/v1/meetings", body).await.json();
    let meeting = made["id"].as_str().unwrap();
    let second = made["occurrence_ids"][1].as_str().unwrap();
    let path = page(&world, meeting, "4930901820");
    form(&world, &path, format!("date={second}&answer=accepted")).await;

    let path = format!("/api/v1/meetings/{meeting}");
    let body = json!({ "from_date": "2026-11-24", "title": "Evening roll" });
    let after = world.ask(&oleg, "PATCH", &path, Some(body)).await;
    assert_eq!(after.status, 200, "{}", after.text);

    let after = after.json();
    assert_ne!(after["id"], made["id"]);
    let first_of_it = after["occurrence_ids"][0].as_str().unwrap();
    assert_eq!(
        invitation(&world, &oleg, first_of_it, 1).await["rsvp"],
        "accepted"
    );
}
