//! The service by which a company sends short messages.

use domain::{CompanyId, Millis, company::SmsGateway, employee::Secret, notice::sms_queue};

use crate::{
    Store, StoreError,
    db::Tx,
    events, notices,
    text::{from_json, to_json},
};

impl Store {
    /// Sets a company's gateway, or takes it away.
    pub async fn save_sms_gateway(
        &self,
        company: CompanyId,
        gateway: Option<&SmsGateway>,
        event: &str,
        now: Millis,
    ) -> Result<i64, StoreError> {
        let mut tx = self.write().await?;
        let seq = events::append(&mut tx, company, now, event).await?;
        let id = company.to_string();
        sqlx::query("DELETE FROM sms_gateways WHERE company_id = $1")
            .bind(&id)
            .execute(&mut tx)
            .await?;
        if let Some(gateway) = gateway {
            let sealed = gateway
                .token
                .as_ref()
                .map(|token| self.seal.close(&owner(company), token.reveal()));
            sqlx::query(
                "INSERT INTO sms_gateways (company_id, body, sealed_token) VALUES ($1, $2, $3)",
            )
            .bind(&id)
            .bind(to_json(gateway))
            .bind(sealed)
            .execute(&mut tx)
            .await?;
            notices::hurry(&mut tx, &sms_queue(company), now).await?;
        }
        sqlx::query("UPDATE companies SET revision = revision + 1 WHERE id = $1")
            .bind(&id)
            .execute(&mut tx)
            .await?;
        tx.commit().await?;
        Ok(seq)
    }

    pub(crate) async fn read_sms_gateway(
        &self,
        tx: &mut Tx,
        company: CompanyId,
    ) -> Result<Option<SmsGateway>, StoreError> {
        let row: Option<(String, Option<String>)> =
            sqlx::query_as("SELECT body, sealed_token FROM sms_gateways WHERE company_id = $1")
                .bind(company.to_string())
                .fetch_optional(&mut *tx)
                .await?;
        let Some((body, sealed)) = row else {
            return Ok(None);
        };
        let mut gateway: SmsGateway = from_json("sms_gateways", &body)?;
        gateway.token = sealed
            .map(|sealed| self.seal.open(&owner(company), &sealed).map(Secret::new))
            .transpose()?;
        Ok(Some(gateway))
    }
}

/// Whose secret it is, to the seal.
fn owner(company: CompanyId) -> String {
    format!("sms {company}")
}
