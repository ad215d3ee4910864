//! City numbers kept for events: read with the directory, bound and taken back by the API.

use domain::{
    CompanyId, Millis,
    event_number::{Binding, EventNumber},
};

use crate::{
    Store, StoreError,
    db::Tx,
    events,
    text::{from_json, parse, to_json},
};

pub(crate) async fn read(tx: &mut Tx, company: CompanyId) -> Result<Vec<EventNumber>, StoreError> {
    type Columns = (String, String, Option<String>, Option<String>);
    let rows: Vec<Columns> = sqlx::query_as(
        "SELECT id, number, trunk_id, binding FROM event_numbers WHERE company_id = $1 ORDER BY id",
    )
    .bind(company.to_string())
    .fetch_all(&mut *tx)
    .await?;
    rows.into_iter()
        .map(|(id, number, trunk, binding)| {
            Ok(EventNumber {
                id: parse("event_numbers", &id)?,
                company,
                number: parse("event_numbers", &number)?,
                trunk: trunk
                    .map(|trunk| parse("event_numbers", &trunk))
                    .transpose()?,
                binding: binding
                    .map(|binding| from_json("event_numbers", &binding))
                    .transpose()?,
            })
        })
        .collect()
}

impl Store {
    /// Binds an event number, or changes what it is bound to, and writes the events that tell of it.
    ///
    /// # Errors
    /// [`StoreError::Stale`] if somebody has bound it meanwhile: `number` is how it was seen.
    pub async fn bind_event_number(
        &self,
        number: &EventNumber,
        binding: &Binding,
        told: &[String],
        now: Millis,
    ) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        for event in told {
            events::append(&mut tx, number.company, now, event).await?;
        }
        let before = number.binding.as_ref().map(to_json);
        let bound = sqlx::query(
            "UPDATE event_numbers SET binding = $3
              WHERE id = $1 AND company_id = $2 AND COALESCE(binding, '') = $4",
        )
        .bind(number.id.to_string())
        .bind(number.company.to_string())
        .bind(to_json(binding))
        .bind(before.unwrap_or_default())
        .execute(&mut tx)
        .await?;
        if bound.rows_affected() == 0 {
            return Err(StoreError::Stale {
                what: "event number",
                id: number.id.to_string(),
            });
        }
        sqlx::query("UPDATE companies SET revision = revision + 1 WHERE id = $1")
            .bind(number.company.to_string())
            .execute(&mut tx)
            .await?;
        tx.commit().await?;
        Ok(())
    }
}
