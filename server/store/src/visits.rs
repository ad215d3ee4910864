//! Stays in rooms, and the calls that came in: what the reports tell, and what
//! a restarted server takes up again or ends.

use domain::{CompanyId, EmployeeId, MemberId, Millis, OccurrenceId, PhoneNumber};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    Store, StoreError,
    db::Tx,
    text::{from_json, parse, to_json},
};

/// One stay of one member in a room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VisitRow {
    pub member: MemberId,
    pub occurrence: Option<OccurrenceId>,
    pub name: String,
    pub employee: Option<EmployeeId>,
    pub number: Option<PhoneNumber>,
    pub joined_at: Millis,
    pub left_at: Option<Millis>,
    /// Why it ended, as the `api` crate writes it.
    pub why: Option<String>,
    /// How long he talked, if that was measured.
    #[serde(default)]
    pub talked_ms: Option<i64>,
}

/// A call that came in and was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InboundRow {
    pub id: Uuid,
    pub company: CompanyId,
    pub started_at: Millis,
    pub rtp_port: Option<u16>,
    /// The dialog's record, in JSON.
    pub dialog: String,
    /// Whatever else its owner needs, in JSON.
    pub body: String,
}

impl Store {
    /// Every stay in an occurrence, in order of joining.
    pub async fn visits(&self, occurrence: OccurrenceId) -> Result<Vec<VisitRow>, StoreError> {
        let rows: Vec<(String, String)> = sqlx::query_as(
            "SELECT member_id, body FROM visits WHERE occurrence_id = $1 ORDER BY joined_at, member_id",
        )
        .bind(occurrence.to_string())
        .fetch_all(&self.db)
        .await?;
        Ok(self.sound(rows, |(_, body)| from_json("visits", &body)))
    }

    /// Ends the stays that a server left open when it died. Answers how many.
    pub async fn close_visits(&self, left_at: Millis, why: &str) -> Result<u64, StoreError> {
        let mut tx = self.write().await?;
        let rows: Vec<(String, String, String)> = sqlx::query_as(
            "SELECT member_id, company_id, body FROM visits WHERE left_at IS NULL ORDER BY member_id",
        )
        .fetch_all(&mut tx)
        .await?;
        let open = self.sound(rows, |(_, company, body)| {
            let company: CompanyId = parse("visits", &company)?;
            Ok((company, from_json::<VisitRow>("visits", &body)?))
        });
        let mut closed = 0;
        for (company, mut visit) in open {
            visit.left_at = Some(left_at.max(visit.joined_at));
            visit.why = Some(why.to_owned());
            write(&mut tx, company, &visit).await?;
            closed += 1;
        }
        tx.commit().await?;
        Ok(closed)
    }

    pub async fn remove_inbound(&self, id: Uuid) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        remove_inbound(&mut tx, id).await?;
        Ok(tx.commit().await?)
    }

    /// Every call that came in and is not over. A damaged one is left out: it stops nobody else's.
    pub async fn inbound_calls(&self) -> Result<Vec<InboundRow>, StoreError> {
        let rows: Vec<InboundColumns> = sqlx::query_as(
            "SELECT id, company_id, started_at, rtp_port, dialog, body FROM inbound_calls ORDER BY started_at, id",
        )
        .fetch_all(&self.db)
        .await?;
        Ok(self.sound(rows, inbound))
    }
}

type InboundColumns = (String, String, i64, Option<i64>, String, String);

fn inbound(
    (id, company, started_at, rtp_port, dialog, body): InboundColumns,
) -> Result<InboundRow, StoreError> {
    Ok(InboundRow {
        id: parse("inbound_calls", &id)?,
        company: parse("inbound_calls", &company)?,
        started_at: Millis(started_at),
        rtp_port: rtp_port.and_then(|port| u16::try_from(port).ok()),
        dialog,
        body,
    })
}

pub(crate) async fn write(
    connection: &mut Tx,
    company: CompanyId,
    visit: &VisitRow,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO visits (member_id, company_id, occurrence_id, joined_at, left_at, body)
         VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (member_id) DO UPDATE
            SET occurrence_id = excluded.occurrence_id, left_at = excluded.left_at, body = excluded.body",
    )
    .bind(visit.member.to_string())
    .bind(company.to_string())
    .bind(visit.occurrence.map(|id| id.to_string()))
    .bind(visit.joined_at.0)
    .bind(visit.left_at.map(|at| at.0))
    .bind(to_json(visit))
    .execute(connection)
    .await?;
    Ok(())
}

pub(crate) async fn save_inbound(tx: &mut Tx, call: &InboundRow) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO inbound_calls (id, company_id, started_at, rtp_port, dialog, body)
         VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (id) DO UPDATE
            SET rtp_port = excluded.rtp_port, dialog = excluded.dialog, body = excluded.body",
    )
    .bind(call.id.to_string())
    .bind(call.company.to_string())
    .bind(call.started_at.0)
    .bind(call.rtp_port.map(i64::from))
    .bind(&call.dialog)
    .bind(&call.body)
    .execute(tx)
    .await?;
    Ok(())
}

pub(crate) async fn remove_inbound(tx: &mut Tx, id: Uuid) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM inbound_calls WHERE id = $1")
        .bind(id.to_string())
        .execute(tx)
        .await?;
    Ok(())
}
