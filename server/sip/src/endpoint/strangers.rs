//! Requests outside of any call: everyone must say who they are first, but for OPTIONS.

use std::time::Instant;

use super::{Endpoint, doorman::Guest};
use crate::{
    authority::AccountId,
    call::{Call, Invitation, allow, has_sdp},
    command::CallId,
    dialog::Dialog,
    digest::{self, Proof},
    event::{Caller, Event, Incoming},
    events::allow_events,
    media::NegotiatedMedia,
    message::{Envelope, Method, NameAddr},
    registrar::Asked,
    sdp::Negotiation,
    uri::{SipUri, Uri},
};

const SDP: &str = "application/sdp";
/// Transactions at once; beyond them strangers are refused without a trace.
const MAX_TRANSACTIONS: usize = 50_000;
/// What an overloaded server asks callers to wait, s.
const OVERLOAD_WAIT: &str = "5";

impl Endpoint {
    pub(super) fn on_stranger(&mut self, guest: Guest, now: Instant) {
        match &guest.request.method {
            Method::Options => {
                let response = self
                    .response(&guest, 200)
                    .with("Allow", &allow(self.core.config.registrar))
                    .with("Allow-Events", &allow_events(&self.core.config.packages))
                    .with("Accept", SDP)
                    .with("Supported", "100rel, timer");
                self.core.respond_once(guest.back, response, guest.size);
            }
            Method::Register if self.core.config.registrar => self.on_register(&guest, now),
            Method::Invite => self.on_invite(guest, now),
            Method::Bye | Method::Prack | Method::Update | Method::Info => {
                self.refuse(&guest, 481);
            }
            Method::Register
            | Method::Ack
            | Method::Cancel
            | Method::Subscribe
            | Method::Notify
            | Method::Publish
            | Method::Unserved(_) => {
                self.refuse(&guest, 405);
            }
            Method::Other(_) => self.refuse(&guest, 501),
        }
    }

    /// Who sent this, or a challenge was sent instead.
    pub(super) fn authenticate(
        &mut self,
        guest: &Guest,
        now: Instant,
    ) -> Option<(AccountId, String)> {
        let headers = &guest.request.headers;
        let credentials = headers
            .all("Authorization")
            .chain(headers.all("Proxy-Authorization"));
        let host = guest
            .envelope
            .from
            .uri
            .as_sip()
            .map(|uri| uri.host.to_string());
        let realm = host
            .and_then(|host| self.authority.realm(&host))
            .unwrap_or_else(|| self.core.config.realm.clone());
        let source = guest.flow.remote.ip();
        let proof = self.authenticator.judge(
            &realm,
            credentials,
            digest::Asked {
                method: guest.request.method.as_str(),
                uri: &guest.request.uri.to_string(),
                source,
            },
            self.authority.as_ref(),
            now,
        );
        let stale = match proof {
            Proof::Accepted { account, username } => return Some((account, username)),
            // A datagram comes again by itself, until the wait is over.
            Proof::TooSoon { .. } if !guest.flow.transport.is_reliable() => return None,
            Proof::TooSoon { wait } => {
                let seconds = wait.as_millis().div_ceil(1000).to_string();
                let response = self.response(guest, 503).with("Retry-After", &seconds);
                self.core.respond_once(guest.back, response, guest.size);
                return None;
            }
            Proof::Stale => true,
            Proof::Refused => false,
        };
        let [strong, md5] = self.authenticator.challenges(&realm, stale, source, now);
        let mut response = self.response(guest, 401);
        let offered = match taste(guest.request.headers.get("User-Agent")) {
            Taste::StrongestFirst => vec![strong, md5],
            Taste::FirstOnly => vec![md5, strong],
            Taste::Md5Alone => vec![md5],
        };
        for challenge in &offered {
            response.headers.push("WWW-Authenticate", challenge);
        }
        self.core.respond_once(guest.back, response, guest.size);
        None
    }

    fn on_register(&mut self, guest: &Guest, now: Instant) {
        let Some((account, username)) = self.authenticate(guest, now) else {
            return;
        };
        // A phone may register its own name alone (§10.3 step 5).
        if guest.envelope.to.uri.user() != Some(&username) {
            return self.refuse(guest, 403);
        }
        let tag = self.core.random.tag();
        let asked = Asked {
            account,
            username: &username,
            request: &guest.request,
            envelope: &guest.envelope,
            flow: guest.flow,
        };
        let outcome = self.registrar.register(&asked, &self.core.config, now);
        let response = match outcome {
            Ok(_) => self.registrar.accepted(account, &guest.request, &tag, now),
            Err(refused) => refused.response(&guest.request, &tag, &self.core.config),
        };
        self.core
            .transactions
            .accept(guest.key.clone(), guest.back, now);
        self.core.respond(&guest.key, response, now);
        if outcome == Ok(true) {
            self.core.tell(Event::Bindings {
                account,
                bindings: self.registrar.of(account),
                by_itself: true,
            });
        }
    }

    fn on_invite(&mut self, guest: Guest, now: Instant) {
        let dialled = match &guest.request.uri {
            Uri::Sip(uri) => uri.clone(),
            // A bare number is dialled here, at the address it came to.
            number @ Uri::Other { .. } => {
                SipUri::at(number.user(), self.core.advertised(&guest.flow))
            }
        };
        let caller = match self.authority.trunk_by_source(guest.flow.remote) {
            Some(trunk) => Caller::Trunk(trunk),
            None => match self.authenticate(&guest, now) {
                Some((account, _)) => Caller::Account(account),
                None => return,
            },
        };
        if self.is_merged(&guest.envelope) {
            return self.refuse(&guest, 482);
        }
        if let Some(wait) = self.core.draining {
            let seconds = wait.as_secs().to_string();
            let response = self.response(&guest, 503).with("Retry-After", &seconds);
            return self.core.respond_once(guest.back, response, guest.size);
        }
        let full = self.calls.len() >= self.core.config.max_calls
            || self.core.transactions.count() >= MAX_TRANSACTIONS;
        if full {
            let response = self
                .response(&guest, 503)
                .with("Retry-After", OVERLOAD_WAIT);
            return self.core.respond_once(guest.back, response, guest.size);
        }
        let media = match self.judge_offer(&guest) {
            Ok(media) => media,
            Err(response) => return self.core.respond_once(guest.back, *response, guest.size),
        };
        self.let_in(guest, caller, dialled, media, now);
    }

    /// Whether this INVITE has come another way already (RFC 3261 §8.2.2.2): a proxy
    /// that forks must not make one caller two.
    fn is_merged(&self, envelope: &Envelope) -> bool {
        let first = (envelope.call_id.clone(), String::new());
        let tag = envelope.from.tag().unwrap_or_default();
        let cseq = envelope.cseq.number;
        self.by_key
            .range(first..)
            .take_while(|((call_id, _), _)| *call_id == envelope.call_id)
            .filter_map(|(_, id)| self.calls.get(id))
            .any(|call| !tag.is_empty() && call.came_by(tag, cseq))
    }

    /// What the offer would come to, or the refusal it gets.
    fn judge_offer(
        &self,
        guest: &Guest,
    ) -> Result<Option<NegotiatedMedia>, Box<crate::message::Response>> {
        let headers = &guest.request.headers;
        let accepts_sdp = !headers.has("Accept")
            || headers.list("Accept").any(|range| {
                let range = range.split(';').next().unwrap_or_default().trim();
                ["*/*", "application/*", SDP]
                    .iter()
                    .any(|r| r.eq_ignore_ascii_case(range))
            });
        if !accepts_sdp {
            return Err(Box::new(self.response(guest, 406)));
        }
        if crate::call::too_brief(&guest.request, &self.core) {
            let least = self.core.config.min_session_expires.as_secs().to_string();
            return Err(Box::new(self.response(guest, 422).with("Min-SE", &least)));
        }
        if guest.request.body.is_empty() {
            return Ok(None);
        }
        if !has_sdp(headers, &guest.request.body) || headers.has("Content-Encoding") {
            return Err(Box::new(self.response(guest, 415).with("Accept", SDP)));
        }
        let codecs = &self.core.config.codecs;
        Negotiation::preview(codecs, &guest.request.body, guest.flow.remote.ip())
            .map(Some)
            .map_err(|why| {
                let warning = format!("304 {} \"{why}\"", self.core.config.realm);
                let response = self.response(guest, why.status());
                Box::new(response.with("Warning", &warning))
            })
    }

    fn let_in(
        &mut self,
        guest: Guest,
        caller: Caller,
        dialled: SipUri,
        media: Option<NegotiatedMedia>,
        now: Instant,
    ) {
        let Guest {
            request,
            envelope,
            key,
            flow,
            back,
            ..
        } = guest;
        let tag = self.core.random.tag();
        let from_user = envelope.from.uri.user().map(str::to_owned);
        let dialog = Dialog::of_called(&request, &envelope, tag, flow, || {
            SipUri::at(from_user.as_deref(), flow.remote)
        });
        self.core.transactions.accept(key.clone(), back, now);
        self.core.respond(&key, request.response(100, None), now);

        self.calls_received += 1;
        let id = CallId::theirs(self.calls_received);
        let trusted = matches!(caller, Caller::Trunk(_));
        let asserted = ["P-Asserted-Identity", "Remote-Party-ID"]
            .iter()
            .find_map(|name| request.headers.list(name).next())
            .and_then(|value| value.parse::<NameAddr>().ok());
        let listed = |name: &str| match trusted {
            true => request.headers.list(name).map(str::to_owned).collect(),
            false => Vec::new(),
        };
        let incoming = Incoming {
            caller,
            dialled,
            to_user: envelope.to.uri.user().map(str::to_owned),
            from_user,
            from_display: envelope.from.display.clone(),
            asserted_user: asserted
                .filter(|_| trusted)
                .and_then(|party| party.uri.user().map(str::to_owned)),
            diversion: listed("Diversion"),
            history: listed("History-Info"),
            media,
            user_agent: request.headers.get("User-Agent").map(str::to_owned),
            sip_call_id: envelope.call_id.clone(),
        };
        let invitation = Invitation {
            request,
            envelope,
            key,
            dialog,
        };
        let call = Call::incoming(id, invitation, &mut self.core, now);
        self.put(call, now);
        self.core.tell(Event::Incoming {
            call: id,
            incoming: Box::new(incoming),
        });
    }
}

/// What an agent makes of several challenges (RFC 8760 §2.4).
#[derive(Debug, PartialEq, Eq)]
enum Taste {
    /// It takes the topmost it knows, as it should: SHA-256 stands first.
    StrongestFirst,
    /// It looks at the first alone, and gives up when that is not MD5.
    FirstOnly,
    /// It gives up when it sees SHA-256 at all.
    Md5Alone,
}

/// Known by trial: SIPp (which has no name unless its scenario gives one) and
/// sipsak look at the first alone, baresip before 2.0 gives up at SHA-256.
fn taste(user_agent: Option<&str>) -> Taste {
    let Some(agent) = user_agent.map(str::to_ascii_lowercase) else {
        return Taste::FirstOnly;
    };
    let baresip = agent
        .strip_prefix("baresip v")
        .and_then(|version| version.split('.').next()?.parse::<u32>().ok());
    match baresip {
        Some(0 | 1) => Taste::Md5Alone,
        Some(_) => Taste::StrongestFirst,
        None if ["sipp", "sipsak"]
            .iter()
            .any(|first| agent.starts_with(first)) =>
        {
            Taste::FirstOnly
        }
        None => Taste::StrongestFirst,
    }
}

#[cfg(test)]
mod tests {
    use super::{Taste, taste};

    #[test]
    fn each_agent_is_challenged_as_it_can_bear() {
        let tastes = [
            (None, Taste::FirstOnly),
            (Some("SIPp"), Taste::FirstOnly),
            (Some("sipsak 0.9.8.1"), Taste::FirstOnly),
            (Some("baresip v1.0.0 (x86_64/linux)"), Taste::Md5Alone),
            (Some("baresip v3.16.0"), Taste::StrongestFirst),
            (
                Some("Linphonec/5.1.65 (belle-sip/5.1)"),
                Taste::StrongestFirst,
            ),
            (Some("Acme 7"), Taste::StrongestFirst),
        ];
        for (agent, expected) in tastes {
            assert_eq!(taste(agent), expected, "{agent:?}");
        }
    }
}
