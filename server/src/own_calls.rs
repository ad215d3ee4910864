//! The calls employees make outside from their own lines: asked for and entered under one
//! lock, counted for a day, so that the company's limits know of them.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use domain::{
    CompanyId, EmployeeId, Millis, PhoneNumber, Span,
    guard::{Charged, Limits, OwnRefused, Spent, Who},
};
use uuid::Uuid;

/// So long a call counts.
const KEPT: Span = Span::minutes(24 * 60);

struct Made {
    company: CompanyId,
    employee: EmployeeId,
    number: PhoneNumber,
    at: Millis,
    answered_at: Option<Millis>,
    ended_at: Option<Millis>,
}

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

#[derive(Default)]
pub struct OwnCalls(Mutex<BTreeMap<Uuid, Made>>);

impl OwnCalls {
    /// Enters a call, unless the company's limits refuse it.
    pub fn begin(&self, wish: Wish<'_>, limits: &Limits, now: Millis) -> Result<(), OwnRefused> {
        let mut all = self.lock();
        all.retain(|_, made| made.ended_at.is_none() || made.at > now - KEPT);
        let his = all.values().filter(|made| made.employee == wish.employee);
        let made_at: Vec<Millis> = his.map(|made| made.at).collect();
        let own = spent(&all, limits, wish.company, wish.day_begins, now);
        let who = Who {
            group: wish.group,
            made_at: &made_at,
        };
        limits.check_own(who, wish.number, own + wish.of_meetings, now)?;
        let made = Made {
            company: wish.company,
            employee: wish.employee,
            number: wish.number.clone(),
            at: now,
            answered_at: None,
            ended_at: None,
        };
        all.insert(wish.id, made);
        Ok(())
    }

    /// Nothing happens where the call is none of these.
    pub fn answered(&self, id: Uuid, now: Millis) {
        if let Some(made) = self.lock().get_mut(&id) {
            made.answered_at.get_or_insert(now);
        }
    }

    pub fn ended(&self, id: Uuid, now: Millis) {
        if let Some(made) = self.lock().get_mut(&id) {
            made.ended_at.get_or_insert(now);
        }
    }

    /// What a company has called and spent so since then.
    pub fn spent(&self, limits: &Limits, company: CompanyId, since: Millis, now: Millis) -> Spent {
        spent(&self.lock(), limits, company, since, now)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Uuid, Made>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn spent(
    all: &BTreeMap<Uuid, Made>,
    limits: &Limits,
    company: CompanyId,
    since: Millis,
    now: Millis,
) -> Spent {
    let counted = all
        .values()
        .filter(|made| made.company == company && made.at >= since);
    let charged = counted.map(|made| Charged {
        number: &made.number,
        answered_at: made.answered_at,
        ended_at: made.ended_at,
    });
    limits.spent(charged, now)
}
