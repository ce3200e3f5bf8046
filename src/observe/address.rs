//! How addresses are shown.

use crate::model::net::address::Lifetime;
use crate::model::net::{Address, Family, Scope};
use crate::model::vrrp::Instance;
use crate::vrrp::view::InstanceView;
use std::fmt;

/// Where an instance's addresses go that name no interface: the name of a virtual interface comes with what it is on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Home<'a> {
    pub(super) name: &'a str,
    pub(super) base: Option<&'a str>,
}

impl<'a> Home<'a> {
    /// The interface that the instance lives on, and what it is on where that is one of its own.
    pub(super) fn of(conf: &'a Instance, view: &'a InstanceView) -> Self {
        let base = conf.interface.as_deref();
        match view.own.as_deref() {
            Some(name) => Self { name, base },
            None => Self { name: base.unwrap_or_default(), base: None },
        }
    }
}

impl fmt::Display for Home<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.base {
            Some(base) => write!(f, "{}@{base}", self.name),
            None => f.write_str(self.name),
        }
    }
}

/// `10.0.0.5/24 brd 10.0.0.255 dev eth0 scope global`, and so on. `group` is the track group of a static one.
pub(super) fn address<'a>(address: &'a Address, home: Option<Home<'a>>, group: Option<&'a str>, is_set: bool) -> impl fmt::Display + 'a {
    fmt::from_fn(move |f| {
        let Address { prefix, peer, device, scope, broadcast, label, preferred, .. } = address;
        write!(f, "{}", prefix.address)?;
        let whole = prefix.length == Family::of(prefix.address).bits();
        if !whole && peer.is_none() {
            write!(f, "/{}", prefix.length)?;
        }
        if let Some(broadcast) = broadcast {
            write!(f, " brd {broadcast}")?;
        }
        match (device, home) {
            (Some(name), _) => write!(f, " dev {name}")?,
            (None, Some(home)) => write!(f, " dev {home}")?,
            (None, None) => {}
        }
        write!(f, " scope {}", Named(*scope))?;
        if let Some(label) = label {
            write!(f, " label {label}")?;
        }
        if let Some(peer) = peer {
            write!(f, " peer {peer}/{}", prefix.length)?;
        }
        for (flag, word) in [
            (address.home, " home"),
            (address.detect_duplicates && prefix.family() == Family::V6, " dad"),
            (address.manage_temporary, " mngtmpaddr"),
            (address.no_prefix_route, " noprefixroute"),
            (address.autojoin, " autojoin"),
        ] {
            f.write_str(if flag { word } else { "" })?;
        }
        if prefix.family() == Family::V6 {
            match preferred {
                Lifetime::Forever => f.write_str(" preferred_lft forever")?,
                Lifetime::Seconds(0) => f.write_str(" deprecated")?,
                Lifetime::Seconds(seconds) => write!(f, " preferred_lft {seconds}")?,
            }
        }
        ending(f, address.tracked, group)?;
        f.write_str(if is_set { " set" } else { "" })
    })
}

/// What addresses, routes and rules have in common at their ends.
pub(super) fn ending(f: &mut fmt::Formatter<'_>, tracked: bool, group: Option<&str>) -> fmt::Result {
    f.write_str(if tracked { "" } else { " no_track" })?;
    match group {
        Some(group) => write!(f, " track_group {group}"),
        None => Ok(()),
    }
}

/// A scope of an address by its name.
struct Named(Scope);

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Scope::GLOBAL => f.write_str("global"),
            Scope::SITE => f.write_str("site"),
            Scope::LINK => f.write_str("link"),
            Scope::HOST => f.write_str("host"),
            Scope::NOWHERE => f.write_str("nowhere"),
            Scope(number) => write!(f, "{number}"),
        }
    }
}
