//! The effective priority: the configured one with the weights of what is tracked.

use crate::model::track::Weight;
use crate::model::vrrp::Priority;

/// What an object that is up or down adds: a positive weight counts while it is up, a negative one while it is down, and
/// `reverse` turns the sign of what counts.
pub(super) fn contribution(weight: Weight, up: bool) -> i32 {
    let counted = match (weight.value.is_positive(), up) {
        (true, true) | (false, false) => weight.value,
        (true, false) | (false, true) => 0,
    };
    if weight.reverse { counted.saturating_neg() } else { counted }
}

/// Whether an object of weight 0 in this standing is a fault.
pub(super) const fn fails(weight: Weight, up: bool) -> bool {
    weight.value == 0 && up == weight.reverse
}

/// An owner's priority is its own; others stay between 1 and 254.
pub(super) fn effective(base: Priority, weights: i32) -> u8 {
    if base.is_owner() {
        return base.0;
    }
    u8::try_from(i32::from(base.0).saturating_add(weights).clamp(1, 254)).unwrap_or(base.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_count_while_up_or_while_down() {
        for (value, reverse, up, want) in [
            (30, false, true, 30),
            (30, false, false, 0),
            (-40, false, true, 0),
            (-40, false, false, -40),
            (30, true, true, -30),
            (30, true, false, 0),
            (-40, true, true, 0),
            (-40, true, false, 40),
            (0, false, true, 0),
            (0, false, false, 0),
        ] {
            assert_eq!(contribution(Weight { value, reverse }, up), want, "{value} {reverse} {up}");
        }
        assert!(fails(Weight { value: 0, reverse: false }, false) && fails(Weight { value: 0, reverse: true }, true));
        assert!(!fails(Weight { value: 0, reverse: false }, true) && !fails(Weight { value: 5, reverse: false }, false));
    }

    #[test]
    fn the_effective_priority_stays_on_the_wire() {
        for (base, weights, want) in [(100, 30, 130), (100, -200, 1), (200, 100, 254), (255, -100, 255), (1, i32::MIN, 1)] {
            assert_eq!(effective(Priority(base), weights), want);
        }
    }
}
