//! Machines of a story: network namespaces, what joins them, and what runs in them.

#![expect(clippy::disallowed_methods, reason = "it makes files, threads and connections")]

use crate::guest::run;
use crate::wait::eventually;
use nix::sched::{CloneFlags, setns};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// The first of all makes a place for the others.
static NAMING: Mutex<()> = Mutex::new(());

/// A network namespace with a name, beside the story's own.
#[derive(Debug)]
pub(crate) struct Place(String);

impl Place {
    pub(crate) fn new(name: &str) -> Self {
        let naming = NAMING.lock();
        run(&format!("ip netns add {name}"));
        drop(naming);
        let place = Self(name.to_owned());
        place.ip("link set lo up");
        place
    }

    pub(crate) fn ip(&self, command: &str) {
        run(&format!("ip -n {} {command}", self.0));
    }

    fn file(&self) -> PathBuf {
        Path::new("/run/netns").join(&self.0)
    }

    /// A command that runs here.
    pub(crate) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new("nsenter");
        command.arg(format!("--net={}", self.file().display())).arg("--").arg(program);
        command
    }

    /// A thread that is here.
    pub(crate) fn spawn<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
        let there = File::open(self.file()).expect("it has a name");
        thread::spawn(move || {
            setns(there, CloneFlags::CLONE_NEWNET).expect("entered");
            work()
        })
    }

    pub(crate) fn set(&self, name: &'static str, value: &'static str) {
        self.spawn(move || set(name, value)).join().expect("it is set");
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = Command::new("ip").args(["netns", "del", &self.0]).status();
    }
}

/// A setting of the network, `ipv4/ip_forward`, say.
pub(crate) fn set(name: &str, value: &str) {
    fs::write(Path::new("/proc/sys/net").join(name), value).expect("a setting");
}

/// A folder of a story.
pub(crate) fn folder(name: &str) -> PathBuf {
    let folder = Path::new("/run").join(name);
    fs::create_dir_all(&folder).expect("it is ours");
    folder
}

/// The story's own namespace is a director, between a client and real servers. The latter are `10.2.0.11` and so on.
#[derive(Debug)]
pub(crate) struct Lan {
    pub(crate) client: Place,
    pub(crate) reals: Vec<Place>,
}

impl Lan {
    /// The client is on a network of its own, with the virtual server 10.1.0.100; all that the real servers say goes through
    /// the director.
    pub(crate) fn nat(name: &str, reals: usize) -> Self {
        let client = Place::new(&format!("{name}-client"));
        run(&format!("ip link add c0 type veth peer name eth0 netns {}", client.0));
        run("ip addr add 10.1.0.1/24 dev c0");
        run("ip addr add 10.1.0.100/32 dev c0");
        run("ip link set c0 up");
        client.ip("addr add 10.1.0.9/24 dev eth0");
        client.ip("link set eth0 up");
        let reals = servers(name, reals);
        for real in &reals {
            real.ip("route add default via 10.2.0.1");
        }
        set("ipv4/ip_forward", "1");
        Self { client, reals }
    }

    /// Everybody is on one network, and the virtual server is 10.2.0.100, which real servers have where nobody sees it.
    pub(crate) fn direct(name: &str, reals: usize) -> Self {
        let reals = servers(name, reals);
        for real in &reals {
            real.set("ipv4/conf/all/arp_ignore", "1");
            real.set("ipv4/conf/all/arp_announce", "2");
            real.ip("addr add 10.2.0.100/32 dev lo");
        }
        run("ip addr add 10.2.0.100/32 dev br0");
        let client = Place::new(&format!("{name}-client"));
        plug("c0", &client, "10.2.0.9");
        Self { client, reals }
    }
}

fn servers(name: &str, count: usize) -> Vec<Place> {
    run("ip link add br0 type bridge");
    run("ip addr add 10.2.0.1/24 dev br0");
    run("ip link set br0 up");
    let server = |number: usize| {
        let place = Place::new(&format!("{name}-server{number}"));
        plug(&format!("s{number}"), &place, &format!("10.2.0.1{number}"));
        place
    };
    (1..=count).map(server).collect()
}

fn plug(port: &str, place: &Place, address: &str) {
    run(&format!("ip link add {port} type veth peer name eth0 netns {}", place.0));
    run(&format!("ip link set {port} master br0 up"));
    place.ip(&format!("addr add {address}/24 dev eth0"));
    place.ip("link set eth0 up");
}

/// A web server that says its name on its front page.
#[derive(Debug)]
pub(crate) struct Nginx(Child);

impl Nginx {
    pub(crate) fn start(place: &Place, name: &str) -> Self {
        let folder = folder(name);
        let pages = folder.join("pages");
        fs::create_dir_all(&pages).expect("it is ours");
        fs::write(pages.join("index.html"), name).expect("it is ours");
        let at = folder.display();
        let scratch = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(|kind| format!("{kind}_temp_path {at}/{kind};")).concat();
        let configuration = format!(
            "daemon off; user root; worker_processes 1; pid {at}/pid; error_log {at}/errors; events {{}}
             http {{ access_log off; {scratch} server {{ listen 80; root {at}/pages; }} }}"
        );
        let file = folder.join("nginx.conf");
        fs::write(&file, configuration).expect("it is ours");
        let mut command = place.command(Path::new("/usr/sbin/nginx"));
        command.arg("-p").arg(&folder).arg("-c").arg(file).arg("-e").arg(folder.join("errors")).stdin(Stdio::null());
        let nginx = Self(command.spawn().expect("nginx starts: install nginx-light"));
        let listening = || place.spawn(|| TcpStream::connect(("127.0.0.1", 80)).is_ok()).join().expect("no panic").then_some(());
        eventually("nginx listens", listening);
        nginx
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = kill(pid(&self.0), Signal::SIGTERM);
        let _ = self.0.wait();
    }
}

pub(crate) fn pid(child: &Child) -> Pid {
    Pid::from_raw(i32::try_from(child.id()).expect("an id"))
}

/// A small server: it answers a request for a page with its name, but one for `/health` only while it is well, and repeats any
/// other line after its name. Gone, it refuses connections; those that it has stay.
#[derive(Debug)]
pub(crate) struct Server {
    well: Arc<AtomicBool>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// In that place, or in the story's own.
    pub(crate) fn start(place: Option<&Place>, at: &str, name: &'static str) -> Self {
        let at: SocketAddr = at.parse().expect("an address");
        let (well, stop) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicBool::new(false)));
        let (is_well, stops) = (Arc::clone(&well), Arc::clone(&stop));
        let serve = move |listener: TcpListener| {
            listener.set_nonblocking(true).expect("a socket");
            while !stops.load(Ordering::Relaxed) {
                match listener.accept() {
                    Ok((stream, _)) => {
                        let is_well = Arc::clone(&is_well);
                        thread::spawn(move || converse(&stream, name, &is_well));
                    }
                    Err(_) => thread::sleep(Duration::from_millis(5)),
                }
            }
        };
        let listen = move || TcpListener::bind(at).expect("a free port");
        let thread = match place {
            Some(place) => {
                let listener = place.spawn(listen).join().expect("it listens");
                thread::spawn(move || serve(listener))
            }
            None => {
                let listener = listen();
                thread::spawn(move || serve(listener))
            }
        };
        Self { well, stop, thread: Some(thread) }
    }

    pub(crate) fn set_well(&self, well: bool) {
        self.well.store(well, Ordering::Relaxed);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

fn converse(stream: &TcpStream, name: &str, well: &AtomicBool) -> Option<()> {
    stream.set_nonblocking(false).ok()?;
    let (mut lines, mut out) = (BufReader::new(stream).lines(), stream);
    while let Some(Ok(line)) = lines.next() {
        let Some(request) = line.strip_prefix("GET ") else {
            writeln!(out, "{name} {line}").ok()?;
            continue;
        };
        while lines.next()?.ok().filter(|line| !line.is_empty()).is_some() {}
        let sick = request.starts_with("/health") && !well.load(Ordering::Relaxed);
        let status = if sick { "503 Service Unavailable" } else { "200 OK" };
        write!(out, "HTTP/1.0 {status}\r\nContent-Length: {}\r\n\r\n{name}", name.len()).ok()?;
        return Some(());
    }
    None
}

/// A connection that stays: what is said is repeated by whoever is at the other end.
#[derive(Debug)]
pub(crate) struct Line(TcpStream);

impl Line {
    pub(crate) fn open(place: &Place, to: &str) -> Self {
        let to: SocketAddr = to.parse().expect("an address");
        Self(place.spawn(move || TcpStream::connect(to)).join().expect("no panic").expect("connected"))
    }

    /// Who answers, and with what.
    pub(crate) fn ask(&mut self, what: &str) -> String {
        self.0.set_read_timeout(Some(Duration::from_secs(20))).expect("a socket");
        writeln!(self.0, "{what}").expect("sent");
        let mut answer = String::new();
        BufReader::new(&self.0).read_line(&mut answer).expect("answered");
        answer.trim_end().to_owned()
    }
}
