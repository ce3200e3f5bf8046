//! What checkers add to the weight of their real server, and what the kernel makes of the sum.

use crate::model::track::Weight;

/// The kernel's weights are not negative and fit 31 bits.
const MOST: i64 = 0x7fff_ffff;

/// The configured weight with all that checkers add. It may lie outside what the kernel knows: several checkers add to it, and
/// the sum must come back to where it was when one of them takes its part away.
pub(super) fn effective(configured: u32, added: i64) -> i64 {
    i64::from(configured).saturating_add(added)
}

/// As the kernel has it, and as it counts for the quorum.
pub(super) fn clamped(effective: i64) -> u32 {
    u32::try_from(effective.clamp(0, MOST)).unwrap_or(0)
}

/// What the exit status of a script with `misc_dynamic` adds: 0 nothing, from 2 on what makes the weight the status less 2.
/// Any other is a failure.
pub(super) fn of_status(status: i32, configured: u32) -> Option<i64> {
    match status {
        0 => Some(0),
        2..=255 => Some(i64::from(status) - 2 - i64::from(configured)),
        _ => None,
    }
}

/// What the number in a file adds; nothing if it means failure. keepalived forgets `reverse` with a weight of 0 until the file
/// changes for the first time (BUG, run 05).
pub(super) fn of_file(value: i64, weight: Weight) -> Option<i64> {
    if weight.value == 0 {
        return ((value == 0) != weight.reverse).then_some(0);
    }
    let product = value.saturating_mul(i64::from(weight.value));
    let signed = if weight.reverse { product.saturating_neg() } else { product };
    let added = signed.clamp(i64::from(i32::MIN), i64::from(i32::MAX));
    // The least number is how a file says that the server has failed.
    (added > i64::from(i32::MIN)).then_some(added)
}
