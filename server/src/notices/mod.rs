//! What reaches people in writing. The rows say what is to be sent, and this
//! reconciler sends it.
//!
//! It takes no input: woken by a hint, by the next time in the rows or by the
//! second, it looks at the rows and claims what is due, by lease. What shares a
//! way out shares a queue, and each queue has a few slots of its own: a server
//! that hangs holds those, for a while, and nobody else waits for it. What came
//! of a try is in the row; a crash before that sends the same notice, under the
//! same id, once more.
//!
//! What is to be said was written with what caused it, or is found by [`follow`],
//! which reads the events. It must not decide by itself who is called or comes.

pub mod address;
mod follow;
mod hooks;
pub mod ical;
pub mod last_act;
mod mail;
pub mod mime;
pub mod report;
mod said;
mod sms;
mod told;
pub mod words;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use api::EventKind;
use domain::{
    Millis, NoticeId, Span,
    notice::{Address, MAIL_QUEUE, Notice, Trouble, TroubleKind},
};
use store::StoreError;

use follow::Follower;
pub use follow::{start_of, uid_of};
pub use hooks::{Hooks, signature};
pub use mail::{Letter, MailServer};
pub use told::Told;

use crate::{clock, shared::Shared, web::resources};

/// How many of one queue are under way at a time.
const SLOTS: usize = 4;

/// How long one try may take altogether.
const TRY: Duration = Duration::from_secs(30);

/// How long a claim holds: longer than a try. Whoever died has lost his by then.
const LEASE: Span = Span::seconds(45);

/// What is under way, by queue.
type Busy = Arc<Mutex<BTreeMap<String, BTreeSet<NoticeId>>>>;

/// Sends what the rows say.
pub struct Post {
    pub shared: Arc<Shared>,
    busy: Busy,
}

/// One try's place in its queue; given back when it is dropped, whatever happened.
struct Slot {
    queue: String,
    notice: NoticeId,
    busy: Busy,
    shared: Arc<Shared>,
}

impl Slot {
    /// None if it is under way: its claim ran out while its result waits to be written.
    fn take(queue: &str, notice: NoticeId, busy: &Busy, shared: &Arc<Shared>) -> Option<Self> {
        let mut all = busy.lock().unwrap_or_else(PoisonError::into_inner);
        let new = all.entry(queue.to_owned()).or_default().insert(notice);
        new.then(|| Self {
            queue: queue.to_owned(),
            notice,
            busy: busy.clone(),
            shared: shared.clone(),
        })
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut busy = self.busy.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(under_way) = busy.get_mut(&self.queue) {
            under_way.remove(&self.notice);
            if under_way.is_empty() {
                busy.remove(&self.queue);
            }
        }
        self.shared.post.notify_one();
    }
}

impl Post {
    pub fn new(shared: Arc<Shared>) -> Self {
        Self {
            shared,
            busy: Arc::default(),
        }
    }

    /// Runs until the task is dropped.
    pub async fn run(self) {
        let mut follower = Follower::new(self.shared.clone());
        let mut may_hurry = self.shared.mail.is_some();
        loop {
            if let Err(error) = follower.look(clock::now()).await {
                tracing::warn!(%error, "The events cannot be read");
            }
            // What waited for a mail server waits no longer.
            if may_hurry {
                let store = &self.shared.store;
                may_hurry = store.hurry_notices(MAIL_QUEUE, clock::now()).await.is_err();
            }
            let next = match self.look().await {
                Ok(next) => next,
                Err(error) => {
                    tracing::warn!(%error, "What is to be sent cannot be read");
                    None
                }
            };
            tokio::select! {
                () = self.shared.post.notified() => {}
                () = clock::glance_at(Some(next.unwrap_or(Millis(i64::MAX)))) => {}
            }
        }
    }

    /// One look. Answers when the next is wanted.
    async fn look(&self) -> Result<Option<Millis>, StoreError> {
        let store = &self.shared.store;
        let now = clock::now();
        // A gateway may have been saved a moment ago.
        self.shared.book.refresh(store).await?;
        for queue in store.due_queues(now).await? {
            let free = SLOTS - self.under_way(&queue).min(SLOTS);
            if free == 0 {
                continue;
            }
            let limit = i64::try_from(free).unwrap_or(1);
            for notice in store.claim_notices(&queue, now, now + LEASE, limit).await? {
                self.begin(&queue, notice);
            }
        }
        // Those of a full queue are due already: its next free slot wakes us.
        Ok(store
            .next_notice()
            .await?
            .map(|at| at.max(now + Span::seconds(1))))
    }

    fn under_way(&self, queue: &str) -> usize {
        let busy = self.busy.lock().unwrap_or_else(PoisonError::into_inner);
        busy.get(queue).map_or(0, BTreeSet::len)
    }

    fn begin(&self, queue: &str, mut notice: Notice) {
        let Some(slot) = Slot::take(queue, notice.id, &self.busy, &self.shared) else {
            return;
        };
        tokio::spawn(async move {
            let shared = &slot.shared;
            if notice.is_useless(clock::now()) {
                notice.give_up(clock::now());
            } else {
                let tried = tokio::time::timeout(TRY, try_once(shared, &notice)).await;
                let late = || {
                    let detail = format!("no answer within {} s", TRY.as_secs());
                    Err(Trouble::new(TroubleKind::Unreachable, detail))
                };
                match tried.unwrap_or_else(|_| late()) {
                    Ok(()) => notice.on_sent(clock::now()),
                    Err(trouble) => {
                        tell(&notice, &trouble);
                        notice.on_trouble(trouble, clock::now());
                    }
                }
            }
            put_down(shared, &notice).await;
        });
    }
}

/// That nothing is set up to send by is shown on the board and is no news each time.
fn tell(notice: &Notice, trouble: &Trouble) {
    let (notice, to) = (notice.id, &notice.to);
    match trouble.kind {
        TroubleKind::NotConfigured => {
            tracing::debug!(%notice, %to, ?trouble, "A notice is not sent");
        }
        TroubleKind::Unreachable | TroubleKind::Refused | TroubleKind::OutOfUse => {
            tracing::info!(%notice, %to, ?trouble, "A notice is not sent");
        }
    }
}

/// Writes what became of a try; waits for the database if it is away.
async fn put_down(shared: &Shared, notice: &Notice) {
    let event = resources::event(&EventKind::Notice(resources::notice(notice)));
    while let Err(error) = shared.store.save_notice(notice, &event, clock::now()).await {
        tracing::warn!(notice = %notice.id, %error, "What became of a notice is not written yet");
        if !error.is_passing() {
            return;
        }
        clock::glance_at(Some(Millis(i64::MAX))).await;
    }
    shared.hub.wake(notice.company);
}

/// A new notice's id.
fn new_id(now: Millis) -> NoticeId {
    NoticeId::new(now, clock::random())
}

async fn try_once(shared: &Shared, notice: &Notice) -> Result<(), Trouble> {
    let page = shared.book.page();
    let Some(company) = page.company(notice.company) else {
        return Err(Trouble::new(TroubleKind::OutOfUse, "The company is gone"));
    };
    let said = said::said(shared, company, notice).await?;
    match &notice.to {
        Address::Mail(_) => {
            let not_set_up = || Trouble::new(TroubleKind::NotConfigured, "");
            let server = shared.mail.as_ref().ok_or_else(not_set_up)?;
            let letter = Letter {
                sender: &company.company.name,
                reply_to: notice.reply_to.as_deref(),
                subject: &said.subject,
                text: &said.text,
                calendar: said.calendar.as_ref(),
                files: said.files,
            };
            server.send(notice, &letter).await
        }
        Address::Sms(number) => {
            let not_set_up = || Trouble::new(TroubleKind::NotConfigured, "");
            let gateway = company.sms.as_ref().ok_or_else(not_set_up)?;
            sms::send(&shared.http_out, gateway, notice.id, number, &said.text).await
        }
    }
}
