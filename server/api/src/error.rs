//! How a request is refused: a code for programs, a sentence for people, the field at fault.

use serde::{Deserialize, Serialize};

use crate::{MeetingId, OccurrenceId};

/// The body of every answer that is not a success.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ErrorBody {
    pub code: ErrorCode,
    /// One sentence, in the caller's language, that can be shown as it is.
    pub message: String,
    /// The field at fault as a path into the request, `participants[2].number`.
    pub field: Option<String>,
    /// What a program needs beyond the code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<ErrorDetails>,
}

/// What went wrong. Codes are never renamed and never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    // The request as such.
    NotFound,
    MethodNotAllowed,
    MalformedJson,
    UnknownField,
    MissingField,
    WrongType,
    UnsupportedMediaType,
    BodyTooLarge,
    BadParameter,
    BadIdempotencyKey,
    IdempotencyKeyReused,
    RequestUnderWay,
    AnswerLost,
    // Who asks.
    NotSignedIn,
    WrongEmailOrPassword,
    TooManyAttempts,
    NotAllowed,
    ForeignOrigin,
    WrongToken,
    // What the request says.
    EmptyTitle,
    TitleTooLong,
    EmptyName,
    NameTooLong,
    UnknownTimeZone,
    BadLocalTime,
    StartsInThePast,
    BadDuration,
    BadLead,
    BadReminder,
    BadNumber,
    BadEmail,
    BadMailReply,
    BadUrl,
    BadTemplate,
    UnknownEventKind,
    TooManyWebhooks,
    BadRoomNumber,
    RoomNumberTaken,
    NoFreeRoomNumber,
    BadPin,
    UnknownRoom,
    UnknownEmployee,
    NoDevice,
    DuplicateParticipant,
    TooManyParticipants,
    BadParticipant,
    BadRule,
    BadQuietHours,
    BadPeriod,
    BadRepeats,
    BadAhead,
    BadExtension,
    BadGain,
    BadOffer,
    CannotMoveAlong,
    NoSuchDate,
    UntilIsOver,
    UnknownLine,
    BadLineState,
    BadEvidenceTime,
    NoNotice,
    BadList,
    BadSound,
    // What the world says.
    RoomBooked,
    MeetingIsLive,
    MeetingIsOver,
    OccurrenceIsOver,
    NotASeries,
    DateHasBegun,
    EventsNotKept,
    AlreadyInRoom,
    AlreadyCalling,
    NotInRoom,
    TestCallUnderWay,
    CalibrationIncomplete,
    AnswersLookAlike,
    NumberWantsNoCalls,
    RoomIsEmpty,
    NobodyWaits,
    EventNumberTaken,
    EventNumberRests,
    TemplateNameTaken,
    AlreadyRecording,
    NotRecording,
    StillRecording,
    NoBrowserCalls,
    TooManyBrowserCalls,
    // Ourselves.
    Unavailable,
    Standby,
    Internal,
    /// A code from a newer server.
    #[serde(other)]
    Other,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ErrorDetails {
    /// Where the JSON stops making sense; both count from 1.
    Position { line: u32, column: u32 },
    /// The meeting that has the room, and from when the room is free for as long as was asked.
    RoomBooked {
        meeting_id: MeetingId,
        /// `null` for a date of a series that is too far ahead to have been made.
        occurrence_id: Option<OccurrenceId>,
        title: String,
        starts_at: i64,
        ends_at: i64,
        next_free_at: i64,
    },
    /// When to try again; the `Retry-After` header says the same.
    RetryAfter { seconds: u32 },
}
