//! The way to a running daemon.

use super::protocol::Request;
use crate::cli::Whom;
use crate::runtime::supervisor::control::door::{beside, usual};
use serde_json::Value;
use std::fmt;
use std::io::{self, BufRead as _, BufReader, ErrorKind, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Where daemons that are not alone have their files.
const OTHERS: &str = "/run/keepalived";
/// Longer than any answer takes that comes: a reload may wait for all processes.
const PATIENCE: Duration = Duration::from_secs(75);

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Failed {
    NotRunning(String),
    Forbidden(String),
    /// Nobody says which.
    Several(Vec<PathBuf>),
    /// It does not do that, and says why.
    Refused {
        code: &'static str,
        text: String,
    },
    Broken(String),
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotRunning(what) => write!(f, "the daemon is not running: {what}"),
            Self::Forbidden(what) => write!(f, "the daemon may not be asked by this user: {what}"),
            Self::Several(sockets) => {
                let names: Vec<String> = sockets.iter().map(|socket| socket.display().to_string()).collect();
                write!(f, "several daemons are running; name one by --socket: {}", names.join(" "))
            }
            Self::Refused { text, .. } => f.write_str(text),
            Self::Broken(what) => write!(f, "the daemon's answer is not to be understood: {what}"),
        }
    }
}

/// A good answer.
#[derive(Debug)]
pub(super) struct Answer {
    /// As it came, with the end of the line.
    pub(super) text: String,
    pub(super) value: Value,
}

#[derive(Debug)]
pub(super) struct Connection {
    stream: BufReader<UnixStream>,
}

impl Connection {
    pub(super) fn open(whom: &Whom) -> Result<Self, Failed> {
        let stream = match whom {
            Whom::Socket(path) => connect(path)?,
            Whom::PidFile(path) => connect(&beside(path))?,
            Whom::Usual => connect_usual()?,
        };
        let timeouts = stream.set_read_timeout(Some(PATIENCE)).and_then(|()| stream.set_write_timeout(Some(PATIENCE)));
        timeouts.map_err(|error| Failed::Broken(error.to_string()))?;
        Ok(Self { stream: BufReader::new(stream) })
    }

    pub(super) fn ask(&mut self, request: &Request) -> Result<Answer, Failed> {
        let broken = |error: &io::Error| match error.kind() {
            ErrorKind::WouldBlock | ErrorKind::TimedOut => Failed::Broken("it takes too long".to_owned()),
            ErrorKind::BrokenPipe | ErrorKind::ConnectionReset => Failed::NotRunning("it has just gone".to_owned()),
            _ => Failed::Broken(error.to_string()),
        };
        self.stream.get_mut().write_all(request.encode().as_bytes()).map_err(|error| broken(&error))?;
        let mut text = String::new();
        self.stream.read_line(&mut text).map_err(|error| broken(&error))?;
        if !text.ends_with('\n') {
            return Err(Failed::NotRunning("it has gone before it had answered".to_owned()));
        }
        let value: Value = serde_json::from_str(&text).map_err(|error| Failed::Broken(error.to_string()))?;
        if value["ok"] == true {
            return Ok(Answer { text, value });
        }
        let error = &value["error"];
        let codes = ["forbidden", "unknown", "stranger"];
        let code = codes.into_iter().find(|code| error["code"] == *code).unwrap_or("refused");
        Err(Failed::Refused { code, text: error["text"].as_str().unwrap_or("it says no").to_owned() })
    }
}

fn connect(path: &Path) -> Result<UnixStream, Failed> {
    UnixStream::connect(path).map_err(|error| {
        let told = format!("{}: {error}", path.display());
        match error.kind() {
            ErrorKind::NotFound => Failed::NotRunning(format!("there is no {}", path.display())),
            ErrorKind::ConnectionRefused => Failed::NotRunning(format!("nobody answers at {}", path.display())),
            ErrorKind::PermissionDenied => Failed::Forbidden(told),
            _ => Failed::Broken(told),
        }
    })
}

/// The daemon that has no name, or else the only one there is.
fn connect_usual() -> Result<UnixStream, Failed> {
    let missing = match connect(&usual()) {
        Err(missing @ Failed::NotRunning(_)) => missing,
        Err(Failed::Forbidden(told)) => return Err(Failed::Forbidden(told)),
        found => return found,
    };
    let mut found: Vec<(PathBuf, Result<UnixStream, Failed>)> = Vec::new();
    for path in sockets(Path::new(OTHERS), 1) {
        match connect(&path) {
            Err(Failed::NotRunning(_)) => {}
            answer => found.push((path, answer)),
        }
    }
    match found.pop() {
        None => Err(missing),
        Some((_, only)) if found.is_empty() => only,
        Some((last, _)) => {
            let mut paths: Vec<PathBuf> = found.into_iter().map(|(path, _)| path).chain([last]).collect();
            paths.sort();
            Err(Failed::Several(paths))
        }
    }
}

/// Control sockets in a folder, and so many levels below.
fn sockets(folder: &Path, below: u8) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() && below > 0 {
            found.extend(sockets(&path, below - 1));
        } else if path.extension().is_some_and(|extension| extension == "sock") {
            found.push(path);
        }
    }
    found
}
