use super::*;
use crate::config::host::Stated;
use crate::config::testing::load;
use crate::model::global::observe::{Listen, Socket};

fn bytes(value: &impl Code) -> Vec<u8> {
    let mut out = Vec::new();
    value.put(&mut out);
    out
}

/// What comes of the bytes, if they are used up.
fn back<T: Code>(bytes: &[u8]) -> Option<T> {
    let mut input = bytes;
    T::get(&mut input).filter(|_| input.is_empty())
}

#[test]
fn numbers_take_as_little_as_they_need_and_come_back() {
    for (number, length) in [(0, 1), (0x7f, 1), (0x80, 2), (300, 2), (u64::from(u32::MAX), 5), (u64::MAX, 10)] {
        let bytes = bytes(&number);
        assert_eq!((bytes.len(), back(&bytes)), (length, Some(number)));
    }
    assert_eq!(back::<i32>(&bytes(&i32::MIN)), Some(i32::MIN));
    assert_eq!(back::<i8>(&bytes(&-20_i8)), Some(-20));
    assert_eq!(back::<u16>(&bytes(&70_000_u32)), None);
    assert_eq!(back::<u64>(&[0xff; 10]), None, "no number is that long");
}

#[test]
fn texts_lists_and_times_come_back() {
    assert_eq!(back(&bytes(&Box::<str>::from("gr\u{fc}n"))), Some(Box::<str>::from("gr\u{fc}n")));
    assert_eq!(back::<Box<str>>(&[1, 0xff]), None);
    let list = vec![Some((1_u16, Duration::new(3, 999_999_999))), None];
    assert_eq!(back(&bytes(&list)), Some(list));
    assert_eq!(back::<Duration>(&bytes(&(1_u64, 1_000_000_000_u32))), None);
    assert_eq!(back::<Vec<u64>>(&[0xff, 0xff, 0xff, 0xff, 0x7f]), None, "no room is made for what is not there");
    let path = PathBuf::from(OsStr::from_bytes(b"/\xff"));
    assert_eq!(back(&bytes(&path)), Some(path));
}

/// A configuration with something of everything that has a shape of its own.
const TEXT: &str = "global_defs {\nrouter_id x\nnotification_email {\na@b\n}\nsmtp_server 192.0.2.25 25\n}\n\
    vrrp_script s {\nscript /bin/true\nweight -2\n}\n\
    vrrp_instance A {\ninterface e0\nvirtual_router_id 1\nunicast_peer {\n192.0.2.1\n}\nauthentication {\nauth_type PASS\nauth_pass x\n}\n\
    virtual_ipaddress {\n10.0.0.1/24 dev e0 label e0:1\n}\nvirtual_routes {\n192.0.2.0/24 via 10.0.0.9 mtu 1400\n}\n\
    virtual_rules {\nfrom 10.0.0.0/8 table 7\n}\ntrack_script {\ns\n}\n}\n\
    virtual_server 10.0.0.1 80 {\nprotocol TCP\nlb_kind TUN\nreal_server 10.0.0.2 80 {\nweight 3\nHTTP_GET {\nurl {\npath /\n\
    status_code 200-204 301\n}\nconnect_timeout 2\n}\n}\nreal_server 10.0.0.3 80 {\nTCP_CHECK {\n}\n}\n}\n\
    bfd_instance b {\nneighbor_ip 192.0.2.7\n}\n";

fn model() -> Model {
    let (mut model, problems) = load(TEXT, &Stated::with(&["e0"]).script("/bin/true"));
    assert!(model.vrrp.instances.len() == 1 && model.lvs.virtual_servers.len() == 1 && model.bfd.len() == 1, "{problems:?}");
    model.global.control = super::super::global::observe::Control::At(Socket { path: "/c".into(), owner: None });
    model.global.metrics.listen = vec![Listen::Address(([127, 0, 0, 1], 80).into())];
    model
}

#[test]
fn a_configuration_comes_back_as_it_was() {
    let model = model();
    assert_eq!(back(&bytes(&model)).as_ref(), Some(&model));
    assert_eq!(back(&bytes(&Model::default())), Some(Model::default()));
}

#[test]
fn a_part_of_the_bytes_is_nothing() {
    let bytes = bytes(&model());
    for length in 0..bytes.len() {
        assert_eq!(back::<Model>(&bytes[..length]), None, "{length} of {}", bytes.len());
    }
}

proptest::proptest! {
    /// Whatever they are, they end in a value or in none.
    #[test]
    fn any_bytes_are_read_to_an_end(place in 0_usize..4000, byte: u8) {
        let mut bytes = bytes(&model());
        let place = place % bytes.len();
        bytes[place] = byte;
        if let Some(model) = back::<Model>(&bytes) {
            proptest::prop_assert_eq!(back(&self::bytes(&model)), Some(model));
        }
    }
}
