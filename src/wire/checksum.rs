//! The Internet checksum (RFC 1071), taken over parts.

use std::net::IpAddr;

/// A sum that parts are added to, in the order in which they lie in memory. A part may have an odd length.
#[derive(Clone, Copy, Debug, Default)]
pub struct Checksum {
    sum: u64,
    /// The first byte of a word whose second one is still to come.
    half: Option<u8>,
}

impl Checksum {
    pub fn new() -> Self {
        Self::default()
    }

    /// Begins with the pseudo header of IPv4 (RFC 768) or IPv6 (RFC 8200 8.1), whichever the source is of.
    pub fn pseudo(source: IpAddr, destination: IpAddr, protocol: u8, length: usize) -> Self {
        // The two differ in how wide the length is and where the zeros are, which adds nothing to the sum.
        let length = u32::try_from(length).unwrap_or(u32::MAX);
        Self::new().address(source).address(destination).part(&length.to_be_bytes()).part(&[0, protocol])
    }

    fn address(self, address: IpAddr) -> Self {
        match address {
            IpAddr::V4(v4) => self.part(&v4.octets()),
            IpAddr::V6(v6) => self.part(&v6.octets()),
        }
    }

    #[must_use]
    pub fn part(mut self, mut bytes: &[u8]) -> Self {
        if let Some(high) = self.half
            && let Some((low, rest)) = bytes.split_first()
        {
            self.half = None;
            self.add(high, *low);
            bytes = rest;
        }
        let (words, odd) = bytes.as_chunks::<2>();
        for &[high, low] in words {
            self.add(high, low);
        }
        if let [last] = odd {
            self.half = Some(*last);
        }
        self
    }

    const fn add(&mut self, high: u8, low: u8) {
        // Room for 2^48 words.
        self.sum += u16::from_be_bytes([high, low]) as u64;
    }

    /// The number to put into the field, which was zero when it was added.
    pub fn value(mut self) -> u16 {
        if let Some(high) = self.half {
            self.add(high, 0);
        }
        let mut sum = self.sum;
        loop {
            match u16::try_from(sum) {
                Ok(folded) => return !folded,
                Err(_) => sum = (sum >> 16) + (sum & 0xffff),
            }
        }
    }

    /// Whether what was added, its checksum included, is intact.
    pub fn is_right(self) -> bool {
        self.value() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_example_of_rfc_1071() {
        let bytes = [0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7];
        assert_eq!(Checksum::new().part(&bytes).value(), !0xddf2);
        assert!(Checksum::new().part(&bytes).part(&(!0xddf2_u16).to_be_bytes()).is_right());
    }

    #[test]
    fn an_odd_end_is_padded_with_zero() {
        assert_eq!(Checksum::new().part(&[0x12]).value(), !0x1200);
        assert_eq!(Checksum::new().value(), 0xffff);
    }

    #[test]
    fn pseudo_headers_are_those_of_the_rfcs() {
        let v4 = [[10, 9, 0, 1], [224, 0, 0, 18], [0, 112, 0, 12]].concat();
        let sum = Checksum::pseudo([10, 9, 0, 1].into(), [224, 0, 0, 18].into(), 112, 12);
        assert_eq!(sum.value(), Checksum::new().part(&v4).value());

        let (from, to): (IpAddr, IpAddr) = ("fe80::1".parse().expect("an address"), "ff02::12".parse().expect("an address"));
        let mut v6 = vec![0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
        v6.extend([0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x12]);
        v6.extend([0, 0, 0, 40, 0, 0, 0, 112]);
        assert_eq!(Checksum::pseudo(from, to, 112, 40).value(), Checksum::new().part(&v6).value());
    }

    proptest! {
        #[test]
        fn it_matters_not_where_parts_end(bytes: Vec<u8>, cuts: [usize; 3]) {
            let mut cuts = cuts.map(|cut| cut % (bytes.len() + 1));
            cuts.sort_unstable();
            let [a, b, c] = cuts;
            let parts = Checksum::new().part(&bytes[..a]).part(&bytes[a..b]).part(&bytes[b..c]).part(&bytes[c..]);
            prop_assert_eq!(parts.value(), Checksum::new().part(&bytes).value());
        }
    }
}
