//! What an operator tells of a line, unasked.

use axum::{body::Body, http::Request};
use serde_json::{Value, json};

use crate::world::{Answer, NOW, World};

const TOKEN: &str = "north-tells-us-of-lines";
const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";

async fn north(world: &World) -> String {
    let irina = world.irina().await;
    let trunks = world.get(&irina, "/api/v1/trunks").await.json();
    trunks[0]["id"].as_str().unwrap().to_owned()
}

async fn tell(world: &World, trunk: &str, token: &str, kind: &str, body: &str) -> Answer {
    let request = Request::post(format!("/api/v1/trunks/{trunk}/line-status"))
        .header("host", "127.0.0.1:8080")
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", kind)
        .body(Body::from(body.to_owned()))
        .unwrap();
    world.send(request).await
}

async fn tell_json(world: &World, body: Value) -> Answer {
    let trunk = north(world).await;
    tell(world, &trunk, TOKEN, JSON, &body.to_string()).await
}

#[tokio::test]
async fn what_the_operator_says_is_taken_in() {
    let world = World::new().await;
    let told = tell_json(
        &world,
        json!({ "number": "89162040001", "state": "camelBusy", "at": NOW.0 - 2_000 }),
    )
    .await;
    assert_eq!(told.status, 204, "{}", told.text);
    let trunk = north(&world).await;
    let notice = "text=Subscriber+%2B79162040001+is+now+available";
    let told = tell(&world, &trunk, TOKEN, FORM, notice).await;
    assert_eq!(told.status, 204, "{}", told.text);

    assert_eq!(
        world.live.told(),
        [
            "a line is Busy, CamelBusy over Some(\"North\")",
            "a line is Unknown, Back over Some(\"North\")"
        ]
    );
}

#[tokio::test]
async fn whoever_does_not_know_the_token_tells_nothing() {
    let world = World::new().await;
    let trunk = north(&world).await;
    let another = "01936000-0000-7000-8000-000000000000";
    let body = json!({ "number": "+79162040001", "state": "absent" }).to_string();
    for (trunk, token) in [
        (trunk.as_str(), "wrong"),
        (trunk.as_str(), ""),
        (another, TOKEN),
    ] {
        let refused = tell(&world, trunk, token, JSON, &body).await;
        assert_eq!(refused.refusal(), "401 wrong_token", "{trunk} {token}");
    }
    // Nor does a signed-in administrator, whose cookie it is not.
    let irina = world.irina().await;
    let path = format!("/api/v1/trunks/{trunk}/line-status");
    let refused = world
        .post(
            &irina,
            &path,
            json!({ "number": "+79162040001", "state": "absent" }),
        )
        .await;
    assert_eq!(refused.refusal(), "401 wrong_token");
    assert_eq!(world.live.told(), [""; 0]);
}

#[tokio::test]
async fn nonsense_is_refused_by_its_field() {
    let world = World::new().await;
    for (body, refusal) in [
        (
            json!({ "number": "+79162040001", "state": "absent", "at": NOW.0 + 60_000 }),
            "422 bad_evidence_time at at",
        ),
        (
            json!({ "number": "+79162040001", "state": "absent", "at": NOW.0 - 3_600_000 }),
            "422 bad_evidence_time at at",
        ),
        (
            json!({ "number": "+79162040001", "state": "asleep" }),
            "422 bad_line_state at state",
        ),
        (
            json!({ "number": "+79990000000", "state": "absent" }),
            "422 unknown_line at number",
        ),
        (
            json!({ "number": "nobody", "state": "absent" }),
            "422 bad_number at number",
        ),
        (json!({ "state": "absent" }), "422 missing_field at number"),
        (
            json!({ "number": "+79162040001", "state": "absent", "mood": "good" }),
            "422 unknown_field at mood",
        ),
    ] {
        let answer = tell_json(&world, body.clone()).await;
        assert_eq!(answer.refusal(), refusal, "{body}");
    }
    let trunk = north(&world).await;
    for text in ["text=Hello", "text=%2B79162040001+is+not+available", ""] {
        let answer = tell(&world, &trunk, TOKEN, FORM, text).await;
        assert_eq!(answer.refusal(), "422 no_notice at text", "{text}");
    }
    let answer = tell(&world, &trunk, TOKEN, "text/xml", "<a/>").await;
    assert_eq!(answer.refusal(), "415 unsupported_media_type");
    assert_eq!(world.live.told(), [""; 0]);
}
