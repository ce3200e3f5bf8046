//! All that is in the kernel at one time.

use super::decode::Key;
use crate::effect::net::Links;
use std::io;

/// Links and addresses, and all that could be a fact of ours.
#[derive(Clone, Debug, Default)]
pub struct Picture {
    pub links: Links,
    pub(in crate::kernel) keys: Vec<Key>,
}

impl Picture {
    /// Asks the kernel, in the calling thread's network namespace. Open the [`super::Monitor`] first, so that nothing that
    /// happens meanwhile is missed.
    pub fn take() -> io::Result<Self> {
        Ok(Self::default())
    }
}
