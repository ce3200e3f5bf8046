//! From draft to model: defaults, inheritance and cross-references, all in one place, with every fault reported.

mod bfd;
mod global;
mod lvs;
mod net;
mod vrrp;

use super::diagnostic::Diagnostics;
use super::draft::Draft;
use super::host::Host;
use crate::model::Model;

/// What every resolver may ask and tell.
pub(super) struct Resolver<'a> {
    #[expect(dead_code, reason = "the first family that needs the machine's facts removes this line")]
    pub(super) host: &'a dyn Host,
    pub(super) problems: &'a mut Diagnostics,
}

/// Always yields a model: what cannot be used is reported and left out, as keepalived does.
pub fn resolve(draft: Draft, host: &dyn Host, problems: &mut Diagnostics) -> Model {
    let mut resolver = Resolver { host, problems };
    let bfd = resolver.bfd(draft.bfd);
    Model { bfd, ..Model::default() }
}
