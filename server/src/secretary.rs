//! What the desk asks for when an employee plans by telephone: who he is, his
//! lists, his meetings, the saving of a new one by the very path that the
//! board takes, and the keeping of his name as he says it.

use std::sync::Arc;

use api::{ErrorCode, NewMeeting, NewParticipant};
use domain::{
    CompanyId, EmployeeId, MeetingId, Millis, RoomId, ShortNumber, Span,
    desk::{Mine, NameLost, Refusal, Visitor, Wanted},
    meeting::{Invitee, Meeting},
    occurrence::Occurrence,
};
use store::{CompanyDirectory, StoreError};

use crate::{
    clock,
    recorded_names::clip,
    shared::Shared,
    web::{self, App},
};

/// How far ahead his meetings are looked for, and how many are read out.
const AHEAD: Span = Span::minutes(60 * 24 * 60);
const MOST_READ_OUT: usize = 9;

/// Acts for those who call the service number of one company.
pub struct Secretary {
    shared: Arc<Shared>,
    app: App,
    company: CompanyId,
    /// What wrong PINs are counted by.
    source: String,
}

impl Secretary {
    pub fn new(shared: Arc<Shared>, company: CompanyId, source: String) -> Self {
        let app = App::new(
            shared.store.clone(),
            shared.hub.clone(),
            shared.clone(),
            Arc::new(clock::now),
        );
        Self {
            shared,
            app,
            company,
            source,
        }
    }

    /// Where wrong PINs of this company's desk are counted: it is no room, and all its callers share it.
    fn place(&self) -> RoomId {
        RoomId::from_uuid(self.company.uuid())
    }

    /// Whether he may try a PIN at all.
    pub fn may_try(&self) -> bool {
        let now = clock::now();
        let tried = self.shared.pins().may_try(&self.source, self.place(), now);
        tried.is_ok()
    }

    /// The employee with this extension and this PIN. A wrong one is counted.
    pub async fn identify(&self, extension: &str, pin: &str) -> Option<Visitor> {
        let page = self.shared.book.page();
        let directory = page.company(self.company)?;
        let owner = directory
            .employees
            .iter()
            .find(|employee| employee.extension.as_str() == extension)
            .filter(|employee| {
                let own = directory.phone_pins.get(&employee.id);
                own.is_some_and(|own| own.matches(pin))
            });
        match owner {
            Some(employee) => {
                self.shared.pins().on_right(&self.source);
                self.visitor(employee.id).await
            }
            None => {
                let now = clock::now();
                self.shared.pins().on_wrong(&self.source, self.place(), now);
                None
            }
        }
    }

    /// An employee, with the lists he may call: the company's templates, then its groups.
    pub async fn visitor(&self, id: EmployeeId) -> Option<Visitor> {
        let page = self.shared.book.page();
        let directory = page.company(self.company)?;
        let employee = directory.employee(id)?;
        let lists = self.lists(directory).await;
        Some(Visitor {
            employee: id,
            name: employee.name.clone(),
            zone: employee.zone.unwrap_or(directory.company.zone),
            lists: lists.into_iter().map(|(name, _)| name).collect(),
        })
    }

    async fn lists(&self, directory: &CompanyDirectory) -> Vec<(String, Vec<NewParticipant>)> {
        let templates = match self.shared.store.templates(self.company).await {
            Ok(templates) => templates,
            Err(error) => {
                tracing::warn!(%error, "The lists cannot be read");
                Vec::new()
            }
        };
        let mut lists: Vec<_> = templates
            .into_iter()
            .map(|template| {
                let people = template.participants.iter().map(|one| {
                    let (employee_id, name, number) = match &one.invitee {
                        Invitee::Employee(id) => (Some(*id), None, None),
                        Invitee::Outside { name, number } => {
                            (None, name.clone(), Some(number.to_string()))
                        }
                    };
                    NewParticipant {
                        employee_id,
                        name,
                        number,
                        email: one.email.clone(),
                        role: one.role,
                    }
                });
                // Whoever has left the company since is not called.
                let here = |one: &NewParticipant| {
                    one.employee_id
                        .is_none_or(|id| directory.employee(id).is_some())
                };
                (template.name, people.filter(here).collect())
            })
            .collect();
        let mut groups: Vec<&str> = Vec::new();
        for employee in &directory.employees {
            let group = employee.group.as_deref();
            groups.extend(group.filter(|group| !groups.contains(group)));
        }
        for group in groups {
            let of_group = directory
                .employees
                .iter()
                .filter(|employee| employee.group.as_deref() == Some(group));
            let people = of_group.map(|employee| person(employee.id)).collect();
            lists.push((group.to_owned(), people));
        }
        lists
    }

    /// Plans the meeting in the first room that is free then. Its number, or why not.
    pub async fn save(&self, who: &Visitor, wanted: Wanted) -> Result<ShortNumber, Refusal> {
        let page = self.shared.book.page();
        let directory = page.company(self.company).ok_or(Refusal::Broken)?;
        let employee = directory.employee(who.employee).ok_or(Refusal::Broken)?;
        let listed = match wanted.list {
            Some(at) => self
                .lists(directory)
                .await
                .into_iter()
                .find(|(name, _)| who.lists.get(at) == Some(name))
                .map(|(_, people)| people)
                .ok_or(Refusal::Broken)?,
            None => Vec::new(),
        };
        let mut participants = vec![person(who.employee)];
        let others = |one: &NewParticipant| one.employee_id != Some(who.employee);
        participants.extend(listed.into_iter().filter(others));
        let title = match wanted.list.and_then(|at| who.lists.get(at)) {
            Some(list) => list.clone(),
            None => employee.name.clone(),
        };
        for room in &directory.rooms {
            let request = NewMeeting {
                title: title.clone(),
                room_id: room.id,
                time_zone: Some(who.zone.name().to_owned()),
                starts_local: Some(wanted.starts.to_string()),
                duration_min: u32::try_from(wanted.lasts.as_seconds() / 60).unwrap_or(u32::MAX),
                repeats: None,
                lead_s: None,
                early_s: None,
                warn_s: None,
                own_people_need_no_key: None,
                lobby: None,
                participants: participants.clone(),
                rules: None,
                remind_min: None,
            };
            let organiser = directory.users.get(&who.employee).copied();
            match web::plan(&self.app, directory, organiser, &request).await {
                Ok(_) => return Ok(room.number.clone()),
                Err(ErrorCode::RoomBooked) => {}
                Err(ErrorCode::StartsInThePast) => return Err(Refusal::Past),
                Err(code) => {
                    tracing::warn!(?code, "A meeting keyed in by telephone is not saved");
                    return Err(Refusal::Broken);
                }
            }
        }
        Err(Refusal::NoRoom)
    }

    /// The meetings to come that he is expected at or planned.
    pub async fn mine(&self, who: &Visitor) -> Vec<Mine> {
        let page = self.shared.book.page();
        let Some(directory) = page.company(self.company) else {
            return Vec::new();
        };
        match self.find_mine(directory, who, clock::now()).await {
            Ok(mine) => mine,
            Err(error) => {
                tracing::warn!(%error, "Somebody's meetings cannot be read to him");
                Vec::new()
            }
        }
    }

    async fn find_mine(
        &self,
        directory: &CompanyDirectory,
        who: &Visitor,
        now: Millis,
    ) -> Result<Vec<Mine>, StoreError> {
        let store = &self.shared.store;
        let mut found = Vec::new();
        for date in store.occurrences(self.company, now, now + AHEAD).await? {
            let date = date.value;
            let (Some(id), true) = (date.meeting, is_to_come(&date)) else {
                continue;
            };
            let meeting = match store.meeting(self.company, id).await {
                Ok(meeting) => meeting,
                Err(StoreError::NotFound { .. }) => continue,
                Err(error) => return Err(error),
            };
            let Some(room) = directory.room(date.room) else {
                continue;
            };
            if !concerns(&meeting, directory, who.employee) {
                continue;
            }
            found.push(Mine {
                meeting: id,
                title: date.title.clone(),
                starts_at: date.starts_at,
                room: room.number.clone(),
                own: may_cancel(&meeting, directory, who.employee) && date.is_ahead(),
            });
            if found.len() == MOST_READ_OUT {
                break;
            }
        }
        Ok(found)
    }

    /// Cancels a meeting of his own. False if that cannot be.
    pub async fn cancel(&self, who: &Visitor, id: MeetingId) -> bool {
        let page = self.shared.book.page();
        let Some(directory) = page.company(self.company) else {
            return false;
        };
        let his = match self.shared.store.meeting(self.company, id).await {
            Ok(meeting) => may_cancel(&meeting, directory, who.employee),
            Err(_) => false,
        };
        his && web::cancel(&self.app, directory, id).await.is_ok()
    }

    /// Keeps what he said as his name.
    pub async fn keep_name(&self, who: &Visitor, said: Vec<i16>) -> Result<(), NameLost> {
        let clip = tokio::task::spawn_blocking(move || clip::of_take(&said)).await;
        let name = match clip {
            Ok(name) => name.map_err(|_| NameLost::Silent)?,
            Err(panic) => {
                tracing::error!(%panic, "A name that was said is lost");
                return Err(NameLost::Broken);
            }
        };
        let names = &self.shared.names;
        names
            .keep(self.company, who.employee, &name)
            .await
            .map_err(|error| {
                tracing::error!(%error, "A name that was said cannot be kept");
                NameLost::Broken
            })?;
        tracing::info!(name = who.name, "A name is recorded by telephone");
        self.shared.people.look_again(who.employee);
        Ok(())
    }
}

fn person(id: EmployeeId) -> NewParticipant {
    NewParticipant {
        employee_id: Some(id),
        name: None,
        number: None,
        email: None,
        role: domain::Role::Speaker,
    }
}

fn is_to_come(date: &Occurrence) -> bool {
    date.is_ahead() || date.is_under_way()
}

fn concerns(meeting: &Meeting, directory: &CompanyDirectory, employee: EmployeeId) -> bool {
    let user = directory.users.get(&employee);
    (user.is_some() && meeting.organiser.as_ref() == user)
        || meeting
            .participants
            .iter()
            .any(|one| one.invitee == Invitee::Employee(employee))
}

/// Whoever planned it. One date of a series is not cancelled here: the board can.
fn may_cancel(meeting: &Meeting, directory: &CompanyDirectory, employee: EmployeeId) -> bool {
    let user = directory.users.get(&employee);
    user.is_some() && meeting.organiser.as_ref() == user && meeting.series.is_none()
}
