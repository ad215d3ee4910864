//! Phones as scripts: what a line does with each call that reaches it.

use domain::{
    Millis, Span,
    decode::{CallFacts, Q850},
};

/// What a phone does with one call. Spans count from the INVITE's arrival.
#[derive(Debug, Clone, PartialEq)]
pub enum Reaction {
    /// Rings, is answered, presses keys, perhaps hangs up.
    Answer(Answer),
    /// Rings, and nobody comes.
    RingOut,
    /// Fails with a code, and perhaps a cause, perhaps after ringing.
    Fail(Failure),
    /// Nothing ever comes back.
    Silence,
}

/// A call that is answered.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// When it rings; none when it is answered out of the blue.
    pub rings: Option<Span>,
    /// When it is answered.
    pub answers: Span,
    /// The keys pressed, and when, counted from the answer.
    pub keys: Vec<(Span, char)>,
    /// When it is hung up, counted from the answer; never when none is set.
    pub hangs_up: Option<Span>,
}

/// A call that fails.
#[derive(Debug, Clone, PartialEq)]
pub struct Failure {
    /// When it rings before, if it does.
    pub rings: Option<Span>,
    /// When the final answer comes.
    pub fails: Span,
    /// Its code.
    pub code: u16,
    /// Its Q.850 cause.
    pub cause: Option<u8>,
}

/// What reaches the server from a phone.
#[derive(Debug, Clone, PartialEq)]
pub enum Signal {
    Rings,
    Answers,
    Fails(CallFacts),
    Key(char),
    HangsUp,
}

/// Which call this is.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    /// When it arrives.
    pub now: Millis,
    /// How many came before it.
    pub nth: usize,
}

/// What a line does with a call.
pub type Script = Box<dyn Fn(Moment) -> Reaction>;

/// Rings after half a second, is answered after four and stays.
pub fn answers() -> Reaction {
    Reaction::Answer(Answer {
        rings: Some(Span(500)),
        answers: Span::seconds(4),
        keys: Vec::new(),
        hangs_up: None,
    })
}

/// The same, and presses a key six seconds later.
pub fn answers_and_presses(key: char) -> Reaction {
    let Reaction::Answer(answer) = answers() else {
        unreachable!("it answers");
    };
    Reaction::Answer(Answer {
        keys: vec![(Span::seconds(6), key)],
        ..answer
    })
}

/// Fails after 200 ms, without ringing.
pub fn fails(code: u16, cause: Option<u8>) -> Reaction {
    Reaction::Fail(Failure {
        rings: None,
        fails: Span(200),
        code,
        cause,
    })
}

/// A voicemail: picks up within a second, never rings, presses nothing.
pub fn machine() -> Reaction {
    Reaction::Answer(Answer {
        rings: None,
        answers: Span(800),
        keys: Vec::new(),
        hangs_up: None,
    })
}

/// The red key after six seconds of ringing.
pub fn red_key() -> Reaction {
    Reaction::Fail(Failure {
        rings: Some(Span(400)),
        fails: Span(6_400),
        code: 486,
        cause: None,
    })
}

/// Always the same.
pub fn always(reaction: impl Fn() -> Reaction + 'static) -> Script {
    Box::new(move |_| reaction())
}

/// One thing until some time, another from then on.
pub fn until(
    when: Millis,
    before: impl Fn() -> Reaction + 'static,
    then: impl Fn() -> Reaction + 'static,
) -> Script {
    Box::new(
        move |moment| {
            if moment.now < when { before() } else { then() }
        },
    )
}

/// These, one call after the other, and from the beginning again.
pub fn cycle(reactions: Vec<Reaction>) -> Script {
    Box::new(move |moment| reactions[moment.nth % reactions.len()].clone())
}

impl Reaction {
    /// The signals this comes to, with their delays.
    pub fn signals(&self) -> Vec<(Span, Signal)> {
        match self {
            Self::Answer(answer) => {
                let ring = answer.rings.map(|after| (after, Signal::Rings));
                let later = |span: Span| answer.answers + span;
                let keys = answer
                    .keys
                    .iter()
                    .map(|(after, key)| (later(*after), Signal::Key(*key)));
                let end = answer.hangs_up.map(|after| (later(after), Signal::HangsUp));
                ring.into_iter()
                    .chain([(answer.answers, Signal::Answers)])
                    .chain(keys)
                    .chain(end)
                    .collect()
            }
            Self::RingOut => vec![(Span(500), Signal::Rings)],
            Self::Fail(failure) => {
                let ring = failure.rings.map(|after| (after, Signal::Rings));
                let facts = CallFacts {
                    final_code: Some(failure.code),
                    q850: failure.cause.map(|cause| Q850 {
                        cause,
                        location_user: None,
                    }),
                    ..CallFacts::default()
                };
                ring.into_iter()
                    .chain([(failure.fails, Signal::Fails(facts))])
                    .collect()
            }
            Self::Silence => Vec::new(),
        }
    }
}
