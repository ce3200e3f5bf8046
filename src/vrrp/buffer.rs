//! How much may be queued for those who share a socket (`vrrp_rx_bufs_policy`, `kernel_rx_buf_size`): each brings its part.

use crate::model::Model;
use crate::model::global::vrrp::AdvertBuffer;
use crate::model::net::Family;
use crate::model::vrrp::{Instance, Transport, Version};

/// The receive buffer of the instance's socket in bytes; without one, the system's.
pub(super) fn receive_buffer(model: &Model, conf: &Instance, mtu: u32) -> Option<u32> {
    let vrrp = &model.global.vrrp;
    if vrrp.receive_buffer == AdvertBuffer::System {
        return conf.receive_buffer;
    }
    let part = |conf: &Instance| -> u32 {
        let policy = match vrrp.receive_buffer {
            AdvertBuffer::System => 0,
            AdvertBuffer::Bytes(bytes) => bytes,
            AdvertBuffer::Mtu => mtu.saturating_mul(vrrp.receive_buffer_multiplier),
            AdvertBuffer::LargestAdvert => advert(conf).saturating_mul(vrrp.receive_buffer_multiplier),
        };
        conf.receive_buffer.unwrap_or(policy)
    };
    let sharers = model.vrrp.instances.iter().filter(|other| share(conf, other));
    Some(sharers.map(part).fold(0, u32::saturating_add))
}

fn share(one: &Instance, other: &Instance) -> bool {
    let reach = match (&one.transport, &other.transport) {
        (Transport::Multicast { group }, Transport::Multicast { group: others }) => group == others,
        (Transport::Unicast { .. }, Transport::Unicast { .. }) => one.source == other.source,
        (Transport::Multicast { .. }, Transport::Unicast { .. }) | (Transport::Unicast { .. }, Transport::Multicast { .. }) => false,
    };
    reach && (one.family, &one.interface, &one.vrf, &one.carrier) == (other.family, &other.interface, &other.vrf, &other.carrier)
}

/// A packet of the instance, without what is below IP.
fn advert(conf: &Instance) -> u32 {
    const VRRP: u32 = 8;
    const PASSWORD: u32 = 8;
    let (header, address) = match conf.family {
        Family::V4 => (20, 4),
        Family::V6 => (40, 16),
    };
    let more = match conf.version {
        Version::V2 => PASSWORD,
        Version::V3 => 0,
    };
    let addresses = u32::try_from(conf.vips.len()).unwrap_or(u32::MAX);
    addresses.saturating_mul(address).saturating_add(header + VRRP + more)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::host::Stated;
    use crate::config::testing::load;

    fn instance(name: &str, vrid: u8, more: &str) -> String {
        format!(
            "vrrp_instance {name} {{\n interface e0\n virtual_router_id {vrid}\n{more}\n virtual_ipaddress {{\n 10.0.0.1\n 10.0.0.2\n }}\n}}\n"
        )
    }

    #[test]
    fn each_who_shares_a_socket_brings_its_part() {
        let size = |options: &str, second: &str| {
            let text = format!("global_defs {{\n{options}\n}}\n{}{}", instance("A", 1, ""), instance("B", 2, second));
            let model = load(&text, &Stated::with(&["e0"])).0;
            receive_buffer(&model, &model.vrrp.instances[0], 1500)
        };
        let group = "mcast_dst_ip 224.0.0.19";
        for (options, second, want) in [
            ("", "", None),
            ("vrrp_rx_bufs_policy 5000", "", Some(10_000)),
            ("vrrp_rx_bufs_policy 5000", group, Some(5000)),
            ("vrrp_rx_bufs_policy 5000", "kernel_rx_buf_size 70", Some(5070)),
            ("vrrp_rx_bufs_policy MTU", "", Some(9000)),
            ("vrrp_rx_bufs_policy MTU\nvrrp_rx_bufs_multiplier 10", group, Some(15_000)),
            ("vrrp_rx_bufs_policy ADVERT\nvrrp_rx_bufs_multiplier 1", "", Some(2 * (20 + 8 + 2 * 4 + 8))),
            ("vrrp_rx_bufs_policy ADVERT", "version 3", Some(3 * (2 * 36 + 8))),
            ("vrrp_rx_bufs_policy 4294967295", "", Some(u32::MAX)),
        ] {
            assert_eq!(size(options, second), want, "{options} {second}");
        }
    }
}
