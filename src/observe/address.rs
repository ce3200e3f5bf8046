//! How addresses are shown.

use super::words::Put;
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

impl Put for Home<'_> {
    fn put(&self, out: &mut String) {
        self.name.put(out);
        if let Some(base) = self.base {
            ("@", base).put(out);
        }
    }
}

/// `10.0.0.5/24 brd 10.0.0.255 dev eth0 scope global`, and so on. `group` is the track group of a static one.
pub(super) const fn address<'a>(address: &'a Address, home: Option<Home<'a>>, group: Option<&'a str>, is_set: bool) -> Shown<'a> {
    Shown { address, home, group, is_set }
}

pub(super) struct Shown<'a> {
    address: &'a Address,
    home: Option<Home<'a>>,
    group: Option<&'a str>,
    is_set: bool,
}

impl Put for Shown<'_> {
    fn put(&self, out: &mut String) {
        let Address { prefix, peer, device, scope, broadcast, label, preferred, .. } = self.address;
        prefix.address.put(out);
        let whole = prefix.length == Family::of(prefix.address).bits();
        if !whole && peer.is_none() {
            ("/", prefix.length).put(out);
        }
        if let Some(broadcast) = broadcast {
            (" brd ", broadcast).put(out);
        }
        match (device, self.home) {
            (Some(name), _) => (" dev ", name).put(out),
            (None, Some(home)) => (" dev ", home).put(out),
            (None, None) => {}
        }
        out.push_str(" scope ");
        match *scope {
            Scope::GLOBAL => out.push_str("global"),
            Scope::SITE => out.push_str("site"),
            Scope::LINK => out.push_str("link"),
            Scope::HOST => out.push_str("host"),
            Scope::NOWHERE => out.push_str("nowhere"),
            Scope(number) => number.put(out),
        }
        if let Some(label) = label {
            (" label ", label).put(out);
        }
        if let Some(peer) = peer {
            (" peer ", peer, "/", prefix.length).put(out);
        }
        for (flag, word) in [
            (self.address.home, " home"),
            (self.address.detect_duplicates && prefix.family() == Family::V6, " dad"),
            (self.address.manage_temporary, " mngtmpaddr"),
            (self.address.no_prefix_route, " noprefixroute"),
            (self.address.autojoin, " autojoin"),
        ] {
            out.push_str(if flag { word } else { "" });
        }
        if prefix.family() == Family::V6 {
            match preferred {
                Lifetime::Forever => out.push_str(" preferred_lft forever"),
                Lifetime::Seconds(0) => out.push_str(" deprecated"),
                Lifetime::Seconds(seconds) => (" preferred_lft ", seconds).put(out),
            }
        }
        out.push_str(if self.address.tracked { "" } else { " no_track" });
        if let Some(group) = self.group {
            (" track_group ", group).put(out);
        }
        out.push_str(if self.is_set { " set" } else { "" });
    }
}

/// What routes and rules have in common at their ends, as addresses do.
pub(super) fn ending(f: &mut fmt::Formatter<'_>, tracked: bool, group: Option<&str>) -> fmt::Result {
    f.write_str(if tracked { "" } else { " no_track" })?;
    match group {
        Some(group) => write!(f, " track_group {group}"),
        None => Ok(()),
    }
}
