//! What is done by the clock and matters to nobody at that moment: old events
//! and registrations that have run out are forgotten, and memory that nobody uses is given back.
//!
//! Meetings never go this way: these jobs are in no row and know no time zone.

use std::sync::Arc;

use api::EventKind;
use domain::{Millis, Span};
use store::StoreError;
use tokio_cron_scheduler::{Job, JobScheduler, JobSchedulerError};

use crate::{clock, shared::Shared, web::resources};

/// Boards that were away for longer begin with a snapshot.
const EVENTS_KEPT: Span = Span::minutes(7 * 24 * 60);

/// What was written to whom is shown in reports for so long.
const NOTICES_KEPT: Span = Span::minutes(400 * 24 * 60);

/// So long a request with a key is answered as it was.
const RECEIPTS_KEPT: Span = Span::minutes(24 * 60);
/// Recordings are erased when they are so old.
const RECORDINGS_KEPT: Span = Span::minutes(90 * 24 * 60);

/// At seventeen minutes past each hour, in UTC.
const HOURLY: &str = "0 17 * * * *";

/// Every five minutes.
const OFTEN: &str = "30 */5 * * * *";

/// Starts the jobs; they end with the scheduler returned.
pub async fn start(shared: Arc<Shared>) -> Result<JobScheduler, JobSchedulerError> {
    let jobs = JobScheduler::new().await?;
    jobs.add(Job::new_async(HOURLY, move |_, _| {
        let shared = shared.clone();
        Box::pin(async move { forget(&shared).await })
    })?)
    .await?;
    jobs.add(Job::new_async(OFTEN, move |_, _| {
        Box::pin(async move {
            // Gone only if the runtime is.
            _ = tokio::task::spawn_blocking(media::give_back_memory).await;
        })
    })?)
    .await?;
    jobs.start().await?;
    Ok(jobs)
}

async fn forget(shared: &Shared) {
    let now = clock::now();
    let forgotten = async {
        let events = shared.store.forget_events(now - EVENTS_KEPT).await?;
        let bindings = shared.store.forget_bindings(now).await?;
        shared.store.forget_notices(now - NOTICES_KEPT).await?;
        shared.store.forget_receipts(now - RECEIPTS_KEPT).await?;
        Ok::<_, StoreError>((events, bindings))
    };
    match forgotten.await {
        Ok((events, bindings)) => tracing::info!(events, bindings, "Old rows are forgotten"),
        Err(error) => tracing::warn!(%error, "Old rows stay for another hour"),
    }
    if let Err(error) = forget_recordings(shared, now).await {
        tracing::warn!(%error, "Old recordings stay for another hour");
    }
}

/// The row goes first: a recording that is listed is there.
async fn forget_recordings(shared: &Shared, now: Millis) -> Result<(), StoreError> {
    for old in shared
        .store
        .recordings_before(now - RECORDINGS_KEPT)
        .await?
    {
        let event = resources::event(&EventKind::RecordingRemoved { id: old.id });
        shared
            .store
            .remove_recording(old.company, old.id, &event, now)
            .await?;
        shared.recordings.erase(old.company, old.id).await;
        shared.hub.wake(old.company);
    }
    Ok(())
}
