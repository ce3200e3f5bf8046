//! The authentication header of version 2. There is one row of sequence numbers for all routers of a virtual router: each goes
//! on from the highest that it has used or heard (as keepalived does).

use crate::effect::packet::{Datagram, Seal};
use crate::model::vrrp::Password;
use crate::vrrp::admit::Remark;
use crate::vrrp::stats::AuthErrors;
use crate::wire::ah::{Ah, LENGTH};
use crate::wire::ipv4::Header;
use crate::wire::vrrp::PROTOCOL;
use std::net::{IpAddr, Ipv4Addr};

/// Beyond this the numbers have come to their end, and begin anew.
const END: u32 = u32::MAX - 2;
/// So many numbers are spoken for at a time, less one, so that the supervisor need not hear of each.
const RESERVED: u32 = 1023;

/// The highest number so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::vrrp) struct Counter {
    last: u32,
    /// We have used it, and nobody else has been heard with it.
    ours: bool,
}

impl Counter {
    /// After a predecessor that had spoken for numbers up to this.
    pub(in crate::vrrp) const fn resume(&mut self, reserved: u32) {
        self.last = reserved;
    }

    /// What a successor must go on from.
    pub(in crate::vrrp) const fn reserved(self) -> u32 {
        if self.last == 0 { 0 } else { self.last | RESERVED }
    }

    /// A new master has all numbers before it, once they have come to their end.
    pub(in crate::vrrp) const fn begin(&mut self) {
        if self.last > END {
            self.last = 0;
        }
    }

    pub(in crate::vrrp) const fn next(&mut self) -> u32 {
        *self = Self { last: self.last.saturating_add(1), ours: true };
        self.last
    }

    const fn take(&mut self, sequence: u32) -> bool {
        let fresh = sequence > self.last || self.last > END;
        if fresh {
            *self = Self { last: sequence, ours: false };
        }
        fresh
    }

    /// Two masters that speak at the same moments would use the same numbers for ever, and hear nothing of each other. One of
    /// them leaves a number out.
    fn make_way(&mut self, sequence: u32, source: IpAddr, own: Option<IpAddr>) {
        if self.ours && sequence == self.last && own.is_some_and(|own| own > source) {
            *self = Self { last: self.last.saturating_add(1), ours: false };
        }
    }

    /// What is wrong with a packet, if anything is. Only an intact one moves the counter.
    pub(in crate::vrrp) fn check(
        &mut self,
        password: &Password,
        own: Option<IpAddr>,
        datagram: &Datagram<'_>,
        errors: &mut AuthErrors,
    ) -> Result<(), Remark> {
        let (Some(seal), IpAddr::V4(source), IpAddr::V4(destination)) = (datagram.seal, datagram.source, datagram.destination) else {
            errors.type_mismatch += 1;
            return Err(Remark::AuthType);
        };
        let Seal { ah, id } = seal;
        if ah.next != PROTOCOL {
            return Err(Remark::Next);
        }
        let ip = header(source, destination, datagram.ttl, id, datagram.payload);
        if !ah.vouches(&ip, &password.wire(), datagram.payload) || ah.spi != source.to_bits() {
            errors.failure += 1;
            return Err(Remark::Seal);
        }
        if !self.take(ah.sequence) {
            self.make_way(ah.sequence, datagram.source, own);
            errors.failure += 1;
            return Err(Remark::Repeated);
        }
        Ok(())
    }
}

fn header(source: Ipv4Addr, destination: Ipv4Addr, ttl: u8, id: u16, payload: &[u8]) -> Header {
    Header::advert(source, destination, ttl, id, LENGTH + payload.len())
}

/// For an advert of ours. None over IPv6, which the configuration does not allow.
pub(in crate::vrrp) fn seal(password: &Password, ends: (IpAddr, IpAddr), ttl: u8, id: u16, sequence: u32, payload: &[u8]) -> Option<Ah> {
    let (IpAddr::V4(source), IpAddr::V4(destination)) = ends else { return None };
    Some(Ah::sign(&header(source, destination, ttl, id, payload), &password.wire(), sequence, payload))
}
