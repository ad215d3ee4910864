//! Us as a subscriber at somebody else's server (RFC 6665 §4.1).
//!
//! A SUBSCRIBE may reach several notifiers; each makes a dialog of its own with its
//! first NOTIFY, here a *leaf*. The subscription keeps itself alive, begins anew when
//! it is ended or fails, and says what all its leaves know together.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use super::{
    Package, expires,
    told::{Heard, Taken},
};
use crate::{
    call::{challenge_fields, media_type, retry_after},
    command::OutboundCredentials,
    dialog::{Dialog, hop_to},
    digest,
    endpoint::core::{Core, Draft, Owner},
    event::Event,
    flow::{Flow, Hop},
    identity::CallIdentity,
    message::{Envelope, Method, NameAddr, Request, Response},
    uri::SipUri,
};

/// A subscription of ours, as long as this process lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SubscriptionId(pub u64);

/// What to hear of, and from whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscription {
    pub package: Package,
    /// What is watched: Request-URI and To.
    pub resource: SipUri,
    /// Who watches: From.
    pub watcher: SipUri,
    /// Preloaded route (an outbound proxy), nearest first.
    pub route: Vec<SipUri>,
    /// Where the packet goes; `None` follows the resource's URI.
    pub hop: Option<Hop>,
    /// The user part of our Contact.
    pub contact_user: String,
    pub credentials: Option<OutboundCredentials>,
    /// The lifetime we ask for.
    pub expires: Duration,
    /// Makes Call-ID and tag, which prove that a NOTIFY answers us: not to be guessed.
    pub identity: CallIdentity,
}

/// How a subscription stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SubscriptionStatus {
    /// A notifier told its state; it is asked again before this time is over.
    Active { expires_s: u32 },
    /// Refused, ended or unanswered: nothing is known any more. Tried again then.
    Lost {
        status: Option<u16>,
        text: String,
        retry_in_s: u32,
        /// The notifier lets go for reasons of its own, and has nothing against our
        /// coming back (RFC 6665 §4.1.3: deactivated, probation, timeout).
        let_go: bool,
    },
    /// We wanted no more.
    Ended,
}

/// Why nothing is known any more.
#[derive(Debug, Clone, Copy)]
struct Loss<'a> {
    text: &'a str,
    let_go: bool,
}

impl<'a> From<&'a str> for Loss<'a> {
    fn from(text: &'a str) -> Self {
        Self {
            text,
            let_go: false,
        }
    }
}

/// Which dialog of a subscription: the notifier's tag.
pub type Leaf = String;

/// Notifiers of one subscription.
const MAX_LEAVES: usize = 4;
const FIRST_RETRY: Duration = Duration::from_secs(5);
const LAST_RETRY: Duration = Duration::from_secs(300);
/// Whoever refuses for good is asked again after this time: things change.
const FOR_GOOD: Duration = Duration::from_secs(3600);
const LONGEST: Duration = Duration::from_secs(24 * 3600);
/// Timer N (RFC 6665 §4.1.2.4): a SUBSCRIBE that no NOTIFY follows has failed.
const FIRST_NOTIFY_WITHIN: Duration = Duration::from_secs(32);
/// A refresh that failed without ending the dialog.
const REFRESH_AGAIN: Duration = Duration::from_secs(30);

pub struct Subscribing {
    id: SubscriptionId,
    subscription: Subscription,
    expires: Duration,
    cseq: u32,
    /// Counts SUBSCRIBEs that begin anew: each has a Call-ID of its own.
    round: u64,
    state: State,
    leaves: BTreeMap<Leaf, Dialogue>,
    /// The wait after the next failure.
    retry: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// The first SUBSCRIBE is under way; `answered` challenges so far.
    Asking {
        answered: u8,
    },
    /// It was accepted, and no notifier has spoken.
    Accepted {
        until: Instant,
    },
    /// There are leaves.
    Active,
    /// All begins anew then.
    Waiting {
        due: Instant,
    },
    /// We want no more.
    Leaving {
        until: Instant,
    },
    Gone,
}

/// One notifier and what it says.
struct Dialogue {
    dialog: Dialog,
    heard: Heard,
    until: Instant,
    refresh: Refresh,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Refresh {
    At(Instant),
    /// Under way, with this number.
    Asking {
        cseq: u32,
        answered: u8,
    },
}

impl Subscribing {
    pub fn start(
        id: SubscriptionId,
        subscription: Subscription,
        core: &mut Core,
        now: Instant,
    ) -> Self {
        let mut subscribing = Subscribing {
            id,
            expires: subscription.expires,
            subscription,
            cseq: 0,
            round: 0,
            state: State::Asking { answered: 0 },
            leaves: BTreeMap::new(),
            retry: FIRST_RETRY,
        };
        subscribing.begin(core, now);
        subscribing
    }

    /// The Call-ID of this round and our tag: what a NOTIFY must carry.
    pub fn key(&self) -> (String, String) {
        let identity = self.identity();
        (identity.call_id(), identity.from_tag())
    }

    pub fn is_gone(&self) -> bool {
        self.state == State::Gone
    }

    pub fn deadline(&self) -> Option<Instant> {
        let own = match self.state {
            State::Waiting { due } => Some(due),
            State::Accepted { until } | State::Leaving { until } => Some(until),
            State::Asking { .. } | State::Active | State::Gone => None,
        };
        let leaves = self.leaves.values().map(|leaf| match leaf.refresh {
            Refresh::At(at) => at.min(leaf.until),
            Refresh::Asking { .. } => leaf.until,
        });
        leaves.chain(own).min()
    }

    pub fn on_timeout(&mut self, core: &mut Core, now: Instant) {
        match self.state {
            State::Waiting { due } if due <= now => return self.begin(core, now),
            State::Leaving { until } if until <= now => return self.gone(core),
            State::Accepted { until } if until <= now => {
                return self.lost(None, "No NOTIFY came", self.retry, core, now);
            }
            State::Asking { .. }
            | State::Accepted { .. }
            | State::Active
            | State::Waiting { .. }
            | State::Leaving { .. }
            | State::Gone => {}
        }
        let had_leaves = !self.leaves.is_empty();
        self.leaves.retain(|_, leaf| leaf.until > now);
        let due: Vec<Leaf> = self
            .leaves
            .iter()
            .filter(|(_, leaf)| matches!(leaf.refresh, Refresh::At(at) if at <= now))
            .map(|(tag, _)| tag.clone())
            .collect();
        for tag in due {
            self.refresh(&tag, 0, None, core, now);
        }
        if had_leaves {
            self.look_round("It ran out", Duration::ZERO, core, now);
        }
    }

    /// Ends it: the notifiers are told where there are any.
    pub fn leave(&mut self, core: &mut Core, now: Instant) {
        match self.state {
            State::Active | State::Accepted { .. } | State::Asking { .. }
                if !self.leaves.is_empty() =>
            {
                // Its last NOTIFY may still come.
                self.state = State::Leaving {
                    until: now + REFRESH_AGAIN,
                };
                let tags: Vec<Leaf> = self.leaves.keys().cloned().collect();
                for tag in tags {
                    self.refresh(&tag, 0, None, core, now);
                }
            }
            State::Active
            | State::Accepted { .. }
            | State::Asking { .. }
            | State::Waiting { .. } => self.gone(core),
            State::Leaving { .. } | State::Gone => {}
        }
    }

    /// An answer to the first SUBSCRIBE, or to the refresh of a leaf.
    pub fn on_response(
        &mut self,
        leaf: Option<&Leaf>,
        response: &Response,
        core: &mut Core,
        now: Instant,
    ) {
        if response.is_provisional() {
            return;
        }
        match leaf {
            Some(tag) => self.on_refreshed(tag, response, core, now),
            None => self.on_first(response, core, now),
        }
    }

    pub fn on_silence(&mut self, leaf: Option<&Leaf>, why: &str, core: &mut Core, now: Instant) {
        match (leaf, self.state) {
            (None, State::Asking { .. }) => self.lost(None, why, self.retry, core, now),
            (None, _) => {}
            (Some(tag), _) => {
                self.leaves.remove(tag);
                self.look_round(why, self.retry, core, now);
            }
        }
    }

    /// A NOTIFY for this subscription. Answers the status it gets.
    pub fn on_notify(
        &mut self,
        request: &Request,
        envelope: &Envelope,
        flow: Flow,
        core: &mut Core,
        now: Instant,
    ) -> u16 {
        let package = self.subscription.package;
        let event = request.headers.get("Event").and_then(Package::parse);
        if event.is_none_or(|(named, _)| named != package) {
            return 489;
        }
        let Some(told) = request.headers.get("Subscription-State") else {
            return 400;
        };
        let substate = Substate::parse(told);
        let tag = envelope.from.tag().unwrap_or_default().to_owned();
        let waits = match self.state {
            State::Asking { .. } | State::Accepted { .. } | State::Active => true,
            State::Leaving { .. } => self.leaves.contains_key(&tag),
            State::Waiting { .. } | State::Gone => false,
        };
        if !waits || (!self.leaves.contains_key(&tag) && self.leaves.len() >= MAX_LEAVES) {
            return 481;
        }
        if !self.take_in(&tag, request, envelope, flow, now) {
            return 500;
        }
        if let Substate::Active { expires } = substate {
            self.lives(&tag, expires.unwrap_or(self.expires), core, now);
        }
        self.read(&tag, package, request, core, now);
        if let Substate::Terminated {
            reason,
            retry_after,
        } = substate
        {
            self.leaves.remove(&tag);
            let wait = retry_after.unwrap_or(match reason.as_str() {
                // It may begin anew at once, unless it only just did.
                "deactivated" | "timeout" => Duration::ZERO,
                "rejected" | "noresource" | "invariant" => FOR_GOOD,
                _ => self.retry,
            });
            let loss = Loss {
                text: &format!("Ended: {reason}"),
                let_go: matches!(reason.as_str(), "deactivated" | "probation" | "timeout"),
            };
            self.look_round(loss, wait, core, now);
        }
        200
    }

    /// Finds or makes the leaf of a NOTIFY; false when it is out of order.
    fn take_in(
        &mut self,
        tag: &str,
        request: &Request,
        envelope: &Envelope,
        flow: Flow,
        now: Instant,
    ) -> bool {
        if let Some(leaf) = self.leaves.get_mut(tag) {
            if !leaf.dialog.take_cseq(envelope.cseq.number) {
                return false;
            }
            leaf.dialog.flow = flow;
            leaf.dialog.refresh_target(request.contact());
            return true;
        }
        let ours = self.key().1;
        let mut dialog = Dialog::of_called(request, envelope, ours, flow, || {
            self.subscription.resource.clone()
        });
        dialog.local_cseq = self.cseq;
        dialog.contact_user = Some(self.subscription.contact_user.clone());
        let until = now + self.expires;
        let leaf = Dialogue {
            dialog,
            heard: Heard::default(),
            until,
            refresh: Refresh::At(until),
        };
        self.leaves.insert(tag.to_owned(), leaf);
        true
    }

    /// The notifier keeps us for so long.
    fn lives(&mut self, tag: &str, granted: Duration, core: &mut Core, now: Instant) {
        let granted = granted.clamp(Duration::from_secs(1), LONGEST);
        if let Some(leaf) = self.leaves.get_mut(tag) {
            leaf.until = now + granted;
            if let Refresh::At(_) = leaf.refresh {
                leaf.refresh = Refresh::At(now + granted.mul_f64(0.85));
            }
        }
        if let State::Asking { .. } | State::Accepted { .. } | State::Active = self.state {
            // Until its answer comes, the first SUBSCRIBE is still under way.
            if !matches!(self.state, State::Asking { .. }) {
                self.state = State::Active;
            }
            self.retry = FIRST_RETRY;
            self.tell(
                SubscriptionStatus::Active {
                    expires_s: seconds(granted),
                },
                core,
            );
        }
    }

    fn read(
        &mut self,
        tag: &str,
        package: Package,
        request: &Request,
        core: &mut Core,
        now: Instant,
    ) {
        // While it is pending there is nothing to read.
        if request.body.is_empty() {
            return;
        }
        let agreed = media_type(&request.headers)
            .is_some_and(|kind| kind.eq_ignore_ascii_case(package.content_type()));
        let Some(leaf) = self.leaves.get_mut(tag) else {
            return;
        };
        let taken = match agreed {
            true => leaf.heard.take(package, &request.body),
            false => Err(super::Garbage::ContentType),
        };
        match taken {
            Ok(Taken::Yes) => {
                let all = self.leaves.values().map(|leaf| &leaf.heard);
                core.tell(Event::Notified {
                    id: self.id,
                    told: Heard::together(package, all),
                });
            }
            Ok(Taken::Late) => {}
            Ok(Taken::Gap) => {
                if let Refresh::At(_) = leaf.refresh {
                    leaf.refresh = Refresh::At(now);
                }
            }
            Err(why) => core.tell(Event::Garbage {
                from: self.subscription.resource.to_string(),
                package,
                why,
            }),
        }
    }

    fn on_first(&mut self, response: &Response, core: &mut Core, now: Instant) {
        let current = response.cseq().is_some_and(|cseq| cseq.number == self.cseq);
        let State::Asking { answered } = self.state else {
            return;
        };
        if !current {
            return;
        }
        match response.status {
            200..300 => {
                if let Some(granted) = expires(&response.headers) {
                    self.expires = Duration::from_secs(granted.into()).clamp(FIRST_RETRY, LONGEST);
                }
                self.state = match self.leaves.is_empty() {
                    false => State::Active,
                    true => State::Accepted {
                        until: now + FIRST_NOTIFY_WITHIN,
                    },
                };
            }
            401 | 407 if answered < 2 => {
                if !self.can_answer(response) {
                    let text = "Challenge not answerable";
                    return self.lost(Some(response), text, FOR_GOOD, core, now);
                }
                self.state = State::Asking {
                    answered: answered + 1,
                };
                self.send_first(Some(response), core, now);
            }
            423 if self.lengthen(response) => self.send_first(None, core, now),
            status => {
                // What will not change by itself soon is not asked soon again.
                let wait = match status {
                    403 | 404 | 405 | 410 | 416 | 489 | 501 | 603 | 604 => FOR_GOOD,
                    _ => self.retry,
                };
                self.lost(Some(response), response.phrase.as_str(), wait, core, now);
            }
        }
    }

    fn on_refreshed(&mut self, tag: &Leaf, response: &Response, core: &mut Core, now: Instant) {
        let answerable = self.can_answer(response);
        let longer = response.status == 423 && self.lengthen(response);
        let Some(leaf) = self.leaves.get_mut(tag) else {
            return;
        };
        let Refresh::Asking { cseq, answered } = leaf.refresh else {
            return;
        };
        if response.cseq().is_none_or(|got| got.number != cseq) {
            return;
        }
        match response.status {
            200..300 => {
                let asked = self.expires;
                let granted = expires(&response.headers)
                    .map_or(asked, |granted| Duration::from_secs(granted.into()));
                leaf.dialog.refresh_target(response.contact());
                leaf.refresh = Refresh::At(now + granted.mul_f64(0.85));
                match self.state {
                    // The NOTIFY that ends it may come, or not.
                    State::Leaving { .. } => {}
                    _ if granted.is_zero() => {
                        self.leaves.remove(tag);
                        self.look_round("It was ended", self.retry, core, now);
                    }
                    _ => self.lives(tag, granted, core, now),
                }
            }
            401 | 407 if answered < 2 && answerable => {
                self.refresh(tag, answered + 1, Some(response), core, now);
            }
            423 if longer => self.refresh(tag, answered, None, core, now),
            404 | 405 | 408 | 410 | 416 | 480..=485 | 489 | 501 | 604 => {
                self.leaves.remove(tag);
                self.look_round(response.phrase.as_str(), Duration::ZERO, core, now);
            }
            // The dialog goes on until it runs out (RFC 6665 §4.1.2.2).
            _ => leaf_again(leaf, now),
        }
    }

    /// When no notifier is left, all begins anew after `wait`.
    fn look_round<'a>(
        &mut self,
        why: impl Into<Loss<'a>>,
        wait: Duration,
        core: &mut Core,
        now: Instant,
    ) {
        if !self.leaves.is_empty() {
            return;
        }
        match self.state {
            State::Leaving { .. } => self.gone(core),
            State::Asking { .. } | State::Accepted { .. } | State::Active => {
                self.lost(None, why, wait, core, now);
            }
            State::Waiting { .. } | State::Gone => {}
        }
    }

    fn lost<'a>(
        &mut self,
        response: Option<&Response>,
        why: impl Into<Loss<'a>>,
        wait: Duration,
        core: &mut Core,
        now: Instant,
    ) {
        if matches!(self.state, State::Leaving { .. }) {
            return self.gone(core);
        }
        let Loss { text, let_go } = why.into();
        let asked = response
            .and_then(|response| retry_after(&response.headers))
            .map(|seconds| Duration::from_secs(seconds.into()));
        // One that keeps ending at once must not become a storm.
        let wait = match asked.unwrap_or(wait) {
            Duration::ZERO if self.retry > FIRST_RETRY => self.retry,
            wait => wait.min(LONGEST),
        };
        self.retry = (self.retry * 2).min(LAST_RETRY);
        self.leaves.clear();
        self.state = State::Waiting { due: now + wait };
        self.tell(
            SubscriptionStatus::Lost {
                status: response.map(|response| response.status),
                text: text.to_owned(),
                retry_in_s: seconds(wait),
                let_go,
            },
            core,
        );
    }

    fn gone(&mut self, core: &mut Core) {
        self.leaves.clear();
        self.state = State::Gone;
        self.tell(SubscriptionStatus::Ended, core);
    }

    fn tell(&self, status: SubscriptionStatus, core: &mut Core) {
        core.tell(Event::Subscription {
            id: self.id,
            status,
        });
    }

    /// Takes the lifetime a 423 asks for; false when it makes no sense.
    fn lengthen(&mut self, response: &Response) -> bool {
        let least = response.headers.get("Min-Expires");
        let least = least
            .and_then(|text| text.trim().parse().ok())
            .map(Duration::from_secs);
        let longer = least.filter(|least| *least > self.expires && *least <= LONGEST);
        if let Some(least) = longer {
            self.expires = least;
        }
        longer.is_some()
    }

    /// The identifiers of this round.
    fn identity(&self) -> CallIdentity {
        self.subscription.identity.nth(self.round)
    }

    fn can_answer(&self, challenge: &Response) -> bool {
        let uri = self.subscription.resource.to_string();
        self.answer(challenge, &uri).is_some()
    }

    fn answer(&self, challenge: &Response, uri: &str) -> Option<(&'static str, String)> {
        let (from, to) = challenge_fields(challenge.status)?;
        let number = challenge.cseq().map_or(0, |cseq| cseq.number);
        let answer = digest::respond(
            challenge.headers.all(from),
            self.subscription.credentials.as_ref()?,
            "SUBSCRIBE",
            uri,
            &self.identity().cnonce(0, number),
            1,
        )?;
        Some((to, answer.value))
    }

    fn begin(&mut self, core: &mut Core, now: Instant) {
        self.round += 1;
        self.cseq = 0;
        self.expires = self.subscription.expires;
        self.state = State::Asking { answered: 0 };
        self.send_first(None, core, now);
    }

    fn send_first(&mut self, challenge: Option<&Response>, core: &mut Core, now: Instant) {
        self.cseq += 1;
        let identity = self.identity();
        let Subscription {
            resource, watcher, ..
        } = &self.subscription;
        let mut request = Request::new(Method::Subscribe, resource.clone());
        let headers = &mut request.headers;
        headers.push("Max-Forwards", "70");
        for route in &self.subscription.route {
            headers.push("Route", &format!("<{route}>"));
        }
        let from = NameAddr::new(watcher.clone()).with_tag(&identity.from_tag());
        headers.push("From", &from.to_string());
        headers.push("To", &NameAddr::new(resource.clone()).to_string());
        headers.push("Call-ID", &identity.call_id());
        headers.push("CSeq", &format!("{} SUBSCRIBE", self.cseq));
        let hop = match &self.subscription.hop {
            Some(hop) => hop.clone(),
            None => hop_to(resource),
        };
        self.send(request, hop, None, self.expires, challenge, core, now);
    }

    fn refresh(
        &mut self,
        tag: &Leaf,
        answered: u8,
        challenge: Option<&Response>,
        core: &mut Core,
        now: Instant,
    ) {
        let expires = match self.state {
            State::Leaving { .. } => Duration::ZERO,
            State::Asking { .. }
            | State::Accepted { .. }
            | State::Active
            | State::Waiting { .. }
            | State::Gone => self.expires,
        };
        let Some(leaf) = self.leaves.get_mut(tag) else {
            return;
        };
        let request = leaf.dialog.request(Method::Subscribe);
        leaf.refresh = Refresh::Asking {
            cseq: leaf.dialog.local_cseq,
            answered,
        };
        let hop = leaf.dialog.next_hop();
        self.send(
            request,
            hop,
            Some(tag.clone()),
            expires,
            challenge,
            core,
            now,
        );
    }

    #[expect(clippy::too_many_arguments, reason = "each is one part of the request")]
    fn send(
        &self,
        mut request: Request,
        hop: Hop,
        leaf: Option<Leaf>,
        expires: Duration,
        challenge: Option<&Response>,
        core: &mut Core,
        now: Instant,
    ) {
        let package = self.subscription.package;
        let uri = request.uri.to_string();
        let proof = challenge.and_then(|challenge| self.answer(challenge, &uri));
        let headers = &mut request.headers;
        headers.push("Event", package.name());
        headers.push("Accept", package.content_type());
        headers.push("Expires", &expires.as_secs().to_string());
        if let Some((name, value)) = proof {
            headers.push(name, &value);
        }
        let draft = Draft {
            request,
            hop,
            branch: core.random.branch(),
            owner: Owner::Subscription(self.id, leaf),
            contact: Some(Some(self.subscription.contact_user.clone())),
        };
        core.send(draft, now);
    }
}

fn leaf_again(leaf: &mut Dialogue, now: Instant) {
    leaf.refresh = Refresh::At(now + REFRESH_AGAIN);
}

fn seconds(span: Duration) -> u32 {
    u32::try_from(span.as_secs()).unwrap_or(u32::MAX)
}

/// `Subscription-State`, read.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Substate {
    /// Active or pending: it lives.
    Active { expires: Option<Duration> },
    Terminated {
        reason: String,
        retry_after: Option<Duration>,
    },
}

impl Substate {
    fn parse(value: &str) -> Self {
        let mut parts = value.split(';').map(str::trim);
        let state = parts.next().unwrap_or_default();
        let params: BTreeMap<String, &str> = parts
            .filter_map(|part| part.split_once('='))
            .map(|(name, value)| (name.trim().to_ascii_lowercase(), value.trim()))
            .collect();
        let span = |name: &str| {
            let seconds: u32 = params.get(name)?.parse().ok()?;
            Some(Duration::from_secs(seconds.into()))
        };
        if state.eq_ignore_ascii_case("terminated") {
            return Substate::Terminated {
                reason: params.get("reason").unwrap_or(&"").to_ascii_lowercase(),
                retry_after: span("retry-after"),
            };
        }
        // Extensions of the state are as good as active (RFC 6665 §4.1.3).
        Substate::Active {
            expires: span("expires"),
        }
    }
}
