//! What goes over the wire between the server and whoever uses it: the board,
//! a script, another program. Plain data, compiled into both ends, so that
//! neither copies the other by hand.
//!
//! Conventions, for every type here:
//! - ids are UUIDs as text; times are Unix milliseconds, UTC, in fields named `*_at`;
//!   lengths name their unit (`duration_min`, `lead_s`, `rang_ms`);
//! - a local time is text, `2026-11-24T10:00`, and stands next to its IANA zone;
//! - states are enums in `snake_case`; a state that owns data is an object with a `kind`;
//! - requests refuse fields they do not know: a misspelt key is told, not ignored.
//!
//! This crate decides nothing. It must not hold rules, texts or defaults.
#![cfg_attr(not(test), warn(clippy::unwrap_used))]

mod company;
mod error;
mod event_numbers;
mod events;
mod invitations;
mod lobby;
mod meetings;
mod notices;
mod people;
mod recordings;
mod reports;
mod rooms;
mod session;
mod templates;
mod trunks;
mod webhooks;

pub use company::{ChangeCompany, Company, Health, NewSmsGateway, QuietHours, SmsGateway};
pub use domain::{
    AttemptId, BrowserCallId, CompanyId, DeviceId, EmployeeId, InvitationId, Language, LocalDate,
    MeetingId, MemberId, NoticeId, OccurrenceId, Outcome, RecordingId, Role, RoomId, TemplateId,
    TokenId, TrunkId, UserId, WebhookId,
    calibration::{Condition as CalibrationCondition, Useless},
    decode::Fingerprint,
    employee::{DeviceClass as DeviceKind, Level},
    notice::{About, TroubleKind},
    rules::{LastAct, RetryRules},
};
pub use error::{ErrorBody, ErrorCode, ErrorDetails};
pub use event_numbers::{BindEventNumber, EventBinding, EventNumber, EventNumberState};
pub use events::{Announcement, Event, EventKind, MemberLeft, ServerMessage, Snapshot, Talking};
pub use invitations::{
    AtOnceWhen, Attempt, AttemptEnding, CallPhase, Finish, Invitation, InvitationStatus, Next,
    Reason, Rsvp, WaitReason,
};
pub use lobby::{DecideInLobby, LobbyAct, Waiting, WaitingEnd, WaitingOver};
pub use meetings::{
    ChangeMeeting, CheckMeeting, ExtendOccurrence, Finding, FindingCode, FindingMeeting,
    FindingPerson, Meeting, MeetingCheck, MoveOccurrence, NewMeeting, NewParticipant, Occurrence,
    OccurrenceStatus, Participant, Series, SeriesException, Severity,
};
pub use notices::{MailReply, Notice, NoticeState, NoticeTrouble, NoticeWay};
pub use people::{
    Confidence, Device, DoNotDisturb, Evidence, EvidenceSource, LineState, LineStatus, LineView,
    Person, Text,
};
pub use recordings::{NewRecording, Recording, RecordingFile, RecordingFormat, RecordingState};
pub use reports::{InvitationStory, OccurrenceReport, Visit};
pub use rooms::{
    ActInRoom, BrowserCall, BrowserCallState, ChangeMember, ChangeRoom, Codec, Dial, LeaveReason,
    Member, NewBrowserCall, NewRoom, Quality, Room, RoomAct,
};
pub use session::{Me, NewToken, SignIn, SignedIn, Token, TokenCreated};
pub use templates::{NewTemplate, Template};
pub use trunks::{Alike, Calibration, CalibrationStep, StepStatus, TestCall, Trunk, TrunkState};
pub use webhooks::{NewWebhook, Replay, Webhook, WebhookCreated};
