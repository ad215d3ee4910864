//! What every handler has at hand.

use std::sync::{Arc, Mutex, PoisonError};

use domain::{CompanyId, Millis};
use store::{Directory, Store, StoreError};

use super::{hub::Hub, live::Live, login_guard::LoginGuard};

/// Cheap to clone.
#[derive(Clone)]
pub struct App {
    pub store: Store,
    pub hub: Hub,
    pub live: Arc<dyn Live>,
    clock: Clock,
    pub(super) guard: Arc<Mutex<LoginGuard>>,
    directory: Arc<Mutex<Arc<Directory>>>,
}

/// What tells the handlers the time.
pub type Clock = Arc<dyn Fn() -> Millis + Send + Sync>;

impl App {
    pub fn new(store: Store, hub: Hub, live: Arc<dyn Live>, clock: Clock) -> Self {
        Self {
            store,
            hub,
            live,
            clock,
            guard: Arc::default(),
            directory: Arc::default(),
        }
    }

    pub(super) fn now(&self) -> Millis {
        (self.clock)()
    }

    /// The directory as it is now. Read from the rows only when they have changed.
    pub(super) async fn directory(&self) -> Result<Arc<Directory>, StoreError> {
        let revision = self.store.revision().await?;
        let known = self
            .directory
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        if known.revision == revision {
            return Ok(known);
        }
        let fresh = Arc::new(self.store.directory().await?);
        *self
            .directory
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = fresh.clone();
        Ok(fresh)
    }

    /// Events of the company are on disk, and rows that others work on have changed.
    pub(super) fn changed(&self, company: CompanyId) {
        self.hub.wake(company);
        self.live.nudge();
    }
}

/// Ten random bytes, as an id takes them.
pub(super) fn random() -> [u8; 10] {
    let mut bytes = [0; 10];
    getrandom::fill(&mut bytes).expect("the operating system has a random source");
    bytes
}
