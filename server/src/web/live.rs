//! What the handlers need of whatever is alive: calls, rooms, lines. The server
//! implements it over its tasks, the tests with a few values.

use std::{future::Future, path::PathBuf, pin::Pin};

use api::{BrowserCall, NewRecording, Recording};
use domain::{
    BrowserCallId, CompanyId, EmployeeId, MemberId, Millis, RecordingId, Role, RoomId, TrunkId,
    employee::Employee,
    line::{Evidence, LineKey},
    live::Act,
    loudness::{Gain, Side},
};
use sip::sdp::BrowserOffer;
use store::StoreError;

use crate::recorded_names::RecordedNames;

/// The state that is in no row, and the commands that cannot wait for one.
///
/// Everything else a handler wants is written to the rows, followed by [`Live::nudge`].
pub trait Live: Send + Sync + 'static {
    /// Everybody in the company's rooms, in order of joining.
    fn members(&self, company: CompanyId) -> Vec<api::Member>;

    /// Those who wait to be let into the company's rooms, by when they came.
    fn waiting(&self, company: CompanyId) -> Vec<api::Waiting>;

    /// What is known of an employee's lines, taken together.
    fn line(&self, employee: &Employee, now: Millis) -> api::LineView;

    /// Somebody outside told of a line.
    fn told(&self, line: &LineKey, evidence: Evidence, now: Millis);

    fn trunk(&self, trunk: TrunkId) -> api::TrunkState;

    /// Rows have changed: whoever works on them should look. Only a hint.
    fn nudge(&self);

    fn mute(&self, member: MemberId, muted: bool) -> Command<'_>;

    fn set_role(&self, member: MemberId, role: Role) -> Command<'_>;

    /// Raises the member's hand, or lowers it.
    fn raise_hand(&self, member: MemberId, up: bool) -> Command<'_>;

    /// Makes the member so loud for the others, or what he hears for him.
    fn set_gain(&self, member: MemberId, side: Side, gain: Gain) -> Command<'_>;

    /// Does something with a room as a whole; fails where nobody is in it or waits.
    fn act(&self, room: RoomId, act: Act) -> Command<'_>;

    /// Whether a moderator has locked the room.
    fn is_locked(&self, room: RoomId) -> bool;

    /// Begins to record the room.
    fn record(&self, room: RoomId, wanted: NewRecording, by: EmployeeId) -> RecordCommand<'_>;

    /// Ends the recording; its last state arrives as an event.
    fn stop_recording(&self, room: RoomId) -> RecordCommand<'_>;

    /// Those that run in the company's rooms.
    fn recordings(&self, company: CompanyId) -> Vec<Recording>;

    /// Where a recording's file is. The name is one that the recording lists.
    fn recording_file(&self, company: CompanyId, id: RecordingId, name: &str) -> PathBuf;

    /// Removes a recording's files.
    fn erase_recording(&self, company: CompanyId, id: RecordingId) -> Erased<'_>;

    /// Employees' names in their own voices.
    fn recorded_names(&self) -> &RecordedNames;

    /// His recorded name is another, or gone: whoever shows him should look.
    fn name_changed(&self, employee: EmployeeId);

    /// Rings at the room's door for the employee's browser, and waits for the answer.
    fn ring_by_browser(
        &self,
        company: CompanyId,
        employee: EmployeeId,
        room: RoomId,
        offer: BrowserOffer,
    ) -> BrowserAnswer<'_>;

    /// How far the employee's browser is.
    fn browser_call(
        &self,
        company: CompanyId,
        employee: EmployeeId,
        id: BrowserCallId,
    ) -> Option<BrowserCall>;

    /// Ends what [`Live::ring_by_browser`] began.
    fn end_browser_call(&self, company: CompanyId, employee: EmployeeId, id: BrowserCallId);

    /// Takes the member out of his room and ends his call, at a user's wish.
    fn hang_up(&self, member: MemberId) -> Command<'_>;
}

/// Done when the room has done it; what came of it also arrives as an event.
pub type Command<'a> = Pin<Box<dyn Future<Output = Result<(), NotInRoom>> + Send + 'a>>;

pub type RecordCommand<'a> =
    Pin<Box<dyn Future<Output = Result<Recording, RecordRefused>> + Send + 'a>>;

/// Done when the room has answered.
pub type BrowserAnswer<'a> =
    Pin<Box<dyn Future<Output = Result<BrowserCall, BrowserRefused>> + Send + 'a>>;

/// Why a browser does not get into a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BrowserRefused {
    #[error("No port is set up for browsers")]
    Off,
    #[error("This person has too many browsers in rooms")]
    TooMany,
    #[error("The room does not answer")]
    NotNow,
}

pub type Erased<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// Why a room is not recorded, or its recording not ended.
#[derive(Debug, thiserror::Error)]
pub enum RecordRefused {
    #[error("Nobody is in the room")]
    RoomIsEmpty,
    #[error("The room is being recorded already")]
    AlreadyRecording,
    #[error("The room is not being recorded")]
    NotRecording,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The member has left in the meantime.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("The member is not in the room any more")]
pub struct NotInRoom;
