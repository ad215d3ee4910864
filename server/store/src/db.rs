//! The one door to the database: whoever asks through it gets an answer, or an
//! error, in time.
//!
//! A pool and a statement have limits of their own, but a connection whose other
//! end is frozen keeps none of them: it just says nothing. So every question and
//! every step of a transaction passes here, under a limit that our own clock keeps.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use futures_core::{Stream, future::BoxFuture, stream::BoxStream};
use sqlx::{
    Any, AnyPool, Either, Error, Execute, Executor, SqlStr, Transaction,
    any::{AnyQueryResult, AnyRow, AnyStatement, AnyTypeInfo},
};
use tokio::time::{Instant, Sleep, sleep_until, timeout_at};

use crate::receipts;

/// How long a question, or a transaction from its beginning to its end, may take
/// altogether. With something to spare for a machine that is busy: who asked is told
/// within 5 s.
pub(crate) const ANSWER_TIMEOUT: Duration = Duration::from_millis(4000);

/// Asks single questions. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Db {
    pub(crate) pool: AnyPool,
}

/// Several questions as one. Dropped without a commit it has changed nothing,
/// unless it was the commit that got no answer: then nobody knows, and the rows'
/// versions tell when they are read again.
#[derive(Debug)]
pub(crate) struct Tx {
    inner: Transaction<'static, Any>,
    /// None: as long as it needs.
    until: Option<Instant>,
    /// It writes, and not for the receipts themselves.
    acts: bool,
}

impl Db {
    pub(crate) async fn begin(&self, how: &'static str) -> Result<Tx, Error> {
        let until = Some(Instant::now() + ANSWER_TIMEOUT);
        let inner = within(until, self.pool.begin_with(how)).await?;
        Ok(Tx {
            inner,
            until,
            acts: false,
        })
    }
}

impl Tx {
    pub(crate) fn without_limit(&mut self) {
        self.until = None;
    }

    /// What it writes is what somebody asked for: his receipt is marked with it.
    pub(crate) fn acting(mut self) -> Self {
        self.acts = true;
        self
    }

    pub(crate) async fn commit(mut self) -> Result<(), Error> {
        if self.acts {
            receipts::mark(&mut self).await?;
        }
        within(self.until, self.inner.commit()).await
    }
}

impl<'c> Executor<'c> for &Db {
    type Database = Any;

    fn fetch_many<'e, 'q: 'e, E>(self, query: E) -> BoxStream<'e, Step>
    where
        'c: 'e,
        E: 'q + Execute<'q, Any>,
    {
        let until = Some(Instant::now() + ANSWER_TIMEOUT);
        Limited::boxed((&self.pool).fetch_many(query), until)
    }

    fn fetch_optional<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, Result<Option<AnyRow>, Error>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Any>,
    {
        let until = Some(Instant::now() + ANSWER_TIMEOUT);
        Box::pin(within(until, (&self.pool).fetch_optional(query)))
    }

    fn prepare_with<'e>(
        self,
        sql: SqlStr,
        parameters: &'e [AnyTypeInfo],
    ) -> BoxFuture<'e, Result<AnyStatement, Error>>
    where
        'c: 'e,
    {
        let until = Some(Instant::now() + ANSWER_TIMEOUT);
        Box::pin(within(until, (&self.pool).prepare_with(sql, parameters)))
    }
}

impl<'c> Executor<'c> for &'c mut Tx {
    type Database = Any;

    fn fetch_many<'e, 'q: 'e, E>(self, query: E) -> BoxStream<'e, Step>
    where
        'c: 'e,
        E: 'q + Execute<'q, Any>,
    {
        Limited::boxed((&mut *self.inner).fetch_many(query), self.until)
    }

    fn fetch_optional<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, Result<Option<AnyRow>, Error>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Any>,
    {
        Box::pin(within(self.until, (&mut *self.inner).fetch_optional(query)))
    }

    fn prepare_with<'e>(
        self,
        sql: SqlStr,
        parameters: &'e [AnyTypeInfo],
    ) -> BoxFuture<'e, Result<AnyStatement, Error>>
    where
        'c: 'e,
    {
        Box::pin(within(
            self.until,
            (&mut *self.inner).prepare_with(sql, parameters),
        ))
    }
}

/// What a question's answer comes in: a row, or how many were changed.
type Step = Result<Either<AnyQueryResult, AnyRow>, Error>;

/// Waits for an answer, but not without end.
async fn within<T>(
    until: Option<Instant>,
    answer: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    match until {
        Some(until) => timeout_at(until, answer)
            .await
            .unwrap_or_else(|_| Err(no_answer())),
        None => answer.await,
    }
}

pub(crate) fn no_answer() -> Error {
    let reason = format!("no answer within {} ms", ANSWER_TIMEOUT.as_millis());
    io::Error::new(io::ErrorKind::TimedOut, reason).into()
}

/// An answer of many rows, all of which must be there in time.
struct Limited<'e> {
    steps: BoxStream<'e, Step>,
    limit: Option<Pin<Box<Sleep>>>,
}

impl<'e> Limited<'e> {
    fn boxed(steps: BoxStream<'e, Step>, until: Option<Instant>) -> BoxStream<'e, Step> {
        Box::pin(Limited {
            steps,
            limit: until.map(|until| Box::pin(sleep_until(until))),
        })
    }
}

impl Stream for Limited<'_> {
    type Item = Step;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Step>> {
        if let Poll::Ready(step) = self.steps.as_mut().poll_next(cx) {
            return Poll::Ready(step);
        }
        match &mut self.limit {
            Some(limit) => limit.as_mut().poll(cx).map(|()| Some(Err(no_answer()))),
            None => Poll::Pending,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{StoreError, testing::database};

    /// Counting this far takes both databases longer than anybody waits here.
    const LONG: &str =
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000000)
                        SELECT CAST(MAX(i) AS BIGINT) FROM n";

    fn given_up<T: std::fmt::Debug>(answer: Result<T, Error>) {
        let error = StoreError::from(answer.unwrap_err());
        assert!(error.is_passing(), "{error}");
        assert!(error.to_string().contains("no answer within"), "{error}");
    }

    #[tokio::test]
    async fn a_step_of_a_transaction_that_is_not_answered_is_given_up() {
        let database = database().await;
        let store = &database.store;
        let mut reads = store.read().await.unwrap();
        let mut lists = store.read().await.unwrap();
        // From here on time passes when nothing else happens: at once, while the database works.
        tokio::time::pause();

        given_up(
            sqlx::query_as::<_, (i64,)>(LONG)
                .fetch_one(&mut reads)
                .await,
        );
        given_up(
            sqlx::query_as::<_, (i64,)>(LONG)
                .fetch_all(&mut lists)
                .await,
        );
        given_up(sqlx::query(LONG).execute(&mut lists).await);
        given_up(lists.commit().await);
    }

    #[tokio::test]
    async fn what_lifts_the_limit_waits_for_its_answer() {
        let database = database().await;
        let store = &database.store;
        let mut tx = store.write().await.unwrap();
        store.without_limit(&mut tx).await.unwrap();
        tokio::time::pause();
        let counted = LONG.replace("20000000", "200000");
        let counted = sqlx::query_as::<_, (i64,)>(sqlx::AssertSqlSafe(counted));
        assert_eq!(counted.fetch_one(&mut tx).await.unwrap(), (200_000,));
    }
}
