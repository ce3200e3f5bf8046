//! What authentication remembers from one advert to the next, and what it makes of those that arrive. A password in clear needs
//! neither.

mod ah;
mod trailer;

#[cfg(test)]
mod tests;

pub(super) use ah::seal;
pub(super) use trailer::Circumstances;

/// Of one instance, over reloads as well.
#[derive(Debug, Default)]
pub(super) struct Memory {
    pub(super) ah: ah::Counter,
    pub(super) trailer: trailer::Memory,
}
