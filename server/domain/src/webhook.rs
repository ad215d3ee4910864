//! Where a company's events are told to another program, and how far that is.
//!
//! Events are told in their order and one at a time: each until it is taken, or a
//! day old. Whoever takes them sees each at least once, under its number.

use serde::{Deserialize, Serialize};

use crate::{
    employee::Secret,
    id::{CompanyId, WebhookId},
    notice::{TRIED_FOR, Trouble},
    time::{Millis, Span},
};

/// The wait after a failure doubles from here…
const WAIT_FIRST: Span = Span::seconds(5);

/// …up to this.
const WAIT_MOST: Span = Span::minutes(30);

/// One receiver.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Webhook {
    /// Its id.
    pub id: WebhookId,
    /// Whose events it gets.
    pub company: CompanyId,
    /// Where they are sent, by POST.
    pub url: String,
    /// The kinds it wants; all of them if there are none.
    #[serde(default)]
    pub kinds: Vec<String>,
    /// When it was made.
    pub created_at: Millis,
    /// What signs them. Kept sealed, beside this.
    #[serde(skip)]
    pub secret: Option<Secret>,
    /// How it goes.
    #[serde(default)]
    pub course: Course,
}

/// How telling goes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Course {
    /// How often the event at hand was tried in vain.
    pub tries: u32,
    /// What stood in the way the last time; none while it goes well.
    pub trouble: Option<Trouble>,
    /// When an event was last taken.
    pub taken_at: Option<Millis>,
    /// How many were given up, a day old.
    pub given_up: u64,
}

impl Webhook {
    /// Whether it wants events of this kind.
    pub fn wants(&self, kind: &str) -> bool {
        self.kinds.is_empty() || self.kinds.iter().any(|wanted| wanted == kind)
    }

    /// An event was taken.
    pub fn on_taken(&mut self, now: Millis) {
        self.course.tries = 0;
        self.course.trouble = None;
        self.course.taken_at = Some(now);
    }

    /// The event of `at` was not taken. Answers when to try it again; none when it
    /// is too old: the next one is told.
    pub fn on_trouble(&mut self, trouble: Trouble, at: Millis, now: Millis) -> Option<Millis> {
        self.course.trouble = Some(trouble);
        if now >= at + TRIED_FOR {
            self.course.given_up += 1;
            self.course.tries = 0;
            return None;
        }
        let wait = WAIT_FIRST.0 << self.course.tries.min(16);
        self.course.tries += 1;
        Some(now + Span(wait.min(WAIT_MOST.0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notice::TroubleKind;

    #[test]
    fn an_event_is_told_until_it_is_a_day_old_and_then_the_next_one() {
        let at = Millis(1_000_000);
        let mut hook = Webhook {
            id: WebhookId::new(at, [1; 10]),
            company: CompanyId::new(at, [2; 10]),
            url: "https://crm.example/hook".to_owned(),
            kinds: vec!["meeting".to_owned()],
            created_at: at,
            secret: None,
            course: Course::default(),
        };
        assert!(hook.wants("meeting") && !hook.wants("person"));
        let away = || Trouble::new(TroubleKind::Unreachable, "HTTP 503");
        let (mut now, mut waits) = (at, Vec::new());
        while let Some(next) = hook.on_trouble(away(), at, now) {
            waits.push(next - now);
            now = next;
        }
        assert_eq!(
            waits[..3],
            [Span::seconds(5), Span::seconds(10), Span::seconds(20)]
        );
        assert_eq!(waits.last(), Some(&WAIT_MOST));
        assert!(now >= at + TRIED_FOR);
        assert_eq!((hook.course.given_up, hook.course.tries), (1, 0));
        hook.on_taken(now);
        assert_eq!(hook.course.trouble, None);
    }
}
