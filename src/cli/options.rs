//! keepalived's options as a table, with getopt's manners.

use super::{Command, Signal};
use std::ffi::OsString;
use std::path::PathBuf;

/// What the options set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    pub file: Option<PathBuf>,
    pub config_id: Option<String>,
    /// Every include check is on.
    pub all_config: bool,
    pub namespace: Option<String>,
    /// Words that belong to no option, as keepalived prints them.
    pub unexpected: Vec<String>,
    /// Values that keepalived tells of and then does without.
    pub complaints: Vec<String>,
    pub no_vrrp: bool,
    pub no_checkers: bool,
    pub no_bfd: bool,
    /// Every part is started, configured or not.
    pub all_parts: bool,
    pub foreground: bool,
    pub log: Logging,
    pub umask: Option<u16>,
    /// Addresses and routes stay in place on a stop.
    pub keep_addresses: bool,
    /// The IPVS table stays as it is on a stop.
    pub keep_services: bool,
    pub no_respawn: bool,
    /// The configuration is logged at the start.
    pub dump_conf: bool,
    pub pid_file: Option<PathBuf>,
    pub vrrp_pid_file: Option<PathBuf>,
    pub checkers_pid_file: Option<PathBuf>,
    pub bfd_pid_file: Option<PathBuf>,
    pub core_dump: bool,
    /// What the kernel names core dumps after, as long as the daemon runs.
    pub core_pattern: Option<OsString>,
    pub ignore_interrupt: bool,
    pub(crate) mode: Mode,
}

/// What a run of options turns the command into.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Mode {
    config_test: Option<Option<PathBuf>>,
    signum: Option<Signal>,
    genhash: bool,
}

/// Where the log goes, and how much of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Logging {
    /// To standard error, in the foreground only.
    pub console: bool,
    /// How often `-D` was given.
    pub detail: u8,
    /// By syslog's number; absent for its daemon facility.
    pub facility: Option<u8>,
    pub no_syslog: bool,
    pub file: Option<PathBuf>,
}

/// keepalived's, where `-g` names none.
const LOG_FILE: &str = "/tmp/keepalived.log";

/// Whether an option takes a value. An optional value must be attached: `-tFILE`, `--config-test=FILE`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Takes {
    Nothing,
    Value(&'static str),
    Optional(&'static str),
}

/// One option of keepalived's. `set` refuses a value by returning what is wrong with it.
pub(super) struct Flag {
    pub(super) short: Option<char>,
    pub(super) long: &'static str,
    pub(super) takes: Takes,
    pub(super) doc: &'static str,
    /// Whether it has an effect in this version.
    pub(super) works: bool,
    set: fn(&mut Options, OsString) -> Result<(), String>,
}

const fn flag(
    short: Option<char>,
    long: &'static str,
    takes: Takes,
    doc: &'static str,
    set: fn(&mut Options, OsString) -> Result<(), String>,
) -> Flag {
    Flag { short, long, takes, doc, works: true, set }
}

/// A switch.
macro_rules! switch {
    ($short:expr, $long:literal, $doc:literal, |$options:ident| $set:expr) => {
        flag($short, $long, Takes::Nothing, $doc, |$options, _| {
            $set;
            Ok(())
        })
    };
}

/// An option that waits for its part of the daemon.
const fn planned(short: Option<char>, long: &'static str, takes: Takes, doc: &'static str) -> Flag {
    Flag { short, long, takes, doc, works: false, set: |_, _| Ok(()) }
}

pub(super) static FLAGS: &[Flag] = &[
    flag(Some('f'), "use-file", Takes::Value("FILE"), "configuration file, or a pattern of several", |o, v| {
        o.file = Some(v.into());
        Ok(())
    }),
    switch!(Some('P'), "vrrp", "run no checkers", |o| o.no_checkers = true),
    switch!(Some('C'), "check", "run no VRRP", |o| o.no_vrrp = true),
    switch!(Some('B'), "no_bfd", "run no BFD", |o| o.no_bfd = true),
    switch!(None, "all", "run every part, configured or not", |o| {
        (o.all_parts, o.no_vrrp, o.no_checkers, o.no_bfd) = (true, false, false, false);
    }),
    switch!(Some('l'), "log-console", "log to standard error too, in the foreground", |o| o.log.console = true),
    switch!(Some('D'), "log-detail", "log in detail; twice for more", |o| o.log.detail = o.log.detail.saturating_add(1)),
    flag(Some('S'), "log-facility", Takes::Value("FACILITY"), "syslog facility: 0-7, local0-7, user, daemon", |o, v| {
        let name = v.to_string_lossy();
        match facility(&name) {
            Some(number) => o.log.facility = Some(number),
            None => o.complaints.push(format!("Invalid log facility '{name}'")),
        }
        Ok(())
    }),
    flag(Some('g'), "log-file", Takes::Optional("FILE"), "log to a file, each process to its own", |o, v| {
        o.log.file = Some(if v.is_empty() { LOG_FILE.into() } else { v.into() });
        Ok(())
    }),
    // Nothing is kept back from the file that could be flushed.
    flag(None, "flush-log-file", Takes::Nothing, "flush the log file after each line, as is always done", |_, _| Ok(())),
    switch!(Some('G'), "no-syslog", "do not log to syslog", |o| o.log.no_syslog = true),
    flag(Some('u'), "umask", Takes::Value("MASK"), "umask for files, above the configuration's", |o, v| {
        let number = v.to_string_lossy();
        match umask(&number) {
            Some(mask) => o.umask = Some(mask),
            None => o.complaints.push(format!("Invalid umask option {number} - ignoring")),
        }
        Ok(())
    }),
    // What is found of ours on leaving MASTER is always removed, whoever put it there.
    flag(
        Some('X'),
        "release-vips",
        Takes::Nothing,
        "drop virtual addresses on leaving MASTER even if not known to be set, as is always done",
        |_, _| Ok(()),
    ),
    switch!(Some('V'), "dont-release-vrrp", "leave addresses and routes in place on stop", |o| o.keep_addresses = true),
    switch!(Some('I'), "dont-release-ipvs", "leave the IPVS table in place on stop", |o| o.keep_services = true),
    switch!(Some('R'), "dont-respawn", "stop when a process dies", |o| o.no_respawn = true),
    switch!(Some('n'), "dont-fork", "stay in the foreground", |o| o.foreground = true),
    switch!(Some('d'), "dump-conf", "log the configuration at start", |o| o.dump_conf = true),
    flag(Some('p'), "pid", Takes::Value("FILE"), "pid file of the parent", |o, v| {
        o.pid_file = Some(v.into());
        Ok(())
    }),
    flag(Some('r'), "vrrp_pid", Takes::Value("FILE"), "pid file of the VRRP process", |o, v| {
        o.vrrp_pid_file = Some(v.into());
        Ok(())
    }),
    flag(Some('c'), "checkers_pid", Takes::Value("FILE"), "pid file of the checker process", |o, v| {
        o.checkers_pid_file = Some(v.into());
        Ok(())
    }),
    flag(Some('b'), "bfd_pid", Takes::Value("FILE"), "pid file of the BFD process", |o, v| {
        o.bfd_pid_file = Some(v.into());
        Ok(())
    }),
    flag(Some('T'), "genhash", Takes::Nothing, "genhash mode; the rest of the line is its own", |o, _| {
        o.mode.genhash = true;
        Ok(())
    }),
    planned(Some('a'), "address-monitoring", Takes::Nothing, "log every address that comes and goes"),
    flag(Some('s'), "namespace", Takes::Value("NAME"), "network namespace, above the configuration's", |o, v| {
        o.namespace = Some(text(v)?);
        Ok(())
    }),
    flag(Some('e'), "all-config", Takes::Nothing, "every include must be found whole", |o, _| {
        o.all_config = true;
        Ok(())
    }),
    flag(Some('i'), "config-id", Takes::Value("ID"), "the ID that @ID lines are kept for", |o, v| {
        o.config_id = Some(text(v)?);
        Ok(())
    }),
    planned(Some('x'), "snmp", Takes::Nothing, "turn on every SNMP subtree"),
    planned(Some('A'), "snmp-agent-socket", Takes::Value("ADDRESS"), "where the AgentX master listens"),
    switch!(Some('m'), "core-dump", "allow core dumps", |o| o.core_dump = true),
    flag(Some('M'), "core-dump-pattern", Takes::Optional("PATTERN"), "allow core dumps, under this name on the whole machine", |o, v| {
        o.core_dump = true;
        o.core_pattern = Some(if v.is_empty() { "core".into() } else { v });
        Ok(())
    }),
    flag(None, "signum", Takes::Value("NAME"), "print the number of a signal: STOP RELOAD DATA STATS STATS_CLEAR JSON", |o, v| {
        o.mode.signum = Some(signal(&text(v)?)?);
        Ok(())
    }),
    flag(Some('t'), "config-test", Takes::Optional("FILE"), "test the configuration; messages go to FILE or standard error", |o, v| {
        o.mode.config_test = Some((!v.is_empty()).then(|| v.into()));
        Ok(())
    }),
    planned(None, "config-fd", Takes::Value("N"), "for keepalived's own use"),
    switch!(None, "ignore-sigint", "do not stop on SIGINT", |o| o.ignore_interrupt = true),
];

fn text(value: OsString) -> Result<String, String> {
    value.into_string().map_err(|value| format!("'{}' is not readable text", value.to_string_lossy()))
}

/// A syslog facility by keepalived's names for some of them.
fn facility(name: &str) -> Option<u8> {
    match name {
        "user" => Some(1),
        "daemon" => Some(3),
        _ => {
            let local: u8 = name.strip_prefix("local").unwrap_or(name).parse().ok()?;
            (local < 8).then_some(16 + local)
        }
    }
}

/// A number as C writes it.
fn umask(text: &str) -> Option<u16> {
    let lower = text.to_ascii_lowercase();
    let (digits, radix) = match lower.strip_prefix("0x") {
        Some(digits) => (digits, 16),
        None if lower.len() > 1 && lower.starts_with('0') => (&lower[1..], 8),
        None => (&*lower, 10),
    };
    u16::from_str_radix(digits, radix).ok().filter(|mask| *mask <= 0o777)
}

fn signal(name: &str) -> Result<Signal, String> {
    Ok(match name {
        "STOP" => Signal::Stop,
        "RELOAD" => Signal::Reload,
        "DATA" => Signal::Data,
        "STATS" => Signal::Stats,
        "STATS_CLEAR" => Signal::StatsClear,
        "JSON" => Signal::Json,
        _ => return Err(format!("Unknown sigfunc {name}")),
    })
}

/// keepalived's options, in getopt's manner: everything is scanned before a fault counts.
pub(super) fn options(name: &str, arguments: Vec<OsString>) -> Command {
    let mut options = Options::default();
    let mut faults = Vec::new();
    let mut parser = lexopt::Parser::from_args(arguments);
    loop {
        let flag = match parser.next() {
            Ok(None) => break,
            Ok(Some(lexopt::Arg::Short(short))) => match short {
                'v' => return Command::Version,
                'h' => return Command::Help,
                _ => FLAGS.iter().find(|f| f.short == Some(short)).ok_or_else(|| format!("invalid option -- '{short}'")),
            },
            Ok(Some(lexopt::Arg::Long(long))) => match by_prefix(long) {
                Ok(Long::Version) => return Command::Version,
                Ok(Long::Help) => return Command::Help,
                Ok(Long::Flag(flag)) => Ok(flag),
                Err(fault) => Err(fault),
            },
            Ok(Some(lexopt::Arg::Value(word))) => {
                options.unexpected.push(word.to_string_lossy().into_owned());
                continue;
            }
            Err(error) => {
                faults.push(format!("{name}: {error}"));
                continue;
            }
        };
        let flag = match flag {
            Ok(flag) => flag,
            Err(fault) => {
                faults.push(format!("{name}: {fault}"));
                // An unknown option's attached value is no option of its own.
                let _ = parser.optional_value();
                continue;
            }
        };
        if let Err(fault) = apply(flag, &mut parser, &mut options) {
            faults.push(format!("{name}: {fault}"));
        }
        if options.mode.genhash {
            return match parser.raw_args() {
                Ok(rest) => Command::Genhash(rest.collect()),
                Err(error) => Command::Unusable(vec![format!("{name}: {error}")]),
            };
        }
    }
    if !faults.is_empty() {
        return Command::Unusable(faults);
    }
    if let Some(signal) = options.mode.signum {
        return Command::Signum(signal);
    }
    match options.mode.config_test.clone() {
        Some(log) => Command::ConfigTest(options, log),
        None => Command::Run(options),
    }
}

fn apply(flag: &Flag, parser: &mut lexopt::Parser, options: &mut Options) -> Result<(), String> {
    let value = match flag.takes {
        Takes::Nothing => OsString::new(),
        Takes::Optional(_) => parser.optional_value().unwrap_or_default(),
        Takes::Value(_) => match parser.value() {
            Ok(value) if !value.is_empty() => value,
            _ => return Err(format!("option '--{}' requires an argument", flag.long)),
        },
    };
    (flag.set)(options, value)
}

enum Long {
    Flag(&'static Flag),
    Version,
    Help,
}

/// A long option by its name or an unambiguous beginning of it.
fn by_prefix(long: &str) -> Result<Long, String> {
    let named = FLAGS.iter().map(|f| (f.long, Long::Flag(f))).chain([("version", Long::Version), ("help", Long::Help)]);
    let mut found: Vec<(&str, Long)> = named.filter(|(name, _)| name.starts_with(long)).collect();
    if let Some(exact) = found.iter().position(|(name, _)| *name == long) {
        return Ok(found.swap_remove(exact).1);
    }
    match found.pop() {
        Some((_, only)) if found.is_empty() => Ok(only),
        Some(_) => Err(format!("option '--{long}' is ambiguous")),
        None => Err(format!("unrecognized option '--{long}'")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::help;
    use crate::cli::tests::parsed;

    #[test]
    fn config_test_takes_only_an_attached_file() {
        let file = |name: &str| Options { file: Some(name.into()), ..Options::default() };
        for (line, want) in [
            ("keepalived -t -f a", None),
            ("keepalived -f a --config-test", None),
            ("keepalived -tlog -f a", Some("log")),
            ("keepalived --config-test=log -f a", Some("log")),
            ("keepalived --config-t=log --use=a", Some("log")),
            ("keepalived -lDnt -fa", None),
        ] {
            let Command::ConfigTest(options, log) = parsed(line) else { panic_free(line) };
            assert_eq!((&options.file, log), (&file("a").file, want.map(PathBuf::from)), "{line}");
        }
    }

    fn panic_free(line: &str) -> ! {
        unreachable!("not a config test: {line}")
    }

    #[test]
    fn faults_are_gathered_and_words_left_over_are_not_faults() {
        assert_eq!(
            parsed("keepalived --debug -q -f"),
            Command::Unusable(vec![
                "keepalived: unrecognized option '--debug'".into(),
                "keepalived: invalid option -- 'q'".into(),
                "keepalived: option '--use-file' requires an argument".into(),
            ])
        );
        let Command::ConfigTest(options, _) = parsed("keepalived one -t two") else { panic_free("words") };
        assert_eq!(options.unexpected, ["one", "two"]);
        assert_eq!(parsed("keepalived --log-f"), Command::Unusable(vec!["keepalived: option '--log-f' is ambiguous".into()]));
    }

    fn run(line: &str) -> Options {
        let Command::Run(options) = parsed(line) else { unreachable!("not a run: {line}") };
        options
    }

    #[test]
    fn the_options_of_the_daemon_are_kept() {
        let all = run("keepalived -nlDDG -P -C -B -V -R -d -m --ignore-sigint -p a -r b -g -S 3 -u 027");
        let log = Logging { console: true, detail: 2, facility: Some(19), no_syslog: true, file: Some(LOG_FILE.into()) };
        let want = Options {
            no_vrrp: true,
            no_checkers: true,
            no_bfd: true,
            foreground: true,
            log,
            umask: Some(0o27),
            keep_addresses: true,
            no_respawn: true,
            dump_conf: true,
            pid_file: Some("a".into()),
            vrrp_pid_file: Some("b".into()),
            core_dump: true,
            ignore_interrupt: true,
            ..Options::default()
        };
        assert_eq!(all, want);
        assert_eq!(run("keepalived -P --all -C"), Options { all_parts: true, no_vrrp: true, ..Options::default() });
        assert_eq!(run("keepalived -g/x").log.file, Some("/x".into()));
        for (line, want) in [("keepalived -M", "core"), ("keepalived -M/a/%p", "/a/%p"), ("keepalived --core-dump-pattern=x", "x")] {
            let options = run(line);
            assert_eq!((options.core_dump, options.core_pattern), (true, Some(want.into())), "{line}");
        }
    }

    #[test]
    fn facilities_and_masks_that_are_none_are_told_and_left_out() {
        for (name, want) in
            [("0", Some(16)), ("7", Some(23)), ("8", None), ("local1", Some(17)), ("user", Some(1)), ("daemon", Some(3)), ("mail", None)]
        {
            assert_eq!(facility(name), want, "{name}");
        }
        for (text, want) in
            [("0177", Some(0o177)), ("0x3f", Some(0x3f)), ("18", Some(18)), ("0", Some(0)), ("01000", None), ("8x", None), ("089", None)]
        {
            assert_eq!(umask(text), want, "{text}");
        }
        let options = run("keepalived -S mail -u -1 -n");
        assert_eq!((options.log.facility, options.umask, options.complaints.len(), options.foreground), (None, None, 2, true));
    }

    #[test]
    fn no_option_is_declared_twice_and_all_are_in_the_help() {
        let help = help("keepalived");
        for (n, flag) in FLAGS.iter().enumerate() {
            assert!(help.contains(&format!("--{}", flag.long)));
            assert!(FLAGS[..n].iter().all(|f| f.long != flag.long && (f.short.is_none() || f.short != flag.short)), "{}", flag.long);
        }
    }
}
