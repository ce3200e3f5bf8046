//! Tables, sets, chains and rules as nfnetlink has them (linux/netfilter/nf_tables.h). Numbers are big-endian there, but not
//! those within sets.

use crate::effect::firewall::{Chain, Entry, Field, Frame, Hook, Kind, Set, Step, Table, Value};
use crate::model::net::{Family, Prefix};
use std::net::IpAddr;

/// What the kernel calls things.
pub(super) mod n {
    pub(in super::super) const SUBSYSTEM: u16 = 10;
    pub(in super::super) const BATCH_BEGIN: u16 = 0x10;
    pub(in super::super) const BATCH_END: u16 = 0x11;

    pub(in super::super) const NEW_TABLE: u16 = 0;
    pub(in super::super) const GET_TABLE: u16 = 1;
    pub(in super::super) const DELETE_TABLE: u16 = 2;
    pub(in super::super) const NEW_CHAIN: u16 = 3;
    pub(in super::super) const NEW_RULE: u16 = 6;
    pub(in super::super) const NEW_SET: u16 = 9;
    pub(in super::super) const NEW_ELEMENT: u16 = 12;
    pub(in super::super) const DELETE_ELEMENT: u16 = 14;
    pub(in super::super) const NEW_GENERATION: u16 = 15;

    pub(in super::super) const REQUEST: u16 = 0x1;
    pub(in super::super) const ACKNOWLEDGE: u16 = 0x4;
    pub(in super::super) const DUMP: u16 = 0x300;
    pub(in super::super) const EXCLUSIVE: u16 = 0x200;
    pub(in super::super) const CREATE: u16 = 0x400;
    pub(in super::super) const APPEND: u16 = 0x800;

    /// Of whatever it is: the table that it is in.
    pub(in super::super) const TABLE: u16 = 1;
    pub(in super::super) const TABLE_HANDLE: u16 = 4;
    pub(in super::super) const TABLE_USER_DATA: u16 = 6;
}

/// Elements in one message, whose attributes hold 64 KiB at most.
const ELEMENTS: usize = 400;
const NESTED: u16 = 0x8000;

pub(super) const fn number(family: Family) -> u8 {
    match family {
        Family::V4 => 2,
        Family::V6 => 10,
    }
}

pub(super) fn family(number: u8) -> Option<Family> {
    [Family::V4, Family::V6].into_iter().find(|&family| self::number(family) == number)
}

/// Attributes, one after the other.
#[derive(Debug)]
struct Attributes<'a>(&'a mut Vec<u8>);

impl Attributes<'_> {
    fn put(&mut self, kind: u16, value: &[u8]) {
        self.within(kind, |attributes| attributes.0.extend_from_slice(value));
    }

    fn text(&mut self, kind: u16, text: &str) {
        self.within(kind, |attributes| {
            attributes.0.extend_from_slice(text.as_bytes());
            attributes.0.push(0);
        });
    }

    fn number(&mut self, kind: u16, number: u32) {
        self.put(kind, &number.to_be_bytes());
    }

    fn nest(&mut self, kind: u16, inside: impl FnOnce(&mut Self)) {
        self.within(kind | NESTED, inside);
    }

    fn within(&mut self, kind: u16, inside: impl FnOnce(&mut Self)) {
        let start = self.0.len();
        self.0.extend_from_slice(&[0; 4]);
        inside(self);
        // Lists are cut so that none is longer.
        let length = u16::try_from(self.0.len() - start).unwrap_or(u16::MAX);
        if let Some(header) = self.0.get_mut(start..start + 4) {
            header[..2].copy_from_slice(&length.to_ne_bytes());
            header[2..].copy_from_slice(&kind.to_ne_bytes());
        }
        self.0.resize(self.0.len().next_multiple_of(4), 0);
    }
}

fn header(bytes: &mut Vec<u8>, kind: u16, flags: u16, sequence: u32, family: u8, resource: u16) -> usize {
    let start = bytes.len();
    bytes.extend_from_slice(&[0; 4]);
    bytes.extend_from_slice(&kind.to_ne_bytes());
    bytes.extend_from_slice(&flags.to_ne_bytes());
    bytes.extend_from_slice(&sequence.to_ne_bytes());
    bytes.extend_from_slice(&[0; 4]);
    bytes.extend_from_slice(&[family, 0]);
    bytes.extend_from_slice(&resource.to_be_bytes());
    start
}

fn finish(bytes: &mut [u8], start: usize) {
    let length = u32::try_from(bytes.len() - start).unwrap_or(u32::MAX);
    if let Some(place) = bytes.get_mut(start..start + 4) {
        place.copy_from_slice(&length.to_ne_bytes());
    }
}

/// Asks for all tables.
pub(super) fn tables(sequence: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    let start = header(&mut bytes, n::SUBSYSTEM << 8 | n::GET_TABLE, n::REQUEST | n::DUMP, sequence, 0, 0);
    finish(&mut bytes, start);
    bytes
}

/// Several changes that are made together.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) bytes: Vec<u8>,
    /// That of the beginning; the changes have those after it.
    pub(super) first: u32,
    pub(super) last: u32,
    /// Where the last change is.
    at: usize,
}

impl Batch {
    pub(super) fn new(first: u32) -> Self {
        let mut bytes = Vec::new();
        let at = header(&mut bytes, n::BATCH_BEGIN, n::REQUEST, first, 0, n::SUBSYSTEM);
        finish(&mut bytes, at);
        Self { bytes, first, last: first, at }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.first == self.last
    }

    fn change(&mut self, kind: u16, flags: u16, family: Family, inside: impl FnOnce(&mut Attributes<'_>)) {
        self.last = self.last.wrapping_add(1);
        self.at = header(&mut self.bytes, n::SUBSYSTEM << 8 | kind, n::REQUEST | flags, self.last, number(family), 0);
        inside(&mut Attributes(&mut self.bytes));
        finish(&mut self.bytes, self.at);
    }

    /// The last change is acknowledged, so that somebody knows that it is over.
    pub(super) fn end(&mut self) {
        let flags = half(&self.bytes, self.at + 6).unwrap_or_default() | n::ACKNOWLEDGE;
        if let Some(place) = self.bytes.get_mut(self.at + 6..self.at + 8) {
            place.copy_from_slice(&flags.to_ne_bytes());
        }
        let start = header(&mut self.bytes, n::BATCH_END, n::REQUEST, self.last.wrapping_add(1), 0, n::SUBSYSTEM);
        finish(&mut self.bytes, start);
    }

    /// By its number, so that it is this one and no other of the name.
    pub(super) fn delete_table(&mut self, family: Family, handle: u64) {
        self.change(n::DELETE_TABLE, 0, family, |table| table.put(n::TABLE_HANDLE, &handle.to_be_bytes()));
    }

    pub(super) fn frame(&mut self, name: &str, frame: &Frame, mark: &[u8]) {
        for table in &frame.tables {
            self.table(name, table, mark);
        }
    }

    fn table(&mut self, name: &str, table: &Table, mark: &[u8]) {
        let family = table.family;
        self.change(n::NEW_TABLE, n::CREATE | n::EXCLUSIVE, family, |attributes| {
            attributes.text(n::TABLE, name);
            attributes.put(n::TABLE_USER_DATA, mark);
        });
        for (set, id) in table.sets.iter().zip(1..) {
            self.set(name, family, set, id);
        }
        for chain in &table.chains {
            self.chain(name, family, chain);
        }
        for chain in &table.chains {
            for rule in &chain.rules {
                self.change(n::NEW_RULE, n::CREATE | n::APPEND, family, |attributes| {
                    attributes.text(n::TABLE, name);
                    attributes.text(2, chain.name);
                    attributes.nest(4, |list| {
                        for step in &rule.0 {
                            expressions(list, step);
                        }
                    });
                });
            }
        }
    }

    fn set(&mut self, name: &str, family: Family, set: &Set, id: u32) {
        const CONSTANT: u32 = 2;
        const MAP: u32 = 8;
        let constant = !set.members.is_empty();
        let flags = if constant { CONSTANT } else { 0 } | if set.data.is_some() { MAP } else { 0 };
        self.change(n::NEW_SET, n::CREATE, family, |attributes| {
            attributes.text(n::TABLE, name);
            attributes.text(2, set.name);
            attributes.number(3, flags);
            // Six bits for each, as nft has it.
            attributes.number(4, set.key.iter().fold(0, |all, &kind| all << 6 | type_of(kind)));
            let padded = set.key.iter().map(|&kind| length(kind).next_multiple_of(4)).sum();
            attributes.number(5, if let [kind] = *set.key { length(kind) } else { padded });
            if let Some(data) = set.data {
                attributes.number(6, type_of(data));
                attributes.number(7, length(data));
            }
            if constant {
                attributes.nest(9, |described| described.number(1, u32::try_from(set.members.len()).unwrap_or(u32::MAX)));
            }
            attributes.number(10, id);
            // For nft alone, which shows numbers by it.
            attributes.put(13, &order(set));
        });
        let members: Vec<(&[Value], Option<&Value>)> = set.members.iter().map(|value| (std::slice::from_ref(value), None)).collect();
        self.elements(n::NEW_ELEMENT, name, family, set.name, &members);
    }

    fn chain(&mut self, name: &str, family: Family, chain: &Chain) {
        const INPUT: u32 = 1;
        const OUTPUT: u32 = 3;
        const ACCEPT: u32 = 1;
        self.change(n::NEW_CHAIN, n::CREATE, family, |attributes| {
            attributes.text(n::TABLE, name);
            attributes.text(3, chain.name);
            let Some((hook, priority)) = chain.hook else { return };
            attributes.text(7, "filter");
            attributes.number(5, ACCEPT);
            attributes.nest(4, |attributes| {
                attributes.number(
                    1,
                    match hook {
                        Hook::Input => INPUT,
                        Hook::Output => OUTPUT,
                    },
                );
                attributes.put(2, &priority.to_be_bytes());
            });
        });
    }

    pub(super) fn put<'a>(&mut self, name: &str, entries: impl IntoIterator<Item = &'a Entry>) {
        self.entries(n::NEW_ELEMENT, name, entries);
    }

    pub(super) fn take<'a>(&mut self, name: &str, entries: impl IntoIterator<Item = &'a Entry>) {
        self.entries(n::DELETE_ELEMENT, name, entries);
    }

    fn entries<'a>(&mut self, kind: u16, name: &str, entries: impl IntoIterator<Item = &'a Entry>) {
        let mut entries: Vec<&Entry> = entries.into_iter().collect();
        entries.sort_unstable();
        for same in entries.chunk_by(|one, other| (one.family, one.set) == (other.family, other.set)) {
            let elements: Vec<(&[Value], Option<&Value>)> = same.iter().map(|entry| (&*entry.key, entry.data.as_ref())).collect();
            if let Some(first) = same.first() {
                self.elements(kind, name, first.family, first.set, &elements);
            }
        }
    }

    fn elements(&mut self, kind: u16, name: &str, family: Family, set: &str, elements: &[(&[Value], Option<&Value>)]) {
        for some in elements.chunks(ELEMENTS) {
            let flags = if kind == n::NEW_ELEMENT { n::CREATE } else { 0 };
            self.change(kind, flags, family, |attributes| {
                attributes.text(n::TABLE, name);
                attributes.text(2, set);
                attributes.nest(3, |list| {
                    for (key, data) in some {
                        list.nest(1, |element| {
                            element.nest(1, |value| value.put(1, &key_bytes(key)));
                            if let Some(data) = data {
                                element.nest(2, |value| value.put(1, &bytes(data)));
                            }
                        });
                    }
                });
            });
        }
    }
}

/// The numbers by which nft knows what is in a set.
const fn type_of(kind: Kind) -> u32 {
    match kind {
        Kind::Address(Family::V4) => 7,
        Kind::Address(Family::V6) => 8,
        Kind::Port => 13,
        Kind::Mark => 19,
        Kind::Index => 20,
        Kind::Icmp6Type => 29,
        Kind::Name => 41,
    }
}

const fn length(kind: Kind) -> u32 {
    match kind {
        Kind::Address(Family::V4) | Kind::Mark | Kind::Index => 4,
        Kind::Address(Family::V6) | Kind::Name => 16,
        Kind::Port => 2,
        Kind::Icmp6Type => 1,
    }
}

/// In which order the bytes of numbers are, in the words of libnftnl: kind, length, value.
fn order(set: &Set) -> Vec<u8> {
    const KEY: u8 = 0;
    const DATA: u8 = 1;
    let of = |kinds: &[Kind]| match kinds {
        [Kind::Index | Kind::Mark | Kind::Name] => 1_u32,
        [Kind::Address(_) | Kind::Port | Kind::Icmp6Type] => 2,
        [] | [_, _, ..] => 0,
    };
    let said = |what: u8, order: u32| [what, 4].into_iter().chain(order.to_ne_bytes());
    let data = set.data.into_iter().flat_map(|data| said(DATA, of(&[data])));
    said(KEY, of(&set.key)).chain(data).collect()
}

/// Registers of four bytes each follow this one.
const REGISTERS: u32 = 8;

fn key_bytes(key: &[Value]) -> Vec<u8> {
    let mut all = Vec::new();
    for value in key {
        all.extend(bytes(value));
        // Each of several begins in a register of its own.
        if key.len() > 1 {
            all.resize(all.len().next_multiple_of(4), 0);
        }
    }
    all
}

fn bytes(value: &Value) -> Vec<u8> {
    match value {
        Value::Address(IpAddr::V4(address)) => address.octets().to_vec(),
        Value::Address(IpAddr::V6(address)) => address.octets().to_vec(),
        Value::Index(device) => device.0.to_ne_bytes().to_vec(),
        Value::Name(name) => name.bytes().chain(std::iter::repeat(0)).take(16).collect(),
        Value::Number(number) => vec![*number],
        Value::Port(port) => port.to_be_bytes().to_vec(),
        Value::Mark(mark) => mark.to_ne_bytes().to_vec(),
    }
}

fn expression(list: &mut Attributes<'_>, name: &str, inside: impl FnOnce(&mut Attributes<'_>)) {
    list.nest(1, |expression| {
        expression.text(1, name);
        expression.nest(2, inside);
    });
}

/// Where something is in a packet, or what else is known of it.
enum Place {
    Network(u32, u32),
    Transport(u32, u32),
    Meta(u32, u32),
}

const fn place(field: Field) -> Place {
    match field {
        Field::Source(Family::V4) => Place::Network(12, 4),
        Field::Destination(Family::V4) => Place::Network(16, 4),
        Field::Source(Family::V6) => Place::Network(8, 16),
        Field::Destination(Family::V6) => Place::Network(24, 16),
        Field::Icmp6Type => Place::Transport(0, 1),
        Field::DestinationPort => Place::Transport(2, 2),
        Field::InputIndex => Place::Meta(4, 4),
        Field::OutputIndex => Place::Meta(5, 4),
        Field::OutputName => Place::Meta(7, 16),
        Field::Protocol => Place::Meta(16, 1),
        Field::OutputKind => Place::Meta(27, 16),
    }
}

fn payload(list: &mut Attributes<'_>, register: u32, base: u32, offset: u32, length: u32) {
    expression(list, "payload", |payload| {
        for (kind, value) in [(1, register), (2, base), (3, offset), (4, length)] {
            payload.number(kind, value);
        }
    });
}

/// Loads a field; returns the register after it.
fn load(list: &mut Attributes<'_>, field: Field, register: u32) -> u32 {
    const NETWORK: u32 = 1;
    const TRANSPORT: u32 = 2;
    const ICMP6: u8 = 58;
    let length = match place(field) {
        Place::Network(offset, length) => {
            payload(list, register, NETWORK, offset, length);
            length
        }
        Place::Transport(offset, length) => {
            if field == Field::Icmp6Type {
                is(list, Field::Protocol, &[ICMP6], register);
            }
            payload(list, register, TRANSPORT, offset, length);
            length
        }
        Place::Meta(key, length) => {
            expression(list, "meta", |meta| {
                meta.number(2, key);
                meta.number(1, register);
            });
            length
        }
    };
    register + length.div_ceil(4)
}

fn compare(list: &mut Attributes<'_>, register: u32, value: &[u8]) {
    const EQUAL: u32 = 0;
    expression(list, "cmp", |cmp| {
        cmp.number(1, register);
        cmp.number(2, EQUAL);
        cmp.nest(3, |data| data.put(1, value));
    });
}

fn is(list: &mut Attributes<'_>, field: Field, value: &[u8], register: u32) {
    load(list, field, register);
    compare(list, register, value);
}

fn load_all(list: &mut Attributes<'_>, fields: &[Field]) {
    fields.iter().fold(REGISTERS, |register, &field| load(list, field, register));
}

fn look_up(list: &mut Attributes<'_>, set: &str, register: u32, into: Option<u32>) {
    expression(list, "lookup", |lookup| {
        lookup.text(1, set);
        lookup.number(2, register);
        if let Some(into) = into {
            lookup.number(3, into);
        }
    });
}

fn verdict(list: &mut Attributes<'_>, code: i32, chain: Option<&str>) {
    const VERDICT_REGISTER: u32 = 0;
    expression(list, "immediate", |immediate| {
        immediate.number(1, VERDICT_REGISTER);
        immediate.nest(2, |data| {
            data.nest(2, |verdict| {
                verdict.put(1, &code.to_be_bytes());
                if let Some(chain) = chain {
                    verdict.text(2, chain);
                }
            });
        });
    });
}

fn mask(prefix: Prefix) -> Vec<u8> {
    let bytes = usize::from(prefix.address.is_ipv6()) * 12 + 4;
    let bit = |n: usize| u8::from(n < usize::from(prefix.length));
    (0..bytes).map(|byte| (0..8).fold(0, |all, n| all << 1 | bit(byte * 8 + n))).collect()
}

fn expressions(list: &mut Attributes<'_>, step: &Step) {
    const MARK: u32 = 3;
    const ACCEPT: i32 = 1;
    const DROP: i32 = 0;
    const GOTO: i32 = -4;
    match step {
        Step::Is(field, value) => is(list, *field, &bytes(value), REGISTERS),
        Step::Within(field, prefix) => {
            let mask = mask(*prefix);
            load(list, *field, REGISTERS);
            expression(list, "bitwise", |bitwise| {
                bitwise.number(1, REGISTERS);
                bitwise.number(2, REGISTERS);
                bitwise.number(3, u32::try_from(mask.len()).unwrap_or_default());
                bitwise.nest(4, |data| data.put(1, &mask));
                bitwise.nest(5, |data| data.put(1, &vec![0; mask.len()]));
            });
            compare(list, REGISTERS, &bytes(&Value::Address(prefix.address)));
        }
        Step::In(fields, set) => {
            load_all(list, fields);
            look_up(list, set, REGISTERS, None);
        }
        Step::Count => expression(list, "counter", |_| ()),
        Step::CopyBy { to, field, map } => {
            let device = load(list, *to, REGISTERS);
            load(list, *field, device);
            look_up(list, map, device, Some(device));
            expression(list, "dup", |dup| {
                dup.number(1, REGISTERS);
                dup.number(2, device);
            });
        }
        Step::MarkBy(fields, map) => {
            load_all(list, fields);
            look_up(list, map, REGISTERS, Some(REGISTERS));
            expression(list, "meta", |meta| {
                meta.number(2, MARK);
                meta.number(3, REGISTERS);
            });
        }
        Step::Accept => verdict(list, ACCEPT, None),
        Step::Drop => verdict(list, DROP, None),
        Step::Goto(chain) => verdict(list, GOTO, Some(chain)),
    }
}

/// A table as the kernel tells of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) family: u8,
    pub(super) name: String,
    pub(super) handle: u64,
    pub(super) mark: Vec<u8>,
}

fn attributes(payload: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    const KIND: u16 = 0x3fff;
    let mut rest = payload.get(4..).unwrap_or_default();
    std::iter::from_fn(move || {
        let (length, kind) = (half(rest, 0)?, half(rest, 2)?);
        let value = rest.get(4..length.into())?;
        rest = rest.get(usize::from(length).next_multiple_of(4)..).unwrap_or_default();
        Some((kind & KIND, value))
    })
}

fn half(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().map(|bytes| u16::from_ne_bytes(*bytes))
}

pub(super) fn seen(payload: &[u8]) -> Option<Seen> {
    let mut seen = Seen { family: *payload.first()?, name: String::new(), handle: 0, mark: Vec::new() };
    for (kind, value) in attributes(payload) {
        match kind {
            n::TABLE => seen.name = text(value),
            n::TABLE_HANDLE => seen.handle = value.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes)),
            n::TABLE_USER_DATA => seen.mark = value.to_vec(),
            _ => {}
        }
    }
    Some(seen)
}

fn text(value: &[u8]) -> String {
    String::from_utf8_lossy(value).trim_end_matches('\0').to_owned()
}

/// Which table a message is about.
pub(super) fn table_of(payload: &[u8]) -> Option<String> {
    attributes(payload).find(|(kind, _)| *kind == n::TABLE).map(|(_, value)| text(value))
}

#[cfg(test)]
mod tests;
