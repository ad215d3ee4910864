//! The events' socket, over real TCP: snapshot, numbered events, taking up again, being signed out.

use std::{net::SocketAddr, time::Duration};

use futures_util::{SinkExt, StreamExt};
use rollcall::web;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Error, Message, client::IntoClientRequest, http::StatusCode},
};

use crate::world::{Asker, World};

/// Nothing here waits that long; a test that would hang fails instead.
const LIMIT: Duration = Duration::from_secs(20);

async fn served(world: &World) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(web::serve(
        listener,
        web::router(world.app.clone()),
        std::future::pending(),
    ));
    address
}

struct Listener(WebSocketStream<TcpStream>);

async fn try_listen(
    address: SocketAddr,
    who: &Asker,
    query: &str,
    headers: &[(&'static str, &str)],
) -> Result<Listener, Error> {
    let mut request = format!("ws://{address}/api/v1/events{query}")
        .into_client_request()
        .unwrap();
    if let Some(cookie) = &who.cookie {
        request
            .headers_mut()
            .insert("cookie", cookie.parse().unwrap());
    }
    for (name, value) in headers {
        request.headers_mut().insert(*name, value.parse().unwrap());
    }
    let stream = TcpStream::connect(address).await.unwrap();
    client_async(request, stream)
        .await
        .map(|(socket, _)| Listener(socket))
}

async fn listen(address: SocketAddr, who: &Asker, query: &str) -> Listener {
    try_listen(address, who, query, &[]).await.unwrap()
}

impl Listener {
    /// The next message of one of these types; pings are passed over.
    async fn next(&mut self) -> Value {
        loop {
            let message = tokio::time::timeout(LIMIT, self.0.next())
                .await
                .expect("a message in time");
            match message {
                Some(Ok(Message::Text(text))) => {
                    let value: Value = serde_json::from_str(&text).unwrap();
                    if value["type"] != "ping" {
                        return value;
                    }
                }
                Some(Ok(Message::Close(frame))) => {
                    return json!({ "closed": frame.map(|frame| u16::from(frame.code)) });
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return json!({ "closed": null }),
            }
        }
    }

    async fn event(&mut self) -> (i64, String) {
        let message = self.next().await;
        assert_eq!(message["type"], "event", "{message}");
        (
            message["seq"].as_i64().unwrap(),
            message["event"]["kind"].as_str().unwrap().to_owned(),
        )
    }
}

#[tokio::test]
async fn a_board_gets_a_snapshot_and_then_every_change_in_order() {
    let world = World::new().await;
    let (irina, address) = (world.irina().await, served(&world).await);
    let mut board = listen(address, &irina, "").await;

    let snapshot = board.next().await;
    assert_eq!(snapshot["type"], "snapshot");
    assert_eq!(snapshot["seq"], 0);
    assert_eq!(snapshot["me"]["name"], "Irina Belova");
    assert_eq!(snapshot["people"].as_array().unwrap().len(), 3);
    assert_eq!(snapshot["rooms"][0]["number"], "9000");

    let made = world.meeting(&irina).await;
    let mut told = Vec::new();
    for _ in 0..4 {
        told.push(board.event().await);
    }
    assert_eq!(
        told,
        [
            (1, "meeting".to_owned()),
            (2, "occurrence".to_owned()),
            (3, "invitation".to_owned()),
            (4, "invitation".to_owned()),
        ]
    );

    let later = listen(address, &irina, "").await.next().await;
    assert_eq!(later["seq"], 4);
    assert_eq!(later["meetings"], json!([made]));
    assert_eq!(later["invitations"].as_array().unwrap().len(), 2);
    // What was told message by message is what a snapshot says.
    let _: api::Snapshot = serde_json::from_value(later).unwrap();
}

#[tokio::test]
async fn who_was_away_takes_up_after_the_last_event_seen() {
    let world = World::new().await;
    let (irina, address) = (world.irina().await, served(&world).await);
    world.meeting(&irina).await;

    let mut board = listen(address, &irina, "?after=2").await;

    assert_eq!(board.next().await["type"], "resumed");
    assert_eq!(board.event().await.0, 3);
    assert_eq!(board.event().await.0, 4);
    world
        .post(&irina, "/api/v1/rooms", json!({ "name": "Night shift" }))
        .await;
    assert_eq!(board.event().await, (5, "room".to_owned()));
}

#[tokio::test]
async fn a_number_from_another_life_gets_a_snapshot() {
    let world = World::new().await;
    let (irina, address) = (world.irina().await, served(&world).await);

    for after in ["?after=77", "?after=-1"] {
        assert_eq!(
            listen(address, &irina, after).await.next().await["type"],
            "snapshot",
            "{after}"
        );
    }
}

#[tokio::test]
async fn another_companys_events_are_not_heard() {
    let world = World::new().await;
    let (irina, anna, address) = (
        world.irina().await,
        world.anna().await,
        served(&world).await,
    );
    let mut board = listen(address, &anna, "").await;
    let snapshot = board.next().await.to_string();
    assert!(
        !snapshot.contains("Irina") && !snapshot.contains("northway"),
        "{snapshot}"
    );

    world.meeting(&irina).await;
    let own = world
        .ask(
            &anna,
            "PATCH",
            "/api/v1/company",
            Some(json!({ "lead_s": 0 })),
        )
        .await;
    assert_eq!(own.status, 200);

    assert_eq!(
        board.event().await,
        (1, "company".to_owned()),
        "the first she hears is her own"
    );
}

#[tokio::test]
async fn signing_out_closes_the_socket_and_says_why() {
    let world = World::new().await;
    let (irina, address) = (world.irina().await, served(&world).await);
    let mut board = listen(address, &irina, "").await;
    board.next().await;

    world.ask(&irina, "DELETE", "/api/v1/session", None).await;

    assert_eq!(board.next().await, json!({ "type": "signed_out" }));
    assert_eq!(board.next().await, json!({ "closed": 4401 }));
}

#[tokio::test]
async fn a_revoked_token_closes_its_socket_and_no_other() {
    let world = World::new().await;
    let (irina, address) = (world.irina().await, served(&world).await);
    let made = world
        .post(&irina, "/api/v1/tokens", json!({ "name": "wall board" }))
        .await
        .json();
    let bearer = format!("Bearer {}", made["secret"].as_str().unwrap());
    let mut wall = try_listen(address, &world.nobody(), "", &[("authorization", &bearer)])
        .await
        .unwrap();
    let mut board = listen(address, &irina, "").await;
    wall.next().await;
    board.next().await;

    let path = format!("/api/v1/tokens/{}", made["token"]["id"].as_str().unwrap());
    world.ask(&irina, "DELETE", &path, None).await;

    assert_eq!(wall.next().await, json!({ "type": "signed_out" }));
    world
        .post(&irina, "/api/v1/rooms", json!({ "name": "Night shift" }))
        .await;
    assert_eq!(board.event().await.1, "room");
}

#[tokio::test]
async fn a_directory_changed_from_outside_begins_the_board_anew() {
    let world = World::new().await;
    let (irina, address) = (world.irina().await, served(&world).await);
    let mut board = listen(address, &irina, "").await;
    board.next().await;
    let file = crate::world::NORTHWAY.replace("Oleg Sorokin", "Oleg Sorokin-Belov");
    rollcall::company_file::apply_text(&world.store, "northway.toml", &file, world.now())
        .await
        .unwrap();

    world.hub.reset(world.northway());

    let snapshot = board.next().await;
    assert_eq!(snapshot["type"], "snapshot");
    assert_eq!(snapshot["people"][1]["name"], "Oleg Sorokin-Belov");
}

#[tokio::test]
async fn levels_are_told_and_not_numbered() {
    let world = World::new().await;
    let (irina, address) = (world.irina().await, served(&world).await);
    let mut board = listen(address, &irina, "").await;
    board.next().await;
    let talking = api::Talking {
        member_id: domain::MemberId::new(world.now(), [3; 10]),
        level: 40,
    };

    world.hub.levels(world.northway(), vec![talking]);

    let message = board.next().await;
    assert_eq!(message["levels"][0]["level"], 40);
    assert_eq!(message.get("seq"), None);
}

#[tokio::test]
async fn strangers_and_other_sites_get_no_socket() {
    let world = World::new().await;
    let (irina, address) = (world.irina().await, served(&world).await);
    let status = |result: Result<Listener, Error>| match result {
        Err(Error::Http(response)) => response.status(),
        _ => StatusCode::SWITCHING_PROTOCOLS,
    };

    assert_eq!(
        status(try_listen(address, &world.nobody(), "", &[]).await),
        StatusCode::UNAUTHORIZED
    );
    let foreign = [("origin", "http://evil.example")];
    assert_eq!(
        status(try_listen(address, &irina, "", &foreign).await),
        StatusCode::FORBIDDEN
    );
    let own = format!("http://{address}");
    assert_eq!(
        status(try_listen(address, &irina, "", &[("origin", &own)]).await),
        StatusCode::SWITCHING_PROTOCOLS
    );
}

#[tokio::test]
async fn a_client_that_floods_is_let_go_and_nobody_else_notices() {
    let world = World::new().await;
    let (irina, address) = (world.irina().await, served(&world).await);
    let mut noisy = listen(address, &irina, "").await;
    let mut quiet = listen(address, &irina, "").await;
    noisy.next().await;
    quiet.next().await;

    _ = noisy.0.send(Message::text("x".repeat(100_000))).await;

    assert!(noisy.next().await.get("closed").is_some());
    world
        .post(&irina, "/api/v1/rooms", json!({ "name": "Night shift" }))
        .await;
    assert_eq!(quiet.event().await.1, "room");
}
