//! Occurrences: the dates of meetings, and gatherings nobody planned.

use domain::{
    CompanyId, MeetingId, Millis, OccurrenceId, RoomId,
    occurrence::{Occurrence, Status},
};

use sqlx::{Any, Executor};

use crate::{
    Store, StoreError, Versioned,
    db::Tx,
    error::is_taken,
    text::{from_json, parse, to_json},
};

type Columns = (String, i64, String);

fn occurrence((_, version, body): Columns) -> Result<Versioned<Occurrence>, StoreError> {
    Ok(Versioned {
        version,
        value: from_json("occurrences", &body)?,
    })
}

impl Store {
    /// Scheduled occurrences whose room is to open or whose dialling is to begin, earliest
    /// first: those that begin now, and those that should have begun while the server was away.
    pub async fn occurrences_to_open(
        &self,
        now: Millis,
    ) -> Result<Vec<Versioned<Occurrence>>, StoreError> {
        let rows: Vec<Columns> = sqlx::query_as(
            "SELECT id, version, body FROM occurrences
              WHERE status = 'scheduled' AND dial_at <= $1 ORDER BY dial_at, id",
        )
        .bind(now.0)
        .fetch_all(&self.db)
        .await?;
        Ok(self.sound(rows, occurrence))
    }

    /// Occurrences that go on and whose time is over, earliest first.
    pub async fn occurrences_to_end(
        &self,
        now: Millis,
    ) -> Result<Vec<Versioned<Occurrence>>, StoreError> {
        let rows: Vec<Columns> = sqlx::query_as(
            "SELECT id, version, body FROM occurrences
              WHERE status IN ('early', 'calling', 'live', 'open') AND ends_at <= $1 ORDER BY ends_at, id",
        )
        .bind(now.0)
        .fetch_all(&self.db)
        .await?;
        Ok(self.sound(rows, occurrence))
    }

    /// Occurrences that go on, of every company: what a restarted server takes up
    /// again. A damaged one is left out: it stops nobody else's.
    pub async fn occurrences_under_way(&self) -> Result<Vec<Versioned<Occurrence>>, StoreError> {
        let rows: Vec<Columns> = sqlx::query_as(
            "SELECT id, version, body FROM occurrences
              WHERE status IN ('early', 'calling', 'live', 'open') ORDER BY starts_at, id",
        )
        .fetch_all(&self.db)
        .await?;
        Ok(self.sound(rows, occurrence))
    }

    /// When the next scheduled occurrence after `now` wants to be opened; none when none is planned.
    pub async fn next_opening(&self, now: Millis) -> Result<Option<Millis>, StoreError> {
        let (next,): (Option<i64>,) = sqlx::query_as(
            "SELECT MIN(dial_at) FROM occurrences WHERE status = 'scheduled' AND dial_at > $1",
        )
        .bind(now.0)
        .fetch_one(&self.db)
        .await?;
        Ok(next.map(Millis))
    }

    pub async fn occurrence(
        &self,
        company: CompanyId,
        id: OccurrenceId,
    ) -> Result<Versioned<Occurrence>, StoreError> {
        read(&self.db, company, id).await
    }

    /// The company's occurrences that overlap a stretch of time, by start.
    pub async fn occurrences(
        &self,
        company: CompanyId,
        from: Millis,
        until: Millis,
    ) -> Result<Vec<Versioned<Occurrence>>, StoreError> {
        let rows: Vec<Columns> = sqlx::query_as(
            "SELECT id, version, body FROM occurrences
              WHERE company_id = $1 AND ends_at > $2 AND starts_at < $3 ORDER BY starts_at, id",
        )
        .bind(company.to_string())
        .bind(from.0)
        .bind(until.0)
        .fetch_all(&self.db)
        .await?;
        Ok(self.sound(rows, occurrence))
    }

    pub async fn occurrences_of(
        &self,
        meeting: MeetingId,
    ) -> Result<Vec<Versioned<Occurrence>>, StoreError> {
        let rows: Vec<Columns> = sqlx::query_as(
            "SELECT id, version, body FROM occurrences WHERE meeting_id = $1 ORDER BY starts_at, id",
        )
        .bind(meeting.to_string())
        .fetch_all(&self.db)
        .await?;
        Ok(self.sound(rows, occurrence))
    }

    /// The dates of every plan of a company, by start.
    pub async fn dates_of_plans(
        &self,
        company: CompanyId,
    ) -> Result<Vec<(MeetingId, OccurrenceId)>, StoreError> {
        let rows: Vec<(String, String)> = sqlx::query_as(
            "SELECT meeting_id, id FROM occurrences
              WHERE company_id = $1 AND meeting_id IS NOT NULL ORDER BY starts_at, id",
        )
        .bind(company.to_string())
        .fetch_all(&self.db)
        .await?;
        rows.iter()
            .map(|(meeting, id)| Ok((parse("occurrences", meeting)?, parse("occurrences", id)?)))
            .collect()
    }

    /// The occurrence that has a room now.
    ///
    /// Of several it is the planned one that is held, the latest to begin: people
    /// are called for the next one while this one still goes on. Then comes one
    /// that is being called, then a gathering that nobody planned, and last the
    /// first of those whose room is open to whoever comes early.
    pub async fn occurrence_in(
        &self,
        room: RoomId,
    ) -> Result<Option<Versioned<Occurrence>>, StoreError> {
        let row: Option<Columns> = sqlx::query_as(
            "SELECT id, version, body FROM occurrences
              WHERE room_id = $1 AND status IN ('early', 'calling', 'live', 'open')
              ORDER BY CASE WHEN status IN ('live', 'open') AND meeting_id IS NOT NULL THEN 0
                            WHEN status = 'calling' THEN 1
                            WHEN status = 'early' THEN 3
                            ELSE 2 END,
                       CASE WHEN status = 'early' THEN starts_at ELSE -starts_at END, id DESC
              LIMIT 1",
        )
        .bind(room.to_string())
        .fetch_optional(&self.db)
        .await?;
        row.map(occurrence).transpose()
    }

    /// Whether something is still planned or going on in a room; its title.
    pub async fn plan_in(&self, room: RoomId) -> Result<Option<String>, StoreError> {
        plan_in(&self.db, room).await
    }
}

pub(crate) async fn plan_in<'c>(
    db: impl Executor<'c, Database = Any>,
    room: RoomId,
) -> Result<Option<String>, StoreError> {
    let row: Option<Columns> = sqlx::query_as(
        "SELECT id, version, body FROM occurrences
          WHERE room_id = $1 AND status IN ('scheduled', 'early', 'calling', 'live', 'open')
          ORDER BY starts_at LIMIT 1",
    )
    .bind(room.to_string())
    .fetch_optional(db)
    .await?;
    Ok(row
        .map(occurrence)
        .transpose()?
        .map(|occurrence| occurrence.value.title))
}

pub(crate) async fn read<'c>(
    db: impl Executor<'c, Database = Any>,
    company: CompanyId,
    id: OccurrenceId,
) -> Result<Versioned<Occurrence>, StoreError> {
    let row: Option<Columns> = sqlx::query_as(
        "SELECT id, version, body FROM occurrences WHERE id = $1 AND company_id = $2",
    )
    .bind(id.to_string())
    .bind(company.to_string())
    .fetch_optional(db)
    .await?;
    occurrence(row.ok_or_else(|| StoreError::NotFound {
        what: "occurrence",
        id: id.to_string(),
    })?)
}

pub(crate) async fn write(
    connection: &mut Tx,
    row: &Versioned<Occurrence>,
) -> Result<(), StoreError> {
    let occurrence = &row.value;
    let done = sqlx::query(
        "INSERT INTO occurrences
            (id, company_id, meeting_id, room_id, status, dial_at, starts_at, ends_at, version, body, slot)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9 + 1, $10, $11)
         ON CONFLICT (id) DO UPDATE
            SET room_id = excluded.room_id, slot = excluded.slot, status = excluded.status, dial_at = excluded.dial_at,
                starts_at = excluded.starts_at, ends_at = excluded.ends_at,
                version = excluded.version, body = excluded.body
          WHERE occurrences.version = $9",
    )
    .bind(occurrence.id.to_string())
    .bind(occurrence.company.to_string())
    .bind(occurrence.meeting.map(|id| id.to_string()))
    .bind(occurrence.room.to_string())
    .bind(status_text(occurrence.status))
    .bind(awaits(occurrence).0)
    .bind(occurrence.starts_at.0)
    .bind(occurrence.ends_at.0)
    .bind(row.version)
    .bind(to_json(occurrence))
    .bind(occurrence.slot.map(|slot| slot.to_string()))
    .execute(connection)
    .await;
    let written = match done {
        Ok(done) => done.rows_affected() > 0,
        // Another gathering has begun in the room, or the series' day has its date already.
        Err(error) if is_taken(&error) => false,
        Err(error) => return Err(error.into()),
    };
    if !written {
        return Err(StoreError::Stale {
            what: "occurrence",
            id: occurrence.id.to_string(),
        });
    }
    Ok(())
}

/// What the column `dial_at` holds: the first moment at which a scheduled one is to be looked at.
fn awaits(occurrence: &Occurrence) -> Millis {
    let dial_at = occurrence.dial_at;
    occurrence.opens_at.map_or(dial_at, |at| at.min(dial_at))
}

pub(crate) fn is_over(occurrence: &Occurrence) -> bool {
    match occurrence.status {
        Status::Scheduled | Status::Early { .. } | Status::Calling { .. } | Status::Live { .. } => {
            false
        }
        Status::Ended { .. } | Status::Missed { .. } | Status::Cancelled { .. } => true,
    }
}

fn status_text(status: Status) -> &'static str {
    match status {
        Status::Scheduled => "scheduled",
        Status::Early { .. } => "early",
        Status::Calling { .. } => "calling",
        Status::Live { calls: true, .. } => "live",
        Status::Live { calls: false, .. } => "open",
        Status::Ended { .. } => "ended",
        Status::Missed { .. } => "missed",
        Status::Cancelled { .. } => "cancelled",
    }
}
