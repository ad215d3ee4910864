//! What desk phones are shown of colleagues and rooms: the lamps beside their keys (BLF).
//!
//! A phone of the company subscribes (dialog or presence) to an extension or a
//! room; who may watch what is [`crate::directory`]'s to say. Here is told what a
//! watched person or room looks like, from the same evidence as the board shows.
//! Offline is not idle, unknown is not free, and "do not disturb" lies over both.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use domain::{EmployeeId, Millis, RoomId, employee::Employee, room::Room};
use sip::{CallState, Registered, ResourceId, Shown, ShownCall};
use store::CompanyDirectory;
use tokio::sync::broadcast::error::RecvError;

use crate::{clock, people, shared::Shared};

/// How often all that is watched is looked at, for what changes without a line's news:
/// evidence that fades, people who enter a room.
const LOOK: Duration = Duration::from_millis(500);

#[derive(Default)]
pub struct Lamps {
    watched: Mutex<BTreeSet<ResourceId>>,
}

impl Lamps {
    /// Somebody watches this from now on, and is told at once.
    pub fn on_wanted(&self, shared: &Shared, resource: ResourceId) {
        self.lock().insert(resource);
        show(shared, resource, clock::now());
    }

    pub fn on_unwanted(&self, resource: ResourceId) {
        self.lock().remove(&resource);
    }

    fn all(&self) -> BTreeSet<ResourceId> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeSet<ResourceId>> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Keeps the lamps true. Runs until the task is dropped.
pub async fn keep(shared: Arc<Shared>) {
    let mut news = shared.lines.news();
    let mut look = tokio::time::interval(LOOK);
    look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        let owner = tokio::select! {
            line = news.recv() => match line {
                Ok(line) => people::owner(&shared, &line.line),
                Err(RecvError::Lagged(_)) => continue,
                Err(RecvError::Closed) => return,
            },
            _ = look.tick() => None,
        };
        let now = clock::now();
        let watched = shared.lamps.all();
        match owner.map(|owner| ResourceId(owner.uuid())) {
            Some(one) if watched.contains(&one) => show(&shared, one, now),
            Some(_) => {}
            // What looks as it did is not told again.
            None => watched.into_iter().for_each(|one| show(&shared, one, now)),
        }
    }
}

fn show(shared: &Shared, resource: ResourceId, now: Millis) {
    let page = shared.book.page();
    let signalling = shared.switchboard.signalling();
    let person = page.directory().employee(EmployeeId::from_uuid(resource.0));
    if let Some((company, employee)) = person {
        return signalling.show(resource, of_person(shared, company, employee, now));
    }
    match page.room(RoomId::from_uuid(resource.0)) {
        Some((company, room)) => signalling.show(resource, of_room(shared, company, room)),
        None => signalling.hide(resource),
    }
}

fn of_person(
    shared: &Shared,
    company: &CompanyDirectory,
    employee: &Employee,
    now: Millis,
) -> Shown {
    let view = people::line_of(shared, employee, now);
    let (registered, call) = match view.state {
        api::LineState::Free => (FREE, None),
        api::LineState::Ringing => (FREE, Some(CallState::Early)),
        api::LineState::Busy => (FREE, Some(CallState::Confirmed)),
        api::LineState::Offline => (AWAY, None),
        api::LineState::Unknown => (Registered::Never, None),
    };
    Shown {
        registered,
        calls: call
            .map(|state| one_call("line", state))
            .into_iter()
            .collect(),
        dnd: view.dnd,
        dnd_note: "Do not disturb".to_owned(),
        ..Shown::unknown(address(company, employee.extension.as_str()))
    }
}

/// A room is busy while somebody is in it.
fn of_room(shared: &Shared, company: &CompanyDirectory, room: &Room) -> Shown {
    let held = !shared.members.in_room(room.id).is_empty();
    Shown {
        registered: FREE,
        calls: held
            .then(|| one_call("room", CallState::Confirmed))
            .into_iter()
            .collect(),
        ..Shown::unknown(address(company, room.number.as_str()))
    }
}

const FREE: Registered = Registered::Active { expires_s: None };
const AWAY: Registered = Registered::Terminated {
    retry_after_s: None,
};

fn one_call(id: &str, state: CallState) -> ShownCall {
    ShownCall {
        id: id.to_owned(),
        state,
        incoming: true,
        held: false,
    }
}

fn address(company: &CompanyDirectory, number: &str) -> String {
    format!("sip:{number}@{}", company.company.domain)
}
