//! Which of several servers on one database works.
//!
//! One leads; the others **stand by**: they have opened the database and nothing else, answer 503
//! over HTTP and nothing over SIP, and watch the leader's beats. When it leaves, the next one
//! takes the lead within a second; when it falls silent, within [`SILENT`] and a second. The new leader then does
//! what any start does: calls that the old one left go on (`scheduler`).
//!
//! The database tells whose term it is (`store::Leader`). A leader that was only slow, or cut
//! off from the database, is told by it that its term is over, and ends at once, without a word to
//! its phones: their calls are the other's now.
//!
//! With SQLite there is one data folder and no other server; a lock keeps a second
//! process out of it.

use std::{
    fs::{File, TryLockError},
    io::{Read, Write},
    path::Path,
    time::{Duration, Instant},
};

use store::{Leader, Store};
use tokio::time::sleep;
use uuid::Uuid;

use crate::config::ConfigError;

/// How often a leader shows that it lives.
const BEAT: Duration = Duration::from_millis(1_500);
/// Without a beat for so long it is taken for dead. Longer than any question may take.
const SILENT: Duration = Duration::from_secs(9);
/// How often whoever stands by looks.
const LOOK: Duration = Duration::from_millis(500);

/// This server, as its data folder knows it; the folder is nobody else's while this lives.
#[derive(Debug)]
pub struct Node {
    id: String,
    _lock: File,
}

impl Node {
    /// Takes the folder for this process. Its id is made on first use.
    ///
    /// # Errors
    /// If another process serves from it, or it cannot be written.
    pub fn of(data: &Path) -> Result<Self, ConfigError> {
        let path = data.join("node");
        let failed =
            |error: std::io::Error| ConfigError(format!("Cannot use {}: {error}", path.display()));
        let mut file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(ConfigError(format!(
                    "Another Rollcall serves from the folder {}",
                    data.display()
                )));
            }
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        let mut text = String::new();
        file.read_to_string(&mut text).map_err(failed)?;
        let id = if text.trim().is_empty() {
            let id = new_id();
            file.write_all(id.as_bytes()).map_err(failed)?;
            file.sync_all().map_err(failed)?;
            id
        } else {
            text.trim().to_owned()
        };
        Ok(Self { id, _lock: file })
    }

    /// Waits until this server leads.
    pub async fn stand_by(&self, store: &Store) {
        let mut watch = Watch::default();
        let mut told = false;
        loop {
            match store.leader().await {
                Ok(leader) => {
                    let ours = leader.node.is_empty() || leader.node == self.id;
                    if ours || watch.silent_for(&leader, Instant::now()) >= SILENT {
                        match store.take_lead(&self.id, &leader).await {
                            Ok(true) => {
                                if told {
                                    tracing::warn!(
                                        before = leader.node,
                                        "The leader is gone: this server leads"
                                    );
                                }
                                return;
                            }
                            Ok(false) => {}
                            Err(error) => tracing::warn!(%error, "Cannot take the lead"),
                        }
                    } else if !told {
                        tracing::info!(leader = leader.node, "Stands by: another server leads");
                        told = true;
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, "Cannot see who leads");
                    // The leader could not have shown itself either.
                    watch = Watch::default();
                }
            }
            sleep(LOOK).await;
        }
    }
}

/// Shows that this server lives, until another one leads.
pub async fn keep(store: Store) {
    loop {
        match store.beat().await {
            Ok(true) => {}
            Ok(false) => return,
            // Whoever stands by cannot see us, and cannot lead either.
            Err(error) => tracing::debug!(%error, "Cannot show that this server leads"),
        }
        sleep(BEAT).await;
    }
}

/// For how long the leader has not stirred, by our own clock.
#[derive(Debug, Default)]
struct Watch {
    seen: Option<(Leader, Instant)>,
}

impl Watch {
    fn silent_for(&mut self, leader: &Leader, now: Instant) -> Duration {
        match &self.seen {
            Some((before, since)) if before == leader => now.saturating_duration_since(*since),
            _ => {
                self.seen = Some((leader.clone(), now));
                Duration::ZERO
            }
        }
    }
}

fn new_id() -> String {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).expect("The operating system has randomness");
    Uuid::from_bytes(bytes).simple().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_one_servers_alone_and_keeps_its_id() {
        let folder = tempfile::tempdir().unwrap();
        let first = Node::of(folder.path()).unwrap();
        let refused = Node::of(folder.path()).unwrap_err();
        assert!(refused.0.contains("Another Rollcall serves"), "{refused}");

        let id = first.id.clone();
        drop(first);
        assert_eq!(Node::of(folder.path()).unwrap().id, id);
    }

    #[test]
    fn a_leader_that_beats_is_never_silent() {
        let mut watch = Watch::default();
        let start = Instant::now();
        let at = |beat| Leader {
            node: "a".to_owned(),
            term: 1,
            beat,
        };
        let s = Duration::from_secs;
        assert_eq!(watch.silent_for(&at(1), start), s(0));
        assert_eq!(watch.silent_for(&at(1), start + s(5)), s(5));
        // We ourselves were stopped for long: it has gone on meanwhile.
        assert_eq!(watch.silent_for(&at(7), start + s(60)), s(0));
        assert_eq!(watch.silent_for(&at(7), start + s(62)), s(2));
    }
}
