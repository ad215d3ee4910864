//! Phones that register: kept on disk, and what it says of their lines.

use std::sync::Arc;

use domain::{
    DeviceId, Millis,
    employee::DeviceKind,
    line::{Evidence, LineKey, Seen, Source},
};
use serde::{Deserialize, Serialize};
use sip::{AccountId, Binding, Package, Told};
use store::{BindingRow, Store, StoreError};
use tokio::sync::mpsc::UnboundedReceiver;

use crate::{
    accounts::{self, Seal},
    clock,
    directory::{Book, Page},
    operators,
    shared::Shared,
};

/// A registration as its row keeps it.
#[derive(Serialize, Deserialize)]
struct Kept {
    #[serde(flatten)]
    binding: Binding,
    /// The login it was made with; rows of earlier versions do not say.
    #[serde(default)]
    login: Option<Seal>,
}

/// The bindings of before the restart, so that every phone is reachable at once. Those
/// whose device or secret has changed meanwhile stay behind.
pub async fn restore(store: &Store, page: &Page) -> Result<Vec<Binding>, StoreError> {
    let rows = store.bindings(clock::now()).await?;
    let seals = accounts::seals(page);
    let read = |row: BindingRow| match serde_json::from_str::<Kept>(&row.body) {
        Ok(Kept { binding, login }) => {
            let now = seals.get(&binding.account)?;
            login.is_none_or(|then| then == *now).then_some(binding)
        }
        Err(error) => {
            tracing::warn!(account = %row.account, %error, "A registration of before cannot be read");
            None
        }
    };
    Ok(rows.into_iter().filter_map(read).collect())
}

/// What restored bindings say of their lines.
pub fn mark_restored(shared: &Shared, bindings: &[Binding]) {
    let now = clock::now();
    for binding in bindings {
        let line = line_of(binding.account);
        shared.lines.add(
            &line,
            Evidence::registered(now, Millis(binding.expires_at)),
            now,
        );
    }
}

/// Phones of ours that are registered nowhere: we are their registrar, so we know.
pub fn mark_absent(shared: &Shared) {
    let now = clock::now();
    let page = shared.book.page();
    let devices = page
        .companies()
        .flat_map(|company| &company.employees)
        .flat_map(|employee| &employee.devices);
    for device in devices {
        let DeviceKind::SipPhone { .. } = device.kind else {
            continue;
        };
        if shared
            .lines
            .line(&device.line())
            .state(now)
            .evidence
            .is_empty()
        {
            let absent = Evidence::unregistered(now, Seen::NotRegistered);
            shared.lines.add(&device.line(), absent, now);
        }
    }
}

/// A phone registered, refreshed, un-registered, or let its registration run out.
pub fn on_bindings(shared: &Shared, account: AccountId, bindings: &[Binding], by_itself: bool) {
    let now = clock::now();
    let evidence = match bindings.iter().map(|binding| binding.expires_at).max() {
        Some(until) => Evidence::registered(now, Millis(until)),
        None if by_itself => Evidence::unregistered(now, Seen::Unregistered),
        None => Evidence::unregistered(now, Seen::Expired),
    };
    shared.lines.add(&line_of(account), evidence, now);
}

/// What a phone says of itself: evidence for its own line, and its wish for quiet.
pub fn on_published(
    shared: &Shared,
    account: AccountId,
    package: Package,
    told: Option<(Told, i64)>,
) {
    let (line, now) = (line_of(account), clock::now());
    let source = match package {
        Package::Reg => return,
        Package::Dialog => Source::Dialog,
        Package::Presence => Source::Presence,
    };
    let quiet = matches!(&told, Some((Told::Presence(presence), _)) if presence.dnd);
    if package == Package::Presence && shared.lines.line(&line).state(now).dnd != quiet {
        shared.lines.set_dnd(&line, quiet);
    }
    let evidence =
        told.and_then(|(told, until)| operators::evidence(&told, None, now, Millis(until)));
    match evidence {
        Some(evidence) => shared.lines.add(&line, evidence, now),
        None => shared.lines.withdraw(&line, source, now),
    }
}

/// Keeps registrations on disk, in the order they came. Runs until the sender is dropped.
pub async fn keep(
    store: Store,
    book: Arc<Book>,
    mut changed: UnboundedReceiver<(AccountId, Vec<Binding>)>,
) {
    while let Some((account, bindings)) = changed.recv().await {
        let page = book.page();
        let rows: Vec<BindingRow> = bindings
            .into_iter()
            .filter_map(|binding| {
                Some(BindingRow {
                    account: account.0,
                    contact: binding.contact.to_string(),
                    expires_at: Millis(binding.expires_at),
                    body: serde_json::to_string(&Kept {
                        login: accounts::seal_of(&page, account, &binding.username),
                        binding,
                    })
                    .ok()?,
                })
            })
            .collect();
        if let Err(error) = store.save_bindings(account.0, &rows).await {
            tracing::warn!(%error, "A registration is not on disk: a restart would forget it");
        }
    }
}

fn line_of(account: AccountId) -> LineKey {
    LineKey::Device(DeviceId::from_uuid(account.0))
}
