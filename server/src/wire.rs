//! From SIP's words to the media threads' and to the domain's.
//!
//! The pure crates know nothing of each other; this is the one place where what
//! one of them says is put in the words of another. Nothing is decided here.

use domain::{
    decode::{CallFacts, Q850, Way},
    time::Span,
};
use media::{BrowserPeer, Stream};
use mixer::Codec;
use mixer::srtp::Profile;
use sip::sdp::BrowserOffer;
use sip::{Failure, FailureCause, Location, NegotiatedMedia, Provisional, Reason, SrtpSuite};

/// What the media threads need of an agreed session.
pub fn stream(media: &NegotiatedMedia) -> Stream {
    Stream {
        dtmf: media.dtmf,
        // Whoever cannot send telephone events may still press keys.
        inband_digits: media.dtmf.is_none(),
        remote_rtcp: Some(media.remote_rtcp),
        ptime_ms: u8::try_from(media.ptime_ms).unwrap_or(20),
        direction: direction(media.direction),
        srtp: media.srtp.map(|srtp| media::Srtp {
            profile: match srtp.suite {
                SrtpSuite::Sha1_80 => Profile::Sha1_80,
                SrtpSuite::Sha1_32 => Profile::Sha1_32,
            },
            ours: srtp.ours.0,
            theirs: srtp.theirs.0,
        }),
        ..Stream::new(codec(media.codec), media.payload_type, media.remote)
    }
}

fn codec(codec: sip::Codec) -> Codec {
    match codec {
        sip::Codec::Opus => Codec::Opus,
        sip::Codec::G722 => Codec::G722,
        sip::Codec::Pcmu => Codec::Pcmu,
        sip::Codec::Pcma => Codec::Pcma,
    }
}

/// What the media threads need of a browser's offer.
pub fn browser(offer: &BrowserOffer) -> BrowserPeer {
    BrowserPeer {
        fingerprint: offer.fingerprint,
        opus: offer.opus,
        dtmf: offer.dtmf.map(|(payload_type, _)| payload_type),
        level_extension: offer.level_extension,
        direction: direction(offer.direction),
    }
}

fn direction(direction: sip::Direction) -> media::Direction {
    match direction {
        sip::Direction::SendRecv => media::Direction::SendReceive,
        sip::Direction::SendOnly => media::Direction::SendOnly,
        sip::Direction::RecvOnly => media::Direction::ReceiveOnly,
        sip::Direction::Inactive => media::Direction::Inactive,
    }
}

/// The codec as the API names it.
pub fn api_codec(codec: sip::Codec) -> api::Codec {
    match codec {
        sip::Codec::Opus => api::Codec::Opus,
        sip::Codec::G722 => api::Codec::G722,
        sip::Codec::Pcmu => api::Codec::Pcmu,
        sip::Codec::Pcma => api::Codec::Pcma,
    }
}

/// A member's quality before anything was measured.
pub const NO_QUALITY: api::Quality = api::Quality {
    loss_percent: 0.0,
    loss_there_percent: 0.0,
    jitter_ms: 0,
    rtt_ms: None,
    delay_ms: 0,
    mos: None,
    silent_since_at: None,
};

/// How well a member is heard, in the API's units.
pub fn quality(quality: &media::Quality, silent_since_at: Option<i64>) -> api::Quality {
    // A few thousand milliseconds at most: the cast keeps every digit that counts.
    let ms = |value: f32| value.max(0.0).round() as u32;
    let percent = |share: f32| (share * 100.0).clamp(0.0, 100.0);
    api::Quality {
        loss_percent: percent(quality.loss),
        loss_there_percent: percent(quality.loss_there),
        jitter_ms: ms(quality.jitter_ms),
        rtt_ms: quality.rtt_ms.map(ms),
        delay_ms: ms(quality.delay_ms),
        // Two digits are more than anybody can hear.
        mos: Some((quality.mos * 100.0).round() / 100.0),
        silent_since_at,
    }
}

/// The word a quality is called by: a reading within the same one is no news.
pub fn grade(quality: &api::Quality) -> (u8, u8, u8, Option<i64>) {
    let step = |value: f32, bounds: [f32; 4]| {
        bounds
            .iter()
            .filter(|bound| value >= **bound)
            .count()
            .try_into()
            .unwrap_or(u8::MAX)
    };
    (
        step(quality.loss_percent, [1.0, 3.0, 8.0, 20.0]),
        step(quality.loss_there_percent, [1.0, 3.0, 8.0, 20.0]),
        step(quality.delay_ms as f32, [60.0, 120.0, 200.0, 400.0]),
        quality.silent_since_at,
    )
}

/// What a failed call tells about the line that was called.
pub fn facts(failure: &Failure, way: Way) -> CallFacts {
    let timing = facts_so_far(&failure.provisionals, failure.after_ms, way);
    // Whoever answers with nothing we can speak is refused by us, as he would refuse us.
    let no_codec = matches!(failure.cause, FailureCause::NoCommonCodec).then_some(488);
    CallFacts {
        final_code: failure.status.or(no_codec),
        q850: q850(&failure.reasons),
        retry_after_s: failure.retry_after_s,
        diverted_to_mailbox: timing.diverted_to_mailbox
            || diverted(&failure.diversion, &failure.history),
        no_100: matches!(failure.cause, FailureCause::NoResponse) || !failure.heard_within_4s,
        transport_error: matches!(failure.cause, FailureCause::Transport(_)),
        ..timing
    }
}

/// What the provisional answers tell of a call that is answered, or over, after `after_ms`.
pub fn facts_so_far(provisionals: &[Provisional], after_ms: u64, way: Way) -> CallFacts {
    let first = |wanted: fn(&Provisional) -> bool| {
        provisionals
            .iter()
            .find(|one| wanted(one))
            .map(|one| span(one.after_ms))
    };
    CallFacts {
        ringing_after_ms: first(|one| one.status == 180),
        early_media_after_ms: first(|one| one.status == 183 && one.early_media),
        ended_after_ms: span(after_ms),
        diverted_to_mailbox: provisionals.iter().any(|one| one.status == 181),
        way,
        ..CallFacts::default()
    }
}

/// Whether an answer's Diversion or History-Info says that it comes from elsewhere.
///
/// One History-Info entry is the call itself; a second is where it went.
pub fn diverted(diversion: &[String], history: &[String]) -> bool {
    !diversion.is_empty()
        || history.len() > 1
        || history.iter().any(|entry| entry.contains("cause="))
}

fn q850(reasons: &[Reason]) -> Option<Q850> {
    let reason = reasons.iter().find(|reason| reason.is_q850())?;
    Some(Q850 {
        cause: u8::try_from(reason.cause?).ok()?,
        location_user: reason.location.map(|location| match location {
            Location::User | Location::PrivateLocal | Location::PrivateRemote => true,
            Location::PublicLocal
            | Location::Transit
            | Location::PublicRemote
            | Location::International
            | Location::Beyond => false,
        }),
    })
}

fn span(ms: u64) -> Span {
    Span(i64::try_from(ms).unwrap_or(i64::MAX))
}
