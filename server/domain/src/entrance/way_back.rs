//! Who calls, and at which meeting he is expected.

use crate::{
    id::EmployeeId,
    invitation::{Finish, Invitation, Status},
    meeting::Invitee,
    number::PhoneNumber,
};

/// Who calls, as far as the signalling vouches for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Caller {
    /// A phone of ours, logged in.
    Employee(EmployeeId),
    /// A number that a trunk presents.
    Number(PhoneNumber),
    /// Nobody knows.
    Unknown,
}

/// Somebody expected where a call may lead.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// His invitation, to an occurrence whose room is open.
    pub invitation: &'a Invitation,
    /// The numbers he can be told by: those of his devices, or the one invited.
    pub numbers: &'a [PhoneNumber],
}

/// The invitation of a caller who dials the room, or the number that rang him.
///
/// Of several, the one that is called or was called last: that is the ring he
/// answers to. Whoever declined may change his mind; whoever was taken out may not.
pub fn way_back<'a>(caller: &Caller, expected: &[Expected<'a>]) -> Option<&'a Invitation> {
    expected
        .iter()
        .filter(|someone| someone.is(caller) && may_enter(someone.invitation))
        .map(|someone| someone.invitation)
        .max_by_key(|invitation| {
            let calling = matches!(invitation.status(), Status::Calling { .. });
            (
                calling,
                invitation.last().map(|last| last.at),
                invitation.id,
            )
        })
}

impl Expected<'_> {
    fn is(&self, caller: &Caller) -> bool {
        match caller {
            Caller::Employee(id) => self.invitation.invitee == Invitee::Employee(*id),
            Caller::Number(number) => self.numbers.iter().any(|own| own.same_line(number)),
            Caller::Unknown => false,
        }
    }
}

fn may_enter(invitation: &Invitation) -> bool {
    !matches!(
        invitation.status(),
        Status::Finished {
            why: Finish::TakenOut,
            ..
        }
    )
}
