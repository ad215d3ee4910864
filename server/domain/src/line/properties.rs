//! Random lives of a line. What is shown follows from what was said, whatever the
//! order it was said in.

use proptest::prelude::*;

use super::*;

const START: Millis = Millis(1_000_000);
const TRUNK: &str = "North";

#[derive(Debug, Clone, Copy)]
enum Act {
    Pass(i64),
    Registers(i64),
    Unregisters,
    Outcome(LineState),
    Dialog(Seen, i64),
    Presence(Seen, i64),
    Operator(OperatorState, i64),
    Sign,
    Call(u8, LineState),
    End(u8),
    Forget,
}

fn act() -> impl Strategy<Value = Act> {
    let state = prop::sample::select(vec![
        LineState::Free,
        LineState::Busy,
        LineState::Offline,
        LineState::Unknown,
    ]);
    let in_call = prop::sample::select(vec![LineState::Ringing, LineState::Busy]);
    let dialog = prop::sample::select(vec![Seen::Talks, Seen::Rings, Seen::NoCall]);
    let presence = prop::sample::select(vec![Seen::Open, Seen::Closed, Seen::OnThePhone]);
    let operator = prop::sample::select(vec![
        OperatorState::AssumedIdle,
        OperatorState::CamelBusy,
        OperatorState::NetDetNotReachable,
        OperatorState::NotProvidedFromVlr,
        OperatorState::Connected,
        OperatorState::Absent,
        OperatorState::BackInNetwork,
    ]);
    prop_oneof![
        4 => (0i64..90_000).prop_map(Act::Pass),
        1 => (1_000i64..300_000).prop_map(Act::Registers),
        1 => Just(Act::Unregisters),
        2 => state.prop_map(Act::Outcome),
        2 => (dialog, 1_000i64..300_000).prop_map(|(seen, lives)| Act::Dialog(seen, lives)),
        2 => (presence, 1_000i64..300_000).prop_map(|(seen, lives)| Act::Presence(seen, lives)),
        // Told late, or of the future.
        3 => (operator, -90_000i64..30_000).prop_map(|(state, ago)| Act::Operator(state, ago)),
        1 => Just(Act::Sign),
        1 => (0u8..3, in_call).prop_map(|(key, state)| Act::Call(key, state)),
        2 => (0u8..3).prop_map(Act::End),
        1 => Just(Act::Forget),
    ]
}

/// The model: what each source said last, and nothing more clever than that.
#[derive(Default)]
struct Model {
    last: BTreeMap<Source, Evidence>,
    calls: BTreeMap<u8, (Millis, LineState)>,
}

impl Model {
    fn hear(&mut self, evidence: &Evidence, now: Millis) {
        let from_the_future = evidence.at > now + Span::seconds(5);
        let newer = self
            .last
            .get(&evidence.source)
            .is_none_or(|old| old.at <= evidence.at);
        if !from_the_future && evidence.valid(now) && newer {
            self.last.insert(evidence.source, evidence.clone());
        }
    }

    /// What any source says now, the best believed first and of those the freshest.
    fn saying(&self, now: Millis) -> Vec<&Evidence> {
        let mut saying: Vec<&Evidence> = self
            .last
            .values()
            .filter(|piece| piece.valid(now) && piece.state != LineState::Unknown)
            .collect();
        saying.sort_by_key(|piece| std::cmp::Reverse((piece.confidence, piece.at)));
        saying
    }
}

fn live(
    acts: &[Act],
    mut check: impl FnMut(&Line, &Model, Millis, Option<Change>, [LineState; 3]),
) {
    let (mut line, mut model, mut now) = (Line::default(), Model::default(), START);
    for act in acts {
        let source = match act {
            Act::Registers(_) | Act::Unregisters => Some(Source::Registration),
            Act::Outcome(_) => Some(Source::Outcome),
            Act::Dialog(..) => Some(Source::Dialog),
            Act::Presence(..) => Some(Source::Presence),
            Act::Operator(..) => Some(Source::Operator),
            Act::Pass(_) | Act::Sign | Act::Call(..) | Act::End(_) | Act::Forget => None,
        };
        let said = source.and_then(|source| model.last.get(&source));
        let said = said.map_or(LineState::Unknown, |piece| piece.state);
        let before = [line.known, line.state(now).state, said];
        let mut add = |line: &mut Line, evidence: Evidence| {
            model.hear(&evidence, now);
            line.add(evidence, now)
        };
        let change = match *act {
            Act::Pass(span) => {
                now = now + Span(span);
                None
            }
            Act::Registers(lives) => add(&mut line, Evidence::registered(now, now + Span(lives))),
            Act::Unregisters => add(&mut line, Evidence::unregistered(now, Seen::Unregistered)),
            Act::Outcome(state) => add(
                &mut line,
                Evidence::outcome(state, now, Seen::NoAnswer.here()),
            ),
            Act::Dialog(seen, lives) => {
                let detail = seen.over(TRUNK);
                add(
                    &mut line,
                    Evidence::dialog_event(detail, now, now + Span(lives)),
                )
            }
            Act::Presence(seen, lives) => {
                let detail = seen.over(TRUNK);
                add(
                    &mut line,
                    Evidence::presence(detail, now, now + Span(lives)),
                )
            }
            Act::Operator(state, ago) => {
                add(&mut line, Evidence::operator(state, TRUNK, now + Span(ago)))
            }
            Act::Sign => line.seen(now),
            Act::Call(key, state) => {
                model.calls.insert(key, (now, state));
                line.call(&key.to_string(), state, now, Seen::OurCall.here())
            }
            Act::End(key) => {
                model.calls.remove(&key);
                line.call_ended(&key.to_string(), now)
            }
            Act::Forget => line.prune(now),
        };
        check(&line, &model, now, change, before);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// Nothing is shown that nobody says, and above all not "free".
    #[test]
    fn what_is_shown_is_said_by_somebody(acts in prop::collection::vec(act(), 0..60)) {
        live(&acts, |line, model, now, _, _| {
            let view = line.state(now);
            let said = model.saying(now).iter().any(|piece| piece.state == view.state);
            let called = model.calls.values().any(|(_, state)| *state == view.state);
            assert!(view.state == LineState::Unknown || said || called, "{view:?}");
            assert_eq!(view.state == LineState::Free, view.winner.is_some_and(|w| w.state == LineState::Free));
        });
    }

    /// Our own call is exact, and while none is up the freshest of the highest
    /// confidence is shown, unless something later refuted it.
    #[test]
    fn the_freshest_of_the_highest_confidence_is_shown(acts in prop::collection::vec(act(), 0..60)) {
        live(&acts, |line, model, now, _, _| {
            let view = line.state(now);
            let newest = model.calls.values().map(|(at, _)| *at).max();
            if let Some(newest) = newest {
                let ours = model.calls.values().filter(|(at, _)| *at == newest);
                assert!(ours.clone().any(|(_, state)| *state == view.state), "{view:?}");
                return;
            }
            let saying = model.saying(now);
            let best = saying.iter().position(|piece| Some(*piece) == view.winner);
            // Everything better than the winner is "offline", refuted by a sign of
            // life, or a "busy" that an attempt met and that is over.
            let before = &saying[..best.unwrap_or(saying.len())];
            for passed in before {
                let tie = view.winner.is_some_and(|winner| {
                    (winner.confidence, winner.at) == (passed.confidence, passed.at)
                });
                let off = passed.state == LineState::Offline;
                let met_busy = passed.source == Source::Outcome && passed.state == LineState::Busy;
                assert!(tie || off || met_busy, "{passed:?} is passed over for {view:?}");
            }
        });
    }

    /// A line that is told to have freed or returned can be called as far as anybody
    /// knows, and before that it could not, as far as was shown or the one who tells it knew.
    #[test]
    fn an_event_tells_of_a_line_that_can_be_called(acts in prop::collection::vec(act(), 0..60)) {
        live(&acts, |line, _, now, change, before| {
            let state = line.state(now).state;
            match change {
                Some(Change::Freed) => {
                    assert!(matches!(state, LineState::Free | LineState::Unknown | LineState::Ringing), "{state:?}");
                    // Beside a call that ends another may ring.
                    let spoke = before.contains(&LineState::Busy) || before.contains(&LineState::Ringing);
                    assert!(spoke, "{before:?}");
                }
                Some(Change::Returned) => assert_ne!(state, LineState::Offline),
                None => {}
            }
        });
    }

    /// What has faded stays faded, and the time told for it is right.
    #[test]
    fn nothing_changes_by_itself_before_it_was_told_to(
        acts in prop::collection::vec(act(), 0..40),
        wait in 0i64..400_000,
    ) {
        live(&acts, |line, _, now, _, _| {
            let later = now + Span(wait);
            if line.next_change(now).is_none_or(|at| later < at) {
                assert_eq!(line.state(now).state, line.state(later).state);
            }
        });
    }
}
