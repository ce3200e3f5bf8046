//! `genhash`: the digest that a checker is to be configured with, of what a server says now.

use crate::cli::genhash::{Fetch, Protocol, parse, usage};
use crate::model::checker::HttpVersion;
use crate::probe::http::{Head, Reader, Sink, hexadecimal, host, request};
use crate::sys::tls::{Client, Context, Identity, Read as Decrypted};
use md5::{Digest as _, Md5};
use socket2::{Domain, Socket, Type};
use std::ffi::OsString;
use std::fmt::Write as _;
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::ExitCode;
use std::time::Instant;

pub(super) fn run(program: &str, arguments: Vec<OsString>) -> ExitCode {
    let fetch = match parse(arguments) {
        Ok(fetch) => fetch,
        Err(unusable) => {
            if let Some(wrong) = unusable.0 {
                eprintln!("{wrong}");
            }
            eprint!("{}", usage(program));
            return ExitCode::from(super::UNUSABLE);
        }
    };
    let tls = match fetch.tls.then(|| Context::new(&Identity::default())).transpose() {
        Ok(tls) => tls,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(super::UNUSABLE);
        }
    };
    let begun = Instant::now();
    let mut shown = Shown { verbose: fetch.verbose, text: String::new(), digest: Md5::new(), body: None };
    match get(&fetch, tls.as_ref(), &mut shown) {
        Ok(()) => shown.finish(),
        Err(Failure::Said(why)) => {
            let _ = writeln!(shown.text, "{why}");
        }
        Err(Failure::Nothing) => eprintln!("no data received from remote webserver"),
    }
    if fetch.verbose {
        let _ = writeln!(shown.text, "\nGlobal response time for [{}] = {} usecs", fetch.url, begun.elapsed().as_micros());
    }
    // As keepalived's: scripts look for a digest, not at the status.
    super::print(&shown.text)
}

/// Why there is no digest.
enum Failure {
    /// In keepalived's words.
    Said(String),
    /// No head has come.
    Nothing,
}

impl Failure {
    fn of(what: &str, error: &io::Error) -> Self {
        Self::Said(match error.kind() {
            ErrorKind::TimedOut | ErrorKind::WouldBlock => format!("Timeout {what}"),
            _ if what == "connecting" => "Connection failed".to_owned(),
            _ => format!("Read error with server: {error}"),
        })
    }
}

fn connect(fetch: &Fetch) -> io::Result<TcpStream> {
    let to = SocketAddr::new(fetch.server, fetch.port);
    let socket = Socket::new(Domain::for_address(to), Type::STREAM, None)?;
    if fetch.mark > 0 {
        socket.set_mark(fetch.mark)?;
    }
    if fetch.timeout.is_zero() {
        return Err(ErrorKind::TimedOut.into());
    }
    socket.connect_timeout(&to.into(), fetch.timeout)?;
    let stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(fetch.timeout))?;
    stream.set_write_timeout(Some(fetch.timeout))?;
    Ok(stream)
}

fn get(fetch: &Fetch, tls: Option<&Context>, shown: &mut Shown) -> Result<(), Failure> {
    let stream = connect(fetch).map_err(|error| Failure::of("connecting", &error))?;
    let name = fetch.virtualhost.as_deref().filter(|_| fetch.sni);
    let mut link = Link { stream, tls: None };
    if let Some(context) = tls {
        let handshake = Client::new(context, name, false).and_then(|client| link.shake_hands(client));
        handshake.map_err(|error| match error.kind() {
            ErrorKind::TimedOut | ErrorKind::WouldBlock => Failure::Said("Timeout connecting".to_owned()),
            _ => Failure::Said(format!("SSL handshake/communication error connecting to server: {error}")),
        })?;
    }
    let version = match fetch.protocol {
        Protocol::V1_0 => HttpVersion::V1_0,
        Protocol::V1_0Close => HttpVersion::V1_0Close,
        Protocol::V1_1 => HttpVersion::V1_1,
    };
    let host = fetch.virtualhost.clone().unwrap_or_else(|| host(fetch.server, fetch.port));
    link.write(&request(&fetch.url, version, &host)).map_err(|error| Failure::of("WEB write", &error))?;
    let mut reader = Reader::default();
    let mut piece = vec![0; 16 << 10];
    loop {
        match link.read(&mut piece) {
            Ok(0) if reader.has_head() => return Ok(()),
            Ok(0) => return Err(Failure::Nothing),
            Ok(length) => match reader.feed(piece.get(..length).unwrap_or_default(), shown) {
                Ok(true) => return Ok(()),
                Ok(false) => {}
                Err(fault) => return Err(Failure::Said(format!("Read error with server: {fault}"))),
            },
            Err(_) if reader.is_whole() => return Ok(()),
            Err(error) => return Err(Failure::of("WEB read", &error)),
        }
    }
}

/// A stream, and TLS over it.
struct Link {
    stream: TcpStream,
    tls: Option<Client>,
}

impl Link {
    fn shake_hands(&mut self, mut client: Client) -> io::Result<()> {
        let mut piece = [0; 4096];
        loop {
            let done = client.handshake();
            send(&mut self.stream, &mut client)?;
            if done? {
                self.tls = Some(client);
                return Ok(());
            }
            receive(&mut self.stream, &mut client, &mut piece)?;
        }
    }

    fn write(&mut self, plain: &[u8]) -> io::Result<()> {
        match &mut self.tls {
            None => self.stream.write_all(plain),
            Some(client) => {
                client.write(plain)?;
                send(&mut self.stream, client)
            }
        }
    }

    fn read(&mut self, plain: &mut [u8]) -> io::Result<usize> {
        let Some(client) = &mut self.tls else { return self.stream.read(plain) };
        let mut piece = [0; 4096];
        loop {
            let read = client.read(plain)?;
            send(&mut self.stream, client)?;
            match read {
                Decrypted::Bytes(length) => return Ok(length),
                Decrypted::End => return Ok(0),
                Decrypted::Wait => receive(&mut self.stream, client, &mut piece)?,
            }
        }
    }
}

fn send(stream: &mut TcpStream, client: &mut Client) -> io::Result<()> {
    let mut bytes = Vec::new();
    client.take(&mut bytes);
    stream.write_all(&bytes)
}

fn receive(stream: &mut TcpStream, client: &mut Client, piece: &mut [u8]) -> io::Result<()> {
    match stream.read(piece)? {
        0 => client.end(),
        length => client.feed(piece.get(..length).unwrap_or_default())?,
    }
    Ok(())
}

/// What is printed, and the digest as far as it goes.
struct Shown {
    verbose: bool,
    text: String,
    digest: Md5,
    /// Where in the body the next byte is; none before the first one.
    body: Option<usize>,
}

impl Sink for Shown {
    fn head(&mut self, _: Head, bytes: &[u8]) {
        if self.verbose {
            self.title("   HTTP Header Buffer    ");
            dump(&mut self.text, bytes, 0);
            self.title("HTTP Header Ascii Buffer");
            let _ = writeln!(self.text, "{}", String::from_utf8_lossy(bytes));
        }
    }

    fn sent(&mut self, _: &[u8]) {}

    fn content(&mut self, bytes: &[u8]) {
        self.digest.update(bytes);
        if self.verbose && !bytes.is_empty() {
            if self.body.is_none() {
                self.title("       HTML Buffer        ");
            }
            let at = self.body.unwrap_or(0);
            dump(&mut self.text, bytes, at);
            self.body = Some(at + bytes.len());
        }
    }
}

impl Shown {
    fn title(&mut self, title: &str) {
        let rule = "-----------------------";
        let _ = writeln!(self.text, "{rule}[ {title} ]{rule}");
    }

    fn finish(&mut self) {
        let digest: [u8; 16] = std::mem::take(&mut self.digest).finalize().into();
        if self.verbose {
            self.text.push('\n');
            self.title("   HTML hash resulting    ");
            dump(&mut self.text, &digest, 0);
            self.title("HTML hash final resulting");
        }
        self.text.push_str(&hexadecimal(&digest));
        self.text.push('\n');
    }
}

/// Sixteen bytes to a line, as numbers and as text.
fn dump(text: &mut String, bytes: &[u8], begin: usize) {
    for (line, bytes) in bytes.chunks(16).enumerate() {
        let _ = write!(text, "{:04}  ", begin + 16 * line);
        for at in 0..16 {
            let _ = match bytes.get(at) {
                Some(byte) => write!(text, "{byte:02x} "),
                None => write!(text, "   "),
            };
            if at == 7 {
                text.push_str("- ");
            }
        }
        let readable: String = bytes.iter().map(|byte| if (b' '..=b'~').contains(byte) { char::from(*byte) } else { '.' }).collect();
        let _ = writeln!(text, "  {readable:<16}");
    }
}
