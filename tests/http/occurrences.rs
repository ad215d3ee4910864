//! The calendar's dates and their reports.

use insta::assert_snapshot;
use serde_json::json;

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
