//! TLS as a client, over memory: what arrives is fed, what is to be sent is taken, and no socket is known here. Nobody is
//! verified: what is asked is whether the target answers, and it may be as old as it likes.

#![expect(unsafe_code, reason = "the library has an interface of pointers")]

use super::library::{Library, functions};
use std::cell::OnceCell;
use std::ffi::{CString, c_char, c_int, c_long, c_ulong, c_void};
use std::fmt;
use std::io;
use std::ptr::{self, NonNull};
use std::rc::Rc;

/// The library's opaque structures.
type Opaque = c_void;

functions! {
    /// What of ssl.h, bio.h and err.h is used; all of it is in OpenSSL 1.1 as well as in 3.
    struct Api {
        method: c"TLS_method" => fn() -> *const Opaque;
        ctx_new: c"SSL_CTX_new" => fn(*const Opaque) -> *mut Opaque;
        ctx_free: c"SSL_CTX_free" => fn(*mut Opaque);
        ctx_ctrl: c"SSL_CTX_ctrl" => fn(*mut Opaque, c_int, c_long, *mut c_void) -> c_long;
        ctx_set_options: c"SSL_CTX_set_options" => fn(*mut Opaque, c_ulong) -> c_ulong;
        ctx_set_security_level: c"SSL_CTX_set_security_level" => fn(*mut Opaque, c_int);
        ctx_set_cipher_list: c"SSL_CTX_set_cipher_list" => fn(*mut Opaque, *const c_char) -> c_int;
        ctx_set_password: c"SSL_CTX_set_default_passwd_cb_userdata" => fn(*mut Opaque, *mut c_void);
        ctx_use_certificate: c"SSL_CTX_use_certificate_chain_file" => fn(*mut Opaque, *const c_char) -> c_int;
        ctx_use_key: c"SSL_CTX_use_PrivateKey_file" => fn(*mut Opaque, *const c_char, c_int) -> c_int;
        ctx_load_ca: c"SSL_CTX_load_verify_locations" => fn(*mut Opaque, *const c_char, *const c_char) -> c_int;
        ssl_new: c"SSL_new" => fn(*mut Opaque) -> *mut Opaque;
        ssl_free: c"SSL_free" => fn(*mut Opaque);
        ssl_ctrl: c"SSL_ctrl" => fn(*mut Opaque, c_int, c_long, *mut c_void) -> c_long;
        set_bio: c"SSL_set_bio" => fn(*mut Opaque, *mut Opaque, *mut Opaque);
        set_connect_state: c"SSL_set_connect_state" => fn(*mut Opaque);
        set_quiet_shutdown: c"SSL_set_quiet_shutdown" => fn(*mut Opaque, c_int);
        do_handshake: c"SSL_do_handshake" => fn(*mut Opaque) -> c_int;
        read: c"SSL_read" => fn(*mut Opaque, *mut c_void, c_int) -> c_int;
        write: c"SSL_write" => fn(*mut Opaque, *const c_void, c_int) -> c_int;
        shutdown: c"SSL_shutdown" => fn(*mut Opaque) -> c_int;
        get_error: c"SSL_get_error" => fn(*const Opaque, c_int) -> c_int;
        bio_mem: c"BIO_s_mem" => fn() -> *const Opaque;
        bio_new: c"BIO_new" => fn(*const Opaque) -> *mut Opaque;
        bio_free: c"BIO_free" => fn(*mut Opaque) -> c_int;
        bio_read: c"BIO_read" => fn(*mut Opaque, *mut c_void, c_int) -> c_int;
        bio_write: c"BIO_write" => fn(*mut Opaque, *const c_void, c_int) -> c_int;
        next_error: c"ERR_get_error" => fn() -> c_ulong;
        error_text: c"ERR_error_string_n" => fn(c_ulong, *mut c_char, usize);
        clear_errors: c"ERR_clear_error" => fn();
    }
}

const CTRL_MODE: c_int = 33;
const CTRL_SET_TLSEXT_HOSTNAME: c_int = 55;
const CTRL_SET_MIN_PROTO_VERSION: c_int = 123;
const TLSEXT_NAMETYPE_HOST_NAME: c_long = 0;
/// A write may be continued, and from another place in memory.
const MODE_PARTIAL_MOVING_WRITES: c_long = 0x1 | 0x2;
/// Servers that do not know secure renegotiation; nothing is ever renegotiated that matters.
const OP_LEGACY_SERVER_CONNECT: c_ulong = 0x4;
const FILETYPE_PEM: c_int = 1;
const ERROR_SSL: c_int = 1;
const ERROR_WANT_READ: c_int = 2;
const ERROR_WANT_WRITE: c_int = 3;
const ERROR_ZERO_RETURN: c_int = 6;

fn api() -> io::Result<Api> {
    thread_local! {
        static API: OnceCell<Api> = const { OnceCell::new() };
    }
    API.with(|known| {
        if let Some(api) = known.get() {
            return Ok(*api);
        }
        let api = Api::find(&Library::open(&[c"libssl.so.3", c"libssl.so.1.1"], "libssl3")?)?;
        Ok(*known.get_or_init(|| api))
    })
}

/// What we present of ourselves: names of files in PEM, and the password of the key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Identity<'a> {
    pub password: Option<&'a str>,
    pub ca: Option<&'a str>,
    pub certificate: Option<&'a str>,
    pub key: Option<&'a str>,
}

/// What connections have in common. It stays in its thread, as do the connections.
#[derive(Clone, Debug)]
pub struct Context(Rc<Shared>);

struct Shared {
    api: Api,
    ctx: NonNull<Opaque>,
}

impl Context {
    pub fn new(identity: &Identity<'_>) -> io::Result<Self> {
        let api = api()?;
        // SAFETY: the method is a constant of the library's.
        let ctx = unsafe { (api.ctx_new)((api.method)()) };
        let ctx = NonNull::new(ctx).ok_or_else(|| error(api, "no TLS context"))?;
        let context = Self(Rc::new(Shared { api, ctx }));
        // SAFETY: the context is ours and live, the list of ciphers a string with its end. Version 0 is the oldest there is.
        unsafe {
            (api.ctx_set_security_level)(ctx.as_ptr(), 0);
            (api.ctx_set_cipher_list)(ctx.as_ptr(), c"DEFAULT:@SECLEVEL=0".as_ptr());
            (api.ctx_ctrl)(ctx.as_ptr(), CTRL_SET_MIN_PROTO_VERSION, 0, ptr::null_mut());
            (api.ctx_set_options)(ctx.as_ptr(), OP_LEGACY_SERVER_CONNECT);
            (api.ctx_ctrl)(ctx.as_ptr(), CTRL_MODE, MODE_PARTIAL_MOVING_WRITES, ptr::null_mut());
            (api.clear_errors)();
        }
        context.present(identity)?;
        Ok(context)
    }

    fn present(&self, identity: &Identity<'_>) -> io::Result<()> {
        let Shared { api, ctx } = *self.0;
        let ctx = ctx.as_ptr();
        // Without a password the terminal would be asked for one.
        let password = CString::new(identity.password.unwrap_or_default())?;
        // SAFETY: the default callback reads a string with its end here, and nobody does after this function, which takes it back
        // before the password goes.
        unsafe { (api.ctx_set_password)(ctx, password.as_ptr().cast_mut().cast()) };
        let used = [
            // SAFETY: of these three, the context is ours and live, and the name a string with its end.
            (identity.ca, "CA", &(|name| unsafe { (api.ctx_load_ca)(ctx, name, ptr::null()) }) as &dyn Fn(*const c_char) -> c_int),
            // SAFETY: likewise.
            (identity.certificate, "certificate", &|name| unsafe { (api.ctx_use_certificate)(ctx, name) }),
            // SAFETY: likewise; a key that is not the certificate's is refused.
            (identity.key, "key", &|name| unsafe { (api.ctx_use_key)(ctx, name, FILETYPE_PEM) }),
        ]
        .into_iter()
        .try_for_each(|(name, what, load)| {
            let Some(name) = name else { return Ok(()) };
            let path = CString::new(name)?;
            if load(path.as_ptr()) == 1 { Ok(()) } else { Err(error(api, &format!("TLS {what} {name}"))) }
        });
        // SAFETY: null means that there is no password.
        unsafe { (api.ctx_set_password)(ctx, ptr::null_mut()) };
        used
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // SAFETY: it is ours; connections that still use it have counted references of their own.
        unsafe { (self.api.ctx_free)(self.ctx.as_ptr()) };
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}

/// What reading has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Read {
    /// So many bytes.
    Bytes(usize),
    /// More has to be fed first.
    Wait,
    /// The other end has said, or shown, that there is no more.
    End,
}

/// One connection. After each call, what [`Client::take`] gives has to be sent.
pub struct Client {
    api: Api,
    ssl: NonNull<Opaque>,
    /// What has arrived and what is to be sent; both belong to the connection.
    arrived: NonNull<Opaque>,
    leaving: NonNull<Opaque>,
    /// Plaintext that could not be encrypted yet.
    pending: Vec<u8>,
    /// The stream under it has ended.
    ended: bool,
}

impl Client {
    /// `compliant`: the end is announced to the other side.
    pub fn new(context: &Context, server_name: Option<&str>, compliant: bool) -> io::Result<Self> {
        let Shared { api, ctx } = *context.0;
        // SAFETY: the context is live, and the connection counts a reference of its own.
        let ssl = NonNull::new(unsafe { (api.ssl_new)(ctx.as_ptr()) }).ok_or_else(|| error(api, "no TLS connection"))?;
        // SAFETY: the method is a constant of the library's.
        let (arrived, leaving) = unsafe { ((api.bio_new)((api.bio_mem)()), (api.bio_new)((api.bio_mem)())) };
        let (Some(arrived), Some(leaving)) = (NonNull::new(arrived), NonNull::new(leaving)) else {
            // SAFETY: all are ours, and null is nothing to free.
            unsafe {
                (api.bio_free)(arrived);
                (api.bio_free)(leaving);
                (api.ssl_free)(ssl.as_ptr());
            }
            return Err(io::ErrorKind::OutOfMemory.into());
        };
        // SAFETY: all three are live; the connection owns the other two from here on and frees them.
        unsafe {
            (api.set_bio)(ssl.as_ptr(), arrived.as_ptr(), leaving.as_ptr());
            (api.set_connect_state)(ssl.as_ptr());
            (api.set_quiet_shutdown)(ssl.as_ptr(), c_int::from(!compliant));
        }
        let client = Self { api, ssl, arrived, leaving, pending: Vec::new(), ended: false };
        if let Some(name) = server_name {
            let name = CString::new(name)?;
            // SAFETY: the name is a string with its end, which is copied.
            let set = unsafe {
                (api.ssl_ctrl)(ssl.as_ptr(), CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_HOST_NAME, name.as_ptr().cast_mut().cast())
            };
            if set != 1 {
                return Err(error(api, "TLS server name"));
            }
        }
        Ok(client)
    }

    /// What the stream has brought.
    pub fn feed(&mut self, mut ciphertext: &[u8]) -> io::Result<()> {
        while !ciphertext.is_empty() {
            // SAFETY: there are at least as many bytes as is said, and they are copied.
            let taken = unsafe { (self.api.bio_write)(self.arrived.as_ptr(), ciphertext.as_ptr().cast(), clipped(ciphertext.len())) };
            match usize::try_from(taken) {
                Ok(taken @ 1..) => ciphertext = ciphertext.get(taken..).unwrap_or_default(),
                _ => return Err(io::ErrorKind::OutOfMemory.into()),
            }
        }
        Ok(())
    }

    /// The stream brings no more.
    pub fn end(&mut self) {
        self.ended = true;
    }

    /// Adds to `out` what is to be sent.
    pub fn take(&mut self, out: &mut Vec<u8>) {
        let mut piece = [0; 4096];
        loop {
            // SAFETY: there is room for as many bytes as is said.
            let taken = unsafe { (self.api.bio_read)(self.leaving.as_ptr(), piece.as_mut_ptr().cast(), clipped(piece.len())) };
            match usize::try_from(taken) {
                Ok(taken @ 1..) => out.extend_from_slice(piece.get(..taken).unwrap_or_default()),
                _ => return,
            }
        }
    }

    /// Goes on with the handshake; true once it is over.
    pub fn handshake(&mut self) -> io::Result<bool> {
        // SAFETY: the connection is ours and live. Errors of others are not to be taken for its own.
        let done = unsafe {
            (self.api.clear_errors)();
            (self.api.do_handshake)(self.ssl.as_ptr())
        };
        match self.wanting(done) {
            Wanting::Nothing => Ok(true),
            Wanting::More if !self.ended => Ok(false),
            Wanting::More | Wanting::End => Err(io::ErrorKind::UnexpectedEof.into()),
            Wanting::Failed(error) => Err(error),
        }
    }

    /// Encrypts what is said. To be called when the handshake is over.
    pub fn write(&mut self, plaintext: &[u8]) -> io::Result<()> {
        self.pending.extend_from_slice(plaintext);
        self.flush()
    }

    fn flush(&mut self) -> io::Result<()> {
        while !self.pending.is_empty() {
            // SAFETY: there are at least as many bytes as is said. What is not taken is offered again, as is allowed, from
            // wherever it then lies.
            let taken = unsafe {
                (self.api.clear_errors)();
                (self.api.write)(self.ssl.as_ptr(), self.pending.as_ptr().cast(), clipped(self.pending.len()))
            };
            match self.wanting(taken) {
                Wanting::Nothing => drop(self.pending.drain(..usize::try_from(taken).unwrap_or_default().min(self.pending.len()))),
                Wanting::More => break,
                Wanting::End => return Err(io::ErrorKind::BrokenPipe.into()),
                Wanting::Failed(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Decrypts what has arrived.
    pub fn read(&mut self, plaintext: &mut [u8]) -> io::Result<Read> {
        // SAFETY: there is room for as many bytes as is said.
        let got = unsafe {
            (self.api.clear_errors)();
            (self.api.read)(self.ssl.as_ptr(), plaintext.as_mut_ptr().cast(), clipped(plaintext.len()))
        };
        let read = match self.wanting(got) {
            Wanting::Nothing => Read::Bytes(usize::try_from(got).unwrap_or_default()),
            // Many servers just close.
            Wanting::More if self.ended => Read::End,
            Wanting::More => Read::Wait,
            Wanting::End => Read::End,
            Wanting::Failed(error) => return Err(error),
        };
        if read != Read::End {
            self.flush()?;
        }
        Ok(read)
    }

    /// Ends the connection from our side. A compliant one has something to send then.
    pub fn shut_down(&mut self) {
        // SAFETY: the connection is ours and live. What may go wrong does not matter any more.
        unsafe {
            (self.api.shutdown)(self.ssl.as_ptr());
            (self.api.clear_errors)();
        }
    }

    fn wanting(&self, returned: c_int) -> Wanting {
        if returned > 0 {
            return Wanting::Nothing;
        }
        // SAFETY: the connection is live, and the last call to it has returned this.
        match unsafe { (self.api.get_error)(self.ssl.as_ptr(), returned) } {
            ERROR_WANT_READ | ERROR_WANT_WRITE => Wanting::More,
            ERROR_ZERO_RETURN => Wanting::End,
            ERROR_SSL => Wanting::Failed(error(self.api, "TLS")),
            other => Wanting::Failed(io::Error::other(format!("TLS: error {other}"))),
        }
    }
}

enum Wanting {
    Nothing,
    More,
    End,
    Failed(io::Error),
}

/// As much of a length as the library can be told at once.
fn clipped(length: usize) -> c_int {
    c_int::try_from(length).unwrap_or(c_int::MAX)
}

/// What the library has to say, and nothing left behind in its queue.
fn error(api: Api, what: &str) -> io::Error {
    let mut text: [u8; 256] = [0; 256];
    // SAFETY: there is room for as much as is said, and the text gets an end.
    unsafe {
        let code = (api.next_error)();
        (api.error_text)(code, text.as_mut_ptr().cast(), text.len());
        (api.clear_errors)();
    }
    let text = text.split(|byte| *byte == 0).next().unwrap_or_default();
    // error:0A00010B:SSL routines::wrong version number
    let text = String::from_utf8_lossy(text);
    io::Error::other(format!("{what}: {}", text.rsplit(':').next().unwrap_or_default()))
}

impl Drop for Client {
    fn drop(&mut self) {
        // SAFETY: it is ours, and it frees what it owns.
        unsafe { (self.api.ssl_free)(self.ssl.as_ptr()) };
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("ended", &self.ended).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
