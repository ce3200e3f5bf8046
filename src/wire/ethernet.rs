//! Ethernet II headers.

pub type MacBytes = [u8; 6];

pub(super) const ARP: u16 = 0x0806;
pub(super) const IPV6: u16 = 0x86dd;
pub(super) const BROADCAST: MacBytes = [0xff; 6];
pub(super) const LENGTH: usize = 14;

/// Puts the header in front.
pub(super) fn frame<const N: usize>(destination: MacBytes, source: MacBytes, kind: u16, parts: &[&[u8]]) -> [u8; N] {
    let mut frame = [0; N];
    let mut rest = frame.as_mut_slice();
    for part in [destination.as_slice(), &source, &kind.to_be_bytes()].into_iter().chain(parts.iter().copied()) {
        let (here, after) = rest.split_at_mut(part.len().min(rest.len()));
        here.copy_from_slice(&part[..here.len()]);
        rest = after;
    }
    frame
}

/// Who sent it, and what is in it, if that is of this kind.
pub(super) fn open(frame: &[u8], kind: u16) -> Option<(MacBytes, &[u8])> {
    let (header, payload) = frame.split_first_chunk::<LENGTH>()?;
    let [_, _, _, _, _, _, a, b, c, d, e, f, high, low] = *header;
    (u16::from_be_bytes([high, low]) == kind).then_some(([a, b, c, d, e, f], payload))
}
