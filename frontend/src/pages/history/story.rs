//! What became of an occurrence, person by person. Plain Rust over the server's report.

use std::collections::BTreeMap;

use api::{
    Attempt, EmployeeId, Finish, Invitation, InvitationStatus, LeaveReason, OccurrenceReport,
    Outcome, Role, Visit,
};

/// Whoever joins this long after the start is still in time.
const IN_TIME_MS: i64 = 60_000;

/// A person of the report: what was expected of him, and what he did.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    pub name: String,
    pub role: Role,
    /// In the room from, until; `dropped` when the call broke off.
    pub stays: Vec<Stay>,
    /// Calls that did not bring him in.
    pub misses: Vec<(i64, Outcome)>,
    /// Expected and never came.
    pub missed: Option<Invitation>,
    /// Came though nobody had invited him.
    pub uninvited: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stay {
    pub from: i64,
    pub until: i64,
    pub dropped: bool,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sums {
    pub expected: usize,
    pub came: usize,
    pub in_time: usize,
    pub uninvited: usize,
    pub calls: usize,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Story {
    pub from: i64,
    pub until: i64,
    /// Those who came, first come first; then those who did not.
    pub rows: Vec<Row>,
    pub sums: Sums,
}

/// By what a visit and an invitation are the same person's.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Person(EmployeeId),
    Number(String),
    /// Neither: every such visit is somebody else.
    Visit(usize),
}

fn key(person: Option<EmployeeId>, number: Option<&str>, index: usize) -> Key {
    match (person, number) {
        (Some(person), _) => Key::Person(person),
        (None, Some(number)) => Key::Number(number.to_owned()),
        (None, None) => Key::Visit(index),
    }
}

impl Story {
    /// `now` ends the stays of those still in the room.
    pub fn of(report: &OccurrenceReport, now: i64) -> Self {
        let mut visits: BTreeMap<Key, Vec<&Visit>> = BTreeMap::new();
        for (index, visit) in report.visits.iter().enumerate() {
            visits
                .entry(key(visit.employee_id, visit.number.as_deref(), index))
                .or_default()
                .push(visit);
        }
        let stays = |visits: &[&Visit]| {
            visits
                .iter()
                .map(|visit| Stay {
                    from: visit.joined_at,
                    until: visit.left_at.unwrap_or(now),
                    dropped: visit.why == Some(LeaveReason::Dropped),
                })
                .collect::<Vec<_>>()
        };

        let mut rows = Vec::new();
        let mut sums = Sums {
            expected: report.invitations.len(),
            ..Sums::default()
        };
        for story in &report.invitations {
            let invitation = &story.invitation;
            let own = key(
                invitation.employee_id,
                invitation.number.as_deref(),
                usize::MAX,
            );
            let stays = visits
                .remove(&own)
                .map(|visits| stays(&visits))
                .unwrap_or_default();
            let came = stays.iter().map(|stay| stay.from).min();
            sums.calls += story.attempts.len();
            sums.came += usize::from(came.is_some());
            sums.in_time +=
                usize::from(came.is_some_and(|at| at <= report.occurrence.starts_at + IN_TIME_MS));
            rows.push(Row {
                name: invitation.name.clone(),
                role: invitation.role,
                misses: misses(&story.attempts),
                missed: came
                    .is_none()
                    .then(|| invitation.clone())
                    .filter(|_| is_missed(invitation)),
                stays,
                uninvited: false,
            });
        }
        for visits in visits.values() {
            sums.uninvited += 1;
            rows.push(Row {
                name: visits[0].name.clone(),
                role: Role::Listener,
                stays: stays(visits),
                misses: Vec::new(),
                missed: None,
                uninvited: true,
            });
        }
        rows.sort_by_key(|row| {
            (
                row.stays.is_empty(),
                row.stays.iter().map(|stay| stay.from).min(),
            )
        });

        let moments = || {
            rows.iter().flat_map(|row: &Row| {
                row.stays
                    .iter()
                    .flat_map(|stay| [stay.from, stay.until])
                    .chain(row.misses.iter().map(|(at, _)| *at))
            })
        };
        let from = moments()
            .chain([report.occurrence.starts_at])
            .min()
            .unwrap_or(0);
        let until = moments()
            .max()
            .unwrap_or(report.occurrence.ends_at)
            .max(from + IN_TIME_MS);
        Self {
            from,
            until,
            rows,
            sums,
        }
    }

    /// Where a moment lies between the first and the last, thousandths.
    pub fn place(&self, at: i64) -> i64 {
        (at - self.from).clamp(0, self.until - self.from) * 1000 / (self.until - self.from)
    }

    /// Moments to write on the axis: round ones, at most eight.
    pub fn marks(&self) -> Vec<i64> {
        const MINUTE: i64 = 60_000;
        const MOST: i64 = 8;
        let length = self.until - self.from;
        let steps = [1, 2, 5, 10, 15, 30, 60, 120, 240, 480];
        let step = steps
            .map(|minutes| minutes * MINUTE)
            .into_iter()
            .find(|step| length / step <= MOST);
        let step = step.unwrap_or(24 * 60 * MINUTE);
        let first = self.from.div_euclid(step) * step + step;
        (0..MOST)
            .map(|index| first + index * step)
            .take_while(|at| *at < self.until)
            .collect()
    }
}

/// Calls that ended in something else than an answer, when they ended.
fn misses(attempts: &[Attempt]) -> Vec<(i64, Outcome)> {
    attempts
        .iter()
        .filter_map(|attempt| {
            Some((
                attempt.ended_at.unwrap_or(attempt.started_at),
                attempt.outcome?,
            ))
        })
        .filter(|(_, outcome)| *outcome != Outcome::Answered)
        .collect()
}

/// Not those who are still being called, nor those of a meeting that was called off.
fn is_missed(invitation: &Invitation) -> bool {
    match invitation.status {
        InvitationStatus::Finished { why, .. } => why != Finish::Cancelled,
        InvitationStatus::Waiting { .. }
        | InvitationStatus::Calling { .. }
        | InvitationStatus::Held { .. }
        | InvitationStatus::InRoom { .. } => false,
    }
}

#[cfg(test)]
mod tests {
    use api::{InvitationStory, MemberId};

    use super::*;
    use crate::live::fixtures::*;

    fn visit(person: u8, joined_at: i64, left_at: Option<i64>) -> Visit {
        let member_id: MemberId = member_id(person);
        Visit {
            member_id,
            name: format!("Person {person}"),
            employee_id: Some(person_id(person)),
            number: None,
            joined_at,
            left_at,
            why: left_at.map(|_| LeaveReason::Left),
            talked_s: None,
            talk_share: None,
        }
    }

    fn report(visits: Vec<Visit>, invitations: Vec<Invitation>) -> OccurrenceReport {
        OccurrenceReport {
            notices: Vec::new(),
            occurrence: company().occurrences[&occurrence_id(1)].clone(),
            invitations: invitations
                .into_iter()
                .map(|invitation| InvitationStory {
                    invitation,
                    attempts: Vec::new(),
                })
                .collect(),
            members: Vec::new(),
            visits,
        }
    }

    #[test]
    fn who_came_late_came_and_was_not_in_time() {
        let there = invitation_to(1, finished(Finish::Left));
        let report = report(vec![visit(1, 600_000, Some(700_000))], vec![there]);
        let story = Story::of(&report, 1_000_000);
        assert_eq!((story.sums.came, story.sums.in_time), (1, 0));
        assert_eq!(story.rows[0].missed, None);
    }

    #[test]
    fn the_missed_stand_below_those_who_came() {
        let report = report(
            vec![visit(2, 10_000, None)],
            vec![
                invitation_to(1, finished(Finish::Declined)),
                invitation_to(2, finished(Finish::Left)),
            ],
        );
        let story = Story::of(&report, 90_000);
        assert!(story.rows[0].missed.is_none());
        assert!(story.rows[1].missed.is_some());
        assert_eq!(story.rows[0].stays[0].until, 90_000, "still in the room");
    }

    #[test]
    fn who_dialled_in_uninvited_is_told_apart() {
        let story = Story::of(&report(vec![visit(3, 0, Some(50_000))], Vec::new()), 60_000);
        assert!(story.rows[0].uninvited);
        assert_eq!(story.sums.uninvited, 1);
    }

    #[test]
    fn the_axis_is_round_and_short() {
        let story = Story {
            from: 30_000,
            until: 3_630_000,
            rows: Vec::new(),
            sums: Sums::default(),
        };
        assert_eq!(story.marks()[..2], [600_000, 1_200_000]);
        assert!(story.marks().len() <= 8);
        assert_eq!((story.place(0), story.place(9_000_000)), (0, 1000));
    }
}
