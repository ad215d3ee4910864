//! The calendar's dates and their reports.

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::world::{NOW, World, guest};

#[tokio::test]
async fn dates_are_listed_by_period() {
    let world = World::new().await;
    let oleg = world.oleg().await;
    world.meeting(&oleg).await;

    assert_snapshot!(world.get(&oleg, "/api/v1/occurrences").await.shown());
    let far = format!(
        "/api/v1/occurrences?from={}&to={}",
        NOW.0 + 900_000_000,
        NOW.0 + 1_800_000_000
    );
    assert_eq!(world.get(&oleg, &far).await.json(), json!([]));
}

#[tokio::test]
async fn a_period_that_is_none_is_refused() {
    let world = World::new().await;
    let oleg = world.oleg().await;

    assert_snapshot!(
        world
            .get(&oleg, "/api/v1/occurrences?from=10&to=5")
            .await
            .shown()
    );
    let years = format!("/api/v1/occurrences?from=0&to={}", NOW.0);
    assert_eq!(
        world.get(&oleg, &years).await.refusal(),
        "422 bad_period at to"
    );
    let words = world.get(&oleg, "/api/v1/occurrences?from=monday").await;
    assert_eq!(words.refusal(), "400 bad_parameter at from");
    for extreme in [i64::MIN, i64::MAX] {
        let answer = world
            .get(&oleg, &format!("/api/v1/occurrences?from={extreme}"))
            .await;
        assert!(
            answer.status.is_client_error() || answer.status.is_success(),
            "{}",
            answer.text
        );
    }
}

#[tokio::test]
async fn ending_what_goes_on_ends_it_once() {
    let world = World::new().await;
    let oleg = world.oleg().await;
    let made = world.meeting(&oleg).await;
    let occurrence = made["occurrence_ids"][0].as_str().unwrap();
    let end = format!("/api/v1/occurrences/{occurrence}/end");

    assert_eq!(
        world.ask(&oleg, "POST", &end, None).await.refusal(),
        "409 occurrence_is_over",
        "not begun"
    );
    world
        .post(
            &oleg,
            &format!("/api/v1/meetings/{}/start", made["id"].as_str().unwrap()),
            json!({}),
        )
        .await;
    world.live.told();
    let ended = world.ask(&oleg, "POST", &end, None).await;

    assert_snapshot!(ended.shown());
    assert_eq!(world.live.told(), ["nudge"]);
    assert_eq!(
        world.ask(&oleg, "POST", &end, None).await.refusal(),
        "409 occurrence_is_over"
    );
}

#[tokio::test]
async fn a_report_names_who_is_in_the_room_while_it_goes_on() {
    let world = World::new().await;
    let oleg = world.oleg().await;
    let made = world.meeting(&oleg).await;
    let report = format!(
        "/api/v1/occurrences/{}",
        made["occurrence_ids"][0].as_str().unwrap()
    );
    world
        .live
        .joins(world.northway(), guest(world.room("9000").await));

    assert_eq!(
        world.get(&oleg, &report).await.json()["members"],
        json!([]),
        "he is early"
    );
    world
        .post(
            &oleg,
            &format!("/api/v1/meetings/{}/start", made["id"].as_str().unwrap()),
            json!({}),
        )
        .await;
    assert_eq!(
        world.get(&oleg, &report).await.json()["members"][0]["number"],
        "+4930901820"
    );
}

#[tokio::test]
async fn what_goes_on_is_extended_until_the_next_meeting_in_the_room() {
    let world = World::new().await;
    let oleg = world.oleg().await;
    let made = world.meeting(&oleg).await;
    let mut next = world.meeting_body().await;
    next["starts_local"] = json!("2026-11-22T12:30");
    next["title"] = json!("Drivers");
    world.post(&oleg, "/api/v1/meetings", next).await;
    let path = format!(
        "/api/v1/occurrences/{}/extend",
        made["occurrence_ids"][0].as_str().unwrap()
    );
    let extend = async |minutes: u32| {
        let body = json!({ "minutes": minutes });
        world.post(&oleg, &path, body).await
    };
    assert_eq!(extend(15).await.refusal(), "409 occurrence_is_over");

    let start = format!("/api/v1/meetings/{}/start", made["id"].as_str().unwrap());
    let begun = world.post(&oleg, &start, Value::Null).await.json();
    let longer = extend(30).await;

    assert_eq!(longer.status, 202, "{}", longer.text);
    let ends_at = begun["ends_at"].as_i64().unwrap();
    assert_eq!(longer.json()["ends_at"], ends_at + 30 * 60_000);
    assert_eq!(extend(15).await.refusal(), "409 room_booked at room_id");
    assert_eq!(extend(0).await.refusal(), "422 bad_extension at minutes");
    assert_eq!(extend(241).await.refusal(), "422 bad_extension at minutes");
}
