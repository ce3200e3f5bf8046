//! Somebody who uses a virtual address: asks it for an echo every 10 ms.

use super::capture::lock;
use super::host::Host;
use super::packet::Mac;
use super::wait::eventually;
use socket2::{Domain, Protocol, SockAddr, Socket, Type};
use std::io::Read;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime};

/// How often it asks.
pub(crate) const EVERY: Duration = Duration::from_millis(10);

#[derive(Debug)]
pub(crate) struct Client {
    answers: Arc<Mutex<Vec<SystemTime>>>,
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

/// A time without an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Outage {
    pub(crate) from: SystemTime,
    pub(crate) length: Duration,
}

impl Client {
    #[track_caller]
    pub(crate) fn start(host: &Host, address: &str) -> Self {
        let address: IpAddr = address.parse().expect("an address");
        let socket = host.run(move || open(address)).expect("root may open raw sockets");
        let listener = socket.try_clone().expect("a socket can be cloned");
        let answers = Arc::new(Mutex::new(Vec::new()));
        let stop = Arc::new(AtomicBool::new(false));
        let (asking, hearing, heard) = (Arc::clone(&stop), Arc::clone(&stop), Arc::clone(&answers));
        let asker = std::thread::Builder::new().name("asker".to_owned()).spawn(move || ask(&socket, address, &asking));
        let hearer = std::thread::Builder::new().name("hearer".to_owned()).spawn(move || hear(listener, address, &hearing, &heard));
        Self { answers, stop, threads: [asker, hearer].into_iter().filter_map(Result::ok).collect() }
    }

    /// Waits until there is an answer to a question that is asked from now on.
    #[track_caller]
    pub(crate) fn wait_answer(&self) {
        let now = SystemTime::now() + EVERY;
        eventually("the address answers", || lock(&self.answers).last().filter(|at| **at > now).map(drop));
    }

    /// Times without an answer of more than `longer`, as far as they are after `since`. One that has not ended counts.
    pub(crate) fn outages(&self, since: SystemTime, longer: Duration) -> Vec<Outage> {
        let answers = lock(&self.answers);
        let mut times = vec![since];
        times.extend(answers.iter().copied().filter(|at| *at > since));
        times.push(SystemTime::now());
        let gaps = times.windows(2).map(|pair| Outage { from: pair[0], length: pair[1].duration_since(pair[0]).unwrap_or_default() });
        gaps.filter(|outage| outage.length > longer).collect()
    }

    /// The longest time without an answer after `since`.
    pub(crate) fn longest_outage(&self, since: SystemTime) -> Duration {
        self.outages(since, Duration::ZERO).iter().map(|outage| outage.length).max().unwrap_or_default()
    }

    pub(crate) fn answers(&self) -> usize {
        lock(&self.answers).len()
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            drop(thread.join());
        }
    }
}

/// Whom the kernel of a host takes for the owner of an address.
pub(crate) fn neighbour(host: &Host, address: &str) -> Option<Mac> {
    let entry = host.ip(&format!("neigh show {address}"));
    Mac::parse(entry.split_whitespace().skip_while(|word| *word != "lladdr").nth(1)?)
}

fn open(address: IpAddr) -> std::io::Result<Socket> {
    let (domain, protocol) = match address {
        IpAddr::V4(_) => (Domain::IPV4, Protocol::ICMPV4),
        IpAddr::V6(_) => (Domain::IPV6, Protocol::ICMPV6),
    };
    let socket = Socket::new(domain, Type::RAW, Some(protocol))?;
    socket.set_read_timeout(Some(Duration::from_millis(50)))?;
    Ok(socket)
}

fn ask(socket: &Socket, address: IpAddr, stop: &AtomicBool) {
    let to = SockAddr::from(SocketAddr::new(address, 0));
    let mut due = Instant::now();
    let mut number = 0_u16;
    while !stop.load(Ordering::Relaxed) {
        number = number.wrapping_add(1);
        // An error is an outage, and the answers tell of those.
        drop(socket.send_to(&question(address, number), &to));
        due = (due + EVERY).max(Instant::now());
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
    }
}

fn question(address: IpAddr, number: u16) -> [u8; 8] {
    let [high, low] = number.to_be_bytes();
    match address {
        IpAddr::V4(_) => {
            // Type 8 and identifier "SF" in a sum of sixteen-bit words.
            let mut sum = 0x0800_u32 + 0x5346 + u32::from(number);
            sum = (sum & 0xffff) + (sum >> 16);
            let [a, b] = (!u16::try_from((sum & 0xffff) + (sum >> 16)).unwrap_or(0)).to_be_bytes();
            [8, 0, a, b, b'S', b'F', high, low]
        }
        // The kernel makes the checksum.
        IpAddr::V6(_) => [128, 0, 0, 0, b'S', b'F', high, low],
    }
}

fn hear(mut socket: Socket, address: IpAddr, stop: &AtomicBool, answers: &Mutex<Vec<SystemTime>>) {
    let mut buffer = [0_u8; 256];
    while !stop.load(Ordering::Relaxed) {
        let Ok(length) = socket.read(&mut buffer) else { continue };
        let heard = &buffer[..length];
        let answer = match address {
            IpAddr::V4(v4) => heard.get(12..16) == Some(&v4.octets()) && heard.get(20) == Some(&0) && heard.get(24..26) == Some(b"SF"),
            IpAddr::V6(_) => heard.first() == Some(&129) && heard.get(4..6) == Some(b"SF"),
        };
        if answer {
            lock(answers).push(SystemTime::now());
        }
    }
}
