//! Names of objects.

use std::fmt;

/// A row of numbers, ordered as a dictionary is.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Oid(Box<[u32]>);

impl Oid {
    /// No name is longer (RFC 2578 section 3.5).
    pub const LONGEST: usize = 128;

    /// What is beyond the longest is cut off.
    pub fn new(parts: &[u32]) -> Self {
        Self(parts.get(..Self::LONGEST).unwrap_or(parts).into())
    }

    pub fn join(&self, more: &[u32]) -> Self {
        Self::new(&[&self.0, more].concat())
    }

    pub const fn parts(&self) -> &[u32] {
        &self.0
    }

    /// What follows on the other one, if this begins with it.
    pub fn below(&self, other: &[u32]) -> Option<&[u32]> {
        self.0.strip_prefix(other)
    }

    pub const fn is_null(&self) -> bool {
        self.0.is_empty()
    }
}

impl<const N: usize> From<[u32; N]> for Oid {
    fn from(parts: [u32; N]) -> Self {
        Self::new(&parts)
    }
}

impl fmt::Display for Oid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, part) in self.0.iter().enumerate() {
            write!(f, "{}{part}", if at > 0 { "." } else { "" })?;
        }
        Ok(())
    }
}
