//! What people said in writing about the dates of a plan.

use domain::{
    CompanyId, MeetingId, Millis,
    series::{About, AnswerChanges, Answers, Said},
};

use crate::{
    Store, StoreError,
    db::Tx,
    text::{from_json, parse, to_json},
};

/// Somebody said something about a plan, while the plan was as it was read.
#[derive(Debug, Clone)]
pub struct Answered {
    pub meeting: MeetingId,
    /// The version the plan was read at: whoever makes a list at the same time makes it with this answer.
    pub read_at: i64,
    pub changes: AnswerChanges,
}

type Columns = (String, String, Option<String>, i64, Option<i64>);

fn answer((person, slot, rsvp, at, stamped_at): Columns) -> Result<(About, Said), StoreError> {
    let slot = match slot.as_str() {
        "" => None,
        day => Some(parse("answers", day)?),
    };
    let rsvp = rsvp.map(|rsvp| from_json("answers", &rsvp)).transpose()?;
    let said = Said {
        rsvp,
        at: Millis(at),
        stamped_at: stamped_at.map(Millis),
    };
    Ok(((person, slot), said))
}

impl Store {
    /// Everything that was said about a plan.
    pub async fn answers(&self, meeting: MeetingId) -> Result<Answers, StoreError> {
        let rows: Vec<Columns> = sqlx::query_as(
            "SELECT person, slot, rsvp, said_at, stamped_at FROM answers WHERE meeting_id = $1",
        )
        .bind(meeting.to_string())
        .fetch_all(&self.db)
        .await?;
        rows.into_iter().map(answer).collect()
    }
}

impl Answered {
    pub(crate) async fn write(&self, tx: &mut Tx, company: CompanyId) -> Result<(), StoreError> {
        let done = sqlx::query(
            "UPDATE meetings SET version = version + 1
              WHERE id = $1 AND company_id = $2 AND version = $3 AND removed_at IS NULL",
        )
        .bind(self.meeting.to_string())
        .bind(company.to_string())
        .bind(self.read_at)
        .execute(&mut *tx)
        .await?;
        if done.rows_affected() == 0 {
            return Err(StoreError::Stale {
                what: "meeting",
                id: self.meeting.to_string(),
            });
        }
        write(tx, company, self.meeting, &self.changes).await
    }
}

fn slot_text((_, slot): &About) -> String {
    slot.map_or_else(String::new, |slot| slot.to_string())
}

pub(crate) async fn write(
    tx: &mut Tx,
    company: CompanyId,
    meeting: MeetingId,
    changes: &AnswerChanges,
) -> Result<(), StoreError> {
    for about in &changes.forgotten {
        sqlx::query("DELETE FROM answers WHERE meeting_id = $1 AND person = $2 AND slot = $3")
            .bind(meeting.to_string())
            .bind(&about.0)
            .bind(slot_text(about))
            .execute(&mut *tx)
            .await?;
    }
    for (about, said) in &changes.written {
        sqlx::query(
            "INSERT INTO answers (meeting_id, person, slot, company_id, rsvp, said_at, stamped_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7)
             ON CONFLICT (meeting_id, person, slot) DO UPDATE
                SET rsvp = excluded.rsvp, said_at = excluded.said_at, stamped_at = excluded.stamped_at",
        )
        .bind(meeting.to_string())
        .bind(&about.0)
        .bind(slot_text(about))
        .bind(company.to_string())
        .bind(said.rsvp.map(|rsvp| to_json(&rsvp)))
        .bind(said.at.0)
        .bind(said.stamped_at.map(|at| at.0))
        .execute(&mut *tx)
        .await?;
    }
    Ok(())
}
