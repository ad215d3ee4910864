//! Who is signed in: sessions of browsers, tokens of programs. Both are kept
//! as SHA-256 of their text, so that whoever reads the rows cannot sign in.

use domain::{CompanyId, EmployeeId, Millis, TokenId, UserId};
use sha2::{Digest, Sha256};

use crate::{
    Store, StoreError,
    seal::random,
    text::{parse, to_hex},
};

/// What a signed-in request may act as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    pub id: UserId,
    pub company: CompanyId,
    pub employee: EmployeeId,
    pub email: String,
    /// `administrator` or `employee`, as `domain` writes it.
    pub level: String,
}

/// A user as far as signing in is concerned.
#[derive(Clone)]
pub struct Login {
    pub user: User,
    /// PHC text of argon2id.
    pub password_hash: String,
}

/// What a request shows to be known again. Never printed.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Secret(String);

/// What the rows know a secret by; says nothing about it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SecretHash(String);

impl Secret {
    /// 256 random bits; the prefix tells people (and secret scanners) what they found.
    pub fn random(prefix: &str) -> Self {
        Self(format!("{prefix}{}", to_hex(&random::<32>())))
    }

    pub fn from_text(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself: for the one answer that hands it out.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    pub fn hash(&self) -> SecretHash {
        SecretHash(to_hex(&Sha256::digest(self.0.as_bytes())))
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRow {
    pub id: TokenId,
    pub name: String,
    pub created_at: Millis,
    pub used_at: Option<Millis>,
}

type UserColumns = (String, String, String, String, String);

fn user((id, company, employee, email, level): UserColumns) -> Result<User, StoreError> {
    Ok(User {
        id: parse("users", &id)?,
        company: parse("users", &company)?,
        employee: parse("users", &employee)?,
        email,
        level,
    })
}

impl Store {
    /// The login of an address, whatever the case of its letters.
    pub async fn login(&self, email: &str) -> Result<Option<Login>, StoreError> {
        let row: Option<(String, String, String, String, String, String)> = sqlx::query_as(
            "SELECT id, company_id, employee_id, email, level, password_hash
               FROM users WHERE email = $1",
        )
        .bind(email.trim().to_lowercase())
        .fetch_optional(&self.db)
        .await?;
        row.map(|(id, company, employee, email, level, password_hash)| {
            Ok(Login {
                user: user((id, company, employee, email, level))?,
                password_hash,
            })
        })
        .transpose()
    }

    pub async fn begin_session(
        &self,
        id: UserId,
        session: &SecretHash,
        now: Millis,
        expires_at: Millis,
    ) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM sessions WHERE expires_at <= $1")
            .bind(now.0)
            .execute(&self.db)
            .await?;
        sqlx::query(
            "INSERT INTO sessions (hash, user_id, created_at, expires_at) VALUES ($1, $2, $3, $4)",
        )
        .bind(&session.0)
        .bind(id.to_string())
        .bind(now.0)
        .bind(expires_at.0)
        .execute(&self.db)
        .await?;
        Ok(())
    }

    /// Who a session belongs to, and when it ends; nobody once that is past.
    pub async fn session(
        &self,
        session: &SecretHash,
        now: Millis,
    ) -> Result<Option<(User, Millis)>, StoreError> {
        let row: Option<(String, String, String, String, String, i64)> = sqlx::query_as(
            "SELECT u.id, u.company_id, u.employee_id, u.email, u.level, s.expires_at
               FROM sessions s JOIN users u ON u.id = s.user_id
              WHERE s.hash = $1 AND s.expires_at > $2",
        )
        .bind(&session.0)
        .bind(now.0)
        .fetch_optional(&self.db)
        .await?;
        row.map(|(id, company, employee, email, level, expires_at)| {
            Ok((
                user((id, company, employee, email, level))?,
                Millis(expires_at),
            ))
        })
        .transpose()
    }

    pub async fn prolong_session(
        &self,
        session: &SecretHash,
        expires_at: Millis,
    ) -> Result<(), StoreError> {
        sqlx::query("UPDATE sessions SET expires_at = $2 WHERE hash = $1")
            .bind(&session.0)
            .bind(expires_at.0)
            .execute(&self.db)
            .await?;
        Ok(())
    }

    pub async fn end_session(&self, session: &SecretHash) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM sessions WHERE hash = $1")
            .bind(&session.0)
            .execute(&self.db)
            .await?;
        Ok(())
    }

    pub async fn add_token(
        &self,
        id: TokenId,
        owner: UserId,
        name: &str,
        token: &SecretHash,
        now: Millis,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO tokens (id, user_id, name, hash, created_at) VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(id.to_string())
        .bind(owner.to_string())
        .bind(name)
        .bind(&token.0)
        .bind(now.0)
        .execute(&self.db)
        .await?;
        Ok(())
    }

    /// Who a token acts as. Notes that it was used, at most once a minute.
    pub async fn token(&self, token: &SecretHash, now: Millis) -> Result<Option<User>, StoreError> {
        const NOTED_EVERY_MS: i64 = 60_000;
        let row: Option<UserColumns> = sqlx::query_as(
            "SELECT u.id, u.company_id, u.employee_id, u.email, u.level
               FROM tokens t JOIN users u ON u.id = t.user_id WHERE t.hash = $1",
        )
        .bind(&token.0)
        .fetch_optional(&self.db)
        .await?;
        let Some(row) = row else { return Ok(None) };
        sqlx::query(
            "UPDATE tokens SET used_at = $2 WHERE hash = $1 AND (used_at IS NULL OR used_at <= $3)",
        )
        .bind(&token.0)
        .bind(now.0)
        .bind(now.0 - NOTED_EVERY_MS)
        .execute(&self.db)
        .await?;
        user(row).map(Some)
    }

    pub async fn tokens(&self, owner: UserId) -> Result<Vec<TokenRow>, StoreError> {
        let rows: Vec<(String, String, i64, Option<i64>)> = sqlx::query_as(
            "SELECT id, name, created_at, used_at FROM tokens WHERE user_id = $1 ORDER BY created_at, id",
        )
        .bind(owner.to_string())
        .fetch_all(&self.db)
        .await?;
        rows.into_iter()
            .map(|(id, name, created_at, used_at)| {
                Ok(TokenRow {
                    id: parse("tokens", &id)?,
                    name,
                    created_at: Millis(created_at),
                    used_at: used_at.map(Millis),
                })
            })
            .collect()
    }

    /// Revokes one of the user's own tokens.
    pub async fn remove_token(&self, owner: UserId, id: TokenId) -> Result<(), StoreError> {
        let removed = sqlx::query("DELETE FROM tokens WHERE id = $1 AND user_id = $2")
            .bind(id.to_string())
            .bind(owner.to_string())
            .execute(&self.db)
            .await?;
        if removed.rows_affected() == 0 {
            return Err(StoreError::NotFound {
                what: "token",
                id: id.to_string(),
            });
        }
        Ok(())
    }
}
