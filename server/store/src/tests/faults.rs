//! A full disk, a key that is not ours, a folder or a database that cannot be used.

use domain::Span;

use crate::{
    Store, StoreError,
    testing::{NOW, northway},
};

#[tokio::test]
async fn a_full_disk_refuses_what_is_new_and_leaves_what_is_there() {
    let northway = northway().await;
    let (store, company) = (northway.store(), northway.company);
    if std::env::var_os("ROLLCALL_TEST_POSTGRES").is_some() {
        return; // The disk is the server's there.
    }
    let plan = northway.plan(NOW + Span::minutes(60), &["+79160000001"]);
    store.save_plan(&plan, NOW).await.unwrap();
    let mut connections = Vec::new();
    for _ in 0..store.db.pool.options().get_max_connections() {
        connections.push(store.db.pool.acquire().await.unwrap());
    }
    for connection in &mut connections {
        // No smaller than it is: from here on it cannot grow.
        sqlx::query("PRAGMA max_page_count = 1")
            .fetch_all(&mut **connection)
            .await
            .unwrap();
    }
    drop(connections);

    let large = format!("\"{}\"", "x".repeat(1_000_000));
    let refused = store.append_event(company, NOW, &large).await.unwrap_err();

    assert!(refused.is_passing(), "{refused}");
    assert_eq!(
        store.last_event(company).await.unwrap(),
        1,
        "nothing half-written remains"
    );
    assert_eq!(
        store.meeting(company, plan.meeting.id).await.unwrap(),
        plan.meeting
    );
}

#[tokio::test]
async fn a_database_without_its_key_says_so() {
    let northway = northway().await;
    if std::env::var_os("ROLLCALL_TEST_POSTGRES").is_some() {
        return; // The same is tried with the file, which is easier to carry off.
    }
    northway.store().close().await;
    let folder = northway.database.folder();
    std::fs::remove_file(folder.join("secret.key")).unwrap();

    let stranger = Store::open(folder, None).await.unwrap();

    let refused = stranger.directory().await.unwrap_err();
    assert!(matches!(refused, StoreError::WrongKey(_)), "{refused}");
}

#[tokio::test]
async fn a_folder_that_cannot_be_used_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "in the way").unwrap();

    let refused = Store::open(&file, None).await.unwrap_err();

    assert!(matches!(&refused, StoreError::Folder { .. }), "{refused}");
    assert!(refused.to_string().contains("/file"), "{refused}");
}

#[tokio::test]
async fn a_database_that_is_none_is_named() {
    let folder = tempfile::tempdir().unwrap();

    let refused = Store::open(folder.path(), Some("mysql://root:s3cret@localhost/x"))
        .await
        .unwrap_err();
    assert!(!refused.to_string().contains("s3cret"), "{refused}");
    let nobody = Store::open(
        folder.path(),
        Some("postgres://rollcall:s3cret@127.0.0.1:1/x"),
    )
    .await
    .unwrap_err();
    assert!(
        nobody
            .to_string()
            .starts_with("Cannot use the database postgres://rollcall@127.0.0.1:1/x"),
        "{nobody}"
    );
}
