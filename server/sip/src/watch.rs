//! Whether a peer we do not register at is there: asked by OPTIONS again and again
//! (RFC 3261 §11), often while it is well, ever less often while it is not.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use crate::{
    command::{Watch, WatchId},
    dialog::hop_to,
    endpoint::core::{Core, Draft, Owner},
    event::Event,
    message::{Method, NameAddr, Request, Response},
    transaction::ClientKey,
};

/// How often a peer that answers is asked.
const EVERY: Duration = Duration::from_secs(30);
/// How long an answer may take: long enough for four repetitions over UDP.
const PATIENCE: Duration = Duration::from_secs(8);
const FIRST_RETRY: Duration = Duration::from_secs(2);
const LAST_RETRY: Duration = Duration::from_secs(60);

pub struct Watching {
    id: WatchId,
    watch: Watch,
    cseq: u32,
    state: State,
    /// The wait after the next failure.
    retry: Duration,
    /// What was told last.
    alive: Option<bool>,
    /// Where else the peer may be found, nearest last.
    spares: Vec<SocketAddr>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    /// A question is under way.
    Asking {
        branch: String,
        until: Instant,
    },
    Waiting {
        due: Instant,
    },
}

impl Watching {
    pub fn start(id: WatchId, watch: Watch, core: &mut Core, now: Instant) -> Self {
        let mut watching = Watching {
            id,
            watch,
            cseq: 0,
            state: State::Waiting { due: now },
            retry: FIRST_RETRY,
            alive: None,
            spares: Vec::new(),
        };
        watching.ask(None, core, now);
        watching
    }

    pub fn on_spares(&mut self, spares: Vec<SocketAddr>) {
        self.spares = spares.into_iter().rev().collect();
    }

    pub fn deadline(&self) -> Instant {
        match self.state {
            State::Asking { until, .. } => until,
            State::Waiting { due } => due,
        }
    }

    pub fn on_timeout(&mut self, core: &mut Core, now: Instant) {
        match self.state {
            State::Asking { until, .. } if until <= now => {
                self.forget(core);
                self.missing("No answer", core, now);
            }
            State::Waiting { due } if due <= now => {
                self.spares.clear();
                self.ask(None, core, now);
            }
            State::Asking { .. } | State::Waiting { .. } => {}
        }
    }

    /// Any answer comes from somebody, but these say that nobody behind him is there.
    pub fn on_response(&mut self, response: &Response, core: &mut Core, now: Instant) {
        let current = response.cseq().is_some_and(|cseq| cseq.number == self.cseq);
        if response.is_provisional() || !current || matches!(self.state, State::Waiting { .. }) {
            return;
        }
        match response.status {
            408 | 502 | 503 | 504 => {
                let text = format!("{} {}", response.status, response.phrase);
                self.missing(&text, core, now);
            }
            _ => {
                self.retry = FIRST_RETRY;
                self.state = State::Waiting { due: now + EVERY };
                self.tell(true, "", core);
            }
        }
    }

    pub fn on_silence(&mut self, why: &str, core: &mut Core, now: Instant) {
        match self.state {
            State::Asking { .. } => self.missing(why, core, now),
            State::Waiting { .. } => {}
        }
    }

    /// The end of it; what is under way concerns nobody any more.
    pub fn leave(self, core: &mut Core) {
        self.forget(core);
    }

    fn forget(&self, core: &mut Core) {
        if let State::Asking { branch, .. } = &self.state {
            core.transactions.forget_client(&ClientKey {
                branch: branch.clone(),
                method: Method::Options.to_string(),
            });
        }
    }

    fn missing(&mut self, why: &str, core: &mut Core, now: Instant) {
        if let Some(spare) = self.spares.pop() {
            return self.ask(Some(spare), core, now);
        }
        let due = now + self.retry;
        self.retry = (self.retry * 2).min(LAST_RETRY);
        self.state = State::Waiting { due };
        self.tell(false, why, core);
    }

    fn tell(&mut self, alive: bool, why: &str, core: &mut Core) {
        if self.alive.replace(alive) != Some(alive) {
            core.tell(Event::Watched {
                id: self.id,
                alive,
                why: why.to_owned(),
            });
        }
    }

    fn ask(&mut self, at: Option<SocketAddr>, core: &mut Core, now: Instant) {
        self.cseq += 1;
        let Watch {
            target,
            route,
            hop,
            from,
            identity,
        } = &self.watch;
        let mut request = Request::new(Method::Options, target.clone());
        let headers = &mut request.headers;
        headers.push("Max-Forwards", "70");
        for hop in route {
            headers.push("Route", &format!("<{hop}>"));
        }
        let from = NameAddr::new(from.clone()).with_tag(&identity.from_tag());
        headers.push("From", &from.to_string());
        headers.push("To", &NameAddr::new(target.clone()).to_string());
        headers.push("Call-ID", &identity.call_id());
        headers.push("CSeq", &format!("{} OPTIONS", self.cseq));
        headers.push("Accept", "application/sdp");
        let branch = core.random.branch();
        let hop = hop
            .clone()
            .unwrap_or_else(|| hop_to(route.first().unwrap_or(target)));
        let draft = Draft {
            request,
            hop: at.map_or(hop.clone(), |spare| hop.instead(spare)),
            branch: branch.clone(),
            owner: Owner::Watch(self.id),
            contact: Some(None),
        };
        self.state = State::Asking {
            branch,
            until: now + PATIENCE,
        };
        core.send(draft, now);
    }
}
