//! Two hundred meetings of twenty-five, all due in the same minute: how fast their
//! attempts are on disk, which is when their INVITEs may leave.
//!
//! Trunks take so many calls at once; whoever finds none free is put off by two seconds,
//! those of a meeting in one write, as the room's task does; a call gives its channel back
//! on the virtual clock.

use std::{
    collections::{BTreeMap, BinaryHeap},
    time::Instant,
};

use domain::{
    AttemptId, DeviceId, Millis, OccurrenceId, Span,
    attempt::Route,
    employee::DeviceClass,
    invitation::{StatusKind, Why},
    line::LineKey,
};
use store::{AttemptRow, Batch, InvitationRow, Store, person_key};

use super::{BenchError, plan::Calendar};

const MEETINGS: usize = 200;
const PEOPLE: usize = 25;
const LEASE: Span = Span::seconds(30);
const CLAIMS: i64 = 200;
/// How long a call holds its channel, greeting included.
const CALL: Span = Span::seconds(20);
/// How long one waits for a free channel before he asks again.
const NO_CHANNEL: Span = Span::seconds(2);
const TRUNK_SIZES: [usize; 3] = [200, 1_000, 5_000];

pub async fn run(store: &Store, calendar: &mut Calendar, now: Millis) -> Result<(), BenchError> {
    println!(
        "\n{MEETINGS} meetings of {PEOPLE} due in one minute; a call holds a channel for {} s",
        CALL.as_seconds()
    );
    println!(
        "{:>9} {:>8} {:>10} {:>14} {:>14} {:>16} {:>10}",
        "channels", "calls", "most busy", "first 50 in s", "all in s", "attempts per s", "twice"
    );
    let mut begin = now + Span::minutes(60 * 24 * 30);
    for channels in TRUNK_SIZES {
        one(store, calendar, begin, channels).await?;
        begin = begin + Span::minutes(24 * 60);
    }
    Ok(())
}

/// The clock of the virtual minute: it stands still between steps, and work takes the
/// time it really takes.
async fn one(
    store: &Store,
    calendar: &mut Calendar,
    begin: Millis,
    channels: usize,
) -> Result<(), BenchError> {
    let plans: Vec<_> = (0..MEETINGS)
        .map(|_| calendar.plan(begin + Span::minutes(5), PEOPLE, false))
        .collect();
    store.save_plans(&plans, begin - Span::minutes(60)).await?;

    let mut now = begin;
    let mut busy: BinaryHeap<std::cmp::Reverse<Millis>> = BinaryHeap::new();
    let mut placed: Vec<Millis> = Vec::new();
    let mut rang: BTreeMap<domain::InvitationId, u32> = BTreeMap::new();
    let mut worked = 0.0;
    let mut most_busy = 0;
    while placed.len() < MEETINGS * PEOPLE {
        let step = Instant::now();
        let opening = store.occurrences_to_open(now).await?;
        if !opening.is_empty() {
            calendar.go_on(store, opening, Vec::new(), now).await?;
        }
        let mut claimed_any = false;
        loop {
            let claimed = store
                .claim_due_invitations(now, now + LEASE, CLAIMS)
                .await?;
            if claimed.is_empty() {
                break;
            }
            claimed_any = true;
            for (_, rows) in by_meeting(claimed) {
                let mut put_off = Batch::new(calendar.company, now);
                for mut row in rows {
                    let at = now + Span((step.elapsed().as_secs_f64() * 1_000.0) as i64);
                    while busy.peek().is_some_and(|over| over.0 <= at) {
                        busy.pop();
                    }
                    if busy.len() >= channels {
                        row.invitation.postpone(at + NO_CHANNEL, Why::NoChannel);
                        put_off.invitations.push(row);
                        continue;
                    }
                    // Before each INVITE its attempt.
                    let mut batch = Batch::new(calendar.company, at);
                    batch.attempts.push(dial(&mut row, calendar, at)?);
                    busy.push(std::cmp::Reverse(at + CALL));
                    most_busy = most_busy.max(busy.len());
                    *rang.entry(row.invitation.id).or_default() += 1;
                    placed.push(at);
                    batch.invitations.push(row);
                    store.write_batch(&batch).await?;
                }
                if !put_off.invitations.is_empty() {
                    store.write_batch(&put_off).await?;
                }
            }
        }
        worked += step.elapsed().as_secs_f64();
        now = now + Span((step.elapsed().as_secs_f64() * 1_000.0) as i64);
        if !claimed_any {
            now = store
                .next_due()
                .await?
                .map_or(now + NO_CHANNEL, |due| due.max(now + Span(1)));
        }
    }
    placed.sort_unstable();
    let since = |at: Millis| (at - begin).0 as f64 / 1_000.0;
    println!(
        "{channels:>9} {:>8} {most_busy:>10} {:>14.2} {:>14.1} {:>16.0} {:>10}",
        placed.len(),
        placed.get(49).copied().map_or(0.0, since),
        placed.last().copied().map_or(0.0, since),
        placed.len() as f64 / worked,
        rang.values().filter(|times| **times > 1).count(),
    );
    Ok(())
}

fn by_meeting(rows: Vec<InvitationRow>) -> BTreeMap<OccurrenceId, Vec<InvitationRow>> {
    let mut meetings: BTreeMap<OccurrenceId, Vec<InvitationRow>> = BTreeMap::new();
    for row in rows {
        meetings
            .entry(row.invitation.occurrence)
            .or_default()
            .push(row);
    }
    meetings
}

fn dial(
    row: &mut InvitationRow,
    calendar: &mut Calendar,
    now: Millis,
) -> Result<AttemptRow, BenchError> {
    let person = person_key(&row.invitation.invitee);
    let route = Route {
        line: LineKey::Device(DeviceId::new(now, calendar.random())),
        class: DeviceClass::Outside,
        address: person.clone(),
        trunk: None,
        g711_only: false,
    };
    let attempt = row
        .invitation
        .dial(AttemptId::new(now, calendar.random()), route, now)
        .map_err(|error| BenchError::Other(error.to_string()))?;
    debug_assert_eq!(row.invitation.status().kind(), StatusKind::Calling);
    Ok(AttemptRow {
        company: calendar.company,
        person,
        rtp_port: Some(20_000),
        dialog: None,
        call: None,
        attempt,
    })
}
