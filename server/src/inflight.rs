//! Every call to a person that is up or being set up, over all meetings.
//!
//! "Never two calls at once to one person" is decided here, in one place and at
//! one moment: the guard is asked and the call entered under one lock. The rows
//! say the same again for other processes.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use domain::{AttemptId, TrunkId, guard::InFlight};
use uuid::Uuid;

struct Entry {
    call: InFlight,
    trunk: Option<TrunkId>,
}

#[derive(Default)]
pub struct Flights {
    entries: Mutex<BTreeMap<AttemptId, Entry>>,
    /// Calls for no meeting, with the trunk whose channel they take: a talk between two
    /// colleagues, a test call.
    others: Mutex<BTreeMap<Uuid, Option<TrunkId>>>,
}

impl Flights {
    /// Enters a call unless `allowed` refuses it in view of all the others.
    pub fn begin<E>(
        &self,
        attempt: AttemptId,
        call: InFlight,
        trunk: Option<TrunkId>,
        allowed: impl FnOnce(&[InFlight]) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut entries = self.lock();
        let others: Vec<InFlight> = entries.values().map(|entry| entry.call.clone()).collect();
        allowed(&others)?;
        entries.insert(attempt, Entry { call, trunk });
        Ok(())
    }

    pub fn end(&self, attempt: AttemptId) {
        self.lock().remove(&attempt);
    }

    /// A call for no meeting begins, and takes a channel of the trunk.
    pub fn occupy(&self, call: Uuid, trunk: Option<TrunkId>) {
        self.others().insert(call, trunk);
    }

    /// It is over.
    pub fn release(&self, call: Uuid) {
        self.others().remove(&call);
    }

    /// How many calls of ours a trunk carries.
    pub fn on_trunk(&self, trunk: TrunkId) -> u32 {
        let entries = self.lock();
        let for_meetings = entries.values().filter(|entry| entry.trunk == Some(trunk));
        let others = self.others();
        let for_others = others.values().filter(|carrier| **carrier == Some(trunk));
        u32::try_from(for_meetings.count() + for_others.count()).unwrap_or(u32::MAX)
    }

    /// Whether any call of ours is up or being set up.
    pub fn any(&self) -> bool {
        !self.lock().is_empty() || !self.others().is_empty()
    }

    fn others(&self) -> MutexGuard<'_, BTreeMap<Uuid, Option<TrunkId>>> {
        self.others.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<AttemptId, Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
