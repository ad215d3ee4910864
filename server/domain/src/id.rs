//! Identities: version 7 UUIDs (RFC 9562 §5.7), one type for each kind of thing.
//!
//! The time is in front, so ids sort by creation and an index on them grows at
//! its end. Randomness is passed in: nothing here can make up an id by itself.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::time::Millis;

/// The text is not an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{text}\" is not an id: expected a UUID such as 01939d5e-6c2a-7b3c-9d4e-5f6071829304")]
pub struct IdError {
    /// What was given.
    pub text: String,
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// A new id: `now` in front, ten random bytes behind it.
            pub fn new(now: Millis, random: [u8; 10]) -> Self {
                let millis = u64::try_from(now.0).unwrap_or(0);
                Self(uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid())
            }

            /// The id a UUID stands for, of whatever version.
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// The UUID.
            pub const fn uuid(self) -> Uuid {
                self.0
            }

            /// The sixteen bytes, in network order.
            pub const fn bytes(self) -> [u8; 16] {
                *self.0.as_bytes()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0.hyphenated())
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                Uuid::try_parse(text)
                    .map(Self)
                    .map_err(|_| IdError { text: text.to_owned() })
            }
        }
    )*};
}

ids! {
    /// A company: the owner of everything else.
    CompanyId
    /// A person of the company.
    EmployeeId
    /// One thing a person is reached by.
    DeviceId
    /// An operator's connection.
    TrunkId
    /// A number that an operator delivers to us (DID).
    NumberId
    /// A conference room.
    RoomId
    /// The plan of a meeting.
    MeetingId
    /// One date of a meeting.
    OccurrenceId
    /// One person expected at one occurrence.
    InvitationId
    /// One call. Its INVITE's identity is derived from it.
    AttemptId
    /// One leg in a room.
    MemberId
    /// A browser's way into a room.
    BrowserCallId
    /// What was written down of a room.
    RecordingId
    /// A web login.
    UserId
    /// A bearer token.
    TokenId
    /// A list of people with a name.
    TemplateId
    /// A mail or a short message.
    NoticeId
    /// A program that is told of events.
    WebhookId
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_by_their_time_and_read_back() {
        let earlier = AttemptId::new(Millis(1_000), [0xff; 10]);
        let later = AttemptId::new(Millis(1_001), [0; 10]);

        assert!(earlier < later);
        assert_eq!(later.to_string().parse(), Ok(later));
        assert_eq!(later.uuid().get_version_num(), 7);
        assert_eq!(
            serde_json::to_string(&later).unwrap(),
            format!("\"{later}\"")
        );
    }

    #[test]
    fn a_text_that_is_no_id_is_named_in_the_error() {
        let error = "room".parse::<RoomId>().unwrap_err();

        assert!(error.to_string().contains("\"room\""), "{error}");
    }
}
