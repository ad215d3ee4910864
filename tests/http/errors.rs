//! Refusals: every one is JSON with a code, a sentence and the field.

use axum::{body::Body, http::Request};
use insta::assert_snapshot;
use serde_json::json;

use crate::world::World;

#[tokio::test]
async fn every_route_but_health_and_the_description_wants_somebody_signed_in() {
    let world = World::new().await;
    let id = "01939d5e-6c2a-7b3c-9d4e-5f6071829304";
    for (method, path) in [
        ("GET", "/me".to_owned()),
        ("GET", "/tokens".to_owned()),
        ("POST", "/tokens".to_owned()),
        ("DELETE", format!("/tokens/{id}")),
        ("GET", "/company".to_owned()),
        ("PATCH", "/company".to_owned()),
        ("GET", "/people".to_owned()),
        ("GET", "/rooms".to_owned()),
        ("POST", "/rooms".to_owned()),
        ("PATCH", format!("/rooms/{id}")),
        ("GET", format!("/rooms/{id}/members")),
        ("POST", format!("/rooms/{id}/members")),
        ("PATCH", format!("/rooms/{id}/members/{id}")),
        ("DELETE", format!("/rooms/{id}/members/{id}")),
        ("GET", "/meetings".to_owned()),
        ("POST", "/meetings".to_owned()),
        ("GET", format!("/meetings/{id}")),
        ("PATCH", format!("/meetings/{id}")),
        ("DELETE", format!("/meetings/{id}")),
        ("POST", format!("/meetings/{id}/start")),
        ("GET", "/occurrences".to_owned()),
        ("GET", format!("/occurrences/{id}")),
        ("POST", format!("/occurrences/{id}/end")),
        ("GET", format!("/invitations/{id}/attempts")),
        ("POST", format!("/invitations/{id}/call")),
        ("POST", format!("/invitations/{id}/stop")),
        ("GET", "/events".to_owned()),
    ] {
        let path = format!("/api/v1{path}");
        let answer = world
            .ask(&world.nobody(), method, &path, Some(json!({})))
            .await;
        assert_eq!(answer.refusal(), "401 not_signed_in", "{method} {path}");
    }
    assert_eq!(
        world.get(&world.nobody(), "/api/v1/health").await.status,
        200
    );
    assert_eq!(
        world
            .get(&world.nobody(), "/api/v1/openapi.json")
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn a_route_that_is_not_there_says_so() {
    let world = World::new().await;
    let irina = world.irina().await;

    assert_snapshot!(world.get(&irina, "/api/v1/nothing").await.shown());
    assert_eq!(
        world.get(&irina, "/api/v2/rooms").await.refusal(),
        "404 not_found"
    );
    assert_eq!(world.get(&irina, "/api").await.refusal(), "404 not_found");
    assert_eq!(
        world
            .get(&irina, "/api/v1/meetings/not-an-id")
            .await
            .refusal(),
        "404 not_found"
    );
    let there_is_none = "/api/v1/meetings/01939d5e-6c2a-7b3c-9d4e-5f6071829304";
    assert_snapshot!(world.get(&irina, there_is_none).await.shown());
}

#[tokio::test]
async fn a_method_that_is_not_there_says_so_and_which_are() {
    let world = World::new().await;
    let irina = world.irina().await;

    let answer = world
        .ask(&irina, "PUT", "/api/v1/rooms", Some(json!({})))
        .await;

    assert_snapshot!(answer.shown());
    assert_eq!(answer.header("allow"), "GET,HEAD,POST");
}

#[tokio::test]
async fn json_that_is_none_is_told_with_its_place() {
    let world = World::new().await;
    let irina = world.irina().await;
    let send = |body: &'static str| {
        world.send(irina.request("POST", "/api/v1/rooms", Some(body.to_owned())))
    };

    assert_snapshot!(send("{\n  \"name\": \"A\",\n}").await.shown());
    assert_eq!(send("").await.refusal(), "400 malformed_json");
    assert_eq!(send("\u{0}\u{1}").await.refusal(), "400 malformed_json");
    assert_eq!(
        send("{\"name\":\"A\"} trailing").await.refusal(),
        "400 malformed_json"
    );
}

#[tokio::test]
async fn data_that_does_not_fit_is_told_with_its_field() {
    let world = World::new().await;
    let irina = world.irina().await;
    let refusal = |path: &'static str, body: serde_json::Value| {
        let (world, irina) = (&world, &irina);
        async move { world.post(irina, path, body).await }
    };

    assert_snapshot!(
        refusal("/api/v1/rooms", json!({ "name": "A", "nmae": "B" }))
            .await
            .shown()
    );
    assert_snapshot!(refusal("/api/v1/rooms", json!({})).await.shown());
    assert_snapshot!(refusal("/api/v1/rooms", json!({ "name": 7 })).await.shown());
    assert_eq!(
        refusal("/api/v1/rooms", json!([])).await.refusal(),
        "422 wrong_type"
    );
    assert_eq!(
        refusal(
            "/api/v1/meetings",
            json!({ "participants": [{ "role": "king" }] })
        )
        .await
        .refusal(),
        "422 wrong_type at participants[0].role"
    );
}

#[tokio::test]
async fn a_body_that_is_not_json_or_too_large_is_refused() {
    let world = World::new().await;
    let irina = world.irina().await;
    let mut form = irina.request("POST", "/api/v1/rooms", Some("name=A".to_owned()));
    form.headers_mut().insert(
        "content-type",
        "application/x-www-form-urlencoded".parse().unwrap(),
    );
    assert_snapshot!(world.send(form).await.shown());

    let large = format!("{{\"name\":\"{}\"}}", "x".repeat(300_000));
    assert_snapshot!(
        world
            .send(irina.request("POST", "/api/v1/rooms", Some(large)))
            .await
            .shown()
    );
}

#[tokio::test]
async fn what_another_sites_page_sends_is_not_carried_out() {
    let world = World::new().await;
    let irina = world.irina().await;
    let mut request = irina.request(
        "POST",
        "/api/v1/rooms",
        Some(json!({ "name": "A" }).to_string()),
    );
    request
        .headers_mut()
        .insert("origin", "http://evil.example".parse().unwrap());

    assert_snapshot!(world.send(request).await.shown());
    assert_eq!(
        world
            .get(&irina, "/api/v1/rooms")
            .await
            .json()
            .as_array()
            .unwrap()
            .len(),
        2
    );
}

#[tokio::test]
async fn refusals_are_in_the_language_of_the_browser_else_of_the_company() {
    let world = World::new().await;
    let anna = world.anna().await;
    let ask = |language: Option<&'static str>| {
        let mut request: Request<Body> = anna.request("GET", "/api/v1/meetings/none", None);
        if let Some(language) = language {
            request
                .headers_mut()
                .insert("accept-language", language.parse().unwrap());
        }
        world.send(request)
    };

    assert_eq!(
        ask(None).await.json()["message"],
        "Здесь нет такого: страница."
    );
    assert_eq!(
        ask(Some("en-GB,en;q=0.9")).await.json()["message"],
        "There is no page here."
    );
    assert_eq!(
        ask(Some("de")).await.json()["message"],
        "Здесь нет такого: страница."
    );
}

#[tokio::test]
async fn a_database_that_is_away_is_told_and_nothing_is_half_done() {
    let world = World::new().await;
    let irina = world.irina().await;
    world.store.close().await;

    let answer = world
        .post(&irina, "/api/v1/rooms", json!({ "name": "A" }))
        .await;

    assert_snapshot!(answer.shown());
    assert_eq!(answer.header("retry-after"), "5");
    let health = world.get(&irina, "/api/v1/health").await;
    assert_eq!(
        (health.status.as_u16(), &health.json()["ready"]),
        (503, &json!(false))
    );
}
