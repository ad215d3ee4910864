//! Makes the further dates of series, and the lists of those expected at them.
//!
//! A reconciler: it takes no input, looks at the plans whose rows say that more
//! is to be made, and may look as often as it likes. A server that was away
//! finds them all due at once; a date that is over is made no more.

use std::{
    collections::BTreeSet,
    sync::{Arc, atomic::Ordering},
};

use domain::{CompanyId, Millis, Span, meeting::Meeting};
use store::{CompanyDirectory, Store, StoreError, Versioned};

use crate::{
    clock,
    plans::{self, There, Why},
    shared::Shared,
};

/// How many series are looked at before anybody else gets at the database again.
const AT_ONCE: i64 = 50;

/// How often it looks when nothing wakes it.
const EVERY: Span = Span::seconds(30);

/// A plan that cannot be read or written is tried again after so long.
const AGAIN: Span = Span::minutes(10);

/// Runs until the task is dropped.
pub async fn run(shared: Arc<Shared>) {
    // The companies are not in memory before.
    while !shared.settled.load(Ordering::Acquire) {
        clock::glance_at(Some(Millis(i64::MAX))).await;
    }
    loop {
        let more = match look(&shared).await {
            Ok(more) => more,
            Err(error) => {
                tracing::warn!(%error, "Further dates of series are not made yet");
                false
            }
        };
        if !more {
            let next = clock::now() + EVERY;
            // A clock that is set back makes nobody wait longer.
            while (Span(1)..=EVERY).contains(&(next - clock::now())) {
                clock::glance_at(Some(next)).await;
            }
        }
    }
}

/// One look. True if there may be more to do at once.
async fn look(shared: &Shared) -> Result<bool, StoreError> {
    let page = shared.book.page();
    let found = make_due(&shared.store, |id| page.company(id), clock::now()).await?;
    for company in &found.companies {
        shared.hub.wake(*company);
    }
    if !found.companies.is_empty() {
        shared.nudge.notify_one();
    }
    Ok(found.more)
}

/// What a look has done.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Made {
    /// Whose rows have changed.
    pub companies: BTreeSet<CompanyId>,
    /// There may be more to do.
    pub more: bool,
}

/// Makes the dates and lists that are due at `now`, of some series.
///
/// # Errors
/// If the database does not answer.
pub async fn make_due<'a>(
    store: &Store,
    company: impl Fn(CompanyId) -> Option<&'a CompanyDirectory>,
    now: Millis,
) -> Result<Made, StoreError> {
    let due = store.meetings_to_extend(now, AT_ONCE).await?;
    let mut made = Made {
        more: i64::try_from(due.len()).unwrap_or(i64::MAX) >= AT_ONCE,
        companies: BTreeSet::new(),
    };
    for meeting in due {
        let (id, whose) = (meeting.value.id, meeting.value.company);
        let extended = match company(whose) {
            Some(directory) => extend(store, directory, meeting, now).await,
            // Not in memory yet, or no more: the rows say so soon.
            None => Ok(false),
        };
        match extended {
            Ok(true) => _ = made.companies.insert(whose),
            Ok(false) => store.extend_later(id, now + AGAIN).await?,
            Err(error) => {
                tracing::error!(meeting = %id, %error, "A series gets no further dates now");
                store.extend_later(id, now + AGAIN).await?;
            }
        }
    }
    Ok(made)
}

/// False if somebody has just changed it.
async fn extend(
    store: &Store,
    directory: &CompanyDirectory,
    meeting: Versioned<Meeting>,
    now: Millis,
) -> Result<bool, plans::PlanError> {
    let there = There::of(store, &meeting).await?;
    let (plan, _) =
        plans::rows(store, meeting.value, &there, directory, Why::Extended, now).await?;
    match store.save_plan(&plan, now).await {
        Ok(_) => {
            tracing::info!(
                title = plan.meeting.title,
                dates = plan.occurrences.len(),
                "A series goes on"
            );
            Ok(true)
        }
        Err(StoreError::Stale { .. }) => Ok(false),
        Err(error) => Err(error.into()),
    }
}
