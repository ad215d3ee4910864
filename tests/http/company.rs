//! The company's settings and the server's health.

use insta::assert_snapshot;
use serde_json::json;

use crate::world::World;

#[tokio::test]
async fn the_company_is_shown_without_a_secret() {
    let world = World::new().await;
    let answer = world.get(&world.oleg().await, "/api/v1/company").await;
    assert_snapshot!(answer.shown());
}

#[tokio::test]
async fn an_administrator_changes_settings_and_the_rest_stays() {
    let world = World::new().await;
    let irina = world.irina().await;
    let change =
        json!({ "language": "ru", "lead_s": 60, "rules": { "busy": { "wait_ms": 5000 } } });

    let answer = world
        .ask(&irina, "PATCH", "/api/v1/company", Some(change))
        .await;

    assert_eq!(answer.status, 200);
    assert_eq!(
        world.get(&irina, "/api/v1/company").await.json(),
        answer.json()
    );
    assert_eq!(answer.json()["lead_s"], 60);
    assert_eq!(answer.json()["rules"]["busy"]["wait_ms"], 5000);
    assert_eq!(answer.json()["time_zone"], "Europe/Moscow");
    assert_eq!(
        world.get(&irina, "/api/v1/me").await.json()["language"],
        "ru"
    );
}

#[tokio::test]
async fn wrong_settings_and_wrong_people_are_refused() {
    let world = World::new().await;
    let irina = world.irina().await;
    let change = |body| world.ask(&irina, "PATCH", "/api/v1/company", Some(body));

    assert_eq!(
        change(json!({ "time_zone": "Mars/Base" })).await.refusal(),
        "422 unknown_time_zone at time_zone"
    );
    assert_eq!(
        change(json!({ "lead_s": 90_000 })).await.refusal(),
        "422 bad_lead at lead_s"
    );
    assert_eq!(
        change(json!({ "rules": { "ring_ms": 0 } })).await.refusal(),
        "422 bad_rule at rules.ring_ms"
    );
    assert_eq!(
        change(json!({ "domain": "evil.example" })).await.refusal(),
        "422 unknown_field at domain"
    );
    let oleg = world.oleg().await;
    let refused = world
        .ask(
            &oleg,
            "PATCH",
            "/api/v1/company",
            Some(json!({ "lead_s": 0 })),
        )
        .await;
    assert_eq!(refused.refusal(), "403 not_allowed");
}

#[tokio::test]
async fn health_tells_the_clock() {
    let world = World::new().await;
    let health = world.get(&world.nobody(), "/api/v1/health").await.json();
    assert_eq!(health["ready"], true);
    assert_eq!(health["now"], world.now().0);
}
