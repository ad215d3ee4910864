//! Calls from one phone of ours to another: what a restarted server takes up again or ends.

use domain::{CompanyId, Millis};
use uuid::Uuid;

use crate::{Store, StoreError, text::parse};

/// A call between two that is not over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TalkRow {
    /// The outgoing INVITE's ids derive from it.
    pub id: Uuid,
    pub company: CompanyId,
    pub started_at: Millis,
    /// The dialogs' records, in JSON, once there are any.
    pub caller_dialog: Option<String>,
    pub callee_dialog: Option<String>,
    /// Whatever else its owner needs, in JSON.
    pub body: String,
}

type Columns = (String, String, i64, Option<String>, Option<String>, String);

impl Store {
    pub async fn save_talk(&self, talk: &TalkRow) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO talks (id, company_id, started_at, caller_dialog, callee_dialog, body)
             VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (id) DO UPDATE
                SET caller_dialog = excluded.caller_dialog,
                    callee_dialog = excluded.callee_dialog, body = excluded.body",
        )
        .bind(talk.id.to_string())
        .bind(talk.company.to_string())
        .bind(talk.started_at.0)
        .bind(&talk.caller_dialog)
        .bind(&talk.callee_dialog)
        .bind(&talk.body)
        .execute(&self.db)
        .await?;
        Ok(())
    }

    pub async fn remove_talk(&self, id: Uuid) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM talks WHERE id = $1")
            .bind(id.to_string())
            .execute(&self.db)
            .await?;
        Ok(())
    }

    /// Every such call that is not over. A damaged one is left out: it stops nobody else's.
    pub async fn talks(&self) -> Result<Vec<TalkRow>, StoreError> {
        let rows: Vec<Columns> = sqlx::query_as(
            "SELECT id, company_id, started_at, caller_dialog, callee_dialog, body
               FROM talks ORDER BY started_at, id",
        )
        .fetch_all(&self.db)
        .await?;
        Ok(self.sound(rows, talk))
    }
}

fn talk(
    (id, company, started_at, caller_dialog, callee_dialog, body): Columns,
) -> Result<TalkRow, StoreError> {
    Ok(TalkRow {
        id: parse("talks", &id)?,
        company: parse("talks", &company)?,
        started_at: Millis(started_at),
        caller_dialog,
        callee_dialog,
        body,
    })
}
