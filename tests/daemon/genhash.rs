//! `genhash` beside keepalived's, where that is installed: what it prints, what it asks for, how it ends.

#![expect(clippy::disallowed_methods, reason = "programs are run here, and waited for")]

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

const KEEPALIVED: &str = "/usr/bin/genhash";
/// Long enough for the slowest machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A web server on a port of its own, which remembers what it was asked.
struct Server {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
}

fn answer(path: &str) -> &'static [u8] {
    match path {
        "/ok" => b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 15\r\n\r\nhello from lab\n",
        "/404" => b"HTTP/1.0 404 Not Found\r\nX: y\r\n\r\nnope",
        "/long" => b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\n12345EXTRA",
        "/short" => b"HTTP/1.0 200 OK\r\nContent-Length: 50\r\n\r\n12345EXTRA",
        "/none" => b"HTTP/1.0 200 OK\r\n\r\n\x00\x7f\x80\xff no length",
        "/chunked" => b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7\r\nhello f\r\n8\r\nrom lab\n\r\n0\r\n\r\n",
        "/garbage" => b"garbage",
        _ => b"",
    }
}

impl Server {
    fn new(address: &str) -> Self {
        let listener = TcpListener::bind((address, 0)).expect("a port");
        let server = Self { address: listener.local_addr().expect("its number"), requests: Arc::default() };
        let requests = Arc::clone(&server.requests);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                serve(stream, &requests);
            }
        });
        server
    }

    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut *self.requests.lock().expect("no server has died"))
    }

    /// The arguments that everybody needs.
    fn options(&self, path: &str) -> Vec<String> {
        ["-s", &self.address.ip().to_string(), "-p", &self.address.port().to_string(), "-u", path].map(ToOwned::to_owned).into()
    }
}

fn serve(mut stream: TcpStream, requests: &Mutex<Vec<String>>) {
    let mut request = String::new();
    let mut reader = BufReader::new(&stream);
    while !request.ends_with("\r\n\r\n") && reader.read_line(&mut request).is_ok_and(|length| length > 0) {}
    let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
    requests.lock().expect("no server has died").push(request);
    // Whoever has gone away has gone away.
    let _ = stream.write_all(answer(&path));
}

/// Ours, under the name that makes it genhash.
fn ours() -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let link = folder.join("genhash");
    if fs::symlink_metadata(&link).is_err() {
        // Another test may have been quicker.
        let _ = std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_standfast"), &link);
    }
    link
}

fn run(program: &Path, arguments: &[String]) -> Output {
    let name = program.file_name().expect("a program has a name");
    Command::new(program).arg0(name).args(arguments).stdin(Stdio::null()).output().expect("it runs")
}

/// What is printed, without what differs each time.
fn printed(output: &Output) -> (String, String, Option<i32>) {
    let text = String::from_utf8_lossy(&output.stdout);
    let lines = text.split_inclusive('\n').map(|line| match line.split_once(" = ") {
        Some((before, _)) if line.ends_with(" usecs\n") => format!("{before} = N usecs\n"),
        _ => line.to_owned(),
    });
    (lines.collect(), String::from_utf8_lossy(&output.stderr).into_owned(), output.status.code())
}

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(ToOwned::to_owned).collect()
}

#[test]
fn digests_are_those_of_the_body() {
    let (v4, v6) = (Server::new("127.0.0.1"), Server::new("::1"));
    for server in [&v4, &v6] {
        for (path, digest) in [
            ("/ok", "88fda743c3ae0b88e6b90cb0588a8163"),
            ("/404", "4101bef8794fed986e95dfb54850c68b"),
            ("/long", "827ccb0eea8a706c4c34a16891f84e7b"),
            ("/short", "34154ddaae07c114c6a6071a7e6f03ed"),
            ("/chunked", "88fda743c3ae0b88e6b90cb0588a8163"),
        ] {
            let (out, err, status) = printed(&run(&ours(), &server.options(path)));
            assert_eq!((out, err, status), (format!("{digest}\n"), String::new(), Some(0)), "{path}");
        }
    }
    let (out, err, status) = printed(&run(&ours(), &v4.options("/garbage")));
    assert_eq!((&*out, &*err, status), ("", "no data received from remote webserver\n", Some(0)));
    // It is the daemon under another name.
    let standfast = Path::new(env!("CARGO_BIN_EXE_standfast"));
    let (out, ..) = printed(&run(standfast, &[words("-T"), v4.options("/ok")].concat()));
    assert_eq!(out, "88fda743c3ae0b88e6b90cb0588a8163\n");
    let (.., err, status) = printed(&run(standfast, &words("--genhash -h")));
    assert!(err.starts_with("Usage: standfast --genhash COMMAND [OPTIONS]\n") && status == Some(1), "{err}");
}

#[test]
fn requests_and_answers_are_keepaliveds() {
    let keepalived = Path::new(KEEPALIVED);
    if !keepalived.exists() {
        return;
    }
    let (v4, v6) = (Server::new("127.0.0.1"), Server::new("::1"));
    for server in [&v4, &v6] {
        for more in [
            "-u /ok",
            "-u /ok -v",
            "-u /404 -v",
            "-u /long -v",
            "-u /short -v",
            "-u /none -v",
            "-u ok",
            "-u /ok -V www.example.com",
            "-u /ok -P 1.0",
            "-u /ok -P 1.0c -V www.example.com",
            "-u /ok -P 1.1 --verbose",
            "--url /ok -t 30",
            "-u /garbage",
            "-u /nothing",
        ] {
            let arguments = [server.options("/"), words(more)].concat();
            let theirs = printed(&run(keepalived, &arguments));
            let asked = server.asked();
            assert_eq!(printed(&run(&ours(), &arguments)), theirs, "{more}");
            assert_eq!(server.asked(), asked, "{more}");
        }
    }
}

#[test]
fn faults_are_told_as_keepaliveds() {
    let keepalived = Path::new(KEEPALIVED);
    // A port that nobody listens on.
    let closed = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("its number").port();
    for line in [
        "",
        "-h",
        "-s 127.0.0.1 -p 80",
        "-s localhost -p 80 -u /",
        "-s 127.0.0.1 -p 99999 -u /",
        "-s 127.0.0.1 -p 80 -u / -P 2",
        "-s 127.0.0.1 -p 80 -u / -t abc",
        "-s 127.0.0.1 -p 80 -u / -m xyz",
        "-s 127.0.0.1 -p 80 -u",
        "-s 127.0.0.1 -p 80 -u / --bogus",
        "-s 127.0.0.1 -p 80 -u / -q",
        "-s 127.0.0.1 -p 80 -u / extra words",
        &format!("-s 127.0.0.1 -p {closed} -u /"),
        &format!("-s 127.0.0.1 -p {closed} -u / -v"),
        &format!("-s 127.0.0.1 -p {closed} -u / -S"),
    ] {
        let got = printed(&run(&ours(), &words(line)));
        let refused = line.contains(&closed.to_string());
        assert_eq!(got.2, Some(if refused { 0 } else { 1 }), "{line}");
        if keepalived.exists() {
            let (out, err, status) = printed(&run(keepalived, &words(line)));
            // Its usage lacks a quotation mark.
            assert_eq!(got, (out, err.replace("'1.0', 1.0c'", "'1.0', '1.0c'"), status), "{line}");
        }
    }
}

/// A program that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn what_is_said_under_tls_counts_alike() {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("genhash-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder");
    fs::write(folder.join("page"), "hello from lab\n").expect("a page");
    let openssl = |line: &str| {
        let mut command = Command::new("openssl");
        command.args(words(line)).current_dir(&folder).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    };
    let certified = openssl("req -x509 -newkey rsa:2048 -nodes -keyout k.pem -out c.pem -days 30 -subj /CN=lab").status();
    assert!(certified.expect("openssl is installed").success());
    let port = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("its number").port();
    // Whoever names nobody, or somebody else, gets no answer.
    let serving = format!(
        "s_server -accept 127.0.0.1:{port} -cert c.pem -key k.pem -cert2 c.pem -key2 k.pem -servername www.example.com -servername_fatal -WWW"
    );
    let server = Running(openssl(&serving).spawn().expect("openssl is installed"));
    let end = Instant::now() + PATIENCE;
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(Instant::now() < end, "the server has not come up");
        thread::sleep(Duration::from_millis(20));
    }
    let fetch = |more: &str| printed(&run(&ours(), &words(&format!("-s 127.0.0.1 -p {port} -u /page {more}"))));
    for more in ["-S", "-S -I -V www.example.com", "-S -P 1.1"] {
        let (out, err, status) = fetch(more);
        assert_eq!((&*out, &*err, status), ("88fda743c3ae0b88e6b90cb0588a8163\n", "", Some(0)), "{more}");
    }
    let (out, _, status) = fetch("-S -I -V other.example.com");
    assert!(out.starts_with("SSL handshake/communication error connecting to server: ") && status == Some(0), "{out}");
    drop(server);
    fs::remove_dir_all(&folder).expect("a folder less");
}
