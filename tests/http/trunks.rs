//! Trunks, and learning what their answers mean. The calls themselves are the server's.

use domain::{
    TrunkId,
    calibration::Condition,
    decode::{CallFacts, Q850},
};
use insta::assert_snapshot;
use serde_json::{Value, json};
use store::Versioned;

use crate::world::{Asker, World};

async fn trunk(world: &World, who: &Asker) -> Value {
    world.get(who, "/api/v1/trunks").await.json()[0].clone()
}

/// What the server's task does when a test call is over.
async fn answered(world: &World, trunk: &Value, condition: Condition, code: u16, cause: u8) {
    let id: TrunkId = trunk["id"].as_str().unwrap().parse().unwrap();
    let northway = world.northway();
    let row = world.store.calibration(northway, id).await.unwrap();
    let mut calibration = row.value;
    let (calling, call, _) = calibration.calling().unwrap();
    assert_eq!(calling, condition);
    let facts = CallFacts {
        final_code: Some(code),
        q850: Some(Q850 {
            cause,
            location_user: None,
        }),
        ended_after_ms: domain::Span(900),
        ..CallFacts::default()
    };
    calibration.on_failed(call, &facts, world.now());
    let row = Versioned {
        version: row.version,
        value: calibration,
    };
    world
        .store
        .save_calibration(&row, "{}", world.now())
        .await
        .unwrap();
}

#[tokio::test]
async fn three_calls_teach_what_a_trunk_says_and_it_is_used_when_asked_for() {
    let world = World::new().await;
    let irina = world.irina().await;
    let north = trunk(&world, &irina).await;
    let path = format!("/api/v1/trunks/{}", north["id"].as_str().unwrap());
    let begun = world
        .post(&irina, &format!("{path}/calibration"), json!({}))
        .await;
    assert_eq!(begun.status, 201);
    let call =
        |condition: &'static str| json!({ "condition": condition, "number": "+7 916 123-01-04" });
    let calls = format!("{path}/calibration/calls");

    world.live.told();
    let asked = world.post(&irina, &calls, call("off")).await;
    assert_eq!(asked.status, 202);
    assert_eq!(world.live.told(), ["nudge"], "the server is told to look");
    let twice = world.post(&irina, &calls, call("busy")).await;
    assert_eq!(twice.refusal(), "409 test_call_under_way");
    let early = world
        .post(&irina, &format!("{path}/calibration/use"), json!({}))
        .await;
    assert_eq!(early.refusal(), "409 test_call_under_way");
    answered(&world, &north, Condition::Off, 404, 20).await;
    let early = world
        .post(&irina, &format!("{path}/calibration/use"), json!({}))
        .await;
    assert_eq!(early.refusal(), "409 calibration_incomplete");

    world.post(&irina, &calls, call("busy")).await;
    answered(&world, &north, Condition::Busy, 480, 17).await;
    world.post(&irina, &calls, call("unanswered")).await;
    answered(&world, &north, Condition::Unanswered, 480, 17).await;
    let alike = world
        .post(&irina, &format!("{path}/calibration/use"), json!({}))
        .await;
    assert_snapshot!("alike", alike.shown());

    world.post(&irina, &calls, call("unanswered")).await;
    answered(&world, &north, Condition::Unanswered, 480, 19).await;
    assert_snapshot!(
        "learnt_and_not_used",
        world.get(&irina, "/api/v1/trunks").await.shown()
    );
    let used = world
        .post(&irina, &format!("{path}/calibration/use"), json!({}))
        .await;
    assert_snapshot!("used", used.shown());
    assert_eq!(trunk(&world, &irina).await, used.json());

    let forgotten = world
        .ask(&irina, "DELETE", &format!("{path}/learnt"), None)
        .await;
    assert_eq!(forgotten.json()["learnt"], json!([]));
}

#[tokio::test]
async fn a_calibration_is_dropped_and_its_number_is_checked() {
    let world = World::new().await;
    let irina = world.irina().await;
    let north = trunk(&world, &irina).await;
    let path = format!("/api/v1/trunks/{}", north["id"].as_str().unwrap());
    let calls = format!("{path}/calibration/calls");
    let call = json!({ "condition": "off", "number": "+79161230104" });
    assert_eq!(
        world.post(&irina, &calls, call.clone()).await.refusal(),
        "404 not_found",
        "nothing has begun"
    );
    world
        .post(&irina, &format!("{path}/calibration"), json!({}))
        .await;
    assert_eq!(
        world
            .post(
                &irina,
                &calls,
                json!({ "condition": "off", "number": "call me" })
            )
            .await
            .refusal(),
        "422 bad_number at number"
    );
    assert_eq!(
        world
            .post(
                &irina,
                &calls,
                json!({ "condition": "asleep", "number": "1" })
            )
            .await
            .refusal(),
        "422 wrong_type at condition"
    );

    let dropped = world
        .ask(&irina, "DELETE", &format!("{path}/calibration"), None)
        .await;

    assert_eq!(dropped.status, 200);
    assert_eq!(trunk(&world, &irina).await["calibration"], Value::Null);
}

#[tokio::test]
async fn only_administrators_of_the_company_learn() {
    let world = World::new().await;
    let (oleg, anna) = (world.oleg().await, world.anna().await);
    let north = trunk(&world, &oleg).await;
    let path = format!("/api/v1/trunks/{}", north["id"].as_str().unwrap());
    for (method, path, body) in [
        ("POST", format!("{path}/calibration"), Some(json!({}))),
        ("DELETE", format!("{path}/calibration"), None),
        (
            "POST",
            format!("{path}/calibration/calls"),
            Some(json!({ "condition": "off", "number": "+79161230104" })),
        ),
        ("POST", format!("{path}/calibration/use"), Some(json!({}))),
        ("DELETE", format!("{path}/learnt"), None),
    ] {
        let his = world.ask(&oleg, method, &path, body.clone()).await;
        assert_eq!(his.refusal(), "403 not_allowed", "{method} {path}");
        let hers = world.ask(&anna, method, &path, body).await;
        assert_eq!(hers.refusal(), "404 not_found", "{method} {path}");
    }
    assert!(
        !world
            .get(&anna, "/api/v1/trunks")
            .await
            .text
            .contains("North")
    );
}
