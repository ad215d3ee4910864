//! One line at work: what it does with a call now, and what it does next.
//!
//! Pure: time is a [`Duration`] since the simulator started. Feed it what happens
//! (`on_*`) and the passing of time, then drain [`Line::poll_output`].

use std::{collections::VecDeque, time::Duration};

use crate::script::{self, OwnCall, Press, Step};

/// A call, named by whoever carries the signalling.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct CallKey(pub u64);

/// What the operator sees of the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    Idle,
    Ringing,
    Talking,
    /// Out of reach.
    Off,
}

/// What the line wants done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    Register,
    Unregister,
    Ring(CallKey),
    Answer(CallKey),
    /// Says that the call is forwarded (181).
    Forward(CallKey),
    /// Lets the network's sound be heard without an answer (183).
    Sound(CallKey),
    Reject {
        call: CallKey,
        refusal: Refusal,
    },
    /// Begins to speak; before it the line only listens.
    Speak(CallKey),
    Press {
        call: CallKey,
        key: char,
    },
    HangUp(CallKey),
    /// Places a call; [`Line::on_placed`] tells its name.
    Call {
        to: String,
    },
}

/// How a call is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    pub status: u16,
    /// The Q.850 cause of its `Reason`.
    pub cause: Option<u16>,
    /// The cause lies with the user.
    pub at_user: bool,
    pub retry_after: Option<Duration>,
}

impl Refusal {
    fn of(status: u16, cause: Option<u16>) -> Self {
        Self {
            status,
            cause,
            at_user: false,
            retry_after: None,
        }
    }
}

/// What the line does with the call it has.
#[derive(Debug, Clone, PartialEq)]
enum Engagement {
    Idle,
    Ringing {
        call: CallKey,
        from: String,
        /// `None` rings until the caller gives up.
        then: Option<(Duration, AfterRinging)>,
    },
    /// A call of its own that nobody has answered yet.
    Calling {
        call: CallKey,
        conduct: Conduct,
    },
    Talking {
        call: CallKey,
        keys: VecDeque<Press>,
        leaves_at: Option<Duration>,
        /// Sound heard since the answer or the last key.
        heard: Duration,
    },
}

#[derive(Debug, Clone, PartialEq)]
enum AfterRinging {
    Answer(Conduct),
    Reject(Refusal),
}

/// How it behaves once it is talking.
#[derive(Debug, Clone, PartialEq, Default)]
struct Conduct {
    silent: bool,
    keys: VecDeque<Press>,
    leaves_after: Option<Duration>,
}

pub struct Line {
    script: script::Line,
    /// When the first call reached any line.
    curtain: Option<Duration>,
    step: usize,
    /// Own calls already placed.
    placed: Vec<bool>,
    /// A call placed and not yet named by [`Line::on_placed`].
    placing: Option<Conduct>,
    call_back: Option<(Duration, String)>,
    registered: bool,
    engagement: Engagement,
    outputs: VecDeque<Output>,
}

impl Line {
    pub fn new(script: script::Line) -> Self {
        let mut line = Self {
            placed: vec![false; script.calls.len()],
            script,
            curtain: None,
            step: 0,
            placing: None,
            call_back: None,
            registered: false,
            engagement: Engagement::Idle,
            outputs: VecDeque::new(),
        };
        line.follow_registration();
        line
    }

    pub fn script(&self) -> &script::Line {
        &self.script
    }

    pub fn look(&self) -> Look {
        match (&self.script.steps[self.step], &self.engagement) {
            (Step::Off { .. }, _) => Look::Off,
            (Step::Busy { .. }, _) | (_, Engagement::Talking { .. }) => Look::Talking,
            (_, Engagement::Ringing { .. } | Engagement::Calling { .. }) => Look::Ringing,
            (_, Engagement::Idle) => Look::Idle,
        }
    }

    pub fn is_idle(&self) -> bool {
        self.engagement == Engagement::Idle && self.placing.is_none() && self.call_back.is_none()
    }

    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// The first call reached some line: scripts count from here.
    pub fn on_curtain(&mut self, now: Duration) {
        if self.curtain.is_none() {
            self.curtain = Some(now);
        }
    }

    /// Everything begins anew.
    pub fn rewind(&mut self) {
        self.curtain = None;
        self.step = 0;
        self.call_back = None;
        for (placed, call) in self.placed.iter_mut().zip(&self.script.calls) {
            *placed = *placed && call.from_start;
        }
        self.follow_registration();
    }

    /// Somebody calls, showing the number `from`.
    pub fn on_incoming(&mut self, call: CallKey, from: &str, now: Duration) {
        self.advance(now);
        if self.engagement != Engagement::Idle {
            return self.reject(call, 486, Some(17));
        }
        let step = self.script.steps[self.step].clone();
        // A step without an hour governs one call, but the last holds for good.
        if step.until().is_none() && self.step + 1 < self.script.steps.len() {
            self.step += 1;
            self.follow_registration();
        }
        match step {
            Step::Answer {
                after,
                press,
                silent,
                leaves_after,
                ..
            } => {
                let conduct = Conduct {
                    silent,
                    keys: press.into(),
                    leaves_after,
                };
                self.ring(
                    call,
                    from,
                    Some((now + after, AfterRinging::Answer(conduct))),
                );
            }
            Step::Voicemail {
                leaves_after,
                forwards_after,
                ..
            } => {
                let conduct = Conduct {
                    leaves_after: Some(leaves_after),
                    ..Conduct::default()
                };
                if let Some(after) = forwards_after {
                    let then = (now + after, AfterRinging::Answer(conduct));
                    self.ring(call, from, Some(then));
                    return self.outputs.push_back(Output::Forward(call));
                }
                self.outputs.push_back(Output::Answer(call));
                self.talk(call, conduct, now);
            }
            Step::RingOut { .. } => self.ring(call, from, None),
            Step::Sounds { .. } => self.sound(call, from, None),
            Step::Silent { .. } => self.wait_for(call, from, None),
            Step::Decline { after, .. } => {
                // A handset's red key: a phone of ours says 603, an operator says busy.
                let (status, cause) = match self.script.account {
                    Some(_) => (603, None),
                    None => (486, Some(17)),
                };
                let then = AfterRinging::Reject(Refusal::of(status, cause));
                self.ring(call, from, Some((now + after, then)));
            }
            Step::Busy { .. } => self.reject(call, 486, Some(17)),
            Step::Off { .. } => self.reject(call, 480, Some(20)),
            Step::Invalid { .. } => self.reject(call, 404, Some(1)),
            Step::Refuse {
                status,
                cause,
                at_user,
                retry_after,
                rings,
                sounds,
                ..
            } => {
                let refusal = Refusal {
                    status,
                    cause,
                    at_user,
                    retry_after,
                };
                let then = |after| Some((now + after, AfterRinging::Reject(refusal)));
                match (rings, sounds) {
                    (Some(rings), _) => self.ring(call, from, then(rings)),
                    (None, Some(sounds)) => self.sound(call, from, then(sounds)),
                    (None, None) => self.outputs.push_back(Output::Reject { call, refusal }),
                }
            }
        }
    }

    /// The call the line asked for is under way.
    pub fn on_placed(&mut self, call: CallKey) {
        if let Some(conduct) = self.placing.take() {
            self.engagement = Engagement::Calling { call, conduct };
        }
    }

    /// The call the line asked for could not be placed.
    pub fn on_not_placed(&mut self) {
        self.placing = None;
    }

    /// The other side answered a call of ours.
    pub fn on_answered(&mut self, call: CallKey, now: Duration) {
        if let Engagement::Calling {
            call: ours,
            conduct,
        } = &mut self.engagement
            && *ours == call
        {
            let conduct = std::mem::take(conduct);
            self.talk(call, conduct, now);
        }
    }

    /// So much sound, and not silence, was heard in the call.
    pub fn on_heard(&mut self, call: CallKey, sound: Duration, now: Duration) {
        if let Engagement::Talking {
            call: ours, heard, ..
        } = &mut self.engagement
            && *ours == call
        {
            *heard += sound;
            self.handle_timeout(now);
        }
    }

    /// The call is over, by whomever.
    pub fn on_ended(&mut self, call: CallKey, now: Duration) {
        match &self.engagement {
            Engagement::Ringing {
                call: ours, from, ..
            } if *ours == call => {
                if let Some(after) = self.script.calls_back_after
                    && !from.is_empty()
                {
                    self.call_back = Some((now + after, from.clone()));
                }
                self.engagement = Engagement::Idle;
            }
            Engagement::Calling { call: ours, .. } | Engagement::Talking { call: ours, .. }
                if *ours == call =>
            {
                self.engagement = Engagement::Idle;
            }
            Engagement::Idle
            | Engagement::Ringing { .. }
            | Engagement::Calling { .. }
            | Engagement::Talking { .. } => {}
        }
    }

    /// When to call [`Line::handle_timeout`] next.
    pub fn poll_timeout(&self) -> Option<Duration> {
        let engagement = match &self.engagement {
            Engagement::Idle | Engagement::Calling { .. } => None,
            Engagement::Ringing { then, .. } => then.as_ref().map(|(at, _)| *at),
            Engagement::Talking { leaves_at, .. } => *leaves_at,
        };
        let idle = self.engagement == Engagement::Idle && self.placing.is_none();
        let own = self.next_own_call().filter(|_| idle).map(|(_, at)| at);
        let back = self.call_back.as_ref().filter(|_| idle).map(|(at, _)| *at);
        [engagement, self.step_ends_at(), own, back]
            .into_iter()
            .flatten()
            .min()
    }

    pub fn handle_timeout(&mut self, now: Duration) {
        self.advance(now);
        match &mut self.engagement {
            Engagement::Ringing { call, then, .. } => {
                let call = *call;
                if let Some((_, then)) = then.take_if(|(at, _)| *at <= now) {
                    match then {
                        AfterRinging::Answer(conduct) => {
                            self.outputs.push_back(Output::Answer(call));
                            self.talk(call, conduct, now);
                        }
                        AfterRinging::Reject(refusal) => {
                            self.engagement = Engagement::Idle;
                            self.outputs.push_back(Output::Reject { call, refusal });
                        }
                    }
                }
            }
            Engagement::Talking {
                call,
                keys,
                leaves_at,
                heard,
            } => {
                if let Some(press) = keys.front()
                    && *heard >= press.after_hearing
                {
                    self.outputs.push_back(Output::Press {
                        call: *call,
                        key: press.key,
                    });
                    keys.pop_front();
                    *heard = Duration::ZERO;
                }
                if leaves_at.is_some_and(|at| at <= now) {
                    self.outputs.push_back(Output::HangUp(*call));
                    self.engagement = Engagement::Idle;
                }
            }
            Engagement::Idle if self.placing.is_none() => self.place_what_is_due(now),
            Engagement::Idle | Engagement::Calling { .. } => {}
        }
    }

    fn place_what_is_due(&mut self, now: Duration) {
        if let Some((_, to)) = self.call_back.take_if(|(at, _)| *at <= now) {
            self.placing = Some(Conduct::default());
            self.outputs.push_back(Output::Call { to });
            return;
        }
        if let Some((index, at)) = self.next_own_call()
            && at <= now
        {
            self.placed[index] = true;
            let OwnCall {
                to,
                press,
                leaves_after,
                ..
            } = self.script.calls[index].clone();
            self.placing = Some(Conduct {
                silent: false,
                keys: press.into(),
                leaves_after,
            });
            self.outputs.push_back(Output::Call { to });
        }
    }

    fn next_own_call(&self) -> Option<(usize, Duration)> {
        self.script
            .calls
            .iter()
            .enumerate()
            .filter(|(index, _)| !self.placed[*index])
            .filter_map(|(index, call)| {
                let origin = if call.from_start {
                    Some(Duration::ZERO)
                } else {
                    self.curtain
                };
                Some((index, origin? + call.at))
            })
            .min_by_key(|(_, at)| *at)
    }

    /// Leaves the steps whose hour has come.
    fn advance(&mut self, now: Duration) {
        while self.step_ends_at().is_some_and(|at| at <= now) {
            self.step += 1;
            self.follow_registration();
        }
    }

    fn step_ends_at(&self) -> Option<Duration> {
        if self.step + 1 >= self.script.steps.len() {
            return None;
        }
        Some(self.curtain? + self.script.steps[self.step].until()?)
    }

    /// A phone that is switched off is not registered.
    fn follow_registration(&mut self) {
        if self.script.account.is_none() {
            return;
        }
        let wanted = !matches!(self.script.steps[self.step], Step::Off { .. });
        if wanted != self.registered {
            self.registered = wanted;
            self.outputs.push_back(if wanted {
                Output::Register
            } else {
                Output::Unregister
            });
        }
    }

    fn ring(&mut self, call: CallKey, from: &str, then: Option<(Duration, AfterRinging)>) {
        self.outputs.push_back(Output::Ring(call));
        self.wait_for(call, from, then);
    }

    /// The network plays something; the phone does not ring.
    fn sound(&mut self, call: CallKey, from: &str, then: Option<(Duration, AfterRinging)>) {
        self.outputs.push_back(Output::Sound(call));
        self.wait_for(call, from, then);
    }

    fn wait_for(&mut self, call: CallKey, from: &str, then: Option<(Duration, AfterRinging)>) {
        self.engagement = Engagement::Ringing {
            call,
            from: from.to_owned(),
            then,
        };
    }

    fn talk(&mut self, call: CallKey, conduct: Conduct, now: Duration) {
        if !conduct.silent {
            self.outputs.push_back(Output::Speak(call));
        }
        self.engagement = Engagement::Talking {
            call,
            keys: conduct.keys,
            leaves_at: conduct.leaves_after.map(|after| now + after),
            heard: Duration::ZERO,
        };
    }

    fn reject(&mut self, call: CallKey, status: u16, cause: Option<u16>) {
        self.outputs.push_back(Output::Reject {
            call,
            refusal: Refusal::of(status, cause),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::Script;

    const CALL: CallKey = CallKey(1);

    fn line(rest: &str) -> Line {
        let script = Script::parse(&format!("[[line]]\nname = \"K\"\n{rest}"), "test").unwrap();
        Line::new(script.lines[0].clone())
    }

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn drained(line: &mut Line) -> Vec<Output> {
        std::iter::from_fn(|| line.poll_output()).collect()
    }

    fn called(line: &mut Line, call: CallKey, now: Duration) -> Vec<Output> {
        line.on_curtain(now);
        line.on_incoming(call, "9000", now);
        drained(line)
    }

    fn rejected(call: CallKey, status: u16, cause: u16) -> Output {
        Output::Reject {
            call,
            refusal: Refusal::of(status, Some(cause)),
        }
    }

    #[test]
    fn a_phone_rings_answers_presses_after_listening_and_leaves() {
        let mut line = line(
            r#"
            account = "k"
            secret = "s"
            steps = [{ do = "answer", after_s = 2, leaves_after_s = 20,
                       press = [{ key = "1", after_hearing_s = 4 }] }]
            "#,
        );
        assert_eq!(drained(&mut line), [Output::Register]);

        assert_eq!(called(&mut line, CALL, at(10)), [Output::Ring(CALL)]);
        assert_eq!(line.poll_timeout(), Some(at(12)));
        line.handle_timeout(at(12));
        assert_eq!(
            drained(&mut line),
            [Output::Answer(CALL), Output::Speak(CALL)]
        );
        line.on_heard(CALL, at(3), at(15));
        assert_eq!(drained(&mut line), []);
        line.on_heard(CALL, at(1), at(17));
        assert_eq!(
            drained(&mut line),
            [Output::Press {
                call: CALL,
                key: '1'
            }]
        );
        assert_eq!(line.poll_timeout(), Some(at(32)));
        line.handle_timeout(at(32));

        assert_eq!(drained(&mut line), [Output::HangUp(CALL)]);
        assert!(line.is_idle());
    }

    #[test]
    fn busy_until_an_hour_then_free() {
        let mut line =
            line("number = \"1\"\nsteps = [{ do = \"busy\", until_s = 30 }, { do = \"answer\" }]");

        assert_eq!(called(&mut line, CALL, at(5)), [rejected(CALL, 486, 17)]);
        assert_eq!(
            called(&mut line, CallKey(2), at(34)),
            [rejected(CallKey(2), 486, 17)]
        );
        assert_eq!(
            called(&mut line, CallKey(3), at(35)),
            [Output::Ring(CallKey(3))]
        );
    }

    #[test]
    fn a_phone_that_is_off_registers_when_its_hour_comes() {
        let mut line = line(
            r#"
            account = "k"
            secret = "s"
            steps = [{ do = "off", until_s = 60 }, { do = "answer" }]
            "#,
        );
        assert_eq!(drained(&mut line), []);
        assert_eq!(line.poll_timeout(), None);

        line.on_curtain(at(7));

        assert_eq!(line.poll_timeout(), Some(at(67)));
        line.handle_timeout(at(67));
        assert_eq!(drained(&mut line), [Output::Register]);

        line.rewind();

        assert_eq!(drained(&mut line), [Output::Unregister]);
    }

    #[test]
    fn steps_without_an_hour_take_one_call_each_and_the_last_stays() {
        let mut line = line(
            r#"
            number = "1"
            steps = [{ do = "off" }, { do = "refuse", status = 503, retry_after_s = 9 }, { do = "invalid" }]
            "#,
        );

        assert_eq!(called(&mut line, CALL, at(0)), [rejected(CALL, 480, 20)]);
        assert_eq!(
            called(&mut line, CALL, at(1)),
            [Output::Reject {
                call: CALL,
                refusal: Refusal {
                    retry_after: Some(at(9)),
                    ..Refusal::of(503, None)
                }
            }]
        );
        assert_eq!(called(&mut line, CALL, at(2)), [rejected(CALL, 404, 1)]);
        assert_eq!(called(&mut line, CALL, at(3)), [rejected(CALL, 404, 1)]);
    }

    #[test]
    fn the_red_key_sounds_different_on_a_phone_and_over_an_operator() {
        for (address, wanted) in [
            ("account = \"k\"\nsecret = \"s\"", (603, None)),
            ("number = \"1\"", (486, Some(17))),
        ] {
            let mut line = line(&format!(
                "{address}\nsteps = [{{ do = \"decline\", after_s = 4 }}]"
            ));
            drained(&mut line);
            assert_eq!(called(&mut line, CALL, at(0)), [Output::Ring(CALL)]);
            line.handle_timeout(at(4));

            let (status, cause) = wanted;
            assert_eq!(
                drained(&mut line),
                [Output::Reject {
                    call: CALL,
                    refusal: Refusal::of(status, cause)
                }]
            );
        }
    }

    #[test]
    fn who_missed_a_call_calls_the_number_that_rang() {
        let mut line =
            line("number = \"1\"\ncalls_back_after_s = 10\nsteps = [{ do = \"ring_out\" }]");
        called(&mut line, CALL, at(0));
        assert_eq!(line.poll_timeout(), None);

        line.on_ended(CALL, at(30));

        assert_eq!(line.poll_timeout(), Some(at(40)));
        line.handle_timeout(at(40));
        assert_eq!(
            drained(&mut line),
            [Output::Call {
                to: "9000".to_owned()
            }]
        );
        line.on_placed(CallKey(2));
        line.on_answered(CallKey(2), at(41));
        assert_eq!(drained(&mut line), [Output::Speak(CallKey(2))]);
    }

    #[test]
    fn who_is_in_a_call_is_busy_for_the_next() {
        let mut line = line("number = \"1\"\nsteps = [{ do = \"answer\", after_s = 0 }]");
        called(&mut line, CALL, at(0));
        line.handle_timeout(at(0));
        drained(&mut line);

        assert_eq!(
            called(&mut line, CallKey(2), at(5)),
            [rejected(CallKey(2), 486, 17)]
        );
    }
}
