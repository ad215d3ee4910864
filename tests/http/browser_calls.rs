//! Coming into a room by the browser that asks.

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::world::{Answer, Asker, World};

const OFFER: &str = "v=0\r\no=- 467 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n\
    m=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na=ice-ufrag:Yp8y\r\n\
    a=ice-pwd:0kJ1Jv1aQpN9lJ0Y1lH6Zt2X\r\na=fingerprint:sha-256 00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:13:14:15:16:17:18:19:1A:1B:1C:1D:1E:1F\r\n\
    a=setup:actpass\r\na=mid:0\r\na=rtcp-mux\r\na=rtpmap:111 opus/48000/2\r\n";

async fn ring(world: &World, who: &Asker, body: Value) -> Answer {
    let room = world.room("9000").await;
    let path = format!("/api/v1/rooms/{room}/browser-calls");
    world.post(who, &path, body).await
}

#[tokio::test]
async fn an_offer_is_answered_and_can_be_looked_after_and_ended() {
    let world = World::new().await;
    let oleg = world.oleg().await;

    let answer = ring(&world, &oleg, json!({ "sdp": OFFER })).await;

    assert_snapshot!(answer.shown());
    assert_eq!(world.live.told(), ["a browser offers Opus as 111"]);
    let call = answer.json()["id"].as_str().unwrap().to_owned();
    let room = world.room("9000").await;
    let path = format!("/api/v1/rooms/{room}/browser-calls/{call}");
    assert_snapshot!(world.get(&oleg, &path).await.shown());
    let second = ring(&world, &oleg, json!({ "sdp": OFFER })).await;
    assert_snapshot!(second.shown());

    assert_eq!(world.ask(&oleg, "DELETE", &path, None).await.status, 204);
    assert_eq!(world.get(&oleg, &path).await.status, 404);
    assert_eq!(world.ask(&oleg, "DELETE", &path, None).await.status, 404);
}

#[tokio::test]
async fn a_browsers_way_in_is_nobody_elses_and_of_one_room() {
    let world = World::new().await;
    let (oleg, irina) = (world.oleg().await, world.irina().await);
    let answer = ring(&world, &oleg, json!({ "sdp": OFFER })).await;
    let call = answer.json()["id"].as_str().unwrap().to_owned();
    let (here, there) = (world.room("9000").await, world.room("9001").await);

    for (who, room) in [(&irina, here), (&oleg, there)] {
        let path = format!("/api/v1/rooms/{room}/browser-calls/{call}");
        assert_eq!(world.get(who, &path).await.status, 404);
        assert_eq!(world.ask(who, "DELETE", &path, None).await.status, 404);
    }
    let path = format!("/api/v1/rooms/{here}/browser-calls/{call}");
    assert_eq!(world.get(&oleg, &path).await.status, 200);
}

#[tokio::test]
async fn what_is_no_offer_of_a_browser_is_refused() {
    let world = World::new().await;
    let oleg = world.oleg().await;
    let (head, _) = OFFER.split_once("m=audio").unwrap();
    let mut told = String::new();
    for sdp in [
        "hello".to_owned(),
        head.to_owned(),
        OFFER.replace("UDP/TLS/RTP/SAVPF", "RTP/AVP"),
        OFFER.replace("opus", "speex"),
        format!("{OFFER}{}", "a=x\r\n".repeat(300)),
    ] {
        let answer = ring(&world, &oleg, json!({ "sdp": sdp })).await;
        told.push_str(&answer.shown());
        told.push('\n');
    }
    assert_snapshot!(told);
    assert_eq!(world.live.told().len(), 0, "nobody has rung");
}
