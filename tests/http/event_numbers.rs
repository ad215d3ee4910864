//! City numbers bound to events.

use domain::Span;
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::world::{Answer, Asker, World};

const NUMBER: &str = "/api/v1/event-numbers/+74951204041";

async fn bind(world: &World, who: &Asker, meeting: &Value) -> Answer {
    let body = json!({ "meeting_id": meeting["id"] });
    world.ask(who, "PUT", NUMBER, Some(body)).await
}

#[tokio::test]
async fn a_number_is_bound_to_a_meeting_which_then_shows_it() {
    let world = World::new().await;
    let oleg = world.oleg().await;
    let meeting = world.meeting(&oleg).await;

    let free = world.get(&oleg, "/api/v1/event-numbers").await;
    assert_snapshot!(free.shown());
    let bound = bind(&world, &oleg, &meeting).await;
    assert_snapshot!(bound.shown());

    let path = format!("/api/v1/meetings/{}", meeting["id"].as_str().unwrap());
    let shown = world.get(&oleg, &path).await.json();
    assert_eq!(shown["event_number"], json!("+74951204041"));
    let again = bind(&world, &oleg, &meeting).await;
    assert_eq!(again.json(), bound.json(), "doing it again changes nothing");
}

#[tokio::test]
async fn a_number_that_is_bound_or_rests_is_not_given_to_another_meeting() {
    let world = World::new().await;
    let oleg = world.oleg().await;
    let first = world.meeting(&oleg).await;
    bind(&world, &oleg, &first).await;
    let mut body = world.meeting_body().await;
    body["room_id"] = json!(world.room("9001").await);
    let other = world.post(&oleg, "/api/v1/meetings", body).await.json();

    assert_snapshot!(bind(&world, &oleg, &other).await.shown());

    // Taken back before it opened it is free at once.
    let freed = world.ask(&oleg, "DELETE", NUMBER, None).await.json();
    assert_eq!(freed["state"]["kind"], json!("free"));
    assert_eq!(
        bind(&world, &oleg, &other).await.json()["state"]["kind"],
        json!("before")
    );

    // Taken back in its hours it says that the event is over, and rests.
    world.pass(Span::minutes(60 * 24));
    let starts = other["starts_at"].as_i64().unwrap();
    world.pass(Span(starts - world.now().0));
    let over = world.ask(&oleg, "DELETE", NUMBER, None).await.json();
    assert_eq!(over["state"]["kind"], json!("over"));
    assert_snapshot!(bind(&world, &oleg, &first).await.shown());
}

#[tokio::test]
async fn what_is_no_event_number_or_nobodys_meeting_is_refused() {
    let world = World::new().await;
    let (oleg, anna) = (world.oleg().await, world.anna().await);
    let meeting = world.meeting(&oleg).await;
    let body = json!({ "meeting_id": meeting["id"] });

    let ordinary = world
        .ask(
            &oleg,
            "PUT",
            "/api/v1/event-numbers/+74951204040",
            Some(body.clone()),
        )
        .await;
    assert_snapshot!(ordinary.shown());
    for method in ["PUT", "DELETE"] {
        let body = (method == "PUT").then(|| body.clone());
        let theirs = world.ask(&anna, method, NUMBER, body).await;
        assert_eq!(theirs.json()["code"], json!("not_found"), "{method}");
    }
    let long = json!({ "meeting_id": meeting["id"], "rest_days": 400 });
    assert_snapshot!(world.ask(&oleg, "PUT", NUMBER, Some(long)).await.shown());
}
