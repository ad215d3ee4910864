//! When a press becomes a drag. Plain Rust; the events come from `drag`.

/// Which kind of pointer presses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Mouse,
    Touch,
}

/// A point in the window, CSS pixels.
pub type Point = (f64, f64);

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Gesture {
    Idle,
    /// Down, and not yet decided: a click, a scroll or a drag.
    Pressed {
        pointer: i32,
        kind: Kind,
        from: Point,
    },
    Carrying {
        pointer: i32,
    },
}

/// What a movement means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    Nothing,
    /// The drag begins.
    Lift,
    /// The finger scrolls: this will be no drag.
    GiveUp,
    Move,
}

/// A mouse drags after this much.
const MOUSE_PX: f64 = 4.0;
/// A finger that moves further before its hold is over scrolls.
const TOUCH_PX: f64 = 10.0;
/// How long a finger holds before it lifts.
pub const HOLD_MS: u64 = 350;

impl Gesture {
    pub fn moved(&self, pointer: i32, to: Point) -> Step {
        match *self {
            Gesture::Pressed {
                pointer: pressed,
                kind,
                from,
            } if pressed == pointer => {
                let far = (to.0 - from.0).hypot(to.1 - from.1);
                match kind {
                    Kind::Mouse if far >= MOUSE_PX => Step::Lift,
                    Kind::Touch if far >= TOUCH_PX => Step::GiveUp,
                    Kind::Mouse | Kind::Touch => Step::Nothing,
                }
            }
            Gesture::Carrying { pointer: carrying } if carrying == pointer => Step::Move,
            Gesture::Pressed { .. } | Gesture::Carrying { .. } | Gesture::Idle => Step::Nothing,
        }
    }

    /// A finger has held still for [`HOLD_MS`].
    pub fn held(&self, pointer: i32) -> Step {
        match *self {
            Gesture::Pressed {
                pointer: pressed,
                kind: Kind::Touch,
                ..
            } if pressed == pointer => Step::Lift,
            Gesture::Pressed { .. } | Gesture::Carrying { .. } | Gesture::Idle => Step::Nothing,
        }
    }
}

/// How far to scroll a column when something is held near its edge, CSS pixels.
pub fn edge_scroll(top: f64, bottom: f64, y: f64) -> f64 {
    const EDGE_PX: f64 = 24.0;
    const STEP_PX: f64 = 12.0;
    if y < top + EDGE_PX {
        -STEP_PX
    } else if y > bottom - EDGE_PX {
        STEP_PX
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pressed(kind: Kind) -> Gesture {
        Gesture::Pressed {
            pointer: 1,
            kind,
            from: (10.0, 10.0),
        }
    }

    #[test]
    fn a_mouse_that_trembles_still_clicks() {
        let mouse = pressed(Kind::Mouse);
        assert_eq!(mouse.moved(1, (12.0, 12.0)), Step::Nothing);
        assert_eq!(mouse.moved(1, (13.0, 13.0)), Step::Lift);
    }

    #[test]
    fn a_finger_lifts_by_holding_and_scrolls_by_moving() {
        let finger = pressed(Kind::Touch);
        assert_eq!(finger.moved(1, (10.0, 18.0)), Step::Nothing);
        assert_eq!(finger.moved(1, (10.0, 21.0)), Step::GiveUp);
        assert_eq!(finger.held(1), Step::Lift);
        assert_eq!(pressed(Kind::Mouse).held(1), Step::Nothing);
    }

    #[test]
    fn a_second_finger_moves_nothing() {
        assert_eq!(
            Gesture::Carrying { pointer: 1 }.moved(2, (0.0, 0.0)),
            Step::Nothing
        );
        assert_eq!(
            Gesture::Carrying { pointer: 1 }.moved(1, (0.0, 0.0)),
            Step::Move
        );
        assert_eq!(Gesture::Idle.held(1), Step::Nothing);
    }

    #[test]
    fn a_column_scrolls_only_at_its_edges() {
        assert!(edge_scroll(100.0, 500.0, 110.0) < 0.0);
        assert!(edge_scroll(100.0, 500.0, 490.0) > 0.0);
        assert!(edge_scroll(100.0, 500.0, 300.0).abs() < f64::EPSILON);
    }
}
