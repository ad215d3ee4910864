//! Opening the database: the embedded SQLite file, or PostgreSQL by URL.

use std::{
    collections::BTreeSet,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, atomic::AtomicI64},
    time::Duration,
};

use sqlx::{AnyPool, AssertSqlSafe, Connection, Executor, any::AnyPoolOptions};

use crate::{
    StoreError,
    db::{ANSWER_TIMEOUT, Db, Tx, no_answer},
    migrate,
    seal::Seal,
    together::Together,
};

/// How long a query may wait for a connection before the caller is told that the database is away.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(4);

/// How long PostgreSQL works on one statement, waiting for locks included. SQLite's `busy_timeout` is as long.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(4);

/// Connections to SQLite. One writes at a time; the others read beside it.
const SQLITE_CONNECTIONS: u32 = 4;
const POSTGRES_CONNECTIONS: u32 = 10;

/// Where the rows are, and the key to the secrets among them. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Store {
    pub(crate) db: Db,
    pub(crate) seal: Seal,
    dialect: Dialect,
    pub(crate) together: Arc<Together>,
    /// The term this server leads in; 0: there is no other server, or it does not lead.
    pub(crate) term: Arc<AtomicI64>,
    /// Rows that cannot be read and of which the log has been told.
    damaged: Arc<Mutex<BTreeSet<String>>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Dialect {
    Sqlite,
    Postgres,
}

impl Store {
    /// Opens the database and brings it to this program's version.
    ///
    /// Without a `url` it is `rollcall.sqlite` in `data_dir`, made if it is not
    /// there. The key of the secrets is always in `data_dir`.
    ///
    /// # Errors
    /// If the folder cannot be written, the database cannot be reached, or it
    /// has been used by a newer program ([`StoreError::NewerDatabase`]).
    pub async fn open(data_dir: &Path, url: Option<&str>) -> Result<Self, StoreError> {
        sqlx::any::install_default_drivers();
        make_folder(data_dir)?;
        let seal = Seal::from_folder(data_dir)?;

        let file = data_dir.join("rollcall.sqlite");
        let url = match url {
            Some(url) => url.to_owned(),
            None => format!("sqlite://{}?mode=rwc", percent_encoded(&file)),
        };
        let dialect = Dialect::of(&url)?;
        let db = Db {
            pool: dialect.connect(&url).await?,
        };
        let store = Self {
            db,
            seal,
            dialect,
            together: Arc::default(),
            term: Arc::default(),
            damaged: Arc::default(),
        };
        migrate::run(&store, &without_password(&url)).await?;
        Ok(store)
    }

    /// Whether the database answers.
    pub async fn is_up(&self) -> bool {
        sqlx::query("SELECT 1").execute(&self.db).await.is_ok()
    }

    pub(crate) fn is_postgres(&self) -> bool {
        self.dialect == Dialect::Postgres
    }

    /// Waits for what is under way and lets go of the database.
    pub async fn close(&self) {
        self.db.pool.close().await;
    }

    /// A transaction that only reads, so that all it reads is of one moment.
    pub(crate) async fn read(&self) -> Result<Tx, StoreError> {
        let begin = match self.dialect {
            Dialect::Sqlite => "BEGIN",
            Dialect::Postgres => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        };
        Ok(self.db.begin(begin).await?)
    }

    /// A transaction that will write.
    ///
    /// In SQLite it takes the write lock at once. One that began by reading
    /// could not take it later if somebody else had written in between.
    pub(crate) async fn write(&self) -> Result<Tx, StoreError> {
        let begin = match self.dialect {
            Dialect::Sqlite => "BEGIN IMMEDIATE",
            Dialect::Postgres => "BEGIN",
        };
        Ok(self.db.begin(begin).await?.acting())
    }
}

impl Store {
    /// Lets a transaction take as long as it needs: a migration of many rows.
    pub(crate) async fn without_limit(&self, tx: &mut Tx) -> Result<(), StoreError> {
        tx.without_limit();
        if self.is_postgres() {
            (&mut *tx)
                .execute("SET LOCAL statement_timeout = 0")
                .await?;
        }
        Ok(())
    }
}

impl Store {
    /// The rows that can be read. A damaged one is left out, so that it stops
    /// nobody else's; the log is told of it once.
    pub(crate) fn sound<R: Row, T>(
        &self,
        rows: Vec<R>,
        read: impl Fn(R) -> Result<T, StoreError>,
    ) -> Vec<T> {
        rows.into_iter()
            .filter_map(|row| {
                let id = row.id().to_owned();
                match read(row) {
                    Ok(value) => Some(value),
                    Err(error) => {
                        let mut told = self.damaged.lock().unwrap_or_else(PoisonError::into_inner);
                        if told.insert(id.clone()) {
                            tracing::error!(%id, %error, "A row cannot be read and is left out");
                        }
                        None
                    }
                }
            })
            .collect()
    }
}

/// Columns of which the first is the row's id.
pub(crate) trait Row {
    fn id(&self) -> &str;
}

macro_rules! rows_with_ids {
    ($(($($column:ident),*))*) => {$(
        impl<$($column),*> Row for (String, $($column),*) {
            fn id(&self) -> &str {
                &self.0
            }
        }
    )*};
}

rows_with_ids! { (A) (A, B) (A, B, C) (A, B, C, D) (A, B, C, D, E) (A, B, C, D, E, F) }

impl Dialect {
    fn of(url: &str) -> Result<Self, StoreError> {
        if url.starts_with("sqlite:") {
            Ok(Dialect::Sqlite)
        } else if url.starts_with("postgres:") || url.starts_with("postgresql:") {
            Ok(Dialect::Postgres)
        } else {
            Err(StoreError::Url {
                url: without_password(url),
                reason: "it must begin with sqlite: or postgres:".to_owned(),
            })
        }
    }

    async fn connect(self, url: &str) -> Result<AnyPool, StoreError> {
        let options = AnyPoolOptions::new().acquire_timeout(ACQUIRE_TIMEOUT);
        let options = match self {
            Dialect::Sqlite => {
                options
                    .max_connections(SQLITE_CONNECTIONS)
                    .after_connect(|connection, _| {
                        Box::pin(async move {
                            // FULL: what the API has answered with 2xx survives a power cut.
                            connection
                                .execute(
                                    "PRAGMA busy_timeout = 4000;
                             PRAGMA journal_mode = WAL;
                             PRAGMA synchronous = FULL;
                             PRAGMA foreign_keys = ON;",
                                )
                                .await?;
                            Ok(())
                        })
                    })
            }
            Dialect::Postgres => options
                .max_connections(POSTGRES_CONNECTIONS)
                .after_connect(|connection, _| {
                    Box::pin(async move {
                        let limit = STATEMENT_TIMEOUT.as_millis();
                        let set = format!("SET statement_timeout = {limit}");
                        connection.execute(AssertSqlSafe(set)).await?;
                        Ok(())
                    })
                })
                // One given up may never answer again; its place is for another then.
                .after_release(|connection, _| {
                    Box::pin(async move {
                        match tokio::time::timeout(ANSWER_TIMEOUT, connection.ping()).await {
                            Ok(answer) => answer.map(|()| true),
                            Err(_) => Err(no_answer()),
                        }
                    })
                }),
        };
        options.connect(url).await.map_err(|error| StoreError::Url {
            url: without_password(url),
            reason: error.to_string(),
        })
    }
}

fn make_folder(path: &Path) -> Result<(), StoreError> {
    let failed = |source| StoreError::Folder {
        path: path.to_owned(),
        source,
    };
    // Hashes of passwords and the meetings' PINs are in there: nobody else's to read.
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(failed)?;
    // Being there is not being writable.
    let probe: PathBuf = path.join(".writable");
    std::fs::write(&probe, b"").map_err(failed)?;
    std::fs::remove_file(&probe).map_err(failed)
}

/// A path as the part of a URL it becomes: `?`, `#`, `%` and blanks would end or change it.
fn percent_encoded(path: &Path) -> String {
    let mut encoded = String::new();
    for byte in path.to_string_lossy().bytes() {
        match byte {
            b'/' | b'.' | b'-' | b'_' | b'~' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => {
                encoded.push(char::from(byte));
            }
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

/// The URL as it may be printed.
fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_owned();
    };
    let Some((login, host)) = rest.rsplit_once('@') else {
        return url.to_owned();
    };
    let user = login.split(':').next().unwrap_or_default();
    format!("{scheme}://{user}@{host}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_printed_without_its_password() {
        assert_eq!(
            without_password("postgres://rollcall:s3cret@db.example:5432/rollcall"),
            "postgres://rollcall@db.example:5432/rollcall"
        );
        assert_eq!(
            without_password("sqlite:///var/lib/a.sqlite"),
            "sqlite:///var/lib/a.sqlite"
        );
    }

    #[tokio::test]
    async fn a_statement_has_a_limit_that_a_migration_lifts() {
        let database = crate::testing::database().await;
        let store = &database.store;
        let (ask, limited, lifted) = match store.dialect {
            Dialect::Sqlite => (
                "SELECT CAST(timeout AS TEXT) FROM pragma_busy_timeout",
                "4000",
                "4000",
            ),
            Dialect::Postgres => ("SELECT current_setting('statement_timeout')", "4s", "0"),
        };
        let mut tx = store.write().await.unwrap();
        let (limit,): (String,) = sqlx::query_as(ask).fetch_one(&mut tx).await.unwrap();
        assert_eq!(limit, limited);

        store.without_limit(&mut tx).await.unwrap();
        let (limit,): (String,) = sqlx::query_as(ask).fetch_one(&mut tx).await.unwrap();
        assert_eq!(limit, lifted);
        tx.commit().await.unwrap();

        let (limit,): (String,) = sqlx::query_as(ask).fetch_one(&store.db).await.unwrap();
        assert_eq!(limit, limited, "for that transaction alone");
    }

    #[test]
    fn a_folder_may_have_any_name() {
        assert_eq!(
            percent_encoded(Path::new("/data/50% off?/дом")),
            "/data/50%25%20off%3F/%D0%B4%D0%BE%D0%BC"
        );
    }
}
