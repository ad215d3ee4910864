//! The people as the boards show them: told anew whenever one looks different.
//!
//! A person looks different when one of his lines does, or when he enters or
//! leaves a room. Many such things come at once (a call that rings, is answered
//! and joins), so they are gathered for a moment, and what looks as it did
//! before is not told.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use api::{EventKind, LineView};
use domain::{
    EmployeeId, Millis,
    employee::Employee,
    line::{Confidence, Line, LineKey, LineState},
};
use tokio::sync::{broadcast::error::RecvError, mpsc};

use crate::{clock, shared::Shared, web::resources};

/// How long news is gathered.
const GATHER: Duration = Duration::from_millis(50);

/// Names those who look different.
#[derive(Clone)]
pub struct People {
    changed: mpsc::UnboundedSender<EmployeeId>,
}

/// The other end, for [`tell`].
pub type Changed = mpsc::UnboundedReceiver<EmployeeId>;

impl People {
    pub fn new() -> (People, Changed) {
        let (changed, receiver) = mpsc::unbounded_channel();
        (People { changed }, receiver)
    }

    pub fn look_again(&self, employee: EmployeeId) {
        // At the very end nobody looks any more.
        _ = self.changed.send(employee);
    }
}

/// Tells the boards of everybody who looks different. Runs until the task is dropped.
pub async fn tell(shared: Arc<Shared>, mut changed: Changed) {
    let mut news = shared.lines.news();
    let mut told: BTreeMap<EmployeeId, api::Person> = BTreeMap::new();
    let mut looked = clock::now();
    let mut second = tokio::time::interval(Duration::from_secs(1));
    second.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        let mut who = BTreeSet::new();
        tokio::select! {
            Some(employee) = changed.recv() => { who.insert(employee); }
            line = news.recv() => match line {
                Ok(line) => who.extend(owner(&shared, &line.line)),
                Err(RecvError::Lagged(_)) => who.extend(everybody(&shared)),
                Err(RecvError::Closed) => return,
            },
            // Evidence fades without anybody doing anything.
            _ = second.tick() => {
                let now = clock::now();
                shared.lines.fade(looked, now);
                who.extend(quiet_no_more(&shared, looked, now));
                looked = now;
            }
        }
        if who.is_empty() {
            continue;
        }
        tokio::time::sleep(GATHER).await;
        while let Ok(employee) = changed.try_recv() {
            who.insert(employee);
        }
        while let Ok(line) = news.try_recv() {
            who.extend(owner(&shared, &line.line));
        }
        for employee in who {
            tell_one(&shared, employee, &mut told).await;
        }
    }
}

async fn tell_one(shared: &Shared, id: EmployeeId, told: &mut BTreeMap<EmployeeId, api::Person>) {
    let page = shared.book.page();
    let Some((company, employee)) = page.directory().employee(id) else {
        return;
    };
    let company = company.company.id;
    let now = clock::now();
    let members = shared.members.of_company(company);
    let person = resources::person(
        employee,
        line_of(shared, employee, now),
        &members,
        shared.names.has(id),
    );
    if told.get(&id) == Some(&person) {
        return;
    }
    let event = resources::event(&EventKind::Person(person.clone()));
    match shared.store.append_event(company, now, &event).await {
        Ok(_) => {
            shared.hub.wake(company);
            told.insert(id, person);
        }
        Err(error) => tracing::warn!(%error, "A person's new look is not told"),
    }
}

/// Whose wish for quiet has run out meanwhile.
fn quiet_no_more(shared: &Shared, before: Millis, now: Millis) -> Vec<EmployeeId> {
    let page = shared.book.page();
    let over = |until: &Option<Millis>| until.is_some_and(|until| before < until && until <= now);
    page.companies()
        .flat_map(|company| &company.quiet)
        .filter(|(_, until)| over(until))
        .map(|(employee, _)| *employee)
        .collect()
}

pub fn owner(shared: &Shared, line: &LineKey) -> Option<EmployeeId> {
    match line {
        LineKey::Device(device) => shared
            .book
            .page()
            .device(*device)
            .map(|owner| owner.employee.id),
        LineKey::Number(_) => None,
    }
}

fn everybody(shared: &Shared) -> Vec<EmployeeId> {
    let page = shared.book.page();
    page.companies()
        .flat_map(|company| company.employees.iter().map(|employee| employee.id))
        .collect()
}

/// What is known of all lines of a person, taken together: in a call of ours
/// before anything else, else reachable if one of them is.
pub fn line_of(shared: &Shared, employee: &Employee, now: Millis) -> LineView {
    let lines = &shared.lines;
    let page = shared.book.page();
    let quiet = page
        .company(employee.company)
        .is_some_and(|company| company.wants_quiet(employee.id, now));
    let known: Vec<Line> = employee
        .devices
        .iter()
        .map(|device| lines.line(&device.line()))
        .collect();
    let mut views: Vec<_> = known.iter().map(|line| line.state(now)).collect();
    views.sort_by_key(|view| {
        let exact = view
            .winner
            .is_some_and(|winner| winner.confidence == Confidence::Exact);
        match view.state {
            LineState::Busy | LineState::Ringing if exact => 0,
            LineState::Free => 1,
            LineState::Ringing => 2,
            LineState::Busy => 3,
            LineState::Unknown => 4,
            LineState::Offline => 5,
        }
    });
    let mut views = views.iter().map(resources::line_view);
    let Some(mut best) = views.next() else {
        return LineView {
            state: api::LineState::Unknown,
            dnd: quiet,
            since_at: None,
            evidence: Vec::new(),
        };
    };
    best.dnd |= quiet;
    for other in views {
        best.dnd |= other.dnd;
        best.evidence.extend(other.evidence);
    }
    best
}
