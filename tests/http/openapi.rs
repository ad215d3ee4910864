//! The description that is checked in is the one that is served.

use crate::world::World;

const CHECKED_IN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/openapi.json");

#[tokio::test]
async fn the_checked_in_description_is_the_served_one() {
    let world = World::new().await;
    let served = world
        .get(&world.nobody(), "/api/v1/openapi.json")
        .await
        .text;
    if std::env::var_os("UPDATE_OPENAPI").is_some() {
        std::fs::write(CHECKED_IN, &served).unwrap();
    }
    let checked_in = std::fs::read_to_string(CHECKED_IN).unwrap_or_default();
    assert!(
        checked_in == served,
        "docs/openapi.json is old: run the http tests once with UPDATE_OPENAPI=1"
    );
}

#[test]
fn every_request_and_every_refusal_is_described() {
    let document: serde_json::Value = serde_json::from_str(rollcall::web::document()).unwrap();
    let paths = document["paths"].as_object().unwrap();
    assert!(paths.len() >= 18, "{:?}", paths.keys());
    let schemas = document["components"]["schemas"].as_object().unwrap();
    for needed in [
        "ErrorBody",
        "Snapshot",
        "EventKind",
        "ServerMessage",
        "OccurrenceReport",
        "RetryRules",
    ] {
        assert!(schemas.contains_key(needed), "{needed}");
    }
    let text = document.to_string();
    for reference in text.split("\"#/components/schemas/").skip(1) {
        let name = reference.split('"').next().unwrap();
        assert!(
            schemas.contains_key(name),
            "{name} is referred to and not described"
        );
    }
}
