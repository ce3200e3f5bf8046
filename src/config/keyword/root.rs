//! What may stand outside every block.

use super::bfd::{BFD, open_session, show_sessions};
use super::lvs::group::{Lines, open_group, show_groups};
use super::lvs::tls::{TLS, open_tls, show_tls};
use super::lvs::virtual_server::{VIRTUAL_SERVER, open_virtual_server, show_virtual_servers};
use super::{Vocabulary, block, key};
use crate::config::draft::Draft;

pub static ROOT: Vocabulary<Draft> = Vocabulary::new(
    "the top level",
    &[
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
