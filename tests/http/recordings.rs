//! Recording a room, and who may hear what was recorded.

use api::{NewRecording, Recording, RecordingFile, RecordingState};
use domain::Span;
use serde_json::json;
use store::RecordingRow;

use crate::world::{World, guest, recording};

/// A recording of a file with these bytes that Oleg began and that is over.
pub async fn recorded(world: &World, bytes: &[u8]) -> Recording {
    let oleg = world.employee("Oleg Sorokin").await;
    let room = world.room("9000").await;
    let done = Recording {
        ended_at: Some((world.now() + Span::seconds(5)).0),
        state: RecordingState::Done,
        duration_ms: 5_000,
        files: vec![RecordingFile {
            name: "mix.ogg".to_owned(),
            member: None,
            bytes: 3,
        }],
        ..recording(room, NewRecording::default(), oleg)
    };
    std::fs::write(world.live.files.path().join("mix.ogg"), bytes).unwrap();
    let row = RecordingRow {
        id: done.id,
        company: world.northway(),
        room,
        started_at: world.now(),
        ended_at: Some(world.now()),
        body: serde_json::to_string(&done).unwrap(),
    };
    world
        .store
        .save_recording(&row, "{}", world.now())
        .await
        .unwrap();
    done
}

#[tokio::test]
async fn a_room_is_recorded_once_at_a_time_and_only_while_somebody_is_there() {
    let world = World::new().await;
    let oleg = world.oleg().await;
    let room = world.room("9000").await;
    let path = format!("/api/v1/rooms/{room}/recording");

    let empty = world.post(&oleg, &path, json!({})).await;
    assert_eq!(empty.refusal(), "409 room_is_empty");

    world.live.joins(world.northway(), guest(room));
    let begun = world
        .post(&oleg, &path, json!({ "format": "wav", "tracks": true }))
        .await;
    assert_eq!(begun.status, 201);
    let begun = begun.json();
    assert_eq!(
        (&begun["state"], &begun["format"], &begun["tracks"]),
        (&json!("running"), &json!("wav"), &json!(true))
    );
    assert_eq!(
        begun["started_by"],
        json!(world.employee("Oleg Sorokin").await)
    );
    let again = world.post(&oleg, &path, json!({})).await;
    assert_eq!(again.refusal(), "409 already_recording");

    let ended = world.ask(&oleg, "DELETE", &path, None).await;
    assert_eq!(ended.status, 202);
    let over = world.ask(&oleg, "DELETE", &path, None).await;
    assert_eq!(over.refusal(), "409 not_recording");
}

#[tokio::test]
async fn a_wish_that_makes_no_sense_is_refused_by_its_field() {
    let world = World::new().await;
    let oleg = world.oleg().await;
    let room = world.room("9000").await;
    let path = format!("/api/v1/rooms/{room}/recording");

    let odd = world.post(&oleg, &path, json!({ "format": "mp3" })).await;
    assert!(odd.refusal().starts_with("422 "), "{}", odd.refusal());
    let odd = world.post(&oleg, &path, json!({ "stereo": true })).await;
    assert!(
        odd.refusal().starts_with("422 unknown_field"),
        "{}",
        odd.refusal()
    );
}

#[tokio::test]
async fn who_began_a_recording_and_administrators_hear_it_and_nobody_else() {
    let world = World::new().await;
    let (irina, oleg, anna) = (world.irina().await, world.oleg().await, world.anna().await);
    let done = recorded(&world, b"abc").await;
    let file = format!("/api/v1/recordings/{}/files/mix.ogg", done.id);

    for who in [&irina, &oleg] {
        let listed = world.get(who, "/api/v1/recordings").await.json();
        assert_eq!(listed, json!([done]));
        let answer = world.get(who, &file).await;
        assert_eq!((answer.status.as_u16(), answer.text.as_str()), (200, "abc"));
        assert_eq!(answer.header("content-type"), "audio/ogg");
        assert_eq!(answer.header("content-length"), "3");
    }
    let listed = world.get(&anna, "/api/v1/recordings").await.json();
    assert_eq!(listed, json!([]));
    assert_eq!(world.get(&anna, &file).await.refusal(), "404 not_found");
    assert_eq!(
        world.get(&world.nobody(), &file).await.refusal(),
        "401 not_signed_in"
    );
}

#[tokio::test]
async fn an_employee_hears_nothing_that_somebody_else_recorded() {
    let world = World::new().await;
    let oleg = world.oleg().await;
    let mut done = recorded(&world, b"abc").await;
    done.started_by = Some(world.employee("Irina Belova").await);
    let row = RecordingRow {
        id: done.id,
        company: world.northway(),
        room: done.room_id,
        started_at: world.now(),
        ended_at: Some(world.now()),
        body: serde_json::to_string(&done).unwrap(),
    };
    world
        .store
        .save_recording(&row, "{}", world.now())
        .await
        .unwrap();

    let path = format!("/api/v1/recordings/{}", done.id);
    assert_eq!(world.get(&oleg, &path).await.refusal(), "404 not_found");
    let listed = world.get(&oleg, "/api/v1/recordings").await.json();
    assert_eq!(listed, json!([]));
}

#[tokio::test]
async fn a_part_of_the_audio_is_sent_and_no_file_that_is_not_listed() {
    let world = World::new().await;
    let oleg = world.oleg().await;
    let done = recorded(&world, b"0123456789").await;
    std::fs::write(world.live.files.path().join("other"), "secret").unwrap();

    let path = format!("/api/v1/recordings/{}/files/mix.ogg", done.id);
    let mut request = oleg.request("GET", &path, None);
    let range = "bytes=2-4".parse().unwrap();
    request.headers_mut().insert("range", range);
    let part = world.send(request).await;
    assert_eq!((part.status.as_u16(), part.text.as_str()), (206, "234"));
    assert_eq!(part.header("content-range"), "bytes 2-4/10");

    for name in ["other", "..%2Fmix.ogg", "%2Fetc%2Fpasswd"] {
        let path = format!("/api/v1/recordings/{}/files/{name}", done.id);
        assert_eq!(
            world.get(&oleg, &path).await.refusal(),
            "404 not_found",
            "{name}"
        );
    }
}

#[tokio::test]
async fn an_administrator_erases_a_recording_and_an_employee_may_not() {
    let world = World::new().await;
    let (irina, oleg) = (world.irina().await, world.oleg().await);
    let done = recorded(&world, b"abc").await;
    let path = format!("/api/v1/recordings/{}", done.id);

    let denied = world.ask(&oleg, "DELETE", &path, None).await;
    assert_eq!(denied.refusal(), "403 not_allowed");
    let gone = world.ask(&irina, "DELETE", &path, None).await;
    assert_eq!(gone.status, 204);
    assert!(world.live.told().contains(&"erase 7".to_owned()));
    assert_eq!(world.get(&irina, &path).await.refusal(), "404 not_found");
}
