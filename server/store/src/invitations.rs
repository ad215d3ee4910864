//! Invitations: what the scheduler works on, by lease.

use std::collections::BTreeSet;

use domain::{
    CompanyId, EmployeeId, InvitationId, MeetingId, Millis, OccurrenceId,
    invitation::{Invitation, StatusKind},
    meeting::Invitee,
};

use crate::{
    Store, StoreError,
    db::Tx,
    error::is_taken,
    text::{from_json, parse, to_json},
};

/// An invitation and what surrounds it. The columns that queries need are taken from it when it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvitationRow {
    pub company: CompanyId,
    /// The organiser's order.
    pub position: i64,
    /// See [`crate::Versioned`]; 0 for a new row.
    pub version: i64,
    pub invitation: Invitation,
}

/// Whose place on the lists is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Person {
    Employee(EmployeeId),
    /// Digits alone.
    NumberEnding(String),
}

type Columns = (String, String, i64, i64, String);

fn invitation((_, company, position, version, body): Columns) -> Result<InvitationRow, StoreError> {
    Ok(InvitationRow {
        company: parse("invitations", &company)?,
        position,
        version,
        invitation: from_json("invitations", &body)?,
    })
}

/// Whom calls go to, the same over all meetings of a company: what keeps two
/// calls from one person.
pub fn person_key(invitee: &Invitee) -> String {
    match invitee {
        Invitee::Employee(id) => id.to_string(),
        Invitee::Outside { number, .. } => number.digits().to_owned(),
    }
}

fn status_text(status: StatusKind) -> &'static str {
    match status {
        StatusKind::Waiting => "waiting",
        StatusKind::Calling => "calling",
        StatusKind::Held => "held",
        StatusKind::InRoom => "in_room",
        StatusKind::Finished => "finished",
    }
}

impl Store {
    /// Claims the invitations that have fallen due, earliest first, `limit` at most.
    ///
    /// The question begins with what goes on, so that it costs what goes on and not
    /// what stands in the table: SQLite takes a `CROSS JOIN` in the order written, and
    /// `status || ''` keeps it from looking at all who wait instead of at the ids.
    ///
    /// Only those of occurrences in which people are being called. Safe to call
    /// from several servers: the outer conditions are checked again on the row as
    /// it stands when its lock is taken, so a row goes to one caller. A server
    /// that dies loses its claims when `lease_until` passes; one that has written
    /// the row has given its claim back.
    pub async fn claim_due_invitations(
        &self,
        now: Millis,
        lease_until: Millis,
        limit: i64,
    ) -> Result<Vec<InvitationRow>, StoreError> {
        let rows: Vec<Columns> = sqlx::query_as(
            "UPDATE invitations SET leased_until = $2
              WHERE status || '' = 'waiting' AND leased_until <= $1
                AND id IN (SELECT i.id FROM occurrences o CROSS JOIN invitations i
                            WHERE o.status IN ('calling', 'live') AND i.occurrence_id = o.id
                              AND i.status = 'waiting' AND i.due_at <= $1 AND i.leased_until <= $1
                            ORDER BY i.due_at, i.position, i.id
                            LIMIT $3)
          RETURNING id, company_id, position, version, body",
        )
        .bind(now.0)
        .bind(lease_until.0)
        .bind(limit)
        .fetch_all(&self.db)
        .await?;
        let mut claimed = self.sound(rows, invitation);
        // RETURNING promises no order: as they fell due, and as the organiser listed them.
        claimed.sort_by_key(|row| (due_at(&row.invitation), row.position, row.invitation.id));
        Ok(claimed)
    }

    /// When the next invitation falls due, or a lease that stands before one ends.
    pub async fn next_due(&self) -> Result<Option<Millis>, StoreError> {
        let (next,): (Option<i64>,) = sqlx::query_as(
            "SELECT MIN(CASE WHEN i.leased_until > i.due_at THEN i.leased_until ELSE i.due_at END)
               FROM occurrences o CROSS JOIN invitations i
              WHERE o.status IN ('calling', 'live') AND i.occurrence_id = o.id
                AND i.status = 'waiting'",
        )
        .fetch_one(&self.db)
        .await?;
        Ok(next.map(Millis))
    }

    /// Gives back what a process claimed that is not there any more. Should it be there
    /// after all, the rows' versions see to it that only one of the two acts.
    pub async fn release_claims(&self) -> Result<(), StoreError> {
        sqlx::query("UPDATE invitations SET leased_until = 0 WHERE leased_until > 0")
            .execute(&self.db)
            .await?;
        Ok(())
    }

    pub async fn invitation(
        &self,
        company: CompanyId,
        id: InvitationId,
    ) -> Result<InvitationRow, StoreError> {
        let row: Option<Columns> = sqlx::query_as(
            "SELECT id, company_id, position, version, body
               FROM invitations WHERE id = $1 AND company_id = $2",
        )
        .bind(id.to_string())
        .bind(company.to_string())
        .fetch_optional(&self.db)
        .await?;
        invitation(row.ok_or_else(|| StoreError::NotFound {
            what: "invitation",
            id: id.to_string(),
        })?)
    }

    /// Everyone expected at an occurrence, in the organiser's order.
    pub async fn invitations(
        &self,
        occurrence: OccurrenceId,
    ) -> Result<Vec<InvitationRow>, StoreError> {
        let rows: Vec<Columns> = sqlx::query_as(
            "SELECT id, company_id, position, version, body
               FROM invitations WHERE occurrence_id = $1 ORDER BY position, id",
        )
        .bind(occurrence.to_string())
        .fetch_all(&self.db)
        .await?;
        Ok(self.sound(rows, invitation))
    }

    /// Everyone expected at the company's occurrences that are not over, by occurrence and order.
    pub async fn current_invitations(
        &self,
        company: CompanyId,
    ) -> Result<Vec<InvitationRow>, StoreError> {
        let rows: Vec<Columns> = sqlx::query_as(
            "SELECT i.id, i.company_id, i.position, i.version, i.body
               FROM invitations i JOIN occurrences o ON o.id = i.occurrence_id
              WHERE i.company_id = $1 AND o.status IN ('scheduled', 'early', 'calling', 'live', 'open')
              ORDER BY o.starts_at, i.occurrence_id, i.position, i.id",
        )
        .bind(company.to_string())
        .fetch_all(&self.db)
        .await?;
        Ok(self.sound(rows, invitation))
    }

    /// The places of one person on the lists of what goes on in a company: of an employee, or
    /// of whoever has a number that ends so, however it is written.
    pub async fn expected_now(
        &self,
        company: CompanyId,
        person: &Person,
    ) -> Result<Vec<InvitationRow>, StoreError> {
        let pattern = match person {
            Person::Employee(id) => id.to_string(),
            Person::NumberEnding(digits) => format!("%{digits}"),
        };
        let rows: Vec<Columns> = sqlx::query_as(
            "SELECT i.id, i.company_id, i.position, i.version, i.body
               FROM occurrences o CROSS JOIN invitations i
              WHERE o.company_id = $1 AND o.status IN ('early', 'calling', 'live', 'open')
                AND i.occurrence_id = o.id AND i.person LIKE $2
              ORDER BY i.occurrence_id, i.position, i.id",
        )
        .bind(company.to_string())
        .bind(pattern)
        .fetch_all(&self.db)
        .await?;
        Ok(self.sound(rows, invitation))
    }

    /// The meeting's dates at which somebody is expected already.
    pub async fn dates_with_a_list(
        &self,
        meeting: MeetingId,
    ) -> Result<BTreeSet<OccurrenceId>, StoreError> {
        let rows: Vec<(String,)> = sqlx::query_as(
            "SELECT o.id FROM occurrences o
              WHERE o.meeting_id = $1
                AND EXISTS (SELECT 1 FROM invitations i WHERE i.occurrence_id = o.id)",
        )
        .bind(meeting.to_string())
        .fetch_all(&self.db)
        .await?;
        rows.into_iter()
            .map(|(id,)| parse("occurrences", &id))
            .collect()
    }

    /// How many are expected at each of the company's occurrences that overlap a stretch of time.
    pub async fn expected(
        &self,
        company: CompanyId,
        from: Millis,
        until: Millis,
    ) -> Result<Vec<(OccurrenceId, u32)>, StoreError> {
        let rows: Vec<(String, i64)> = sqlx::query_as(
            "SELECT i.occurrence_id, COUNT(*)
               FROM invitations i JOIN occurrences o ON o.id = i.occurrence_id
              WHERE o.company_id = $1 AND o.ends_at > $2 AND o.starts_at < $3
              GROUP BY i.occurrence_id ORDER BY i.occurrence_id",
        )
        .bind(company.to_string())
        .bind(from.0)
        .bind(until.0)
        .fetch_all(&self.db)
        .await?;
        rows.into_iter()
            .map(|(id, count)| {
                Ok((
                    parse("invitations", &id)?,
                    u32::try_from(count).unwrap_or(u32::MAX),
                ))
            })
            .collect()
    }
}

fn due_at(invitation: &Invitation) -> Option<Millis> {
    invitation.poll_timeout().map(|(due, _)| due)
}

/// Writes a row at the version it was read at, and gives its lease back.
pub(crate) async fn write(connection: &mut Tx, row: &InvitationRow) -> Result<(), StoreError> {
    let invitation = &row.invitation;
    let done = sqlx::query(
        "INSERT INTO invitations
            (id, company_id, occurrence_id, position, person, status, due_at, leased_until, version, body)
         VALUES ($1, $2, $3, $4, $5, $6, $7, 0, $8 + 1, $9)
         ON CONFLICT (id) DO UPDATE
            SET position = excluded.position, person = excluded.person, status = excluded.status,
                due_at = excluded.due_at, leased_until = 0, version = excluded.version, body = excluded.body
          WHERE invitations.version = $8",
    )
    .bind(invitation.id.to_string())
    .bind(row.company.to_string())
    .bind(invitation.occurrence.to_string())
    .bind(row.position)
    .bind(person_key(&invitation.invitee))
    .bind(status_text(invitation.status().kind()))
    .bind(due_at(invitation).map(|at| at.0))
    .bind(row.version)
    .bind(to_json(invitation))
    .execute(connection)
    .await;
    let written = match done {
        Ok(done) => done.rows_affected() > 0,
        // Somebody else has put him on the list.
        Err(error) if is_taken(&error) => false,
        Err(error) => return Err(error.into()),
    };
    if !written {
        return Err(StoreError::Stale {
            what: "invitation",
            id: invitation.id.to_string(),
        });
    }
    Ok(())
}

/// Takes back an invitation for which nobody was called yet.
pub(crate) async fn remove(connection: &mut Tx, id: InvitationId) -> Result<(), StoreError> {
    let done = sqlx::query(
        "DELETE FROM invitations
          WHERE id = $1 AND NOT EXISTS (SELECT 1 FROM attempts WHERE invitation_id = $1)",
    )
    .bind(id.to_string())
    .execute(connection)
    .await?;
    if done.rows_affected() == 0 {
        return Err(StoreError::Stale {
            what: "invitation",
            id: id.to_string(),
        });
    }
    Ok(())
}
