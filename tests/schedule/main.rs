//! `schedule`: what the scheduler's looks at its rows cost as the tables grow, and how
//! fast a minute in which very many are due is worked off.
//!
//! Two weeks of meetings are planned, in steps of ten; at each size a piece of the
//! two weeks is lived through on a virtual clock, with the scheduler's own questions:
//! what opens, what goes on, who is due, when to look again. Printed is what each cost.
//! Every twentieth meeting has been called off, and its people still stand in the table.
//!
//! `schedule [--postgres URL] [--most 1000000]`; without `--postgres` it is SQLite in a
//! folder of its own. Nothing is dialled and no server runs.

mod plan;
mod rush;

use std::{process::ExitCode, time::Instant};

use domain::{Millis, Span};
use plan::{Calendar, Sizes};
use store::{Store, StoreError};

/// 2026-11-30, a Monday, 00:00 UTC.
const BEGIN: Millis = Millis(1_796_083_200_000);

/// How many openings are lived through at each size.
const LIVED: usize = 60;

#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("{0}")]
    Other(String),
}

fn main() -> ExitCode {
    let mut most = 1_000_000;
    let mut url = None;
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match (word.as_str(), words.next()) {
            ("--postgres", Some(value)) => url = Some(value),
            ("--most", Some(value)) => most = value.parse().unwrap_or(most),
            (_, _) => {
                eprintln!("Usage: schedule [--postgres URL] [--most 1000000]");
                return ExitCode::FAILURE;
            }
        }
    }
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    match runtime.block_on(run(url.as_deref(), most)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("schedule: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(url: Option<&str>, most: usize) -> Result<(), BenchError> {
    let folder = tempfile::tempdir().map_err(|error| BenchError::Other(error.to_string()))?;
    let store = Store::open(folder.path(), url).await?;
    let name = if url.is_some() {
        "PostgreSQL"
    } else {
        "SQLite"
    };
    let mut calendar = Calendar::new(&store, BEGIN).await?;
    println!("{name}: ms per question, median / worst of {LIVED} openings");
    println!(
        "{:>11} {:>9} {:>13} {:>13} {:>13} {:>13} {:>13} {:>9}",
        "invitations",
        "meetings",
        "what opens",
        "what goes on",
        "who is due",
        "next opening",
        "next due",
        "claimed"
    );
    let mut now = BEGIN;
    let mut size = 10_000;
    while size <= most {
        let planned = Instant::now();
        calendar.grow(&store, size, now).await?;
        let planned = planned.elapsed();
        let costs = live(&store, &mut calendar, &mut now).await?;
        costs.print(calendar.sizes());
        eprintln!("  (planned in {:.1} s)", planned.as_secs_f64());
        size *= 10;
    }
    rush::run(&store, &mut calendar, now).await?;
    store.close().await;
    Ok(())
}

/// What each question took, in ms.
#[derive(Default)]
struct Costs {
    opens: Vec<f64>,
    goes_on: Vec<f64>,
    due: Vec<f64>,
    next_opening: Vec<f64>,
    next_due: Vec<f64>,
    claimed: usize,
}

/// Lives through the next openings as the scheduler does.
async fn live(
    store: &Store,
    calendar: &mut Calendar,
    now: &mut Millis,
) -> Result<Costs, BenchError> {
    let mut costs = Costs::default();
    for _ in 0..LIVED {
        let Some(next) = store.next_opening(*now).await? else {
            break;
        };
        *now = next;
        let opening = timed(&mut costs.opens, store.occurrences_to_open(next)).await?;
        let under_way = timed(&mut costs.goes_on, store.occurrences_under_way()).await?;
        calendar.go_on(store, opening, under_way, next).await?;
        loop {
            let claims = store.claim_due_invitations(next, next + Span::seconds(30), 200);
            let claimed = timed(&mut costs.due, claims).await?;
            costs.claimed += claimed.len();
            if claimed.is_empty() {
                break;
            }
            calendar.answered(store, claimed, next).await?;
        }
        timed(&mut costs.next_opening, store.next_opening(next)).await?;
        timed(&mut costs.next_due, store.next_due()).await?;
    }
    Ok(costs)
}

async fn timed<T, E>(
    costs: &mut Vec<f64>,
    question: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    let asked = Instant::now();
    let answer = question.await;
    costs.push(asked.elapsed().as_secs_f64() * 1_000.0);
    answer
}

impl Costs {
    fn print(mut self, sizes: Sizes) {
        let columns = [
            &mut self.opens,
            &mut self.goes_on,
            &mut self.due,
            &mut self.next_opening,
            &mut self.next_due,
        ]
        .map(|column| format!("{:.2} / {:.1}", median(column), worst(column)));
        print!("{:>11} {:>9}", sizes.invitations, sizes.meetings);
        for column in columns {
            print!(" {column:>13}");
        }
        println!(" {:>9}", self.claimed);
    }
}

pub fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}

fn worst(values: &[f64]) -> f64 {
    values.iter().copied().fold(0.0, f64::max)
}
