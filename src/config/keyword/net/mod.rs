//! The lines of addresses, routes and rules: languages of their own, one entry a line, each with a vocabulary of options.

/// A whole number into an optional field; a bad one spoils the line.
macro_rules! whole {
    ($field:ident: $type:ty, $min:literal, $max:literal) => {
        $crate::config::keyword::Kind {
            syntax: "N",
            range: concat!(stringify!($min), "..", stringify!($max)),
            body: $crate::config::keyword::Body::Line {
                set: |t, a| t.$field = $crate::config::keyword::net::whole::<$type>(a, $min, $max),
                show: |t, s| s.value(&t.$field),
            },
        }
    };
}

/// An interface into an optional field.
macro_rules! interface {
    ($field:ident) => {
        $crate::config::keyword::line!("INTERFACE", "", |t, a| t.$field = $crate::config::keyword::net::interface(a), |t, s| s
            .value(&t.$field))
    };
}

/// A name or a number into an optional field.
macro_rules! named {
    ($field:ident) => {
        $crate::config::keyword::line!("N|NAME", "", |t, a| t.$field = a.need().map($crate::config::keyword::net::value::named), |t, s| s
            .value(&t.$field))
    };
}

mod address;
mod encap;
mod group;
mod metric;
mod route;
mod rule;
mod value;

pub use address::{ADDRESS, address_entry, address_text};
pub use encap::{ENCAP_IP, ENCAP_IP6};
pub use group::TRACK_GROUP;
pub use route::{NEXT_HOP, ROUTE, route_entry, route_text};
pub use rule::{RULE, rule_entry, rule_text};

pub(super) use group::{open_group, show_groups};

use super::{Body, Keyword, Kind, Show, Vocabulary};
use crate::config::args::{Args, Manners};
use crate::config::diagnostic::Class;
use crate::config::draft::Draft;
use crate::config::text::Dump;
use crate::model::net::{Family, Prefix};
use std::net::IpAddr;

/// Whose line it is: some options make sense only there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    Instance,
    Static,
}

impl Owner {
    fn has(self, option: &str) -> bool {
        match self {
            Self::Instance => option != "track_group",
            Self::Static => option != "use_vmac",
        }
    }
}

pub(super) const STATIC_ADDRESSES: Kind<Draft> = Kind {
    syntax: "{ ADDRESS[/LENGTH] OPTIONS ... }",
    range: "",
    body: Body::List {
        open: None,
        entry: |t, a| t.statics.addresses.extend(address_entry(Owner::Static, a)),
        show: |t, s| s.list(t.statics.addresses.iter().map(address_text)),
        options: Some(|| &ADDRESS),
    },
};

pub(super) const STATIC_ROUTES: Kind<Draft> = Kind {
    syntax: "{ [TYPE] DESTINATION OPTIONS ... }",
    range: "",
    body: Body::List {
        open: None,
        entry: |t, a| t.statics.routes.extend(route_entry(Owner::Static, a)),
        show: |t, s| s.list(t.statics.routes.iter().map(route_text)),
        options: Some(|| &ROUTE),
    },
};

pub(super) const STATIC_RULES: Kind<Draft> = Kind {
    syntax: "{ SELECTORS ACTION ... }",
    range: "",
    body: Body::List {
        open: None,
        entry: |t, a| t.statics.rules.extend(rule_entry(Owner::Static, a)),
        show: |t, s| s.list(t.statics.rules.iter().map(rule_text)),
        options: Some(|| &RULE),
    },
};

/// Reads options until the line ends or is abandoned. `other` is given each word that is none.
fn read<'a, T>(
    vocabulary: &'static Vocabulary<T>,
    owner: Owner,
    draft: &mut T,
    args: &mut Args<'a>,
    other: fn(&mut T, &mut Args<'a>, &'a str),
) {
    while !args.abandoned() {
        let Some(word) = args.word() else { return };
        match vocabulary.find(word).filter(|option| owner.has(option.name)) {
            Some(option) => set(option, word, draft, args),
            None => other(draft, args, word),
        }
    }
}

/// Reads options as long as there are some: a part of a line with a vocabulary of its own.
fn read_part<T>(vocabulary: &'static Vocabulary<T>, draft: &mut T, args: &mut Args<'_>) {
    while !args.abandoned()
        && let Some(word) = args.peek()
        && let Some(option) = vocabulary.find(word)
    {
        args.word();
        set(option, word, draft, args);
    }
}

fn set<'a, T>(option: &Keyword<T>, word: &'a str, draft: &mut T, args: &mut Args<'a>) {
    if let Some(&(_, class)) = option.deprecated.iter().find(|&&(name, _)| name == word)
        && class != Class::Notice
    {
        args.error(format!("\"{word}\" for routes is deprecated. Please use \"{}\"", option.name));
    }
    // Junk after digits is refused everywhere here.
    args.option(word, Manners { strict: true, ..option.manners });
    match option.body {
        Body::Line { set, .. } => set(draft, args),
        // Options stand within a line.
        Body::List { .. } | Body::Block { .. } => {}
    }
}

/// The options of a draft in the order of their table, as one line.
fn text<T>(vocabulary: &'static Vocabulary<T>, draft: &T) -> String {
    let mut dump = Dump::default();
    vocabulary.show(draft, &mut dump);
    dump.into_text().trim_end().replace('\n', " ")
}

/// What an unknown word may have meant.
fn meant<T>(vocabulary: &'static Vocabulary<T>, word: &str) -> String {
    match vocabulary.nearest(word) {
        Some(nearest) => format!("did you mean '{nearest}'?"),
        None => format!("no such option of {}", vocabulary.name),
    }
}

/// A whole number; without one the line is of no use.
fn whole<N: TryFrom<i64>>(args: &mut Args<'_>, min: i64, max: i64) -> Option<N> {
    let value = args.number(min, max);
    if value.is_none() {
        args.abandon();
    }
    value
}

/// A whole number of 64 bits; without one the line is of no use.
fn long(args: &mut Args<'_>) -> Option<u64> {
    let word = args.need()?;
    let value = word.bytes().all(|b| b.is_ascii_digit()).then(|| word.parse().ok()).flatten();
    if value.is_none() {
        let keyword = args.keyword;
        args.error(format!("invalid number '{word}'")).hint(format!("{keyword} takes a number from 0 to {}", u64::MAX));
        args.abandon();
    }
    value
}

/// A fault that spoils the line.
fn refuse(args: &mut Args<'_>, text: impl Into<String>) {
    args.error(text);
    args.abandon();
}

/// The family of a line becomes known, or the line is refused because it is another one already.
fn fix(known: &mut Option<Family>, family: Family, args: &mut Args<'_>, mixed: &str) -> bool {
    let fits = *known.get_or_insert(family) == family;
    if !fits {
        refuse(args, mixed);
    }
    fits
}

/// A plain address; anything else spoils the line. `what` names it.
fn address(args: &mut Args<'_>, what: &str) -> Option<IpAddr> {
    let word = args.need()?;
    let address = word.parse().ok();
    if address.is_none() {
        refuse(args, format!("invalid {what} address {word}"));
    }
    address
}

impl Show for Prefix {
    fn shown(&self) -> Option<String> {
        Some(self.to_string())
    }
}

/// An interface; whether there is one of that name is not known yet.
fn interface(args: &mut Args<'_>) -> Option<Box<str>> {
    args.need().map(Into::into)
}

#[cfg(test)]
mod testing {
    use super::Owner;
    use crate::config::args::{Args, Context};
    use crate::config::diagnostic::Origin;
    use crate::config::syntax::Statement;
    use proptest::prelude::*;
    use std::fmt::Debug;

    pub(super) type Entry<T> = fn(Owner, &mut Args<'_>) -> Option<T>;

    /// What becomes of one line, with what was said about it.
    pub(super) fn entry<T>(read: Entry<T>, owner: Owner, line: &str) -> (Option<T>, Vec<String>) {
        let mut cx = Context::default();
        let statement = Statement { text: line, at: Origin { order: 1, file: 0, line: 1 } };
        let draft = read(owner, &mut Args::entry(&statement, "list", &mut cx));
        (draft, cx.problems.iter().map(|d| d.text.clone()).collect())
    }

    /// Each line of the table must yield an entry, or none, with these messages.
    pub(super) fn table<T: Debug>(read: Entry<T>, owner: Owner, cases: &[(&str, bool, &[&str])]) {
        for &(line, usable, want) in cases {
            let (draft, said) = entry(read, owner, line);
            assert_eq!(
                (draft.is_some(), said.as_slice()),
                (usable, want.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>().as_slice()),
                "{line}"
            );
        }
    }

    /// A faultless line, whose canonical text reads back to the same.
    pub(super) fn stays<T: Debug + PartialEq>(read: Entry<T>, write: fn(&T) -> String, owner: Owner, line: &str) -> T {
        let (draft, said) = entry(read, owner, line);
        assert!(said.is_empty(), "{line}: {said:?}");
        let draft = draft.expect(line);
        let text = write(&draft);
        let (again, said) = entry(read, owner, &text);
        assert!(said.is_empty(), "{text}: {said:?}");
        assert_eq!(again.as_ref(), Some(&draft), "{line} became {text}");
        draft
    }

    /// Lines made of the words of a language and of junk.
    pub(super) fn noise(words: &'static [&'static str]) -> impl Strategy<Value = String> {
        let word = prop_oneof![
            4 => prop::sample::select(words).prop_map(str::to_owned),
            2 => prop::sample::select(vec!["10.0.0.0/8", "10.1.1.1", "2001:db8::/32", "fe80::1", "5", "0x10", "5-6", "a/b", "default", "lock", "\"", "inet6", "1.5s"])
                .prop_map(str::to_owned),
            1 => "\\PC{0,12}",
        ];
        prop::collection::vec(word, 0..14).prop_map(|words| words.join(" "))
    }

    pub(super) fn v4() -> impl Strategy<Value = String> {
        any::<std::net::Ipv4Addr>().prop_map(|a| a.to_string())
    }

    pub(super) fn v6() -> impl Strategy<Value = String> {
        any::<std::net::Ipv6Addr>().prop_map(|a| a.to_string())
    }

    pub(super) fn prefix(six: bool) -> BoxedStrategy<String> {
        if six {
            (v6(), 0..=128_u8).prop_map(|(a, l)| format!("{a}/{l}")).boxed()
        } else {
            (v4(), 0..=32_u8).prop_map(|(a, l)| format!("{a}/{l}")).boxed()
        }
    }

    /// A name as a line may have it, quoted where it must be.
    pub(super) fn name() -> impl Strategy<Value = String> {
        "[a-z][a-z0-9.]{0,8}( [a-z]{1,3})?".prop_map(|name| crate::config::text::word(&name))
    }

    /// `KEYWORD VALUE`
    pub(super) fn with<T: Debug + std::fmt::Display>(
        keyword: &'static str,
        value: impl Strategy<Value = T> + 'static,
    ) -> BoxedStrategy<String> {
        value.prop_map(move |value| format!("{keyword} {value}")).boxed()
    }
}
