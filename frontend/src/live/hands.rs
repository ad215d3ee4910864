//! Raised hands, in the order in which they were raised.

use api::{MemberId, RoomId};

use super::Live;

/// Who wants to speak in a room, the first to be asked first.
pub fn hands(live: &Live, room: RoomId) -> Vec<MemberId> {
    let mut up: Vec<_> = live
        .members_of(room)
        .filter_map(|member| Some((member.hand_at?, member.id)))
        .collect();
    up.sort();
    up.into_iter().map(|(_, id)| id).collect()
}

/// The place of somebody's hand among those in his room, from 1.
pub fn place_of(live: &Live, member: MemberId) -> Option<usize> {
    let room = live.members.get(&member)?.room_id;
    let place = hands(live, room).into_iter().position(|id| id == member)?;
    Some(place + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::fixtures::{company, member_id, room_id};

    #[test]
    fn hands_stand_in_the_order_in_which_they_were_raised() {
        let mut live = company();
        for (member, at) in [(1, 2_000), (2, 1_000)] {
            live.members.get_mut(&member_id(member)).unwrap().hand_at = Some(at);
        }

        assert_eq!(hands(&live, room_id(1)), [member_id(2), member_id(1)]);
        assert_eq!(place_of(&live, member_id(1)), Some(2));
    }
}
