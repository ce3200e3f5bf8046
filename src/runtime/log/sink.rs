//! One place that lines go to, and what it has not taken yet.

use nix::errno::Errno;
use nix::libc;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{MsgFlags, send};
use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _, stderr};
use std::os::fd::{AsFd as _, AsRawFd as _};
use std::os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _};
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::time::{Duration, Instant};

/// What a pipe takes whole or not at all, and what syslog daemons take at all.
const LONGEST: usize = 4096;
/// In lines.
const BACKLOG: usize = 1000;
/// Between two attempts to find a syslog that is not there.
const PATIENCE: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) struct Sink {
    way: Way,
    backlog: VecDeque<Vec<u8>>,
    lost: u64,
}

/// How bytes get there.
#[derive(Debug)]
pub(super) enum Way {
    /// A socket that is looked for again when nobody is there.
    Datagrams { path: &'static str, socket: Option<UnixDatagram>, tried: Option<Instant> },
    /// Opened by us, not to block.
    Ours(File),
    /// Standard error where it is a socket.
    Socket,
    /// Standard error shared with others, who might take the room that was found.
    Shared,
    /// A file that could not be opened.
    Nowhere,
}

/// What became of some bytes.
enum Taken {
    All,
    Part(usize),
    /// There may be room later.
    Full,
    /// Nobody is there.
    Nobody,
}

impl Way {
    pub(super) fn datagrams(path: &'static str) -> Self {
        Self::Datagrams { path, socket: None, tried: None }
    }

    /// A pipe or a terminal is opened anew: whether it blocks is then our own choice, and others that write there keep theirs.
    pub(super) fn standard_error() -> Self {
        let path = Path::new("/proc/self/fd/2");
        let Ok(kind) = path.metadata().map(|found| found.file_type()) else { return Self::Shared };
        if kind.is_socket() {
            return Self::Socket;
        }
        if !kind.is_fifo() && !kind.is_char_device() {
            return Self::Shared;
        }
        let flags = libc::O_NONBLOCK | libc::O_NOCTTY;
        OpenOptions::new().write(true).custom_flags(flags).open(path).map_or(Self::Shared, Self::Ours)
    }

    pub(super) fn file(path: &Path) -> Self {
        let flags = libc::O_NONBLOCK | libc::O_NOCTTY;
        OpenOptions::new().append(true).create(true).mode(0o600).custom_flags(flags).open(path).map_or(Self::Nowhere, Self::Ours)
    }

    fn write(&mut self, bytes: &[u8]) -> Taken {
        match self {
            Self::Datagrams { path, socket, tried } => write_datagram(path, socket, tried, bytes),
            Self::Ours(file) => taken(file.write(bytes), bytes.len()),
            Self::Socket => {
                let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL;
                taken(send(stderr().as_raw_fd(), bytes, flags).map_err(io::Error::from), bytes.len())
            }
            Self::Shared => {
                let error = stderr();
                let mut wait = [PollFd::new(error.as_fd(), PollFlags::POLLOUT)];
                match poll(&mut wait, PollTimeout::ZERO) {
                    Ok(0) | Err(Errno::EINTR) => Taken::Full,
                    Ok(_) => taken(error.lock().write(bytes), bytes.len()),
                    Err(_) => Taken::Nobody,
                }
            }
            Self::Nowhere => Taken::Nobody,
        }
    }
}

fn taken(result: io::Result<usize>, length: usize) -> Taken {
    match result {
        Ok(written) if written == length => Taken::All,
        Ok(written) => Taken::Part(written),
        Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => Taken::Full,
        Err(_) => Taken::Nobody,
    }
}

fn write_datagram(path: &str, socket: &mut Option<UnixDatagram>, tried: &mut Option<Instant>, bytes: &[u8]) -> Taken {
    // Twice: a syslog that was started anew is found at once.
    for _ in 0..2 {
        if socket.is_none() {
            if tried.is_some_and(|at| at.elapsed() < PATIENCE) {
                return Taken::Nobody;
            }
            *tried = Some(Instant::now());
            *socket = connect(path).ok();
        }
        let Some(open) = socket else { return Taken::Nobody };
        match taken(open.send(bytes), bytes.len()) {
            Taken::Nobody => {
                *socket = None;
                *tried = None;
            }
            other => return other,
        }
    }
    Taken::Nobody
}

fn connect(path: &str) -> io::Result<UnixDatagram> {
    let socket = UnixDatagram::unbound()?;
    socket.set_nonblocking(true)?;
    socket.connect(path)?;
    Ok(socket)
}

impl Sink {
    pub(super) fn new(way: Way) -> Self {
        Self { way, backlog: VecDeque::new(), lost: 0 }
    }

    pub(super) fn put(&mut self, line: impl FnOnce() -> String) {
        if matches!(self.way, Way::Nowhere) {
            return;
        }
        self.drain();
        if self.backlog.len() >= BACKLOG {
            // Its first part may have been written already, and its end then has to follow.
            self.backlog.remove(1);
            self.lost += 1;
        }
        self.backlog.push_back(cut(line()));
        self.drain();
    }

    /// `tell` makes the line that says how many were lost. Returns whether it is worth while to come back soon.
    pub(super) fn flush(&mut self, tell: impl FnOnce(u64) -> String) -> bool {
        let full = self.drain();
        if self.lost > 0 && self.backlog.is_empty() {
            self.backlog.push_back(cut(tell(std::mem::take(&mut self.lost))));
            return self.drain();
        }
        full
    }

    /// Returns whether a reader is there who has no room.
    fn drain(&mut self) -> bool {
        while let Some(line) = self.backlog.front_mut() {
            match self.way.write(line) {
                Taken::All => {
                    self.backlog.pop_front();
                }
                Taken::Part(written) => {
                    line.drain(..written);
                    return true;
                }
                Taken::Full => return true,
                Taken::Nobody => return false,
            }
        }
        false
    }

    #[cfg(test)]
    fn into(file: std::os::fd::OwnedFd) -> Self {
        Self::new(Way::Ours(file.into()))
    }
}

/// A line that is too long loses its end, but not the end of the line.
fn cut(mut line: String) -> Vec<u8> {
    const MARK: &str = "...\n";
    if line.len() > LONGEST {
        let end = if line.ends_with('\n') { MARK } else { MARK.trim_end() };
        line.truncate(line.floor_char_boundary(LONGEST - end.len()));
        line.push_str(end);
    }
    line.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::fcntl::OFlag;
    use std::io::Read as _;

    #[test]
    fn a_reader_that_does_not_read_holds_nobody_up_and_is_told_what_it_missed() {
        let (reader, writer) = nix::unistd::pipe2(OFlag::O_NONBLOCK).expect("a pipe");
        let mut sink = Sink::into(writer);
        let line = |n: usize| format!("line {n:5} {}\n", "x".repeat(1000));
        for n in 0..3000 {
            sink.put(|| line(n));
        }
        assert!(sink.flush(|_| unreachable!("there is no room to tell")));
        assert!(sink.lost > 1000 && sink.backlog.len() == BACKLOG, "{} {}", sink.lost, sink.backlog.len());
        let lost = sink.lost;
        let (mut reader, mut read, mut buffer) = (File::from(reader), Vec::new(), [0; 8192]);
        loop {
            match reader.read(&mut buffer) {
                Ok(length) => read.extend_from_slice(&buffer[..length]),
                Err(error) => {
                    assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
                    if sink.backlog.is_empty() && sink.lost == 0 {
                        break;
                    }
                    sink.flush(|lost| format!("{lost} lost\n"));
                }
            }
        }
        let text = String::from_utf8(read).expect("whole lines");
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.last(), Some(&&*format!("{lost} lost")));
        assert!(lines.iter().rev().skip(1).all(|line| line.len() == 1011), "no line is torn");
        assert!(lines[lines.len() - 2].starts_with("line  2999"));
        assert_eq!(lines.len() - 1 + usize::try_from(lost).expect("a count"), 3000);
    }

    #[test]
    fn a_line_beyond_measure_is_cut() {
        let bytes = cut(format!("{}\n", "\u{fc}".repeat(4000)));
        assert!(bytes.len() <= LONGEST && bytes.len() > LONGEST - 4 && bytes.ends_with(b"...\n"));
        assert_eq!(cut("x\n".into()), b"x\n");
    }
}
