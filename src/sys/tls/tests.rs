#![expect(clippy::disallowed_methods, reason = "certificates are made by a program")]

use super::*;
use std::path::{Path, PathBuf};
use std::process::Command;

functions! {
    struct Server {
        set_accept_state: c"SSL_set_accept_state" => fn(*mut Opaque);
        servername: c"SSL_get_servername" => fn(*const Opaque, c_int) -> *const c_char;
        version: c"SSL_version" => fn(*const Opaque) -> c_int;
        ctx_set_verify: c"SSL_CTX_set_verify" => fn(*mut Opaque, c_int, Option<unsafe extern "C" fn(c_int, *mut Opaque) -> c_int>);
    }
}

const CTRL_SET_MAX_PROTO_VERSION: c_int = 124;
const TLS1_0: c_int = 0x0301;
const TLS1_2: c_int = 0x0303;
const TLS1_3: c_int = 0x0304;

/// A folder that goes with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("standfast-tls-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a folder");
        Self(path)
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).to_string_lossy().into_owned()
    }

    /// A key and a certificate of its own, made as told.
    fn certify(&self, more: &[&str]) -> (String, String) {
        let (key, certificate) = (self.path("key.pem"), self.path("crt.pem"));
        let made = Command::new("openssl")
            .args(["req", "-x509", "-days", "30", "-subj", "/CN=lab", "-keyout", &key, "-out", &certificate])
            .args(more)
            .output()
            .expect("the program openssl is there");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        (key, certificate)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(Path::new(&self.0)));
    }
}

fn server_api() -> Server {
    Server::find(&Library::open(&[c"libssl.so.3", c"libssl.so.1.1"], "libssl3").expect("it is there")).expect("with all of this")
}

/// A server in memory, which is a client that was told otherwise.
fn server(context: &Context) -> Client {
    let server = Client::new(context, None, true).expect("a connection");
    // SAFETY: the connection is live, and nothing was said yet.
    unsafe { (server_api().set_accept_state)(server.ssl.as_ptr()) };
    server
}

/// Carries what each has to send, in pieces of this size.
fn carry(from: &mut Client, to: &mut Client, piece: usize) -> usize {
    let mut bytes = Vec::new();
    from.take(&mut bytes);
    for bytes in bytes.chunks(piece) {
        to.feed(bytes).expect("memory");
    }
    bytes.len()
}

fn shake_hands(client: &mut Client, server: &mut Client, piece: usize) {
    for _ in 0..10 {
        let one = client.handshake().expect("the client goes on");
        carry(client, server, piece);
        let other = server.handshake().expect("the server goes on");
        carry(server, client, piece);
        if one && other {
            return;
        }
    }
    unreachable!("no handshake takes so long");
}

fn read(from: &mut Client) -> (Vec<u8>, Read) {
    let (mut all, mut piece) = (Vec::new(), [0; 100]);
    loop {
        match from.read(&mut piece).expect("readable") {
            Read::Bytes(n) => all.extend_from_slice(&piece[..n]),
            other => return (all, other),
        }
    }
}

fn identity<'a>(key: &'a str, certificate: &'a str) -> Identity<'a> {
    Identity { key: Some(key), certificate: Some(certificate), ..Identity::default() }
}

fn plain() -> Context {
    Context::new(&Identity::default()).expect("a context")
}

#[test]
fn request_and_answer_pass_however_they_are_cut() {
    let folder = Folder::new("pass");
    let (key, certificate) = folder.certify(&["-newkey", "rsa:2048", "-nodes"]);
    let serving = Context::new(&identity(&key, &certificate)).expect("a context");
    for piece in [1, 7, 5000] {
        let mut server = server(&serving);
        let mut client = Client::new(&plain(), Some("www.example.com"), false).expect("a connection");
        shake_hands(&mut client, &mut server, piece);
        // SAFETY: the connection is live; the name lives as long as it does.
        let name = unsafe { std::ffi::CStr::from_ptr((server_api().servername)(server.ssl.as_ptr(), 0)) };
        assert_eq!(name, c"www.example.com");
        // SAFETY: the connection is live.
        assert_eq!(unsafe { (server_api().version)(client.ssl.as_ptr()) }, TLS1_3);

        client.write(b"GET / HTTP/1.0\r\n\r\n").expect("written");
        carry(&mut client, &mut server, piece);
        assert_eq!(read(&mut server), (b"GET / HTTP/1.0\r\n\r\n".to_vec(), Read::Wait));
        let answer = vec![b'x'; 100_000];
        server.write(&answer).expect("written");
        carry(&mut server, &mut client, piece);
        assert_eq!(read(&mut client), (answer, Read::Wait));
        server.shut_down();
        carry(&mut server, &mut client, piece);
        assert_eq!(read(&mut client), (vec![], Read::End));
    }
}

#[test]
fn an_end_is_announced_only_if_so_wished() {
    let folder = Folder::new("end");
    let (key, certificate) = folder.certify(&["-newkey", "rsa:2048", "-nodes"]);
    let serving = Context::new(&identity(&key, &certificate)).expect("a context");
    for compliant in [false, true] {
        let mut server = server(&serving);
        let mut client = Client::new(&plain(), None, compliant).expect("a connection");
        shake_hands(&mut client, &mut server, 5000);
        client.shut_down();
        assert_eq!(carry(&mut client, &mut server, 5000) > 0, compliant);
        assert_eq!(read(&mut server).1, if compliant { Read::End } else { Read::Wait });
        // A stream that just ends is the end as well.
        let mut client = Client::new(&plain(), None, compliant).expect("a connection");
        let mut server = super::tests::server(&serving);
        shake_hands(&mut client, &mut server, 5000);
        client.end();
        assert_eq!(read(&mut client), (vec![], Read::End));
    }
}

#[test]
fn old_servers_are_spoken_to() {
    let folder = Folder::new("old");
    let (key, certificate) = folder.certify(&["-newkey", "rsa:1024", "-sha1", "-nodes"]);
    let serving = Context::new(&identity(&key, &certificate)).expect("a context");
    for version in [TLS1_0, TLS1_2] {
        // SAFETY: the context is live, and the version one that it knows.
        unsafe { (serving.0.api.ctx_ctrl)(serving.0.ctx.as_ptr(), CTRL_SET_MAX_PROTO_VERSION, version.into(), ptr::null_mut()) };
        let mut server = server(&serving);
        let mut client = Client::new(&plain(), None, false).expect("a connection");
        shake_hands(&mut client, &mut server, 5000);
        // SAFETY: the connection is live.
        assert_eq!(unsafe { (server_api().version)(client.ssl.as_ptr()) }, version);
    }
}

#[test]
fn a_certificate_is_presented_to_who_asks_for_it() {
    let folder = Folder::new("present");
    let (key, certificate) = folder.certify(&["-newkey", "rsa:2048", "-passout", "pass:secret"]);
    let with = |password| Context::new(&Identity { password, ca: Some(&certificate), ..identity(&key, &certificate) });
    let serving = with(Some("secret")).expect("a context");
    // SAFETY: the context is live. 3: whoever has no certificate that its CA vouches for is refused.
    unsafe { (server_api().ctx_set_verify)(serving.0.ctx.as_ptr(), 3, None) };
    let mut server = server(&serving);
    let mut client = Client::new(&with(Some("secret")).expect("a context"), None, false).expect("a connection");
    shake_hands(&mut client, &mut server, 5000);

    for wrong in [None, Some("other")] {
        let refused = with(wrong).expect_err("the key needs its password").to_string();
        assert!(refused.starts_with(&format!("TLS key {key}: ")), "{refused}");
    }
    let nowhere = folder.path("nowhere.pem");
    for (identity, what) in [
        (Identity { key: Some(&nowhere), ..Identity::default() }, "key"),
        (Identity { certificate: Some(&nowhere), ..Identity::default() }, "certificate"),
        (Identity { ca: Some(&nowhere), ..Identity::default() }, "CA"),
    ] {
        let refused = Context::new(&identity).expect_err("there is no such file").to_string();
        assert!(refused.starts_with(&format!("TLS {what} {nowhere}: ")), "{refused}");
    }
}

#[test]
fn who_does_not_speak_tls_is_refused() {
    let mut client = Client::new(&plain(), None, true).expect("a connection");
    assert!(!client.handshake().expect("it begins"));
    client.feed(b"HTTP/1.0 400 Bad Request\r\n\r\n").expect("memory");
    let refused = client.handshake().expect_err("that is no handshake").to_string();
    assert!(refused.starts_with("TLS: ") && refused.len() > 8, "{refused}");
    client.shut_down();

    let mut client = Client::new(&plain(), None, true).expect("a connection");
    assert!(!client.handshake().expect("it begins"));
    client.end();
    assert_eq!(client.handshake().expect_err("that is no handshake").kind(), io::ErrorKind::UnexpectedEof);
}

proptest::proptest! {
    #[test]
    fn anything_may_arrive(pieces in proptest::collection::vec(proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200), 0..5)) {
        let mut client = Client::new(&plain(), Some("x"), true).expect("a connection");
        let mut stands = client.handshake().ok();
        for piece in pieces {
            client.feed(&piece).expect("memory");
            if stands == Some(false) {
                stands = client.handshake().ok();
            }
        }
        proptest::prop_assert_ne!(stands, Some(true));
    }
}
