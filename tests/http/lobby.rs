//! Those who wait to be let in.

use insta::assert_snapshot;
use serde_json::json;

use crate::world::{World, knocking};

#[tokio::test]
async fn whoever_waits_at_the_door_is_shown_and_let_in_or_sent_away() {
    let world = World::new().await;
    let oleg = world.oleg().await;
    let room = world.room("9000").await;
    let path = format!("/api/v1/rooms/{room}/lobby");
    for n in [1, 2, 3] {
        world.live.knocks(world.northway(), knocking(room, n));
    }
    assert_snapshot!(world.get(&oleg, &path).await.shown());
    let first = knocking(room, 1).id;
    world.live.told();

    let left = world
        .post(&oleg, &path, json!({ "act": "let_in", "id": first }))
        .await;
    assert_eq!(left.json().as_array().unwrap().len(), 2);
    assert_eq!(world.live.told(), [format!("LetIn(Some({first:?}))")]);
    assert_snapshot!(
        world
            .post(&oleg, &path, json!({ "act": "send_away", "id": first }))
            .await
            .shown()
    );

    let left = world
        .post(&oleg, &path, json!({ "act": "send_away" }))
        .await;
    assert_eq!(left.json(), json!([]));
    assert_eq!(world.live.told(), ["SendAway(None)"]);
    assert_eq!(
        world
            .post(&oleg, &path, json!({ "act": "let_in" }))
            .await
            .refusal(),
        "409 nobody_waits"
    );
}

#[tokio::test]
async fn a_wish_nobody_knows_is_refused() {
    let world = World::new().await;
    let oleg = world.oleg().await;
    let path = format!("/api/v1/rooms/{}/lobby", world.room("9000").await);
    let refusal = async |body| world.post(&oleg, &path, body).await.refusal();
    assert_eq!(
        refusal(json!({ "act": "push" })).await,
        "422 wrong_type at act"
    );
}

#[tokio::test]
async fn a_meeting_may_have_a_lobby_of_its_own() {
    let world = World::new().await;
    let oleg = world.oleg().await;
    let mut body = world.meeting_body().await;
    body["lobby"] = json!(true);
    let made = world.post(&oleg, "/api/v1/meetings", body).await.json();
    assert_eq!(made["lobby"], true);

    let path = format!("/api/v1/meetings/{}", made["id"].as_str().unwrap());
    let off = json!({ "lobby": false });
    let changed = world.ask(&oleg, "PATCH", &path, Some(off)).await;
    assert_eq!(changed.json()["lobby"], false);
}
