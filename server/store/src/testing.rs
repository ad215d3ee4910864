//! A database for one test: a SQLite file of its own, or a schema of its own in
//! the PostgreSQL that `ROLLCALL_TEST_POSTGRES` names (see `scripts/with-postgres`).

use domain::Millis;
use tempfile::TempDir;

use crate::{CompanyPlan, Store, seal::random, text::to_hex};

pub(crate) const NOW: Millis = Millis(1_795_341_600_000);

pub(crate) struct Database {
    pub(crate) store: Store,
    pub(crate) folder: TempDir,
}

pub(crate) async fn database() -> Database {
    let folder = tempfile::tempdir().unwrap();
    let store = match std::env::var("ROLLCALL_TEST_POSTGRES") {
        Ok(url) => Store::open(folder.path(), Some(&own_schema(&url).await))
            .await
            .unwrap(),
        Err(_) => Store::open(folder.path(), None).await.unwrap(),
    };
    Database { store, folder }
}

/// Makes a schema that nobody else uses, and answers the URL that stays in it.
async fn own_schema(url: &str) -> String {
    sqlx::any::install_default_drivers();
    let schema = format!("test_{}", to_hex(&random::<8>()));
    let pool = sqlx::AnyPool::connect(url).await.unwrap();
    let create = format!("CREATE SCHEMA {schema}");
    sqlx::raw_sql(sqlx::AssertSqlSafe(create))
        .execute(&pool)
        .await
        .unwrap();
    pool.close().await;
    let joint = if url.contains('?') { '&' } else { '?' };
    format!("{url}{joint}options=-csearch_path%3D{schema}")
}

/// A company with nobody in it.
pub(crate) fn empty_plan(name: &str, domain: &str) -> CompanyPlan {
    CompanyPlan {
        company: domain::company::Company {
            id: domain::CompanyId::new(NOW, [0; 10]),
            name: name.to_owned(),
            domain: domain.to_owned(),
            language: domain::Language::English,
            zone: "Europe/Moscow".parse().unwrap(),
            rules: domain::rules::RetryRules::default(),
            lead_ms: domain::company::DEFAULT_LEAD,
            quiet_hours: None,
        },
        employees: Vec::new(),
        trunks: Vec::new(),
        numbers: Vec::new(),
        rooms: Vec::new(),
    }
}
