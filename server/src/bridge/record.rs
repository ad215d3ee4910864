//! What is on record of a talk, and the task beside it that writes.

use std::time::Duration;

use domain::{CompanyId, Millis, TrunkId, line::LineKey};
use serde::{Deserialize, Serialize};
use store::{Store, TalkRow};
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

use super::ways::Over;

/// A call is not kept waiting longer than this for its record.
const RECORDED_WITHIN: Duration = Duration::from_millis(500);

/// What is on record of a talk besides its dialogs.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Kept {
    pub(super) caller: KeptSide,
    pub(super) callee: KeptSide,
    pub(super) over: Over,
    /// Name and extension the called phone shows.
    pub(super) from: (Option<String>, String),
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct KeptSide {
    pub(super) line: LineKey,
    pub(super) rtp_port: u16,
}

/// The talk's row, written in order by a task beside it.
pub(super) struct Record {
    pub(super) row: TalkRow,
    pub(super) kept: Kept,
    notes: mpsc::UnboundedSender<Note>,
}

enum Note {
    Is(Box<TalkRow>, oneshot::Sender<()>),
    Over(Uuid),
}

impl Record {
    pub(super) fn begin(
        store: &Store,
        id: Uuid,
        company: CompanyId,
        now: Millis,
        kept: Kept,
    ) -> Self {
        let row = TalkRow {
            id,
            company,
            started_at: now,
            caller_dialog: None,
            callee_dialog: None,
            body: serde_json::to_string(&kept).unwrap_or_default(),
        };
        Self::goes_on(store, &row, kept)
    }

    pub(super) fn goes_on(store: &Store, row: &TalkRow, kept: Kept) -> Self {
        let (notes, inbox) = mpsc::unbounded_channel();
        tokio::spawn(write(store.clone(), inbox));
        Self {
            row: row.clone(),
            kept,
            notes,
        }
    }

    pub(super) fn trunk(&self) -> Option<TrunkId> {
        match &self.kept.over {
            Over::Direct => None,
            Over::Trunk { id, .. } => Some(*id),
        }
    }

    /// Has it written, and answers who wants to wait for that.
    pub(super) fn now(
        &self,
        caller: Option<String>,
        callee: Option<String>,
    ) -> oneshot::Receiver<()> {
        let (done, written) = oneshot::channel();
        let row = TalkRow {
            caller_dialog: caller,
            callee_dialog: callee,
            ..self.row.clone()
        };
        // The writer lives as long as this.
        _ = self.notes.send(Note::Is(Box::new(row), done));
        written
    }

    pub(super) async fn written(&self, caller: Option<String>, callee: Option<String>) {
        let written = self.now(caller, callee);
        if tokio::time::timeout(RECORDED_WITHIN, written)
            .await
            .is_err()
        {
            tracing::warn!(talk = %self.row.id, "A talk begins without its record");
        }
    }

    pub(super) fn over(self) {
        _ = self.notes.send(Note::Over(self.row.id));
    }
}

async fn write(store: Store, mut notes: mpsc::UnboundedReceiver<Note>) {
    while let Some(note) = notes.recv().await {
        let written = match note {
            Note::Is(row, done) => {
                let written = store.save_talk(&row).await;
                // Nobody may be waiting.
                _ = done.send(());
                written
            }
            Note::Over(id) => store.remove_talk(id).await,
        };
        if let Err(error) = written {
            tracing::warn!(%error, "A talk's record is not written");
        }
    }
}
