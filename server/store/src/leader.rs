//! Who leads: of several servers on one database, the one that works.
//!
//! The row names the leader and counts its **terms**; a second one counts its beats. Nothing in
//! them is a time, because servers' clocks differ: whoever stands by watches the beats by
//! his own clock, and takes the lead from exactly the state he has watched. A leader that
//! was only slow finds that its term is over, and none of its batches is written any more:
//! [`Batch`](crate::Batch)es of an older term are refused ([`StoreError::Deposed`]).

use std::sync::atomic::Ordering;

use crate::{Store, StoreError, db::Tx};

/// What the rows say of the leader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leader {
    /// Empty when nobody leads: the last one has left in good order.
    pub node: String,
    pub term: i64,
    pub beat: i64,
}

impl Store {
    /// Whether other servers may be at the same rows. SQLite's are for one data folder alone.
    pub fn is_shared(&self) -> bool {
        self.is_postgres()
    }

    /// Who leads now.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] if the database does not answer in time.
    pub async fn leader(&self) -> Result<Leader, StoreError> {
        let (node, term, beat) = sqlx::query_as(
            "SELECT l.node, l.term, b.beat FROM leader l JOIN leader_beat b ON b.id = l.id WHERE l.id = 1",
        )
        .fetch_one(&self.db)
        .await?;
        Ok(Leader { node, term, beat })
    }

    /// Leads from now on, unless the rows no longer say what was `seen`. What this store
    /// writes belongs to the new term.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] if the database does not answer in time.
    pub async fn take_lead(&self, node: &str, seen: &Leader) -> Result<bool, StoreError> {
        let mut tx = self.write().await?;
        // Waits for whoever is writing in the old term.
        let term: Option<(i64,)> = sqlx::query_as(
            "UPDATE leader SET node = $1, term = term + 1
              WHERE id = 1 AND term = $2
                AND EXISTS (SELECT 1 FROM leader_beat b WHERE b.id = 1 AND b.beat = $3)
             RETURNING term",
        )
        .bind(node)
        .bind(seen.term)
        .bind(seen.beat)
        .fetch_optional(&mut tx)
        .await?;
        tx.commit().await?;
        if let Some((term,)) = term {
            self.term.store(term, Ordering::Release);
        }
        Ok(term.is_some())
    }

    /// A sign of life. False if another leads by now.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] if the database does not answer in time.
    pub async fn beat(&self) -> Result<bool, StoreError> {
        let beaten = sqlx::query(
            "UPDATE leader_beat SET beat = beat + 1
              WHERE id = 1 AND EXISTS (SELECT 1 FROM leader l WHERE l.id = 1 AND l.term = $1)",
        )
        .bind(self.term.load(Ordering::Acquire))
        .execute(&self.db)
        .await?;
        Ok(beaten.rows_affected() > 0)
    }

    /// Nobody leads any more, if it was this store's user who did.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] if the database does not answer in time.
    pub async fn leave_lead(&self) -> Result<(), StoreError> {
        sqlx::query("UPDATE leader SET node = '' WHERE id = 1 AND term = $1")
            .bind(self.term.load(Ordering::Acquire))
            .execute(&self.db)
            .await?;
        Ok(())
    }

    /// Holds the term until the transaction ends, if this store leads in one.
    pub(crate) async fn in_term(&self, tx: &mut Tx) -> Result<(), StoreError> {
        let ours = self.term.load(Ordering::Acquire);
        if ours == 0 {
            return Ok(());
        }
        let question = if self.is_postgres() {
            "SELECT term FROM leader WHERE id = 1 FOR SHARE"
        } else {
            "SELECT term FROM leader WHERE id = 1"
        };
        let (term,): (i64,) = sqlx::query_as(question).fetch_one(tx).await?;
        if term == ours {
            Ok(())
        } else {
            Err(StoreError::Deposed)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Batch,
        testing::{NOW, database, northway},
    };

    #[tokio::test]
    async fn the_lead_is_taken_from_what_was_seen_alone() {
        let database = database().await;
        let store = &database.store;
        let nobody = store.leader().await.unwrap();
        assert_eq!(nobody.node, "");

        assert!(store.take_lead("a", &nobody).await.unwrap());
        assert!(!store.take_lead("b", &nobody).await.unwrap());
        let seen = store.leader().await.unwrap();
        assert_eq!(seen.node, "a");

        assert!(store.beat().await.unwrap());
        let other = another(store);
        assert!(
            !other.take_lead("b", &seen).await.unwrap(),
            "it has shown that it lives"
        );
        let silent = other.leader().await.unwrap();
        assert!(other.take_lead("b", &silent).await.unwrap());
        assert!(!store.beat().await.unwrap());

        // One that was deposed leaves nothing behind.
        store.leave_lead().await.unwrap();
        assert_eq!(other.leader().await.unwrap().node, "b");
        other.leave_lead().await.unwrap();
        assert_eq!(other.leader().await.unwrap().node, "");
    }

    #[tokio::test]
    async fn who_was_deposed_writes_nothing_more() {
        let northway = northway().await;
        let (old, new) = (northway.store(), another(northway.store()));
        let batch = || Batch {
            events: vec!["{}".to_owned()],
            ..Batch::new(northway.company, NOW)
        };
        assert!(
            old.take_lead("a", &old.leader().await.unwrap())
                .await
                .unwrap()
        );
        old.write_batch(&batch()).await.unwrap();
        assert!(
            new.take_lead("b", &new.leader().await.unwrap())
                .await
                .unwrap()
        );

        let refused = old.write_batch(&batch()).await;
        assert!(matches!(refused, Err(StoreError::Deposed)), "{refused:?}");
        new.write_batch(&batch()).await.unwrap();
    }

    /// Another server at the same rows.
    fn another(store: &Store) -> Store {
        let mut other = store.clone();
        other.term = std::sync::Arc::default();
        other
    }
}
