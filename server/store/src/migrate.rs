//! Brings a database to this program's version, one migration after the other.
//!
//! Each migration and the note that it was made are one transaction, so a
//! program killed in between leaves a database that the next one can go on with.
//! Migrations expand, then contract: none takes away what the version before still reads.

use sqlx::raw_sql;

use crate::{Store, StoreError};

/// In order; a migration that has been published is never edited.
const MIGRATIONS: &[&str] = &[
    include_str!("../../../migrations/0001_the_house.sql"),
    include_str!("../../../migrations/0002_calibrations.sql"),
    include_str!("../../../migrations/0003_series.sql"),
    include_str!("../../../migrations/0004_doors.sql"),
    include_str!("../../../migrations/0005_event_numbers.sql"),
    include_str!("../../../migrations/0006_the_desk.sql"),
    include_str!("../../../migrations/0007_calls_of_a_day.sql"),
    include_str!("../../../migrations/0008_notices.sql"),
    include_str!("../../../migrations/0009_talks.sql"),
    include_str!("../../../migrations/0010_who_is_due.sql"),
    include_str!("../../../migrations/0011_recordings.sql"),
    include_str!("../../../migrations/0012_do_not_disturb.sql"),
    include_str!("../../../migrations/0013_who_leads.sql"),
    include_str!("../../../migrations/0014_answers.sql"),
    include_str!("../../../migrations/0015_own_calls.sql"),
];

pub(crate) async fn run(store: &Store, url: &str) -> Result<(), StoreError> {
    raw_sql("CREATE TABLE IF NOT EXISTS schema_version (id BIGINT PRIMARY KEY, version BIGINT NOT NULL)")
        .execute(&store.db)
        .await?;
    sqlx::query(
        "INSERT INTO schema_version (id, version) VALUES (1, 0) ON CONFLICT (id) DO NOTHING",
    )
    .execute(&store.db)
    .await?;

    let known = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
    loop {
        let mut tx = store.write().await?;
        store.without_limit(&mut tx).await?;
        // Writing the row takes its lock: of two servers that start at once, one waits here.
        let (found,): (i64,) = sqlx::query_as(
            "UPDATE schema_version SET version = version WHERE id = 1 RETURNING version",
        )
        .fetch_one(&mut tx)
        .await?;
        if found > known {
            return Err(StoreError::NewerDatabase {
                url: url.to_owned(),
                found,
                known,
            });
        }
        let Some(migration) = usize::try_from(found)
            .ok()
            .and_then(|next| MIGRATIONS.get(next))
        else {
            return Ok(());
        };
        raw_sql(*migration).execute(&mut tx).await?;
        sqlx::query("UPDATE schema_version SET version = version + 1 WHERE id = 1")
            .execute(&mut tx)
            .await?;
        tx.commit().await?;
        tracing::info!(version = found + 1, "Migrated the database");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::database;

    #[tokio::test]
    async fn a_database_of_a_newer_version_is_refused_and_left_alone() {
        let database = database().await;
        sqlx::query("UPDATE schema_version SET version = 900")
            .execute(&database.store.db)
            .await
            .unwrap();

        let refused = run(&database.store, "here").await.unwrap_err();

        assert!(
            matches!(refused, StoreError::NewerDatabase { found: 900, .. }),
            "{refused}"
        );
        assert!(refused.to_string().contains("newer Rollcall"), "{refused}");
        let (version,): (i64,) = sqlx::query_as("SELECT version FROM schema_version")
            .fetch_one(&database.store.db)
            .await
            .unwrap();
        assert_eq!(version, 900);
    }

    #[tokio::test]
    async fn migrating_twice_changes_nothing() {
        let database = database().await;
        run(&database.store, "here").await.unwrap();
        let (version,): (i64,) = sqlx::query_as("SELECT version FROM schema_version")
            .fetch_one(&database.store.db)
            .await
            .unwrap();
        assert_eq!(version, i64::try_from(MIGRATIONS.len()).unwrap());
    }
}
