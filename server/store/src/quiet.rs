//! People who want to be left alone.

use std::collections::BTreeMap;

use domain::{CompanyId, EmployeeId, Millis};

use crate::{Store, StoreError, db::Tx, text::parse};

/// Until when somebody wants to be left alone; none until he lifts it.
pub type Quiet = Option<Millis>;

impl Store {
    /// Sets (with `Some`) or lifts "do not disturb". The directory has changed then.
    pub async fn set_do_not_disturb(
        &self,
        company: CompanyId,
        employee: EmployeeId,
        quiet: Option<Quiet>,
    ) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        match quiet {
            Some(until) => {
                sqlx::query(
                    "INSERT INTO do_not_disturb (employee_id, company_id, until_at)
                     VALUES ($1, $2, $3)
                     ON CONFLICT (employee_id) DO UPDATE SET until_at = excluded.until_at",
                )
                .bind(employee.to_string())
                .bind(company.to_string())
                .bind(until.map(|until| until.0))
                .execute(&mut tx)
                .await?
            }
            None => {
                sqlx::query("DELETE FROM do_not_disturb WHERE employee_id = $1 AND company_id = $2")
                    .bind(employee.to_string())
                    .bind(company.to_string())
                    .execute(&mut tx)
                    .await?
            }
        };
        sqlx::query("UPDATE companies SET revision = revision + 1 WHERE id = $1")
            .bind(company.to_string())
            .execute(&mut tx)
            .await?;
        tx.commit().await?;
        Ok(())
    }
}

/// A company's.
pub(crate) async fn read(
    tx: &mut Tx,
    company: CompanyId,
) -> Result<BTreeMap<EmployeeId, Quiet>, StoreError> {
    let rows: Vec<(String, Option<i64>)> =
        sqlx::query_as("SELECT employee_id, until_at FROM do_not_disturb WHERE company_id = $1")
            .bind(company.to_string())
            .fetch_all(tx)
            .await?;
    rows.iter()
        .map(|(employee, until)| Ok((parse("do_not_disturb", employee)?, until.map(Millis))))
        .collect()
}
