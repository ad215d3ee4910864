//! The numbers whose owner wants no call from a company again, whatever the meeting.

use domain::{CompanyId, Millis, PhoneNumber};

use crate::{StoreError, db::Tx, text::parse};

/// Notes a number. The directory has changed then, so that the running server reads it anew.
pub(crate) async fn write(
    connection: &mut Tx,
    company: CompanyId,
    number: &PhoneNumber,
    since: Millis,
) -> Result<(), StoreError> {
    let done = sqlx::query(
        "INSERT INTO never_again (company_id, number, since) VALUES ($1, $2, $3)
         ON CONFLICT (company_id, number) DO NOTHING",
    )
    .bind(company.to_string())
    .bind(number.as_str())
    .bind(since.0)
    .execute(&mut *connection)
    .await?;
    if done.rows_affected() > 0 {
        sqlx::query("UPDATE companies SET revision = revision + 1 WHERE id = $1")
            .bind(company.to_string())
            .execute(connection)
            .await?;
    }
    Ok(())
}

/// A company's, in the order in which they were noted.
pub(crate) async fn read(
    connection: &mut Tx,
    company: CompanyId,
) -> Result<Vec<PhoneNumber>, StoreError> {
    let rows: Vec<(String,)> = sqlx::query_as(
        "SELECT number FROM never_again WHERE company_id = $1 ORDER BY since, number",
    )
    .bind(company.to_string())
    .fetch_all(connection)
    .await?;
    rows.iter()
        .map(|(number,)| parse("never_again", number))
        .collect()
}
