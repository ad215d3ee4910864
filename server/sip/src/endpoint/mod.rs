//! All user agents on a set of sockets, without the sockets.
//!
//! Put in what arrives ([`Endpoint::handle_message`]), what fails
//! ([`Endpoint::handle_unreachable`]), what is wanted ([`Endpoint::command`]) and
//! the passing of time ([`Endpoint::handle_timeout`]); then drain
//! [`Endpoint::poll_output`] and come back at [`Endpoint::poll_timeout`]. Coming
//! early is harmless.

pub(crate) mod core;
mod doorman;
mod packages;
mod strangers;

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    sync::Arc,
    time::Instant,
};

use self::core::{Core, Owner, Purpose};
use crate::{
    authority::{AccountId, Authority},
    call::{Call, CallKey, Silence},
    command::{CallId, Command, RegistrationId, WatchId},
    config::Config,
    digest::Authenticator,
    event::{Event, Failure, FailureCause},
    events::{Alarms, Publications, Subscribing, SubscriptionId, Watchers},
    flow::{Flow, Lookup},
    message::{Method, Response, Via},
    random::Random,
    registrar::{Binding, Registrar},
    registration::Registering,
    transaction::ServerKey,
    watch::Watching,
};

/// What the shell must do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Send these bytes; for TCP connect first when there is no connection.
    Send {
        flow: Flow,
        bytes: Vec<u8>,
    },
    /// Look up a host name, and call [`Endpoint::resolved`] with what was found.
    Resolve(Lookup),
    Event(Event),
}

pub struct Endpoint {
    core: Core,
    authority: Arc<dyn Authority>,
    authenticator: Authenticator,
    registrar: Registrar,
    registrations: BTreeMap<RegistrationId, Registering>,
    watches: BTreeMap<WatchId, Watching>,
    subscriptions: BTreeMap<SubscriptionId, Subscribing>,
    /// By Call-ID and our tag.
    subscription_by_key: BTreeMap<(String, String), SubscriptionId>,
    subscription_alarms: Alarms<SubscriptionId>,
    watchers: Watchers,
    publications: Publications,
    calls: BTreeMap<CallId, Call>,
    by_key: BTreeMap<CallKey, CallId>,
    by_invite: BTreeMap<ServerKey, CallId>,
    deadlines: BTreeSet<(Instant, CallId)>,
    deadline_of: BTreeMap<CallId, Instant>,
    calls_received: u64,
}

impl Endpoint {
    /// `seed` feeds tags, branches and nonces and must be unpredictable; `wall_ms` is
    /// the wall clock at `now` (Unix ms), used for the expiry of bindings.
    pub fn new(
        config: Config,
        authority: Arc<dyn Authority>,
        seed: [u8; 32],
        now: Instant,
        wall_ms: i64,
    ) -> Self {
        let mut random = Random::new(seed);
        let authenticator = Authenticator::new(random.bytes(), now);
        Endpoint {
            core: Core::new(config, random),
            authority,
            authenticator,
            registrar: Registrar::new(now, wall_ms),
            registrations: BTreeMap::new(),
            watches: BTreeMap::new(),
            subscriptions: BTreeMap::new(),
            subscription_by_key: BTreeMap::new(),
            subscription_alarms: Alarms::default(),
            watchers: Watchers::default(),
            publications: Publications::default(),
            calls: BTreeMap::new(),
            by_key: BTreeMap::new(),
            by_invite: BTreeMap::new(),
            deadlines: BTreeSet::new(),
            deadline_of: BTreeMap::new(),
            calls_received: 0,
        }
    }

    /// Brings back bindings of an earlier process; those that ran out are left out.
    pub fn restore(&mut self, bindings: Vec<Binding>, now: Instant) {
        self.registrar.restore(bindings, now);
    }

    /// A flow broke: a connection closed or could not be opened, a port is unreachable.
    pub fn handle_unreachable(&mut self, flow: Flow, why: &str, now: Instant) {
        for owner in self.core.transactions.on_unreachable(flow) {
            let silence = Silence::Unreachable(why.to_owned());
            self.on_silence(owner, &silence, now);
        }
        self.settle(now);
    }

    /// The answer to [`Output::Resolve`], the best first; empty when there is none.
    pub fn resolved(&mut self, lookup: &Lookup, addresses: &[SocketAddr], now: Instant) {
        self.core.resolved(lookup, addresses, now);
        self.settle(now);
    }

    pub fn command(&mut self, command: Command, now: Instant) {
        match command {
            Command::Invite { call, invite } => {
                let call = Call::dial(call, *invite, &mut self.core, now);
                self.put(call, now);
            }
            Command::Ring { call } => self.with(call, now, |call, core| call.ring(core, now)),
            Command::Progress {
                call,
                status,
                media,
            } => self.with(call, now, |call, core| {
                call.progress(status, media, core, now);
            }),
            Command::Answer { call, media } => {
                self.with(call, now, |call, core| call.answer(&media, core, now));
            }
            Command::Reject { call, rejection } => {
                self.with(call, now, |call, core| call.reject(&rejection, core, now));
            }
            Command::StopRinging { call } => {
                self.with(call, now, |call, core| call.stop_ringing(core, now));
            }
            Command::Acknowledge { call } => {
                self.with(call, now, |call, core| call.acknowledge(core, now));
            }
            Command::HangUp { call, reasons } => {
                self.with(call, now, |call, core| call.hang_up(&reasons, core, now));
            }
            Command::Hold { call, hold } => {
                self.with(call, now, |call, core| call.hold(hold, core, now));
            }
            Command::Remedia { call, media } => {
                self.with(call, now, |call, core| call.remedia(&media, core, now));
            }
            Command::SendDigit { call, digit } => {
                self.with(call, now, |call, core| call.send_digit(digit, core, now));
            }
            Command::Resume {
                call,
                record,
                media,
            } => match Call::resume(call, &record, &media, &mut self.core, now) {
                Some(call) => self.put(call, now),
                None => self.core.tell(Event::Failed {
                    call,
                    failure: Box::new(Failure::of(FailureCause::NotResumed)),
                }),
            },
            Command::Register { id, registration } => {
                let registering = Registering::start(id, *registration, &mut self.core, now);
                self.registrations.insert(id, registering);
            }
            Command::Unregister { id } => {
                if let Some(registering) = self.registrations.get_mut(&id) {
                    registering.leave(&mut self.core, now);
                }
            }
            Command::Watch { id, watch } => {
                let watching = Watching::start(id, *watch, &mut self.core, now);
                self.watches.insert(id, watching);
            }
            Command::Unwatch { id } => {
                if let Some(watching) = self.watches.remove(&id) {
                    watching.leave(&mut self.core);
                }
            }
            Command::Subscribe { id, subscription } => self.subscribe(id, *subscription, now),
            Command::Unsubscribe { id } => {
                self.with_subscription(id, |subscribing, core| subscribing.leave(core, now));
            }
            Command::Show { resource, shown } => {
                self.watchers.show(resource, *shown, &mut self.core, now);
            }
            Command::Hide { resource } => self.watchers.hide(resource, &mut self.core, now),
            Command::CloseWatching => self.watchers.close(&mut self.core, now),
            Command::Unbind { account } => {
                self.forget_account(account, now);
                if self.registrar.remove(account) {
                    self.core.tell(Event::Bindings {
                        account,
                        bindings: Vec::new(),
                        by_itself: true,
                    });
                }
            }
            Command::Drain { retry_after } => self.core.draining = Some(retry_after),
        }
        self.settle(now);
    }

    pub fn handle_timeout(&mut self, now: Instant) {
        for owner in self.core.transactions.on_timeout(now, &mut self.core.out) {
            self.on_silence(owner, &Silence::TimedOut, now);
        }
        self.core.give_up_look_ups(now);
        while let Some((at, id)) = self.deadlines.first().copied()
            && at <= now
        {
            self.with(id, now, |call, core| call.on_timeout(core, now));
        }
        for registering in self.registrations.values_mut() {
            registering.on_timeout(&mut self.core, now);
        }
        for watching in self.watches.values_mut() {
            watching.on_timeout(&mut self.core, now);
        }
        for account in self.registrar.on_timeout(now) {
            self.core.tell(Event::Bindings {
                account,
                bindings: self.registrar.of(account),
                by_itself: false,
            });
        }
        self.on_package_timeout(now);
        self.authenticator.sweep(now);
        self.settle(now);
    }

    pub fn poll_output(&mut self) -> Option<Output> {
        self.core.out.pop_front()
    }

    /// When to call [`Endpoint::handle_timeout`] next.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let registrations = self
            .registrations
            .values()
            .filter_map(Registering::deadline);
        registrations
            .chain(self.watches.values().map(Watching::deadline))
            .chain(self.core.deadline())
            .chain(self.deadlines.first().map(|(at, _)| *at))
            .chain(self.registrar.deadline())
            .chain(self.subscription_alarms.next())
            .chain(self.watchers.deadline())
            .chain(self.publications.deadline())
            .min()
    }

    /// Everything an account is bound to now, the most preferred first.
    pub fn bindings(&self, account: AccountId) -> Vec<Binding> {
        self.registrar.of(account)
    }

    /// Calls that are not over.
    pub fn calls(&self) -> usize {
        self.calls.values().filter(|call| !call.is_over()).count()
    }

    /// Transactions kept, both ways: the measure of what a flood costs.
    pub fn transactions(&self) -> usize {
        self.core.transactions.count()
    }

    /// Calls that are not over, for ending them all.
    pub fn open_calls(&self) -> Vec<CallId> {
        let open = self.calls.values().filter(|call| !call.is_over());
        open.map(|call| call.id).collect()
    }

    /// Registrations elsewhere that are alive.
    pub fn registrations(&self) -> Vec<RegistrationId> {
        self.registrations.keys().copied().collect()
    }

    /// Peers that are watched.
    pub fn watches(&self) -> Vec<WatchId> {
        self.watches.keys().copied().collect()
    }

    /// Subscriptions elsewhere that are alive.
    pub fn subscriptions(&self) -> Vec<SubscriptionId> {
        self.subscriptions.keys().copied().collect()
    }

    /// Watchers here.
    pub fn watchers(&self) -> usize {
        self.watchers.count()
    }

    /// Nothing waits for an answer of ours or of the peers.
    pub fn is_idle(&self) -> bool {
        let unfinished = self.calls.values().any(Call::is_unfinished);
        !unfinished
            && self.core.transactions.none_waiting()
            && self.registrations.is_empty()
            && self.subscriptions.is_empty()
    }

    fn on_response(&mut self, response: &Response, flow: Flow, now: Instant) {
        let matched = self
            .core
            .transactions
            .on_response(response, now, &mut self.core.out);
        match matched {
            Some(Owner::Call(id, purpose)) => self.with(id, now, |call, core| {
                call.on_response(purpose, response, flow, core, now);
            }),
            Some(Owner::Registration(id)) => {
                if let Some(registering) = self.registrations.get_mut(&id) {
                    registering.on_response(response, &mut self.core, now);
                }
            }
            Some(Owner::Watch(id)) => {
                if let Some(watching) = self.watches.get_mut(&id) {
                    watching.on_response(response, &mut self.core, now);
                }
            }
            Some(Owner::Subscription(id, leaf)) => {
                self.with_subscription(id, |subscribing, core| {
                    subscribing.on_response(leaf.as_ref(), response, core, now);
                });
            }
            Some(Owner::Watcher(id)) => {
                self.watchers.on_response(id, response, &mut self.core, now);
            }
            None if response.is_success() => self.on_earlier_answer(response, now),
            Some(Owner::Nobody) | None => {}
        }
    }

    /// A 2xx that nothing of this process has asked for may be meant for an earlier one.
    fn on_earlier_answer(&mut self, response: &Response, now: Instant) {
        let invited = response
            .cseq()
            .is_some_and(|cseq| cseq.method == Method::Invite);
        let call_id = response.headers.get("Call-ID").unwrap_or_default();
        if let (true, Some(tag)) = (invited, response.from_tag())
            && let Some(id) = self.by_key.get(&(call_id.to_owned(), tag)).copied()
        {
            self.with(id, now, |call, core| {
                call.on_earlier_answer(response, core, now)
            });
        }
    }

    fn on_silence(&mut self, owner: Owner, silence: &Silence, now: Instant) {
        match owner {
            Owner::Call(id, purpose) => self.with(id, now, |call, core| {
                call.on_silence(purpose, silence, core, now);
            }),
            Owner::Registration(id) => {
                if let Some(registering) = self.registrations.get_mut(&id) {
                    registering.on_silence(silence.words(), &mut self.core, now);
                }
            }
            Owner::Watch(id) => {
                if let Some(watching) = self.watches.get_mut(&id) {
                    watching.on_silence(silence.words(), &mut self.core, now);
                }
            }
            Owner::Subscription(id, leaf) => {
                let why = match silence {
                    Silence::TimedOut => "No answer",
                    Silence::Unreachable(why) => why,
                };
                self.with_subscription(id, |subscribing, core| {
                    subscribing.on_silence(leaf.as_ref(), why, core, now);
                });
            }
            Owner::Watcher(id) => self.watchers.on_silence(id, &mut self.core),
            Owner::Nobody => {}
        }
    }

    /// Tells the owners where else they may turn and what could not be sent, and
    /// forgets what is gone.
    fn settle(&mut self, now: Instant) {
        while let Some((owner, spares)) = self.core.spares.pop_front() {
            match owner {
                Owner::Call(id, Purpose::Invite(leg)) => {
                    self.with(id, now, |call, _| call.on_spares(leg, spares));
                }
                Owner::Registration(id) => {
                    if let Some(registering) = self.registrations.get_mut(&id) {
                        registering.on_spares(spares);
                    }
                }
                Owner::Watch(id) => {
                    if let Some(watching) = self.watches.get_mut(&id) {
                        watching.on_spares(spares);
                    }
                }
                // Requests within a call stay on its route.
                Owner::Call(..) | Owner::Subscription(..) | Owner::Watcher(_) | Owner::Nobody => {}
            }
        }
        while let Some((owner, why)) = self.core.undeliverable.pop_front() {
            self.on_silence(owner, &Silence::Unreachable(why), now);
        }
        self.registrations.retain(|_, r| !r.is_gone());
    }

    /// Does something with a call and brings the indices up to date.
    fn with(&mut self, id: CallId, now: Instant, f: impl FnOnce(&mut Call, &mut Core)) {
        let Some(mut call) = self.calls.remove(&id) else {
            return;
        };
        if let Some(key) = call.cancellable() {
            self.by_invite.remove(key);
        }
        f(&mut call, &mut self.core);
        self.put(call, now);
    }

    fn put(&mut self, call: Call, now: Instant) {
        let id = call.id;
        if let Some(old) = self.deadline_of.remove(&id) {
            self.deadlines.remove(&(old, id));
        }
        if call.is_gone(now) {
            self.by_key.remove(&call.key);
            return;
        }
        if let Some(at) = call.deadline() {
            self.deadlines.insert((at, id));
            self.deadline_of.insert(id, at);
        }
        if let Some(key) = call.cancellable() {
            self.by_invite.insert(key.clone(), id);
        }
        self.by_key.insert(call.key.clone(), id);
        self.calls.insert(id, call);
    }
}

/// The flow a response to a request with this Via takes.
fn return_flow(via: &Via, flow: Flow) -> Flow {
    match flow.transport.is_reliable() {
        true => flow,
        false => Flow {
            remote: via.return_address(flow.remote),
            ..flow
        },
    }
}
