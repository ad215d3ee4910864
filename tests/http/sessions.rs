//! Signing in and out, tokens.

use domain::Span;
use insta::assert_snapshot;
use serde_json::json;

use crate::world::{PASSWORD, World};

#[tokio::test]
async fn signing_in_sets_a_cookie_that_scripts_and_other_sites_never_see() {
    let world = World::new().await;
    let body = json!({ "email": "Irina@Northway.example", "password": PASSWORD });

    let answer = world.post(&world.nobody(), "/api/v1/session", body).await;

    assert_snapshot!(answer.shown());
    let cookie = answer.header("set-cookie");
    let (session, attributes) = cookie.split_once(';').unwrap();
    assert_eq!(
        attributes,
        " Path=/; Max-Age=1209600; HttpOnly; SameSite=Strict"
    );

    let asker = crate::world::Asker {
        cookie: Some(session.to_owned()),
    };
    assert_snapshot!(world.get(&asker, "/api/v1/me").await.shown());
}

#[tokio::test]
async fn a_proxy_that_speaks_https_makes_the_cookie_secure() {
    let world = World::new().await;
    let body = json!({ "email": "irina@northway.example", "password": PASSWORD }).to_string();
    let mut request = world
        .nobody()
        .request("POST", "/api/v1/session", Some(body));
    request
        .headers_mut()
        .insert("x-forwarded-proto", "https".parse().unwrap());

    assert!(
        world
            .send(request)
            .await
            .header("set-cookie")
            .ends_with("; Secure")
    );
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_address_look_alike() {
    let world = World::new().await;
    let sign_in = |email: &str| {
        let body = json!({ "email": email, "password": "wrong" });
        let world = &world;
        async move {
            world
                .post(&world.nobody(), "/api/v1/session", body)
                .await
                .shown()
        }
    };

    let wrong = sign_in("irina@northway.example").await;
    assert_eq!(wrong, sign_in("nobody@northway.example").await);
    assert_snapshot!(wrong);
}

#[tokio::test]
async fn who_guesses_has_to_wait_and_the_right_password_works_afterwards() {
    let world = World::new().await;
    let sign_in = |password: &'static str| {
        let body = json!({ "email": "irina@northway.example", "password": password });
        let world = &world;
        async move { world.post(&world.nobody(), "/api/v1/session", body).await }
    };
    for _ in 0..6 {
        assert_eq!(sign_in("wrong").await.status, 401);
    }

    let refused = sign_in(PASSWORD).await;
    assert_snapshot!(refused.shown());
    assert_eq!(refused.header("retry-after"), "1");

    world.pass(Span::seconds(1));
    assert_eq!(sign_in(PASSWORD).await.status, 201);
}

#[tokio::test]
async fn signing_out_ends_the_session_and_may_be_done_twice() {
    let world = World::new().await;
    let irina = world.irina().await;

    for _ in 0..2 {
        let answer = world.ask(&irina, "DELETE", "/api/v1/session", None).await;
        assert_eq!(answer.status, 204);
        assert!(answer.header("set-cookie").contains("Max-Age=0"));
    }
    assert_eq!(
        world.get(&irina, "/api/v1/me").await.refusal(),
        "401 not_signed_in"
    );
}

#[tokio::test]
async fn a_session_ends_when_it_is_not_used_and_lasts_while_it_is() {
    let world = World::new().await;
    let irina = world.irina().await;
    let days = |days: i64| Span::minutes(days * 24 * 60);

    for _ in 0..5 {
        world.pass(days(10));
        assert_eq!(world.get(&irina, "/api/v1/me").await.status, 200);
    }
    world.pass(days(14));
    assert_eq!(
        world.get(&irina, "/api/v1/me").await.refusal(),
        "401 not_signed_in"
    );
}

#[tokio::test]
async fn a_token_acts_as_its_owner_until_it_is_revoked() {
    let world = World::new().await;
    let oleg = world.oleg().await;
    let made = world
        .post(&oleg, "/api/v1/tokens", json!({ "name": "backup" }))
        .await;
    assert_snapshot!(made.shown());
    let (secret, id) = (
        made.json()["secret"].clone(),
        made.json()["token"]["id"].clone(),
    );

    let with_token = || {
        let mut request = world.nobody().request("GET", "/api/v1/me", None);
        let bearer = format!("Bearer {}", secret.as_str().unwrap());
        request
            .headers_mut()
            .insert("authorization", bearer.parse().unwrap());
        request
    };
    assert_eq!(
        world.send(with_token()).await.json()["name"],
        "Oleg Sorokin"
    );
    assert_snapshot!(world.get(&oleg, "/api/v1/tokens").await.shown());

    let path = format!("/api/v1/tokens/{}", id.as_str().unwrap());
    let irina = world.irina().await;
    assert_eq!(
        world.ask(&irina, "DELETE", &path, None).await.refusal(),
        "404 not_found"
    );
    assert_eq!(world.ask(&oleg, "DELETE", &path, None).await.status, 204);
    assert_eq!(
        world.send(with_token()).await.refusal(),
        "401 not_signed_in"
    );
}

#[tokio::test]
async fn a_token_needs_a_name() {
    let world = World::new().await;
    let oleg = world.oleg().await;
    let name = |name: String| json!({ "name": name });

    assert_eq!(
        world
            .post(&oleg, "/api/v1/tokens", name(" ".to_owned()))
            .await
            .refusal(),
        "422 empty_name at name"
    );
    assert_eq!(
        world
            .post(&oleg, "/api/v1/tokens", name("x".repeat(101)))
            .await
            .refusal(),
        "422 name_too_long at name"
    );
}
