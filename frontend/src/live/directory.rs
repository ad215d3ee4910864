//! The directory, searched and filtered, group by group.

use api::{EmployeeId, LineState, Person};

use super::Live;
use crate::format;

/// What the user asked to see.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    pub search: String,
    pub free_only: bool,
    /// `None`: all groups.
    pub group: Option<String>,
}

/// One heading and who stands under it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// `None`: people in no group; they come last.
    pub name: Option<String>,
    pub people: Vec<EmployeeId>,
}

/// Groups by name, people in them by name: the order changes when somebody is added, never when
/// a line does. So the directory never jumps.
pub fn groups(live: &Live, wanted: &Wanted) -> Vec<Group> {
    let mut people: Vec<&Person> = live
        .people
        .values()
        .filter(|person| shown(person, wanted))
        .collect();
    people.sort_by(|a, b| {
        (a.group.is_none(), &a.group, &a.name, a.id).cmp(&(
            b.group.is_none(),
            &b.group,
            &b.name,
            b.id,
        ))
    });
    let mut groups: Vec<Group> = Vec::new();
    for person in people {
        match groups.last_mut() {
            Some(group) if group.name == person.group => group.people.push(person.id),
            _ => groups.push(Group {
                name: person.group.clone(),
                people: vec![person.id],
            }),
        }
    }
    groups
}

pub fn group_names(live: &Live) -> Vec<String> {
    let mut names: Vec<String> = live
        .people
        .values()
        .filter_map(|person| person.group.clone())
        .collect();
    names.sort();
    names.dedup();
    names
}

fn shown(person: &Person, wanted: &Wanted) -> bool {
    let numbers: Vec<&str> = std::iter::once(person.extension.as_str())
        .chain(person.devices.iter().map(|device| device.address.as_str()))
        .collect();
    let free = person.line.state == LineState::Free && !person.line.dnd && person.member.is_none();
    (!wanted.free_only || free)
        && wanted
            .group
            .as_ref()
            .is_none_or(|group| person.group.as_ref() == Some(group))
        && format::matches(&wanted.search, &person.name, &numbers)
}

#[cfg(test)]
mod tests {
    use super::{super::fixtures::*, *};

    #[test]
    fn a_search_by_short_number_finds_its_owner() {
        let wanted = Wanted {
            search: "103".into(),
            ..Wanted::default()
        };
        assert_eq!(groups(&company(), &wanted)[0].people, [person_id(3)]);
    }

    #[test]
    fn who_is_in_a_room_is_not_free() {
        let mut live = company();
        live.people.get_mut(&person_id(1)).unwrap().member = Some(member_id(1));
        let wanted = Wanted {
            free_only: true,
            ..Wanted::default()
        };
        assert!(!groups(&live, &wanted)[0].people.contains(&person_id(1)));
    }

    #[test]
    fn people_without_a_group_come_last() {
        let mut live = company();
        live.people.get_mut(&person_id(1)).unwrap().group = None;
        let groups = groups(&live, &Wanted::default());
        assert_eq!(groups.last().unwrap().name, None);
        assert_eq!(group_names(&live), ["Sales"]);
    }
}
