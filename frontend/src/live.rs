//! What the board knows: the server's snapshot, and every event since.
//!
//! Plain Rust, so its tests need no browser. [`Live::apply`] answers with the [`Topic`]s it
//! touched; the feed wakes exactly those who read them, so that one event redraws one row.
//! Nothing here is ever changed by a click: what you see is what the server said.

use std::collections::{BTreeMap, BTreeSet};

use api::{
    Announcement, Company, EmployeeId, Event, EventKind, Invitation, InvitationId,
    InvitationStatus, Meeting, MeetingId, Member, MemberId, Notice, Occurrence, OccurrenceId,
    OccurrenceStatus, Person, Recording, RecordingState, Room, RoomId, ServerMessage, Snapshot,
    Talking, Waiting,
};

pub mod causes;
pub mod directory;
pub mod hands;
pub mod missing;
pub mod offers;
pub mod roll;
pub mod words;

/// What somebody may watch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Topic {
    /// Everything was replaced by a snapshot.
    All,
    Company,
    Announced,
    Recordings,
    /// Any person; [`Topic::Person`] is one of them.
    People,
    Person(EmployeeId),
    Rooms,
    Members,
    /// Those who wait to be let in.
    Lobby,
    Member(MemberId),
    Level(MemberId),
    Meetings,
    Occurrences,
    Invitations,
    Invitation(InvitationId),
}

#[derive(Debug, Default)]
pub struct Live {
    /// Number of the last event applied; where to resume from.
    pub seq: Option<i64>,
    pub company: Option<Company>,
    pub people: BTreeMap<EmployeeId, Person>,
    pub rooms: BTreeMap<RoomId, Room>,
    pub members: BTreeMap<MemberId, Member>,
    /// Those who wait to be let in.
    pub waiting: BTreeMap<MemberId, Waiting>,
    pub meetings: BTreeMap<MeetingId, Meeting>,
    pub occurrences: BTreeMap<OccurrenceId, Occurrence>,
    pub invitations: BTreeMap<InvitationId, Invitation>,
    /// What runs now, by the room it is made in.
    pub recordings: BTreeMap<RoomId, Recording>,
    /// The last mail or short message about whoever is expected.
    pub notices: BTreeMap<InvitationId, Notice>,
    /// The recording that broke off last.
    pub broken_off: Option<Recording>,
    /// What was said into a room last.
    pub announced: Option<Announcement>,
    /// Who is heard now, 0 to 100.
    pub levels: BTreeMap<MemberId, u8>,
}

impl Live {
    pub fn apply(&mut self, message: ServerMessage) -> Vec<Topic> {
        match message {
            ServerMessage::Snapshot(snapshot) => self.replace(*snapshot),
            ServerMessage::Event(event) => self.event(*event),
            ServerMessage::Levels { levels } => self.levels(&levels),
            ServerMessage::Resumed { .. }
            | ServerMessage::Ping { .. }
            | ServerMessage::SignedOut
            | ServerMessage::TooSlow { .. } => Vec::new(),
        }
    }

    fn replace(&mut self, snapshot: Snapshot) -> Vec<Topic> {
        fn by<K: Ord, T>(rows: Vec<T>, key: impl Fn(&T) -> K) -> BTreeMap<K, T> {
            rows.into_iter().map(|row| (key(&row), row)).collect()
        }
        *self = Self {
            seq: Some(snapshot.seq),
            company: Some(snapshot.company),
            people: by(snapshot.people, |row| row.id),
            rooms: by(snapshot.rooms, |row| row.id),
            members: by(snapshot.members, |row| row.id),
            waiting: by(snapshot.waiting, |row| row.id),
            meetings: by(snapshot.meetings, |row| row.id),
            occurrences: by(snapshot.occurrences, |row| row.id),
            invitations: by(snapshot.invitations, |row| row.id),
            recordings: by(snapshot.recordings, |row| row.room_id),
            notices: BTreeMap::new(),
            broken_off: None,
            announced: None,
            levels: BTreeMap::new(),
        };
        for notice in snapshot.notices {
            self.notice(notice);
        }
        vec![Topic::All]
    }

    /// An event that an already applied one overtook is dropped: each holds the whole resource,
    /// so the newest word is the one that counts.
    fn event(&mut self, Event { seq, event, .. }: Event) -> Vec<Topic> {
        if self.seq.is_some_and(|last| seq <= last) {
            return Vec::new();
        }
        self.seq = Some(seq);
        match event {
            EventKind::Person(person) => {
                let id = person.id;
                self.people.insert(id, person);
                vec![Topic::Person(id), Topic::People]
            }
            EventKind::PersonRemoved { id } => {
                self.people.remove(&id);
                vec![Topic::Person(id), Topic::People]
            }
            EventKind::Room(room) => {
                self.rooms.insert(room.id, room);
                vec![Topic::Rooms]
            }
            EventKind::RoomRemoved { id } => {
                self.rooms.remove(&id);
                vec![Topic::Rooms]
            }
            EventKind::MemberJoined(member) | EventKind::Member(member) => {
                let id = member.id;
                self.members.insert(id, member);
                vec![Topic::Member(id), Topic::Members]
            }
            EventKind::MemberLeft(left) => {
                self.members.remove(&left.id);
                self.levels.remove(&left.id);
                vec![Topic::Member(left.id), Topic::Members]
            }
            EventKind::Waiting(one) => {
                self.waiting.insert(one.id, one);
                vec![Topic::Lobby]
            }
            EventKind::WaitingOver(over) => {
                self.waiting.remove(&over.id);
                vec![Topic::Lobby]
            }
            EventKind::Occurrence(occurrence) => {
                self.occurrences.insert(occurrence.id, occurrence);
                vec![Topic::Occurrences]
            }
            EventKind::Invitation(invitation) => {
                let id = invitation.id;
                self.invitations.insert(id, invitation);
                vec![Topic::Invitation(id), Topic::Invitations]
            }
            EventKind::InvitationRemoved { id } => {
                self.invitations.remove(&id);
                self.notices.remove(&id);
                vec![Topic::Invitation(id), Topic::Invitations]
            }
            EventKind::Meeting(meeting) => {
                self.meetings.insert(meeting.id, meeting);
                vec![Topic::Meetings]
            }
            EventKind::MeetingRemoved { id } => {
                self.meetings.remove(&id);
                self.occurrences.retain(|_, occurrence| {
                    occurrence.meeting_id != Some(id)
                        || !matches!(
                            occurrence.status,
                            OccurrenceStatus::Scheduled | OccurrenceStatus::Early
                        )
                });
                vec![Topic::Meetings, Topic::Occurrences]
            }
            EventKind::Company(company) => {
                self.company = Some(company);
                vec![Topic::Company]
            }
            EventKind::Recording(recording) => {
                if recording.state == RecordingState::Running {
                    self.recordings.insert(recording.room_id, recording);
                } else {
                    // Another may have begun in the room before this one was written.
                    self.recordings
                        .retain(|_, running| running.id != recording.id);
                    if recording.state == RecordingState::Truncated {
                        self.broken_off = Some(recording);
                    }
                }
                vec![Topic::Recordings]
            }
            EventKind::RecordingRemoved { .. } => vec![Topic::Recordings],
            EventKind::Announced(announcement) => {
                self.announced = Some(announcement);
                vec![Topic::Announced]
            }
            // The report asks for these when it is opened; the board shows the invitation.
            EventKind::Attempt(_) => Vec::new(),
            EventKind::Notice(notice) => self.notice(notice),
        }
    }

    /// The newest about each invitation is kept.
    fn notice(&mut self, notice: Notice) -> Vec<Topic> {
        let Some(id) = notice.invitation_id else {
            return Vec::new();
        };
        let known = self.notices.get(&id);
        if known.is_some_and(|known| known.created_at > notice.created_at) {
            return Vec::new();
        }
        self.notices.insert(id, notice);
        vec![Topic::Invitation(id)]
    }

    /// Who is not listed is silent, so both the old and the new talkers have changed.
    fn levels(&mut self, levels: &[Talking]) -> Vec<Topic> {
        let new: BTreeMap<MemberId, u8> = levels
            .iter()
            .map(|talking| (talking.member_id, talking.level))
            .collect();
        let heard: BTreeSet<MemberId> = self.levels.keys().chain(new.keys()).copied().collect();
        let changed = heard
            .into_iter()
            .filter(|id| self.levels.get(id) != new.get(id))
            .map(Topic::Level)
            .collect();
        self.levels = new;
        changed
    }

    /// The meeting being called or held in this room.
    pub fn occurrence_in(&self, room: RoomId) -> Option<&Occurrence> {
        let named = self.rooms.get(&room).and_then(|room| room.occurrence);
        named.and_then(|id| self.occurrences.get(&id)).or_else(|| {
            self.occurrences
                .values()
                .find(|occurrence| occurrence.room_id == room && is_on(occurrence))
        })
    }

    /// Who was invited to an occurrence, in the order of invitation.
    pub fn invited(&self, occurrence: OccurrenceId) -> impl Iterator<Item = &Invitation> {
        self.invitations
            .values()
            .filter(move |invitation| invitation.occurrence_id == occurrence)
    }

    pub fn members_of(&self, room: RoomId) -> impl Iterator<Item = &Member> {
        self.members
            .values()
            .filter(move |member| member.room_id == room)
    }

    /// Those who wait to be let into a room, first to last.
    pub fn waiting_at(&self, room: RoomId) -> Vec<&Waiting> {
        let mut waiting: Vec<_> = self
            .waiting
            .values()
            .filter(|one| one.room_id == room)
            .collect();
        waiting.sort_by_key(|one| (one.since_at, one.id));
        waiting
    }

    /// The member a person is, in whichever room.
    pub fn member_of(&self, person: EmployeeId) -> Option<&Member> {
        self.members
            .values()
            .find(|member| member.employee_id == Some(person))
    }

    /// What to show of a person in a room: the invitation that says where he stands there.
    pub fn invitation_of(
        &self,
        person: EmployeeId,
        occurrence: OccurrenceId,
    ) -> Option<&Invitation> {
        self.invited(occurrence)
            .find(|invitation| invitation.employee_id == Some(person))
    }

    /// A call to this person that is on its way, to whichever room.
    pub fn call_under_way(&self, person: EmployeeId) -> Option<&Invitation> {
        self.invitations.values().find(|invitation| {
            invitation.employee_id == Some(person)
                && matches!(
                    invitation.status,
                    InvitationStatus::Calling { .. } | InvitationStatus::Held { .. }
                )
        })
    }

    /// Rooms where something is going on, by number.
    pub fn rooms_on(&self) -> Vec<&Room> {
        let mut rooms: Vec<&Room> = self
            .rooms
            .values()
            .filter(|room| {
                self.occurrence_in(room.id).is_some()
                    || self.members_of(room.id).next().is_some()
                    || !self.waiting_at(room.id).is_empty()
            })
            .collect();
        rooms.sort_by(|a, b| a.number.cmp(&b.number));
        rooms
    }

    /// Whether a meeting is a series that is paused.
    pub fn is_paused(&self, meeting: Option<MeetingId>) -> bool {
        meeting
            .and_then(|id| self.meetings.get(&id)?.series.as_ref())
            .is_some_and(|series| series.paused_since_at.is_some())
    }

    /// What is yet to begin, soonest first.
    pub fn upcoming(&self) -> Vec<&Occurrence> {
        let mut coming: Vec<&Occurrence> = self
            .occurrences
            .values()
            .filter(|occurrence| occurrence.status == OccurrenceStatus::Scheduled)
            .collect();
        coming.sort_by_key(|occurrence| (occurrence.starts_at, occurrence.id));
        coming
    }
}

/// Its room is open, people are being called, or it is held now.
pub fn is_on(occurrence: &Occurrence) -> bool {
    matches!(
        occurrence.status,
        OccurrenceStatus::Early | OccurrenceStatus::Calling | OccurrenceStatus::Live
    )
}

#[cfg(test)]
pub mod fixtures;

#[cfg(test)]
mod tests {
    use super::{fixtures::*, *};

    #[test]
    fn a_member_event_wakes_that_members_row_and_the_list() {
        let mut live = company();
        let mut member = live.members[&member_id(1)].clone();
        member.muted = true;

        let touched = live.apply(event(8, EventKind::Member(member)));

        assert_eq!(touched, [Topic::Member(member_id(1)), Topic::Members]);
        assert!(live.members[&member_id(1)].muted);
    }

    #[test]
    fn an_event_seen_before_changes_nothing() {
        let mut live = company();
        let mut old = live.people[&person_id(1)].clone();
        old.name = "Somebody else".into();

        assert_eq!(live.apply(event(7, EventKind::Person(old))), []);
        assert_eq!(live.people[&person_id(1)].name, "Irina Belova");
    }

    #[test]
    fn who_leaves_is_gone_from_the_room_and_stays_in_the_directory() {
        let mut live = company();

        live.apply(event(8, left(1)));

        assert_eq!(live.members_of(room_id(1)).count(), 1);
        assert!(live.people.contains_key(&person_id(1)));
    }

    #[test]
    fn a_recording_is_shown_while_it_runs_and_one_that_broke_off_is_told() {
        let mut live = company();
        let told = |n, state| EventKind::Recording(recording(n, state));

        live.apply(event(8, told(1, RecordingState::Running)));
        assert!(live.recordings.contains_key(&room_id(1)));
        // The next one begins before the last is written.
        live.apply(event(9, told(2, RecordingState::Running)));
        live.apply(event(10, told(1, RecordingState::Done)));
        assert!(live.recordings.contains_key(&room_id(1)));
        assert_eq!(live.broken_off, None);

        live.apply(event(11, told(2, RecordingState::Truncated)));
        assert!(live.recordings.is_empty());
        assert!(live.broken_off.is_some());
    }

    #[test]
    fn levels_wake_those_who_began_changed_or_stopped() {
        let mut live = company();
        assert_eq!(live.apply(levels(&[(1, 40), (2, 10)])).len(), 2);

        assert_eq!(live.apply(levels(&[(1, 40)])), [Topic::Level(member_id(2))]);
        assert_eq!(live.apply(levels(&[(1, 50)])), [Topic::Level(member_id(1))]);
        assert_eq!(live.apply(levels(&[])), [Topic::Level(member_id(1))]);
    }

    #[test]
    fn a_new_snapshot_forgets_what_it_does_not_hold() {
        let mut live = company();
        let mut snapshot = snapshot();
        snapshot.members.clear();
        snapshot.seq = 90;

        assert_eq!(
            live.apply(ServerMessage::Snapshot(Box::new(snapshot))),
            [Topic::All]
        );
        assert_eq!(live.members.len(), 0);
        assert_eq!(live.seq, Some(90));
    }

    #[test]
    fn a_meeting_deleted_before_its_time_takes_its_dates_along() {
        let mut live = company();
        let mut later = live.occurrences[&occurrence_id(1)].clone();
        later.id = occurrence_id(2);
        later.status = OccurrenceStatus::Scheduled;
        live.apply(event(8, EventKind::Occurrence(later)));

        live.apply(event(9, EventKind::MeetingRemoved { id: meeting_id(1) }));

        assert_eq!(live.upcoming().len(), 0);
        assert!(
            live.occurrence_in(room_id(1)).is_some(),
            "what is on goes on"
        );
    }
}
