//! What can go wrong with the rows, told apart by what the caller can do about it.

use std::path::PathBuf;

use domain::{AttemptId, OccurrenceId};

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("No {what} {id}")]
    NotFound { what: &'static str, id: String },

    /// Somebody else wrote the row since it was read. Read it again.
    #[error("The {what} {id} has changed in the meantime")]
    Stale { what: &'static str, id: String },

    /// The person's other call is not over (see [`crate::Store::begin_attempt`]).
    #[error("Attempt {other} is calling this person")]
    AlreadyCalling { other: AttemptId },

    /// Another server leads by now: what this one decides counts no more.
    #[error("Another server has taken the lead")]
    Deposed,

    /// Another occurrence has the room at that time.
    #[error("Occurrence {by} has the room")]
    RoomBooked { by: OccurrenceId },

    /// A value that must be there once is there already: an extension, a room's number, an address.
    #[error("Taken already: {0}")]
    Taken(String),

    #[error(
        "The database {url} is of version {found}, and this program knows versions up to {known}: it was used by a newer Rollcall"
    )]
    NewerDatabase { url: String, found: i64, known: i64 },

    #[error("Cannot use {path}: {source}")]
    Folder {
        path: PathBuf,
        source: std::io::Error,
    },

    #[error("Cannot use the database {url}: {reason}")]
    Url { url: String, reason: String },

    /// The key in the data folder is not the one that sealed this row.
    #[error("A secret of {0} was sealed by another key than the one in the data folder")]
    WrongKey(String),

    /// A row that no version of this program has written.
    #[error("A damaged row in {table}: {reason}")]
    Damaged { table: &'static str, reason: String },

    /// The database is away, or its disk is full. It may come back.
    #[error("The database does not answer: {0}")]
    Unavailable(#[source] sqlx::Error),

    #[error(transparent)]
    Database(sqlx::Error),
}

impl StoreError {
    /// Whether the same request may succeed later, with nobody changing anything about it.
    pub fn is_passing(&self) -> bool {
        matches!(self, StoreError::Unavailable(_))
    }
}

/// SQLite's primary codes for a database that cannot be written or reached just now (sqlite.org/rescode.html).
const SQLITE_PASSING: [i64; 7] = [
    5,  // BUSY
    6,  // LOCKED
    8,  // READONLY
    10, // IOERR
    13, // FULL
    14, // CANTOPEN
    26, // NOTADB: the file was swapped under us
];

/// PostgreSQL's classes of the same: connection exceptions, insufficient resources
/// (disk full among them), operator intervention, I/O errors; and a read-only server.
const POSTGRES_PASSING: [&str; 5] = ["08", "53", "57", "58", "25006"];

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        let passing = match &error {
            sqlx::Error::Io(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed
            | sqlx::Error::Protocol(_) => true,
            sqlx::Error::Database(database) => database.code().is_some_and(|code| {
                code.parse::<i64>()
                    .is_ok_and(|number| code.len() < 5 && SQLITE_PASSING.contains(&(number & 0xff)))
                    || (code.len() == 5
                        && POSTGRES_PASSING.iter().any(|class| code.starts_with(class)))
            }),
            _ => false,
        };
        if passing {
            StoreError::Unavailable(error)
        } else {
            StoreError::Database(error)
        }
    }
}

/// Whether the database refused a row because such a one is there already.
pub(crate) fn is_taken(error: &sqlx::Error) -> bool {
    error
        .as_database_error()
        .is_some_and(|error| error.is_unique_violation())
}
