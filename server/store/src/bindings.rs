//! Registrations, so that a phone is reachable the moment a restarted server is up.

use domain::Millis;
use uuid::Uuid;

use crate::{Store, StoreError, text::parse};

/// One contact of one account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BindingRow {
    /// The device that registered.
    pub account: Uuid,
    /// What tells this contact from the account's others.
    pub contact: String,
    pub expires_at: Millis,
    /// The binding as the registrar keeps it, in JSON.
    pub body: String,
}

impl Store {
    /// The bindings that have not expired.
    pub async fn bindings(&self, now: Millis) -> Result<Vec<BindingRow>, StoreError> {
        let rows: Vec<(String, String, i64, String)> = sqlx::query_as(
            "SELECT account, contact, expires_at, body FROM bindings
              WHERE expires_at > $1 ORDER BY account, contact",
        )
        .bind(now.0)
        .fetch_all(&self.db)
        .await?;
        rows.into_iter()
            .map(|(account, contact, expires_at, body)| {
                Ok(BindingRow {
                    account: parse("bindings", &account)?,
                    contact,
                    expires_at: Millis(expires_at),
                    body,
                })
            })
            .collect()
    }

    /// Puts these in the place of all bindings of the account.
    pub async fn save_bindings(
        &self,
        account: Uuid,
        bindings: &[BindingRow],
    ) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        sqlx::query("DELETE FROM bindings WHERE account = $1")
            .bind(account.to_string())
            .execute(&mut tx)
            .await?;
        for binding in bindings {
            sqlx::query(
                "INSERT INTO bindings (account, contact, expires_at, body) VALUES ($1, $2, $3, $4)",
            )
            .bind(account.to_string())
            .bind(&binding.contact)
            .bind(binding.expires_at.0)
            .bind(&binding.body)
            .execute(&mut tx)
            .await?;
        }
        tx.commit().await?;
        Ok(())
    }

    pub async fn forget_bindings(&self, expired_before: Millis) -> Result<u64, StoreError> {
        let done = sqlx::query("DELETE FROM bindings WHERE expires_at <= $1")
            .bind(expired_before.0)
            .execute(&self.db)
            .await?;
        Ok(done.rows_affected())
    }
}
