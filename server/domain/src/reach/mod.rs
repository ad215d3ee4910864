//! Which line of a person is called now, and over which trunk.
//!
//! Devices come in the order in which the person likes them. One that is known
//! to be off, busy or ringing is passed over as long as another one may be free,
//! and is called all the same when none is: what is known may be out of date.
//! But where a call of ours, or another server's word of its dialogs (RFC 4235),
//! says that he talks, his talk is waited for; the latter is believed for a time.
//! Where nobody came to one, the next try is for another: he may be beside that.
//! Within one round no way is tried twice.

use crate::{
    attempt::Route,
    employee::{Device, DeviceClass, DeviceKind},
    guard::Blocked,
    id::TrunkId,
    invitation::{Invitation, Remaining},
    line::{Confidence, LineKey, LineState, LineView, Source},
    number::PhoneNumber,
    rules::BusyRule,
    time::Millis,
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
    /// Whether that state is one that calls of the line give it, and who says so.
    pub calls: Calls,
    /// Why its number may not be dialled, if so: it is reached directly or not at all.
    pub barred: Option<Blocked>,
}

/// Who tells of a line's calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Calls {
    /// We hold one in our own hands.
    Ours,
    /// Another server, or the phone itself (RFC 4235).
    Told,
    /// Nobody: its state comes from something else.
    #[default]
    Unseen,
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
    /// The lines he could come by are in calls, one of which we hold in our own hands: we
    /// shall see it end.
    Busy,
    /// They are in calls that others tell of: that is believed for a time.
    ToldBusy,
    /// Every trunk that could carry the call is full.
    NoChannel,
    /// His phones are not registered, so there is nothing to send: a try that is
    /// over as it begins, by [`crate::decode::Verdict::not_registered`].
    NotRegistered(Route),
    /// The only ways to him lead over a number that may not be dialled.
    Barred(Blocked),
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
            calls: calls(view),
            barred: None,
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
            calls: calls(view),
            barred: None,
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
        let number = self.number.iter().filter(|_| self.barred.is_none());
        let over_trunks = number.flat_map(|number| {
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

    /// Whether a call is seen on it, with what others tell if that is believed.
    fn is_taken(&self, believed: bool) -> bool {
        let seen = match self.calls {
            Calls::Ours => true,
            Calls::Told => believed,
            Calls::Unseen => false,
        };
        seen && matches!(self.state, LineState::Busy | LineState::Ringing)
    }
}

/// Picks the way to call somebody who is due. `trunks` in the order of trying.
pub fn choose(
    invitation: &Invitation,
    candidates: &[Candidate],
    trunks: &[TrunkNow],
    rule: &BusyRule,
    now: Millis,
) -> Choice {
    if let Some(route) = invitation.repeat() {
        return Choice::Call(route);
    }
    let alive: Vec<&Candidate> = candidates
        .iter()
        .filter(|candidate| !invitation.dead_lines().contains(&candidate.line))
        .collect();
    let believed = invitation.lets_talk(rule, now);
    let (taken, mut free): (Vec<&Candidate>, Vec<&Candidate>) = alive
        .into_iter()
        .partition(|candidate| candidate.is_taken(believed));
    if !taken.is_empty() {
        // He is at the other one: this one being off says nothing of him.
        free.retain(|candidate| candidate.state != LineState::Offline);
    }
    free.sort_by_key(|candidate| (candidate.rank(), invitation.in_vain(&candidate.line)));

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
    if !taken.is_empty() {
        let ours = taken.iter().any(|one| one.calls == Calls::Ours);
        return if ours { Choice::Busy } else { Choice::ToldBusy };
    }
    let phone = free.iter().find(|c| c.class == DeviceClass::SipPhone);
    let barred = free.iter().find_map(|candidate| candidate.barred);
    match (phone, barred) {
        (Some(phone), _) => Choice::NotRegistered(phone.nowhere()),
        (None, Some(why)) => Choice::Barred(why),
        (None, None) => Choice::NoWay,
    }
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

fn calls(view: &LineView<'_>) -> Calls {
    match view.winner {
        Some(winner) if winner.confidence == Confidence::Exact => Calls::Ours,
        Some(winner) if winner.source == Source::Dialog => Calls::Told,
        Some(_) | None => Calls::Unseen,
    }
}

#[cfg(test)]
mod tests;
