//! BFD control packets (RFC 5880 section 4.1), without authentication.
//!
//! ```text
//!  0          1              2           3       4            8             12          16          20
//!  version(3) state(2) flags multiplier  length  our number   your number   min TX us   min RX us   min echo RX us
//!  reason(5)  P F C A D M
//! ```

const VERSION: u8 = 1;
pub const LENGTH: usize = 24;

const POLL: u8 = 0x20;
const FINAL: u8 = 0x10;
const AUTHENTICATED: u8 = 0x04;
const DEMAND: u8 = 0x02;
const MULTIPOINT: u8 = 0x01;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    AdminDown,
    Down,
    Init,
    Up,
}

/// Why a session left the state Up (RFC 5880 section 4.1, "Diagnostic"), as far as we ever say so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    None,
    Expired,
    /// The neighbour said that it is down.
    Neighbour,
    Administrator,
}

impl Reason {
    const fn number(self) -> u8 {
        match self {
            Self::None => 0,
            Self::Expired => 1,
            Self::Neighbour => 3,
            Self::Administrator => 7,
        }
    }
}

/// A packet. Intervals are in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet {
    pub state: State,
    /// The neighbour must answer at once.
    pub poll: bool,
    /// This is such an answer.
    pub is_final: bool,
    /// While the session is up, no packets are wanted but such as answer.
    pub demand: bool,
    pub multiplier: u8,
    /// The sender's number of the session, and the receiver's as the sender knows it.
    pub ours: u32,
    pub yours: u32,
    /// The least the sender likes between what it sends, and between what it receives.
    pub min_tx: u32,
    pub min_rx: u32,
}

impl Packet {
    pub fn encode(&self, reason: Reason) -> [u8; LENGTH] {
        let state: u8 = match self.state {
            State::AdminDown => 0,
            State::Down => 1,
            State::Init => 2,
            State::Up => 3,
        };
        let flag = |set: bool, bit: u8| if set { bit } else { 0 };
        let flags = flag(self.poll, POLL) | flag(self.is_final, FINAL) | flag(self.demand, DEMAND);
        let mut bytes = [0; LENGTH];
        bytes[..4].copy_from_slice(&[VERSION << 5 | reason.number(), state << 6 | flags, self.multiplier, 24]);
        for (field, value) in bytes[4..].chunks_exact_mut(4).zip([self.ours, self.yours, self.min_tx, self.min_rx, 0]) {
            field.copy_from_slice(&value.to_be_bytes());
        }
        bytes
    }

    /// Nothing for what a receiver must ignore whoever sent it (RFC 5880 section 6.8.6), or that is authenticated.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let &[version, flags, multiplier, length] = bytes.first_chunk()?;
        let said = bytes.get(..length.into())?;
        let number = |at: usize| said.get(at..)?.first_chunk().copied().map(u32::from_be_bytes);
        let state = match flags >> 6 {
            0 => State::AdminDown,
            1 => State::Down,
            2 => State::Init,
            _ => State::Up,
        };
        let set = |bit: u8| flags & bit != 0;
        let packet = Self {
            state,
            poll: set(POLL),
            is_final: set(FINAL),
            demand: set(DEMAND),
            multiplier,
            ours: number(4)?,
            yours: number(8)?,
            min_tx: number(12)?,
            min_rx: number(16)?,
        };
        number(20)?;
        let known = packet.yours != 0 || matches!(packet.state, State::AdminDown | State::Down);
        let usable = version >> 5 == VERSION && multiplier != 0 && packet.ours != 0 && known;
        (usable && !set(AUTHENTICATED) && !set(MULTIPOINT)).then_some(packet)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const UP: Packet = Packet {
        state: State::Up,
        poll: true,
        is_final: false,
        demand: false,
        multiplier: 3,
        ours: 0x0102_0304,
        yours: 0x0506_0708,
        min_tx: 100_000,
        min_rx: 50_000,
    };

    #[test]
    fn a_packet_is_laid_out_as_the_rfc_has_it() {
        let bytes = UP.encode(Reason::Expired);
        assert_eq!(bytes, [0x21, 0xe0, 3, 24, 1, 2, 3, 4, 5, 6, 7, 8, 0, 1, 0x86, 0xa0, 0, 0, 0xc3, 0x50, 0, 0, 0, 0]);
        assert_eq!(Packet::decode(&bytes), Some(UP));
    }

    #[test]
    fn what_is_to_be_ignored_is() {
        let bytes = UP.encode(Reason::None);
        let with = |at: usize, value: u8| {
            let mut bytes = bytes;
            bytes[at] = value;
            Packet::decode(&bytes)
        };
        for (what, packet) in [
            ("another version", with(0, 0x40)),
            ("authentication", with(1, 0xe4)),
            ("more than two points", with(1, 0xe1)),
            ("no multiplier", with(2, 0)),
            ("too short", with(3, 23)),
            ("longer than it is", with(3, 25)),
        ] {
            assert_eq!(packet, None, "{what}");
        }
        assert_eq!(Packet::decode(&Packet { ours: 0, ..UP }.encode(Reason::None)), None);
        assert_eq!(Packet::decode(&Packet { yours: 0, ..UP }.encode(Reason::None)), None);
        let first = Packet { yours: 0, state: State::Down, ..UP };
        assert_eq!(Packet::decode(&first.encode(Reason::None)), Some(first));
        // More than a packet may follow it.
        assert_eq!(Packet::decode(&[&bytes[..], &[9; 8]].concat()), Some(UP));
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            if let Some(packet) = Packet::decode(&bytes) {
                prop_assert_eq!(Packet::decode(&packet.encode(Reason::None)), Some(packet));
            }
        }
    }
}
