//! Many writers, one commit.
//!
//! A commit waits for the disk, and the database takes one after the other: with four hundred
//! people a second coming to ten rooms, each room would wait for all others. So whoever comes
//! while a commit is under way waits, and the first of them writes for all: one transaction in
//! which each batch stands and falls by itself (a savepoint each).

use std::sync::{Mutex, PoisonError};

use sqlx::Executor;
use tokio::sync::oneshot;

use crate::{Batch, Store, StoreError, db};

/// So many batches share a commit at most.
const MOST: usize = 64;

type Answer = Result<Vec<i64>, StoreError>;

/// Who waits to be written.
#[derive(Debug, Default)]
pub(crate) struct Together {
    waiting: Mutex<Vec<Waiting>>,
    turn: tokio::sync::Mutex<()>,
}

#[derive(Debug)]
struct Waiting {
    batch: Batch,
    /// Whoever asked may have gone away.
    done: oneshot::Sender<Answer>,
}

impl Together {
    fn with<T>(&self, act: impl FnOnce(&mut Vec<Waiting>) -> T) -> T {
        // A panic elsewhere leaves a consistent list behind.
        act(&mut self.waiting.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Store {
    /// As [`Store::write_batch`], in one commit with whatever others write meanwhile.
    ///
    /// What is refused of one batch touches none of the others. For no request of the API:
    /// its receipt is marked by its own transaction.
    ///
    /// # Errors
    /// As [`Store::write_batch`].
    pub async fn write_together(&self, batch: Batch) -> Answer {
        let (done, mut answer) = oneshot::channel();
        self.together
            .with(|waiting| waiting.push(Waiting { batch, done }));
        let turn = tokio::select! {
            biased;
            answer = &mut answer => return answer.unwrap_or_else(|_| lost()),
            turn = self.together.turn.lock() => turn,
        };
        // Whoever had the turn before may just have written ours.
        loop {
            match answer.try_recv() {
                Ok(answer) => return answer,
                Err(oneshot::error::TryRecvError::Closed) => return lost(),
                Err(oneshot::error::TryRecvError::Empty) => {}
            }
            let group = self.together.with(|waiting| {
                let count = waiting.len().min(MOST);
                waiting.drain(..count).collect::<Vec<_>>()
            });
            if group.is_empty() {
                drop(turn);
                return answer.await.unwrap_or_else(|_| lost());
            }
            self.write_group(group).await;
        }
    }

    async fn write_group(&self, group: Vec<Waiting>) {
        let group = match <[Waiting; 1]>::try_from(group) {
            Ok([alone]) => {
                let answer = self.write_batch(&alone.batch).await;
                _ = alone.done.send(answer);
                return;
            }
            Err(group) => group,
        };
        let (batches, askers): (Vec<Batch>, Vec<_>) =
            group.into_iter().map(|one| (one.batch, one.done)).unzip();
        match self.commit_each(&batches).await {
            Ok(answers) => {
                for (asker, answer) in askers.into_iter().zip(answers) {
                    _ = asker.send(answer);
                }
            }
            Err(error) => {
                let reason = error.to_string();
                for asker in askers {
                    let source = std::io::Error::other(reason.clone());
                    _ = asker.send(Err(StoreError::Unavailable(source.into())));
                }
            }
        }
    }

    /// One transaction, and what came of each batch in it.
    ///
    /// # Errors
    /// If nothing at all is written.
    async fn commit_each(&self, batches: &[Batch]) -> Result<Vec<Answer>, StoreError> {
        let mut tx = self.write().await?;
        let mut answers = Vec::with_capacity(batches.len());
        for batch in batches {
            tx.execute("SAVEPOINT one").await?;
            let answer = match batch.write(&mut tx).await {
                // Without the database no other batch fares better.
                Err(StoreError::Unavailable(error)) => return Err(error.into()),
                answer => answer,
            };
            let end = match answer {
                Ok(_) => "RELEASE SAVEPOINT one",
                Err(_) => "ROLLBACK TO SAVEPOINT one",
            };
            tx.execute(end).await?;
            answers.push(answer);
        }
        tx.commit().await?;
        Ok(answers)
    }
}

/// Whoever wrote for us was stopped in the middle: nobody knows what became of it.
fn lost() -> Answer {
    Err(StoreError::Unavailable(db::no_answer()))
}

#[cfg(test)]
mod tests {
    use domain::{CompanyId, Millis};

    use super::*;
    use crate::testing::{database, northway};

    const NOW: Millis = Millis(1_750_000_000_000);

    fn told(company: CompanyId, what: &str) -> Batch {
        let mut batch = Batch::new(company, NOW);
        batch.events.push(what.to_owned());
        batch
    }

    #[tokio::test]
    async fn what_many_write_at_once_is_numbered_without_gaps() {
        let northway = northway().await;
        let store = northway.store();
        let writers: Vec<_> = (0..100)
            .map(|nth| {
                let (store, batch) = (store.clone(), told(northway.company, &nth.to_string()));
                tokio::spawn(async move { store.write_together(batch).await.unwrap() })
            })
            .collect();
        let mut numbers = Vec::new();
        for writer in writers {
            numbers.extend(writer.await.unwrap());
        }
        numbers.sort_unstable();

        let first = numbers[0];
        assert_eq!(numbers, (first..first + 100).collect::<Vec<_>>());
    }

    #[tokio::test]
    async fn what_is_refused_of_one_touches_none_of_the_others() {
        let northway = northway().await;
        let store = northway.store();
        let nobody = CompanyId::new(NOW, [9; 10]);
        let batches = [
            told(northway.company, "first"),
            told(nobody, "of no company"),
            told(northway.company, "last"),
        ];
        let before = store.last_event(northway.company).await.unwrap();

        let answers = store.commit_each(&batches).await.unwrap();

        assert!(matches!(
            &answers[..],
            [Ok(_), Err(StoreError::NotFound { .. }), Ok(_)]
        ));
        let events = store.events_after(northway.company, before, 10).await;
        let bodies: Vec<String> = events
            .unwrap()
            .unwrap()
            .into_iter()
            .map(|e| e.body)
            .collect();
        assert_eq!(bodies, ["first", "last"]);
    }

    #[tokio::test]
    async fn a_database_that_is_away_is_told_to_everybody() {
        let database = database().await;
        let store = &database.store;
        store.close().await;
        let company = CompanyId::new(NOW, [1; 10]);
        let ask = || store.write_together(told(company, "lost"));

        let (one, other) = tokio::join!(ask(), ask());

        assert!(one.unwrap_err().is_passing() && other.unwrap_err().is_passing());
    }
}
