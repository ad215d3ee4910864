//! Brings every event to every open socket, in order and without gaps.
//!
//! Whoever wrote events into the rows calls [`Hub::wake`]. One task per company
//! reads on from the last number it has told and tells the rest, so the order on
//! the wire is that of the numbers, whoever committed first; and events that
//! another process wrote arrive too, at the next look.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use api::Talking;
use domain::CompanyId;
use store::{EventRow, Store};
use tokio::sync::{Notify, broadcast, watch};

/// How many messages a socket may be behind before it is told that it is too slow.
const BACKLOG: usize = 1024;

/// How many events are read at once.
const PAGE: i64 = 256;

/// How often the rows are looked at without being asked to.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Cheap to clone.
#[derive(Clone)]
pub struct Hub {
    store: Store,
    companies: Arc<Mutex<BTreeMap<CompanyId, Channel>>>,
}

#[derive(Clone)]
struct Channel {
    news: broadcast::Sender<News>,
    wake: Arc<Notify>,
    /// Whether the reader knows where it begins: only from then on is nothing missed.
    begun: watch::Receiver<bool>,
}

/// One message to the sockets of a company.
#[derive(Debug, Clone)]
pub(super) enum News {
    Event {
        seq: i64,
        frame: Arc<str>,
    },
    /// Not numbered, and soon outdated.
    Levels(Arc<str>),
    /// The directory is another: only a new snapshot tells.
    Reset,
    /// Some session or token was ended: see whether it was yours.
    CheckSession,
}

impl Hub {
    pub fn new(store: Store) -> Self {
        Self {
            store,
            companies: Arc::default(),
        }
    }

    /// New events of the company are on disk.
    pub fn wake(&self, company: CompanyId) {
        self.channel(company).wake.notify_one();
    }

    /// The company's directory was changed as a whole: every board begins anew.
    pub fn reset(&self, company: CompanyId) {
        self.tell(company, News::Reset);
    }

    /// Who talks in the company's rooms, and how loud. Several times a second at most.
    pub fn levels(&self, company: CompanyId, levels: Vec<Talking>) {
        let frame = serde_json::to_string(&api::ServerMessage::Levels { levels });
        self.tell(
            company,
            News::Levels(frame.expect("levels are plain data").into()),
        );
    }

    pub(super) fn check_sessions(&self, company: CompanyId) {
        self.tell(company, News::CheckSession);
    }

    /// All that happens from now on. An event not told here is in the rows when this returns.
    pub(super) async fn subscribe(&self, company: CompanyId) -> broadcast::Receiver<News> {
        let mut channel = self.channel(company);
        let news = channel.news.subscribe();
        // The reader lives as long as the process; were it gone, there would be no news to miss.
        _ = channel.begun.wait_for(|begun| *begun).await;
        news
    }

    fn tell(&self, company: CompanyId, news: News) {
        // Nobody listening is not an error.
        _ = self.channel(company).news.send(news);
    }

    fn channel(&self, company: CompanyId) -> Channel {
        let mut companies = self
            .companies
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        companies
            .entry(company)
            .or_insert_with(|| {
                let (begin, begun) = watch::channel(false);
                let channel = Channel {
                    news: broadcast::channel(BACKLOG).0,
                    wake: Arc::default(),
                    begun,
                };
                tokio::spawn(pump(self.store.clone(), company, channel.clone(), begin));
                channel
            })
            .clone()
    }
}

/// Tells what is new, for as long as the process lives.
async fn pump(store: Store, company: CompanyId, channel: Channel, begin: watch::Sender<bool>) {
    let mut told: Option<i64> = None;
    loop {
        match read_on(&store, company, told).await {
            Ok((last, events)) => {
                let full = events.len() == usize::try_from(PAGE).unwrap_or(usize::MAX);
                for event in events {
                    _ = channel.news.send(News::Event {
                        seq: event.seq,
                        frame: frame(&event).into(),
                    });
                }
                told = Some(last);
                begin.send_replace(true);
                if full {
                    continue;
                }
            }
            // The database is away; whoever wrote is told so by his own error.
            Err(error) => tracing::warn!(%company, %error, "Cannot read new events"),
        }
        // Woken or not, the rows are looked at: a missed hint costs a second.
        _ = tokio::time::timeout(LOOK_EVERY, channel.wake.notified()).await;
    }
}

/// The events after `told`, and the last number among them. At first only that number.
async fn read_on(
    store: &Store,
    company: CompanyId,
    told: Option<i64>,
) -> Result<(i64, Vec<EventRow>), store::StoreError> {
    let Some(told) = told else {
        return Ok((store.last_event(company).await?, Vec::new()));
    };
    match store.events_after(company, told, PAGE).await? {
        Some(events) => Ok((events.last().map_or(told, |event| event.seq), events)),
        // Numbers that were never given, as after an older copy of the database was put in its place.
        None => Ok((store.last_event(company).await?, Vec::new())),
    }
}

/// The frame on the wire. The event's JSON is put in as it was written.
pub(super) fn frame(event: &EventRow) -> String {
    format!(
        r#"{{"type":"event","seq":{},"at":{},"event":{}}}"#,
        event.seq, event.at.0, event.body
    )
}
