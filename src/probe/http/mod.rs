//! HTTP: a request, and what its answer must be like.

mod head;
mod response;
mod search;

pub use head::Head;
pub use response::{Fault, Reader, Sink};

use super::{Dialogue, Hosts, Matcher, Target, Tls, Transport, Trouble, failed};
use crate::effect::probe::Outcome;
use crate::model::checker::{Connection, Http, HttpVersion, Sni, StatusCodes, Url};
use md5::{Digest as _, Md5};
use search::Search;
use std::fmt::Write as _;
use std::net::IpAddr;
use std::rc::Rc;

/// The bytes of a request.
pub fn request(path: &str, version: HttpVersion, host: &str) -> Vec<u8> {
    let (minor, close) = match version {
        HttpVersion::V1_0 => (0, ""),
        HttpVersion::V1_0Close => (0, "Connection: close\r\n"),
        HttpVersion::V1_1 => (1, "Connection: close\r\n"),
    };
    format!("GET {path} HTTP/1.{minor}\r\nUser-Agent: KeepAliveClient\r\n{close}Host: {host}\r\n\r\n").into_bytes()
}

/// A target without a name, in a Host header.
pub fn host(address: IpAddr, port: u16) -> String {
    match address {
        IpAddr::V4(v4) => format!("{v4}:{port}"),
        IpAddr::V6(v6) => format!("[{v6}]:{port}"),
    }
}

/// A host's name as it may stand in a handshake: without a port, and not an address.
fn server_name(host: &str) -> Option<Box<str>> {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) && !name.contains(':') => name,
        _ => host,
    };
    let is_address = name.starts_with('[') || name.parse::<IpAddr>().is_ok();
    (!is_address && !name.is_empty()).then(|| name.into())
}

pub fn hexadecimal(digest: &[u8]) -> String {
    digest.iter().fold(String::new(), |mut text, byte| {
        // A string takes whatever is written to it.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The dialogue over one URL.
#[derive(Debug)]
pub(super) struct Get {
    target: Target,
    path: Box<str>,
    request: Vec<u8>,
    tls: Option<Tls>,
    opened: bool,
    reader: Reader,
    answer: Answer,
}

/// What is kept of the response, and what it has to be like.
#[derive(Debug)]
struct Answer {
    status: StatusCodes,
    code: Option<u16>,
    digest: Option<Digests>,
    search: Option<(Search, bool)>,
}

#[derive(Debug)]
struct Digests {
    wanted: [u8; 16],
    content: Md5,
    /// Of all that was sent: keepalived takes the digest of that where a length is spelt in small letters or chunks are sent, and
    /// digests were configured as it computes them.
    sent: Md5,
}

impl Sink for Answer {
    fn head(&mut self, head: Head, bytes: &[u8]) {
        self.code = head.code;
        if let Some((search, _)) = &mut self.search {
            search.push(bytes);
        }
    }

    fn sent(&mut self, bytes: &[u8]) {
        if let Some(digests) = &mut self.digest {
            digests.sent.update(bytes);
        }
    }

    fn content(&mut self, bytes: &[u8]) {
        if let Some(digests) = &mut self.digest {
            digests.content.update(bytes);
        }
        if let Some((search, _)) = &mut self.search {
            search.push(bytes);
        }
    }
}

impl Get {
    pub(super) fn new(http: &Http, url: &Url, hosts: Hosts<'_>, matcher: Option<Rc<dyn Matcher>>) -> Self {
        let Connection { address, port, .. } = http.connection;
        let own = url.virtualhost.as_deref().or(http.virtualhost.as_deref());
        let named = own.or(hosts.real_server).or(hosts.virtual_server);
        let in_handshake = match &http.sni {
            Sni::None => None,
            Sni::Host => own.or(hosts.virtual_server),
            Sni::Named(name) => Some(&**name),
        };
        let tls =
            http.tls.then(|| Tls { server_name: in_handshake.and_then(server_name), compliant: http.tls_compliant || url.tls_compliant });
        let digest = url.digest.map(|wanted| Digests { wanted, content: Md5::new(), sent: Md5::new() });
        let search = url.regex.as_deref().zip(matcher).map(|(regex, matcher)| (Search::new(regex, matcher), !regex.no_match));
        Self {
            target: Target::new(&http.connection, "tcp"),
            path: url.path.clone(),
            request: named
                .map_or_else(|| request(&url.path, http.version, &host(address, port)), |name| request(&url.path, http.version, name)),
            tls,
            opened: false,
            reader: Reader::default(),
            answer: Answer { status: url.status.clone(), code: None, digest, search },
        }
    }

    /// Of the answer as far as it is there.
    fn verdict(&mut self) -> Outcome {
        let Self { target, path, answer, .. } = self;
        if let Some(bad) = answer.bad_status(*target, path) {
            return bad;
        }
        if let Some(digests) = answer.digest.take() {
            let content: [u8; 16] = digests.content.finalize().into();
            let sent: [u8; 16] = digests.sent.finalize().into();
            if digests.wanted != content && digests.wanted != sent {
                let digest = hexadecimal(&content);
                return Outcome::Failed(format!("MD5 digest error to {target} url({path}): {digest}").into());
            }
        }
        match answer.search.as_mut().map(|(search, wanted)| (search.finish(), *wanted)) {
            Some((Ok(found), wanted)) if found != wanted => Outcome::Failed(format!("Regex match failed to {target} url({path})").into()),
            Some((Err(why), _)) => Outcome::Failed(format!("Regex match failed to {target} url({path}): {why}").into()),
            Some((Ok(_), _)) | None => Outcome::Good,
        }
    }
}

impl Answer {
    fn bad_status(&self, target: Target, path: &str) -> Option<Outcome> {
        let seen = match self.code {
            Some(code) if self.status.contains(code) => return None,
            Some(code) => format!(": {code}"),
            None => String::new(),
        };
        Some(Outcome::Failed(format!("HTTP status code error to {target} url({path}){seen}").into()))
    }
}

impl Dialogue for Get {
    fn transport(&self) -> Transport {
        Transport::Stream { tls: self.tls.clone() }
    }

    fn opened(&mut self, send: &mut Vec<u8>) -> Option<Outcome> {
        self.opened = true;
        send.append(&mut self.request);
        None
    }

    fn received(&mut self, bytes: &[u8], _: &mut Vec<u8>) -> Option<Outcome> {
        match self.reader.feed(bytes, &mut self.answer) {
            Ok(true) => Some(self.verdict()),
            // Nothing that follows makes it good.
            Ok(false) if self.reader.has_head() => self.answer.bad_status(self.target, &self.path),
            Ok(false) => None,
            Err(fault) if self.reader.has_head() => {
                let bad = self.answer.bad_status(self.target, &self.path);
                Some(bad.unwrap_or_else(|| Outcome::Failed(format!("Read error with server {}: {fault}", self.target).into())))
            }
            Err(fault) => Some(Outcome::Failed(format!("Read error with server {}: {fault}", self.target).into())),
        }
    }

    fn closed(&mut self) -> Outcome {
        if self.reader.has_head() {
            self.verdict()
        } else {
            Outcome::Failed(format!("Read, no data received from server {}", self.target).into())
        }
    }

    fn expired(&mut self) -> Outcome {
        if self.reader.is_whole() {
            return self.verdict();
        }
        let what = if self.opened { "Timeout WEB read" } else { "Timeout connecting" };
        Outcome::Failed(format!("{what} server {}", self.target).into())
    }

    fn failed(&mut self, trouble: Trouble) -> Outcome {
        match (self.opened, &self.tls) {
            (true, _) => failed(trouble, format_args!("Read error with server {}", self.target)),
            (false, Some(_)) => failed(trouble, format_args!("SSL handshake/communication error connecting to server {}", self.target)),
            (false, None) => failed(trouble, format_args!("Error connecting server {}", self.target)),
        }
    }
}

#[cfg(test)]
mod tests;
