use super::*;
use crate::config::host::Stated;
use crate::config::testing::load;
use crate::effect::device::NewDevice;
use crate::effect::net::{Local, Mac, Placed};
use crate::model::net::Prefix;

fn model(text: &str) -> Model {
    load(text, &Stated::with(&["e0"])).0
}

fn instance(name: &str, vrid: u8, addresses: &str, more: &str) -> String {
    format!(
        "vrrp_instance {name} {{\n interface e0\n virtual_router_id {vrid}\n priority 150\n{more}\n virtual_ipaddress {{\n {addresses}\n }}\n}}\n"
    )
}

fn field(field: Field) -> &'static str {
    match field {
        Field::Source(Family::V4) => "ip saddr",
        Field::Destination(Family::V4) => "ip daddr",
        Field::Source(Family::V6) => "ip6 saddr",
        Field::Destination(Family::V6) => "ip6 daddr",
        Field::Protocol => "l4proto",
        Field::Icmp6Type => "icmpv6",
        Field::DestinationPort => "dport",
        Field::InputIndex => "iif",
        Field::OutputIndex => "oif",
        Field::OutputName => "oifname",
        Field::OutputKind => "oifkind",
    }
}

fn fields(list: &[Field]) -> String {
    list.iter().map(|&one| field(one)).collect::<Vec<_>>().join(" . ")
}

fn value(value: &Value) -> String {
    match value {
        Value::Address(address) => address.to_string(),
        Value::Index(device) => format!("#{}", device.0),
        Value::Name(name) => name.to_string(),
        Value::Number(number) => number.to_string(),
        Value::Port(port) => port.to_string(),
        Value::Mark(mark) => format!("mark {mark}"),
    }
}

fn step(step: &Step) -> String {
    match step {
        Step::Is(of, is) => format!("{} {}", field(*of), value(is)),
        Step::Within(of, prefix) => format!("{} {}/{}", field(*of), prefix.address, prefix.length),
        Step::In(of, set) => format!("{} @{set}", fields(of)),
        Step::Count => "counter".to_owned(),
        Step::CopyBy { to, field: by, map } => format!("dup to {} device {} map @{map}", field(*to), field(*by)),
        Step::MarkBy(of, map) => format!("mark set {} map @{map}", fields(of)),
        Step::Accept => "accept".to_owned(),
        Step::Drop => "drop".to_owned(),
        Step::Goto(chain) => format!("goto {chain}"),
    }
}

/// The rules in lines, and of the sets their names.
fn rules(text: &str) -> Vec<String> {
    let Some(frame) = frame(&model(text)) else { return Vec::new() };
    let mut lines = vec![frame.name.to_string()];
    for table in &frame.tables {
        let sets: Vec<&str> = table.sets.iter().map(|set| set.name).collect();
        lines.push(format!("{}: {}", table.family.name(), sets.join(" ")));
        for chain in &table.chains {
            let hook = chain.hook.map_or(String::new(), |(hook, priority)| format!(" {hook:?} {priority}"));
            lines.push(format!("{}{hook}", chain.name));
            lines.extend(chain.rules.iter().map(|rule| format!(" {}", rule.0.iter().map(step).collect::<Vec<_>>().join(" "))));
        }
    }
    lines
}

#[test]
fn whoever_accepts_everything_needs_no_rules() {
    assert_eq!(rules(&instance("A", 51, "10.0.0.1", "")), Vec::<String>::new());
    assert_eq!(rules(&instance("A", 51, "10.0.0.1", " accept\n priority 255")), Vec::<String>::new());
    assert_eq!(rules(&instance("A", 51, "10.0.0.1", " no_accept\n priority 255")), Vec::<String>::new(), "it owns its address");
}

#[test]
fn addresses_that_are_not_accepted_are_shut_in_both_directions() {
    let want = ["keepalived", "IPv4: vips", "out Output -1", " ip saddr @vips drop", "in Input -1", " ip daddr @vips drop"];
    assert_eq!(rules(&instance("A", 51, "10.0.0.1", " no_accept")), want);
    assert_eq!(rules(&instance("A", 51, "10.0.0.1", " strict_mode on\n version 3")), want);
}

#[test]
fn neighbours_may_still_ask_for_an_ipv6_address() {
    let options = "global_defs {\n nftables mine\n nftables_priority -150\n nftables_counters\n}\n";
    let text = format!("{options}{}", instance("A", 51, "fe80::1\n 2001:db8::1", " no_accept"));
    assert_eq!(
        rules(&text),
        [
            "mine",
            "IPv6: vips neighbor-discovery vips_link_local",
            "out Output -150",
            " icmpv6 @neighbor-discovery counter accept",
            " ip6 saddr fe80::/10 counter goto out_link_local",
            " ip6 saddr @vips counter drop",
            "in Input -150",
            " icmpv6 @neighbor-discovery counter accept",
            " ip6 daddr fe80::/10 counter goto in_link_local",
            " ip6 daddr @vips counter drop",
            "in_link_local",
            " ip6 daddr . iif @vips_link_local counter drop",
            "out_link_local",
            " ip6 saddr . oif @vips_link_local counter drop",
        ]
    );
}

#[test]
fn reports_of_a_virtual_mac_leave_by_its_parent() {
    let four = instance("A", 51, "10.0.0.1", " use_vmac");
    let want =
        ["keepalived", "IPv4: vmac_map", "out Output -1", " l4proto 2 oifkind macvlan dup to ip daddr device oifname map @vmac_map drop"];
    assert_eq!(rules(&four), want);
    assert_eq!(rules(&format!("global_defs {{\n disable_local_igmp\n}}\n{four}")), Vec::<String>::new(), "there are none");
    assert_eq!(
        rules(&format!("global_defs {{\n nftables_ifindex\n}}\n{}", instance("A", 51, "fe80::1", " use_vmac"))),
        [
            "keepalived",
            "IPv6: parent_link_local vmac_map vmac_set mld-report",
            "out Output -1",
            " icmpv6 136 oifkind macvlan ip6 saddr . oif @parent_link_local drop",
            " icmpv6 @mld-report oifkind macvlan dup to ip6 daddr device oif map @vmac_map drop",
            " icmpv6 133 oifkind macvlan oif @vmac_set drop",
        ]
    );
}

#[test]
fn a_link_local_address_is_shut_on_its_own_link_only() {
    let entry = |address: &str| {
        let Entry { set, key, .. } = shut(Device(7), address.parse().expect("an address"));
        format!("{set} {}", key.iter().map(value).collect::<Vec<_>>().join(" . "))
    };
    assert_eq!(entry("10.0.0.1"), "vips 10.0.0.1");
    assert_eq!(entry("2001:db8::1"), "vips 2001:db8::1");
    assert_eq!(entry("fe80::1"), "vips_link_local fe80::1 . #7");
}

fn told(entries: &[Entry]) -> Vec<String> {
    let one = |Entry { family, set, key, data }: &Entry| {
        let data = data.as_ref().map(|data| format!(" : {}", value(data))).unwrap_or_default();
        format!("{} {set} {}{data}", family.name(), key.iter().map(value).collect::<Vec<_>>().join(" . "))
    };
    entries.iter().map(one).collect()
}

#[test]
fn a_virtual_mac_is_fenced_before_it_is_there() {
    let link = |device: u32, name: &str, parent: Option<Device>| Link { parent, ..Link::plain(Device(device), name, true) };
    let mac = |name: &str, quiet: u32| {
        Fact::Device(Box::new(NewDevice {
            name: name.into(),
            parent: Device(3),
            upper: Upper::Macvlan(Mac([0; 6])),
            group: None,
            vrf: None,
            settings: [(Knob::DisableIpv6, quiet)].into(),
            shows_parent: false,
        }))
    };
    let (usual, numbered) = (Firewall::default(), Firewall { nftables_ifindex: true, ..Firewall::default() });
    let mut links = Links::default();
    links.put(link(3, "e0", None));
    let own = Prefix { address: "fe80::3".parse().expect("an address"), length: 64 };
    links.put_address(Local { device: Device(3), prefix: own });
    let of = |options: &Firewall, facts: &[Fact], links: &Links| told(&fence(options, facts, links));
    assert_eq!(of(&usual, &[mac("v4", 1)], &links), ["IPv4 vmac_map v4 : #3"]);
    assert_eq!(of(&usual, &[mac("v6", 0)], &links), ["IPv4 vmac_map v6 : #3", "IPv6 vmac_map v6 : #3", "IPv6 vmac_set v6"]);
    assert_eq!(of(&numbered, &[mac("v4", 1)], &links), Vec::<String>::new());
    links.put(link(9, "v6", Some(Device(3))));
    assert_eq!(of(&numbered, &[mac("v6", 1)], &links), ["IPv4 vmac_map #9 : #3"]);

    let statics = load("static_ipaddress {\n fe80::3/64 dev e0\n fe80::4/64 dev e0\n}\n", &Stated::with(&["e0"])).0.statics;
    let placed = |address: &crate::model::net::Address| Fact::Address(Placed { device: Device(9), address: address.clone(), lease: None });
    let facts: Vec<Fact> = statics.addresses.iter().map(|address| placed(&address.object)).collect();
    assert_eq!(of(&usual, &facts, &links), ["IPv6 parent_link_local fe80::3 . v6"], "the other one is its own");
}

#[test]
fn what_a_predecessor_may_have_left_is_shut_until_its_heir_knows() {
    let text = [instance("A", 51, "10.0.0.1", " no_accept"), instance("B", 52, "10.0.0.2", ""), instance("C", 53, "fe80::9", " no_accept")];
    let mut links = Links::default();
    links.put(Link::plain(Device(3), "e0", true));
    assert_eq!(told(&shut_beforehand(&model(&text.concat()), &links)), ["IPv4 vips 10.0.0.1", "IPv6 vips_link_local fe80::9 . #3"]);
}

#[test]
fn it_is_said_when_nftables_stands_for_something_else() {
    let text = |options: &str| {
        let options = format!("global_defs {{\n {options}\n}}\n");
        remark(&model(&format!("{options}{}", instance("A", 51, "10.0.0.1", " no_accept")))).map(|line| line.text)
    };
    assert_eq!(text("vrrp_iptables").as_deref(), Some("vrrp_iptables: nftables does the same, in its table keepalived"));
    assert_eq!(text("vrrp_ipsets a").as_deref(), Some("vrrp_ipsets: nftables does the same, in its table keepalived"));
    assert_eq!(text("nftables"), None);
}
