//! Makes the further dates of series, and the lists of those expected at them.
//!
//! A reconciler: it takes no input, looks at the plans whose rows say that more
//! is to be made, and may look as often as it likes. A server that was away
//! finds them all due at once; a date that is over is made no more.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, atomic::Ordering},
};

use domain::{CompanyId, MeetingId, Millis, Span, meeting::Meeting};
use store::{CompanyDirectory, Store, StoreError, Versioned};

use crate::{
    clock,
    plans::{self, There, Why},
    shared::Shared,
};

/// How many dates are held against their zones at once.
const DATES_AT_ONCE: i64 = 500;

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
    while let Err(error) = rezone(&shared).await {
        tracing::warn!(%error, "Dates are not held against their zones yet");
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

/// What is planned is an hour of its zone's clocks. Should these have got other rules with this
/// program, what was reckoned by the old ones is reckoned anew.
async fn rezone(shared: &Shared) -> Result<(), StoreError> {
    let page = shared.book.page();
    let store = &shared.store;
    for company in follow_the_zones(store, |id| page.company(id), clock::now()).await? {
        shared.hub.wake(company);
        shared.nudge.notify_one();
    }
    Ok(())
}

/// Moves every date to come to where its plan has it by the rules of its zone; whose have moved.
///
/// # Errors
/// If the database does not answer.
pub async fn follow_the_zones<'a>(
    store: &Store,
    company: impl Fn(CompanyId) -> Option<&'a CompanyDirectory>,
    now: Millis,
) -> Result<BTreeSet<CompanyId>, StoreError> {
    let mut companies = BTreeSet::new();
    let mut last = None;
    loop {
        let page = store.dates_to_come(now, last, DATES_AT_ONCE).await?;
        let Some((_, date)) = page.last() else {
            return Ok(companies);
        };
        last = Some(date.id);
        let astray: BTreeMap<MeetingId, Versioned<Meeting>> = page
            .into_iter()
            .filter(|(meeting, date)| {
                let starts_at = meeting.value.starts_at(date.slot);
                starts_at.is_ok_and(|starts_at| starts_at != date.starts_at)
            })
            .map(|(meeting, _)| (meeting.value.id, meeting))
            .collect();
        for (id, meeting) in astray {
            let whose = meeting.value.company;
            let Some(directory) = company(whose) else {
                continue;
            };
            match extend(store, directory, meeting, now).await {
                Ok(true) => _ = companies.insert(whose),
                // Somebody has just changed it, and so written it anew.
                Ok(false) => {}
                Err(error) => {
                    tracing::error!(meeting = %id, %error, "A meeting stays at its old hour")
                }
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
