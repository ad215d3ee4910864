//! Acts on somebody who is expected: call now, give up, and the story of his calls.

use domain::{
    AttemptId, Millis, Span,
    attempt::Route,
    employee::DeviceClass,
    invitation::{Invitation, Status},
    line::LineKey,
};
use insta::assert_snapshot;
use serde_json::{Value, json};
use store::{AttemptRow, Batch, InvitationRow, person_key};

use crate::world::{Asker, World};

/// A started meeting; the invitation of the one from outside.
async fn started(world: &World, who: &Asker) -> Value {
    let made = world.meeting(who).await;
    world
        .post(
            who,
            &format!("/api/v1/meetings/{}/start", made["id"].as_str().unwrap()),
            json!({}),
        )
        .await;
    let report = format!(
        "/api/v1/occurrences/{}",
        made["occurrence_ids"][0].as_str().unwrap()
    );
    world.live.told();
    world.get(who, &report).await.json()["invitations"][1]["invitation"].clone()
}

fn path(invitation: &Value, act: &str) -> String {
    format!(
        "/api/v1/invitations/{}/{act}",
        invitation["id"].as_str().unwrap()
    )
}

async fn row(world: &World, invitation: &Value) -> InvitationRow {
    let id = invitation["id"].as_str().unwrap().parse().unwrap();
    world.store.invitation(world.northway(), id).await.unwrap()
}

/// He is being called: what the server's task would have written.
async fn is_dialled(world: &World, invitation: &Value) -> AttemptId {
    let mut row = row(world, invitation).await;
    let now = world.now();
    let id = AttemptId::new(now, [5; 10]);
    let route = Route {
        line: LineKey::Number("+4930901820".parse().unwrap()),
        class: DeviceClass::Outside,
        address: "+4930901820".to_owned(),
        trunk: None,
        g711_only: false,
    };
    let attempt = row.invitation.dial(id, route, now).unwrap();
    let mut batch = Batch::new(world.northway(), now);
    batch.attempts.push(AttemptRow {
        company: world.northway(),
        person: person_key(&row.invitation.invitee),
        rtp_port: Some(20_000),
        dialog: None,
        call: None,
        attempt,
    });
    batch.invitations.push(row);
    world.store.write_batch(&batch).await.unwrap();
    id
}

async fn change(world: &World, invitation: &Value, change: impl FnOnce(&mut Invitation, Millis)) {
    let mut row = row(world, invitation).await;
    change(&mut row.invitation, world.now());
    let mut batch = Batch::new(world.northway(), world.now());
    batch.invitations.push(row);
    world.store.write_batch(&batch).await.unwrap();
}

#[tokio::test]
async fn giving_up_on_somebody_stops_the_calls_and_call_now_takes_them_up() {
    let world = World::new().await;
    let oleg = world.oleg().await;
    let invitation = started(&world, &oleg).await;

    let stopped = world
        .ask(&oleg, "POST", &path(&invitation, "stop"), None)
        .await;
    assert_snapshot!(stopped.shown());
    assert_eq!(world.live.told(), ["nudge"]);

    world.pass(Span::seconds(30));
    let called = world
        .ask(&oleg, "POST", &path(&invitation, "call"), None)
        .await;
    assert_snapshot!(called.shown());
}

#[tokio::test]
async fn a_ringing_call_is_taken_back_and_not_placed_twice() {
    let world = World::new().await;
    let oleg = world.oleg().await;
    let invitation = started(&world, &oleg).await;
    let attempt = is_dialled(&world, &invitation).await;

    let twice = world
        .ask(&oleg, "POST", &path(&invitation, "call"), None)
        .await;
    assert_snapshot!(twice.shown());
    assert_snapshot!(
        world
            .get(&oleg, &path(&invitation, "attempts"))
            .await
            .shown()
    );

    let stopped = world
        .ask(&oleg, "POST", &path(&invitation, "stop"), None)
        .await;
    assert_eq!(stopped.json()["status"]["kind"], "finished");
    let mut kept = row(&world, &invitation).await;
    assert_eq!(
        kept.invitation.poll_output(),
        Some(domain::invitation::Output::Withdraw(attempt)),
        "what is to be carried out is on record"
    );
}

#[tokio::test]
async fn who_is_here_is_neither_called_nor_given_up() {
    let world = World::new().await;
    let oleg = world.oleg().await;
    let invitation = started(&world, &oleg).await;
    let member = domain::MemberId::new(world.now(), [4; 10]);
    change(&world, &invitation, |invitation, now| {
        invitation.on_called_in(member, now)
    })
    .await;

    for act in ["call", "stop"] {
        let refused = world
            .ask(&oleg, "POST", &path(&invitation, act), None)
            .await;
        assert_eq!(refused.refusal(), "409 already_in_room", "{act}");
    }
}

#[tokio::test]
async fn calling_somebody_before_dialling_begins_begins_it_and_not_the_meeting() {
    let world = World::new().await;
    let oleg = world.oleg().await;
    let made = world.meeting(&oleg).await;
    let report = format!(
        "/api/v1/occurrences/{}",
        made["occurrence_ids"][0].as_str().unwrap()
    );
    let story = world.get(&oleg, &report).await.json();
    let (his, other) = (
        &story["invitations"][1]["invitation"],
        &story["invitations"][0]["invitation"],
    );

    let called = world.ask(&oleg, "POST", &path(his, "call"), None).await;

    assert_eq!(called.status, 202);
    let after = world.get(&oleg, &report).await.json();
    assert_eq!(after["occurrence"]["status"], "calling");
    assert_eq!(after["occurrence"]["starts_at"], made["starts_at"]);
    let Status::Waiting { due_at, .. } = *row(&world, other).await.invitation.status() else {
        panic!("waiting")
    };
    assert_eq!(
        due_at.0,
        made["starts_at"].as_i64().unwrap() - 300_000,
        "the others are called in their time"
    );
}

#[tokio::test]
async fn nobody_is_called_ahead_into_another_meeting() {
    let world = World::new().await;
    let oleg = world.oleg().await;
    let first = world.meeting(&oleg).await;
    let mut body = world.meeting_body().await;
    body["starts_local"] = "2026-11-23T15:00".into();
    let second = world.post(&oleg, "/api/v1/meetings", body).await.json();
    let report = format!(
        "/api/v1/occurrences/{}",
        second["occurrence_ids"][0].as_str().unwrap()
    );
    let story = world.get(&oleg, &report).await.json();
    let his = &story["invitations"][0]["invitation"];

    let refused = world.ask(&oleg, "POST", &path(his, "call"), None).await;

    assert_eq!(refused.refusal(), "409 room_booked at room_id");
    assert_eq!(refused.json()["details"]["meeting_id"], first["id"]);
    let after = world.get(&oleg, &report).await.json();
    assert_eq!(after["occurrence"]["status"], "scheduled");
}

#[tokio::test]
async fn after_the_meeting_nobody_is_called() {
    let world = World::new().await;
    let oleg = world.oleg().await;
    let invitation = started(&world, &oleg).await;
    world.pass(Span::minutes(60));

    for act in ["call", "stop"] {
        let refused = world
            .ask(&oleg, "POST", &path(&invitation, act), None)
            .await;
        assert_eq!(refused.refusal(), "409 occurrence_is_over", "{act}");
    }
}

#[tokio::test]
async fn whoever_was_taken_off_the_list_is_not_there_to_be_called() {
    let world = World::new().await;
    let oleg = world.oleg().await;
    let made = world.meeting(&oleg).await;
    let date = made["occurrence_ids"][0].as_str().unwrap();
    let path = format!("/api/v1/occurrences/{date}");
    let report = world.get(&oleg, &path).await.json();
    let guest = &report["invitations"][1]["invitation"];
    let call = format!("/api/v1/invitations/{}/call", guest["id"].as_str().unwrap());
    let path = format!("/api/v1/meetings/{}", made["id"].as_str().unwrap());
    let oleg_alone = json!({ "participants": [
        { "employee_id": world.employee("Oleg Sorokin").await, "role": "speaker" },
    ] });
    let changed = world.ask(&oleg, "PATCH", &path, Some(oleg_alone)).await;
    assert_eq!(changed.status, 200, "{}", changed.text);

    let refused = world.post(&oleg, &call, json!(null)).await;
    assert_eq!(refused.refusal(), "404 not_found");
}
