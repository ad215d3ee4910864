//! Questions to operators' status interfaces: how often, how long, and what of the answer.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use domain::{
    Millis, PhoneNumber, RoomId, Span, TrunkId,
    line::{Evidence, LineKey, LineState},
    trunk::StatusApi,
};

use super::{NUMBER, OperatorSays, lines_behind};
use crate::{
    clock,
    http_out::{Method, Request, Url},
    shared::Shared,
};

/// A line is not asked about again within this time.
const AGAIN: Span = Span::seconds(10);

/// After so many failures in a row an interface is left alone for a while: nobody's call
/// waits for it meanwhile.
const FAILURES: u32 = 3;
const LEFT_ALONE: Span = Span::seconds(30);

/// How often those who are waited for are looked through.
const ROUND: Duration = Duration::from_secs(5);

#[derive(Default)]
pub struct Asking {
    meters: Mutex<BTreeMap<TrunkId, Meter>>,
    /// The lines of those who are waited for, room by room.
    waited_for: Mutex<BTreeMap<RoomId, BTreeSet<LineKey>>>,
}

/// What one interface has been asked.
#[derive(Default)]
struct Meter {
    /// The questions of the last minute.
    asked: VecDeque<Millis>,
    lines: BTreeMap<LineKey, Millis>,
    failures: u32,
    left_alone_until: Option<Millis>,
}

/// A question that may be put.
pub struct Question {
    line: LineKey,
    number: PhoneNumber,
    trunk: TrunkId,
    name: String,
    api: StatusApi,
}

impl Asking {
    /// The lines of a room's people who are waited for.
    pub fn wait_for(&self, room: RoomId, lines: BTreeSet<LineKey>) {
        let mut all = self
            .waited_for
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        match lines.is_empty() {
            true => _ = all.remove(&room),
            false => _ = all.insert(room, lines),
        }
    }

    fn waited_for(&self) -> BTreeSet<LineKey> {
        let all = self
            .waited_for
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        all.values().flatten().cloned().collect()
    }

    /// The question about a line, if there is somebody to ask, if he may be asked now,
    /// and if we do not know better. Counts as asked.
    pub fn question(
        &self,
        shared: &Shared,
        line: &LineKey,
        states: &[LineState],
        now: Millis,
    ) -> Option<Question> {
        let LineKey::Device(device) = line else {
            return None;
        };
        let page = shared.book.page();
        let company = page.device(*device)?.company;
        let asked = company.trunks.iter().find_map(|trunk| {
            let api = trunk.status.api.as_ref()?;
            let behind = lines_behind(company, trunk.id);
            let behind = behind.into_iter().find(|one| one.device == *device)?;
            Some((trunk, api, behind.number))
        });
        let (trunk, api, number) = asked?;
        if !states.contains(&shared.lines.line(line).state(now).state) {
            return None;
        }
        let mut meters = self.lock();
        let meter = meters.entry(trunk.id).or_default();
        meter.may_ask(line, api.per_minute, now).then(|| Question {
            line: line.clone(),
            number,
            trunk: trunk.id,
            name: trunk.name.clone(),
            api: api.clone(),
        })
    }

    /// Asks, and takes the answer in. Takes no longer than the interface may.
    pub async fn ask(&self, shared: &Shared, question: Question) {
        let Question {
            line,
            number,
            trunk,
            name,
            api,
        } = question;
        let answer = ask(shared, &number, &api).await;
        let now = clock::now();
        let told = answer.and_then(|body| {
            OperatorSays::read(&body, &number, now).map_err(|error| error.to_string())
        });
        let told = match told {
            Ok(told) => told,
            Err(problem) => {
                let left_alone = self.lock().entry(trunk).or_default().failed(now);
                tracing::warn!(
                    trunk = name,
                    problem,
                    left_alone,
                    "The operator's status interface is of no use"
                );
                return;
            }
        };
        self.lock().entry(trunk).or_default().succeeded();
        let evidence = Evidence::operator(told.state, &name, told.at);
        shared.lines.add(&line, evidence, now);
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<TrunkId, Meter>> {
        self.meters.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Meter {
    fn may_ask(&mut self, line: &LineKey, per_minute: u32, now: Millis) -> bool {
        // What is ahead of a clock that was set back counts no more.
        let within = |at: Millis, span: Span| (now - span..=now).contains(&at) && at != now - span;
        self.asked.retain(|at| within(*at, Span::minutes(1)));
        self.lines.retain(|_, at| within(*at, AGAIN));
        let capped = self.asked.len() >= usize::try_from(per_minute).unwrap_or(usize::MAX);
        let left_alone = self
            .left_alone_until
            .is_some_and(|until| now < until && until - now <= LEFT_ALONE);
        if capped || left_alone || self.lines.contains_key(line) {
            return false;
        }
        self.asked.push_back(now);
        self.lines.insert(line.clone(), now);
        true
    }

    /// Answers whether it is left alone from now on.
    fn failed(&mut self, now: Millis) -> bool {
        self.failures += 1;
        let enough = self.failures >= FAILURES;
        if enough {
            self.left_alone_until = Some(now + LEFT_ALONE);
        }
        enough
    }

    fn succeeded(&mut self) {
        self.failures = 0;
        self.left_alone_until = None;
    }
}

async fn ask(shared: &Shared, number: &PhoneNumber, api: &StatusApi) -> Result<Vec<u8>, String> {
    let within = Duration::from_millis(u64::try_from(api.timeout_ms.0).unwrap_or(1_500));
    let url: Url = address(&api.url, number).parse()?;
    let mut headers = vec![("accept", "application/json".to_owned())];
    if let Some(token) = &api.token {
        headers.push(("authorization", format!("Bearer {}", token.reveal())));
    }
    let answer = shared
        .http_out
        .send(Request {
            method: Method::GET,
            url,
            headers,
            body: Vec::new(),
            within,
        })
        .await
        .map_err(|error| error.to_string())?;
    match answer.is_success() {
        true => Ok(answer.body),
        false => Err(format!("it answered {}", answer.status)),
    }
}

/// The interface's address for a number.
fn address(url: &str, number: &PhoneNumber) -> String {
    let number = number.as_str().replace('+', "%2B");
    if url.contains(NUMBER) {
        return url.replace(NUMBER, &number);
    }
    let join = if url.contains('?') { '&' } else { '?' };
    format!("{url}{join}number={number}")
}

/// Asks about those who are waited for, again and again: the moment one can be reached he
/// is called. Runs until the task is dropped.
pub async fn ask_for_the_waiting(shared: Arc<Shared>) {
    const STATES: [LineState; 3] = [LineState::Offline, LineState::Busy, LineState::Unknown];
    let mut round = tokio::time::interval(ROUND);
    round.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        round.tick().await;
        let now = clock::now();
        for line in shared.asking.waited_for() {
            let Some(question) = shared.asking.question(&shared, &line, &STATES, now) else {
                continue;
            };
            let shared = shared.clone();
            tokio::spawn(async move { shared.asking.ask(&shared, question).await });
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::DeviceId;

    use super::*;

    const NOW: Millis = Millis(1_800_000_000_000);

    fn line(nth: u128) -> LineKey {
        LineKey::Device(DeviceId::from_uuid(uuid::Uuid::from_u128(nth)))
    }

    #[test]
    fn an_interface_is_asked_no_more_than_it_may_be() {
        let mut meter = Meter::default();
        let asked = (0..100).filter(|nth| meter.may_ask(&line(*nth), 60, NOW));
        assert_eq!(asked.count(), 60);
        let later = NOW + Span::minutes(1);
        assert!(meter.may_ask(&line(200), 60, later));
        // The same line not again at once.
        assert!(!meter.may_ask(&line(200), 60, later + Span::seconds(5)));
        assert!(meter.may_ask(&line(200), 60, later + Span::seconds(11)));
    }

    #[test]
    fn an_interface_that_fails_is_left_alone_for_a_while() {
        let mut meter = Meter::default();
        assert!(!meter.failed(NOW) && !meter.failed(NOW) && meter.failed(NOW));
        assert!(!meter.may_ask(&line(1), 60, NOW + Span::seconds(29)));
        assert!(meter.may_ask(&line(1), 60, NOW + Span::seconds(30)));
        meter.succeeded();
        assert!(!meter.failed(NOW));
    }

    #[test]
    fn the_number_is_put_where_the_address_wants_it() {
        let number = PhoneNumber::parse("+79162120003").unwrap();
        for (url, asked) in [
            ("https://x/line", "https://x/line?number=%2B79162120003"),
            (
                "https://x/line?a=1",
                "https://x/line?a=1&number=%2B79162120003",
            ),
            ("https://x/{number}/state", "https://x/%2B79162120003/state"),
        ] {
            assert_eq!(address(url, &number), asked);
        }
    }
}
