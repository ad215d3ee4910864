//! What became of a date, for people to read: who came and when, who did not and
//! why, and every call. As a mail's text, and as a table for a spreadsheet.

use std::collections::BTreeMap;

use domain::{
    EmployeeId, InvitationId, Language, Millis, Zone,
    attempt::Attempt,
    invitation::{Invitation, Status as InvitationStatus},
    meeting::{Invitee, Meeting},
    occurrence::{Occurrence, Status},
};
use store::{CompanyDirectory, Store, StoreError, VisitRow};

use super::{address::Ways, last_act::finish_key, words};
use crate::web::resources;

/// A date with everything that is on record about it.
pub struct Report {
    pub occurrence: Occurrence,
    pub meeting: Option<Meeting>,
    pub invitations: Vec<Invitation>,
    pub attempts: BTreeMap<InvitationId, Vec<Attempt>>,
    pub visits: Vec<VisitRow>,
}

impl Report {
    pub async fn read(
        store: &Store,
        directory: &CompanyDirectory,
        id: domain::OccurrenceId,
    ) -> Result<Self, StoreError> {
        let occurrence = store.occurrence(directory.company.id, id).await?.value;
        let meeting = match occurrence.meeting {
            Some(id) => store
                .meeting_or_removed(id)
                .await?
                .map(|(meeting, _)| meeting),
            None => None,
        };
        let mut attempts: BTreeMap<InvitationId, Vec<Attempt>> = BTreeMap::new();
        for attempt in store.attempts_of(id).await? {
            attempts
                .entry(attempt.invitation)
                .or_default()
                .push(attempt);
        }
        let rows = store.invitations(id).await?;
        Ok(Self {
            occurrence,
            meeting,
            invitations: rows.into_iter().map(|row| row.invitation).collect(),
            attempts,
            visits: store.visits(id).await?,
        })
    }

    /// What it is called.
    pub fn title(&self, directory: &CompanyDirectory) -> String {
        if !self.occurrence.title.is_empty() {
            return self.occurrence.title.clone();
        }
        let room = directory.room(self.occurrence.room);
        room.map(|room| room.name.clone()).unwrap_or_default()
    }

    /// How all the talking is shared, by stay; nothing where nobody's was measured.
    pub fn shares(visits: &[VisitRow]) -> Vec<Option<u32>> {
        let talked = |visit: &VisitRow| visit.talked_ms.map_or(0, |talked| talked.max(0));
        let all: i64 = visits.iter().map(talked).sum();
        let share = |visit: &VisitRow| {
            visit.talked_ms?;
            u32::try_from((talked(visit) * 100 + all / 2).checked_div(all)?).ok()
        };
        visits.iter().map(share).collect()
    }

    /// The mail: its subject and its text.
    pub fn letter(
        &self,
        directory: &CompanyDirectory,
        zone: Zone,
        language: Language,
    ) -> (String, String) {
        let say = |key: &str, gaps: &[(&str, &str)]| words::say(language, key, gaps);
        let title = self.title(directory);
        let when = words::date_and_time(self.occurrence.starts_at, zone, language);
        let head = [("title", title.as_str()), ("when", when.as_str())];
        let subject = say("report.subject", &head);
        let mut text = say("report.head", &head);
        if let Status::Missed { .. } = self.occurrence.status {
            text += &say("report.missed", &[]);
        } else if self.occurrence.late {
            text += &say("report.late", &[]);
        }
        let shares = Self::shares(&self.visits);
        text += &say("report.came", &[("n", &self.came().to_string())]);
        for (visit, share) in self.visits.iter().zip(shares) {
            let from = words::time(visit.joined_at, zone);
            let until = visit
                .left_at
                .map_or_else(|| "…".to_owned(), |at| words::time(at, zone));
            let line = format!("  {}: {from}–{until}", visit.name);
            text += &line;
            if let Some(share) = share {
                text += &say("report.talked", &[("share", &share.to_string())]);
            }
            text.push('\n');
        }
        let missed: Vec<&Invitation> = self
            .invitations
            .iter()
            .filter(|one| !self.has_come(one))
            .collect();
        if !missed.is_empty() {
            text += &say("report.not_come", &[("n", &missed.len().to_string())]);
        }
        for one in missed {
            let name = Ways::to(&one.invitee, directory, self.meeting.as_ref()).name;
            let why = self.why(one).map_or_else(
                || say("report.not_called", &[]),
                |key| say(&format!("why.{key}"), &[]),
            );
            let calls = self.attempts.get(&one.id).map_or(0, Vec::len).to_string();
            let gaps = [
                ("name", name.as_str()),
                ("why", why.as_str()),
                ("calls", calls.as_str()),
            ];
            text += &say("report.one", &gaps);
        }
        text += "\n";
        text += &directory.company.name;
        text += "\n";
        (subject, text)
    }

    /// How many people came.
    fn came(&self) -> usize {
        let mut keys: Vec<(Option<EmployeeId>, Option<String>, &str)> = self
            .visits
            .iter()
            .map(|visit| {
                let number = visit
                    .number
                    .as_ref()
                    .map(|number| number.digits().to_owned());
                let name = if visit.employee.is_none() && number.is_none() {
                    visit.name.as_str()
                } else {
                    ""
                };
                (visit.employee, number, name)
            })
            .collect();
        keys.sort();
        keys.dedup();
        keys.len()
    }

    fn has_come(&self, one: &Invitation) -> bool {
        self.visits.iter().any(|visit| match &one.invitee {
            Invitee::Employee(id) => visit.employee == Some(*id),
            Invitee::Outside { number, .. } => visit
                .number
                .as_ref()
                .is_some_and(|known| known.same_line(number)),
        })
    }

    fn why(&self, one: &Invitation) -> Option<&'static str> {
        match one.status() {
            InvitationStatus::Finished { why, .. } => Some(finish_key(*why)),
            InvitationStatus::Waiting { .. }
            | InvitationStatus::Calling { .. }
            | InvitationStatus::Held { .. }
            | InvitationStatus::InRoom { .. } => None,
        }
    }

    /// The table: one line for each stay, each call, and each one who did not come.
    pub fn csv(&self, directory: &CompanyDirectory) -> String {
        let zone = directory.company.zone;
        let clock = |at: Option<Millis>| at.map_or_else(String::new, |at| stamp(at, zone));
        let seconds = |from: Millis, until: Option<Millis>| {
            until.map_or_else(String::new, |until| (until - from).as_seconds().to_string())
        };
        let mut table = Table::default();
        table.line(&HEAD.map(str::to_owned));
        for (visit, share) in self.visits.iter().zip(Self::shares(&self.visits)) {
            let mut line = Line::new("stay", &visit.name);
            line.set("number", visit.number.as_ref().map(ToString::to_string));
            line.set("from", Some(clock(Some(visit.joined_at))));
            line.set("until", Some(clock(visit.left_at)));
            line.set("seconds", Some(seconds(visit.joined_at, visit.left_at)));
            line.set(
                "talked_s",
                visit.talked_ms.map(|talked| (talked / 1000).to_string()),
            );
            line.set("talk_share", share.map(|share| share.to_string()));
            line.set("ending", visit.why.clone());
            table.line(&line.0);
        }
        for one in &self.invitations {
            let name = Ways::to(&one.invitee, directory, self.meeting.as_ref()).name;
            let number = match &one.invitee {
                Invitee::Outside { number, .. } => Some(number.to_string()),
                Invitee::Employee(_) => None,
            };
            let rsvp = one.rsvp().map(resources::rsvp).and_then(word);
            for attempt in self.attempts.get(&one.id).into_iter().flatten() {
                let shown = resources::attempt(attempt, directory);
                let mut line = Line::new("call", &name);
                line.set("number", number.clone());
                line.set("role", word(one.role));
                line.set("rsvp", rsvp.clone());
                line.set("try", Some(shown.number.to_string()));
                line.set("from", Some(clock(Some(attempt.started_at))));
                line.set("until", Some(clock(attempt.ended_at)));
                line.set(
                    "seconds",
                    Some(seconds(attempt.started_at, attempt.ended_at)),
                );
                line.set("address", Some(shown.address));
                line.set("trunk", shown.trunk_name);
                line.set("outcome", shown.outcome.and_then(word));
                line.set("ending", shown.ending.and_then(word));
                line.set("sip_code", shown.sip_code.map(|code| code.to_string()));
                line.set(
                    "q850_cause",
                    shown.q850_cause.map(|cause| cause.to_string()),
                );
                line.set("judged_by", shown.row);
                table.line(&line.0);
            }
            if !self.has_come(one) {
                let mut line = Line::new("missed", &name);
                line.set("number", number);
                line.set("role", word(one.role));
                line.set("rsvp", rsvp);
                line.set("outcome", self.why(one).map(str::to_owned));
                table.line(&line.0);
            }
        }
        table.0
    }
}

const HEAD: [&str; 18] = [
    "what",
    "name",
    "number",
    "role",
    "rsvp",
    "try",
    "from",
    "until",
    "seconds",
    "talked_s",
    "talk_share",
    "address",
    "trunk",
    "outcome",
    "ending",
    "sip_code",
    "q850_cause",
    "judged_by",
];

/// One line of the table.
struct Line([String; 18]);

impl Line {
    fn new(what: &str, name: &str) -> Self {
        let mut line = Self(Default::default());
        line.set("what", Some(what.to_owned()));
        line.set("name", Some(name.to_owned()));
        line
    }

    fn set(&mut self, column: &str, value: Option<String>) {
        let place = HEAD.iter().position(|name| *name == column);
        if let (Some(cell), Some(value)) = (place.and_then(|at| self.0.get_mut(at)), value) {
            *cell = value;
        }
    }
}

/// CSV (RFC 4180).
#[derive(Default)]
struct Table(String);

impl Table {
    fn line(&mut self, cells: &[String]) {
        for (place, cell) in cells.iter().enumerate() {
            if place > 0 {
                self.0.push(',');
            }
            self.0.push_str(&quote(&defuse(cell)));
        }
        self.0.push_str("\r\n");
    }
}

/// A spreadsheet takes a text that begins like this for a formula, and would run
/// it: an apostrophe makes it a text. A telephone number is none and stays as it is.
fn defuse(cell: &str) -> String {
    let is_number = cell
        .strip_prefix('+')
        .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|digit| digit.is_ascii_digit()));
    if !is_number && cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) {
        format!("'{cell}")
    } else {
        cell.to_owned()
    }
}

fn quote(cell: &str) -> String {
    if cell.contains([',', '"', '\r', '\n', ';']) {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell.to_owned()
    }
}

/// A value as the API spells it.
fn word<T: serde::Serialize>(value: T) -> Option<String> {
    serde_json::to_value(value)
        .ok()?
        .as_str()
        .map(str::to_owned)
}

fn stamp(at: Millis, zone: Zone) -> String {
    at.in_zone(zone).map_or_else(String::new, |local| {
        local.0.format("%Y-%m-%d %H:%M:%S").to_string()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula() {
        for cell in ["=1+1", "+cmd|' /C calc'!A0", "-2", "@SUM(A1)", "\t=1"] {
            assert!(defuse(cell).starts_with('\''), "{cell}");
        }
        assert_eq!(defuse("+74951204040"), "+74951204040");
        assert_eq!(defuse("Müller = Sohn"), "Müller = Sohn");
        let mut table = Table::default();
        table.line(&["a\"b".to_owned(), "=x,y".to_owned(), String::new()]);
        assert_eq!(table.0, "\"a\"\"b\",\"'=x,y\",\r\n");
    }

    #[test]
    fn shares_are_of_what_was_talked_and_none_where_nothing_was_measured() {
        let visit = |talked_ms| VisitRow {
            member: domain::MemberId::new(Millis(0), [1; 10]),
            occurrence: None,
            name: String::new(),
            employee: None,
            number: None,
            joined_at: Millis(0),
            left_at: None,
            why: None,
            talked_ms,
        };
        let shares = |talked: &[Option<i64>]| {
            let visits: Vec<VisitRow> = talked.iter().map(|talked| visit(*talked)).collect();
            Report::shares(&visits)
        };
        assert_eq!(
            shares(&[Some(3000), None, Some(1000)]),
            [Some(75), None, Some(25)]
        );
        assert_eq!(shares(&[Some(0), None]), [None, None]);
    }
}
