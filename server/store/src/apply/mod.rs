//! Makes a company what its file says, in one transaction.
//!
//! What is there and still planned keeps its id (and so its history, its
//! sessions, its registrations) and its secrets where the plan gives none; what
//! is planned and not there is added; what came from a file and is no longer in
//! it is removed. Applying the same plan again changes nothing.

mod people;
mod places;

use domain::{CompanyId, Millis, company::Company, employee::Secret};

use crate::{
    CompanyDirectory, CompanyPlan, Store, StoreError,
    db::Tx,
    seal::random,
    text::{from_json, to_json},
};

/// What applying a plan did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    pub company: CompanyId,
    pub changes: Vec<Change>,
    /// Made because the plan gave none: told here, and never again.
    pub secrets: Vec<MadeSecret>,
}

/// A secret made for a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MadeSecret {
    pub username: String,
    pub secret: Secret,
}

/// One thing that is different now.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Change {
    pub kind: ChangeKind,
    /// `employee`, `phone`, `room`…
    pub what: &'static str,
    pub name: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ChangeKind {
    Added,
    Changed,
    Removed,
}

/// Why a plan cannot be applied to what is there.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// The value at this place of the plan, such as `employees[2].devices[0].secret`.
    #[error("{at}: {problem}")]
    Refused { at: String, problem: String },
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for PlanError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

pub(crate) fn refused(at: impl Into<String>, problem: impl Into<String>) -> PlanError {
    PlanError::Refused {
        at: at.into(),
        problem: problem.into(),
    }
}

impl Store {
    /// Makes a company what the plan says. Its name says which company is meant.
    ///
    /// # Errors
    /// [`PlanError::Refused`] with the place in the plan; nothing has changed then.
    pub async fn apply_company(
        &self,
        plan: &CompanyPlan,
        now: Millis,
    ) -> Result<Applied, PlanError> {
        let mut tx = self.write().await?;
        let there = self.company_named(&mut tx, &plan.company.name).await?;
        let mut work = Work {
            store: self,
            company: there
                .as_ref()
                .map_or_else(|| CompanyId::new(now, random()), |there| there.company.id),
            now,
            plan,
            there,
            changes: Vec::new(),
            secrets: Vec::new(),
        };
        work.company(&mut tx).await?;
        work.trunks(&mut tx).await?;
        work.rooms(&mut tx).await?;
        work.numbers(&mut tx).await?;
        work.event_numbers(&mut tx).await?;
        work.people(&mut tx).await?;
        work.remove_places(&mut tx).await?;
        if !work.changes.is_empty() {
            sqlx::query("UPDATE companies SET revision = revision + 1 WHERE id = $1")
                .bind(work.company.to_string())
                .execute(&mut tx)
                .await?;
        }
        let applied = Applied {
            company: work.company,
            changes: work.changes,
            secrets: work.secrets,
        };
        tx.commit().await?;
        Ok(applied)
    }

    /// The companies' names, in order.
    pub async fn company_names(&self) -> Result<Vec<String>, StoreError> {
        let rows: Vec<(String,)> = sqlx::query_as("SELECT name FROM companies ORDER BY name")
            .fetch_all(&self.db)
            .await?;
        Ok(rows.into_iter().map(|(name,)| name).collect())
    }

    /// Writes a company's own settings; its people and rooms are left alone.
    pub async fn save_company(
        &self,
        company: &Company,
        event: &str,
        now: Millis,
    ) -> Result<i64, StoreError> {
        let mut tx = self.write().await?;
        let seq = crate::events::append(&mut tx, company.id, now, event).await?;
        sqlx::query("UPDATE companies SET body = $2, revision = revision + 1 WHERE id = $1")
            .bind(company.id.to_string())
            .bind(to_json(company))
            .execute(&mut tx)
            .await?;
        tx.commit().await?;
        Ok(seq)
    }

    async fn company_named(
        &self,
        tx: &mut Tx,
        name: &str,
    ) -> Result<Option<CompanyDirectory>, StoreError> {
        let row: Option<(String,)> = sqlx::query_as("SELECT body FROM companies WHERE name = $1")
            .bind(name)
            .fetch_optional(&mut *tx)
            .await?;
        match row {
            Some((body,)) => Ok(Some(
                self.read_company(tx, from_json("companies", &body)?)
                    .await?,
            )),
            None => Ok(None),
        }
    }
}

/// A plan being applied.
struct Work<'a> {
    store: &'a Store,
    company: CompanyId,
    now: Millis,
    plan: &'a CompanyPlan,
    /// The company as it was before.
    there: Option<CompanyDirectory>,
    changes: Vec<Change>,
    secrets: Vec<MadeSecret>,
}

impl Work<'_> {
    fn note(&mut self, kind: ChangeKind, what: &'static str, name: impl Into<String>) {
        self.changes.push(Change {
            kind,
            what,
            name: name.into(),
        });
    }

    async fn company(&mut self, tx: &mut Tx) -> Result<(), PlanError> {
        let company = Company {
            id: self.company,
            ..self.plan.company.clone()
        };
        let taken: Option<(String,)> =
            sqlx::query_as("SELECT name FROM companies WHERE domain = $1 AND id <> $2")
                .bind(&company.domain)
                .bind(company.id.to_string())
                .fetch_optional(&mut *tx)
                .await?;
        if let Some((name,)) = taken {
            let problem = format!("the company \"{name}\" has this domain already");
            return Err(refused("company.domain", problem));
        }
        match &self.there {
            Some(there) if there.company == company => return Ok(()),
            Some(_) => self.note(ChangeKind::Changed, "company", &company.name),
            None => self.note(ChangeKind::Added, "company", &company.name),
        }
        sqlx::query(
            "INSERT INTO companies (id, name, domain, body) VALUES ($1, $2, $3, $4)
             ON CONFLICT (id) DO UPDATE SET domain = excluded.domain, body = excluded.body",
        )
        .bind(company.id.to_string())
        .bind(&company.name)
        .bind(&company.domain)
        .bind(to_json(&company))
        .execute(&mut *tx)
        .await?;
        Ok(())
    }
}

fn order(index: usize) -> i64 {
    i64::try_from(index).unwrap_or(i64::MAX)
}
