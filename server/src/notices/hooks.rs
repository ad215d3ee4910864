//! Tells other programs what happens: each receiver gets the company's events by
//! POST, in their order, one at a time. The events' rows are what is to be told,
//! the receiver's row is how far that is; so nothing is lost over a restart, and a
//! receiver that hangs holds up nobody but itself.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use domain::{
    Millis, Span, WebhookId,
    notice::{Trouble, TroubleKind},
};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use store::{EventRow, StoreError, WebhookRow};

use super::sms::judge;
use crate::{
    clock,
    http_out::{HttpOut, Method, Request},
    shared::Shared,
};

/// How long a receiver may take over one event.
const WITHIN: Duration = Duration::from_secs(10);

/// How long a claim holds: longer than one event takes.
const LEASE: Span = Span::seconds(30);

/// How many receivers are claimed at once, and how many events are read for one.
const CLAIMS: i64 = 100;
const PAGE: i64 = 100;

pub struct Hooks {
    shared: Arc<Shared>,
    /// Those being told by this process.
    busy: Arc<Mutex<BTreeSet<WebhookId>>>,
}

/// A receiver's turn; over when it is dropped, whatever happened.
struct Turn {
    hook: WebhookId,
    busy: Arc<Mutex<BTreeSet<WebhookId>>>,
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut busy = self.busy.lock().unwrap_or_else(PoisonError::into_inner);
        busy.remove(&self.hook);
    }
}

impl Hooks {
    pub fn new(shared: Arc<Shared>) -> Self {
        Self {
            shared,
            busy: Arc::default(),
        }
    }

    /// Runs until the task is dropped.
    pub async fn run(self) {
        loop {
            if let Err(error) = self.look().await {
                tracing::warn!(%error, "Who is to be told of events cannot be read");
            }
            // Events come from every side: a second is soon enough.
            clock::glance_at(Some(Millis(i64::MAX))).await;
        }
    }

    async fn look(&self) -> Result<(), StoreError> {
        let now = clock::now();
        let claimed = self
            .shared
            .store
            .claim_webhooks(now, now + LEASE, CLAIMS)
            .await?;
        for row in claimed {
            let id = row.webhook.id;
            let mut busy = self.busy.lock().unwrap_or_else(PoisonError::into_inner);
            if !busy.insert(id) {
                continue;
            }
            drop(busy);
            let turn = Turn {
                hook: id,
                busy: self.busy.clone(),
            };
            let shared = self.shared.clone();
            tokio::spawn(async move {
                let _turn = turn;
                if let Err(error) = tell(&shared, row).await {
                    tracing::warn!(webhook = %id, %error, "A receiver is told later");
                }
            });
        }
        Ok(())
    }
}

/// Tells a receiver what has happened, until it is told all or does not take one.
async fn tell(shared: &Shared, mut row: WebhookRow) -> Result<(), StoreError> {
    let store = &shared.store;
    let company = row.webhook.company;
    loop {
        let Some(events) = store.events_after(company, row.seq, PAGE).await? else {
            // Some are no longer kept: they cannot be told any more.
            let last = store.last_event(company).await?;
            store.told_webhook(&row, last, Millis(0), Millis(0)).await?;
            return Ok(());
        };
        let Some(last) = events.last().map(|event| event.seq) else {
            store
                .told_webhook(&row, row.seq, Millis(0), Millis(0))
                .await?;
            return Ok(());
        };
        for event in &events {
            let Some(body) = wanted(&row, event) else {
                if event.seq == last && !step(shared, &mut row, last, Millis(0)).await? {
                    return Ok(());
                }
                continue;
            };
            let now = clock::now();
            let due_at = match send(&shared.http_out, &row, event, &body, now).await {
                Ok(()) => {
                    row.webhook.on_taken(clock::now());
                    None
                }
                Err(trouble) => row.webhook.on_trouble(trouble, event.at, clock::now()),
            };
            if let Some(due_at) = due_at {
                // What came before it is told: it is the next one.
                store
                    .told_webhook(&row, event.seq - 1, due_at, Millis(0))
                    .await?;
                return Ok(());
            }
            if !step(shared, &mut row, event.seq, Millis(0)).await? {
                return Ok(());
            }
        }
    }
}

/// Goes on to a number, and keeps the claim. False if somebody set the receiver back.
async fn step(
    shared: &Shared,
    row: &mut WebhookRow,
    seq: i64,
    due_at: Millis,
) -> Result<bool, StoreError> {
    let lease = clock::now() + LEASE;
    let ours = shared.store.told_webhook(row, seq, due_at, lease).await?;
    row.seq = seq;
    Ok(ours)
}

/// What is sent of an event, if the receiver wants it.
fn wanted(row: &WebhookRow, event: &EventRow) -> Option<String> {
    let what: Value = serde_json::from_str(&event.body).ok()?;
    if !row.webhook.wants(what["kind"].as_str()?) {
        return None;
    }
    let body = json!({
        "id": event_id(row, event),
        "seq": event.seq,
        "at": event.at.0,
        "event": what,
    });
    Some(body.to_string())
}

/// The same at every try, and in every replay.
fn event_id(row: &WebhookRow, event: &EventRow) -> String {
    format!("{}.{}", row.webhook.company, event.seq)
}

async fn send(
    http: &HttpOut,
    row: &WebhookRow,
    event: &EventRow,
    body: &str,
    now: Millis,
) -> Result<(), Trouble> {
    let refused = |detail: String| Trouble::new(TroubleKind::Refused, detail);
    let stamp = (now.0 / 1000).to_string();
    let secret = row
        .webhook
        .secret
        .as_ref()
        .map_or("", |secret| secret.reveal());
    let request = Request {
        method: Method::POST,
        url: row.webhook.url.parse().map_err(refused)?,
        headers: vec![
            ("content-type", "application/json".to_owned()),
            ("rollcall-event-id", event_id(row, event)),
            ("rollcall-sequence", event.seq.to_string()),
            ("rollcall-timestamp", stamp.clone()),
            ("rollcall-signature", signature(secret, &stamp, body)),
        ],
        body: body.as_bytes().to_vec(),
        within: WITHIN,
    };
    judge(http.send(request).await)
}

/// HMAC-SHA256 over the time stamp, a dot, and the body: whoever has the secret can
/// tell that it is ours, and that it is not an old one sent again.
pub fn signature(secret: &str, stamp: &str, body: &str) -> String {
    let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes());
    let mac = mac.expect("HMAC takes keys of any length");
    let mac = mac
        .chain_update(stamp.as_bytes())
        .chain_update(b".")
        .chain_update(body.as_bytes());
    let bytes = mac.finalize().into_bytes();
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256={hex}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_of_the_secret_the_time_and_the_body() {
        // printf '1795000000.{}' | openssl dgst -sha256 -hmac secret
        let ours = signature("secret", "1795000000", "{}");
        assert!(ours.starts_with("sha256=") && ours.len() == 71);
        for other in [
            signature("secret2", "1795000000", "{}"),
            signature("secret", "1795000001", "{}"),
            signature("secret", "1795000000", "[]"),
        ] {
            assert_ne!(ours, other);
        }
    }
}
