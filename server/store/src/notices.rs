//! Mails and short messages, written with what caused them and sent by lease.

use domain::{
    CompanyId, Millis, NoticeId, OccurrenceId,
    notice::{Notice, State},
};

use crate::{
    Store, StoreError,
    db::Tx,
    events,
    text::{from_json, to_json},
};

/// A notice to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoticeRow {
    pub notice: Notice,
    /// Whoever else says the same has said it: the row is left out then.
    pub once: Option<String>,
}

impl From<Notice> for NoticeRow {
    fn from(notice: Notice) -> Self {
        Self { notice, once: None }
    }
}

impl Store {
    /// The queues in which something is due, and those alone.
    pub async fn due_queues(&self, now: Millis) -> Result<Vec<String>, StoreError> {
        let rows: Vec<(String,)> = sqlx::query_as(
            "SELECT DISTINCT queue FROM notices
              WHERE status = 'waiting' AND due_at <= $1 AND leased_until <= $1 ORDER BY queue",
        )
        .bind(now.0)
        .fetch_all(&self.db)
        .await?;
        Ok(rows.into_iter().map(|(queue,)| queue).collect())
    }

    /// Claims what is due in a queue, oldest first. A server that dies loses its
    /// claims when `lease_until` passes; [`Store::save_notice`] gives one back.
    pub async fn claim_notices(
        &self,
        queue: &str,
        now: Millis,
        lease_until: Millis,
        limit: i64,
    ) -> Result<Vec<Notice>, StoreError> {
        let rows: Vec<(String, String)> = sqlx::query_as(
            "UPDATE notices SET leased_until = $2
              WHERE status = 'waiting' AND leased_until <= $1
                AND id IN (SELECT id FROM notices
                            WHERE status = 'waiting' AND queue = $3 AND due_at <= $1 AND leased_until <= $1
                            ORDER BY due_at, id
                            LIMIT $4)
          RETURNING id, body",
        )
        .bind(now.0)
        .bind(lease_until.0)
        .bind(queue)
        .bind(limit)
        .fetch_all(&self.db)
        .await?;
        let mut claimed = self.sound(rows, |(_, body)| from_json::<Notice>("notices", &body));
        // RETURNING promises no order.
        claimed.sort_by_key(|notice| (notice.due_at(), notice.id));
        Ok(claimed)
    }

    /// When the next notice falls due, or a lease that stands before one ends.
    pub async fn next_notice(&self) -> Result<Option<Millis>, StoreError> {
        let (next,): (Option<i64>,) = sqlx::query_as(
            "SELECT MIN(CASE WHEN leased_until > due_at THEN leased_until ELSE due_at END)
               FROM notices WHERE status = 'waiting'",
        )
        .fetch_one(&self.db)
        .await?;
        Ok(next.map(Millis))
    }

    /// Writes what became of a try, with the event that tells of it.
    pub async fn save_notice(
        &self,
        notice: &Notice,
        event: &str,
        now: Millis,
    ) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        sqlx::query(
            "UPDATE notices SET status = $2, due_at = $3, leased_until = 0, body = $4
              WHERE id = $1 AND status = 'waiting'",
        )
        .bind(notice.id.to_string())
        .bind(status_text(notice.state))
        .bind(notice.due_at().map(|at| at.0))
        .bind(to_json(notice))
        .execute(&mut tx)
        .await?;
        events::append(&mut tx, notice.company, now, event).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Makes everything that waits in a queue due: there is something to send it by now.
    pub async fn hurry_notices(&self, queue: &str, now: Millis) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        hurry(&mut tx, queue, now).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Writes notices on their own.
    pub async fn add_notices(&self, notices: &[NoticeRow]) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        for notice in notices {
            write(&mut tx, notice).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// Everything that was written to anybody about a date, first to last.
    pub async fn notices_of(&self, occurrence: OccurrenceId) -> Result<Vec<Notice>, StoreError> {
        let rows: Vec<(String, String)> = sqlx::query_as(
            "SELECT id, body FROM notices WHERE occurrence_id = $1 ORDER BY created_at, id",
        )
        .bind(occurrence.to_string())
        .fetch_all(&self.db)
        .await?;
        Ok(self.sound(rows, |(_, body)| from_json("notices", &body)))
    }

    /// What was written to anybody about the dates of a company that go on, first to last.
    pub async fn notices_of_what_goes_on(
        &self,
        company: CompanyId,
    ) -> Result<Vec<Notice>, StoreError> {
        let rows: Vec<(String, String)> = sqlx::query_as(
            "SELECT n.id, n.body FROM occurrences o JOIN notices n ON n.occurrence_id = o.id
              WHERE o.company_id = $1 AND o.status IN ('early', 'calling', 'live', 'open')
              ORDER BY n.created_at, n.id",
        )
        .bind(company.to_string())
        .fetch_all(&self.db)
        .await?;
        Ok(self.sound(rows, |(_, body)| from_json("notices", &body)))
    }

    /// The company's notices, newest first, `limit` at most.
    pub async fn notices(&self, company: CompanyId, limit: i64) -> Result<Vec<Notice>, StoreError> {
        let rows: Vec<(String, String)> = sqlx::query_as(
            "SELECT id, body FROM notices WHERE company_id = $1 ORDER BY created_at DESC, id DESC LIMIT $2",
        )
        .bind(company.to_string())
        .bind(limit)
        .fetch_all(&self.db)
        .await?;
        Ok(self.sound(rows, |(_, body)| from_json("notices", &body)))
    }

    /// One notice of a company.
    pub async fn notice(&self, company: CompanyId, id: NoticeId) -> Result<Notice, StoreError> {
        let row: Option<(String,)> =
            sqlx::query_as("SELECT body FROM notices WHERE id = $1 AND company_id = $2")
                .bind(id.to_string())
                .bind(company.to_string())
                .fetch_optional(&self.db)
                .await?;
        let (body,) = row.ok_or_else(|| StoreError::NotFound {
            what: "notice",
            id: id.to_string(),
        })?;
        from_json("notices", &body)
    }

    /// Forgets the notices written before `at` that are not waiting any more.
    pub async fn forget_notices(&self, before: Millis) -> Result<u64, StoreError> {
        let done = sqlx::query("DELETE FROM notices WHERE created_at < $1 AND status <> 'waiting'")
            .bind(before.0)
            .execute(&self.db)
            .await?;
        Ok(done.rows_affected())
    }
}

/// Writes a new notice, unless it is there or has been said.
pub(crate) async fn write(connection: &mut Tx, row: &NoticeRow) -> Result<(), StoreError> {
    let notice = &row.notice;
    sqlx::query(
        "INSERT INTO notices
            (id, company_id, occurrence_id, invitation_id, queue, said_once, status, due_at, created_at, body)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
         ON CONFLICT DO NOTHING",
    )
    .bind(notice.id.to_string())
    .bind(notice.company.to_string())
    .bind(notice.occurrence.map(|id| id.to_string()))
    .bind(notice.invitation.map(|id| id.to_string()))
    .bind(notice.to.queue(notice.company))
    .bind(&row.once)
    .bind(status_text(notice.state))
    .bind(notice.due_at().map(|at| at.0))
    .bind(notice.created_at.0)
    .bind(to_json(notice))
    .execute(connection)
    .await?;
    Ok(())
}

/// What waits in a queue is due, whatever it waited for.
pub(crate) async fn hurry(connection: &mut Tx, queue: &str, now: Millis) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE notices SET due_at = $2 WHERE status = 'waiting' AND queue = $1 AND due_at > $2",
    )
    .bind(queue)
    .bind(now.0)
    .execute(connection)
    .await?;
    Ok(())
}

fn status_text(state: State) -> &'static str {
    match state {
        State::Waiting { .. } => "waiting",
        State::Sent { .. } => "sent",
        State::Failed { .. } => "failed",
    }
}
