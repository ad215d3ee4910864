//! The calls employees make outside from their own lines: asked for and entered under one
//! lock, counted for a day, so that the company's limits know of them. They are rows too: a
//! restart forgets none.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard, PoisonError},
};

use domain::{
    CompanyId, EmployeeId, Millis, PhoneNumber, Span,
    guard::{Charged, Limits, OwnRefused, Spent, Who},
};
use store::{OwnCallRow, Store, StoreError};
use tokio::sync::mpsc;
use uuid::Uuid;

/// So long a call counts.
const KEPT: Span = Span::minutes(24 * 60);

/// Who wants to call whom.
pub struct Wish<'a> {
    pub id: Uuid,
    pub company: CompanyId,
    pub employee: EmployeeId,
    pub group: Option<&'a str>,
    pub number: &'a PhoneNumber,
    /// Since when the company's day goes on.
    pub day_begins: Millis,
    /// What its meetings have spent today.
    pub of_meetings: Spent,
}

pub struct OwnCalls {
    all: Mutex<BTreeMap<Uuid, OwnCallRow>>,
    /// To the task that writes how they go on, in order.
    rows: mpsc::UnboundedSender<OwnCallRow>,
}

impl OwnCalls {
    /// Reads those that still count. Whatever was up when the last process ended, and is no
    /// talk on record, is over.
    pub async fn read(store: &Store, now: Millis) -> Result<Self, StoreError> {
        let talks = store.talks().await?.into_iter().map(|talk| talk.id);
        let talks: BTreeSet<Uuid> = talks.collect();
        let mut all = BTreeMap::new();
        for mut call in store.own_calls_since(now - KEPT).await? {
            if call.ended_at.is_none() && !talks.contains(&call.id) {
                call.ended_at = Some(call.answered_at.unwrap_or(call.made_at));
                store.save_own_call(&call).await?;
            }
            all.insert(call.id, call);
        }
        let (rows, inbox) = mpsc::unbounded_channel();
        tokio::spawn(write(store.clone(), inbox));
        Ok(Self {
            all: Mutex::new(all),
            rows,
        })
    }

    /// Enters a call, unless the company's limits refuse it. Its row is to be on disk before
    /// anybody is called.
    pub fn begin(
        &self,
        wish: Wish<'_>,
        limits: &Limits,
        now: Millis,
    ) -> Result<OwnCallRow, OwnRefused> {
        let mut all = self.lock();
        all.retain(|_, made| made.ended_at.is_none() || made.made_at > now - KEPT);
        let his = all.values().filter(|made| made.employee == wish.employee);
        let made_at: Vec<Millis> = his.map(|made| made.made_at).collect();
        let own = spent(&all, limits, wish.company, wish.day_begins, now);
        let who = Who {
            group: wish.group,
            made_at: &made_at,
        };
        limits.check_own(who, wish.number, own + wish.of_meetings, now)?;
        let made = OwnCallRow {
            id: wish.id,
            company: wish.company,
            employee: wish.employee,
            number: wish.number.clone(),
            made_at: now,
            answered_at: None,
            ended_at: None,
        };
        all.insert(wish.id, made.clone());
        Ok(made)
    }

    /// Nothing happens where the call is none of these.
    pub fn answered(&self, id: Uuid, now: Millis) {
        self.change(id, |made| made.answered_at.get_or_insert(now));
    }

    pub fn ended(&self, id: Uuid, now: Millis) {
        self.change(id, |made| made.ended_at.get_or_insert(now));
    }

    fn change(&self, id: Uuid, change: impl FnOnce(&mut OwnCallRow) -> &mut Millis) {
        if let Some(made) = self.lock().get_mut(&id) {
            change(made);
            // The writer lives as long as this.
            _ = self.rows.send(made.clone());
        }
    }

    /// What a company has called and spent so since then.
    pub fn spent(&self, limits: &Limits, company: CompanyId, since: Millis, now: Millis) -> Spent {
        spent(&self.lock(), limits, company, since, now)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Uuid, OwnCallRow>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn spent(
    all: &BTreeMap<Uuid, OwnCallRow>,
    limits: &Limits,
    company: CompanyId,
    since: Millis,
    now: Millis,
) -> Spent {
    let counted = all
        .values()
        .filter(|made| made.company == company && made.made_at >= since);
    let charged = counted.map(|made| Charged {
        number: &made.number,
        answered_at: made.answered_at,
        ended_at: made.ended_at,
    });
    limits.spent(charged, now)
}

async fn write(store: Store, mut rows: mpsc::UnboundedReceiver<OwnCallRow>) {
    while let Some(row) = rows.recv().await {
        if let Err(error) = store.save_own_call(&row).await {
            tracing::warn!(%error, "How a call outside went on is not written");
        }
    }
}
