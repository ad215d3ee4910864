//! Planning, changing, starting and calling off meetings.

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::world::{Answer, World};

/// The usual meeting with some fields put in the place of others.
async fn plan(world: &World, change: Value) -> Answer {
    let mut body = world.meeting_body().await;
    for (key, value) in change.as_object().unwrap() {
        body[key] = value.clone();
    }
    world
        .post(&world.oleg().await, "/api/v1/meetings", body)
        .await
}

#[tokio::test]
async fn a_meeting_is_planned_with_everyone_invited() {
    let world = World::new().await;
    let oleg = world.oleg().await;

    let made = world.meeting(&oleg).await;

    assert_eq!(world.live.told(), ["nudge"]);
    let path = format!("/api/v1/meetings/{}", made["id"].as_str().unwrap());
    let read = world.get(&oleg, &path).await;
    assert_snapshot!(read.shown());
    assert_eq!(read.json(), made);
    assert_eq!(
        world.get(&oleg, "/api/v1/meetings").await.json(),
        json!([made])
    );
    let occurrence = made["occurrence_ids"][0].as_str().unwrap();
    assert_snapshot!(
        world
            .get(&oleg, &format!("/api/v1/occurrences/{occurrence}"))
            .await
            .shown()
    );
}

#[tokio::test]
async fn a_meeting_without_a_time_is_now() {
    let world = World::new().await;
    let made = plan(&world, json!({ "starts_local": null })).await.json();

    assert_eq!(made["starts_at"], world.now().0);
    assert_eq!(made["starts_local"], "2026-11-22T11:00");
    assert_eq!(
        world
            .store
            .occurrences_to_open(world.now())
            .await
            .unwrap()
            .len(),
        1
    );
}

#[tokio::test]
async fn a_local_time_that_the_clocks_skip_is_moved_to_the_end_of_the_gap() {
    let world = World::new().await;
    let gap = json!({ "time_zone": "Europe/Berlin", "starts_local": "2027-03-28T02:30" });

    let made = plan(&world, gap).await.json();

    // 03:00 in Berlin is 01:00 UTC that day.
    assert_eq!(made["starts_at"], 1_806_195_600_000_i64);
}

#[tokio::test]
async fn a_plan_that_cannot_be_kept_is_refused_with_its_field() {
    let world = World::new().await;
    let oleg = world.employee("Oleg Sorokin").await;
    let him = json!({ "employee_id": oleg, "role": "speaker" });
    let stranger =
        json!({ "employee_id": "01939d5e-6c2a-7b3c-9d4e-5f6071829304", "role": "speaker" });
    let crowd: Vec<Value> = (0..501)
        .map(|n| json!({ "number": format!("+7900{n:07}"), "role": "listener" }))
        .collect();
    let mut told = String::new();
    for change in [
        json!({ "title": "  " }),
        json!({ "title": "x".repeat(201) }),
        json!({ "time_zone": "Europe/Moskow" }),
        json!({ "starts_local": "tomorrow" }),
        json!({ "starts_local": "2026-02-30T10:00" }),
        json!({ "starts_local": "2026-11-21T10:00" }),
        json!({ "duration_min": 0 }),
        json!({ "duration_min": 1441 }),
        json!({ "duration_min": -5 }),
        json!({ "lead_s": 86_401 }),
        json!({ "room_id": "01939d5e-6c2a-7b3c-9d4e-5f6071829304" }),
        json!({ "participants": [him, stranger] }),
        json!({ "participants": [him, him] }),
        json!({ "participants": [him, { "number": "8 916 204-00-01", "role": "speaker" }] }),
        json!({ "participants": [{ "number": "+7 812 640-18-02", "role": "speaker" }, { "number": "8 (812) 640 18 02", "role": "listener" }] }),
        json!({ "participants": [{ "number": "seven", "role": "speaker" }] }),
        json!({ "participants": [{ "name": "Nobody", "role": "speaker" }] }),
        json!({ "participants": crowd }),
        json!({ "rules": { "busy": { "wait_ms": 10 } } }),
        json!({ "rules": { "offline": { "wait_ms": -1 } } }),
        json!({ "rules": { "no_answer": { "waits_ms": [1000, 90_000_000] } } }),
        json!({ "rules": { "dropped": { "wait_ms": 1000, "tries": 51 } } }),
        json!({ "rules": { "bussy": {} } }),
    ] {
        let answer = plan(&world, change.clone()).await;
        let change = change.to_string().replace(&oleg.to_string(), "Oleg's");
        let change: String = change.chars().take(70).collect();
        told += &format!(
            "{change}\n  {}\n  {}\n",
            answer.refusal(),
            answer.json()["message"].as_str().unwrap()
        );
    }
    assert_snapshot!(told);
    assert_eq!(
        world
            .get(&world.oleg().await, "/api/v1/meetings")
            .await
            .json(),
        json!([])
    );
}

#[tokio::test]
async fn a_room_that_is_taken_is_told_with_the_meeting_and_the_next_free_time() {
    let world = World::new().await;
    let oleg = world.oleg().await;
    world.meeting(&oleg).await;
    plan(
        &world,
        json!({ "title": "Interviews", "starts_local": "2026-11-23T11:00" }),
    )
    .await;

    let clash = plan(&world, json!({ "starts_local": "2026-11-23T10:30" })).await;
    assert_snapshot!(clash.shown());

    let later = plan(&world, json!({ "starts_local": "2026-11-23T12:00" })).await;
    assert_eq!(later.status, 201, "right after the other");
    let elsewhere = plan(&world, json!({ "room_id": world.room("9001").await })).await;
    assert_eq!(elsewhere.status, 201);
}

#[tokio::test]
async fn of_two_who_want_one_room_at_once_one_gets_it() {
    let world = World::new().await;

    let (one, two) = tokio::join!(plan(&world, json!({})), plan(&world, json!({})));

    let mut statuses = [one.status.as_u16(), two.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409]);
}

#[tokio::test]
async fn a_plan_is_changed_and_who_stays_on_the_list_stays_the_same() {
    let world = World::new().await;
    let oleg = world.oleg().await;
    let made = world.meeting(&oleg).await;
    let path = format!("/api/v1/meetings/{}", made["id"].as_str().unwrap());
    let report = format!(
        "/api/v1/occurrences/{}",
        made["occurrence_ids"][0].as_str().unwrap()
    );
    let before = world.get(&oleg, &report).await.json();
    let change = json!({
        "title": "Evening roll",
        "starts_local": "2026-11-23T18:00",
        "lead_s": 0,
        "participants": [
            { "employee_id": world.employee("Irina Belova").await, "role": "moderator" },
            { "employee_id": world.employee("Oleg Sorokin").await, "role": "listener" },
        ],
    });

    let answer = world.ask(&oleg, "PATCH", &path, Some(change)).await;

    assert_snapshot!(answer.shown());
    let after = world.get(&oleg, &report).await.json();
    assert_eq!(
        after["invitations"][1]["invitation"]["id"],
        before["invitations"][0]["invitation"]["id"]
    );
    assert_eq!(after["invitations"].as_array().unwrap().len(), 2);
    assert_eq!(after["occurrence"]["title"], "Evening roll");
    assert_eq!(
        after["invitations"][0]["invitation"]["status"]["due_at"],
        after["occurrence"]["starts_at"]
    );
}

#[tokio::test]
async fn a_change_of_the_title_alone_leaves_the_rest() {
    let world = World::new().await;
    let oleg = world.oleg().await;
    let mut made = world.meeting(&oleg).await;
    let path = format!("/api/v1/meetings/{}", made["id"].as_str().unwrap());

    let answer = world
        .ask(&oleg, "PATCH", &path, Some(json!({ "title": "Roll" })))
        .await;

    made["title"] = json!("Roll");
    assert_eq!(answer.json(), made);
}

#[tokio::test]
async fn start_calls_everyone_now_and_starting_again_changes_nothing() {
    let world = World::new().await;
    let oleg = world.oleg().await;
    let made = world.meeting(&oleg).await;
    let path = format!("/api/v1/meetings/{}/start", made["id"].as_str().unwrap());
    world.live.told();

    let started = world.post(&oleg, &path, json!({})).await;

    assert_snapshot!(started.shown());
    assert_eq!(world.live.told(), ["nudge"]);
    assert_eq!(
        world
            .store
            .claim_due_invitations(world.now(), world.now(), 10)
            .await
            .unwrap()
            .len(),
        2
    );
    let again = world.ask(&oleg, "POST", &path, None).await;
    assert_eq!(
        (again.status, again.json()),
        (started.status, started.json())
    );
}

#[tokio::test]
async fn a_meeting_under_way_is_neither_changed_nor_removed() {
    let world = World::new().await;
    let oleg = world.oleg().await;
    let made = world.meeting(&oleg).await;
    let path = format!("/api/v1/meetings/{}", made["id"].as_str().unwrap());
    world.post(&oleg, &format!("{path}/start"), json!({})).await;

    let changed = world
        .ask(&oleg, "PATCH", &path, Some(json!({ "title": "Roll" })))
        .await;
    assert_snapshot!(changed.shown());
    assert_eq!(
        world.ask(&oleg, "DELETE", &path, None).await.refusal(),
        "409 meeting_is_live"
    );

    let end = format!(
        "/api/v1/occurrences/{}/end",
        made["occurrence_ids"][0].as_str().unwrap()
    );
    assert_eq!(world.ask(&oleg, "POST", &end, None).await.status, 202);
    let changed = world
        .ask(&oleg, "PATCH", &path, Some(json!({ "title": "Roll" })))
        .await;
    assert_eq!(changed.refusal(), "409 meeting_is_over");
    assert_eq!(
        world
            .ask(&oleg, "POST", &format!("{path}/start"), None)
            .await
            .refusal(),
        "409 meeting_is_over"
    );
}

#[tokio::test]
async fn a_meeting_cannot_start_in_a_room_where_another_goes_on() {
    let world = World::new().await;
    let oleg = world.oleg().await;
    let first = world.meeting(&oleg).await;
    let second = plan(
        &world,
        json!({ "title": "Interviews", "starts_local": "2026-11-24T10:00" }),
    )
    .await
    .json();
    let start =
        |meeting: &Value| format!("/api/v1/meetings/{}/start", meeting["id"].as_str().unwrap());
    world.ask(&oleg, "POST", &start(&first), None).await;

    let refused = world.ask(&oleg, "POST", &start(&second), None).await;

    assert_eq!(refused.refusal(), "409 room_booked at room_id");
    assert_eq!(refused.json()["details"]["title"], "Morning roll");
}

#[tokio::test]
async fn a_removed_meeting_is_gone_and_nobody_is_called() {
    let world = World::new().await;
    let oleg = world.oleg().await;
    let made = world.meeting(&oleg).await;
    let path = format!("/api/v1/meetings/{}", made["id"].as_str().unwrap());

    assert_eq!(world.ask(&oleg, "DELETE", &path, None).await.status, 204);

    assert_eq!(world.get(&oleg, &path).await.refusal(), "404 not_found");
    let tomorrow = domain::Millis(made["starts_at"].as_i64().unwrap());
    assert_eq!(world.store.occurrences_to_open(tomorrow).await.unwrap(), []);
    assert_eq!(
        plan(&world, json!({})).await.status,
        201,
        "the room is free again"
    );
}
