//! The rows: what must survive a crash, in SQLite or PostgreSQL.
//!
//! One SQL text serves both. A function here is one question or one
//! transaction; it decides nothing. Whoever calls it gets `domain` values and
//! writes back what `domain` decided, with the version it was read at.
//!
//! The way of a change: read rows, let `domain` decide, [`Store::write_batch`]
//! the rows and the events that tell of them as one, then broadcast the events.
//! What a 2xx of the API acknowledged, and every attempt whose INVITE may have
//! left, is on disk (SQLite runs with `synchronous = FULL`).
//!
//! It must not hold rules, read clocks, or print secrets.

mod answers;
mod apply;
mod attempts;
mod batch;
mod bindings;
mod calibrations;
mod company_plan;
mod db;
mod directory;
mod error;
mod event_numbers;
mod events;
mod followers;
mod ha1;
mod invitations;
mod leader;
mod meetings;
mod migrate;
mod never_again;
mod notices;
mod occurrences;
mod open;
mod own_calls;
mod quiet;
mod receipts;
mod recordings;
mod rooms;
mod seal;
mod sessions;
mod sms;
mod talks;
mod templates;
mod text;
mod together;
mod visits;
mod webhooks;

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

pub use answers::Answered;
pub use apply::{Applied, Change, ChangeKind, MadeSecret, PlanError};
pub use attempts::AttemptRow;
pub use batch::{Batch, Versioned};
pub use bindings::BindingRow;
pub use company_plan::{
    CompanyPlan, PlannedDevice, PlannedDeviceKind, PlannedEmployee, PlannedEventNumber,
    PlannedLogin, PlannedNumber, PlannedPin, PlannedPush, PlannedRegistration, PlannedRoom,
    PlannedStatus, PlannedTrunk,
};
pub use directory::{CompanyDirectory, Credential, Directory};
pub use error::StoreError;
pub use events::EventRow;
pub use followers::Followed;
pub use ha1::Ha1;
pub use invitations::{InvitationRow, Person, person_key};
pub use leader::Leader;
pub use meetings::{Booking, Plan, Slot};
pub use notices::NoticeRow;
pub use open::Store;
pub use own_calls::OwnCallRow;
pub use quiet::Quiet;
pub use receipts::{Found, Receipt, ReceiptAnswer, with_receipt};
pub use recordings::RecordingRow;
pub use sessions::{Login, Secret, SecretHash, TokenRow, User};
pub use talks::TalkRow;
pub use visits::{InboundRow, VisitRow};
pub use webhooks::WebhookRow;
