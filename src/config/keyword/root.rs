//! What may stand outside every block.

use super::bfd::{BFD, open_session, show_sessions};
use super::{Vocabulary, block, key};
use crate::config::draft::Draft;

pub static ROOT: Vocabulary<Draft> = Vocabulary::new(
    "the top level",
    &[key("bfd_instance", block!("NAME", BFD, open_session, show_sessions), "none", "A BFD session, watched by track_bfd and BFD_CHECK.")],
);
