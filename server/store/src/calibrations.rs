//! What is being learnt of the trunks, and what was learnt.
//!
//! Each change moves the directory's revision: whoever keeps it in memory reads
//! it anew, the profile with it.

use std::collections::BTreeMap;

use domain::{CompanyId, Millis, TrunkId, calibration::Calibration, decode::Profile, trunk::Trunk};

use crate::{
    Store, StoreError, Versioned,
    db::Tx,
    text::{from_json, parse, to_json},
};

impl Store {
    /// The calibration of a trunk that is under way.
    pub async fn calibration(
        &self,
        company: CompanyId,
        trunk: TrunkId,
    ) -> Result<Versioned<Calibration>, StoreError> {
        let row: Option<(i64, String)> = sqlx::query_as(
            "SELECT version, body FROM calibrations WHERE trunk_id = $1 AND company_id = $2",
        )
        .bind(trunk.to_string())
        .bind(company.to_string())
        .fetch_optional(&self.db)
        .await?;
        let (version, body) = row.ok_or_else(|| StoreError::NotFound {
            what: "calibration",
            id: trunk.to_string(),
        })?;
        Ok(Versioned {
            version,
            value: from_json("calibrations", &body)?,
        })
    }

    /// Writes a calibration that is read at its version, or a new one.
    pub async fn save_calibration(
        &self,
        row: &Versioned<Calibration>,
        event: &str,
        now: Millis,
    ) -> Result<(), StoreError> {
        let calibration = &row.value;
        let stale = || StoreError::Stale {
            what: "calibration",
            id: calibration.trunk.to_string(),
        };
        let mut tx = self.write().await?;
        let done = if row.version == 0 {
            sqlx::query(
                "INSERT INTO calibrations (trunk_id, company_id, version, body)
                 VALUES ($1, $2, 1, $3) ON CONFLICT (trunk_id) DO NOTHING",
            )
            .bind(calibration.trunk.to_string())
            .bind(calibration.company.to_string())
            .bind(to_json(calibration))
            .execute(&mut tx)
            .await?
        } else {
            sqlx::query(
                "UPDATE calibrations SET body = $3, version = version + 1
                  WHERE trunk_id = $1 AND version = $2",
            )
            .bind(calibration.trunk.to_string())
            .bind(row.version)
            .bind(to_json(calibration))
            .execute(&mut tx)
            .await?
        };
        if done.rows_affected() == 0 {
            return Err(stale());
        }
        self.tell_of_trunks(tx, calibration.company, event, now)
            .await
    }

    /// Forgets a calibration, finished or not.
    pub async fn drop_calibration(
        &self,
        company: CompanyId,
        trunk: TrunkId,
        event: &str,
        now: Millis,
    ) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        remove(&mut tx, company, trunk).await?;
        self.tell_of_trunks(tx, company, event, now).await
    }

    /// From now on the trunk is read by this profile; its calibration is over.
    pub async fn save_profile(
        &self,
        company: CompanyId,
        trunk: TrunkId,
        profile: &Profile,
        event: &str,
        now: Millis,
    ) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        // Writing the row takes its lock; its secret stands beside the body and stays.
        let row: Option<(String,)> = sqlx::query_as(
            "UPDATE trunks SET body = body WHERE id = $1 AND company_id = $2 RETURNING body",
        )
        .bind(trunk.to_string())
        .bind(company.to_string())
        .fetch_optional(&mut tx)
        .await?;
        let (body,) = row.ok_or_else(|| StoreError::NotFound {
            what: "trunk",
            id: trunk.to_string(),
        })?;
        let known: Trunk = from_json("trunks", &body)?;
        let changed = Trunk {
            profile: profile.clone(),
            ..known
        };
        sqlx::query("UPDATE trunks SET body = $2 WHERE id = $1")
            .bind(trunk.to_string())
            .bind(to_json(&changed))
            .execute(&mut tx)
            .await?;
        remove(&mut tx, company, trunk).await?;
        self.tell_of_trunks(tx, company, event, now).await
    }

    async fn tell_of_trunks(
        &self,
        mut tx: Tx,
        company: CompanyId,
        event: &str,
        now: Millis,
    ) -> Result<(), StoreError> {
        crate::events::append(&mut tx, company, now, event).await?;
        sqlx::query("UPDATE companies SET revision = revision + 1 WHERE id = $1")
            .bind(company.to_string())
            .execute(&mut tx)
            .await?;
        tx.commit().await?;
        Ok(())
    }
}

async fn remove(tx: &mut Tx, company: CompanyId, trunk: TrunkId) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM calibrations WHERE trunk_id = $1 AND company_id = $2")
        .bind(trunk.to_string())
        .bind(company.to_string())
        .execute(tx)
        .await?;
    Ok(())
}

/// A company's, by their trunks.
pub(crate) async fn read(
    tx: &mut Tx,
    company: CompanyId,
) -> Result<BTreeMap<TrunkId, Calibration>, StoreError> {
    let rows: Vec<(String, String)> =
        sqlx::query_as("SELECT trunk_id, body FROM calibrations WHERE company_id = $1")
            .bind(company.to_string())
            .fetch_all(tx)
            .await?;
    rows.into_iter()
        .map(|(trunk, body)| {
            Ok((
                parse("calibrations", &trunk)?,
                from_json("calibrations", &body)?,
            ))
        })
        .collect()
}
