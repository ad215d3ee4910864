//! Recordings: where and when each was made, and by whom it may be heard. The
//! audio itself lies in files beside the database.

use domain::{CompanyId, Millis, RecordingId, RoomId};

use crate::{Store, StoreError, events, text::parse};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordingRow {
    pub id: RecordingId,
    pub company: CompanyId,
    pub room: RoomId,
    pub started_at: Millis,
    /// None while it runs.
    pub ended_at: Option<Millis>,
    /// The `api` crate's JSON.
    pub body: String,
}

type Columns = (String, String, String, i64, Option<i64>, String);

impl Store {
    /// Writes a recording, new or changed, with the event that tells of it.
    pub async fn save_recording(
        &self,
        row: &RecordingRow,
        event: &str,
        now: Millis,
    ) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        sqlx::query(
            "INSERT INTO recordings (id, company_id, room_id, started_at, ended_at, body)
             VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (id) DO UPDATE SET ended_at = excluded.ended_at, body = excluded.body",
        )
        .bind(row.id.to_string())
        .bind(row.company.to_string())
        .bind(row.room.to_string())
        .bind(row.started_at.0)
        .bind(row.ended_at.map(|at| at.0))
        .bind(&row.body)
        .execute(&mut tx)
        .await?;
        events::append(&mut tx, row.company, now, event).await?;
        tx.commit().await?;
        Ok(())
    }

    /// A company's recordings, the newest first.
    pub async fn recordings(
        &self,
        company: CompanyId,
        limit: i64,
    ) -> Result<Vec<RecordingRow>, StoreError> {
        let rows: Vec<Columns> = sqlx::query_as(
            "SELECT id, company_id, room_id, started_at, ended_at, body FROM recordings
              WHERE company_id = $1 ORDER BY started_at DESC, id DESC LIMIT $2",
        )
        .bind(company.to_string())
        .bind(limit)
        .fetch_all(&self.db)
        .await?;
        Ok(self.sound(rows, read))
    }

    pub async fn recording(
        &self,
        company: CompanyId,
        id: RecordingId,
    ) -> Result<RecordingRow, StoreError> {
        let row: Option<Columns> = sqlx::query_as(
            "SELECT id, company_id, room_id, started_at, ended_at, body FROM recordings
              WHERE company_id = $1 AND id = $2",
        )
        .bind(company.to_string())
        .bind(id.to_string())
        .fetch_optional(&self.db)
        .await?;
        row.ok_or_else(|| StoreError::NotFound {
            what: "recording",
            id: id.to_string(),
        })
        .and_then(read)
    }

    /// Those that run, of all companies: after a start, what a dead process left.
    pub async fn open_recordings(&self) -> Result<Vec<RecordingRow>, StoreError> {
        let rows: Vec<Columns> = sqlx::query_as(
            "SELECT id, company_id, room_id, started_at, ended_at, body FROM recordings
              WHERE ended_at IS NULL ORDER BY id",
        )
        .fetch_all(&self.db)
        .await?;
        Ok(self.sound(rows, read))
    }

    /// Those that ended before then, of all companies.
    pub async fn recordings_before(&self, then: Millis) -> Result<Vec<RecordingRow>, StoreError> {
        let rows: Vec<Columns> = sqlx::query_as(
            "SELECT id, company_id, room_id, started_at, ended_at, body FROM recordings
              WHERE ended_at < $1 ORDER BY id LIMIT 1000",
        )
        .bind(then.0)
        .fetch_all(&self.db)
        .await?;
        Ok(self.sound(rows, read))
    }

    /// Forgets a recording, with the event that tells of it.
    pub async fn remove_recording(
        &self,
        company: CompanyId,
        id: RecordingId,
        event: &str,
        now: Millis,
    ) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        let done = sqlx::query("DELETE FROM recordings WHERE company_id = $1 AND id = $2")
            .bind(company.to_string())
            .bind(id.to_string())
            .execute(&mut tx)
            .await?;
        if done.rows_affected() == 0 {
            return Err(StoreError::NotFound {
                what: "recording",
                id: id.to_string(),
            });
        }
        events::append(&mut tx, company, now, event).await?;
        tx.commit().await?;
        Ok(())
    }
}

fn read(
    (id, company, room, started_at, ended_at, body): Columns,
) -> Result<RecordingRow, StoreError> {
    Ok(RecordingRow {
        id: parse("recordings", &id)?,
        company: parse("recordings", &company)?,
        room: parse("recordings", &room)?,
        started_at: Millis(started_at),
        ended_at: ended_at.map(Millis),
        body,
    })
}
