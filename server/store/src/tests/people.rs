//! Logins, sessions, tokens, registrations.

use domain::{Span, TokenId};
use uuid::Uuid;

use crate::{
    BindingRow, Secret,
    seal::random,
    testing::{NOW, northway},
};

#[tokio::test]
async fn a_session_lasts_until_it_ends_or_is_ended() {
    let northway = northway().await;
    let store = northway.store();
    let login = store
        .login(" Irina@Northway.example")
        .await
        .unwrap()
        .unwrap();
    let session = Secret::random("");
    store
        .begin_session(login.user.id, &session.hash(), NOW, NOW + Span(1_000))
        .await
        .unwrap();

    let found = |at| {
        let hash = session.hash();
        async move {
            store
                .session(&hash, at)
                .await
                .unwrap()
                .map(|(user, _)| user)
        }
    };
    assert_eq!(found(NOW + Span(999)).await, Some(login.user.clone()));
    assert_eq!(found(NOW + Span(1_000)).await, None);

    store.end_session(&session.hash()).await.unwrap();
    assert_eq!(found(NOW).await, None);
    assert!(
        store
            .session(&Secret::from_text("guess").hash(), NOW)
            .await
            .unwrap()
            .is_none()
    );
}

#[tokio::test]
async fn a_token_works_until_its_owner_revokes_it() {
    let northway = northway().await;
    let store = northway.store();
    let owner = store
        .login("irina@northway.example")
        .await
        .unwrap()
        .unwrap()
        .user;
    let (id, token) = (TokenId::new(NOW, random()), Secret::random("rollcall_"));
    store
        .add_token(id, owner.id, "backup", &token.hash(), NOW)
        .await
        .unwrap();

    assert_eq!(
        store.token(&token.hash(), NOW + Span(5)).await.unwrap(),
        Some(owner.clone())
    );
    let listed = store.tokens(owner.id).await.unwrap();
    assert_eq!(listed[0].used_at, Some(NOW + Span(5)));

    let stranger = domain::UserId::new(NOW, random());
    assert!(
        store.remove_token(stranger, id).await.is_err(),
        "somebody else's"
    );
    store.remove_token(owner.id, id).await.unwrap();
    assert_eq!(store.token(&token.hash(), NOW).await.unwrap(), None);
}

#[tokio::test]
async fn no_secret_stands_in_a_row() {
    let northway = northway().await;
    let store = northway.store();
    let owner = store
        .login("irina@northway.example")
        .await
        .unwrap()
        .unwrap()
        .user;
    let (session, token) = (Secret::random(""), Secret::random("rollcall_"));
    store
        .begin_session(owner.id, &session.hash(), NOW, NOW + Span(1_000))
        .await
        .unwrap();
    store
        .add_token(
            TokenId::new(NOW, random()),
            owner.id,
            "a",
            &token.hash(),
            NOW,
        )
        .await
        .unwrap();

    let rows: Vec<(String,)> = sqlx::query_as(
        "SELECT hash FROM sessions UNION SELECT hash FROM tokens
          UNION SELECT sealed_ha1 FROM devices WHERE sealed_ha1 IS NOT NULL",
    )
    .fetch_all(&store.db)
    .await
    .unwrap();

    assert_eq!(rows.len(), 4);
    let ha1 = crate::Ha1::of("irina", "northway.example", "long enough");
    for secret in [
        session.reveal(),
        token.reveal(),
        &ha1.md5,
        &ha1.sha256,
        "long enough",
    ] {
        assert!(rows.iter().all(|(row,)| !row.contains(secret)));
    }
}

#[tokio::test]
async fn registrations_survive_until_they_expire() {
    let northway = northway().await;
    let store = northway.store();
    let account = Uuid::from_u128(7);
    let binding = |contact: &str, lasts| BindingRow {
        account,
        contact: contact.to_owned(),
        expires_at: NOW + Span(lasts),
        body: "{}".to_owned(),
    };

    store
        .save_bindings(account, &[binding("sip:a", 60), binding("sip:b", 30)])
        .await
        .unwrap();
    assert_eq!(store.bindings(NOW).await.unwrap().len(), 2);
    assert_eq!(
        store.bindings(NOW + Span(30)).await.unwrap(),
        [binding("sip:a", 60)]
    );

    store.save_bindings(account, &[]).await.unwrap();
    assert_eq!(store.bindings(NOW).await.unwrap(), []);
}
