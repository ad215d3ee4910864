//! Forgetting what has had its time.

use domain::{Millis, Span};

use crate::{Store, StoreError};

/// A board that was away for longer begins anew with a snapshot.
const EVENTS_KEPT: Span = Span::minutes(7 * 24 * 60);

impl Store {
    /// Forgets old events, and registrations and sessions that have run out. Answers how many rows.
    ///
    /// Idempotent; meant to be called every hour or so.
    pub async fn sweep(&self, now: Millis) -> Result<u64, StoreError> {
        let sessions = sqlx::query("DELETE FROM sessions WHERE expires_at <= $1")
            .bind(now.0)
            .execute(&self.db)
            .await?
            .rows_affected();
        let events = self.forget_events(now - EVENTS_KEPT).await?;
        Ok(sessions + events + self.forget_bindings(now).await?)
    }
}
