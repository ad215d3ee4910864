//! A request with an `Idempotency-Key` acts once.

use axum::http::Request;
use serde_json::{Value, json};

use crate::world::{Answer, Asker, World};

async fn post(world: &World, who: &Asker, key: &str, path: &str, body: &Value) -> Answer {
    let mut request: Request<_> = who.request("POST", path, Some(body.to_string()));
    request
        .headers_mut()
        .insert("idempotency-key", key.parse().unwrap());
    world.send(request).await
}

#[tokio::test]
async fn a_repeated_request_acts_once_and_is_answered_alike() {
    let world = World::new().await;
    let oleg = world.oleg().await;
    let body = world.meeting_body().await;
    let meetings = "/api/v1/meetings";

    let first = post(&world, &oleg, "k1", meetings, &body).await;
    let again = post(&world, &oleg, "k1", meetings, &body).await;

    assert_eq!(
        (first.status, again.status),
        (201.try_into().unwrap(), 201.try_into().unwrap())
    );
    assert_eq!(first.json(), again.json());
    assert_eq!(
        (
            first.header("idempotent-replayed"),
            again.header("idempotent-replayed")
        ),
        ("", "true")
    );
    let all = world.get(&oleg, meetings).await.json();
    assert_eq!(all.as_array().unwrap().len(), 1);
    // Another user's key is another key.
    let irina = world.irina().await;
    let other = post(&world, &irina, "k1", meetings, &body).await;
    assert_eq!(
        other.refusal(),
        "409 room_booked at room_id",
        "it was carried out for her"
    );
}

#[tokio::test]
async fn the_same_key_with_another_request_is_refused() {
    let world = World::new().await;
    let oleg = world.oleg().await;
    let mut body = world.meeting_body().await;
    post(&world, &oleg, "k1", "/api/v1/meetings", &body).await;

    body["title"] = json!("Another");
    let other = post(&world, &oleg, "k1", "/api/v1/meetings", &body).await;
    assert_eq!(other.refusal(), "422 idempotency_key_reused");
    let elsewhere = post(
        &world,
        &oleg,
        "k1",
        "/api/v1/tokens",
        &json!({ "name": "x" }),
    )
    .await;
    assert_eq!(elsewhere.refusal(), "422 idempotency_key_reused");
}

#[tokio::test]
async fn those_that_come_at_once_act_once() {
    let world = World::new().await;
    let oleg = world.oleg().await;
    let body = world.meeting_body().await;
    let ask = || post(&world, &oleg, "k1", "/api/v1/meetings", &body);

    let (one, two, three) = tokio::join!(ask(), ask(), ask());

    assert_eq!(one.status, 201, "{}", one.text);
    assert_eq!((one.json(), one.json()), (two.json(), three.json()));
    let all = world.get(&oleg, "/api/v1/meetings").await.json();
    assert_eq!(all.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn what_was_refused_may_be_asked_anew() {
    let world = World::new().await;
    let oleg = world.oleg().await;
    let mut body = world.meeting_body().await;
    body["duration_min"] = json!(0);
    let refused = post(&world, &oleg, "k1", "/api/v1/meetings", &body).await;
    assert_eq!(refused.refusal(), "422 bad_duration at duration_min");

    body["duration_min"] = json!(30);
    let made = post(&world, &oleg, "k1", "/api/v1/meetings", &body).await;
    assert_eq!(made.status, 201, "{}", made.text);

    let nonsense = post(&world, &oleg, &"x".repeat(256), "/api/v1/meetings", &body).await;
    assert_eq!(nonsense.refusal(), "400 bad_idempotency_key");
}

#[tokio::test]
async fn a_call_that_was_asked_for_twice_is_placed_once() {
    let world = World::new().await;
    let oleg = world.oleg().await;
    let path = format!("/api/v1/rooms/{}/members", world.room("9001").await);
    let him = json!({ "number": "+4930901820", "role": "speaker" });

    let first = post(&world, &oleg, "ring", &path, &him).await;
    let again = post(&world, &oleg, "ring", &path, &him).await;
    let without = world.post(&oleg, &path, him).await;

    assert_eq!(
        (first.status, again.status),
        (202.try_into().unwrap(), 202.try_into().unwrap())
    );
    assert_eq!(first.json(), again.json());
    assert_eq!(without.status, 202, "he is still waiting to be called");
}
