//! Which task a call belongs to: what signalling tells goes to its owner.
//!
//! Every call has one owner, named when it is placed or taken. News of calls
//! nobody owns any more is dropped: their owner has already let go of them.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use signalling::Signalling;
use sip::{CallId, DialogRecord, Event, Invite, LocalMedia};
use tokio::sync::mpsc::UnboundedSender;

pub struct Switchboard {
    signalling: Signalling,
    owners: Mutex<BTreeMap<CallId, Owner>>,
}

enum Owner {
    Task(UnboundedSender<Event>),
    /// It came in, and whose it is is being found out. Its end is kept for whoever takes it.
    NotYet(Option<Box<Event>>),
}

impl Switchboard {
    pub fn new(signalling: Signalling) -> Self {
        Switchboard {
            signalling,
            owners: Mutex::default(),
        }
    }

    pub fn signalling(&self) -> &Signalling {
        &self.signalling
    }

    /// Places a call; its news goes to `owner`.
    pub fn invite(&self, invite: Invite, owner: UnboundedSender<Event>) -> CallId {
        // Held over the placing, so that no answer can come before the owner is known.
        let mut owners = self.lock();
        let call = self.signalling.invite(invite);
        owners.insert(call, Owner::Task(owner));
        call
    }

    /// Takes up a call of an earlier process.
    pub fn resume(
        &self,
        record: DialogRecord,
        media: LocalMedia,
        owner: UnboundedSender<Event>,
    ) -> CallId {
        let mut owners = self.lock();
        let call = self.signalling.resume(record, media);
        owners.insert(call, Owner::Task(owner));
        call
    }

    /// A call came in; somebody will take it or let it go.
    pub fn expect(&self, call: CallId) {
        self.lock().insert(call, Owner::NotYet(None));
    }

    /// Hands a call that came in to its owner. If the caller has given up
    /// meanwhile, that is the first thing the owner hears.
    pub fn take(&self, call: CallId, owner: UnboundedSender<Event>) {
        let mut owners = self.lock();
        if let Some(Owner::NotYet(Some(end))) = owners.remove(&call) {
            _ = owner.send(*end);
            return;
        }
        owners.insert(call, Owner::Task(owner));
    }

    /// Nobody takes this call.
    pub fn let_go(&self, call: CallId) {
        self.lock().remove(&call);
    }

    /// Passes news on to the call's owner.
    pub fn deliver(&self, call: CallId, event: Event) {
        let over = matches!(event, Event::Ended { .. } | Event::Failed { .. });
        let mut owners = self.lock();
        match owners.get_mut(&call) {
            Some(Owner::NotYet(end)) if over => *end = Some(Box::new(event)),
            Some(Owner::NotYet(_)) | None => {}
            Some(Owner::Task(owner)) => {
                // An owner that is gone wants no news.
                _ = owner.send(event);
                if over {
                    owners.remove(&call);
                }
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<CallId, Owner>> {
        self.owners.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The call an event is about; none for registrations and calls that want in.
pub fn call_of(event: &Event) -> Option<CallId> {
    match event {
        Event::Ringing { call, .. }
        | Event::Answered { call, .. }
        | Event::MediaChanged { call, .. }
        | Event::Digit { call, .. }
        | Event::Ended { call, .. }
        | Event::Failed { call, .. } => Some(*call),
        Event::Incoming { .. }
        | Event::Bindings { .. }
        | Event::Registration { .. }
        | Event::Subscription { .. }
        | Event::Notified { .. }
        | Event::Wanted { .. }
        | Event::Watched { .. }
        | Event::Unwanted { .. }
        | Event::Published { .. }
        | Event::Garbage { .. } => None,
    }
}
