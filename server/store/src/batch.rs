//! What changed, written as one: rows with the versions they were read at,
//! and the events that tell of it. Either all of it is there afterwards, or none.

use domain::{CompanyId, Millis, PhoneNumber, meeting::Meeting, occurrence::Occurrence};
use uuid::Uuid;

use crate::{
    Answered, AttemptRow, InboundRow, InvitationRow, NoticeRow, Store, StoreError, VisitRow,
    attempts, db::Tx, events, invitations, meetings, never_again, notices, occurrences, visits,
};

/// A row and how often it had been written when it was read.
///
/// Writing a row whose version has moved is refused ([`StoreError::Stale`]):
/// read it again and decide again. A new row has version 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Versioned<T> {
    pub version: i64,
    pub value: T,
}

impl<T> Versioned<T> {
    /// A row that is not written yet.
    pub const fn new(value: T) -> Self {
        Self { version: 0, value }
    }
}

/// Everything one decision changed, in one company.
#[derive(Debug, Clone)]
pub struct Batch {
    pub company: CompanyId,
    pub at: Millis,
    pub meetings: Vec<Meeting>,
    pub occurrences: Vec<Versioned<Occurrence>>,
    pub invitations: Vec<InvitationRow>,
    /// What somebody said in writing about a plan.
    pub answered: Option<Answered>,
    pub attempts: Vec<AttemptRow>,
    pub visits: Vec<VisitRow>,
    /// Calls that came in, as they are to be kept.
    pub inbound: Vec<InboundRow>,
    /// Calls that came in and are over.
    pub inbound_over: Vec<Uuid>,
    /// Numbers that said never to be called again. Those already noted may be among them.
    pub never_again: Vec<PhoneNumber>,
    /// What is to be written to somebody because of it.
    pub notices: Vec<NoticeRow>,
    /// Each the `api` crate's JSON of one event, in order.
    pub events: Vec<String>,
}

impl Batch {
    pub fn new(company: CompanyId, at: Millis) -> Self {
        Self {
            company,
            at,
            meetings: Vec::new(),
            occurrences: Vec::new(),
            invitations: Vec::new(),
            answered: None,
            attempts: Vec::new(),
            visits: Vec::new(),
            inbound: Vec::new(),
            inbound_over: Vec::new(),
            never_again: Vec::new(),
            notices: Vec::new(),
            events: Vec::new(),
        }
    }
}

impl Store {
    /// Writes it all in one transaction, and answers the numbers of the events.
    ///
    /// An attempt that begins here (its row is new) is on disk when this returns,
    /// and only then may its INVITE leave. The versions held by the caller's rows
    /// are each one behind afterwards.
    ///
    /// # Errors
    /// [`StoreError::Stale`] if somebody else has written one of the rows since,
    /// [`StoreError::Deposed`] if another server leads by now,
    /// [`StoreError::AlreadyCalling`] if another attempt is calling the same person,
    /// [`StoreError::Unavailable`] if the database does not answer in time.
    pub async fn write_batch(&self, batch: &Batch) -> Result<Vec<i64>, StoreError> {
        let mut tx = self.write().await?;
        self.in_term(&mut tx).await?;
        let numbers = batch.write(&mut tx).await?;
        tx.commit().await?;
        Ok(numbers)
    }
}

impl Batch {
    pub(crate) async fn write(&self, tx: &mut Tx) -> Result<Vec<i64>, StoreError> {
        for meeting in &self.meetings {
            meetings::write(tx, meeting).await?;
        }
        for occurrence in &self.occurrences {
            occurrences::write(tx, occurrence).await?;
        }
        for invitation in &self.invitations {
            invitations::write(tx, invitation).await?;
        }
        if let Some(answered) = &self.answered {
            answered.write(tx, self.company).await?;
        }
        for attempt in &self.attempts {
            attempts::write(tx, self.company, attempt).await?;
        }
        for visit in &self.visits {
            visits::write(tx, self.company, visit).await?;
        }
        for call in &self.inbound {
            visits::save_inbound(tx, call).await?;
        }
        for over in &self.inbound_over {
            visits::remove_inbound(tx, *over).await?;
        }
        for number in &self.never_again {
            never_again::write(tx, self.company, number, self.at).await?;
        }
        for notice in &self.notices {
            notices::write(tx, notice).await?;
        }
        events::append_all(tx, self.company, self.at, &self.events).await
    }
}
