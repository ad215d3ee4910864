//! Which line of a person is called now, and over which trunk.
//!
//! Devices come in the order in which the person likes them. One that is known
//! to be off, busy or ringing is passed over as long as another one may be free,
//! and is called all the same when none is: what is known may be out of date.
//! Within one round no way is tried twice.

use crate::{
    attempt::Route,
    employee::{Device, DeviceClass, DeviceKind},
    id::TrunkId,
    invitation::{Invitation, Remaining},
    line::{Confidence, LineKey, LineState, LineView},
    number::PhoneNumber,
};

/// A line of a person, with what is known of it now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The line.
    pub line: LineKey,
    /// Its kind.
    pub class: DeviceClass,
    /// The user name it registers with us by, if it does that.
    pub username: Option<String>,
    /// Whether it is registered with us now.
    pub registered: bool,
    /// The number that trunks reach it by.
    pub number: Option<PhoneNumber>,
    /// Its state.
    pub state: LineState,
    /// Whether that state is exact: a call of ours with it is up.
    pub exact: bool,
}

/// A trunk, with what it carries now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrunkNow {
    /// Which.
    pub id: TrunkId,
    /// How many more calls it takes; none for no limit.
    pub free_channels: Option<u32>,
}

/// What to do about a person who is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    /// Call this way.
    Call(Route),
    /// His only lines are in calls that we hold in our own hands: they will
    /// ring busy, and we shall see when they end.
    Busy,
    /// Every trunk that could carry the call is full.
    NoChannel,
    /// His phones are not registered, so there is nothing to send: a try that is
    /// over as it begins, by [`crate::decode::Verdict::not_registered`].
    NotRegistered(Route),
    /// There is no way to him at all.
    NoWay,
}

impl Candidate {
    /// An employee's device; `registered` when it has a contact now.
    pub fn of_device(device: &Device, registered: bool, view: &LineView<'_>) -> Self {
        let username = match &device.kind {
            DeviceKind::SipPhone { username, .. } => Some(username.clone()),
            DeviceKind::IpSim { short, .. } => Some(short.as_str().to_owned()),
            DeviceKind::Outside { .. } => None,
        };
        Self {
            line: device.line(),
            class: device.kind.class(),
            registered: registered && username.is_some(),
            username,
            number: device.kind.number().cloned(),
            state: view.state,
            exact: is_exact(view),
        }
    }

    /// A bare number.
    pub fn of_number(number: &PhoneNumber, view: &LineView<'_>) -> Self {
        Self {
            line: LineKey::Number(number.clone()),
            class: DeviceClass::Outside,
            username: None,
            registered: false,
            number: Some(number.clone()),
            state: view.state,
            exact: is_exact(view),
        }
    }

    /// All ways to it: directly when it is registered, then every trunk in order.
    fn routes(&self, trunks: &[TrunkNow]) -> Vec<Route> {
        let route = |address: &str, trunk| Route {
            line: self.line.clone(),
            class: self.class,
            address: address.to_owned(),
            trunk,
            g711_only: false,
        };
        let user = self.username.iter().filter(|_| self.registered);
        let direct = user.map(|user| route(user, None));
        let over_trunks = self.number.iter().flat_map(|number| {
            let to = |trunk: &TrunkNow| route(number.as_str(), Some(trunk.id));
            trunks.iter().map(to).collect::<Vec<_>>()
        });
        direct.chain(over_trunks).collect()
    }

    /// The way to a phone that is not there.
    fn nowhere(&self) -> Route {
        Route {
            line: self.line.clone(),
            class: self.class,
            address: self.username.clone().unwrap_or_default(),
            trunk: None,
            g711_only: false,
        }
    }

    /// How good a choice it is, the least the best: the order given decides
    /// between equals.
    fn rank(&self) -> u8 {
        match self.state {
            LineState::Free => 0,
            LineState::Unknown => 0,
            LineState::Ringing | LineState::Busy => 1,
            LineState::Offline => 2,
        }
    }

    fn is_taken(&self) -> bool {
        self.exact && matches!(self.state, LineState::Busy | LineState::Ringing)
    }
}

/// Picks the way to call somebody who is due. `trunks` in the order of trying.
pub fn choose(invitation: &Invitation, candidates: &[Candidate], trunks: &[TrunkNow]) -> Choice {
    if let Some(route) = invitation.repeat() {
        return Choice::Call(route);
    }
    let alive: Vec<&Candidate> = candidates
        .iter()
        .filter(|candidate| !invitation.dead_lines().contains(&candidate.line))
        .collect();
    let mut free: Vec<&Candidate> = alive.iter().copied().filter(|c| !c.is_taken()).collect();
    if free.is_empty() && !alive.is_empty() {
        return Choice::Busy;
    }
    free.sort_by_key(|candidate| candidate.rank());

    let mut full = false;
    for candidate in &free {
        for route in candidate.routes(trunks) {
            if is_tried(&route, invitation) {
                continue;
            }
            if has_channel(&route, trunks) {
                return Choice::Call(route);
            }
            full = true;
        }
    }
    if full {
        return Choice::NoChannel;
    }
    let phone = free.iter().find(|c| c.class == DeviceClass::SipPhone);
    phone.map_or(Choice::NoWay, |phone| {
        Choice::NotRegistered(phone.nowhere())
    })
}

/// What else could be tried in this round, after the call that just failed.
pub fn remaining(
    invitation: &Invitation,
    candidates: &[Candidate],
    trunks: &[TrunkNow],
) -> Remaining {
    let Some(failed) = invitation.tried().last() else {
        return Remaining::default();
    };
    let untried = candidates
        .iter()
        .filter(|candidate| !invitation.dead_lines().contains(&candidate.line))
        .filter(|candidate| !candidate.is_taken())
        .flat_map(|candidate| candidate.routes(trunks))
        .filter(|route| !is_tried(route, invitation));

    let mut remaining = Remaining::default();
    for route in untried {
        if route.line == failed.line && failed.trunk.is_none() {
            remaining.another_line = true;
        } else if route.line == failed.line {
            remaining.another_trunk = true;
        } else if !is_line_tried(&route.line, invitation) {
            remaining.another_line = true;
        }
    }
    remaining
}

fn is_tried(route: &Route, invitation: &Invitation) -> bool {
    let same = |tried: &Route| tried.line == route.line && tried.trunk == route.trunk;
    let line_is_off = |tried: &Route| {
        // After another line was tried, the round does not come back to this one.
        tried.line == route.line
            && invitation
                .tried()
                .last()
                .is_some_and(|last| last.line != route.line)
    };
    invitation
        .tried()
        .iter()
        .any(|tried| same(tried) || line_is_off(tried))
}

fn is_line_tried(line: &LineKey, invitation: &Invitation) -> bool {
    invitation.tried().iter().any(|tried| tried.line == *line)
}

fn has_channel(route: &Route, trunks: &[TrunkNow]) -> bool {
    let Some(id) = route.trunk else { return true };
    let trunk = trunks.iter().find(|trunk| trunk.id == id);
    trunk.is_some_and(|trunk| trunk.free_channels != Some(0))
}

fn is_exact(view: &LineView<'_>) -> bool {
    view.winner
        .is_some_and(|winner| winner.confidence == Confidence::Exact)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        id::{AttemptId, DeviceId, EmployeeId, InvitationId, OccurrenceId},
        meeting::Invitee,
        role::Role,
        time::Millis,
    };

    const NOW: Millis = Millis(1_000);

    fn invitation() -> Invitation {
        Invitation::new(
            InvitationId::new(NOW, [1; 10]),
            OccurrenceId::new(NOW, [1; 10]),
            Invitee::Employee(EmployeeId::new(NOW, [1; 10])),
            Role::Speaker,
            NOW,
        )
    }

    fn trunk(n: u8, free_channels: Option<u32>) -> TrunkNow {
        TrunkNow {
            id: TrunkId::new(NOW, [n; 10]),
            free_channels,
        }
    }

    fn phone(n: u8, registered: bool) -> Candidate {
        Candidate {
            line: LineKey::Device(DeviceId::new(NOW, [n; 10])),
            class: DeviceClass::SipPhone,
            username: Some(format!("10{n}")),
            registered,
            number: None,
            state: if registered {
                LineState::Free
            } else {
                LineState::Offline
            },
            exact: false,
        }
    }

    fn mobile(n: u8, state: LineState) -> Candidate {
        Candidate {
            line: LineKey::Device(DeviceId::new(NOW, [n; 10])),
            class: DeviceClass::IpSim,
            username: None,
            registered: false,
            number: format!("+791600000{n:02}").parse().ok(),
            state,
            exact: false,
        }
    }

    fn way(choice: Choice) -> (String, Option<TrunkId>) {
        match choice {
            Choice::Call(route) => (route.address, route.trunk),
            other => panic!("no call: {other:?}"),
        }
    }

    fn dial(invitation: &mut Invitation, choice: Choice) {
        let Choice::Call(route) = choice else {
            panic!("no call: {choice:?}");
        };
        invitation
            .dial(AttemptId::new(NOW, [1; 10]), route, NOW)
            .unwrap();
    }

    #[test]
    fn the_device_he_likes_best_is_called_first() {
        let his = [phone(1, true), mobile(2, LineState::Free)];

        let chosen = choose(&invitation(), &his, &[trunk(1, None)]);

        assert_eq!(way(chosen), ("101".to_owned(), None));
    }

    #[test]
    fn a_busy_or_absent_device_is_passed_over_while_another_may_be_free() {
        let trunks = [trunk(1, None)];
        let second = |first| {
            let his = [first, mobile(2, LineState::Unknown)];
            way(choose(&invitation(), &his, &trunks)).0
        };

        assert_eq!(second(mobile(1, LineState::Busy)), "+79160000002");
        assert_eq!(second(mobile(1, LineState::Offline)), "+79160000002");
        assert_eq!(second(phone(1, false)), "+79160000002");
        // When none is better, what is known may be out of date.
        let both_off = [mobile(1, LineState::Offline), mobile(2, LineState::Offline)];
        assert_eq!(
            way(choose(&invitation(), &both_off, &trunks)).0,
            "+79160000001"
        );
    }

    #[test]
    fn a_failing_trunk_is_followed_by_the_next_and_then_by_the_next_line() {
        let his = [mobile(1, LineState::Free), mobile(2, LineState::Free)];
        let trunks = [trunk(1, None), trunk(2, None)];
        let mut someone = invitation();
        let first = choose(&someone, &his, &trunks);
        dial(&mut someone, first);

        assert_eq!(
            remaining(&someone, &his, &trunks),
            Remaining {
                another_line: true,
                another_trunk: true
            }
        );
        assert_eq!(
            way(choose(&someone, &his, &trunks)),
            ("+79160000001".to_owned(), Some(trunks[1].id))
        );
    }

    #[test]
    fn a_mobile_that_registers_is_called_directly_before_its_operator_is_asked() {
        let mut sim = mobile(1, LineState::Free);
        sim.username = Some("231".to_owned());
        sim.registered = true;
        let his = [sim];
        let trunks = [trunk(1, None)];
        let mut someone = invitation();

        let first = choose(&someone, &his, &trunks);
        assert_eq!(way(first.clone()), ("231".to_owned(), None));
        dial(&mut someone, first);

        assert!(remaining(&someone, &his, &trunks).another_line);
        assert_eq!(way(choose(&someone, &his, &trunks)).0, "+79160000001");
    }

    #[test]
    fn a_full_trunk_is_passed_over_and_when_all_are_full_the_call_waits() {
        let his = [mobile(1, LineState::Free)];

        let chosen = choose(&invitation(), &his, &[trunk(1, Some(0)), trunk(2, Some(3))]);
        assert_eq!(way(chosen).1, Some(trunk(2, None).id));
        assert_eq!(
            choose(&invitation(), &his, &[trunk(1, Some(0))]),
            Choice::NoChannel
        );
    }

    #[test]
    fn a_line_in_a_call_of_ours_is_waited_for() {
        let mut talking = phone(1, true);
        (talking.state, talking.exact) = (LineState::Busy, true);

        assert_eq!(choose(&invitation(), &[talking], &[]), Choice::Busy);
    }

    #[test]
    fn a_phone_that_is_not_registered_is_a_try_that_fails_at_once() {
        let Choice::NotRegistered(route) = choose(&invitation(), &[phone(1, false)], &[]) else {
            panic!("there is nothing to send");
        };

        assert_eq!(route.address, "101");
        assert_eq!(choose(&invitation(), &[], &[]), Choice::NoWay);
    }
}
