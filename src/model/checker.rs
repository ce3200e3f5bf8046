//! Health checks of a real server.

use super::script::Script;
use super::track::Weight;
use std::fmt;
use std::net::IpAddr;
use std::num::{NonZeroU16, NonZeroU32, NonZeroU64};
use std::time::Duration;

/// A length of time in whole microseconds. Held as its complement, so that an `Option` of one costs nothing: there are
/// configurations with a hundred thousand of these, and the one value lost is beyond what the language can write.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Micros(NonZeroU64);

impl Micros {
    pub const MAX: u64 = u64::MAX - 1;

    pub const fn new(micros: u64) -> Option<Self> {
        match NonZeroU64::new(!micros) {
            Some(complement) => Some(Self(complement)),
            None => None,
        }
    }

    pub const fn from_secs(secs: u32) -> Self {
        // A u32 of seconds in microseconds stays far below the value that has no complement.
        match Self::new(secs as u64 * 1_000_000) {
            Some(micros) => micros,
            None => Self(NonZeroU64::MIN),
        }
    }

    pub const fn get(self) -> u64 {
        !self.0.get()
    }

    pub const fn duration(self) -> Duration {
        Duration::from_micros(self.get())
    }
}

impl fmt::Debug for Micros {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.duration().fmt(f)
    }
}

/// A time limit of at least one microsecond and at most 4294.967295 seconds.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Timeout(NonZeroU32);

impl Timeout {
    pub const MAX: u32 = u32::MAX;

    pub const fn new(micros: u32) -> Option<Self> {
        match NonZeroU32::new(micros) {
            Some(micros) => Some(Self(micros)),
            None => None,
        }
    }

    pub const fn from_secs(secs: u8) -> Self {
        match Self::new(secs as u32 * 1_000_000) {
            Some(timeout) => timeout,
            None => Self(NonZeroU32::MIN),
        }
    }

    pub const fn get(self) -> u32 {
        self.0.get()
    }

    pub const fn duration(self) -> Duration {
        Duration::from_micros(self.get() as u64)
    }
}

impl fmt::Debug for Timeout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.duration().fmt(f)
    }
}

/// One check; a real server is up while all of its checks are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Checker {
    /// Run again and again.
    Probe { schedule: Schedule, probe: Probe },
    /// The number in a file.
    File(Box<File>),
    /// A BFD session.
    Bfd(Box<Bfd>),
}

/// When a probe runs and when its result counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    pub delay_loop: Micros,
    /// Bound of the random delay before the first probe.
    pub warmup: Micros,
    pub delay_before_retry: Micros,
    /// Probes that may fail after the first one did.
    pub retry: u32,
    /// Down until a probe succeeds.
    pub alpha: bool,
    /// Log each failed probe, not only the last one.
    pub log_all_failures: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Probe {
    Tcp(Connection),
    /// ICMP echo; the port has no meaning.
    Ping(Connection),
    Http(Box<Http>),
    Smtp(Box<Smtp>),
    Dns(Box<Dns>),
    Udp(Box<Udp>),
    Misc(Box<Misc>),
}

/// Whom a probe talks to, and from where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    pub address: IpAddr,
    pub port: u16,
    /// For connecting, and again for each read and write.
    pub timeout: Timeout,
    /// Set on the packets; 0 sets none.
    pub mark: u32,
    pub bind: Option<Box<Bind>>,
}

/// What a probe's socket is bound to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bind {
    pub address: Option<IpAddr>,
    pub port: Option<NonZeroU16>,
    pub interface: Option<Box<str>>,
}

/// Requests over HTTP or HTTPS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Http {
    pub connection: Connection,
    /// Speak TLS. Certificates are never verified.
    pub tls: bool,
    pub version: HttpVersion,
    /// The Host header unless the URL has one of its own.
    pub virtualhost: Option<Box<str>>,
    pub sni: Sni,
    /// Recovering, go on to the next URL at once.
    pub fast_recovery: bool,
    /// Announce the end of the TLS connection.
    pub tls_compliant: bool,
    pub urls: Box<[Url]>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HttpVersion {
    #[default]
    V1_0,
    /// 1.0 with `Connection: close`.
    V1_0Close,
    V1_1,
}

/// The name sent in the TLS handshake.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Sni {
    #[default]
    None,
    /// The URL's host, else the checker's, else the virtual server's.
    Host,
    Named(Box<str>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url {
    pub path: Box<str>,
    pub virtualhost: Option<Box<str>>,
    /// MD5 of the body.
    pub digest: Option<[u8; 16]>,
    pub status: StatusCodes,
    pub regex: Option<Box<Regex>>,
    pub tls_compliant: bool,
}

/// The status codes that count as success: sorted ranges that do not touch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusCodes(Box<[(u16, u16)]>);

impl StatusCodes {
    /// From ranges in any order; none at all means 200 to 299.
    pub fn new(mut ranges: Vec<(u16, u16)>) -> Self {
        if ranges.is_empty() {
            ranges.push((200, 299));
        }
        ranges.sort_unstable();
        ranges.dedup_by(|next, kept| {
            let touches = next.0 <= kept.1.saturating_add(1);
            if touches {
                kept.1 = kept.1.max(next.1);
            }
            touches
        });
        Self(ranges.into())
    }

    pub fn contains(&self, code: u16) -> bool {
        self.0.iter().any(|&(first, last)| (first..=last).contains(&code))
    }

    pub fn ranges(&self) -> &[(u16, u16)] {
        &self.0
    }
}

/// A Perl-compatible pattern that the response must match, or must not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Regex {
    pub pattern: Box<str>,
    pub options: RegexOptions,
    /// Success is when nothing matches.
    pub no_match: bool,
    /// Where in the response a match may begin.
    pub min_offset: u64,
    pub max_offset: Option<u64>,
    /// First and greatest size of the matcher's stack in bytes.
    pub stack: Option<(u64, u64)>,
}

/// A set of compile options, one bit each in the order of [`RegexOptions::NAMES`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RegexOptions(u32);

impl RegexOptions {
    pub const NAMES: [&'static str; 24] = [
        "allow_empty_class",
        "alt_bsux",
        "auto_callout",
        "caseless",
        "dollar_endonly",
        "dotall",
        "dupnames",
        "extended",
        "firstline",
        "match_unset_backref",
        "multiline",
        "never_ucp",
        "never_utf",
        "no_auto_capture",
        "no_auto_possess",
        "no_dotstar_anchor",
        "no_start_optimize",
        "ucp",
        "ungreedy",
        "utf",
        "never_backslash_c",
        "alt_circumflex",
        "alt_verbnames",
        "use_offset_limit",
    ];

    /// Adds an option by name; false when there is none of that name.
    pub fn insert(&mut self, name: &str) -> bool {
        let bit = Self::NAMES.iter().position(|n| *n == name);
        if let Some(bit) = bit {
            self.0 |= 1 << bit;
        }
        bit.is_some()
    }

    pub fn names(self) -> impl Iterator<Item = &'static str> {
        Self::NAMES.into_iter().enumerate().filter(move |(bit, _)| self.0 & (1 << bit) != 0).map(|(_, name)| name)
    }
}

/// An SMTP greeting, HELO and QUIT.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Smtp {
    pub connection: Connection,
    pub helo_name: Box<str>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dns {
    pub connection: Connection,
    pub record: RecordType,
    /// Without the dot at its end; the root is empty.
    pub name: Box<str>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RecordType {
    A,
    Ns,
    Cname,
    #[default]
    Soa,
    Mx,
    Txt,
    Aaaa,
    Rrsig,
    Dnskey,
}

impl RecordType {
    pub const ALL: [Self; 9] = [Self::A, Self::Ns, Self::Cname, Self::Soa, Self::Mx, Self::Txt, Self::Aaaa, Self::Rrsig, Self::Dnskey];

    pub fn name(self) -> &'static str {
        match self {
            Self::A => "A",
            Self::Ns => "NS",
            Self::Cname => "CNAME",
            Self::Soa => "SOA",
            Self::Mx => "MX",
            Self::Txt => "TXT",
            Self::Aaaa => "AAAA",
            Self::Rrsig => "RRSIG",
            Self::Dnskey => "DNSKEY",
        }
    }
}

/// A datagram; silence is success unless a reply is needed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Udp {
    pub connection: Connection,
    /// Without one, the prober's own text is sent.
    pub payload: Option<Box<[u8]>>,
    pub reply: Reply,
    /// Lengths of a reply; they count only where its content does.
    pub min_reply: u16,
    pub max_reply: u16,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Reply {
    #[default]
    NotNeeded,
    /// Whatever its content.
    Any,
    /// One that begins like this.
    Like(Box<[Octet]>),
}

/// A byte to compare with, but for the bits that are not in the mask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Octet {
    pub value: u8,
    pub mask: u8,
}

/// A command whose exit status is the result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misc {
    pub script: Script,
    pub timeout: Micros,
    /// An exit status above 1 sets the weight.
    pub dynamic: bool,
}

/// The content of a tracked file, times a weight, is added to the real server's weight.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    pub track_file: Box<str>,
    pub weight: Weight,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bfd {
    /// May name a session that cannot run: then nothing ever changes.
    pub session: Box<str>,
    pub alpha: bool,
}

// Thirty thousand of these are common.
const _: () = assert!(size_of::<Checker>() <= 88 && size_of::<Option<Micros>>() == 8 && size_of::<Option<Timeout>>() == 4);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_codes_are_sorted_and_merged() {
        for (ranges, want) in [
            (vec![], vec![(200, 299)]),
            (vec![(301, 301), (200, 204)], vec![(200, 204), (301, 301)]),
            (vec![(200, 210), (205, 207), (211, 220)], vec![(200, 220)]),
        ] {
            assert_eq!(StatusCodes::new(ranges).ranges(), want);
        }
        let codes = StatusCodes::new(vec![(200, 204), (301, 301)]);
        assert!(codes.contains(204) && codes.contains(301) && !codes.contains(205));
    }

    #[test]
    fn microseconds_cover_what_the_language_can_write() {
        assert_eq!(Micros::new(Micros::MAX).map(Micros::get), Some(Micros::MAX));
        assert_eq!(Micros::new(0).map(Micros::get), Some(0));
        assert_eq!(Micros::new(u64::MAX), None);
        assert_eq!(Micros::from_secs(u32::MAX).get(), 4_294_967_295_000_000);
    }
}
