//! People and rooms.

use insta::assert_snapshot;
use serde_json::json;

use crate::world::{World, guest};

#[tokio::test]
async fn people_come_with_their_lines_and_the_evidence() {
    let world = World::new().await;
    assert_snapshot!(
        world
            .get(&world.oleg().await, "/api/v1/people")
            .await
            .shown()
    );
}

#[tokio::test]
async fn rooms_come_with_their_numbers_and_whether_a_pin_opens_them() {
    let world = World::new().await;
    world
        .live
        .joins(world.northway(), guest(world.room("9000").await));

    let answer = world.get(&world.oleg().await, "/api/v1/rooms").await;

    assert_snapshot!(answer.shown());
    assert!(!answer.text.contains("4711"), "the PIN is in no answer");
}

#[tokio::test]
async fn noise_suppression_is_turned_on_while_people_are_inside_and_stays_on() {
    let world = World::new().await;
    let oleg = world.oleg().await;
    let room = world.room("9000").await;
    let path = format!("/api/v1/rooms/{room}");

    let change = json!({ "suppress_noise": true });
    let on = world.ask(&oleg, "PATCH", &path, Some(change)).await;
    assert_snapshot!(on.shown());
    let nothing = world.ask(&oleg, "PATCH", &path, Some(json!({}))).await;
    assert_eq!(nothing.json()["suppress_noise"], true);
    let rooms = world.get(&oleg, "/api/v1/rooms").await.json();
    assert_eq!(rooms[0]["suppress_noise"], true);
    assert_eq!(rooms[1]["suppress_noise"], false);

    let guarded = json!({ "lobby": true });
    let guarded = world.ask(&oleg, "PATCH", &path, Some(guarded)).await.json();
    assert_eq!(guarded["lobby"], true);
    assert_eq!(guarded["suppress_noise"], true, "what is left out stays");

    let wrong = json!({ "suppress_noise": "loud" });
    assert_eq!(
        world
            .ask(&oleg, "PATCH", &path, Some(wrong))
            .await
            .refusal(),
        "422 wrong_type at suppress_noise"
    );
    let nowhere = "/api/v1/rooms/01939d5e-6c2a-7b3c-9d4e-5f6071829304";
    let change = json!({ "suppress_noise": true });
    assert_eq!(
        world
            .ask(&oleg, "PATCH", nowhere, Some(change))
            .await
            .refusal(),
        "404 not_found"
    );
}

#[tokio::test]
async fn a_room_gets_the_lowest_free_number() {
    let world = World::new().await;
    let irina = world.irina().await;

    let made = world
        .post(&irina, "/api/v1/rooms", json!({ "name": " Night shift " }))
        .await;
    assert_snapshot!(made.shown());

    let next = world
        .post(
            &irina,
            "/api/v1/rooms",
            json!({ "name": "Stock", "pin": "1234" }),
        )
        .await;
    assert_eq!(next.json()["number"], "9003");
    assert_eq!(next.json()["has_pin"], true);
    let listed = world.get(&irina, "/api/v1/rooms").await.json();
    let numbers: Vec<_> = listed
        .as_array()
        .unwrap()
        .iter()
        .map(|room| room["number"].clone())
        .collect();
    assert_eq!(numbers, ["9000", "9001", "9002", "9003"]);
}

#[tokio::test]
async fn a_room_with_a_wrong_or_taken_number_is_refused() {
    let world = World::new().await;
    let irina = world.irina().await;
    let refusal = |body| {
        let (world, irina) = (&world, &irina);
        async move { world.post(irina, "/api/v1/rooms", body).await }
    };

    assert_snapshot!(
        refusal(json!({ "name": "A", "number": "9000" }))
            .await
            .shown()
    );
    assert_eq!(
        refusal(json!({ "name": "A", "number": "204" }))
            .await
            .refusal(),
        "409 room_number_taken at number",
        "an extension"
    );
    for number in ["90a", "9", "1234567", "", "-12"] {
        let refused = refusal(json!({ "name": "A", "number": number }))
            .await
            .refusal();
        assert_eq!(refused, "422 bad_room_number at number", "{number}");
    }
    assert_eq!(
        refusal(json!({ "name": "A", "pin": "12x4" }))
            .await
            .refusal(),
        "422 bad_pin at pin"
    );
    assert_eq!(
        refusal(json!({ "name": "" })).await.refusal(),
        "422 empty_name at name"
    );
}

#[tokio::test]
async fn when_every_number_is_taken_none_is_made_up() {
    let world = World::new().await;
    let irina = world.irina().await;
    let numbers = (9_000..=9_999).chain(900..=999).chain(90_000..=99_999);
    let rooms: String = numbers
        .map(|number| format!("[[rooms]]\nnumber = \"{number}\"\nname = \"R\"\n"))
        .collect();
    let file = crate::world::NORTHWAY
        .split("[[rooms]]")
        .next()
        .unwrap()
        .to_owned()
        + &rooms
        + "[[employees]]"
        + crate::world::NORTHWAY
            .split_once("[[employees]]")
            .unwrap()
            .1;
    rollcall::company_file::apply_text(&world.store, "full.toml", &file, world.now())
        .await
        .unwrap();

    assert_snapshot!(
        world
            .post(&irina, "/api/v1/rooms", json!({ "name": "A" }))
            .await
            .shown()
    );
}

#[tokio::test]
async fn only_administrators_make_rooms() {
    let world = World::new().await;
    let answer = world
        .post(&world.oleg().await, "/api/v1/rooms", json!({ "name": "A" }))
        .await;
    assert_snapshot!(answer.shown());
}
