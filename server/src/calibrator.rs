//! The test calls by which a trunk's answers are learnt.
//!
//! A reconciler like the scheduler: the directory says which call is wanted, and
//! one that is not under way yet is placed. A call is never placed twice: what
//! was ringing when the server died is written off, and made again by hand.
//!
//! Whoever answers is hung up on: he was not what he was said to be.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use api::EventKind;
use domain::{
    AttemptId, CompanyId, Millis, PhoneNumber, TrunkId,
    calibration::Calibration,
    decode::{CallFacts, Way as CallWay},
};
use sip::{Event, LocalMedia};
use store::StoreError;
use tokio::{sync::mpsc, time::Instant};

use crate::{
    clock,
    dialling::{self, Way},
    shared::Shared,
    web::resources,
    wire,
};

/// A CANCEL that nobody answers: 64·T1 (RFC 3261 §9.1) and a little.
const CANCEL_LIMIT: Duration = Duration::from_secs(35);

/// How often a result is written anew when the row moves under it, or the database is away.
const TRIES: usize = 30;

#[derive(Default)]
pub struct Calibrator {
    under_way: Mutex<BTreeSet<AttemptId>>,
}

/// A call that is wanted.
struct Wanted {
    company: CompanyId,
    trunk: TrunkId,
    call: AttemptId,
    number: PhoneNumber,
}

/// What came of it.
enum Came {
    Answered,
    Failed(CallFacts),
}

impl Calibrator {
    /// What an earlier process left ringing is written off.
    pub async fn take_up(&self, shared: &Arc<Shared>) {
        for wanted in wanted(shared) {
            write(shared, &wanted, |calibration, now| {
                calibration.on_restart(now);
            })
            .await;
        }
    }

    /// Places the calls that are wanted and not under way.
    pub fn look(&self, shared: &Arc<Shared>) {
        let calls = wanted(shared);
        let mut under_way = self
            .under_way
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        under_way.retain(|known| calls.iter().any(|wanted| wanted.call == *known));
        for wanted in calls {
            if under_way.insert(wanted.call) {
                let shared = shared.clone();
                tokio::spawn(async move { test(&shared, wanted).await });
            }
        }
    }
}

fn wanted(shared: &Shared) -> Vec<Wanted> {
    let page = shared.book.page();
    page.companies()
        .flat_map(|company| company.calibrations.values())
        .filter_map(|calibration| {
            let (_, call, number) = calibration.calling()?;
            Some(Wanted {
                company: calibration.company,
                trunk: calibration.trunk,
                call,
                number: number.clone(),
            })
        })
        .collect()
}

async fn test(shared: &Arc<Shared>, wanted: Wanted) {
    tracing::info!(trunk = %wanted.trunk, number = %wanted.number, "A test call");
    shared
        .flights
        .occupy(wanted.call.uuid(), Some(wanted.trunk));
    let result = ring(shared, &wanted).await;
    shared.flights.release(wanted.call.uuid());
    write(shared, &wanted, |calibration, now| match &result {
        Came::Answered => calibration.on_answered(wanted.call, now),
        Came::Failed(facts) => calibration.on_failed(wanted.call, facts, now),
    })
    .await;
}

/// Calls, listens to how it fails, and gives up when the company's rules do.
async fn ring(shared: &Arc<Shared>, wanted: &Wanted) -> Came {
    let unsent = || {
        Came::Failed(CallFacts {
            transport_error: true,
            ..CallFacts::default()
        })
    };
    let Some((way, rules)) = way(shared, wanted) else {
        return unsent();
    };
    let (leg_events, _heard) = mpsc::unbounded_channel();
    let Ok(leg) = shared.open_leg(way.family, None, leg_events) else {
        return unsent();
    };
    let (events, mut news) = mpsc::unbounded_channel();
    let invite = way.invite(wanted.call.bytes(), LocalMedia::at(leg.local));
    let call = shared.switchboard.invite(invite, events);
    let signalling = shared.switchboard.signalling();
    let begun = Instant::now();
    let mut gives_up = begun + span(rules.setup_ms);
    let mut heard = false;
    let mut timed_out = false;
    let result = loop {
        tokio::select! {
            event = news.recv() => match event {
                Some(Event::Ringing { provisional, .. }) => {
                    let sign = provisional.status == 180 || provisional.early_media;
                    if sign && !heard && !timed_out {
                        heard = true;
                        gives_up = Instant::now() + span(rules.ring_ms);
                    }
                }
                Some(Event::Answered { .. }) => {
                    signalling.hang_up(call, Vec::new());
                    break Came::Answered;
                }
                Some(Event::Failed { failure, .. }) => break Came::Failed(CallFacts {
                    timed_out_by_us: timed_out,
                    ..wire::facts(&failure, CallWay::Trunk)
                }),
                Some(_) => {}
                None => break unsent(),
            },
            () = tokio::time::sleep_until(gives_up) => {
                if timed_out {
                    break unsent();
                }
                timed_out = true;
                gives_up = Instant::now() + CANCEL_LIMIT;
                signalling.stop_ringing(call);
            }
        }
    };
    shared.media.close(leg.id);
    result
}

fn way(shared: &Shared, wanted: &Wanted) -> Option<(Way, domain::rules::RetryRules)> {
    let page = shared.book.page();
    let (company, trunk) = page.trunk(wanted.trunk)?;
    let ours = dialling::shown_number(shared, wanted.trunk)?;
    let name = Some(company.company.name.clone());
    let way = Way::over_trunk(trunk, &wanted.number, name, &ours)?;
    Some((way, company.company.rules.clone()))
}

fn span(span: domain::Span) -> Duration {
    Duration::from_millis(u64::try_from(span.0).unwrap_or(0))
}

/// Writes what came of a call, and tells of it.
async fn write(shared: &Arc<Shared>, wanted: &Wanted, change: impl Fn(&mut Calibration, Millis)) {
    for _ in 0..TRIES {
        match try_write(shared, wanted, &change).await {
            Ok(()) => return,
            // Dropped meanwhile: nobody wants to know.
            Err(StoreError::NotFound { .. }) => return,
            Err(error) => {
                tracing::warn!(%error, "What a test call taught is not written yet");
                clock::glance_at(Some(Millis(i64::MAX))).await;
            }
        }
    }
}

async fn try_write(
    shared: &Arc<Shared>,
    wanted: &Wanted,
    change: &impl Fn(&mut Calibration, Millis),
) -> Result<(), StoreError> {
    let now = clock::now();
    let mut row = shared
        .store
        .calibration(wanted.company, wanted.trunk)
        .await?;
    change(&mut row.value, now);
    let page = shared.book.page();
    let Some(company) = page.company(wanted.company) else {
        return Ok(());
    };
    let mut directory = company.clone();
    directory
        .calibrations
        .insert(wanted.trunk, row.value.clone());
    let told = EventKind::Company(resources::company(&directory, shared.as_ref()));
    shared
        .store
        .save_calibration(&row, &resources::event(&told), now)
        .await?;
    shared.hub.wake(wanted.company);
    shared.nudge.notify_one();
    Ok(())
}
