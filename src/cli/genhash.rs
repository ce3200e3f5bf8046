//! The command line of `genhash`, as keepalived's.

use std::ffi::OsString;
use std::net::IpAddr;
use std::time::Duration;

/// What is to be fetched, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetch {
    pub server: IpAddr,
    pub port: u16,
    pub url: String,
    pub tls: bool,
    /// Send the virtual host's name in the handshake.
    pub sni: bool,
    pub virtualhost: Option<String>,
    pub protocol: Protocol,
    pub timeout: Duration,
    /// 0 sets none.
    pub mark: u32,
    pub verbose: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Protocol {
    #[default]
    V1_0,
    /// 1.0 with `Connection: close`.
    V1_0Close,
    V1_1,
}

/// keepalived's waits for as long as the target does.
const TIMEOUT: Duration = Duration::from_secs(60);

/// An option under both its names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flag {
    Tls,
    Sni,
    Server,
    Port,
    Url,
    Virtualhost,
    Verbose,
    Help,
    Mark,
    Protocol,
    Timeout,
}

const FLAGS: [(char, &str, Flag); 11] = [
    ('S', "use-ssl", Flag::Tls),
    ('I', "use-sni", Flag::Sni),
    ('s', "server", Flag::Server),
    ('p', "port", Flag::Port),
    ('u', "url", Flag::Url),
    ('V', "use-virtualhost", Flag::Virtualhost),
    ('v', "verbose", Flag::Verbose),
    ('h', "help", Flag::Help),
    ('m', "fwmark", Flag::Mark),
    ('P', "protocol", Flag::Protocol),
    ('t', "timeout", Flag::Timeout),
];

/// An option by its name or an unambiguous beginning of it.
fn by_prefix(long: &str) -> Option<Flag> {
    if let Some((.., flag)) = FLAGS.iter().find(|(_, name, _)| *name == long) {
        return Some(*flag);
    }
    let mut found = FLAGS.iter().filter(|(_, name, _)| name.starts_with(long));
    found.next().filter(|_| found.next().is_none()).map(|(.., flag)| *flag)
}

fn number<N: std::str::FromStr>(text: &str) -> Option<N> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

/// The usage has to be shown, below what is wrong if anything is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unusable(pub Option<String>);

pub fn parse(arguments: Vec<OsString>) -> Result<Fetch, Unusable> {
    let wrong = |text: String| Unusable(Some(text));
    let (mut server, mut port, mut url) = (None, None, None);
    let (mut tls, mut sni, mut verbose, mut mark, mut timeout) = (false, false, false, 0, TIMEOUT);
    let (mut virtualhost, mut protocol, mut words) = (None, Protocol::default(), Vec::new());
    let mut parser = lexopt::Parser::from_args(arguments);
    while let Some(argument) = parser.next().map_err(|error| wrong(error.to_string()))? {
        let (name, flag) = match argument {
            lexopt::Arg::Short(short) => (format!("-{short}"), FLAGS.iter().find(|(known, ..)| *known == short).map(|(.., flag)| *flag)),
            lexopt::Arg::Long(long) => (format!("--{long}"), by_prefix(long)),
            lexopt::Arg::Value(word) => {
                words.push(word.to_string_lossy().into_owned());
                continue;
            }
        };
        let mut value = || match parser.value() {
            Ok(value) => Ok(value.to_string_lossy().into_owned()),
            Err(_) => Err(wrong(format!("Missing parameter for option {name}"))),
        };
        match flag {
            None => return Err(wrong(format!("Unknown option {name}"))),
            Some(Flag::Help) => return Err(Unusable(None)),
            Some(Flag::Tls) => tls = true,
            Some(Flag::Sni) => sni = true,
            Some(Flag::Verbose) => verbose = true,
            Some(Flag::Url) => url = Some(value()?),
            Some(Flag::Virtualhost) => virtualhost = Some(value()?),
            Some(Flag::Server) => {
                let text = value()?;
                server = Some(text.parse().map_err(|_| wrong(format!("server should be an IP, not {text}")))?);
            }
            Some(Flag::Port) => {
                let text = value()?;
                port = Some(number(&text).filter(|port| *port > 0).ok_or_else(|| wrong(format!("invalid port number '{text}'")))?);
            }
            Some(Flag::Mark) => {
                let text = value()?;
                mark = number(&text).ok_or_else(|| wrong(format!("invalid fwmark '{text}'")))?;
            }
            Some(Flag::Timeout) => {
                let text = value()?;
                let seconds = number::<u32>(&text).ok_or_else(|| wrong(format!("invalid timeout '{text}'")))?;
                timeout = Duration::from_secs(seconds.into());
            }
            Some(Flag::Protocol) => {
                let text = value()?;
                protocol = match &*text {
                    "1.0" => Protocol::V1_0,
                    "1.0c" | "1.0C" => Protocol::V1_0Close,
                    "1.1" => Protocol::V1_1,
                    _ => return Err(wrong(format!("invalid HTTP protocol version '{text}'"))),
                };
            }
        }
    }
    if !words.is_empty() {
        return Err(wrong(format!("Unexpected argument(s): {}", words.join(" "))));
    }
    let (Some(server), Some(port), Some(url)) = (server, port, url) else { return Err(Unusable(None)) };
    Ok(Fetch { server, port, url, tls, sni, virtualhost, protocol, timeout, mark, verbose })
}

pub fn usage(name: &str) -> String {
    format!(
        "Usage: {name} COMMAND [OPTIONS]
Commands:
   -s server-address -p port -u url
   -S -s server-address -p port -u url
   -h

Options:
Either long or short options are allowed.
   --use-ssl         -S       Use SSL connection to remote server.
   --use-sni         -I       Use SNI during SSL handshake (uses virtualhost setting; see -V).
   --server          -s       Use the specified remote server address.
   --port            -p       Use the specified remote server port.
   --url             -u       Use the specified remote server url.
   --use-virtualhost -V       Use the specified virtualhost in GET query.
   --verbose         -v       Use verbose mode output.
   --help            -h       Display this short inlined help screen.
   --fwmark          -m       Use the specified FW mark.
   --protocol        -P       Use the specified HTTP protocol - '1.0', '1.0c', '1.1'.
                                1.0c means 1.0 with 'Connection: close'
   --timeout         -t       Timeout in seconds
"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Fetch, Unusable> {
        parse(line.split_whitespace().map(OsString::from).collect())
    }

    #[test]
    fn what_to_fetch_is_understood() {
        let plain = Fetch {
            server: IpAddr::from([10, 0, 0, 1]),
            port: 80,
            url: "/ok".into(),
            tls: false,
            sni: false,
            virtualhost: None,
            protocol: Protocol::V1_0,
            timeout: TIMEOUT,
            mark: 0,
            verbose: false,
        };
        assert_eq!(parsed("-s 10.0.0.1 -p 80 -u /ok"), Ok(plain.clone()));
        assert_eq!(parsed("--serv 10.0.0.1 --port=80 --url /ok"), Ok(plain.clone()));
        let all = Fetch {
            tls: true,
            sni: true,
            virtualhost: Some("www".into()),
            protocol: Protocol::V1_0Close,
            timeout: Duration::from_secs(3),
            mark: 7,
            verbose: true,
            ..plain
        };
        assert_eq!(parsed("-SIv -V www -P 1.0c -t3 -m 7 -s 10.0.0.1 -p 80 -u /ok"), Ok(all));
    }

    #[test]
    fn what_is_wrong_is_said_above_the_usage() {
        for (line, want) in [
            ("", None),
            ("-h", None),
            ("-s 10.0.0.1 -p 80", None),
            ("-s 10.0.0.1 -u /", None),
            ("-p 80 -u /", None),
            ("-s localhost", Some("server should be an IP, not localhost")),
            ("-p 0", Some("invalid port number '0'")),
            ("-p 0x50", Some("invalid port number '0x50'")),
            ("-p 99999", Some("invalid port number '99999'")),
            ("-t -1", Some("invalid timeout '-1'")),
            ("-t 1.5", Some("invalid timeout '1.5'")),
            ("-m xyz", Some("invalid fwmark 'xyz'")),
            ("-P 2", Some("invalid HTTP protocol version '2'")),
            ("-u", Some("Missing parameter for option -u")),
            ("-q", Some("Unknown option -q")),
            ("--bogus", Some("Unknown option --bogus")),
            ("--use", Some("Unknown option --use")),
            ("extra -s 10.0.0.1 words", Some("Unexpected argument(s): extra words")),
        ] {
            assert_eq!(parsed(line), Err(Unusable(want.map(Into::into))), "{line}");
        }
    }
}
