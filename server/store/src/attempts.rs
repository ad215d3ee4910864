//! Attempts: calls out. The row is on disk before the first packet leaves, and
//! holds what a restarted server needs to send the very same packet again.

use domain::{AttemptId, CompanyId, InvitationId, Millis, OccurrenceId, attempt::Attempt};

use sqlx::{Any, Executor};

use crate::{
    Store, StoreError,
    db::Tx,
    error::is_taken,
    text::{from_json, parse, to_json},
};

/// An attempt with what it takes to go on with its call.
#[derive(Debug, Clone, PartialEq)]
pub struct AttemptRow {
    pub company: CompanyId,
    /// Whom it calls, by [`crate::person_key`].
    pub person: String,
    /// The local RTP port that the INVITE's SDP names.
    pub rtp_port: Option<u16>,
    /// The dialog's record, once there is one, in JSON.
    pub dialog: Option<String>,
    /// The call's own state, in JSON.
    pub call: Option<String>,
    pub attempt: Attempt,
}

type Columns = (
    String,
    String,
    String,
    Option<i64>,
    Option<String>,
    Option<String>,
    String,
);

fn attempt(
    (_, company, person, rtp_port, dialog, call, body): Columns,
) -> Result<AttemptRow, StoreError> {
    Ok(AttemptRow {
        company: parse("attempts", &company)?,
        person,
        rtp_port: rtp_port.and_then(|port| u16::try_from(port).ok()),
        dialog,
        call,
        attempt: from_json("attempts", &body)?,
    })
}

impl Store {
    /// Every call that is not over, of every company: what a restarted server takes
    /// up again. A damaged one is left out: it stops nobody else's.
    pub async fn attempts_in_flight(&self) -> Result<Vec<AttemptRow>, StoreError> {
        let rows: Vec<Columns> = sqlx::query_as(
            "SELECT id, company_id, person, rtp_port, dialog, call, body
               FROM attempts WHERE ended_at IS NULL ORDER BY started_at, id",
        )
        .fetch_all(&self.db)
        .await?;
        Ok(self.sound(rows, attempt))
    }

    /// Every call made for an invitation, first to last.
    pub async fn attempts(&self, invitation: InvitationId) -> Result<Vec<Attempt>, StoreError> {
        let rows: Vec<(String, String)> = sqlx::query_as(
            "SELECT id, body FROM attempts WHERE invitation_id = $1 ORDER BY started_at, id",
        )
        .bind(invitation.to_string())
        .fetch_all(&self.db)
        .await?;
        Ok(self.sound(rows, |(_, body)| from_json("attempts", &body)))
    }

    /// Every call made for an occurrence, first to last.
    pub async fn attempts_of(&self, occurrence: OccurrenceId) -> Result<Vec<Attempt>, StoreError> {
        let rows: Vec<(String, String)> = sqlx::query_as(
            "SELECT a.id, a.body FROM attempts a JOIN invitations i ON i.id = a.invitation_id
              WHERE i.occurrence_id = $1 ORDER BY a.started_at, a.id",
        )
        .bind(occurrence.to_string())
        .fetch_all(&self.db)
        .await?;
        Ok(self.sound(rows, |(_, body)| from_json("attempts", &body)))
    }

    /// Every call a company has made since then, first to last.
    pub async fn attempts_since(
        &self,
        company: CompanyId,
        since: Millis,
    ) -> Result<Vec<Attempt>, StoreError> {
        let rows: Vec<(String, String)> = sqlx::query_as(
            "SELECT id, body FROM attempts
              WHERE company_id = $1 AND started_at >= $2 ORDER BY started_at, id",
        )
        .bind(company.to_string())
        .bind(since.0)
        .fetch_all(&self.db)
        .await?;
        Ok(self.sound(rows, |(_, body)| from_json("attempts", &body)))
    }

    /// The call to this person that is not over.
    pub async fn call_in_flight(
        &self,
        company: CompanyId,
        person: &str,
    ) -> Result<Option<AttemptId>, StoreError> {
        in_flight(&self.db, company, person).await
    }

    /// Notes the dialog of a call under way and the state of its machine.
    ///
    /// Not part of a batch: it tells nobody anything, it only makes the call survive.
    pub async fn note_call(
        &self,
        id: AttemptId,
        dialog: Option<&str>,
        call: Option<&str>,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE attempts SET dialog = COALESCE($2, dialog), call = COALESCE($3, call) WHERE id = $1",
        )
        .bind(id.to_string())
        .bind(dialog)
        .bind(call)
        .execute(&self.db)
        .await?;
        Ok(())
    }
}

async fn in_flight<'c>(
    db: impl Executor<'c, Database = Any>,
    company: CompanyId,
    person: &str,
) -> Result<Option<AttemptId>, StoreError> {
    let row: Option<(String,)> = sqlx::query_as(
        "SELECT id FROM attempts WHERE company_id = $1 AND person = $2 AND ended_at IS NULL",
    )
    .bind(company.to_string())
    .bind(person)
    .fetch_optional(db)
    .await?;
    row.map(|(id,)| parse("attempts", &id)).transpose()
}

/// Writes an attempt, new or gone on. A dialog or state once noted is kept if none is given.
pub(crate) async fn write(
    connection: &mut Tx,
    company: CompanyId,
    row: &AttemptRow,
) -> Result<(), StoreError> {
    let attempt = &row.attempt;
    // Asked first: after a refusal PostgreSQL would take no more questions in this transaction.
    if attempt.ended_at.is_none()
        && let Some(other) = in_flight(&mut *connection, company, &row.person).await?
        && other != attempt.id
    {
        return Err(StoreError::AlreadyCalling { other });
    }
    let written = sqlx::query(
        "INSERT INTO attempts
            (id, company_id, invitation_id, person, started_at, ended_at, rtp_port, dialog, call, body)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
         ON CONFLICT (id) DO UPDATE
            SET ended_at = excluded.ended_at,
                rtp_port = COALESCE(excluded.rtp_port, attempts.rtp_port),
                dialog = COALESCE(excluded.dialog, attempts.dialog),
                call = COALESCE(excluded.call, attempts.call),
                body = excluded.body",
    )
    .bind(attempt.id.to_string())
    .bind(company.to_string())
    .bind(attempt.invitation.to_string())
    .bind(&row.person)
    .bind(attempt.started_at.0)
    .bind(attempt.ended_at.map(|at| at.0))
    .bind(row.rtp_port.map(i64::from))
    .bind(&row.dialog)
    .bind(&row.call)
    .bind(to_json(attempt))
    .execute(connection)
    .await;
    match written {
        Ok(_) => Ok(()),
        // Another server began one between the question and the row.
        Err(error) if is_taken(&error) => Err(StoreError::Stale {
            what: "person",
            id: row.person.clone(),
        }),
        Err(error) => Err(error.into()),
    }
}
