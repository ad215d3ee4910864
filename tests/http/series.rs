//! Meetings that repeat: their dates, single dates that depart, what is in their way.

use domain::{Span, invitation::Rsvp};
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::world::{Answer, Asker, World};

const DAY: Span = Span::minutes(24 * 60);

/// The usual meeting on Tuesdays and Thursdays, with some fields put in the place of others.
async fn plan(world: &World, who: &Asker, change: Value) -> Answer {
    let mut body = world.meeting_body().await;
    body["repeats"] = json!("FREQ=WEEKLY;BYDAY=TU,TH");
    for (key, value) in change.as_object().unwrap() {
        body[key] = value.clone();
    }
    world.post(who, "/api/v1/meetings", body).await
}

fn id(value: &Value) -> &str {
    value["id"].as_str().unwrap()
}

/// The dates from now on, as local starts with what is unusual about them.
async fn dates(world: &World, who: &Asker, how_many: usize) -> Vec<String> {
    let from = world.now().0;
    let path = format!("/api/v1/occurrences?from={from}&to={}", from + 90 * DAY.0);
    let list = world.get(who, &path).await.json();
    let shown = list.as_array().unwrap().iter().map(|date| {
        let at = domain::Millis(date["starts_at"].as_i64().unwrap());
        let local = at.in_zone("Europe/Moscow".parse().unwrap()).unwrap();
        match date["status"].as_str().unwrap() {
            "scheduled" => local.to_string(),
            other => format!("{local} {other}"),
        }
    });
    shown.take(how_many).collect()
}

async fn nth(world: &World, who: &Asker, place: usize) -> Value {
    let from = world.now().0;
    let path = format!("/api/v1/occurrences?from={from}&to={}", from + 90 * DAY.0);
    world.get(who, &path).await.json()[place].clone()
}

#[tokio::test]
async fn a_series_has_its_dates_ahead_and_people_are_on_the_lists_of_the_next() {
    let world = World::new().await;
    let oleg = world.oleg().await;

    let made = plan(&world, &oleg, json!({})).await;

    assert_eq!(made.status, 201, "{}", made.text);
    let made = made.json();
    // It was asked for from Monday on.
    assert_eq!(made["starts_local"], "2026-11-24T10:00");
    assert_eq!(made["series"]["rule"], "FREQ=WEEKLY;BYDAY=TU,TH");
    assert_eq!(
        dates(&world, &oleg, 3).await,
        ["2026-11-24T10:00", "2026-11-26T10:00", "2026-12-01T10:00"]
    );
    assert_eq!(made["occurrence_ids"].as_array().unwrap().len(), 18);
    let first = nth(&world, &oleg, 0).await;
    assert_eq!(first["date"], "2026-11-24");
    assert_eq!(first["time_zone"], "Europe/Moscow");
    let report = world
        .get(&oleg, &format!("/api/v1/occurrences/{}", id(&first)))
        .await
        .json();
    assert_eq!(report["invitations"].as_array().unwrap().len(), 2);
    // Far ahead the plan says how many are expected.
    let last = nth(&world, &oleg, 17).await;
    assert_eq!(last["expected"], 2);
}

#[tokio::test]
async fn a_series_that_was_asked_for_from_a_day_gone_by_keeps_its_days() {
    let world = World::new().await;
    let oleg = world.oleg().await;
    // It is Sunday the 22nd.
    for (start, rule, first, second) in [
        ("2026-11-18", "FREQ=WEEKLY", "2026-11-25", "2026-12-02"),
        ("2026-11-10", "FREQ=MONTHLY", "2026-12-10", "2027-01-10"),
        (
            "2026-11-16",
            "FREQ=WEEKLY;INTERVAL=2",
            "2026-11-30",
            "2026-12-14",
        ),
        (
            "2026-11-20",
            "FREQ=DAILY;INTERVAL=3;COUNT=2",
            "2026-11-23",
            "2026-11-26",
        ),
    ] {
        let start = format!("{start}T07:00");
        let asked = json!({ "starts_local": start, "repeats": rule });
        let made = plan(&world, &oleg, asked).await;
        assert_eq!(made.status, 201, "{}", made.text);
        let made = made.json();
        assert_eq!(made["starts_local"], format!("{first}T07:00"), "{rule}");
        let all = dates(&world, &oleg, 2).await;
        assert_eq!(
            all,
            [format!("{first}T07:00"), format!("{second}T07:00")],
            "{rule}"
        );
        let path = format!("/api/v1/meetings/{}", id(&made));
        assert_eq!(world.ask(&oleg, "DELETE", &path, None).await.status, 204);
    }
}

#[tokio::test]
async fn time_makes_further_dates_and_lists_and_nothing_twice() {
    let world = World::new().await;
    let oleg = world.oleg().await;
    plan(&world, &oleg, json!({})).await;
    let directory = world.store.directory().await.unwrap();
    let company = |id| directory.companies.get(&id);
    let due = async |now| rollcall::series::make_due(&world.store, company, now).await;

    assert_eq!(due(world.now()).await.unwrap().companies.len(), 0);
    world.pass(Span(8 * DAY.0));
    assert_eq!(due(world.now()).await.unwrap().companies.len(), 1);
    assert_eq!(due(world.now()).await.unwrap().companies.len(), 0);

    let from = world.now().0;
    let path = format!("/api/v1/occurrences?from={from}&to={}", from + 90 * DAY.0);
    let list = world.get(&oleg, &path).await.json();
    let listed = list.as_array().unwrap().clone();
    assert_eq!(listed.len(), 18, "two a week for sixty days");
    let mut with_lists = 0;
    for date in &listed {
        let path = format!("/api/v1/occurrences/{}", id(date));
        let report = world.get(&oleg, &path).await.json();
        with_lists += usize::from(!report["invitations"].as_array().unwrap().is_empty());
    }
    assert_eq!(with_lists, 4, "those of the next two weeks");
}

#[tokio::test]
async fn a_rule_that_cannot_be_kept_is_refused_with_its_reason() {
    let world = World::new().await;
    let oleg = world.oleg().await;
    let mut told = String::new();
    for rule in [
        "FREQ=SECONDLY",
        "FREQ=DAILY;BYHOUR=9,17",
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=DAILY;UNTIL=20200101",
        "FREQ=DAILY;COUNT=100000",
        "FREQ=DAILY;INTERVAL=0",
        "FREQ=DAILY;COUNT=2;UNTIL=20270101",
        "FREQ=WEEKLY;BYDAY=2MO",
        "FREQ=YEARLY;BYWEEKNO=20",
        "every tuesday",
        "FREQ=",
    ] {
        let answer = plan(&world, &oleg, json!({ "repeats": rule })).await;
        told += &format!(
            "{rule}\n  {}\n  {}\n",
            answer.refusal(),
            answer.json()["message"].as_str().unwrap()
        );
    }
    assert_snapshot!(told);
}

#[tokio::test]
async fn one_date_is_moved_called_off_and_brought_back() {
    let world = World::new().await;
    let oleg = world.oleg().await;
    plan(&world, &oleg, json!({})).await;
    let first = nth(&world, &oleg, 0).await;
    let second = nth(&world, &oleg, 1).await;

    let body = json!({ "starts_local": "2026-11-25T15:00", "duration_min": 30, "room_id": world.room("9001").await });
    let path = format!("/api/v1/occurrences/{}", id(&first));
    let moved = world.post(&oleg, &format!("{path}/move"), body).await;
    assert_snapshot!(moved.shown());
    let cancel = format!("/api/v1/occurrences/{}/cancel", id(&second));
    let off = world.post(&oleg, &cancel, Value::Null).await;
    assert_eq!(off.json()["restorable"], true, "{}", off.text);

    assert_eq!(
        dates(&world, &oleg, 3).await,
        [
            "2026-11-25T15:00",
            "2026-11-26T10:00 cancelled",
            "2026-12-01T10:00"
        ]
    );
    // A change of the series leaves both as they are.
    let plan_id = first["meeting_id"].as_str().unwrap();
    let series = format!("/api/v1/meetings/{plan_id}");
    let change = json!({ "starts_local": "2026-11-24T11:00" });
    let changed = world.ask(&oleg, "PATCH", &series, Some(change)).await;
    assert_eq!(changed.status, 200, "{}", changed.text);
    assert_eq!(
        dates(&world, &oleg, 3).await,
        [
            "2026-11-25T15:00",
            "2026-11-26T11:00 cancelled",
            "2026-12-01T11:00"
        ]
    );

    for date in [&first, &second] {
        let path = format!("/api/v1/occurrences/{}/restore", id(date));
        let back = world.post(&oleg, &path, Value::Null).await;
        assert_eq!(back.status, 200, "{}", back.text);
    }
    assert_eq!(
        dates(&world, &oleg, 2).await,
        ["2026-11-24T11:00", "2026-11-26T11:00"]
    );
}

#[tokio::test]
async fn what_cannot_be_done_to_a_single_date_is_refused() {
    let world = World::new().await;
    let oleg = world.oleg().await;
    let once = world.meeting(&oleg).await;
    plan(&world, &oleg, json!({})).await;
    let date = nth(&world, &oleg, 1).await;
    let path = format!("/api/v1/occurrences/{}", id(&date));
    let only = format!(
        "/api/v1/occurrences/{}",
        once["occurrence_ids"][0].as_str().unwrap()
    );
    let refusal = async |path: String, body: Value| {
        let answer = world.post(&oleg, &path, body).await;
        answer.refusal()
    };

    assert_eq!(
        refusal(format!("{only}/cancel"), Value::Null).await,
        "409 not_a_series"
    );
    assert_eq!(
        refusal(
            format!("{path}/move"),
            json!({ "starts_local": "2026-11-01T10:00" })
        )
        .await,
        "422 starts_in_the_past at starts_local"
    );
    assert_eq!(
        refusal(format!("{path}/move"), json!({ "duration_min": 0 })).await,
        "422 bad_duration at duration_min"
    );
    assert_eq!(
        refusal(
            format!("{path}/move"),
            json!({ "starts_local": "2026-11-23T10:30" })
        )
        .await,
        "409 room_booked at room_id",
        "the other meeting has the room"
    );
    let pause = format!("/api/v1/meetings/{}/pause", id(&once));
    assert_eq!(refusal(pause, Value::Null).await, "409 not_a_series");
    let change = json!({ "from_date": "2026-11-25" });
    let series = format!("/api/v1/meetings/{}", date["meeting_id"].as_str().unwrap());
    let answer = world.ask(&oleg, "PATCH", &series, Some(change)).await;
    assert_eq!(answer.refusal(), "422 no_such_date at from_date");
}

#[tokio::test]
async fn this_and_the_following_dates_become_a_series_of_their_own() {
    let world = World::new().await;
    let oleg = world.oleg().await;
    let made = plan(
        &world,
        &oleg,
        json!({ "repeats": "FREQ=WEEKLY;BYDAY=TU;COUNT=4" }),
    )
    .await
    .json();
    let path = format!("/api/v1/meetings/{}", id(&made));

    let change = json!({ "from_date": "2026-12-08", "starts_local": "2026-12-09T12:00" });
    let after = world.ask(&oleg, "PATCH", &path, Some(change)).await;

    assert_eq!(after.status, 200, "{}", after.text);
    let after = after.json();
    assert_ne!(after["id"], made["id"]);
    assert_eq!(after["series"]["rule"], "FREQ=WEEKLY;BYDAY=WE;COUNT=2");
    assert_eq!(
        dates(&world, &oleg, 9).await,
        [
            "2026-11-24T10:00",
            "2026-12-01T10:00",
            "2026-12-09T12:00",
            "2026-12-16T12:00"
        ]
    );
    let before = world.get(&oleg, &path).await.json();
    assert_eq!(
        before["series"]["rule"],
        "FREQ=WEEKLY;BYDAY=TU;UNTIL=20261207"
    );

    // From the first date that is left it is the same series.
    let path = format!("/api/v1/meetings/{}", id(&after));
    let change = json!({ "from_date": "2026-12-09", "title": "Late roll" });
    let same = world.ask(&oleg, "PATCH", &path, Some(change)).await.json();
    assert_eq!(same["id"], after["id"]);
}

#[tokio::test]
async fn a_paused_series_calls_nobody_until_it_goes_on() {
    let world = World::new().await;
    let oleg = world.oleg().await;
    let made = plan(&world, &oleg, json!({ "repeats": "FREQ=DAILY;COUNT=3" }))
        .await
        .json();
    let path = format!("/api/v1/meetings/{}", id(&made));

    let paused = world
        .post(&oleg, &format!("{path}/pause"), Value::Null)
        .await
        .json();
    assert_eq!(paused["series"]["paused_since_at"], world.now().0);
    world.pass(Span(2 * DAY.0));
    assert_eq!(
        world
            .store
            .occurrences_to_open(world.now())
            .await
            .unwrap()
            .len(),
        0
    );

    world
        .post(&oleg, &format!("{path}/resume"), Value::Null)
        .await;
    assert_eq!(dates(&world, &oleg, 9).await, ["2026-11-25T10:00"]);
}

#[tokio::test]
async fn a_meeting_held_once_becomes_a_series_and_once_again() {
    let world = World::new().await;
    let oleg = world.oleg().await;
    let made = world.meeting(&oleg).await;
    let path = format!("/api/v1/meetings/{}", id(&made));

    let daily = json!({ "repeats": "FREQ=DAILY;COUNT=3" });
    let series = world.ask(&oleg, "PATCH", &path, Some(daily)).await.json();
    assert_eq!(series["occurrence_ids"][0], made["occurrence_ids"][0]);
    assert_eq!(dates(&world, &oleg, 9).await.len(), 3);

    let once = json!({ "repeats": "" });
    let once = world.ask(&oleg, "PATCH", &path, Some(once)).await.json();
    assert_eq!(once["series"], Value::Null);
    assert_eq!(dates(&world, &oleg, 9).await, ["2026-11-23T10:00"]);
}

#[tokio::test]
async fn a_series_knows_a_room_that_is_taken_far_ahead() {
    let world = World::new().await;
    let oleg = world.oleg().await;
    plan(&world, &oleg, json!({})).await;

    // Months before the series' dates of that time are made.
    let far =
        json!({ "repeats": null, "title": "Anniversary", "starts_local": "2027-05-04T10:30" });
    let clash = plan(&world, &oleg, far).await;

    assert_snapshot!(clash.shown());
}

#[tokio::test]
async fn a_plan_is_checked_before_it_is_saved() {
    let world = World::new().await;
    let oleg = world.oleg().await;
    let made = plan(&world, &oleg, json!({})).await.json();
    let him = world.employee("Oleg Sorokin").await;
    let check = async |change: Value| {
        let mut body = json!({
            "room_id": world.room("9000").await,
            "starts_local": "2026-11-26T10:30",
            "duration_min": 60,
            "participants": [{ "employee_id": him, "role": "speaker" }],
        });
        for (key, value) in change.as_object().unwrap() {
            body[key] = value.clone();
        }
        world.post(&oleg, "/api/v1/meetings/check", body).await
    };

    assert_snapshot!(check(json!({})).await.shown());
    let elsewhere =
        json!({ "room_id": world.room("9001").await, "repeats": "FREQ=DAILY;COUNT=30" });
    assert_snapshot!(check(elsewhere).await.shown());
    let itself = check(json!({ "meeting_id": id(&made) })).await.json();
    assert_eq!(itself["findings"], json!([]));
    let gap = json!({ "time_zone": "Europe/Berlin", "starts_local": "2027-03-28T02:30" });
    let gap = check(gap).await.json();
    let found = gap["findings"].as_array().unwrap();
    let codes: Vec<&Value> = found.iter().map(|finding| &finding["code"]).collect();
    assert_eq!(codes, ["quiet_hours", "hour_skipped"]);
    assert_eq!(
        check(json!({ "repeats": "FREQ=HOURLY" })).await.refusal(),
        "422 bad_repeats at repeats"
    );
    assert_eq!(dates(&world, &oleg, 99).await.len(), 18, "nothing is saved");
}

#[tokio::test]
async fn a_zone_that_gets_other_rules_moves_the_instant_and_not_the_hour() {
    let world = World::new().await;
    let oleg = world.oleg().await;
    let once = world.meeting(&oleg).await;
    let repeated = plan(
        &world,
        &oleg,
        json!({ "room_id": world.room("9001").await }),
    )
    .await;
    let repeated = repeated.json();
    // As they stand where the program that made them had other rules: an hour later.
    let company = world.northway();
    let mut before = Vec::new();
    for made in [&once, &repeated] {
        let id = made["occurrence_ids"][0].as_str().unwrap().parse().unwrap();
        let mut date = world.store.occurrence(company, id).await.unwrap();
        let mut list = world.store.invitations(id).await.unwrap();
        list[0]
            .invitation
            .on_reply(Rsvp::Accepted, date.value.dial_at, world.now());
        before.push((id, date.value.clone(), list.clone()));
        let later = Span::minutes(60);
        date.value.starts_at = date.value.starts_at + later;
        date.value.ends_at = date.value.ends_at + later;
        date.value.dial_at = date.value.dial_at + later;
        for row in &mut list {
            let (invitee, role) = (row.invitation.invitee.clone(), row.invitation.role);
            row.invitation.replan(invitee, role, date.value.dial_at);
        }
        let mut batch = store::Batch::new(company, world.now());
        batch.occurrences.push(date);
        batch.invitations = list;
        world.store.write_batch(&batch).await.unwrap();
    }
    let directory = world.store.directory().await.unwrap();
    let company_of = |id| directory.companies.get(&id);
    let follow = async || {
        let moved = rollcall::series::follow_the_zones(&world.store, company_of, world.now());
        moved.await.unwrap().len()
    };

    assert_eq!(follow().await, 1);

    for (id, date, list) in before {
        let now = world.store.occurrence(company, id).await.unwrap();
        assert_eq!(now.value, date);
        let due = |rows: &[store::InvitationRow]| {
            let rows = rows
                .iter()
                .map(|row| (row.invitation.poll_timeout(), row.invitation.rsvp()));
            rows.collect::<Vec<_>>()
        };
        let there = world.store.invitations(id).await.unwrap();
        assert_eq!(
            due(&there),
            due(&list),
            "called then, and what he said stands"
        );
    }
    assert_eq!(follow().await, 0, "once");
}
