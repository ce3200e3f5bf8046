//! From bytes to values.

use super::{
    Body, CONTEXT, HEADER, Header, INSTANCE, LONGEST, NETWORK, Oid, Order, Range, Reason, Region, Response, VERSION, Value, VarBind, kind,
    tag,
};

/// What stands at the beginning of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// There is more to come.
    Partial,
    /// This is no AgentX, and so nothing behind it can be found.
    Alien,
    /// So many bytes. Without a body it is not understood.
    Whole { length: usize, header: Header, body: Option<Body> },
}

pub fn frame(bytes: &[u8]) -> Frame {
    let Some(&[version, kind, flags, _]) = bytes.first_chunk() else { return Frame::Partial };
    if version != VERSION {
        return Frame::Alien;
    }
    let order = if flags & NETWORK == 0 { Order::Little } else { Order::Big };
    let numbers: Option<[u32; 4]> = bytes.get(4..HEADER).and_then(|rest| {
        let mut reader = Reader { rest, order };
        Some([reader.u32()?, reader.u32()?, reader.u32()?, reader.u32()?])
    });
    let Some([session, transaction, packet, length]) = numbers else { return Frame::Partial };
    let length = match usize::try_from(length) {
        Ok(length) if length <= LONGEST && length % 4 == 0 => HEADER + length,
        Ok(_) | Err(_) => return Frame::Alien,
    };
    let Some(rest) = bytes.get(HEADER..length) else { return Frame::Partial };
    let mut header = Header { order, session, transaction, packet, context: None };
    let mut reader = Reader { rest, order };
    let (context, body) = match read(&mut reader, kind, flags) {
        Some((context, body)) => (context, Some(body)),
        None => (None, None),
    };
    header.context = context;
    Frame::Whole { length, header, body }
}

fn read(reader: &mut Reader<'_>, kind: u8, flags: u8) -> Option<(Option<Box<[u8]>>, Body)> {
    let context = if flags & CONTEXT == 0 { None } else { Some(reader.octets()?.into()) };
    let body = match kind {
        kind::OPEN => {
            let [timeout, ..] = reader.four()?;
            Body::Open { timeout, id: reader.oid()?.0, description: reader.octets()?.into() }
        }
        kind::CLOSE => {
            let [reason, ..] = reader.four()?;
            Body::Close(Reason::of(reason))
        }
        kind::REGISTER => Body::Register(reader.region(flags & INSTANCE != 0)?),
        kind::UNREGISTER => Body::Unregister(Region { timeout: 0, ..reader.region(false)? }),
        kind::GET => Body::Get(reader.ranges()?),
        kind::GET_NEXT => Body::GetNext(reader.ranges()?),
        kind::GET_BULK => {
            let (non_repeaters, max_repetitions) = (reader.u16()?, reader.u16()?);
            Body::GetBulk { non_repeaters, max_repetitions, ranges: reader.ranges()? }
        }
        kind::TEST_SET => Body::TestSet(reader.binds()?),
        kind::COMMIT_SET => Body::CommitSet,
        kind::UNDO_SET => Body::UndoSet,
        kind::CLEANUP_SET => Body::CleanupSet,
        kind::NOTIFY => Body::Notify(reader.binds()?),
        kind::PING => Body::Ping,
        kind::RESPONSE => {
            let (uptime, error, index) = (reader.u32()?, reader.u16()?, reader.u16()?);
            Body::Response(Response { uptime, error, index, binds: reader.binds()? })
        }
        kind => Body::Other(kind),
    };
    Some((context, body))
}

struct Reader<'a> {
    rest: &'a [u8],
    order: Order,
}

impl<'a> Reader<'a> {
    fn chunk<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (chunk, rest) = self.rest.split_first_chunk()?;
        self.rest = rest;
        Some(*chunk)
    }

    fn four(&mut self) -> Option<[u8; 4]> {
        self.chunk()
    }

    fn u16(&mut self) -> Option<u16> {
        let bytes = self.chunk()?;
        Some(match self.order {
            Order::Big => u16::from_be_bytes(bytes),
            Order::Little => u16::from_le_bytes(bytes),
        })
    }

    fn u32(&mut self) -> Option<u32> {
        let bytes = self.chunk()?;
        Some(match self.order {
            Order::Big => u32::from_be_bytes(bytes),
            Order::Little => u32::from_le_bytes(bytes),
        })
    }

    fn u64(&mut self) -> Option<u64> {
        let bytes = self.chunk()?;
        Some(match self.order {
            Order::Big => u64::from_be_bytes(bytes),
            Order::Little => u64::from_le_bytes(bytes),
        })
    }

    fn octets(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.u32()?).ok()?;
        let octets = self.rest.get(..length)?;
        self.rest = self.rest.get(length.checked_next_multiple_of(4)?..)?;
        Some(octets)
    }

    fn oid(&mut self) -> Option<(Oid, bool)> {
        let [count, prefix, include, _] = self.four()?;
        let mut parts = if prefix == 0 { Vec::new() } else { vec![1, 3, 6, 1, prefix.into()] };
        for _ in 0..count {
            parts.push(self.u32()?);
        }
        (parts.len() <= Oid::LONGEST).then(|| (Oid::new(&parts), include != 0))
    }

    fn region(&mut self, instance: bool) -> Option<Region> {
        let [timeout, priority, subid, _] = self.four()?;
        let (subtree, _) = self.oid()?;
        let range = if subid == 0 { None } else { Some((subid, self.u32()?)) };
        Some(Region { timeout, priority, subtree, range, instance })
    }

    fn ranges(&mut self) -> Option<Vec<Range>> {
        let mut ranges = Vec::new();
        while !self.rest.is_empty() {
            let ((start, include), (end, _)) = (self.oid()?, self.oid()?);
            ranges.push(Range { start, include, end });
        }
        Some(ranges)
    }

    fn binds(&mut self) -> Option<Vec<VarBind>> {
        let mut binds = Vec::new();
        while !self.rest.is_empty() {
            let (tag, _) = (self.u16()?, self.u16()?);
            let (name, _) = self.oid()?;
            binds.push(VarBind { name, value: self.value(tag)? });
        }
        Some(binds)
    }

    fn value(&mut self, tag: u16) -> Option<Value> {
        Some(match tag {
            tag::INTEGER => Value::Integer(self.u32()?.cast_signed()),
            tag::OCTETS => Value::Octets(self.octets()?.into()),
            tag::NULL => Value::Null,
            tag::OID => Value::Oid(self.oid()?.0),
            tag::IP_ADDRESS => Value::IpAddress(self.octets()?.try_into().ok()?),
            tag::COUNTER_32 => Value::Counter32(self.u32()?),
            tag::GAUGE_32 => Value::Gauge32(self.u32()?),
            tag::TIME_TICKS => Value::TimeTicks(self.u32()?),
            tag::OPAQUE => Value::Opaque(self.octets()?.into()),
            tag::COUNTER_64 => Value::Counter64(self.u64()?),
            tag::NO_SUCH_OBJECT => Value::NoSuchObject,
            tag::NO_SUCH_INSTANCE => Value::NoSuchInstance,
            tag::END_OF_MIB_VIEW => Value::EndOfMibView,
            _ => return None,
        })
    }
}
