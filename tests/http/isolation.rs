//! What belongs to one company is nothing to another: on every route, as if it were not there.

use serde_json::json;

use crate::world::{World, guest};

#[tokio::test]
async fn another_companys_things_are_not_there() {
    let world = World::new().await;
    let (oleg, anna) = (world.oleg().await, world.anna().await);
    let made = world.meeting(&oleg).await;
    let meeting = made["id"].as_str().unwrap();
    let occurrence = made["occurrence_ids"][0].as_str().unwrap();
    let report = world
        .get(&oleg, &format!("/api/v1/occurrences/{occurrence}"))
        .await
        .json();
    let invitation = report["invitations"][1]["invitation"]["id"]
        .as_str()
        .unwrap();
    let room = world.room("9000").await;
    let member = guest(room);
    world.live.joins(world.northway(), member.clone());
    let token = world
        .post(&oleg, "/api/v1/tokens", json!({ "name": "backup" }))
        .await
        .json();
    let token = token["token"]["id"].as_str().unwrap();
    let irina = world.employee("Irina Belova").await;
    let taped = crate::recordings::recorded(&world, b"abc").await;
    world.live.told();

    for (method, path, body) in [
        ("GET", format!("/meetings/{meeting}"), None),
        (
            "PATCH",
            format!("/meetings/{meeting}"),
            Some(json!({ "title": "Ours" })),
        ),
        ("DELETE", format!("/meetings/{meeting}"), None),
        ("POST", format!("/meetings/{meeting}/start"), None),
        ("POST", format!("/meetings/{meeting}/pause"), None),
        ("POST", format!("/meetings/{meeting}/resume"), None),
        (
            "POST",
            format!("/occurrences/{occurrence}/move"),
            Some(json!({ "duration_min": 5 })),
        ),
        (
            "POST",
            format!("/occurrences/{occurrence}/extend"),
            Some(json!({ "minutes": 15 })),
        ),
        ("POST", format!("/occurrences/{occurrence}/cancel"), None),
        ("POST", format!("/occurrences/{occurrence}/restore"), None),
        ("GET", format!("/occurrences/{occurrence}"), None),
        ("POST", format!("/occurrences/{occurrence}/end"), None),
        ("GET", format!("/invitations/{invitation}/attempts"), None),
        ("POST", format!("/invitations/{invitation}/call"), None),
        ("POST", format!("/invitations/{invitation}/stop"), None),
        (
            "PATCH",
            format!("/rooms/{room}"),
            Some(json!({ "suppress_noise": true })),
        ),
        (
            "POST",
            format!("/rooms/{room}/browser-calls"),
            Some(json!({ "sdp": "v=0" })),
        ),
        ("GET", format!("/rooms/{room}/browser-calls/{room}"), None),
        (
            "DELETE",
            format!("/rooms/{room}/browser-calls/{room}"),
            None,
        ),
        ("GET", format!("/rooms/{room}/members"), None),
        ("GET", format!("/rooms/{room}/lobby"), None),
        (
            "POST",
            format!("/rooms/{room}/lobby"),
            Some(json!({ "act": "let_in" })),
        ),
        (
            "POST",
            format!("/rooms/{room}/acts"),
            Some(json!({ "act": "lock" })),
        ),
        (
            "POST",
            format!("/rooms/{room}/members"),
            Some(json!({ "number": "+4930901820", "role": "speaker" })),
        ),
        (
            "PATCH",
            format!("/rooms/{room}/members/{}", member.id),
            Some(json!({ "muted": true })),
        ),
        (
            "DELETE",
            format!("/rooms/{room}/members/{}", member.id),
            None,
        ),
        ("DELETE", format!("/tokens/{token}"), None),
        ("POST", format!("/rooms/{room}/recording"), Some(json!({}))),
        ("DELETE", format!("/rooms/{room}/recording"), None),
        ("GET", format!("/recordings/{}", taped.id), None),
        (
            "GET",
            format!("/recordings/{}/files/mix.ogg", taped.id),
            None,
        ),
        ("DELETE", format!("/recordings/{}", taped.id), None),
    ] {
        let answer = world
            .ask(&anna, method, &format!("/api/v1{path}"), body)
            .await;
        assert_eq!(answer.refusal(), "404 not_found", "{method} {path}");
    }
    assert_eq!(world.live.told(), [""; 0], "and nothing was done");
    assert_eq!(
        world
            .get(&oleg, &format!("/api/v1/meetings/{meeting}"))
            .await
            .json(),
        made
    );

    let lists = ["/meetings", "/occurrences", "/tokens", "/recordings"];
    for path in lists {
        assert_eq!(
            world.get(&anna, &format!("/api/v1{path}")).await.json(),
            json!([]),
            "{path}"
        );
    }
    let northway = ["Irina", "Oleg", "Dealers", "+4930901820", "northway"];
    for path in ["/people", "/rooms", "/company", "/me"] {
        let answer = world.get(&anna, &format!("/api/v1{path}")).await;
        assert!(
            northway.iter().all(|name| !answer.text.contains(name)),
            "{path}: {}",
            answer.text
        );
    }

    // Another company's ids inside a request are unknown too.
    let own_room = world.get(&anna, "/api/v1/rooms").await.json()[0]["id"].clone();
    let plan = |room: serde_json::Value, person: serde_json::Value| json!({ "title": "A", "room_id": room, "duration_min": 5, "participants": [{ "employee_id": person, "role": "speaker" }] });
    let theirs = world
        .post(&anna, "/api/v1/meetings", plan(json!(room), json!(irina)))
        .await;
    assert_eq!(theirs.refusal(), "422 unknown_room at room_id");
    let theirs = world
        .post(
            &anna,
            "/api/v1/meetings",
            plan(own_room.clone(), json!(irina)),
        )
        .await;
    assert_eq!(
        theirs.refusal(),
        "422 unknown_employee at participants[0].employee_id"
    );
    let dial = format!("/api/v1/rooms/{}/members", own_room.as_str().unwrap());
    let theirs = world
        .post(
            &anna,
            &dial,
            json!({ "employee_id": irina, "role": "speaker" }),
        )
        .await;
    assert_eq!(theirs.refusal(), "422 unknown_employee at employee_id");
}

#[tokio::test]
async fn the_same_room_number_is_two_rooms() {
    let world = World::new().await;
    let (oleg, anna) = (world.oleg().await, world.anna().await);
    world.meeting(&oleg).await;
    let own_room = world.get(&anna, "/api/v1/rooms").await.json()[0]["id"].clone();

    let body = json!({
        "title": "At the same time", "room_id": own_room, "time_zone": "Europe/Moscow",
        "starts_local": "2026-11-23T10:00", "duration_min": 60, "participants": [],
    });

    assert_eq!(
        world.post(&anna, "/api/v1/meetings", body).await.status,
        201
    );
}
