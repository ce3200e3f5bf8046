//! Who is meant by a key of the descriptors that are waited for.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Control,
    Signals,
    /// Addresses that come and go.
    Presence,
}

impl Kind {
    const ALL: [Self; 3] = [Self::Control, Self::Signals, Self::Presence];
}

pub(super) fn key(kind: Kind) -> u64 {
    Kind::ALL.iter().position(|&other| other == kind).and_then(|index| u64::try_from(index).ok()).unwrap_or_default()
}

pub(super) fn meant(key: u64) -> Option<Kind> {
    Kind::ALL.get(usize::try_from(key).ok()?).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_means_whom_it_was_made_for() {
        for kind in Kind::ALL {
            assert_eq!(meant(key(kind)), Some(kind));
        }
        assert_eq!((meant(3), meant(u64::MAX)), (None, None));
    }
}
