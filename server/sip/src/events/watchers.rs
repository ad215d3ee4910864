//! Those who watch at our server (RFC 6665 §4.2): their dialogs, what each was told
//! last, and the NOTIFYs that tell it.
//!
//! What a resource looks like is told by the embedding program
//! ([`Command::Show`](crate::Command::Show)); the first watcher of one asks for it by
//! an event, and gets his first NOTIFY when the answer comes.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use super::{Alarms, Package, ResourceId, Shown, ShownCall, expires};
use crate::{
    authority::AccountId,
    dialog::Dialog,
    endpoint::core::{Core, Draft, Owner},
    event::{Caller, Event},
    flow::Flow,
    message::{Envelope, Method, Request, Response},
    uri::SipUri,
};

/// A watcher, as long as this process lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WatcherId(u64);

/// Watchers at once: of one account (a desk phone with all its lamps), and of all.
const PER_ACCOUNT: usize = 300;
const ALL: usize = 20_000;
/// What a watcher gets who says nothing.
const DEFAULT: Duration = Duration::from_secs(3600);

/// The embedding program says what a resource looks like within this time, or never.
const SHOWN_WITHIN: Duration = Duration::from_secs(5);

#[derive(Default)]
pub struct Watchers {
    watchers: BTreeMap<WatcherId, Watcher>,
    /// By Call-ID and our tag.
    by_key: BTreeMap<(String, String), WatcherId>,
    by_resource: BTreeMap<ResourceId, BTreeSet<WatcherId>>,
    per_watcher: BTreeMap<Whose, usize>,
    shown: BTreeMap<ResourceId, Shown>,
    alarms: Alarms<WatcherId>,
    counted: u64,
}

/// Whose limit counts.
type Whose = Option<AccountId>;

struct Watcher {
    caller: Caller,
    resource: ResourceId,
    package: Package,
    /// The `id` of its Event, which its NOTIFYs repeat.
    event_id: Option<String>,
    dialog: Dialog,
    until: Instant,
    /// Of the next document.
    version: u32,
    /// The calls of the last document.
    told: Vec<ShownCall>,
    news: News,
    /// A NOTIFY is under way: the next waits for its answer.
    sending: bool,
    ending: Option<&'static str>,
}

/// What the watcher has not been told yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum News {
    None,
    Changes,
    Everything,
}

/// A SUBSCRIBE that is let in.
pub struct Wish<'a> {
    pub caller: Caller,
    pub resource: ResourceId,
    pub package: Package,
    pub event_id: Option<String>,
    pub request: &'a Request,
    pub envelope: &'a Envelope,
    pub flow: Flow,
}

impl Watchers {
    pub fn find(&self, call_id: &str, tag: &str) -> Option<WatcherId> {
        self.by_key
            .get(&(call_id.to_owned(), tag.to_owned()))
            .copied()
    }

    pub fn caller(&self, id: WatcherId) -> Option<Caller> {
        self.watchers.get(&id).map(|watcher| watcher.caller)
    }

    pub fn count(&self) -> usize {
        self.watchers.len()
    }

    pub fn deadline(&self) -> Option<Instant> {
        self.alarms.next()
    }

    /// Whether one more fits.
    pub fn has_room(&self, caller: Caller) -> bool {
        let own = self.per_watcher.get(&whose(caller)).copied().unwrap_or(0);
        self.watchers.len() < ALL && (own < PER_ACCOUNT || whose(caller).is_none())
    }

    /// The lifetime a SUBSCRIBE gets, or the least it may ask for.
    pub fn granted(request: &Request, core: &Core) -> Result<Duration, Duration> {
        let (least, most) = (
            core.config.min_expires,
            core.config.max_watch.max(core.config.min_expires),
        );
        match expires(&request.headers).map(|s| Duration::from_secs(s.into())) {
            None => Ok(DEFAULT.min(most)),
            Some(Duration::ZERO) => Ok(Duration::ZERO),
            Some(asked) if asked < least => Err(least),
            Some(asked) => Ok(asked.min(most)),
        }
    }

    /// Lets a watcher in; the 200 has been decided, the first NOTIFY follows. Answers who it is, and our tag.
    pub fn admit(
        &mut self,
        wish: Wish<'_>,
        granted: Duration,
        core: &mut Core,
        now: Instant,
    ) -> (WatcherId, String) {
        let tag = core.random.tag();
        let from = wish.envelope.from.uri.user().map(str::to_owned);
        let dialog = Dialog::of_called(wish.request, wish.envelope, tag.clone(), wish.flow, || {
            SipUri::at(from.as_deref(), wish.flow.remote)
        });
        self.counted += 1;
        let id = WatcherId(self.counted);
        let watcher = Watcher {
            caller: wish.caller,
            resource: wish.resource,
            package: wish.package,
            event_id: wish.event_id,
            until: now + granted,
            version: 0,
            told: Vec::new(),
            news: News::Everything,
            sending: false,
            // Only a look: it ends with its first NOTIFY.
            ending: granted.is_zero().then_some("timeout"),
            dialog,
        };
        self.by_key
            .insert((watcher.dialog.call_id.clone(), tag.clone()), id);
        let watching = self.by_resource.entry(watcher.resource).or_default();
        watching.insert(id);
        *self.per_watcher.entry(whose(watcher.caller)).or_default() += 1;
        // Whoever only looks waits for the first NOTIFY as others do.
        self.alarms.set(&id, Some(now + granted.max(SHOWN_WITHIN)));
        if !self.shown.contains_key(&watcher.resource) {
            core.tell(Event::Wanted {
                resource: watcher.resource,
            });
        }
        self.watchers.insert(id, watcher);
        (id, tag)
    }

    /// A later SUBSCRIBE of a watcher; false when it is out of order.
    pub fn refresh(
        &mut self,
        id: WatcherId,
        request: &Request,
        envelope: &Envelope,
        flow: Flow,
        granted: Duration,
        now: Instant,
    ) -> bool {
        let Some(watcher) = self.watchers.get_mut(&id) else {
            return false;
        };
        if !watcher.dialog.take_cseq(envelope.cseq.number) {
            return false;
        }
        watcher.dialog.flow = flow;
        watcher.dialog.refresh_target(request.contact());
        watcher.until = now + granted;
        watcher.news = News::Everything;
        if granted.is_zero() {
            watcher.ending = Some("timeout");
        }
        self.alarms.set(&id, Some(now + granted.max(SHOWN_WITHIN)));
        true
    }

    /// What a resource looks like now.
    pub fn show(&mut self, resource: ResourceId, shown: Shown, core: &mut Core, now: Instant) {
        let Some(watching) = self.by_resource.get(&resource).cloned() else {
            return;
        };
        if self.shown.get(&resource) == Some(&shown) {
            return;
        }
        self.shown.insert(resource, shown);
        for id in watching {
            if let Some(watcher) = self.watchers.get_mut(&id) {
                watcher.news = watcher.news.max(News::Changes);
            }
            self.speak(id, core, now);
        }
    }

    /// There is no such resource any more.
    pub fn hide(&mut self, resource: ResourceId, core: &mut Core, now: Instant) {
        let entity = String::new();
        self.shown
            .entry(resource)
            .or_insert_with(|| Shown::unknown(entity));
        for id in self.by_resource.get(&resource).cloned().unwrap_or_default() {
            self.end(id, "noresource", core, now);
        }
    }

    /// An account is gone or proves itself anew: what it watches it may see no more.
    pub fn expel(&mut self, account: AccountId, core: &mut Core, now: Instant) {
        let of_account = |watcher: &Watcher| whose(watcher.caller) == Some(account);
        for id in self.all(of_account) {
            self.end(id, "rejected", core, now);
        }
    }

    /// The server stops: everybody is to come back in a while.
    pub fn close(&mut self, core: &mut Core, now: Instant) {
        for id in self.all(|_| true) {
            self.end(id, "probation;retry-after=10", core, now);
        }
    }

    fn all(&self, which: impl Fn(&Watcher) -> bool) -> Vec<WatcherId> {
        let all = self.watchers.iter().filter(|(_, watcher)| which(watcher));
        all.map(|(id, _)| *id).collect()
    }

    fn end(&mut self, id: WatcherId, reason: &'static str, core: &mut Core, now: Instant) {
        if let Some(watcher) = self.watchers.get_mut(&id) {
            watcher.ending = Some(reason);
            watcher.news = News::Everything;
        }
        self.speak(id, core, now);
    }

    pub fn on_timeout(&mut self, core: &mut Core, now: Instant) {
        while let Some(id) = self.alarms.pop_due(now) {
            let told = self
                .watchers
                .get(&id)
                .is_some_and(|watcher| !self.shown.contains_key(&watcher.resource));
            match told {
                // Nobody said what it looks like: there is nothing to end with.
                true => self.forget(id, core),
                false => self.end(id, "timeout", core, now),
            }
        }
    }

    /// The answer to a NOTIFY: whoever does not want it is not told again.
    pub fn on_response(
        &mut self,
        id: WatcherId,
        response: &Response,
        core: &mut Core,
        now: Instant,
    ) {
        if response.is_provisional() {
            return;
        }
        let Some(watcher) = self.watchers.get_mut(&id) else {
            return;
        };
        watcher.sending = false;
        // A NOTIFY that was refused for the moment is told with the next change.
        let over = !matches!(response.status, 200..300 | 500 | 503);
        if over {
            return self.forget(id, core);
        }
        self.speak(id, core, now);
    }

    /// A NOTIFY that nobody answered or that could not be sent.
    pub fn on_silence(&mut self, id: WatcherId, core: &mut Core) {
        self.forget(id, core);
    }

    /// Sends what the watcher has not been told, unless a NOTIFY is under way.
    pub fn speak(&mut self, id: WatcherId, core: &mut Core, now: Instant) {
        let Some(watcher) = self.watchers.get_mut(&id) else {
            return;
        };
        let Some(shown) = self.shown.get(&watcher.resource) else {
            return;
        };
        if watcher.sending || watcher.news == News::None {
            return;
        }
        let lamp = shown.lamp();
        let unchanged = watcher.package == Package::Dialog && lamp == watcher.told;
        let full = watcher.news == News::Everything || unchanged;
        let document = shown.document(
            watcher.package,
            watcher.version,
            (!full).then_some(&watcher.told),
        );
        watcher.version += 1;
        watcher.told = lamp;
        watcher.news = News::None;
        watcher.sending = true;

        let mut request = watcher.dialog.request(Method::Notify);
        let headers = &mut request.headers;
        let event = match &watcher.event_id {
            Some(event_id) => format!("{};id={event_id}", watcher.package),
            None => watcher.package.to_string(),
        };
        headers.push("Event", &event);
        let state = match watcher.ending {
            Some(reason) => format!("terminated;reason={reason}"),
            None => {
                let left = watcher.until.saturating_duration_since(now);
                format!("active;expires={}", left.as_millis().div_ceil(1000))
            }
        };
        headers.push("Subscription-State", &state);
        headers.push("Content-Type", watcher.package.content_type());
        request.body = document.into_bytes();
        let draft = Draft {
            hop: watcher.dialog.next_hop(),
            contact: Some(watcher.dialog.contact_user.clone()),
            branch: core.random.branch(),
            owner: Owner::Watcher(id),
            request,
        };
        let over = watcher.ending.is_some();
        core.send(draft, now);
        if over {
            self.forget(id, core);
        }
    }

    fn forget(&mut self, id: WatcherId, core: &mut Core) {
        let Some(watcher) = self.watchers.remove(&id) else {
            return;
        };
        self.alarms.set(&id, None);
        let Dialog {
            call_id, local_tag, ..
        } = watcher.dialog;
        self.by_key.remove(&(call_id, local_tag));
        let whose = whose(watcher.caller);
        if let Some(count) = self.per_watcher.get_mut(&whose) {
            *count -= 1;
            if *count == 0 {
                self.per_watcher.remove(&whose);
            }
        }
        if let Some(watching) = self.by_resource.get_mut(&watcher.resource) {
            watching.remove(&id);
            if watching.is_empty() {
                self.by_resource.remove(&watcher.resource);
                self.shown.remove(&watcher.resource);
                core.tell(Event::Unwanted {
                    resource: watcher.resource,
                });
            }
        }
    }
}

fn whose(caller: Caller) -> Whose {
    match caller {
        Caller::Account(account) => Some(account),
        Caller::Trunk(_) => None,
    }
}
