//! VRRP instances, sync groups, and what is said of interfaces.

mod address;
mod auth;
mod carrier;
mod group;
mod instance;
mod link;
mod notify;
mod trackers;

pub(in crate::config) use auth::bytes_of_hex;
pub use auth::{AUTHENTICATION, HMAC};
pub use group::{SYNC_GROUP, open_group, show_groups};
pub use instance::{INSTANCE, open_instance, show_instances};
pub use link::{GARP_GROUP, delay_entry, linkbeat_entry, open_garp_group, show_delays, show_garp_groups, show_linkbeat};

use super::block_opening;
use crate::config::args::Args;
use crate::config::parser::Parser;
use crate::config::syntax::Statement;
use std::collections::HashSet;

/// The kernel keeps interface names in 16 bytes, the terminator included.
const LONGEST_INTERFACE: usize = 15;

/// A flag of which the place is kept, for a complaint about it later.
macro_rules! placed_flag {
    ($field:ident) => {
        $crate::config::keyword::line!("", "", |t, a| t.$field = Some(a.at), |t, s| s.flag(t.$field.is_some()))
    };
}

/// A repeat count: zero is an error and counts as one.
macro_rules! repeats {
    ($field:ident) => {
        $crate::config::keyword::line!(
            "N",
            "1..4294967295",
            |t, a| {
                let count = $crate::config::keyword::vrrp::repeat_count(&t.name, a);
                t.$field = count.or(t.$field);
            },
            |t, s| s.value(&t.$field)
        )
    };
}

use {placed_flag, repeats};

fn repeat_count(owner: &str, args: &mut Args<'_>) -> Option<u32> {
    let count = args.number::<u32>(0, i64::from(u32::MAX))?;
    if count == 0 {
        let keyword = args.keyword;
        args.error(format!("({owner}): {keyword} must be greater than 0, setting to 1"));
    }
    Some(count.max(1))
}

/// The name in the opening line of an instance or a group, which takes exactly one and must be new. A block that cannot
/// be used is reported and passed over.
fn new_name<'a>(
    parser: &mut Parser<'_>,
    statement: &Statement<'a>,
    keyword: &str,
    kind: &str,
    taken: &mut HashSet<Box<str>>,
) -> Option<&'a str> {
    let name = block_opening(parser, statement, keyword)?;
    if let Some(extra) = statement.words().nth(2) {
        let diagnostic = parser.error(statement.at, format!("{keyword} must have a name of one word"));
        diagnostic.word(extra).hint(format!("{keyword} \"{name} {extra}\" {{"));
    } else if taken.insert(name.into()) {
        return Some(name);
    } else {
        let diagnostic = parser.error(statement.at, format!("{kind} {name} already defined"));
        diagnostic.word(name).hint("the block is skipped to its closing brace");
    }
    parser.skip();
    None
}

/// The name of an interface that fits the kernel; otherwise it is reported.
fn interface_name(args: &mut Args<'_>) -> Option<Box<str>> {
    let name = args.need()?;
    if name.len() > LONGEST_INTERFACE {
        args.error(format!("Interface name '{name}' too long - ignoring")).hint("an interface name has at most 15 characters");
        return None;
    }
    Some(name.into())
}

#[cfg(test)]
mod tests;
