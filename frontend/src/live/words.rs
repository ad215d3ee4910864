//! States in sentences: reason first, then what happens next, then when.
//!
//! Short and plain, about people and not about codes. No "he" or "she": the directory does not
//! know, so every sentence does without.

use api::{
    AtOnceWhen, CallPhase, Codec, Confidence, DeviceKind, Evidence, Finish, Invitation,
    InvitationStatus, LastAct, LineState, LineView, Member, Next, Outcome, Quality, Reason, Role,
    Text, WaitReason,
};

use crate::{format, texts::Texts};

/// How to say something: the language, the moment, and how a moment is written on this clock.
#[derive(Clone, Copy)]
pub struct Words {
    pub t: Texts,
    /// `14:02:11`
    pub clock: fn(i64) -> String,
    pub now: i64,
}

/// How good a member's sound is. Quiet when good, loud when not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sound {
    Good,
    Poor,
    Gone,
}

/// Loss from which speech crackles, percent.
const CRACKLES: f32 = 2.5;
/// Depth of the jitter buffer from which people begin to talk over each other.
const LATE_MS: u32 = 250;
/// Silence on the wire that is worth a word. Less is a stall that nobody hears.
const SILENT_MS: i64 = 2_000;

impl Words {
    /// The state of a line in the directory. A free line needs no word.
    pub fn line(self, line: &LineView) -> String {
        let t = self.t;
        if line.dnd {
            return t.line_dnd().to_owned();
        }
        match line.state {
            LineState::Free => String::new(),
            LineState::Ringing => t.line_ringing().to_owned(),
            LineState::Busy => {
                let minutes = line.since_at.map_or(0, |since| (self.now - since) / 60_000);
                if minutes > 0 {
                    t.line_busy_for(&minutes)
                } else {
                    t.line_busy().to_owned()
                }
            }
            LineState::Offline => t.line_off().to_owned(),
            LineState::Unknown => t.line_unknown().to_owned(),
        }
    }

    pub fn state(self, state: LineState) -> &'static str {
        match state {
            LineState::Free => self.t.line_free(),
            LineState::Ringing => self.t.line_ringing(),
            LineState::Busy => self.t.line_busy(),
            LineState::Offline => self.t.line_offline(),
            LineState::Unknown => self.t.line_unknown(),
        }
    }

    /// What screen readers hear instead of the shape.
    pub fn shape(self, line: &LineView) -> String {
        let state = self.state(line.state);
        if line.dnd {
            self.t.line_and_dnd(&state)
        } else {
            state.to_owned()
        }
    }

    /// One line of the tooltip: from where we know it, and how long that counts.
    pub fn evidence(self, evidence: &Evidence) -> String {
        let t = self.t;
        let told = self.seen(&evidence.text);
        let sure = match evidence.confidence {
            Confidence::Exact => t.sure_exact(),
            Confidence::Sure => t.sure_sure(),
            Confidence::Likely => t.sure_likely(),
            Confidence::Guess => t.sure_guess(),
        };
        match evidence.until_at {
            Some(until) => t.ev_fades(&told, &sure, &(self.clock)(until)),
            None => t.ev_stays(&told, &sure),
        }
    }

    /// What was seen of a line, in this language.
    fn seen(self, text: &Text) -> String {
        let t = self.t;
        let arg = |name: &str| text.args.get(name).map_or("", String::as_str);
        let trunk = text.args.get("trunk");
        let told = match (text.code.as_str(), trunk) {
            ("cause", Some(trunk)) => return t.ev_cause_trunk(&arg("cause"), trunk),
            ("code", Some(trunk)) => return t.ev_code_trunk(&arg("code"), trunk),
            ("cause", None) => t.ev_cause(&arg("cause")),
            ("code", None) => t.ev_code(&arg("code")),
            ("probation", _) => t.ev_probation(&arg("seconds")),
            (code, _) => match code {
                "our_call" => t.ev_our_call(),
                "our_call_rings" => t.ev_our_call_rings(),
                "registered" => t.ev_registered(),
                "not_registered" => t.ev_not_registered(),
                "unregistered" => t.ev_unregistered(),
                "expired" => t.ev_expired(),
                "no_answer" => t.ev_no_answer(),
                "talks" => t.ev_talks(),
                "rings" => t.ev_rings(),
                "no_call" => t.ev_no_call(),
                "open" => t.ev_open(),
                "closed" => t.ev_closed(),
                "on_the_phone" => t.ev_on_the_phone(),
                "assumed_idle" => t.ev_assumed_idle(),
                "camel_busy" => t.ev_camel_busy(),
                "net_det_not_reachable" => t.ev_not_reachable(),
                "not_provided" => t.ev_not_provided(),
                "connected" => t.ev_connected(),
                "absent" => t.ev_absent(),
                "back" => t.ev_back(),
                // Of a server that is newer than this page.
                _ => t.ev_other(),
            }
            .to_owned(),
        };
        match trunk {
            Some(trunk) => t.ev_of_trunk(&told, trunk),
            None => told,
        }
    }

    pub fn role(self, role: Role) -> &'static str {
        match role {
            Role::Moderator => self.t.role_moderator(),
            Role::Speaker => self.t.role_speaker(),
            Role::Listener => self.t.role_listener(),
        }
    }

    pub fn device(self, kind: DeviceKind) -> &'static str {
        match kind {
            DeviceKind::SipPhone => self.t.device_sip(),
            DeviceKind::IpSim => self.t.device_sim(),
            DeviceKind::Outside => self.t.device_outside(),
            DeviceKind::Browser => self.t.device_browser(),
        }
    }

    /// Why somebody is missing.
    pub fn why(self, invitation: &Invitation) -> String {
        let t = self.t;
        match &invitation.status {
            InvitationStatus::Waiting { due_at, why } => match why {
                WaitReason::FirstCall => t.why_first().to_owned(),
                // His talk is known of, though no call to him need have met it.
                WaitReason::Retry if is_until_in(&invitation.next) => t.why_busy().to_owned(),
                WaitReason::Retry => self.reason(invitation.reason.as_ref()),
                WaitReason::Later => t.why_later().to_owned(),
                WaitReason::LineChanged => t.why_line_changed().to_owned(),
                WaitReason::CallNow => t.why_call_now().to_owned(),
                WaitReason::OtherCall => t.why_other_call().to_owned(),
                WaitReason::DoNotDisturb => t.why_do_not_disturb().to_owned(),
                WaitReason::QuietHours => t.why_quiet_hours(&self.short(*due_at)),
            },
            InvitationStatus::Calling { phase, .. } => match phase {
                CallPhase::Dialling => t.why_dialling().to_owned(),
                CallPhase::Ringing => t.why_ringing().to_owned(),
                CallPhase::Answered => t.why_answered().to_owned(),
            },
            InvitationStatus::Held { .. } => t.why_held().to_owned(),
            InvitationStatus::InRoom { .. } => t.why_in_room().to_owned(),
            InvitationStatus::Finished { why, at } => {
                self.finish(*why, *at, invitation.reason.as_ref())
            }
        }
    }

    fn reason(self, reason: Option<&Reason>) -> String {
        let t = self.t;
        let Some(reason) = reason else {
            return t.why_first().to_owned();
        };
        match reason.outcome {
            Outcome::Answered => t.why_answered_before().to_owned(),
            Outcome::Busy => t.why_busy().to_owned(),
            Outcome::Offline => t.why_offline().to_owned(),
            Outcome::NoAnswer => t.why_no_answer(u64::from(reason.times.max(1))),
            Outcome::Declined => self.declined(reason.at, reason.rang_ms),
            Outcome::NotConfirmed => t.why_not_confirmed().to_owned(),
            Outcome::Dropped => t.why_dropped(&(self.clock)(reason.at)),
            Outcome::Invalid => t.why_invalid().to_owned(),
            Outcome::Network => t.why_network().to_owned(),
            Outcome::Unknown => t.why_unknown().to_owned(),
        }
    }

    fn declined(self, at: i64, rang_ms: Option<u32>) -> String {
        match rang_ms.map(|ms| ms.div_ceil(1000)) {
            Some(seconds) if seconds > 0 => self.t.why_declined_after(&(self.clock)(at), &seconds),
            _ => self.t.why_declined(&(self.clock)(at)),
        }
    }

    /// Why nobody calls any more.
    pub fn finish(self, why: Finish, at: i64, reason: Option<&Reason>) -> String {
        let t = self.t;
        let time = (self.clock)(at);
        match why {
            Finish::Left => t.done_left(&time),
            Finish::Removed => t.done_removed(&time),
            Finish::Declined => self.declined(at, reason.and_then(|reason| reason.rang_ms)),
            Finish::CannotCome => t.done_cannot_come(&time),
            Finish::Offline => t.done_offline().to_owned(),
            Finish::NoAnswer => t.done_no_answer().to_owned(),
            Finish::NotConfirmed => t.done_not_confirmed().to_owned(),
            Finish::Dropped => t.why_dropped(&time),
            Finish::Invalid => t.why_invalid().to_owned(),
            Finish::NotAllowed => t.done_not_allowed().to_owned(),
            Finish::Unreachable => t.done_unreachable().to_owned(),
            Finish::Stopped => t.done_stopped(&time),
            // Why it did not come to a call that worked is worth more than that time ran out.
            Finish::MeetingOver => match reason {
                Some(_) => t.done_over_after(&self.reason(reason)),
                None => t.done_over().to_owned(),
            },
            Finish::Cancelled => t.done_cancelled().to_owned(),
        }
    }

    /// What happens then. Empty where nothing does.
    pub fn next(self, invitation: &Invitation) -> String {
        let t = self.t;
        match invitation.next {
            Next::Call {
                sooner,
                until_in,
                then,
                ..
            } => {
                let last = invitation
                    .tries_allowed
                    .is_some_and(|all| invitation.tries_made + 1 >= all);
                match (sooner, until_in) {
                    (Some(AtOnceWhen::HangsUp), true) => t.next_until_in_freed().to_owned(),
                    (Some(AtOnceWhen::HangsUp), false) => t.next_freed().to_owned(),
                    (Some(AtOnceWhen::BackInNetwork), _) => t.next_back().to_owned(),
                    (None, true) => t.next_until_in().to_owned(),
                    (None, false) if last => self.then(then).to_owned(),
                    (None, false) => String::new(),
                }
            }
            Next::GiveUpRinging { at } => match invitation.status {
                InvitationStatus::Calling {
                    since_at, phase, ..
                } if at > since_at => {
                    let seconds = (at - since_at) / 1000;
                    if phase == CallPhase::Answered {
                        t.next_give_up_key(&seconds)
                    } else {
                        t.next_give_up_ringing(&seconds)
                    }
                }
                _ => String::new(),
            },
            Next::JoinAtStart { at } => t.next_join(&self.short(at)),
            Next::Nothing => String::new(),
        }
    }

    fn then(self, act: LastAct) -> &'static str {
        match act {
            LastAct::Nothing => self.t.then_nothing(),
            LastAct::TellOrganiser => self.t.then_tell(),
            LastAct::SendRoomNumber | LastAct::SendJoinLater => self.t.then_message(),
            LastAct::AnnounceOffline => self.t.then_announce(),
        }
    }

    pub fn outcome(self, outcome: Outcome) -> &'static str {
        let t = self.t;
        match outcome {
            Outcome::Answered => t.outcome_answered(),
            Outcome::Busy => t.outcome_busy(),
            Outcome::Offline => t.outcome_offline(),
            Outcome::NoAnswer => t.outcome_no_answer(),
            Outcome::Declined => t.outcome_declined(),
            Outcome::NotConfirmed => t.outcome_not_confirmed(),
            Outcome::Dropped => t.outcome_dropped(),
            Outcome::Invalid => t.outcome_invalid(),
            Outcome::Network => t.outcome_network(),
            Outcome::Unknown => t.outcome_unknown(),
        }
    }

    /// How well a member is heard, in a word, and how loud that word is.
    pub fn sound(self, quality: Option<&Quality>) -> (Sound, String) {
        let t = self.t;
        let Some(quality) = quality else {
            return (Sound::Good, String::new());
        };
        let silent = quality.silent_since_at.map_or(0, |since| self.now - since);
        if silent >= SILENT_MS {
            (Sound::Gone, t.sound_gone(&(silent / 1000)))
        } else if quality.loss_percent >= CRACKLES {
            (Sound::Poor, t.sound_crackly(&quality.loss_percent.round()))
        } else if quality.loss_there_percent >= CRACKLES {
            let loss = quality.loss_there_percent.round();
            (Sound::Poor, t.sound_crackly_there(&loss))
        } else if quality.delay_ms >= LATE_MS {
            (Sound::Poor, t.sound_late(&quality.delay_ms))
        } else {
            (Sound::Good, t.sound_good().to_owned())
        }
    }

    /// The figures behind that word, for who wants them.
    pub fn sound_figures(self, member: &Member) -> String {
        let codec = match member.codec {
            Some(Codec::Pcmu) => "G.711 µ",
            Some(Codec::Pcma) => "G.711 A",
            Some(Codec::G722) => "G.722",
            Some(Codec::Opus) => "Opus",
            None => "",
        };
        let Some(quality) = member.quality else {
            return codec.to_owned();
        };
        let trip = quality
            .rtt_ms
            .map_or_else(|| "–".to_owned(), |ms| ms.to_string());
        let loss = format!(
            "{:.1} / {:.1}",
            quality.loss_percent, quality.loss_there_percent
        );
        let mos = quality
            .mos
            .map_or_else(|| "–".to_owned(), |mos| format!("{mos:.1}"));
        self.t.sound_figures(
            &codec,
            &quality.delay_ms,
            &quality.jitter_ms,
            &loss,
            &trip,
            &mos,
        )
    }

    /// `14:02`
    pub fn short(self, at: i64) -> String {
        let full = (self.clock)(at);
        full.rsplit_once(':')
            .map_or(full.clone(), |(short, _)| short.to_owned())
    }
}

/// What a member is reached by, as the card shows it.
pub fn address(member: &Member, extension: Option<&str>) -> String {
    match (&member.number, extension) {
        (Some(number), _) => format::phone(number),
        (None, Some(extension)) => extension.to_owned(),
        (None, None) => String::new(),
    }
}

/// Whether he is called until he is in: his line is busy.
fn is_until_in(next: &Next) -> bool {
    matches!(next, Next::Call { until_in: true, .. })
}

#[cfg(test)]
mod tests {
    use super::{super::fixtures::*, *};

    #[test]
    fn the_reason_comes_first_and_says_what_happened() {
        let words = words();
        let mut missing = missed(1, Outcome::NoAnswer, 2);
        assert_eq!(words.why(&missing), "Rang 2 times, nobody answered");

        missing.reason = reason(Outcome::Declined, 1, Some(6_000));
        missing.status = finished(Finish::Declined);
        assert_eq!(
            words.why(&missing),
            "Declined at 00:00:09, after 6 s of ringing"
        );
    }

    #[test]
    fn the_last_act_is_told_only_before_the_last_try() {
        let words = words();
        let mut missing = missed(1, Outcome::NoAnswer, 1);
        missing.tries_allowed = Some(3);
        missing.next = call(None, LastAct::TellOrganiser);
        missing.tries_made = 1;
        assert_eq!(words.next(&missing), "");

        missing.tries_made = 2;
        assert_eq!(words.next(&missing), "Then you are told");
    }

    #[test]
    fn a_line_that_may_come_back_says_so() {
        let mut missing = missed(1, Outcome::Offline, 1);
        missing.next = call(Some(AtOnceWhen::BackInNetwork), LastAct::AnnounceOffline);
        assert_eq!(words().next(&missing), "At once when back in the network");
    }

    #[test]
    fn sound_is_a_word_and_silence_is_worse_than_loss() {
        let words = words();
        let mut quality = quality(4.2);
        assert_eq!(
            words.sound(Some(&quality)),
            (Sound::Poor, "crackly: 4 % loss".to_owned())
        );

        quality.silent_since_at = Some(words.now - 12_000);
        assert_eq!(words.sound(Some(&quality)).0, Sound::Gone);
        let mut clear = super::super::fixtures::quality(0.1);
        assert_eq!(words.sound(Some(&clear)).1, "clear");

        clear.loss_there_percent = 6.4;
        assert_eq!(words.sound(Some(&clear)).1, "hears us crackly: 6 % loss");
    }

    #[test]
    fn what_was_seen_of_a_line_is_told_in_the_users_language() {
        let seen = |code: &str, args: &[(&str, &str)]| Text {
            code: code.to_owned(),
            args: args
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
        };
        let russian = Words {
            t: Texts(api::Language::Russian),
            ..words()
        };
        let cause = seen("cause", &[("cause", "20"), ("trunk", "North")]);
        assert_eq!(russian.seen(&cause), "причина 20, транк «North»");
        assert_eq!(
            words().seen(&seen("code", &[("code", "480")])),
            "the network answered 480"
        );
        assert_eq!(
            words().seen(&seen("camel_busy", &[("trunk", "North")])),
            "in a call, says the mobile network (trunk North)"
        );
        assert_eq!(
            words().seen(&seen("never_heard_of", &[])),
            "told by the network"
        );
    }

    #[test]
    fn the_last_reason_outlives_the_meeting() {
        let mut missing = missed(1, Outcome::Offline, 1);
        missing.status = finished(Finish::MeetingOver);
        assert_eq!(
            words().why(&missing),
            "Phone is switched off; the meeting ended first"
        );
    }

    #[test]
    fn do_not_disturb_lies_over_the_state() {
        let mut line = line(LineState::Free);
        line.dnd = true;
        assert_eq!(words().line(&line), "do not disturb");
        assert_eq!(words().shape(&line), "free, do not disturb");
    }
}
