//! Those who stand at the door until a moderator lets them in.
//!
//! By key, on the board and by the API it is decided here, so that all of them lead to
//! the same [`Output`]s. Moderators hear who waits: the first one at once, and the next
//! one when it is his turn.

use std::collections::VecDeque;

use super::{LiveRoom, Output};
use crate::{
    id::MemberId,
    role::Role,
    speech::{self, Phrase},
};

/// One who waits to be let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// The member he becomes.
    pub id: MemberId,
    /// How he is spoken of.
    pub name: Vec<Phrase>,
}

impl LiveRoom {
    /// Somebody asks to be let in: the moderators hear of him, unless they have yet to
    /// decide about somebody before him.
    pub fn knock(&mut self, waiting: Waiting) {
        if self.lobby.iter().any(|one| one.id == waiting.id) {
            return;
        }
        self.lobby.push_back(waiting);
        if self.lobby.len() == 1 {
            self.tell_moderators_who_waits();
        }
    }

    /// Whoever asked to be let in is gone. False when he did not wait.
    pub fn stop_knocking(&mut self, id: MemberId) -> bool {
        let before = self.lobby.len();
        let was_first = self.lobby.front().is_some_and(|first| first.id == id);
        self.lobby.retain(|one| one.id != id);
        if was_first {
            self.tell_moderators_who_waits();
        }
        self.lobby.len() < before
    }

    /// Those who wait to be let in, first to last.
    pub fn waiting(&self) -> impl Iterator<Item = &Waiting> {
        self.lobby.iter()
    }

    /// The board decides: the moderators hear who is the first to wait now.
    pub(super) fn decide_unheard(&mut self, wanted: Option<MemberId>, lets_in: bool) {
        let before = self.lobby.front().map(|first| first.id);
        self.decide(wanted, lets_in);
        if self.lobby.front().map(|first| first.id) != before {
            self.tell_moderators_who_waits();
        }
    }

    /// Lets one of them in or sends him away; with none, all of them.
    fn decide(&mut self, wanted: Option<MemberId>, lets_in: bool) {
        let (decided, left): (VecDeque<Waiting>, VecDeque<Waiting>) =
            std::mem::take(&mut self.lobby)
                .into_iter()
                .partition(|one| wanted.is_none_or(|id| id == one.id));
        self.lobby = left;
        self.outputs.extend(decided.into_iter().map(|one| {
            let member = one.id;
            match lets_in {
                true => Output::LetIn { member },
                false => Output::SendAway { member },
            }
        }));
    }

    /// `**7` lets the first one in, `**8` sends him away, `**9` lets all in.
    pub(super) fn on_lobby_key(&mut self, moderator: MemberId, digit: char) {
        let Some(first) = self.lobby.front().map(|first| first.id) else {
            return self.tell(moderator, speech::nobody_waits());
        };
        let (wanted, lets_in) = match digit {
            '7' => (Some(first), true),
            '8' => (Some(first), false),
            _ => (None, true),
        };
        self.decide(wanted, lets_in);
        let mut phrases = match wanted {
            Some(_) => speech::decided(lets_in),
            None => speech::all_let_in(),
        };
        phrases.extend(self.who_waits());
        self.tell(moderator, phrases);
    }

    /// Who is the first to wait, and by which keys it is decided; nothing when nobody waits.
    pub(super) fn who_waits(&self) -> Vec<Phrase> {
        self.lobby
            .front()
            .map(|first| speech::waits_to_be_let_in(first.name.clone()))
            .unwrap_or_default()
    }

    fn tell_moderators_who_waits(&mut self) {
        let phrases = self.who_waits();
        if phrases.is_empty() {
            return;
        }
        let moderators: Vec<MemberId> = self
            .members
            .values()
            .filter(|member| member.role == Role::Moderator)
            .map(|member| member.id)
            .collect();
        for moderator in moderators {
            self.tell(moderator, phrases.clone());
        }
    }
}
