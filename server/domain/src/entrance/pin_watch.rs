//! Counts wrong PINs over all calls, by where they come from and at which room.

use std::collections::BTreeMap;

use crate::{
    id::RoomId,
    time::{Millis, Span},
};

/// Remembers wrong PINs.
///
/// A source is whatever the caller cannot change at will: a trunk's caller
/// number, an account, an address. A room is watched as well, since sources can
/// be many; its limit is wider, so that a stranger cannot close a room's door
/// for those who mistype.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PinWatch {
    sources: BTreeMap<String, Wrong>,
    rooms: BTreeMap<RoomId, Wrong>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Wrong {
    times: u32,
    last: Millis,
}

/// Wrong PINs of one source that have no consequence.
const FREE_OF_SOURCE: u32 = 3;
/// Wrong PINs at one room that have no consequence.
const FREE_OF_ROOM: u32 = 30;
/// The first wait; each further wrong PIN doubles it.
const FIRST_WAIT: Span = Span::seconds(30);
const LONGEST_WAIT: Span = Span::minutes(60);
/// Forgiven after a day without a wrong one.
const MEMORY: Span = Span::minutes(24 * 60);

impl PinWatch {
    /// Whether this source may try a PIN at this room; if not, when.
    pub fn may_try(&self, source: &str, room: RoomId, now: Millis) -> Result<(), Millis> {
        let of_source = self.sources.get(source).map(|w| w.until(FREE_OF_SOURCE));
        let of_room = self.rooms.get(&room).map(|w| w.until(FREE_OF_ROOM));
        match of_source.max(of_room) {
            Some(until) if now < until => Err(until),
            Some(_) | None => Ok(()),
        }
    }

    /// A PIN was wrong.
    pub fn on_wrong(&mut self, source: &str, room: RoomId, now: Millis) {
        self.forget(now);
        self.sources
            .entry(source.to_owned())
            .or_default()
            .again(now);
        self.rooms.entry(room).or_default().again(now);
    }

    /// A PIN was right: its source is forgiven. The room is not: a guess that
    /// hits among many sources is no reason to trust the next.
    pub fn on_right(&mut self, source: &str) {
        self.sources.remove(source);
    }

    fn forget(&mut self, now: Millis) {
        let remembered = |wrong: &Wrong| now - wrong.last < MEMORY;
        self.sources.retain(|_, wrong| remembered(wrong));
        self.rooms.retain(|_, wrong| remembered(wrong));
    }
}

impl Wrong {
    fn again(&mut self, now: Millis) {
        self.times += 1;
        self.last = now;
    }

    fn until(&self, free: u32) -> Millis {
        let Some(beyond) = self.times.checked_sub(free) else {
            return self.last;
        };
        let wait = FIRST_WAIT.0.saturating_mul(1 << beyond.min(20));
        self.last + Span(wait).min(LONGEST_WAIT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Millis = Millis(1_000_000);

    fn room(n: u8) -> RoomId {
        RoomId::new(NOW, [n; 10])
    }

    #[test]
    fn a_source_that_guesses_waits_longer_each_time() {
        let mut watch = PinWatch::default();
        let mut waits = Vec::new();
        for _ in 0..6 {
            watch.on_wrong("+79160000001", room(1), NOW);
            waits.push(match watch.may_try("+79160000001", room(2), NOW) {
                Ok(()) => 0,
                Err(until) => (until - NOW).as_seconds(),
            });
        }

        assert_eq!(waits, [0, 0, 30, 60, 120, 240]);
        assert_eq!(watch.may_try("+79160000002", room(1), NOW), Ok(()));
        assert_eq!(
            watch.may_try("+79160000001", room(1), NOW + Span::seconds(240)),
            Ok(())
        );
    }

    #[test]
    fn a_room_guessed_at_from_many_sources_closes_for_a_while() {
        let mut watch = PinWatch::default();
        for n in 0..40 {
            watch.on_wrong(&format!("source {n}"), room(1), NOW);
        }

        assert!(watch.may_try("another source", room(1), NOW).is_err());
        assert_eq!(watch.may_try("another source", room(2), NOW), Ok(()));
    }

    #[test]
    fn the_right_pin_forgives_and_a_day_forgets() {
        let mut watch = PinWatch::default();
        for _ in 0..10 {
            watch.on_wrong("guesser", room(1), NOW);
        }
        watch.on_right("guesser");
        assert_eq!(watch.may_try("guesser", room(1), NOW), Ok(()));

        watch.on_wrong("somebody", room(1), NOW + MEMORY);
        assert_eq!(watch.sources.len(), 1);
    }
}
