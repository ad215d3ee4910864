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

struct Entry {
    call: InFlight,
    trunk: Option<TrunkId>,
}

#[derive(Default)]
pub struct Flights {
    entries: Mutex<BTreeMap<AttemptId, Entry>>,
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

    /// How many calls a trunk carries for meetings.
    pub fn on_trunk(&self, trunk: TrunkId) -> u32 {
        let carried = self
            .lock()
            .values()
            .filter(|entry| entry.trunk == Some(trunk))
            .count();
        u32::try_from(carried).unwrap_or(u32::MAX)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<AttemptId, Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
