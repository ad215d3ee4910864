//! Who reads the events in order to act on them. What he does is written with how
//! far he has read, so that a crash neither loses an event nor repeats an act.

use domain::{CompanyId, MeetingId, Millis, OccurrenceId, meeting::Meeting};

use crate::{
    NoticeRow, Store, StoreError, notices,
    text::{from_json, parse},
};

/// What came of reading events up to a number.
#[derive(Debug, Clone, Default)]
pub struct Followed {
    pub notices: Vec<NoticeRow>,
    /// What stands in people's calendars now: the meeting and its entry, in JSON.
    pub entries: Vec<(MeetingId, String)>,
}

impl Store {
    /// The number of every company's last event.
    pub async fn last_events(&self) -> Result<Vec<(CompanyId, i64)>, StoreError> {
        let rows: Vec<(String, i64)> =
            sqlx::query_as("SELECT id, event_seq FROM companies ORDER BY id")
                .fetch_all(&self.db)
                .await?;
        rows.iter()
            .map(|(id, seq)| Ok((parse("companies", id)?, *seq)))
            .collect()
    }

    /// How far somebody has read; none if he has not begun.
    pub async fn follower(
        &self,
        company: CompanyId,
        name: &str,
    ) -> Result<Option<i64>, StoreError> {
        let row: Option<(i64,)> =
            sqlx::query_as("SELECT seq FROM followers WHERE company_id = $1 AND name = $2")
                .bind(company.to_string())
                .bind(name)
                .fetch_optional(&self.db)
                .await?;
        Ok(row.map(|(seq,)| seq))
    }

    /// Notes how far somebody has read, and what came of it.
    pub async fn follow(
        &self,
        company: CompanyId,
        name: &str,
        seq: i64,
        followed: &Followed,
    ) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        for notice in &followed.notices {
            notices::write(&mut tx, notice).await?;
        }
        for (meeting, body) in &followed.entries {
            sqlx::query(
                "INSERT INTO calendar_entries (meeting_id, company_id, body) VALUES ($1, $2, $3)
                 ON CONFLICT (meeting_id) DO UPDATE SET body = excluded.body",
            )
            .bind(meeting.to_string())
            .bind(company.to_string())
            .bind(body)
            .execute(&mut tx)
            .await?;
        }
        sqlx::query(
            "INSERT INTO followers (company_id, name, seq) VALUES ($1, $2, $3)
             ON CONFLICT (company_id, name) DO UPDATE SET seq = excluded.seq",
        )
        .bind(company.to_string())
        .bind(name)
        .bind(seq)
        .execute(&mut tx)
        .await?;
        tx.commit().await?;
        Ok(())
    }

    /// What stands in people's calendars of a meeting, in JSON.
    pub async fn calendar_entry(&self, meeting: MeetingId) -> Result<Option<String>, StoreError> {
        let row: Option<(String,)> =
            sqlx::query_as("SELECT body FROM calendar_entries WHERE meeting_id = $1")
                .bind(meeting.to_string())
                .fetch_optional(&self.db)
                .await?;
        Ok(row.map(|(body,)| body))
    }

    /// A plan of whichever company, even one taken out of the calendar; and whether it was.
    pub async fn meeting_or_removed(
        &self,
        id: MeetingId,
    ) -> Result<Option<(Meeting, bool)>, StoreError> {
        let row: Option<(String, Option<i64>)> =
            sqlx::query_as("SELECT body, removed_at FROM meetings WHERE id = $1")
                .bind(id.to_string())
                .fetch_optional(&self.db)
                .await?;
        row.map(|(body, removed)| Ok((from_json("meetings", &body)?, removed.is_some())))
            .transpose()
    }

    /// The dates of plans that begin in a stretch of time and are not over, of every company.
    pub async fn dates_starting(
        &self,
        after: Millis,
        until: Millis,
    ) -> Result<Vec<(CompanyId, OccurrenceId)>, StoreError> {
        let rows: Vec<(String, String)> = sqlx::query_as(
            "SELECT company_id, id FROM occurrences
              WHERE status IN ('scheduled', 'early', 'calling') AND meeting_id IS NOT NULL
                AND starts_at > $1 AND starts_at <= $2 ORDER BY starts_at, id",
        )
        .bind(after.0)
        .bind(until.0)
        .fetch_all(&self.db)
        .await?;
        rows.iter()
            .map(|(company, id)| Ok((parse("occurrences", company)?, parse("occurrences", id)?)))
            .collect()
    }
}
