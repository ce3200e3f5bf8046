use super::*;
use crate::effect::firewall::{LINK_LOCAL, Rule};
use crate::effect::net::Device;
use crate::kernel::rtnl::socket::messages;

#[test]
fn masks_are_as_long_as_their_prefix() {
    let of = |address: &str, length: u8| mask(Prefix { address: address.parse().expect("an address"), length });
    assert_eq!(of("10.0.0.0", 12), [255, 240, 0, 0]);
    assert_eq!(of("::", 0), [0; 16]);
    assert_eq!(mask(LINK_LOCAL)[..3], [255, 0xc0, 0]);
}

/// As `nft --debug=mnl` sends it (1.0.6).
#[test]
fn an_element_is_encoded_as_nft_does() {
    let mut batch = Batch::new(7);
    let key = [Value::Address("fe80::66".parse().expect("an address")), Value::Index(Device(4))];
    let entry = Entry { family: Family::V6, set: "s", key: key.into(), data: None };
    batch.put("t", [&entry]);
    batch.end();
    let sent: Vec<(u16, u32, Vec<u8>)> =
        messages(&batch.bytes).map(|message| (message.kind, message.sequence, message.payload.to_vec())).collect();
    assert_eq!(sent.iter().map(|(kind, sequence, _)| (*kind, *sequence)).collect::<Vec<_>>(), [(0x10, 7), (0x0a0c, 8), (0x11, 9)]);
    let mut want = vec![10, 0, 0, 0];
    want.extend([6, 0, 1, 0, b't', 0, 0, 0]);
    want.extend([6, 0, 2, 0, b's', 0, 0, 0]);
    want.extend([36, 0, 3, 0x80, 32, 0, 1, 0x80, 28, 0, 1, 0x80, 24, 0, 1, 0]);
    want.extend([0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x66]);
    want.extend(4_u32.to_ne_bytes());
    assert_eq!(sent[1].2, want);
}

#[test]
fn thousands_of_elements_go_out_in_several_messages() {
    let mut batch = Batch::new(0);
    let entry =
        |n: u32| Entry { family: Family::V4, set: "s", key: [Value::Address(std::net::Ipv4Addr::from(n).into())].into(), data: None };
    let entries: Vec<Entry> = (0..2000).map(entry).collect();
    batch.put("t", &entries);
    assert_eq!(messages(&batch.bytes).count(), 1 + 5);
}

#[test]
fn only_the_last_change_is_acknowledged() {
    let mut batch = Batch::new(0);
    batch.delete_table(Family::V4, 3);
    batch.delete_table(Family::V6, 4);
    batch.end();
    let flags: Vec<u16> = messages(&batch.bytes).map(|message| message.flags & n::ACKNOWLEDGE).collect();
    assert_eq!(flags, [0, 0, n::ACKNOWLEDGE, 0]);
}

#[test]
fn a_table_is_told_from_others_by_its_mark() {
    let mut bytes = Vec::new();
    bytes.extend([2, 0, 0, 0]);
    let mut list = Attributes(&mut bytes);
    list.text(n::TABLE, "mine");
    list.put(n::TABLE_HANDLE, &9_u64.to_be_bytes());
    list.put(n::TABLE_USER_DATA, b"mark");
    let want = Seen { family: 2, name: "mine".to_owned(), handle: 9, mark: b"mark".to_vec() };
    assert_eq!(seen(&bytes), Some(want));
    assert_eq!(table_of(&bytes).as_deref(), Some("mine"));
    assert_eq!(seen(&[]), None);
    assert_eq!(table_of(&[2, 0, 0, 0, 200, 0, 1, 0]), None);
}

#[test]
fn fields_side_by_side_have_registers_of_their_own() {
    let rule = Rule(vec![Step::In([Field::Destination(Family::V4), Field::DestinationPort].into(), "s")]);
    let mut bytes = vec![0; 4];
    let mut list = Attributes(&mut bytes);
    rule.0.iter().for_each(|step| expressions(&mut list, step));
    let registers: Vec<u32> = attributes(&bytes)
        .filter_map(|(_, expression)| {
            // Name and then data, whose first number is the register but in a lookup.
            let padded = [&[0; 4], expression].concat();
            let data = attributes(&padded).find(|(kind, _)| *kind == 2)?.1.to_vec();
            let padded = [&[0; 4], &data[..]].concat();
            let first = attributes(&padded).next()?.1.first_chunk().copied()?;
            Some(u32::from_be_bytes(first))
        })
        .take(2)
        .collect();
    assert_eq!(registers, [8, 9]);
}
