//! Every way a request is refused: the one table from codes to statuses, and
//! from our own errors to codes.

use api::{ErrorBody, ErrorCode, ErrorDetails};
use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use domain::{Language, number::NumberError};
use store::StoreError;

use super::{
    live::{BrowserRefused, NotInRoom, RecordRefused},
    texts::Phrase,
};

/// A refusal before it is put into words: the language is known at the very end.
#[derive(Debug, Clone)]
pub(super) struct ApiError {
    pub(super) code: ErrorCode,
    /// Boxed: results that carry a refusal stay as small as those that do not.
    said: Box<Said>,
}

#[derive(Debug, Clone)]
struct Said {
    field: Option<String>,
    phrase: Phrase,
    details: Option<ErrorDetails>,
}

impl ApiError {
    pub(super) fn new(code: ErrorCode) -> Self {
        Self {
            code,
            said: Box::new(Said {
                field: None,
                phrase: Phrase::new(key(code)),
                details: None,
            }),
        }
    }

    /// The field at fault, as a path into the request.
    pub(super) fn at(mut self, field: impl Into<String>) -> Self {
        self.said.field = Some(field.into());
        self
    }

    pub(super) fn with(mut self, name: &'static str, value: impl ToString) -> Self {
        self.said.phrase = self.said.phrase.with(name, value);
        self
    }

    pub(super) fn with_phrase(mut self, name: &'static str, phrase: Phrase) -> Self {
        self.said.phrase = self.said.phrase.with_phrase(name, phrase);
        self
    }

    pub(super) fn details(mut self, details: ErrorDetails) -> Self {
        self.said.details = Some(details);
        self
    }

    /// There is no such thing, or it is another company's: the two look alike.
    pub(super) fn not_found(what: &str) -> Self {
        Self::new(ErrorCode::NotFound).with_phrase("what", Phrase::new(format!("things.{what}")))
    }

    /// Nothing can be read or written now; later it can.
    pub(super) fn unavailable() -> Self {
        Self::new(ErrorCode::Unavailable).details(ErrorDetails::RetryAfter { seconds: 5 })
    }

    /// Another server leads.
    pub(super) fn standby() -> Self {
        Self::new(ErrorCode::Standby).details(ErrorDetails::RetryAfter { seconds: 5 })
    }

    pub(super) fn bad_number(field: impl Into<String>, number: &str, error: &NumberError) -> Self {
        let problem = match error {
            NumberError::Empty => Phrase::new("problems.empty"),
            NumberError::BadCharacter { found, place } => Phrase::new("problems.bad_character")
                .with("found", found)
                .with("place", place),
            NumberError::MisplacedPlus { .. } => Phrase::new("problems.misplaced_plus"),
            NumberError::Length {
                digits,
                least,
                most,
            } => Phrase::new("problems.length")
                .with("digits", digits)
                .with("least", least)
                .with("most", most),
        };
        let shown: String = number.chars().take(40).collect();
        Self::new(ErrorCode::BadNumber)
            .at(field)
            .with("number", shown)
            .with_phrase("problem", problem)
    }

    pub(super) fn in_language(self, language: Language) -> Response {
        let Said {
            field,
            phrase,
            details,
        } = *self.said;
        let body = ErrorBody {
            code: self.code,
            message: phrase.say(language),
            field,
            details: details.clone(),
        };
        let mut response = (status(self.code), Json(body)).into_response();
        if let Some(ErrorDetails::RetryAfter { seconds }) = details {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// Carries the refusal out to where the language is known (see `headers`).
impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = status(self.code).into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotFound { what, .. } => Self::not_found(what),
            StoreError::Unavailable(error) => {
                tracing::error!(%error, "The database does not answer");
                Self::unavailable()
            }
            StoreError::Deposed => Self::standby(),
            error @ (StoreError::Stale { .. }
            | StoreError::AlreadyCalling { .. }
            | StoreError::RoomBooked { .. }
            | StoreError::Taken(_)
            | StoreError::NewerDatabase { .. }
            | StoreError::Folder { .. }
            | StoreError::Url { .. }
            | StoreError::WrongKey(_)
            | StoreError::Damaged { .. }
            | StoreError::Database(_)) => {
                tracing::error!(%error, "Request failed");
                Self::new(ErrorCode::Internal)
            }
        }
    }
}

impl From<NotInRoom> for ApiError {
    fn from(NotInRoom: NotInRoom) -> Self {
        Self::new(ErrorCode::NotInRoom)
    }
}

impl From<BrowserRefused> for ApiError {
    fn from(refused: BrowserRefused) -> Self {
        match refused {
            BrowserRefused::Off => Self::new(ErrorCode::NoBrowserCalls),
            BrowserRefused::TooMany => Self::new(ErrorCode::TooManyBrowserCalls),
            BrowserRefused::NotNow => Self::unavailable(),
        }
    }
}

impl From<RecordRefused> for ApiError {
    fn from(refused: RecordRefused) -> Self {
        match refused {
            RecordRefused::RoomIsEmpty => Self::new(ErrorCode::RoomIsEmpty),
            RecordRefused::AlreadyRecording => Self::new(ErrorCode::AlreadyRecording),
            RecordRefused::NotRecording => Self::new(ErrorCode::NotRecording),
            RecordRefused::Store(error) => error.into(),
        }
    }
}

/// The code as it is written on the wire, which is also its key in the texts.
fn key(code: ErrorCode) -> String {
    match serde_json::to_value(code) {
        Ok(serde_json::Value::String(key)) => key,
        _ => String::new(),
    }
}

fn status(code: ErrorCode) -> StatusCode {
    match code {
        ErrorCode::NotSignedIn | ErrorCode::WrongEmailOrPassword | ErrorCode::WrongToken => {
            StatusCode::UNAUTHORIZED
        }
        ErrorCode::MalformedJson | ErrorCode::BadParameter | ErrorCode::BadIdempotencyKey => {
            StatusCode::BAD_REQUEST
        }
        ErrorCode::NotAllowed | ErrorCode::ForeignOrigin => StatusCode::FORBIDDEN,
        ErrorCode::NotFound => StatusCode::NOT_FOUND,
        ErrorCode::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        ErrorCode::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        ErrorCode::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        ErrorCode::TooManyAttempts => StatusCode::TOO_MANY_REQUESTS,
        ErrorCode::RoomNumberTaken
        | ErrorCode::NoFreeRoomNumber
        | ErrorCode::RoomBooked
        | ErrorCode::MeetingIsLive
        | ErrorCode::MeetingIsOver
        | ErrorCode::OccurrenceIsOver
        | ErrorCode::NotASeries
        | ErrorCode::DateHasBegun
        | ErrorCode::EventsNotKept
        | ErrorCode::RequestUnderWay
        | ErrorCode::AnswerLost
        | ErrorCode::AlreadyInRoom
        | ErrorCode::AlreadyCalling
        | ErrorCode::NotInRoom
        | ErrorCode::TestCallUnderWay
        | ErrorCode::CalibrationIncomplete
        | ErrorCode::AnswersLookAlike
        | ErrorCode::RoomIsEmpty
        | ErrorCode::NobodyWaits
        | ErrorCode::EventNumberTaken
        | ErrorCode::EventNumberRests
        | ErrorCode::TemplateNameTaken
        | ErrorCode::AlreadyRecording
        | ErrorCode::NotRecording
        | ErrorCode::StillRecording
        | ErrorCode::NoBrowserCalls
        | ErrorCode::TooManyBrowserCalls => StatusCode::CONFLICT,
        ErrorCode::UnknownField
        | ErrorCode::MissingField
        | ErrorCode::WrongType
        | ErrorCode::EmptyTitle
        | ErrorCode::TitleTooLong
        | ErrorCode::EmptyName
        | ErrorCode::NameTooLong
        | ErrorCode::UnknownTimeZone
        | ErrorCode::BadLocalTime
        | ErrorCode::StartsInThePast
        | ErrorCode::BadDuration
        | ErrorCode::BadLead
        | ErrorCode::BadNumber
        | ErrorCode::BadEmail
        | ErrorCode::BadMailReply
        | ErrorCode::BadUrl
        | ErrorCode::BadTemplate
        | ErrorCode::IdempotencyKeyReused
        | ErrorCode::UnknownEventKind
        | ErrorCode::TooManyWebhooks
        | ErrorCode::BadReminder
        | ErrorCode::BadRoomNumber
        | ErrorCode::BadPin
        | ErrorCode::UnknownRoom
        | ErrorCode::UnknownEmployee
        | ErrorCode::NoDevice
        | ErrorCode::DuplicateParticipant
        | ErrorCode::TooManyParticipants
        | ErrorCode::BadParticipant
        | ErrorCode::BadRule
        | ErrorCode::BadQuietHours
        | ErrorCode::BadRepeats
        | ErrorCode::BadAhead
        | ErrorCode::BadExtension
        | ErrorCode::BadGain
        | ErrorCode::BadOffer
        | ErrorCode::CannotMoveAlong
        | ErrorCode::NoSuchDate
        | ErrorCode::BadPeriod
        | ErrorCode::NumberWantsNoCalls
        | ErrorCode::UntilIsOver
        | ErrorCode::UnknownLine
        | ErrorCode::BadLineState
        | ErrorCode::BadEvidenceTime
        | ErrorCode::NoNotice
        | ErrorCode::BadList
        | ErrorCode::BadSound => StatusCode::UNPROCESSABLE_ENTITY,
        ErrorCode::Unavailable | ErrorCode::Standby => StatusCode::SERVICE_UNAVAILABLE,
        ErrorCode::Internal | ErrorCode::Other => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_has_a_sentence_in_every_language() {
        // Every code up to the last is told by its own spelling: serde is the list.
        let spelt = serde_json::from_str::<ErrorCode>("\"no such code\"").unwrap();
        assert_eq!(spelt, ErrorCode::Other);
        for code in [
            ErrorCode::NotFound,
            ErrorCode::RoomBooked,
            ErrorCode::Unavailable,
            ErrorCode::Standby,
            ErrorCode::NotInRoom,
            ErrorCode::RoomIsEmpty,
            ErrorCode::NobodyWaits,
            ErrorCode::AlreadyRecording,
            ErrorCode::NotRecording,
            ErrorCode::StillRecording,
        ] {
            for language in Language::ALL {
                assert_ne!(Phrase::new(key(code)).say(language), key(code), "{code:?}");
            }
        }
    }
}
