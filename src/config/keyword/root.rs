//! What may stand outside every block.

use super::bfd::{BFD, open_session, show_sessions};
use super::lvs::group::{Lines, open_group, show_groups};
use super::lvs::tls::{TLS, open_tls, show_tls};
use super::lvs::virtual_server::{VIRTUAL_SERVER, open_virtual_server, show_virtual_servers};
use super::net::{self, STATIC_ADDRESSES, STATIC_ROUTES, STATIC_RULES, TRACK_GROUP};
use super::{Vocabulary, block, global, key};
use crate::config::draft::Draft;

pub static ROOT: Vocabulary<Draft> = Vocabulary::new(
    "the top level",
    &[
        global::LINKBEAT_USE_POLLING,
        global::NET_NAMESPACE,
        global::NET_NAMESPACE_IPVS,
        global::NAMESPACE_WITH_IPSETS,
        global::USE_PID_DIR,
        global::INSTANCE,
        global::CHILD_WAIT_TIME,
        global::GLOBAL_DEFS,
        global::STANDFAST_BLOCK,
        key(
            "track_group",
            block!("NAME", TRACK_GROUP, net::open_group, net::show_groups),
            "none",
            "Instances that fail when the interface of a static address, route or rule goes down; defined before it is used.",
        ),
        key("static_ipaddress", STATIC_ADDRESSES, "none", "Addresses held from start to stop, whatever VRRP does."),
        key("static_routes", STATIC_ROUTES, "none", "Routes held from start to stop, whatever VRRP does."),
        key("static_rules", STATIC_RULES, "none", "Routing rules held from start to stop, whatever VRRP does."),
        key("bfd_instance", block!("NAME", BFD, open_session, show_sessions), "none", "A BFD session, watched by track_bfd and BFD_CHECK."),
        key("SSL", block!("", TLS, open_tls, show_tls), "none", "What SSL_GET shows of itself."),
        key("virtual_server_group", block!("NAME", Lines, open_group, show_groups), "none", "Addresses and marks that are one service."),
        key(
            "virtual_server",
            block!("IP [PORT] | fwmark N | group NAME", VIRTUAL_SERVER, open_virtual_server, show_virtual_servers),
            "none",
            "A balanced service.",
        ),
    ],
);
