//! Who is meant by a key of the descriptors that are waited for.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Timer,
    Monitor,
    Holder,
    Control,
    Signals,
    Linkbeat,
    Dbus,
    Port,
    /// IPv4 or IPv6.
    Neighbour4,
    Neighbour6,
}

impl Kind {
    const ALL: [Self; 10] = [
        Self::Timer,
        Self::Monitor,
        Self::Holder,
        Self::Control,
        Self::Signals,
        Self::Linkbeat,
        Self::Dbus,
        Self::Port,
        Self::Neighbour4,
        Self::Neighbour6,
    ];
}

/// Kind in the upper half, number in the lower.
pub(super) fn key(kind: Kind, number: u32) -> u64 {
    let kind = Kind::ALL.iter().position(|&other| other == kind).and_then(|index| u64::try_from(index).ok()).unwrap_or_default();
    kind << 32 | u64::from(number)
}

pub(super) fn meant(key: u64) -> Option<(Kind, u32)> {
    let kind = Kind::ALL.get(usize::try_from(key >> 32).ok()?)?;
    Some((*kind, u32::try_from(key & u64::from(u32::MAX)).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_means_whom_it_was_made_for() {
        for kind in Kind::ALL {
            for number in [0, 1, u32::MAX] {
                assert_eq!(meant(key(kind, number)), Some((kind, number)));
            }
        }
        assert_eq!(meant(u64::MAX), None);
    }
}
