//! The names of the table's rows.

use serde::{Deserialize, Serialize};

/// The row that judged an attempt: stands in its record and in reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Row {
    /// The trunk's own profile.
    Profile,
    /// 200 by somebody who let it ring.
    Answered,
    /// 200 within 2 s and no 180 before.
    AnsweredTooQuickly,
    /// 200 after 181, Diversion or History-Info to a mailbox.
    AnsweredByMailbox,
    /// Answered, and no key within the prompt's time.
    NoConfirmKey,
    /// BYE, or no more audio, without a key or a moderator's act.
    BrokenOff,
    /// We took the call back: the organiser's wish, or he was in already.
    Withdrawn,

    /// The phone is not registered: nothing could be sent.
    NotRegistered,
    /// Our own timeout after 180.
    TimeoutRang,
    /// Our own timeout, sound but never a 180.
    TimeoutAudioOnly,
    /// The same for the second time.
    TimeoutAudioOnlyAgain,
    /// Our own timeout, and nothing at all came.
    TimeoutSilent,
    /// No 100 within 4 s, or the message could not be sent, on a trunk.
    TrunkSilent,
    /// The same, to a phone registered with us: it lost its power or its cable.
    DeviceSilent,

    /// Q.850 17 before any 180 or within 1 s of it.
    Cause17,
    /// Q.850 17 after 1 s or more of ringing: the red key.
    Cause17Rang,
    /// Q.850 18: no user responding.
    Cause18,
    /// Q.850 19: alerting, no answer.
    Cause19,
    /// Q.850 20: subscriber absent.
    Cause20,
    /// Q.850 21 located at the user: call rejected.
    Cause21User,
    /// Q.850 21 without a location after 1 s or more of ringing.
    Cause21Rang,
    /// 480 with Q.850 21 that nobody says where: rejected, but not by him.
    Cause21Elsewhere,
    /// Q.850 27 located at the user or his private network: out of order.
    Cause27User,
    /// Q.850 27 elsewhere.
    Cause27Network,
    /// 480 with Q.850 31.
    Cause31,
    /// Q.850 1, 22, 28: no such number.
    CauseInvalid,
    /// Q.850 55, 57 from a trunk: barred.
    CauseBarred,
    /// Q.850 34, 38, 41, 42, 47: congestion, out of order.
    CauseCongestion,
    /// Q.850 65, 79, 88: no common codec.
    CauseCodec,

    /// 486 before any 180 or within 1 s of it.
    Busy486,
    /// 486 after 1 s or more of ringing: the red key.
    Declined486,
    /// 600: busy on every device.
    BusyEverywhere600,
    /// 603: declined.
    Declined603,
    /// 607, 608: unwanted, rejected by a list; never again.
    Unwanted,
    /// 480 with Retry-After.
    OfflineRetryAfter,
    /// 480 alone after 180.
    NoAnswer480,
    /// 480 alone before any 180 or 183.
    Offline480,
    /// 480 alone after sound that never became ringing.
    AudioOnly480,
    /// The same for the second time.
    AudioOnly480Again,
    /// 408 from the other side after 180.
    NoAnswer408,
    /// 408 from a phone's side without 180.
    Offline408,
    /// 404, 410, 484, 604: no such number.
    InvalidCode,
    /// 401, 402, 403, 407 from a trunk: it does not let us.
    TrunkRefused,
    /// 488, 415, 606: no common codec.
    CodecRefused,
    /// 500, 502, 503, 504 and their like.
    ServerFailure,
    /// Nothing in the table fits.
    Unlisted,
}

impl Row {
    /// Whether another codec offer may help.
    pub fn is_codec(self) -> bool {
        matches!(self, Self::CauseCodec | Self::CodecRefused)
    }

    /// Whether the person's number must never be called again.
    pub fn is_unwanted(self) -> bool {
        self == Self::Unwanted
    }

    /// Whether sound came but no ringing: told once, it is believed the second time.
    pub fn is_audio_only(self) -> bool {
        matches!(self, Self::TimeoutAudioOnly | Self::AudioOnly480)
    }

    /// Whether an operator must look at it.
    pub fn is_alarm(self) -> bool {
        matches!(self, Self::TrunkRefused | Self::CauseBarred)
    }
}
