//! Lines: their states, and what says so.

use api::{Evidence, EvidenceSource, LineView, Text};
use domain::line;

/// What is known of one line.
pub fn line_view(view: &line::LineView<'_>) -> LineView {
    LineView {
        state: line_state(view.state),
        dnd: view.dnd,
        since_at: view.winner.map(|winner| winner.at.0),
        evidence: view
            .evidence
            .iter()
            .map(|evidence| self::evidence(evidence))
            .collect(),
    }
}

pub fn line_state(state: line::LineState) -> api::LineState {
    match state {
        line::LineState::Free => api::LineState::Free,
        line::LineState::Ringing => api::LineState::Ringing,
        line::LineState::Busy => api::LineState::Busy,
        line::LineState::Offline => api::LineState::Offline,
        line::LineState::Unknown => api::LineState::Unknown,
    }
}

fn evidence(evidence: &line::Evidence) -> Evidence {
    let source = match evidence.source {
        line::Source::OwnCall => EvidenceSource::OwnCall,
        line::Source::Registration | line::Source::RegEvent => EvidenceSource::Registration,
        line::Source::Outcome => EvidenceSource::Outcome,
        line::Source::Dialog => EvidenceSource::Dialog,
        line::Source::Presence => EvidenceSource::Presence,
        line::Source::Operator => EvidenceSource::Operator,
        line::Source::Notice => EvidenceSource::Notice,
    };
    Evidence {
        state: line_state(evidence.state),
        source,
        at: evidence.at.0,
        until_at: evidence.until.map(|until| until.0),
        confidence: match evidence.confidence {
            line::Confidence::Guess => api::Confidence::Guess,
            line::Confidence::Likely => api::Confidence::Likely,
            line::Confidence::Sure => api::Confidence::Sure,
            line::Confidence::Exact => api::Confidence::Exact,
        },
        text: seen(&evidence.detail),
    }
}

/// What was seen of a line, as a code with its arguments.
fn seen(detail: &line::Detail) -> Text {
    use line::Seen;

    let (code, figure) = match detail.seen {
        Seen::Registered => ("registered", None),
        Seen::NotRegistered => ("not_registered", None),
        Seen::Unregistered => ("unregistered", None),
        Seen::Expired => ("expired", None),
        Seen::Probation(seconds) => ("probation", Some(("seconds", seconds))),
        Seen::OurCallRings => ("our_call_rings", None),
        Seen::OurCall => ("our_call", None),
        Seen::Cause(cause) => ("cause", Some(("cause", cause.into()))),
        Seen::Code(code) => ("code", Some(("code", code.into()))),
        Seen::NoAnswer => ("no_answer", None),
        Seen::Rings => ("rings", None),
        Seen::Talks => ("talks", None),
        Seen::NoCall => ("no_call", None),
        Seen::Open => ("open", None),
        Seen::Closed => ("closed", None),
        Seen::OnThePhone => ("on_the_phone", None),
        Seen::AssumedIdle => ("assumed_idle", None),
        Seen::CamelBusy => ("camel_busy", None),
        Seen::NetDetNotReachable => ("net_det_not_reachable", None),
        Seen::NotProvided => ("not_provided", None),
        Seen::Connected => ("connected", None),
        Seen::Absent => ("absent", None),
        Seen::Back => ("back", None),
    };
    let trunk = detail.trunk.iter().map(|trunk| ("trunk", trunk.clone()));
    let figure = figure.map(|(name, figure): (_, u32)| (name, figure.to_string()));
    Text {
        code: code.to_owned(),
        args: trunk
            .chain(figure)
            .map(|(name, value)| (name.to_owned(), value))
            .collect(),
    }
}
