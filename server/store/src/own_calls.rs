//! Calls employees make outside from their own lines: what the company's limits count.

use domain::{CompanyId, EmployeeId, Millis, PhoneNumber};
use uuid::Uuid;

use crate::{Store, StoreError, text::parse};

/// One such call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnCallRow {
    pub id: Uuid,
    pub company: CompanyId,
    pub employee: EmployeeId,
    /// In full.
    pub number: PhoneNumber,
    pub made_at: Millis,
    pub answered_at: Option<Millis>,
    pub ended_at: Option<Millis>,
}

type Columns = (
    String,
    String,
    String,
    String,
    i64,
    Option<i64>,
    Option<i64>,
);

impl Store {
    pub async fn save_own_call(&self, call: &OwnCallRow) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO own_calls
                    (id, company_id, employee_id, number, made_at, answered_at, ended_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7)
             ON CONFLICT (id) DO UPDATE
                SET answered_at = excluded.answered_at, ended_at = excluded.ended_at",
        )
        .bind(call.id.to_string())
        .bind(call.company.to_string())
        .bind(call.employee.to_string())
        .bind(call.number.as_str())
        .bind(call.made_at.0)
        .bind(call.answered_at.map(|at| at.0))
        .bind(call.ended_at.map(|at| at.0))
        .execute(&self.db)
        .await?;
        Ok(())
    }

    /// All that were made since then. A damaged one is left out.
    pub async fn own_calls_since(&self, since: Millis) -> Result<Vec<OwnCallRow>, StoreError> {
        let rows: Vec<Columns> = sqlx::query_as(
            "SELECT id, company_id, employee_id, number, made_at, answered_at, ended_at
               FROM own_calls WHERE made_at >= $1 ORDER BY made_at, id",
        )
        .bind(since.0)
        .fetch_all(&self.db)
        .await?;
        Ok(self.sound(rows, own_call))
    }
}

fn own_call(
    (id, company, employee, number, made_at, answered_at, ended_at): Columns,
) -> Result<OwnCallRow, StoreError> {
    Ok(OwnCallRow {
        id: parse("own_calls", &id)?,
        company: parse("own_calls", &company)?,
        employee: parse("own_calls", &employee)?,
        number: parse("own_calls", &number)?,
        made_at: Millis(made_at),
        answered_at: answered_at.map(Millis),
        ended_at: ended_at.map(Millis),
    })
}
