//! The lines of `track_interface`, `track_script`, `track_file`, `track_process` and `track_bfd`, in an instance or a
//! group.

use crate::config::args::Args;
use crate::config::draft::vrrp::Tracker;
use crate::config::text::word;

/// What can be tracked. The kinds differ in what keepalived calls them and in the weights they take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Interface,
    Script,
    File,
    Process,
    Bfd,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Interface => "track_interface",
            Self::Script => "track script",
            Self::File => "track file",
            Self::Process => "track process",
            Self::Bfd => "track bfd",
        }
    }

    /// The largest weight that is a weight: one more would be taken for a fault.
    fn most(self) -> i32 {
        match self {
            Self::Interface | Self::Script | Self::Bfd => 253,
            Self::File | Self::Process => 254,
        }
    }

    /// 254 is accepted, and cut to 253.
    fn is_cut(self) -> bool {
        matches!(self, Self::Interface | Self::Script)
    }
}

/// A list of trackers: `$list` is its field in `trackers`.
macro_rules! trackers {
    ($list:ident, $kind:ident, $syntax:literal) => {
        $crate::config::keyword::Kind {
            syntax: $syntax,
            range: "weight -253..253",
            body: $crate::config::keyword::Body::List {
                open: None,
                entry: |t, a| {
                    let kind = $crate::config::keyword::vrrp::trackers::Kind::$kind;
                    t.trackers.$list.extend($crate::config::keyword::vrrp::trackers::entry(kind, &t.name, a));
                },
                show: |t, s| {
                    s.list(t.trackers.$list.iter().map(|tracker| {
                        $crate::config::keyword::vrrp::trackers::text($crate::config::keyword::vrrp::trackers::Kind::$kind, tracker)
                    }))
                },
                options: None,
            },
        }
    };
}
pub(super) use trackers;

/// `NAME [weight N [reverse|noreverse]]`. A line that cannot be understood is no tracker.
pub(super) fn entry(kind: Kind, owner: &str, args: &mut Args<'_>) -> Option<Tracker> {
    let what = kind.name();
    let name = args.need()?;
    let mut tracker = Tracker { at: args.at, name: name.into(), weight: None, reverse: None };
    match args.word() {
        None => return Some(tracker),
        Some("weight") => {}
        Some(option) => {
            args.error(format!("({owner}) unknown {what} {name} option {option} - ignoring")).hint(syntax(kind, name));
            return None;
        }
    }
    let Some(number) = args.word() else {
        args.error(format!("({owner}) weight without value specified for {what} {name} - ignoring")).hint(syntax(kind, name));
        return None;
    };
    let most = kind.most();
    let read = i64::from(if kind.is_cut() { most + 1 } else { most });
    tracker.weight = args.number_in::<i32>(number, -read, read);
    if let Some(weight) = tracker.weight.as_mut().filter(|weight| weight.abs() > most) {
        args.error(format!("({owner}) weight for {name} cannot be +/-254. Setting to +/-253"));
        *weight = (*weight).clamp(-most, most);
    }
    tracker.reverse = match args.word() {
        None => None,
        Some("reverse") => Some(true),
        Some("noreverse") if kind != Kind::Interface => Some(false),
        Some(option) => {
            args.error(format!("({owner}) unknown {what} {name} weight option {option} - ignoring")).hint(syntax(kind, name));
            return None;
        }
    };
    Some(tracker)
}

fn syntax(kind: Kind, name: &str) -> String {
    let reverse = if kind == Kind::Interface { "[reverse]" } else { "[reverse|noreverse]" };
    format!("{name} weight N {reverse}")
}

pub(super) fn text(kind: Kind, tracker: &Tracker) -> String {
    let weight = tracker.weight.map_or(String::new(), |weight| format!(" weight {weight}"));
    let reverse = match tracker.reverse {
        Some(true) => " reverse",
        Some(false) if kind != Kind::Interface => " noreverse",
        Some(false) | None => "",
    };
    format!("{}{weight}{reverse}", word(&tracker.name))
}
