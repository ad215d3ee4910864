//! What the board asks of the server, and what it says about that: toasts, questions, cards that
//! read "Calling…". Nothing is drawn as done here: the server's event does that.

use std::time::Duration;

use api::{ChangeMember, Dial, Role};
use leptos::{prelude::*, task::spawn_local};

use crate::{
    client::{self, Failure, write},
    feed::Feed,
    live::{
        offers::{Act, Offer, Place},
        words::Words,
    },
    texts::Texts,
};

/// How long an act can be taken back.
const UNDO_S: u32 = 10;
/// How long a sentence without a button stays.
const READ: Duration = Duration::from_secs(6);

/// A sentence at the foot of the board.
#[derive(Debug, Clone, PartialEq)]
pub struct Toast {
    pub id: u32,
    pub text: String,
    pub bad: bool,
    pub undo: Option<Call>,
    /// Seconds until it goes; counted down on the button.
    pub left_s: u32,
}

/// A request, ready to be sent.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    pub method: &'static str,
    pub path: String,
    pub body: Option<String>,
}

/// A question that stands in the slot, and the act that follows a yes.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    pub place: Place,
    pub text: String,
    pub act: Act,
}

#[derive(Clone, Copy)]
pub struct Acts {
    feed: Feed,
    texts: RwSignal<Texts>,
    pub toast: RwSignal<Option<Toast>>,
    pub question: RwSignal<Option<Question>>,
    /// Sent and not yet answered: the card in this place reads so.
    pub under_way: RwSignal<Vec<(u32, Place, String)>>,
    /// The last step, for screen readers.
    pub said: RwSignal<String>,
    /// People dropped into the form of a meeting; the form takes them from here.
    pub invited: RwSignal<Vec<api::EmployeeId>>,
    /// Likewise, somebody dragged out of it.
    pub uninvited: RwSignal<Option<api::EmployeeId>>,
    counter: StoredValue<u32>,
}

impl Acts {
    pub fn new(feed: Feed, texts: RwSignal<Texts>) -> Self {
        Self {
            feed,
            texts,
            toast: RwSignal::new(None),
            question: RwSignal::new(None),
            under_way: RwSignal::new(Vec::new()),
            said: RwSignal::new(String::new()),
            invited: RwSignal::new(Vec::new()),
            uninvited: RwSignal::new(None),
            counter: StoredValue::new(0),
        }
    }

    pub fn say(self, sentence: String) {
        self.said.set(sentence);
    }

    /// What a place offered is taken up: asked about first, refused, or done.
    pub fn take(self, place: Place, offer: Offer) {
        match offer {
            Offer::None => {}
            Offer::Refuse(why) => {
                self.say(why.clone());
                self.show(why, true, None);
            }
            Offer::Take {
                act,
                ask: Some(text),
                ..
            } => {
                self.say(text.clone());
                self.question.set(Some(Question { place, text, act }));
            }
            Offer::Take { act, .. } => self.perform(place, act),
        }
    }

    pub fn answer(self, yes: bool) {
        if let Some(question) = self.question.get_untracked() {
            self.question.set(None);
            if yes {
                self.perform(question.place, question.act);
            }
        }
    }

    pub fn perform(self, place: Place, act: Act) {
        let t = self.texts.get_untracked();
        if let Act::Invite { person } = act {
            return self.invited.set(vec![person]);
        }
        if let Act::Uninvite { person } = act {
            return self.uninvited.set(Some(person));
        }
        if !untrack(|| self.feed.is_up()) {
            return self.show(t.line_wait().to_owned(), true, None);
        }
        let Some(request) = self.request(&act) else {
            return;
        };
        let done = self.sentence(&act);
        let undo = self.undo(&act);
        let name = self.name(&act);
        let card = self.next();
        if matches!(
            act,
            Act::Call { .. } | Act::CallAgain { .. } | Act::Expect { .. }
        ) {
            self.under_way
                .update(|cards| cards.push((card, place, t.calling_name(&name))));
        }
        spawn_local(async move {
            let answer = client::act(request.method, &request.path, request.body).await;
            self.under_way
                .update(|cards| cards.retain(|(id, ..)| *id != card));
            match answer {
                Ok(()) => {
                    if let Some(done) = done {
                        self.say(done.clone());
                        self.show(done, false, undo);
                    }
                }
                Err(failure) => self.fail(&failure),
            }
        });
    }

    /// Sends something that has no place on the board. `done` is said when it went well.
    pub fn send(self, request: Call, done: Option<String>) {
        if !untrack(|| self.feed.is_up()) {
            let t = self.texts.get_untracked();
            return self.show(t.line_wait().to_owned(), true, None);
        }
        spawn_local(async move {
            match client::act(request.method, &request.path, request.body).await {
                Ok(()) => {
                    if let Some(done) = done {
                        self.show(done, false, None);
                    }
                }
                Err(failure) => self.fail(&failure),
            }
        });
    }

    pub fn fail(self, failure: &Failure) {
        let sentence = failure.sentence(self.texts.get_untracked());
        self.say(sentence.clone());
        self.show(sentence, true, None);
    }

    pub fn show(self, text: String, bad: bool, undo: Option<Call>) {
        let id = self.next();
        let counted = undo.is_some();
        self.toast.set(Some(Toast {
            id,
            text,
            bad,
            undo,
            left_s: UNDO_S,
        }));
        if counted {
            self.count_down(id);
        } else {
            set_timeout(move || self.dismiss(id), READ);
        }
    }

    pub fn dismiss(self, id: u32) {
        if self
            .toast
            .with_untracked(|toast| toast.as_ref().is_some_and(|toast| toast.id == id))
        {
            self.toast.set(None);
        }
    }

    fn count_down(self, id: u32) {
        let second = move || {
            let over = self.toast.try_update(|toast| match toast {
                Some(toast) if toast.id == id => {
                    toast.left_s = toast.left_s.saturating_sub(1);
                    toast.left_s == 0
                }
                Some(_) | None => false,
            });
            match over {
                Some(true) => self.dismiss(id),
                Some(false)
                    if self
                        .toast
                        .with_untracked(|t| t.as_ref().is_some_and(|t| t.id == id)) =>
                {
                    self.count_down(id);
                }
                Some(false) | None => {}
            }
        };
        set_timeout(second, Duration::from_secs(1));
    }

    fn next(self) -> u32 {
        self.counter.update_value(|counter| *counter += 1);
        self.counter.get_value()
    }

    fn request(self, act: &Act) -> Option<Call> {
        let call = |method, path, body| Some(Call { method, path, body });
        match act {
            Act::Call { room, person, role } => dial_person(*room, *person, *role),
            // The same request: the server calls by the rules until the person is in.
            Act::Expect { room, person } => dial_person(*room, *person, Role::Speaker),
            Act::CallAgain { invitation } => {
                call("POST", format!("invitations/{invitation}/call"), None)
            }
            Act::StopCalling { invitation } => {
                call("POST", format!("invitations/{invitation}/stop"), None)
            }
            Act::TakeOut { room, member } => {
                call("DELETE", format!("rooms/{room}/members/{member}"), None)
            }
            Act::SetRole { room, member, role } => change(
                *room,
                *member,
                ChangeMember {
                    role: Some(*role),
                    ..ChangeMember::default()
                },
            ),
            Act::Invite { .. } | Act::Uninvite { .. } => None,
        }
    }

    fn sentence(self, act: &Act) -> Option<String> {
        let t = self.texts.get_untracked();
        let name = self.name(act);
        match act {
            Act::TakeOut { .. } => Some(t.done_taken_out(&name)),
            Act::SetRole { role, .. } => {
                let words = Words {
                    t,
                    clock: crate::clock::time,
                    now: 0,
                };
                Some(t.done_role(&name, &words.role(*role).to_lowercase()))
            }
            Act::StopCalling { .. } => Some(t.done_gave_up(&name)),
            Act::Call { .. }
            | Act::CallAgain { .. }
            | Act::Expect { .. }
            | Act::Invite { .. }
            | Act::Uninvite { .. } => None,
        }
    }

    /// The request that takes it back. A ring that has begun cannot be taken back.
    fn undo(self, act: &Act) -> Option<Call> {
        self.feed.peek(|live| match act {
            Act::TakeOut { room, member } => {
                let member = live.members.get(member)?;
                match (member.employee_id, &member.number) {
                    (Some(person), _) => dial_person(*room, person, member.role),
                    (None, Some(number)) => {
                        dial_number(*room, number, Some(&member.name), member.role)
                    }
                    (None, None) => None,
                }
            }
            Act::SetRole { room, member, .. } => {
                let role = live.members.get(member)?.role;
                change(
                    *room,
                    *member,
                    ChangeMember {
                        role: Some(role),
                        ..ChangeMember::default()
                    },
                )
            }
            Act::StopCalling { invitation } => self.request(&Act::CallAgain {
                invitation: *invitation,
            }),
            Act::Call { .. }
            | Act::CallAgain { .. }
            | Act::Expect { .. }
            | Act::Invite { .. }
            | Act::Uninvite { .. } => None,
        })
    }

    fn name(self, act: &Act) -> String {
        self.feed
            .peek(|live| match act {
                Act::Call { person, .. }
                | Act::Expect { person, .. }
                | Act::Invite { person }
                | Act::Uninvite { person } => {
                    live.people.get(person).map(|person| person.name.clone())
                }
                Act::CallAgain { invitation } | Act::StopCalling { invitation } => live
                    .invitations
                    .get(invitation)
                    .map(|missing| missing.name.clone()),
                Act::TakeOut { member, .. } | Act::SetRole { member, .. } => {
                    live.members.get(member).map(|member| member.name.clone())
                }
            })
            .unwrap_or_default()
    }
}

fn dial_person(room: api::RoomId, person: api::EmployeeId, role: Role) -> Option<Call> {
    let body = Dial {
        employee_id: Some(person),
        number: None,
        name: None,
        role,
    };
    Some(Call {
        method: "POST",
        path: format!("rooms/{room}/members"),
        body: Some(write(&body)),
    })
}

pub fn do_not_disturb(person: api::EmployeeId, on: bool) -> Call {
    let wish = api::DoNotDisturb { on, until_at: None };
    Call {
        method: "PUT",
        path: format!("people/{person}/do-not-disturb"),
        body: Some(write(&wish)),
    }
}

pub fn dial_number(
    room: api::RoomId,
    number: &str,
    name: Option<&str>,
    role: Role,
) -> Option<Call> {
    let body = Dial {
        employee_id: None,
        number: Some(number.to_owned()),
        name: name.map(str::to_owned),
        role,
    };
    Some(Call {
        method: "POST",
        path: format!("rooms/{room}/members"),
        body: Some(write(&body)),
    })
}

pub fn change(room: api::RoomId, member: api::MemberId, change: ChangeMember) -> Option<Call> {
    Some(Call {
        method: "PATCH",
        path: format!("rooms/{room}/members/{member}"),
        body: Some(write(&change)),
    })
}
