//! Who is expected and not here, in the order in which one looks.

use api::{Invitation, InvitationStatus, OccurrenceId};

use super::Live;

/// The parts of the column, top to bottom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Section {
    Ringing,
    /// Answered before the start, hears music.
    OnTheLine,
    NextTry,
    NotAgain,
}

pub const SECTIONS: [Section; 4] = [
    Section::Ringing,
    Section::OnTheLine,
    Section::NextTry,
    Section::NotAgain,
];

/// What the ring around the figure counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ring {
    /// Down to `until`; full at `from`.
    Left {
        from: i64,
        until: i64,
    },
    /// Up from here, with no known end.
    Since(i64),
    Done,
}

/// How long the first wait is drawn, where nothing tells when it began.
const UNKNOWN_WAIT_MS: i64 = 60_000;

pub fn section(status: &InvitationStatus) -> Option<Section> {
    match status {
        InvitationStatus::Calling { .. } => Some(Section::Ringing),
        InvitationStatus::Held { .. } => Some(Section::OnTheLine),
        InvitationStatus::Waiting { .. } => Some(Section::NextTry),
        InvitationStatus::Finished { .. } => Some(Section::NotAgain),
        InvitationStatus::InRoom { .. } => None,
    }
}

/// The missing of one section: who is next to be called first, the latest to be given up first.
pub fn list(live: &Live, occurrence: OccurrenceId, part: Section) -> Vec<&Invitation> {
    let mut found: Vec<&Invitation> = live
        .invited(occurrence)
        .filter(|invitation| section(&invitation.status) == Some(part))
        .collect();
    found.sort_by_key(|invitation| {
        let time = match invitation.status {
            InvitationStatus::Waiting { due_at, .. } => due_at,
            InvitationStatus::Calling { since_at, .. } | InvitationStatus::Held { since_at } => {
                since_at
            }
            InvitationStatus::Finished { at, .. } => -at,
            InvitationStatus::InRoom { since_at, .. } => since_at,
        };
        (time, invitation.id)
    });
    found
}

pub fn ring(invitation: &Invitation) -> Ring {
    match invitation.status {
        InvitationStatus::Waiting { due_at, .. } => {
            let from = invitation
                .reason
                .map_or(due_at - UNKNOWN_WAIT_MS, |reason| reason.at);
            Ring::Left {
                from: from.min(due_at - 1),
                until: due_at,
            }
        }
        InvitationStatus::Calling {
            since_at,
            gives_up_at: Some(until),
            ..
        } => Ring::Left {
            from: since_at,
            until,
        },
        InvitationStatus::Calling {
            since_at,
            gives_up_at: None,
            ..
        }
        | InvitationStatus::Held { since_at } => Ring::Since(since_at),
        InvitationStatus::Finished { .. } | InvitationStatus::InRoom { .. } => Ring::Done,
    }
}

/// Which try this is, or will be: the number, and how many there are.
pub fn try_number(invitation: &Invitation) -> Option<(u32, Option<u32>)> {
    match invitation.status {
        InvitationStatus::Waiting { .. } => {
            Some((invitation.tries_made + 1, invitation.tries_allowed))
        }
        InvitationStatus::Calling { .. } => {
            Some((invitation.tries_made.max(1), invitation.tries_allowed))
        }
        InvitationStatus::Held { .. }
        | InvitationStatus::InRoom { .. }
        | InvitationStatus::Finished { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use api::{Finish, Outcome, WaitReason};

    use super::{super::fixtures::*, *};

    #[test]
    fn who_is_called_sooner_stands_higher() {
        let mut live = company();
        put(
            &mut live,
            invitation(11, waiting(90_000, WaitReason::Retry)),
        );
        put(
            &mut live,
            invitation(12, waiting(20_000, WaitReason::Retry)),
        );
        put(&mut live, invitation(13, finished(Finish::Declined)));

        let next: Vec<_> = list(&live, occurrence_id(1), Section::NextTry)
            .iter()
            .map(|i| i.id)
            .collect();

        assert_eq!(next, [invitation_id(12), invitation_id(11)]);
        assert_eq!(list(&live, occurrence_id(1), Section::NotAgain).len(), 1);
    }

    #[test]
    fn the_ring_starts_full_when_the_last_call_ended() {
        let mut waits = invitation(1, waiting(69_000, WaitReason::Retry));
        waits.reason = reason(Outcome::NoAnswer, 1, None);
        assert_eq!(
            ring(&waits),
            Ring::Left {
                from: 9_000,
                until: 69_000
            }
        );
    }

    #[test]
    fn a_waiting_card_counts_the_try_to_come() {
        let mut waits = invitation(1, waiting(69_000, WaitReason::Retry));
        waits.tries_made = 1;
        waits.tries_allowed = Some(3);
        assert_eq!(try_number(&waits), Some((2, Some(3))));
    }
}
