//! Requests that must act once, however often they come (`Idempotency-Key`).
//!
//! A receipt is begun before the request acts, and is completed in the transaction
//! that acts: [`with_receipt`] says for whom the writing of the current task is
//! done, and every transaction that writes then marks the receipt too, with the
//! answer if [`Store::promise`] has said it. So a crash leaves either neither, and
//! the request may act again, or both, and it is answered as it would have been.

use std::{
    cell::RefCell,
    sync::{Arc, Mutex, PoisonError},
};

use domain::{Millis, UserId};

use crate::{
    Store, StoreError,
    db::Tx,
    text::{from_json, to_json},
};

tokio::task_local! {
    static RECEIPT: RefCell<Option<Receipt>>;
}

/// Whose request it is, and under which key.
#[derive(Debug, Clone)]
pub struct Receipt {
    pub user: UserId,
    pub key: String,
    /// Sealed.
    answer: Arc<Mutex<Option<String>>>,
}

/// An answer, to be given again.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ReceiptAnswer {
    pub status: u16,
    pub body: String,
}

/// What a request finds under its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// Nothing: it is begun, and may act.
    New,
    /// It has been answered.
    Answered(ReceiptAnswer),
    /// It acted, and the answer was lost with the process that knew it.
    Acted,
    /// It is under way.
    UnderWay,
    /// Another request has the key.
    Another,
}

impl Receipt {
    pub fn new(user: UserId, key: String) -> Self {
        Self {
            user,
            key,
            answer: Arc::default(),
        }
    }

    fn owner(&self) -> String {
        format!("receipt {} {}", self.user, self.key)
    }
}

/// Does something in the name of a receipt: what it writes marks the receipt.
pub async fn with_receipt<F: Future>(receipt: Receipt, act: F) -> F::Output {
    RECEIPT.scope(RefCell::new(Some(receipt)), act).await
}

fn current() -> Option<Receipt> {
    RECEIPT
        .try_with(|receipt| receipt.borrow().clone())
        .ok()
        .flatten()
}

impl Store {
    /// Says what the request will be answered if what it writes next is written.
    /// Without a receipt it does nothing.
    pub fn promise<T: serde::Serialize>(&self, status: u16, body: &T) {
        let Some(receipt) = current() else { return };
        let answer = ReceiptAnswer {
            status,
            body: to_json(body),
        };
        let sealed = self.seal.close(&receipt.owner(), &to_json(&answer));
        let mut promised = receipt
            .answer
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *promised = Some(sealed);
    }

    /// Begins a receipt, or says what is under its key. What was begun and not acted
    /// on by `lease_until` may be begun again.
    pub async fn begin_receipt(
        &self,
        receipt: &Receipt,
        request: &str,
        now: Millis,
        lease_until: Millis,
    ) -> Result<Found, StoreError> {
        let mut tx = self.write().await?;
        let begun = sqlx::query(
            "INSERT INTO receipts (user_id, request_key, request, created_at, leased_until, acted)
             VALUES ($1, $2, $3, $4, $5, 0)
             ON CONFLICT (user_id, request_key) DO UPDATE
                SET leased_until = excluded.leased_until
              WHERE receipts.request = excluded.request AND receipts.acted = 0
                AND receipts.leased_until <= $4",
        )
        .bind(receipt.user.to_string())
        .bind(&receipt.key)
        .bind(request)
        .bind(now.0)
        .bind(lease_until.0)
        .execute(&mut tx)
        .await?;
        if begun.rows_affected() > 0 {
            tx.commit().await?;
            return Ok(Found::New);
        }
        let (known, acted, answer): (String, i64, Option<String>) = sqlx::query_as(
            "SELECT request, acted, sealed_answer FROM receipts WHERE user_id = $1 AND request_key = $2",
        )
        .bind(receipt.user.to_string())
        .bind(&receipt.key)
        .fetch_one(&mut tx)
        .await?;
        if known != request {
            return Ok(Found::Another);
        }
        match (acted, answer) {
            (0, _) => Ok(Found::UnderWay),
            (_, Some(sealed)) => {
                let text = self.seal.open(&receipt.owner(), &sealed)?;
                Ok(Found::Answered(from_json("receipts", &text)?))
            }
            (_, None) => Ok(Found::Acted),
        }
    }

    /// The request was answered so.
    pub async fn complete_receipt(
        &self,
        receipt: &Receipt,
        answer: &ReceiptAnswer,
    ) -> Result<(), StoreError> {
        let sealed = self.seal.close(&receipt.owner(), &to_json(answer));
        sqlx::query(
            "UPDATE receipts SET acted = 1, sealed_answer = $3 WHERE user_id = $1 AND request_key = $2",
        )
        .bind(receipt.user.to_string())
        .bind(&receipt.key)
        .bind(sealed)
        .execute(&self.db)
        .await?;
        Ok(())
    }

    /// The request was refused and has done nothing: its key is free again.
    pub async fn release_receipt(&self, receipt: &Receipt) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM receipts WHERE user_id = $1 AND request_key = $2 AND acted = 0")
            .bind(receipt.user.to_string())
            .bind(&receipt.key)
            .execute(&self.db)
            .await?;
        Ok(())
    }

    /// Forgets the receipts begun before `at`.
    pub async fn forget_receipts(&self, before: Millis) -> Result<u64, StoreError> {
        let done = sqlx::query("DELETE FROM receipts WHERE created_at < $1")
            .bind(before.0)
            .execute(&self.db)
            .await?;
        Ok(done.rows_affected())
    }
}

/// Marks the current receipt within a transaction that writes.
pub(crate) async fn mark(tx: &mut Tx) -> Result<(), sqlx::Error> {
    let Some(receipt) = current() else {
        return Ok(());
    };
    let promised = {
        let promised = receipt
            .answer
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        promised.clone()
    };
    sqlx::query(
        "UPDATE receipts SET acted = 1, sealed_answer = COALESCE($3, sealed_answer)
          WHERE user_id = $1 AND request_key = $2",
    )
    .bind(receipt.user.to_string())
    .bind(&receipt.key)
    .bind(promised)
    .execute(tx)
    .await?;
    Ok(())
}
