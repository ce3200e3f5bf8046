//! How a client makes itself known to a bus: by the user that it runs as, whom the kernel knows (EXTERNAL).

use std::fmt::Write as _;

/// A server's line is short.
const LONGEST: usize = 4096;

/// What comes of what the server has said so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// It has not said enough.
    More,
    /// It knows us; what it said is this long, and [`BEGIN`] is to be said.
    Known(usize),
    Refused(Box<str>),
}

/// After this, messages are spoken.
pub const BEGIN: &[u8] = b"BEGIN\r\n";

/// What is said first.
pub fn greeting(user: u32) -> Vec<u8> {
    let mut text = String::from("\0AUTH EXTERNAL ");
    for digit in user.to_string().bytes() {
        // Writing to a string cannot fail.
        let _ = write!(text, "{digit:02x}");
    }
    text.push_str("\r\n");
    text.into_bytes()
}

/// Takes in all that the server has said.
pub fn answer(said: &[u8]) -> Step {
    let Some(end) = said.iter().take(LONGEST).position(|&byte| byte == b'\n') else {
        return if said.len() < LONGEST { Step::More } else { Step::Refused("it does not come to an end".into()) };
    };
    let line = said.get(..end).unwrap_or_default().trim_ascii_end();
    match line.split(|&byte| byte == b' ').next() {
        Some(b"OK") => Step::Known(end + 1),
        _ => Step::Refused(String::from_utf8_lossy(line).escape_debug().to_string().into()),
    }
}
