//! SUBSCRIBE, NOTIFY and PUBLISH at the door (RFC 6665, RFC 3903).

use std::time::Instant;

use super::{Endpoint, doorman::Guest};
use crate::{
    authority::AccountId,
    event::{Caller, Event},
    events::{
        Garbage, Package, Publishing, Refused, Subscribing, Subscription, SubscriptionId, Watchers,
        Wish, allow_events,
    },
    message::Response,
    uri::Uri,
};

/// Subscriptions of ours at once.
const MAX_SUBSCRIPTIONS: usize = 50_000;

impl Endpoint {
    pub(super) fn subscribe(
        &mut self,
        id: SubscriptionId,
        subscription: Subscription,
        now: Instant,
    ) {
        if self.subscriptions.len() >= MAX_SUBSCRIPTIONS {
            return;
        }
        let subscribing = Subscribing::start(id, subscription, &mut self.core, now);
        self.put_subscription(id, subscribing);
    }

    /// Does something with a subscription of ours and brings the indices up to date.
    pub(super) fn with_subscription<T>(
        &mut self,
        id: SubscriptionId,
        f: impl FnOnce(&mut Subscribing, &mut super::core::Core) -> T,
    ) -> Option<T> {
        let mut subscribing = self.subscriptions.remove(&id)?;
        self.subscription_by_key.remove(&subscribing.key());
        let answer = f(&mut subscribing, &mut self.core);
        self.put_subscription(id, subscribing);
        Some(answer)
    }

    fn put_subscription(&mut self, id: SubscriptionId, subscribing: Subscribing) {
        if subscribing.is_gone() {
            return self.subscription_alarms.set(&id, None);
        }
        self.subscription_alarms.set(&id, subscribing.deadline());
        self.subscription_by_key.insert(subscribing.key(), id);
        self.subscriptions.insert(id, subscribing);
    }

    pub(super) fn on_package_timeout(&mut self, now: Instant) {
        while let Some(id) = self.subscription_alarms.pop_due(now) {
            self.with_subscription(id, |subscribing, core| subscribing.on_timeout(core, now));
        }
        self.watchers.on_timeout(&mut self.core, now);
        for (account, package) in self.publications.on_timeout(now) {
            self.tell_published(account, package, now);
        }
    }

    /// A NOTIFY: for a subscription of ours, or for none.
    pub(super) fn on_notify(&mut self, guest: &Guest, now: Instant) {
        let tag = guest.envelope.to.tag().unwrap_or_default().to_owned();
        let key = (guest.envelope.call_id.clone(), tag);
        let Some(id) = self.subscription_by_key.get(&key).copied() else {
            return self.refuse(guest, 481);
        };
        let status = self.with_subscription(id, |subscribing, core| {
            subscribing.on_notify(&guest.request, &guest.envelope, guest.flow, core, now)
        });
        let status = status.unwrap_or(481);
        let mut response = guest.request.response(status, None);
        if status == 489 {
            let names = allow_events(&Package::ALL);
            response.headers.push("Allow-Events", &names);
        }
        self.answer(guest, response, now);
    }

    /// A SUBSCRIBE, the first of a watcher or a later one.
    pub(super) fn on_subscribe(&mut self, guest: &Guest, now: Instant) {
        let watcher = match guest.envelope.to.tag() {
            Some(tag) => match self.watchers.find(&guest.envelope.call_id, tag) {
                Some(watcher) => Some(watcher),
                None => return self.refuse(guest, 481),
            },
            None => None,
        };
        let Some(caller) = self.identify(guest, now) else {
            return;
        };
        let event = guest.request.headers.get("Event").and_then(Package::parse);
        let served = event.filter(|(package, _)| self.core.config.packages.contains(package));
        let Some((package, event_id)) = served else {
            return self.refuse_event(guest);
        };
        let granted = match Watchers::granted(&guest.request, &self.core) {
            Ok(granted) => granted,
            Err(least) => {
                let least = least.as_secs().to_string();
                let response = self.response(guest, 423).with("Min-Expires", &least);
                return self.core.respond_once(guest.back, response, guest.size);
            }
        };
        let expires = granted.as_secs().to_string();
        let contact = self.core.contact(guest.request.uri.user(), &guest.flow);
        let accepted = |response: Response| {
            response
                .with("Expires", &expires)
                .with("Contact", &contact.to_string())
        };
        if let Some(id) = watcher {
            if self.watchers.caller(id) != Some(caller) {
                return self.refuse(guest, 403);
            }
            let (request, envelope) = (&guest.request, &guest.envelope);
            let in_order = self
                .watchers
                .refresh(id, request, envelope, guest.flow, granted, now);
            let status = if in_order { 200 } else { 500 };
            self.answer(guest, accepted(request.response(status, None)), now);
            self.watchers.speak(id, &mut self.core, now);
            return;
        }
        let accepts = !guest.request.headers.has("Accept")
            || guest.request.headers.list("Accept").any(|range| {
                let range = range.split(';').next().unwrap_or_default().trim();
                ["*/*", "application/*", package.content_type()]
                    .iter()
                    .any(|one| one.eq_ignore_ascii_case(range))
            });
        if !accepts {
            return self.refuse(guest, 406);
        }
        let watched = match &guest.request.uri {
            Uri::Sip(uri) => self.authority.watched(caller, uri, package),
            Uri::Other { .. } => None,
        };
        let Some(resource) = watched else {
            return self.refuse(guest, 404);
        };
        if !self.watchers.has_room(caller) || self.core.draining.is_some() {
            let response = self.response(guest, 503).with("Retry-After", "60");
            return self.core.respond_once(guest.back, response, guest.size);
        }
        let wish = Wish {
            caller,
            resource,
            package,
            event_id,
            request: &guest.request,
            envelope: &guest.envelope,
            flow: guest.flow,
        };
        let (id, tag) = self.watchers.admit(wish, granted, &mut self.core, now);
        let response = guest.request.response(200, Some(&tag));
        self.answer(guest, accepted(response), now);
        self.watchers.speak(id, &mut self.core, now);
    }

    pub(super) fn on_publish(&mut self, guest: &Guest, now: Instant) {
        let Some((account, username)) = self.authenticate(guest, now) else {
            return;
        };
        let event = guest.request.headers.get("Event").and_then(Package::parse);
        let package = match event {
            Some((package @ (Package::Presence | Package::Dialog), _)) => package,
            Some((Package::Reg, _)) | None => return self.refuse_event(guest),
        };
        // Nobody speaks for another.
        if guest.request.uri.user() != Some(&username) {
            return self.refuse(guest, 403);
        }
        let etag = self.core.random.tag();
        let asked = Publishing {
            account,
            package,
            request: &guest.request,
            etag: etag.clone(),
        };
        let response = match self.publications.publish(asked, &self.core.config, now) {
            Ok(lasting) => {
                self.tell_published(account, package, now);
                guest
                    .request
                    .response(200, Some(&self.core.random.tag()))
                    .with("Expires", &lasting.as_secs().to_string())
                    .with("SIP-ETag", &etag)
            }
            Err(refused) => {
                let response = refused.response(&guest.request, package, &self.core.config);
                if let Refused::Garbage(why) = refused {
                    self.tell_garbage(&username, package, why);
                }
                response
            }
        };
        self.answer(guest, response, now);
    }

    /// What an account said is forgotten, and what it watches it sees no more.
    pub(super) fn forget_account(&mut self, account: AccountId, now: Instant) {
        self.watchers.expel(account, &mut self.core, now);
        for package in self.publications.remove(account) {
            self.tell_published(account, package, now);
        }
    }

    fn tell_published(&mut self, account: AccountId, package: Package, now: Instant) {
        let told = self.publications.told(account, package);
        let told = told.map(|(told, until)| (told, self.registrar.wall(until.max(now))));
        self.core.tell(Event::Published {
            account,
            package,
            told,
        });
    }

    fn tell_garbage(&mut self, from: &str, package: Package, why: Garbage) {
        self.core.tell(Event::Garbage {
            from: from.to_owned(),
            package,
            why,
        });
    }

    /// A trunk, known by its address, or an account that proves itself; else it is challenged.
    fn identify(&mut self, guest: &Guest, now: Instant) -> Option<Caller> {
        match self.authority.trunk_by_source(guest.flow.remote) {
            Some(trunk) => Some(Caller::Trunk(trunk)),
            None => self
                .authenticate(guest, now)
                .map(|(account, _)| Caller::Account(account)),
        }
    }

    fn refuse_event(&mut self, guest: &Guest) {
        let names = allow_events(&self.core.config.packages);
        let response = self.response(guest, 489).with("Allow-Events", &names);
        self.core.respond_once(guest.back, response, guest.size);
    }

    /// Answers within a transaction: a request that comes again gets the same answer.
    fn answer(&mut self, guest: &Guest, response: Response, now: Instant) {
        self.core
            .transactions
            .accept(guest.key.clone(), guest.back, now);
        self.core.respond(&guest.key, response, now);
    }
}
