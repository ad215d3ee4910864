//! The board's files, and what every answer carries.

use crate::world::World;

#[tokio::test]
async fn every_answer_is_protected_and_the_apis_are_not_kept() {
    let world = World::new().await;
    let irina = world.irina().await;

    for path in [
        "/",
        "/board",
        "/api/v1/me",
        "/api/v1/nothing",
        "/missing.js",
    ] {
        let answer = world.get(&irina, path).await;
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("x-frame-options"), "DENY", "{path}");
        assert_eq!(answer.header("referrer-policy"), "no-referrer", "{path}");
        let policy = answer.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'"), "{path}: {policy}");
        assert!(
            policy.contains("script-src 'self' 'wasm-unsafe-eval';"),
            "{path}: {policy}"
        );
        assert!(!policy.contains("'unsafe-inline'"), "{path}: {policy}");
    }
    assert_eq!(
        world
            .get(&irina, "/api/v1/me")
            .await
            .header("cache-control"),
        "no-store"
    );
}

#[tokio::test]
async fn every_page_of_the_board_is_the_one_page() {
    let world = World::new().await;
    let home = world.get(&world.nobody(), "/").await;

    assert_eq!(home.status, 200);
    assert!(home.header("content-type").starts_with("text/html"));
    assert_eq!(
        world.get(&world.nobody(), "/calendar/week").await.text,
        home.text
    );
    assert_eq!(
        world
            .get(&world.nobody(), "/assets/gone-0123456789ab.js")
            .await
            .refusal(),
        "404 not_found"
    );
    let posted = world
        .post(&world.nobody(), "/calendar", serde_json::json!({}))
        .await;
    assert_eq!(posted.refusal(), "405 method_not_allowed");
}
