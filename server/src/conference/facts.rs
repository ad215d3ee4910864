//! What holds here: the names, the hours, the language and the rules.

use domain::{
    Millis, Span, Zone, attempt::Attempt, company::Language, meeting::Invitee, numbering,
    rules::RetryRules,
};

use super::{Conference, party::Who};
use crate::{clock, wire};

impl Conference {
    /// Whom an attempt calls.
    pub(super) fn who(&self, attempt: &Attempt) -> Who {
        let seat = self
            .seats
            .get(&attempt.invitation)
            .map(|seat| &seat.invitation);
        let invitee = seat.map(|one| one.invitee.clone());
        Who {
            name: invitee
                .as_ref()
                .map(|invitee| self.name_of(invitee))
                .unwrap_or_default(),
            role: seat.map(|one| one.role).unwrap_or_default(),
            invitee,
            class: attempt.route.class,
            line: Some(attempt.route.line.clone()),
            invitation: Some(attempt.invitation),
        }
    }

    pub(super) fn name_of(&self, invitee: &Invitee) -> String {
        match invitee {
            Invitee::Employee(id) => self
                .shared
                .book
                .page()
                .company(self.company)
                .and_then(|company| company.employee(*id))
                .map_or_else(|| "?".to_owned(), |employee| employee.name.clone()),
            Invitee::Outside { name, number } => name.clone().unwrap_or_else(|| number.to_string()),
        }
    }

    pub(super) fn zone_of(&self, invitee: &Invitee) -> Zone {
        let page = self.shared.book.page();
        let company = page.company(self.company);
        let own = match invitee {
            Invitee::Employee(id) => company
                .and_then(|company| company.employee(*id))
                .and_then(|employee| employee.zone),
            Invitee::Outside { number, .. } => {
                match numbering::zones_of(number, self.home_zone())[..] {
                    [zone] => Some(zone),
                    _ => None,
                }
            }
        };
        own.unwrap_or_else(|| self.home_zone())
    }

    /// Where his clock may hang: more than one where his number does not tell.
    pub(super) fn zones_of(&self, invitee: &Invitee) -> Vec<Zone> {
        let zones = match invitee {
            Invitee::Employee(_) => Vec::new(),
            Invitee::Outside { number, .. } => numbering::zones_of(number, self.home_zone()),
        };
        if zones.is_empty() {
            return vec![self.zone_of(invitee)];
        }
        zones
    }

    /// Where the company's clock hangs.
    pub(super) fn home_zone(&self) -> Zone {
        let page = self.shared.book.page();
        let company = page.company(self.company);
        company
            .map(|company| company.company.zone)
            .unwrap_or_default()
    }

    pub(super) fn language(&self) -> Language {
        let company = || {
            self.shared
                .book
                .page()
                .company(self.company)
                .map(|company| company.company.language)
        };
        self.meeting
            .as_ref()
            .and_then(|meeting| meeting.language)
            .or_else(company)
            .unwrap_or_default()
    }

    pub(super) fn title(&self) -> String {
        let page = self.shared.book.page();
        let room = || {
            page.room(self.room)
                .map(|(_, room)| room.name.clone())
                .unwrap_or_default()
        };
        self.occurrence
            .as_ref()
            .map(|held| held.value.title.clone())
            .filter(|title| !title.is_empty())
            .unwrap_or_else(room)
    }

    /// The meeting's rules, else the company's.
    pub(super) fn rules(&self) -> RetryRules {
        let company = || {
            self.shared
                .book
                .page()
                .company(self.company)
                .map(|company| company.company.rules.clone())
        };
        self.meeting
            .as_ref()
            .and_then(|meeting| meeting.rules.clone())
            .or_else(company)
            .unwrap_or_default()
    }

    /// How long before the start those who call are let in.
    pub(super) fn early(&self) -> Span {
        self.meeting
            .as_ref()
            .map_or(Span::ZERO, |meeting| meeting.early_ms)
    }

    /// When what is held here begins and ends. An open room has no hours.
    pub(super) fn times(&self) -> (Millis, Millis) {
        self.occurrence
            .as_ref()
            .map_or((Millis(0), Millis(i64::MAX)), |held| {
                (held.value.begins_at(clock::now()), held.value.ends_at)
            })
    }

    /// The audio of a call, in the media threads' words.
    pub(super) fn connect(&mut self, leg: media::LegId, media: sip::NegotiatedMedia) {
        self.shared.media.connect(leg, wire::stream(&media));
        if let Some(party) = self.parties.get_mut(&leg) {
            party.codec = Some(media.codec);
        }
    }
}
