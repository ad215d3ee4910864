//! Templates: lists of people with a name.

use domain::{CompanyId, TemplateId, template::Template};

use crate::{
    Store, StoreError,
    error::is_taken,
    text::{from_json, to_json},
};

impl Store {
    /// The company's templates, by name.
    pub async fn templates(&self, company: CompanyId) -> Result<Vec<Template>, StoreError> {
        let rows: Vec<(String, String)> = sqlx::query_as(
            "SELECT id, body FROM templates WHERE company_id = $1 ORDER BY name, id",
        )
        .bind(company.to_string())
        .fetch_all(&self.db)
        .await?;
        Ok(self.sound(rows, |(_, body)| from_json("templates", &body)))
    }

    pub async fn template(
        &self,
        company: CompanyId,
        id: TemplateId,
    ) -> Result<Template, StoreError> {
        let row: Option<(String,)> =
            sqlx::query_as("SELECT body FROM templates WHERE company_id = $1 AND id = $2")
                .bind(company.to_string())
                .bind(id.to_string())
                .fetch_optional(&self.db)
                .await?;
        match row {
            Some((body,)) => from_json("templates", &body),
            None => Err(not_found(id)),
        }
    }

    /// Writes a template, new or changed.
    ///
    /// # Errors
    /// [`StoreError::Taken`] if another one of the company has its name.
    pub async fn save_template(&self, template: &Template) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        let written = sqlx::query(
            "INSERT INTO templates (id, company_id, name, body) VALUES ($1, $2, $3, $4)
             ON CONFLICT (id) DO UPDATE SET name = excluded.name, body = excluded.body",
        )
        .bind(template.id.to_string())
        .bind(template.company.to_string())
        .bind(&template.name)
        .bind(to_json(template))
        .execute(&mut tx)
        .await;
        match written {
            Err(error) if is_taken(&error) => Err(StoreError::Taken(template.name.clone())),
            written => {
                written?;
                tx.commit().await?;
                Ok(())
            }
        }
    }

    pub async fn remove_template(
        &self,
        company: CompanyId,
        id: TemplateId,
    ) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        let removed = sqlx::query("DELETE FROM templates WHERE company_id = $1 AND id = $2")
            .bind(company.to_string())
            .bind(id.to_string())
            .execute(&mut tx)
            .await?;
        if removed.rows_affected() == 0 {
            return Err(not_found(id));
        }
        tx.commit().await?;
        Ok(())
    }
}

fn not_found(id: TemplateId) -> StoreError {
    StoreError::NotFound {
        what: "template",
        id: id.to_string(),
    }
}
