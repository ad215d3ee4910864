//! Calling people into a room, muting them, taking them out.

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::world::{Answer, Asker, World, guest};

async fn dial(world: &World, who: &Asker, body: Value) -> Answer {
    let room = world.room("9000").await;
    world
        .post(who, &format!("/api/v1/rooms/{room}/members"), body)
        .await
}

#[tokio::test]
async fn a_person_dragged_into_an_empty_room_begins_a_gathering() {
    let world = World::new().await;
    let oleg = world.oleg().await;
    let irina = world.employee("Irina Belova").await;

    let answer = dial(
        &world,
        &oleg,
        json!({ "employee_id": irina, "role": "speaker" }),
    )
    .await;

    assert_snapshot!(answer.shown());
    assert_eq!(world.live.told(), ["nudge"]);
    let rooms = world.get(&oleg, "/api/v1/rooms").await.json();
    assert_eq!(rooms[0]["occurrence"], answer.json()["occurrence_id"]);
    let claimed = world
        .store
        .claim_due_invitations(world.now(), world.now(), 10)
        .await
        .unwrap();
    assert_eq!(claimed.len(), 1, "the row is the wish");
}

#[tokio::test]
async fn a_second_one_joins_the_same_gathering() {
    let world = World::new().await;
    let oleg = world.oleg().await;
    let irina = world.employee("Irina Belova").await;
    let first = dial(
        &world,
        &oleg,
        json!({ "employee_id": irina, "role": "speaker" }),
    )
    .await
    .json();

    let second = dial(
        &world,
        &oleg,
        json!({ "number": "8 (812) 640-18-02", "role": "listener" }),
    )
    .await;

    assert_eq!(second.json()["occurrence_id"], first["occurrence_id"]);
    assert_snapshot!(second.shown());
}

#[tokio::test]
async fn a_number_that_is_somebodys_own_means_him() {
    let world = World::new().await;
    let oleg = world.oleg().await;

    let answer = dial(
        &world,
        &oleg,
        json!({ "number": "8 916 204-00-01", "role": "speaker" }),
    )
    .await;

    assert_eq!(
        answer.json()["employee_id"],
        json!(world.employee("Oleg Sorokin").await)
    );
}

#[tokio::test]
async fn wishing_twice_is_one_wish() {
    let world = World::new().await;
    let oleg = world.oleg().await;
    let irina = world.employee("Irina Belova").await;
    let wish = json!({ "employee_id": irina, "role": "speaker" });

    let (first, second) =
        tokio::join!(dial(&world, &oleg, wish.clone()), dial(&world, &oleg, wish));

    assert_eq!([first.status, second.status], [202, 202]);
    assert_eq!(first.json()["id"], second.json()["id"]);
}

#[tokio::test]
async fn who_cannot_be_called_is_refused() {
    let world = World::new().await;
    let oleg = world.oleg().await;
    world
        .live
        .joins(world.northway(), guest(world.room("9001").await));
    let refusal = |body: Value| {
        let (world, oleg) = (&world, &oleg);
        async move { dial(world, oleg, body).await }
    };
    let nobody = world.employee("Nobody's Desk").await;

    assert_snapshot!(
        refusal(json!({ "number": "8 800 FLOWERS", "role": "speaker" }))
            .await
            .shown()
    );
    assert_snapshot!(
        refusal(json!({ "employee_id": nobody, "role": "speaker" }))
            .await
            .shown()
    );
    assert_snapshot!(
        refusal(json!({ "number": "+49 30 901820", "role": "speaker" }))
            .await
            .shown()
    );
    assert_eq!(
        refusal(json!({ "role": "speaker" })).await.refusal(),
        "422 bad_participant at employee_id"
    );
    let both = json!({ "employee_id": nobody, "number": "+4930901820", "role": "speaker" });
    assert_eq!(
        refusal(both).await.refusal(),
        "422 bad_participant at employee_id"
    );
    let stranger =
        json!({ "employee_id": "01939d5e-6c2a-7b3c-9d4e-5f6071829304", "role": "speaker" });
    assert_eq!(
        refusal(stranger).await.refusal(),
        "422 unknown_employee at employee_id"
    );
    assert_eq!(world.live.told(), [""; 0], "nobody was called");
}

#[tokio::test]
async fn a_member_is_muted_given_a_role_and_taken_out() {
    let world = World::new().await;
    let oleg = world.oleg().await;
    let (room, other) = (world.room("9000").await, world.room("9001").await);
    let member = guest(room);
    world.live.joins(world.northway(), member.clone());
    let path = format!("/api/v1/rooms/{room}/members/{}", member.id);

    assert_snapshot!(
        world
            .get(&oleg, &format!("/api/v1/rooms/{room}/members"))
            .await
            .shown()
    );
    let change = json!({ "muted": true, "role": "listener" });
    assert_snapshot!(world.ask(&oleg, "PATCH", &path, Some(change)).await.shown());
    let elsewhere = format!("/api/v1/rooms/{other}/members/{}", member.id);
    assert_eq!(
        world.ask(&oleg, "DELETE", &elsewhere, None).await.refusal(),
        "409 not_in_room"
    );
    assert_eq!(world.ask(&oleg, "DELETE", &path, None).await.status, 204);
    assert_eq!(
        world.ask(&oleg, "DELETE", &path, None).await.refusal(),
        "409 not_in_room"
    );
    assert_eq!(world.live.told(), ["role Listener", "mute true", "hang up"]);
}

#[tokio::test]
async fn a_member_is_made_louder_and_hears_more_quietly_within_bounds() {
    let world = World::new().await;
    let oleg = world.oleg().await;
    let member = guest(world.room("9000").await);
    world.live.joins(world.northway(), member.clone());
    let path = format!("/api/v1/rooms/{}/members/{}", member.room_id, member.id);
    let change = |body: Value| world.ask(&oleg, "PATCH", &path, Some(body));

    let turned = change(json!({ "gain_db": 6, "volume_db": -20 }))
        .await
        .json();
    assert_eq!([&turned["gain_db"], &turned["volume_db"]], [6, -20]);

    // Nothing of a wish is done of which a part cannot be.
    let too_loud = change(json!({ "muted": true, "gain_db": 4, "volume_db": 21 })).await;
    assert_eq!(too_loud.refusal(), "422 bad_gain at volume_db");
    assert_snapshot!(change(json!({ "gain_db": -300 })).await.shown());
    assert_eq!(
        change(json!({ "gain_db": 1.5 })).await.refusal(),
        "422 wrong_type at gain_db"
    );
    assert_eq!(world.live.told(), ["Voice 6 dB", "Ear -20 dB"]);
}

#[tokio::test]
async fn a_change_that_changes_nothing_is_answered_with_the_member() {
    let world = World::new().await;
    let member = guest(world.room("9000").await);
    world.live.joins(world.northway(), member.clone());
    let path = format!("/api/v1/rooms/{}/members/{}", member.room_id, member.id);

    let answer = world
        .ask(&world.oleg().await, "PATCH", &path, Some(json!({})))
        .await;

    assert_eq!(answer.status, 200);
    assert_eq!(world.live.told(), [""; 0]);
}

#[tokio::test]
async fn a_room_is_locked_muted_and_given_the_next_hand() {
    let world = World::new().await;
    let oleg = world.oleg().await;
    let room = world.room("9000").await;
    let path = format!("/api/v1/rooms/{room}/acts");

    let empty = world.post(&oleg, &path, json!({ "act": "lock" })).await;
    assert_snapshot!(empty.shown());
    world.live.told();

    let member = guest(room);
    let id = member.id;
    world.live.joins(world.northway(), member);
    let locked = world.post(&oleg, &path, json!({ "act": "lock" })).await;
    assert_eq!(locked.json()["locked"], json!(true));
    let rooms = world.get(&oleg, "/api/v1/rooms").await.json();
    assert_eq!(rooms[0]["locked"], json!(true));
    for act in ["mute_all", "unmute_all", "next_hand", "unlock"] {
        let done = world.post(&oleg, &path, json!({ "act": act })).await;
        assert_eq!(done.json()["locked"], json!(act != "unlock"), "{act}");
    }
    let member = format!("/api/v1/rooms/{room}/members/{id}");
    let raised = world
        .ask(&oleg, "PATCH", &member, Some(json!({ "hand": true })))
        .await;
    assert!(raised.json()["hand_at"].is_number());
    assert_eq!(
        world.live.told(),
        [
            "Lock(true)",
            "MuteAll(true)",
            "MuteAll(false)",
            "NextHand",
            "Lock(false)",
            "hand true"
        ]
    );
}
