//! The numbered events of a company. They are appended where the change they
//! tell of is written, kept for some days, and read again by whoever was away.

use domain::{CompanyId, Millis};
use sqlx::AssertSqlSafe;

use crate::{Store, StoreError, db::Tx};

/// One event as it was appended; `body` is the `api` crate's JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventRow {
    pub seq: i64,
    pub at: Millis,
    pub body: String,
}

impl Store {
    /// Appends an event and gives it its number: one more than the company's last, without gaps.
    pub async fn append_event(
        &self,
        company: CompanyId,
        at: Millis,
        body: &str,
    ) -> Result<i64, StoreError> {
        let mut tx = self.write().await?;
        let seq = append(&mut tx, company, at, body).await?;
        tx.commit().await?;
        Ok(seq)
    }

    /// Appends several events as one; the numbers are in their order.
    pub async fn append_events(
        &self,
        company: CompanyId,
        at: Millis,
        bodies: &[String],
    ) -> Result<Vec<i64>, StoreError> {
        let mut tx = self.write().await?;
        let numbers = append_all(&mut tx, company, at, bodies).await?;
        tx.commit().await?;
        Ok(numbers)
    }

    /// The number of the company's last event; 0 before the first.
    pub async fn last_event(&self, company: CompanyId) -> Result<i64, StoreError> {
        let row: Option<(i64,)> = sqlx::query_as("SELECT event_seq FROM companies WHERE id = $1")
            .bind(company.to_string())
            .fetch_optional(&self.db)
            .await?;
        Ok(row.map_or(0, |(seq,)| seq))
    }

    /// The events after `seq`, oldest first, `limit` at most.
    ///
    /// `None` if some of them are no longer kept, or `seq` was never reached:
    /// whoever asks needs a snapshot.
    pub async fn events_after(
        &self,
        company: CompanyId,
        seq: i64,
        limit: i64,
    ) -> Result<Option<Vec<EventRow>>, StoreError> {
        let last = self.last_event(company).await?;
        if seq < 0 || seq > last {
            return Ok(None);
        }
        let rows: Vec<(i64, i64, String)> = sqlx::query_as(
            "SELECT seq, at, body FROM events WHERE company_id = $1 AND seq > $2 ORDER BY seq LIMIT $3",
        )
        .bind(company.to_string())
        .bind(seq)
        .bind(limit)
        .fetch_all(&self.db)
        .await?;
        let first = rows.first().map_or(last + 1, |row| row.0);
        if first != seq + 1 {
            return Ok(None);
        }
        Ok(Some(
            rows.into_iter()
                .map(|(seq, at, body)| EventRow {
                    seq,
                    at: Millis(at),
                    body,
                })
                .collect(),
        ))
    }

    /// Forgets the events before `at`, of every company.
    pub async fn forget_events(&self, before: Millis) -> Result<u64, StoreError> {
        let done = sqlx::query("DELETE FROM events WHERE at < $1")
            .bind(before.0)
            .execute(&self.db)
            .await?;
        Ok(done.rows_affected())
    }
}

/// So many rows are inserted by one statement, as long as there are that many. Each length is
/// a statement of its own that the database must read and keep: hence few.
const AT_ONCE: [usize; 3] = [32, 8, 1];

/// Appends within the transaction that makes the change.
pub(crate) async fn append(
    connection: &mut Tx,
    company: CompanyId,
    at: Millis,
    body: &str,
) -> Result<i64, StoreError> {
    let numbers = append_all(connection, company, at, &[body]).await?;
    Ok(numbers[0])
}

/// Appends several; their numbers are in their order.
///
/// The company's row is written first, so that two writers number one after the other.
pub(crate) async fn append_all(
    connection: &mut Tx,
    company: CompanyId,
    at: Millis,
    bodies: &[impl AsRef<str>],
) -> Result<Vec<i64>, StoreError> {
    if bodies.is_empty() {
        return Ok(Vec::new());
    }
    let count = bodies.len() as i64;
    let row: Option<(i64,)> = sqlx::query_as(
        "UPDATE companies SET event_seq = event_seq + $2 WHERE id = $1 RETURNING event_seq",
    )
    .bind(company.to_string())
    .bind(count)
    .fetch_optional(&mut *connection)
    .await?;
    let Some((last,)) = row else {
        return Err(StoreError::NotFound {
            what: "company",
            id: company.to_string(),
        });
    };
    let numbers: Vec<i64> = (last - count + 1..=last).collect();
    let mut done = 0;
    while done < bodies.len() {
        let left = bodies.len() - done;
        let rows = AT_ONCE.into_iter().find(|&rows| rows <= left).unwrap_or(1);
        let mut insert = sqlx::query(AssertSqlSafe(insertion(rows)))
            .bind(company.to_string())
            .bind(at.0);
        for (seq, body) in numbers.iter().zip(bodies).skip(done).take(rows) {
            insert = insert.bind(*seq).bind(body.as_ref());
        }
        insert.execute(&mut *connection).await?;
        done += rows;
    }
    Ok(numbers)
}

/// Company and time are the first parameters, number and body of each row the others.
fn insertion(rows: usize) -> String {
    let values: Vec<String> = (0..rows)
        .map(|row| format!("($1, ${}, $2, ${})", 2 * row + 3, 2 * row + 4))
        .collect();
    let values = values.join(", ");
    format!("INSERT INTO events (company_id, seq, at, body) VALUES {values}")
}
