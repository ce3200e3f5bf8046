//! From values to bytes.

use super::{Body, CONTEXT, HEADER, INSTANCE, NETWORK, Oid, Order, Pdu, Range, Region, Response, VERSION, Value, VarBind, kind, tag};

impl Pdu {
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Writer { bytes: vec![0; HEADER], order: self.header.order };
        let mut flags = match self.header.order {
            Order::Big => NETWORK,
            Order::Little => 0,
        };
        if let Some(context) = self.header.context.as_deref().filter(|_| self.body.may_have_context()) {
            flags |= CONTEXT;
            out.octets(context);
        }
        let kind = match &self.body {
            Body::Open { timeout, id, description } => {
                out.bytes.extend([*timeout, 0, 0, 0]);
                out.oid(id, false);
                out.octets(description);
                kind::OPEN
            }
            Body::Close(reason) => {
                out.bytes.extend([reason.number(), 0, 0, 0]);
                kind::CLOSE
            }
            Body::Register(region) => {
                out.region(region, region.timeout);
                flags |= if region.instance { INSTANCE } else { 0 };
                kind::REGISTER
            }
            Body::Unregister(region) => {
                out.region(region, 0);
                kind::UNREGISTER
            }
            Body::Get(ranges) => {
                out.ranges(ranges);
                kind::GET
            }
            Body::GetNext(ranges) => {
                out.ranges(ranges);
                kind::GET_NEXT
            }
            Body::GetBulk { non_repeaters, max_repetitions, ranges } => {
                out.u16(*non_repeaters);
                out.u16(*max_repetitions);
                out.ranges(ranges);
                kind::GET_BULK
            }
            Body::TestSet(binds) => {
                out.binds(binds);
                kind::TEST_SET
            }
            Body::CommitSet => kind::COMMIT_SET,
            Body::UndoSet => kind::UNDO_SET,
            Body::CleanupSet => kind::CLEANUP_SET,
            Body::Notify(binds) => {
                out.binds(binds);
                kind::NOTIFY
            }
            Body::Ping => kind::PING,
            Body::Response(Response { uptime, error, index, binds }) => {
                out.u32(*uptime);
                out.u16(*error);
                out.u16(*index);
                out.binds(binds);
                kind::RESPONSE
            }
            Body::Other(kind) => *kind,
        };
        let length = u32::try_from(out.bytes.len() - HEADER).unwrap_or(u32::MAX);
        let mut head = Writer { bytes: vec![VERSION, kind, flags, 0], order: self.header.order };
        for number in [self.header.session, self.header.transaction, self.header.packet, length] {
            head.u32(number);
        }
        for (to, from) in out.bytes.iter_mut().zip(head.bytes) {
            *to = from;
        }
        out.bytes
    }
}

impl Body {
    pub(super) const fn may_have_context(&self) -> bool {
        match self {
            Self::Register(_)
            | Self::Unregister(_)
            | Self::Get(_)
            | Self::GetNext(_)
            | Self::GetBulk { .. }
            | Self::TestSet(_)
            | Self::Notify(_)
            | Self::Ping => true,
            Self::Open { .. }
            | Self::Close(_)
            | Self::CommitSet
            | Self::UndoSet
            | Self::CleanupSet
            | Self::Response(_)
            | Self::Other(_) => false,
        }
    }
}

struct Writer {
    bytes: Vec<u8>,
    order: Order,
}

impl Writer {
    fn u16(&mut self, number: u16) {
        self.bytes.extend(match self.order {
            Order::Big => number.to_be_bytes(),
            Order::Little => number.to_le_bytes(),
        });
    }

    fn u32(&mut self, number: u32) {
        self.bytes.extend(match self.order {
            Order::Big => number.to_be_bytes(),
            Order::Little => number.to_le_bytes(),
        });
    }

    fn u64(&mut self, number: u64) {
        self.bytes.extend(match self.order {
            Order::Big => number.to_be_bytes(),
            Order::Little => number.to_le_bytes(),
        });
    }

    fn octets(&mut self, octets: &[u8]) {
        self.u32(u32::try_from(octets.len()).unwrap_or(u32::MAX));
        self.bytes.extend(octets);
        let padding = octets.len().next_multiple_of(4) - octets.len();
        self.bytes.extend(std::iter::repeat_n(0, padding));
    }

    fn oid(&mut self, oid: &Oid, include: bool) {
        let (prefix, rest) = match oid.parts() {
            [1, 3, 6, 1, first, rest @ ..] => match u8::try_from(*first) {
                Ok(prefix @ 1..) => (prefix, rest),
                Ok(0) | Err(_) => (0, oid.parts()),
            },
            all => (0, all),
        };
        // An identifier has no more than 128 parts.
        self.bytes.extend([u8::try_from(rest.len()).unwrap_or(u8::MAX), prefix, include.into(), 0]);
        for part in rest {
            self.u32(*part);
        }
    }

    fn region(&mut self, region: &Region, timeout: u8) {
        let subid = region.range.map_or(0, |(subid, _)| subid);
        self.bytes.extend([timeout, region.priority, subid, 0]);
        self.oid(&region.subtree, false);
        if let Some((_, upper)) = region.range {
            self.u32(upper);
        }
    }

    fn ranges(&mut self, ranges: &[Range]) {
        for range in ranges {
            self.oid(&range.start, range.include);
            self.oid(&range.end, false);
        }
    }

    fn binds(&mut self, binds: &[VarBind]) {
        for bind in binds {
            self.u16(bind.value.tag());
            self.u16(0);
            self.oid(&bind.name, false);
            match &bind.value {
                Value::Integer(number) => self.u32(number.cast_unsigned()),
                Value::Octets(octets) | Value::Opaque(octets) => self.octets(octets),
                Value::Oid(oid) => self.oid(oid, false),
                Value::IpAddress(address) => self.octets(address),
                Value::Counter32(number) | Value::Gauge32(number) | Value::TimeTicks(number) => self.u32(*number),
                Value::Counter64(number) => self.u64(*number),
                Value::Null | Value::NoSuchObject | Value::NoSuchInstance | Value::EndOfMibView => {}
            }
        }
    }
}

impl Value {
    const fn tag(&self) -> u16 {
        match self {
            Self::Integer(_) => tag::INTEGER,
            Self::Octets(_) => tag::OCTETS,
            Self::Null => tag::NULL,
            Self::Oid(_) => tag::OID,
            Self::IpAddress(_) => tag::IP_ADDRESS,
            Self::Counter32(_) => tag::COUNTER_32,
            Self::Gauge32(_) => tag::GAUGE_32,
            Self::TimeTicks(_) => tag::TIME_TICKS,
            Self::Opaque(_) => tag::OPAQUE,
            Self::Counter64(_) => tag::COUNTER_64,
            Self::NoSuchObject => tag::NO_SUCH_OBJECT,
            Self::NoSuchInstance => tag::NO_SUCH_INSTANCE,
            Self::EndOfMibView => tag::END_OF_MIB_VIEW,
        }
    }
}
