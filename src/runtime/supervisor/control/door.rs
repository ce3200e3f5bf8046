//! Where the daemon can be asked: sockets that are opened, kept over reloads, and closed.

use crate::cli::Options;
use crate::model::global::observe::{Control, Listen, Owner};
use crate::model::global::process::Process;
use crate::runtime::supervisor::brief::Brief;
use crate::runtime::supervisor::pidfile;
use nix::sys::socket::{getsockopt, sockopt};
use nix::sys::stat::{Mode, fchmod};
use nix::unistd::{Gid, Uid, chown};
use socket2::{Domain, SockAddr, Socket, Type};
use std::fs::{self, Permissions};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

/// Folders that are made where they are missing.
const OWN: [&str; 2] = ["/run/keepalived", "/run/standfast"];

/// So many wait to be let in.
const BACKLOG: i32 = 128;

/// What is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Control { path: PathBuf, owner: Option<Owner> },
    MetricsAt(SocketAddr),
    MetricsPath(PathBuf),
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Control { path, .. } => write!(f, "control socket {}", path.display()),
            Self::MetricsAt(address) => write!(f, "metrics address {address}"),
            Self::MetricsPath(path) => write!(f, "metrics socket {}", path.display()),
        }
    }
}

/// Everywhere that a configuration wants.
pub(super) fn places(brief: &Brief, options: &Options) -> Vec<Place> {
    let control = match &brief.control {
        Control::Off => None,
        Control::Usual => Some(Place::Control { path: beside(&pidfile::path(None, options, &brief.process)), owner: None }),
        Control::At(socket) => Some(Place::Control { path: socket.path.clone(), owner: socket.owner }),
    };
    let metrics = brief.metrics.listen.iter().map(|listen| match listen {
        Listen::Address(address) => Place::MetricsAt(*address),
        Listen::Path(path) => Place::MetricsPath(path.clone()),
    });
    control.into_iter().chain(metrics).collect()
}

/// The control socket of whom this PID file is of: where one is alone, so is the other.
pub(in crate::runtime) fn beside(pid_file: &Path) -> PathBuf {
    pid_file.with_extension("sock")
}

/// That of a daemon that is alone.
pub(in crate::runtime) fn usual() -> PathBuf {
    beside(&pidfile::path(None, &Options::default(), &Process::default()))
}

#[derive(Debug)]
enum Listener {
    Unix(UnixListener),
    Tcp(TcpListener),
}

/// An open one.
#[derive(Debug)]
pub(super) struct Door {
    pub(super) place: Place,
    listener: Listener,
}

/// Somebody who has come in.
#[derive(Debug)]
pub(super) enum Stream {
    Unix(UnixStream),
    Tcp(TcpStream),
}

impl Door {
    pub(super) fn open(place: &Place) -> io::Result<Self> {
        let listener = match place {
            Place::Control { path, owner } => {
                let listener = bind(path, 0o600)?;
                if let Some(owner) = owner {
                    chown(path, Some(Uid::from_raw(owner.uid)), owner.gid.map(Gid::from_raw))?;
                    if owner.gid.is_some() {
                        fs::set_permissions(path, Permissions::from_mode(0o660))?;
                    }
                }
                Listener::Unix(listener)
            }
            // There is nothing in it that not everybody may know who gets there.
            Place::MetricsPath(path) => Listener::Unix(bind(path, 0o666)?),
            Place::MetricsAt(address) => Listener::Tcp(TcpListener::bind(address)?),
        };
        match &listener {
            Listener::Unix(unix) => unix.set_nonblocking(true)?,
            Listener::Tcp(tcp) => tcp.set_nonblocking(true)?,
        }
        Ok(Self { place: place.clone(), listener })
    }

    /// Only in the process that opened it, and not in its children.
    pub(super) fn close(self) {
        if let Place::Control { path, .. } | Place::MetricsPath(path) = &self.place {
            // Its folder may have gone before.
            let _ = fs::remove_file(path);
        }
    }

    pub(super) const fn is_control(&self) -> bool {
        matches!(self.place, Place::Control { .. })
    }

    /// The next one who waits there.
    pub(super) fn accept(&self) -> io::Result<Stream> {
        Ok(match &self.listener {
            Listener::Unix(listener) => {
                let (stream, _) = listener.accept()?;
                stream.set_nonblocking(true)?;
                Stream::Unix(stream)
            }
            Listener::Tcp(listener) => {
                let (stream, _) = listener.accept()?;
                stream.set_nonblocking(true)?;
                Stream::Tcp(stream)
            }
        })
    }

    /// Who may change something, besides the superuser and ourselves.
    pub(super) fn owner(&self) -> Option<u32> {
        match &self.place {
            Place::Control { owner, .. } => owner.map(|owner| owner.uid),
            Place::MetricsAt(_) | Place::MetricsPath(_) => None,
        }
    }
}

impl AsFd for Door {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match &self.listener {
            Listener::Unix(listener) => listener.as_fd(),
            Listener::Tcp(listener) => listener.as_fd(),
        }
    }
}

impl Stream {
    /// Who it is, as far as the kernel knows.
    pub(super) fn user(&self) -> Option<u32> {
        match self {
            Self::Unix(stream) => getsockopt(stream, sockopt::PeerCredentials).ok().map(|peer| peer.uid()),
            Self::Tcp(_) => None,
        }
    }

    /// Ends it, even if a child that is about to go has it open still.
    pub(super) fn shut(&self) {
        let _ = match self {
            Self::Unix(stream) => stream.shutdown(Shutdown::Both),
            Self::Tcp(stream) => stream.shutdown(Shutdown::Both),
        };
    }

    pub(super) fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Unix(stream) => stream.read(buffer),
            Self::Tcp(stream) => stream.read(buffer),
        }
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Unix(stream) => stream.write(bytes),
            Self::Tcp(stream) => stream.write(bytes),
        }
    }
}

impl AsFd for Stream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Unix(stream) => stream.as_fd(),
            Self::Tcp(stream) => stream.as_fd(),
        }
    }
}

/// A socket in the place of one that somebody left there who is not any more.
fn bind(path: &Path, mode: u32) -> io::Result<UnixListener> {
    if let Some(folder) = path.parent().filter(|folder| OWN.iter().any(|own| folder.starts_with(own))) {
        fs::create_dir_all(folder)?;
        fs::set_permissions(folder, Permissions::from_mode(0o755))?;
    }
    match fs::symlink_metadata(path) {
        Ok(there) if !there.file_type().is_socket() => {
            return Err(io::Error::new(ErrorKind::AlreadyExists, "there is something that is no socket"));
        }
        Ok(_) if is_answered(path) => return Err(ErrorKind::AddrInUse.into()),
        Ok(_) => fs::remove_file(path)?,
        Err(_) => {}
    }
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    // The file gets what of this the umask leaves: nobody else is in before it is decided who may.
    fchmod(&socket, Mode::S_IRUSR | Mode::S_IWUSR)?;
    socket.bind(&SockAddr::unix(path)?)?;
    socket.listen(BACKLOG)?;
    let listener = UnixListener::from(std::os::fd::OwnedFd::from(socket));
    fs::set_permissions(path, Permissions::from_mode(mode))?;
    Ok(listener)
}

fn is_answered(path: &Path) -> bool {
    let attempt = || {
        let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
        socket.set_nonblocking(true)?;
        socket.connect(&SockAddr::unix(path)?)
    };
    // One that is too busy is there too.
    match attempt() {
        Ok(()) => true,
        Err(error) => error.kind() == ErrorKind::WouldBlock,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::global::observe::{Metrics, Socket as At};

    #[test]
    fn the_control_socket_is_beside_the_pid_file_unless_it_is_elsewhere_or_nowhere() {
        let mut brief = Brief::default();
        let usual = |options: &Options, brief: &Brief| places(brief, options);
        let control = |path: &str| Place::Control { path: path.into(), owner: None };
        assert_eq!(usual(&Options::default(), &brief), [control("/run/keepalived.sock")]);
        let options = Options { pid_file: Some("/x/y.z.pid".into()), ..Options::default() };
        assert_eq!(usual(&options, &brief), [control("/x/y.z.sock")]);
        brief.process.instance = Some("a".into());
        brief.process.net_namespace = Some("blue".into());
        assert_eq!(usual(&Options::default(), &brief), [control("/run/keepalived/blue/keepalived_a.sock")]);
        let owner = Some(Owner { uid: 7, gid: Some(8) });
        brief.control = Control::At(At { path: "/c".into(), owner });
        let address = SocketAddr::from(([127, 0, 0, 1], 9650));
        brief.metrics = Metrics { listen: vec![Listen::Address(address), Listen::Path("/m".into())], ..Metrics::default() };
        let want = [Place::Control { path: "/c".into(), owner }, Place::MetricsAt(address), Place::MetricsPath("/m".into())];
        assert_eq!(usual(&options, &brief), want);
        brief.control = Control::Off;
        assert_eq!(usual(&options, &brief), want[1..]);
    }

    #[test]
    fn a_socket_that_nobody_answers_is_replaced_and_nothing_else_is() {
        let folder = std::env::temp_dir().join(format!("standfast-door-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        let place = Place::Control { path: folder.join("s"), owner: None };
        let first = Door::open(&place).expect("a socket");
        assert_eq!(fs::metadata(folder.join("s")).expect("there").permissions().mode() & 0o777, 0o600);
        assert_eq!(Door::open(&place).err().map(|error| error.kind()), Some(ErrorKind::AddrInUse));
        drop(first);
        let second = Door::open(&place).expect("nobody answers there");
        let client = UnixStream::connect(folder.join("s")).expect("connected");
        let stream = second.accept().expect("somebody");
        assert_eq!(stream.user(), Some(nix::unistd::getuid().as_raw()));
        assert_eq!(second.accept().err().map(|error| error.kind()), Some(ErrorKind::WouldBlock));
        drop(client);
        second.close();
        assert!(!folder.join("s").exists());
        fs::write(folder.join("s"), "mine").expect("a file");
        assert_eq!(Door::open(&place).err().map(|error| error.kind()), Some(ErrorKind::AlreadyExists));
        assert_eq!(fs::read_to_string(folder.join("s")).expect("untouched"), "mine");
        fs::remove_dir_all(&folder).expect("removed");
    }
}
