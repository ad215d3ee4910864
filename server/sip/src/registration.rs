//! Us at somebody else's registrar (RFC 3261 §10.2): as a phone, or as an operator's
//! customer. It keeps itself alive, tries again after failures, and says how it stands.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use crate::{
    call::challenge_fields,
    command::{Registration, RegistrationId},
    dialog::hop_to,
    digest,
    endpoint::core::{Core, Draft, Owner},
    event::{Event, RegistrationStatus},
    message::{Method, NameAddr, Request, Response},
};

const FIRST_RETRY: Duration = Duration::from_secs(5);
const LAST_RETRY: Duration = Duration::from_secs(120);
/// However long a registrar grants, it is asked again after a day.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

pub struct Registering {
    id: RegistrationId,
    registration: Registration,
    expires: Duration,
    cseq: u32,
    state: State,
    /// The wait after the next failure.
    retry: Duration,
    /// The address to ask where the first one of a name was not there.
    instead: Option<SocketAddr>,
    /// Where else the registrar may be found, nearest last.
    spares: Vec<SocketAddr>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// A request is under way; `answered` challenges so far.
    Asking {
        answered: u8,
    },
    /// Registered, or failed: the next request comes then.
    Waiting {
        due: Instant,
    },
    /// An un-REGISTER is under way.
    Leaving {
        answered: u8,
    },
    Gone,
}

impl Registering {
    pub fn start(
        id: RegistrationId,
        registration: Registration,
        core: &mut Core,
        now: Instant,
    ) -> Self {
        let mut registering = Registering {
            id,
            expires: registration.expires,
            registration,
            cseq: 0,
            state: State::Asking { answered: 0 },
            retry: FIRST_RETRY,
            instead: None,
            spares: Vec::new(),
        };
        registering.send(registering.expires, None, core, now);
        registering
    }

    pub fn on_spares(&mut self, spares: Vec<SocketAddr>) {
        self.spares = spares.into_iter().rev().collect();
    }

    /// Asks at the next address, where the name has another.
    fn try_next(&mut self, core: &mut Core, now: Instant) -> bool {
        let State::Asking { .. } = self.state else {
            return false;
        };
        self.instead = self.spares.pop();
        if self.instead.is_some() {
            self.state = State::Asking { answered: 0 };
            self.send(self.expires, None, core, now);
        }
        self.instead.is_some()
    }

    pub fn is_gone(&self) -> bool {
        self.state == State::Gone
    }

    pub fn deadline(&self) -> Option<Instant> {
        match self.state {
            State::Waiting { due } => Some(due),
            State::Asking { .. } | State::Leaving { .. } | State::Gone => None,
        }
    }

    pub fn on_timeout(&mut self, core: &mut Core, now: Instant) {
        if self.deadline().is_some_and(|due| due <= now) {
            self.state = State::Asking { answered: 0 };
            self.send(self.expires, None, core, now);
        }
    }

    pub fn leave(&mut self, core: &mut Core, now: Instant) {
        self.state = State::Leaving { answered: 0 };
        self.send(Duration::ZERO, None, core, now);
    }

    pub fn on_response(&mut self, response: &Response, core: &mut Core, now: Instant) {
        // An answer to a request that another has replaced since.
        let current = response.cseq().is_some_and(|cseq| cseq.number == self.cseq);
        if response.is_provisional() || !current {
            return;
        }
        let (answered, expires) = match self.state {
            State::Asking { answered } => (answered, self.expires),
            State::Leaving { answered } => (answered, Duration::ZERO),
            State::Waiting { .. } | State::Gone => return,
        };
        match response.status {
            200..300 if expires.is_zero() => self.gone(core),
            200..300 => self.registered(response, core, now),
            401 | 407 if answered < 2 => {
                let Some(authorization) = self.answer(response) else {
                    return self.failed(Some(response), "Challenge not answerable", core, now);
                };
                self.state = match self.state {
                    State::Leaving { .. } => State::Leaving {
                        answered: answered + 1,
                    },
                    State::Asking { .. } | State::Waiting { .. } | State::Gone => State::Asking {
                        answered: answered + 1,
                    },
                };
                self.send(expires, Some(authorization), core, now);
            }
            423 => {
                let least = response.headers.get("Min-Expires");
                match least.and_then(|v| v.parse().ok()).map(Duration::from_secs) {
                    Some(least) if least > self.expires && least <= LONGEST => {
                        self.expires = least;
                        self.send(self.expires, None, core, now);
                    }
                    Some(_) | None => self.failed(Some(response), &response.phrase, core, now),
                }
            }
            503 if self.try_next(core, now) => {}
            _ => self.failed(Some(response), &response.phrase, core, now),
        }
    }

    pub fn on_silence(&mut self, why: &str, core: &mut Core, now: Instant) {
        if self.try_next(core, now) {
            return;
        }
        match self.state {
            State::Asking { .. } | State::Leaving { .. } => self.failed(None, why, core, now),
            State::Waiting { .. } | State::Gone => {}
        }
    }

    fn registered(&mut self, response: &Response, core: &mut Core, now: Instant) {
        let granted = self.granted(response);
        self.retry = FIRST_RETRY;
        self.state = State::Waiting {
            due: now + granted.mul_f64(0.85),
        };
        self.tell(
            RegistrationStatus::Registered {
                expires_s: u32::try_from(granted.as_secs()).unwrap_or(u32::MAX),
            },
            core,
        );
    }

    /// The lifetime of our own contact among those listed, else the general one.
    fn granted(&self, response: &Response) -> Duration {
        let ours = response
            .headers
            .list("Contact")
            .filter_map(|value| value.parse::<NameAddr>().ok())
            .find(|contact| contact.uri.user() == Some(&self.registration.contact_user));
        let seconds = ours
            .as_ref()
            .and_then(|contact| contact.param("expires"))
            .or_else(|| response.headers.get("Expires"))
            .and_then(|text| text.parse().ok());
        let granted = Duration::from_secs(seconds.unwrap_or(self.expires.as_secs()));
        granted.clamp(Duration::from_secs(1), LONGEST)
    }

    fn gone(&mut self, core: &mut Core) {
        self.state = State::Gone;
        self.tell(RegistrationStatus::Unregistered, core);
    }

    fn failed(&mut self, response: Option<&Response>, text: &str, core: &mut Core, now: Instant) {
        if matches!(self.state, State::Leaving { .. }) {
            return self.gone(core);
        }
        let asked = response
            .and_then(|r| r.headers.get("Retry-After"))
            .and_then(|text| text.split([' ', ';', '(']).next()?.parse().ok())
            .map(Duration::from_secs);
        let wait = asked
            .unwrap_or(self.retry)
            .clamp(FIRST_RETRY, Duration::from_secs(3600));
        self.retry = (self.retry * 2).min(LAST_RETRY);
        self.state = State::Waiting { due: now + wait };
        self.tell(
            RegistrationStatus::Failed {
                status: response.map(|r| r.status),
                text: text.to_owned(),
                retry_in_s: u32::try_from(wait.as_secs()).unwrap_or(u32::MAX),
            },
            core,
        );
    }

    fn tell(&self, status: RegistrationStatus, core: &mut Core) {
        core.tell(Event::Registration {
            id: self.id,
            status,
        });
    }

    fn answer(&self, response: &Response) -> Option<(&'static str, String)> {
        let (from, to) = challenge_fields(response.status)?;
        let answer = digest::respond(
            response.headers.all(from),
            &self.registration.credentials,
            "REGISTER",
            &self.registration.registrar.to_string(),
            &self.registration.identity.cnonce(0, self.cseq),
            1,
        )?;
        Some((to, answer.value))
    }

    fn send(
        &mut self,
        expires: Duration,
        authorization: Option<(&str, String)>,
        core: &mut Core,
        now: Instant,
    ) {
        self.cseq += 1;
        let Registration {
            aor,
            registrar,
            route,
            hop,
            contact_user,
            identity,
            ..
        } = &self.registration;
        let mut request = Request::new(Method::Register, registrar.clone());
        let headers = &mut request.headers;
        headers.push("Max-Forwards", "70");
        for hop in route {
            headers.push("Route", &format!("<{hop}>"));
        }
        let aor = NameAddr::new(aor.clone());
        headers.push(
            "From",
            &aor.clone().with_tag(&identity.from_tag()).to_string(),
        );
        headers.push("To", &aor.to_string());
        headers.push("Call-ID", &identity.call_id());
        headers.push("CSeq", &format!("{} REGISTER", self.cseq));
        headers.push("Expires", &expires.as_secs().to_string());
        if let Some((name, value)) = authorization {
            headers.push(name, &value);
        }
        let hop = hop
            .clone()
            .unwrap_or_else(|| hop_to(route.first().unwrap_or(registrar)));
        let draft = Draft {
            request,
            hop: self.instead.map_or(hop.clone(), |spare| hop.instead(spare)),
            branch: core.random.branch(),
            owner: Owner::Registration(self.id),
            contact: Some(Some(contact_user.clone())),
        };
        core.send(draft, now);
    }
}
