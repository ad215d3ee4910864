//! Receivers of a company's events, and how far each has been told.

use domain::{CompanyId, Millis, WebhookId, employee::Secret, webhook::Webhook};

use crate::{
    Store, StoreError,
    text::{from_json, to_json},
};

/// A receiver and the number of the last event it was told of, or that it does not want.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookRow {
    pub webhook: Webhook,
    pub seq: i64,
}

type Columns = (String, i64, String, String);

impl Store {
    /// Adds a receiver. It is told of what happens from now on.
    pub async fn add_webhook(&self, webhook: &Webhook) -> Result<(), StoreError> {
        let id = webhook.id.to_string();
        let secret = webhook.secret.as_ref().map_or("", |secret| secret.reveal());
        sqlx::query(
            "INSERT INTO webhooks (id, company_id, seq, due_at, body, sealed_secret)
             SELECT $1, c.id, c.event_seq, 0, $3, $4 FROM companies c WHERE c.id = $2",
        )
        .bind(&id)
        .bind(webhook.company.to_string())
        .bind(to_json(webhook))
        .bind(self.seal.close(&id, secret))
        .execute(&self.db)
        .await?;
        Ok(())
    }

    pub async fn webhooks(&self, company: CompanyId) -> Result<Vec<WebhookRow>, StoreError> {
        let rows: Vec<Columns> = sqlx::query_as(
            "SELECT id, seq, body, sealed_secret FROM webhooks WHERE company_id = $1 ORDER BY id",
        )
        .bind(company.to_string())
        .fetch_all(&self.db)
        .await?;
        Ok(self.sound(rows, |row| self.webhook_row(row)))
    }

    pub async fn webhook(
        &self,
        company: CompanyId,
        id: WebhookId,
    ) -> Result<WebhookRow, StoreError> {
        let row: Option<Columns> = sqlx::query_as(
            "SELECT id, seq, body, sealed_secret FROM webhooks WHERE id = $1 AND company_id = $2",
        )
        .bind(id.to_string())
        .bind(company.to_string())
        .fetch_optional(&self.db)
        .await?;
        self.webhook_row(row.ok_or_else(|| not_found(id))?)
    }

    pub async fn remove_webhook(
        &self,
        company: CompanyId,
        id: WebhookId,
    ) -> Result<(), StoreError> {
        let done = sqlx::query("DELETE FROM webhooks WHERE id = $1 AND company_id = $2")
            .bind(id.to_string())
            .bind(company.to_string())
            .execute(&self.db)
            .await?;
        if done.rows_affected() == 0 {
            return Err(not_found(id));
        }
        Ok(())
    }

    /// Has a receiver told again of everything after a number.
    pub async fn replay_webhook(
        &self,
        company: CompanyId,
        id: WebhookId,
        after: i64,
    ) -> Result<(), StoreError> {
        let done = sqlx::query(
            "UPDATE webhooks SET seq = $3, due_at = 0 WHERE id = $1 AND company_id = $2",
        )
        .bind(id.to_string())
        .bind(company.to_string())
        .bind(after)
        .execute(&self.db)
        .await?;
        if done.rows_affected() == 0 {
            return Err(not_found(id));
        }
        Ok(())
    }

    /// Claims the receivers for whom something has happened and who are due.
    pub async fn claim_webhooks(
        &self,
        now: Millis,
        lease_until: Millis,
        limit: i64,
    ) -> Result<Vec<WebhookRow>, StoreError> {
        let rows: Vec<Columns> = sqlx::query_as(
            "UPDATE webhooks SET leased_until = $2
              WHERE leased_until <= $1 AND due_at <= $1
                AND id IN (SELECT w.id FROM webhooks w JOIN companies c ON c.id = w.company_id
                            WHERE c.event_seq > w.seq AND w.due_at <= $1 AND w.leased_until <= $1
                            ORDER BY w.due_at, w.id LIMIT $3)
          RETURNING id, seq, body, sealed_secret",
        )
        .bind(now.0)
        .bind(lease_until.0)
        .bind(limit)
        .fetch_all(&self.db)
        .await?;
        Ok(self.sound(rows, |row| self.webhook_row(row)))
    }

    /// Notes how far a receiver was told: from `row.seq` to `seq`, and when it is
    /// due again. False if somebody has set it back meanwhile, or removed it: his
    /// word counts.
    pub async fn told_webhook(
        &self,
        row: &WebhookRow,
        seq: i64,
        due_at: Millis,
        leased_until: Millis,
    ) -> Result<bool, StoreError> {
        let done = sqlx::query(
            "UPDATE webhooks SET seq = $2, due_at = $3, leased_until = $4, body = $5
              WHERE id = $1 AND seq = $6",
        )
        .bind(row.webhook.id.to_string())
        .bind(seq)
        .bind(due_at.0)
        .bind(leased_until.0)
        .bind(to_json(&row.webhook))
        .bind(row.seq)
        .execute(&self.db)
        .await?;
        Ok(done.rows_affected() > 0)
    }

    fn webhook_row(&self, (id, seq, body, sealed): Columns) -> Result<WebhookRow, StoreError> {
        let mut webhook: Webhook = from_json("webhooks", &body)?;
        webhook.secret = Some(Secret::new(self.seal.open(&id, &sealed)?));
        Ok(WebhookRow { webhook, seq })
    }
}

fn not_found(id: WebhookId) -> StoreError {
    StoreError::NotFound {
        what: "webhook",
        id: id.to_string(),
    }
}
