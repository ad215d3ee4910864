//! What reaches people in writing: a mail or a short message, and how far it is.
//!
//! A notice is a row that is written with whatever caused it, so that neither is
//! there without the other. Whoever sends it reads the row, tries, and gives the
//! row the result; a crash in between may send it twice, under the same id, but
//! never loses it. It is tried again until it is of no use any more.

use serde::{Deserialize, Serialize};

use crate::{
    id::{CompanyId, InvitationId, NoticeId, OccurrenceId},
    number::PhoneNumber,
    time::{Millis, Span},
};

/// How long an undelivered notice is tried.
pub const TRIED_FOR: Span = Span::minutes(24 * 60);

/// The waits after the first failures; the last one is repeated.
const WAITS: [Span; 8] = [
    Span::seconds(10),
    Span::seconds(30),
    Span::minutes(1),
    Span::minutes(2),
    Span::minutes(5),
    Span::minutes(10),
    Span::minutes(20),
    Span::minutes(30),
];

/// How long a notice waits while nothing is set up to send it by. Setting something up
/// makes it due at once.
pub const UNSENDABLE_WAIT: Span = Span::minutes(30);

/// One mail or short message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// Its id: the same at every try.
    pub id: NoticeId,
    /// Whose it is.
    pub company: CompanyId,
    /// What it is about.
    pub about: About,
    /// Of which date.
    #[serde(default)]
    pub occurrence: Option<OccurrenceId>,
    /// Of whom: he need not be the one who gets it.
    #[serde(default)]
    pub invitation: Option<InvitationId>,
    /// Who gets it.
    pub to: Address,
    /// His name, for people to read.
    #[serde(default)]
    pub name: Option<String>,
    /// Whom an answer by mail goes to.
    #[serde(default)]
    pub reply_to: Option<String>,
    /// What it says.
    pub content: Content,
    /// When it was written.
    pub created_at: Millis,
    /// After this it is of no use.
    pub useless_at: Millis,
    /// How often it was tried.
    pub tries: u32,
    /// What stood in the way the last time.
    #[serde(default)]
    pub trouble: Option<Trouble>,
    /// How far it is.
    pub state: State,
}

/// What a notice is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum About {
    /// He is invited.
    Invitation,
    /// The meeting has changed.
    Change,
    /// It does not take place, or not with him.
    CallingOff,
    /// It begins soon.
    Reminder,
    /// He did not come to the phone: the room's number.
    RoomNumber,
    /// He declined: he may join later.
    JoinLater,
    /// The organiser is told that somebody does not come.
    NotComing,
    /// The organiser gets the report.
    Report,
}

/// Who gets it, and by which way.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Address {
    /// A mailbox.
    Mail(String),
    /// A mobile.
    Sms(PhoneNumber),
}

/// What it says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Content {
    /// A text, with a subject where it goes by mail.
    Text {
        /// The subject of a mail.
        subject: String,
        /// The text.
        text: String,
        /// A calendar object that goes with a mail.
        #[serde(default)]
        calendar: Option<Calendar>,
    },
    /// The report of its date, as it is when it is sent.
    Report,
    /// Its date begins soon, if it still does when this is sent.
    Reminder {
        /// When it was to begin.
        starts_at: Millis,
    },
}

/// An iCalendar object (RFC 5545) as iTIP sends it (RFC 5546).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Calendar {
    /// What it asks for.
    pub method: Method,
    /// The object.
    pub text: String,
}

/// What a calendar object asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    /// Put it in, or in the place of what is there.
    Request,
    /// Take it out.
    Cancel,
}

/// How far a notice is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum State {
    /// To be sent.
    Waiting {
        /// When.
        due_at: Millis,
    },
    /// The other side has taken it.
    Sent {
        /// When.
        at: Millis,
    },
    /// Given up.
    Failed {
        /// When.
        at: Millis,
    },
}

/// Why it was not sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// What kind it is.
    pub kind: TroubleKind,
    /// What the other side said, or what we saw.
    #[serde(default)]
    pub detail: String,
}

/// What stood in the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum TroubleKind {
    /// Nothing is set up to send it by. It may be later.
    NotConfigured,
    /// The other side does not answer, or not in time, or cannot now.
    Unreachable,
    /// The other side refuses it for good.
    Refused,
    /// There was nothing to tell any more.
    OutOfUse,
}

impl Trouble {
    /// Trouble of a kind, with what was seen.
    pub fn new(kind: TroubleKind, detail: impl Into<String>) -> Self {
        let detail: String = detail.into();
        // It is shown: what another server says has no bounds of its own.
        let detail = detail
            .chars()
            .map(|sign| if sign.is_control() { ' ' } else { sign })
            .take(300)
            .collect();
        Self { kind, detail }
    }
}

impl Notice {
    /// A notice that is to be sent at once, for a day.
    pub fn new(
        id: NoticeId,
        company: CompanyId,
        about: About,
        to: Address,
        content: Content,
        now: Millis,
    ) -> Self {
        Self {
            id,
            company,
            about,
            occurrence: None,
            invitation: None,
            to,
            name: None,
            reply_to: None,
            content,
            created_at: now,
            useless_at: now + TRIED_FOR,
            tries: 0,
            trouble: None,
            state: State::Waiting { due_at: now },
        }
    }

    /// When it is to be tried; none when it is not any more.
    pub fn due_at(&self) -> Option<Millis> {
        match self.state {
            State::Waiting { due_at } => Some(due_at),
            State::Sent { .. } | State::Failed { .. } => None,
        }
    }

    /// It is out of use before it could be sent.
    pub fn is_useless(&self, now: Millis) -> bool {
        now >= self.useless_at
    }

    /// The other side took it.
    pub fn on_sent(&mut self, now: Millis) {
        if let State::Waiting { .. } = self.state {
            self.tries += 1;
            self.trouble = None;
            self.state = State::Sent { at: now };
        }
    }

    /// It could not be sent: again later, unless it is refused or of no use by then.
    pub fn on_trouble(&mut self, trouble: Trouble, now: Millis) {
        let State::Waiting { .. } = self.state else {
            return;
        };
        let (counts, next) = match trouble.kind {
            // No failure, and it may be sent as long as it is of use.
            TroubleKind::NotConfigured => {
                let next = (now + UNSENDABLE_WAIT).min(self.useless_at);
                (false, (next > now).then_some(next))
            }
            TroubleKind::Unreachable => {
                let next = now + wait_after(self.tries + 1);
                (true, (next < self.useless_at).then_some(next))
            }
            TroubleKind::Refused => (true, None),
            TroubleKind::OutOfUse => (false, None),
        };
        self.tries += u32::from(counts);
        self.trouble = Some(trouble);
        self.state = match next {
            Some(due_at) => State::Waiting { due_at },
            None => State::Failed { at: now },
        };
    }

    /// Its time ran out before anybody could try.
    pub fn give_up(&mut self, now: Millis) {
        if let State::Waiting { .. } = self.state {
            let out_of_use = || Trouble::new(TroubleKind::OutOfUse, "");
            self.trouble.get_or_insert_with(out_of_use);
            self.state = State::Failed { at: now };
        }
    }
}

/// The wait after so many failures.
fn wait_after(tries: u32) -> Span {
    let place = usize::try_from(tries.saturating_sub(1)).unwrap_or(usize::MAX);
    WAITS.get(place).copied().unwrap_or(WAITS[WAITS.len() - 1])
}

/// Where mails wait: all go by one server.
pub const MAIL_QUEUE: &str = "mail";

/// Where a company's short messages wait.
pub fn sms_queue(company: CompanyId) -> String {
    format!("sms {company}")
}

impl Address {
    /// The queue in which it waits: those of one queue share a way, and no
    /// other waits for them.
    pub fn queue(&self, company: CompanyId) -> String {
        match self {
            Self::Mail(_) => MAIL_QUEUE.to_owned(),
            Self::Sms(_) => sms_queue(company),
        }
    }
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Mail(address) => f.write_str(address),
            Self::Sms(number) => number.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Millis = Millis(1_000_000);

    fn notice() -> Notice {
        Notice::new(
            NoticeId::new(NOW, [1; 10]),
            CompanyId::new(NOW, [2; 10]),
            About::RoomNumber,
            Address::Mail("oleg@northway.example".to_owned()),
            Content::Report,
            NOW,
        )
    }

    fn away() -> Trouble {
        Trouble::new(TroubleKind::Unreachable, "no answer within 20 s")
    }

    #[test]
    fn a_server_that_is_away_is_tried_for_a_day_with_growing_waits() {
        let mut one = notice();
        let mut now = NOW;
        let mut waits = Vec::new();
        while let Some(due_at) = one.due_at() {
            waits.push(due_at - now);
            now = due_at;
            one.on_trouble(away(), now);
        }

        assert_eq!(waits[..4], [Span::ZERO, WAITS[0], WAITS[1], WAITS[2]]);
        assert!(waits.is_sorted());
        assert!(now < NOW + TRIED_FOR && now > NOW + TRIED_FOR - Span::minutes(31));
        assert_eq!(one.state, State::Failed { at: now });
        assert_eq!(one.trouble, Some(away()));
    }

    #[test]
    fn what_is_refused_for_good_is_not_tried_again() {
        let mut one = notice();
        one.on_trouble(Trouble::new(TroubleKind::Refused, "550 no such user"), NOW);
        assert_eq!(one.state, State::Failed { at: NOW });
        one.on_sent(NOW + Span(1));
        assert_eq!(one.state, State::Failed { at: NOW });
    }

    #[test]
    fn a_word_on_the_room_is_of_no_use_after_the_end() {
        let mut one = notice();
        one.useless_at = NOW + Span::seconds(25);
        one.on_trouble(away(), NOW);
        one.on_trouble(away(), NOW + Span::seconds(10));
        assert_eq!(
            one.state,
            State::Failed {
                at: NOW + Span::seconds(10)
            }
        );
    }

    #[test]
    fn what_nothing_is_set_up_for_waits_long_and_counts_no_try() {
        let nothing_set_up = || Trouble::new(TroubleKind::NotConfigured, "");
        let mut one = notice();
        let mut now = NOW;
        one.on_trouble(nothing_set_up(), now);
        assert_eq!((one.tries, one.due_at()), (0, Some(NOW + UNSENDABLE_WAIT)));

        let mut looks = 1;
        while let Some(due_at) = one.due_at().filter(|_| !one.is_useless(now)) {
            now = due_at;
            one.on_trouble(nothing_set_up(), now);
            looks += 1;
        }
        assert_eq!(looks, 49, "twice an hour, for a day");
        assert_eq!(now, one.useless_at, "it could have been sent until then");
        assert_eq!(one.state, State::Failed { at: now });
    }

    #[test]
    fn what_another_server_says_is_short_and_on_one_line() {
        let said = Trouble::new(TroubleKind::Refused, format!("550\r\n{}", "x".repeat(999)));
        assert_eq!(said.detail.chars().count(), 300);
        assert!(!said.detail.contains('\n'));
    }
}
