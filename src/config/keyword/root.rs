//! What may stand outside every block.

use super::bfd::{BFD, open_session, show_sessions};
use super::lvs::group::{Lines, open_group as open_server_group, show_groups as show_server_groups};
use super::lvs::tls::{TLS, open_tls, show_tls};
use super::lvs::virtual_server::{VIRTUAL_SERVER, open_virtual_server, show_virtual_servers};
use super::net::{
    STATIC_ADDRESSES, STATIC_ROUTES, STATIC_RULES, TRACK_GROUP, open_group as open_track_group, show_groups as show_track_groups,
};
use super::track::{FILE, PROCESS, SCRIPT, open_file, open_process, open_script, show_files, show_processes, show_scripts};
use super::vrrp::{
    GARP_GROUP, INSTANCE, SYNC_GROUP, delay_entry, linkbeat_entry, open_garp_group, open_group, open_instance, show_delays,
    show_garp_groups, show_groups, show_instances, show_linkbeat,
};
use super::{Body, Kind, Vocabulary, block, global, live};
use crate::config::diagnostic::Class;
use crate::config::draft::Draft;

const LINKBEAT: Kind<Draft> = Kind {
    syntax: "{ INTERFACE [MII|ETHTOOL|IOCTL] }",
    range: "",
    body: Body::List { open: None, entry: linkbeat_entry, show: show_linkbeat, options: None },
};

const DELAYS: Kind<Draft> = Kind {
    syntax: "{ INTERFACE DOWN [UP] }",
    range: "0..255 seconds",
    body: Body::List { open: None, entry: delay_entry, show: show_delays, options: None },
};

// What others refer to stands first: a dump is read in the order of this table.
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
        live(
            "bfd_instance",
            block!("NAME", BFD, open_session, show_sessions),
            "none",
            "A BFD session, watched by track_bfd and BFD_CHECK.",
        ),
        live("vrrp_script", block!("NAME", SCRIPT, open_script, show_scripts), "none", "A health script, watched by track_script."),
        live::<Draft>(
            "track_file",
            block!("NAME", FILE, open_file, show_files),
            "none",
            "A number in a file, watched by track_file and FILE_CHECK.",
        )
        .deprecated(&[("vrrp_track_file", Class::Notice)]),
        live::<Draft>(
            "vrrp_track_process",
            block!("NAME", PROCESS, open_process, show_processes),
            "none",
            "A number of processes, watched by track_process.",
        ),
        live("linkbeat_interfaces", LINKBEAT, "none", "Interfaces whose link is polled once a second."),
        live("interface_up_down_delays", DELAYS, "none", "How long a change of an interface must last before it counts."),
        live(
            "garp_group",
            block!("", GARP_GROUP, open_garp_group, show_garp_groups),
            "none",
            "Interfaces that share a limit on gratuitous ARP.",
        ),
        live("vrrp_instance", block!("NAME", INSTANCE, open_instance, show_instances), "none", "A virtual router."),
        live("vrrp_sync_group", block!("NAME", SYNC_GROUP, open_group, show_groups), "none", "Instances that change state together."),
        live(
            "track_group",
            block!("NAME", TRACK_GROUP, open_track_group, show_track_groups),
            "none",
            "Instances that fail when the interface of a static address, route or rule goes down; defined before it is used.",
        ),
        live("static_ipaddress", STATIC_ADDRESSES, "none", "Addresses held from start to stop, whatever VRRP does."),
        live("static_routes", STATIC_ROUTES, "none", "Routes held from start to stop, whatever VRRP does."),
        live("static_rules", STATIC_RULES, "none", "Routing rules held from start to stop, whatever VRRP does."),
        live("SSL", block!("", TLS, open_tls, show_tls), "none", "What SSL_GET shows of itself."),
        live(
            "virtual_server_group",
            block!("NAME", Lines, open_server_group, show_server_groups),
            "none",
            "Addresses and marks that are one service.",
        ),
        live(
            "virtual_server",
            block!("IP [PORT] | fwmark N | group NAME", VIRTUAL_SERVER, open_virtual_server, show_virtual_servers),
            "none",
            "A balanced service.",
        ),
    ],
);
