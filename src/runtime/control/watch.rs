//! `standfast watch`: the status, again and again. On a terminal it is drawn anew each second; elsewhere each change is a line.

use super::connection::{Connection, Failed};
use super::protocol::Request;
use super::{GOOD, NOT_RUNNING, say};
use crate::cli::Whom;
use crate::observe::screen;
use crate::runtime::signals::{Signal, Signals};
use crate::sys::terminal;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::termios::{LocalFlags, SetArg, Termios, tcgetattr, tcsetattr};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{self, IsTerminal as _, Read as _};
use std::os::fd::AsFd as _;
use std::time::{Duration, Instant};

const BEAT: Duration = Duration::from_secs(1);
/// Where a terminal does not say how high it is.
const ROWS: u16 = 24;

pub(super) fn run(whom: &Whom) -> Result<u8, Failed> {
    // The first answer is had before the screen is touched.
    let mut connection = Some(Connection::open(whom)?);
    let broken = |error: io::Error| Failed::Broken(error.to_string());
    let signals = Signals::new(false).map_err(broken)?;
    let stdin = io::stdin();
    let drawn = io::stdout().is_terminal() && stdin.is_terminal();
    let keys = drawn.then(|| Keys::take().map_err(|error| Failed::Broken(error.to_string()))).transpose()?;
    let mut signals = signals;
    let mut before = BTreeMap::new();
    loop {
        let next = Instant::now() + BEAT;
        let seen = look(whom, &mut connection);
        match (&seen, drawn) {
            (Ok(status), true) => draw(&screen::table(status))?,
            (Err(told), true) => draw(std::slice::from_ref(told))?,
            (Ok(status), false) => {
                let facts = screen::facts(status);
                let stamp = status["daemon"]["now"].as_f64().map(screen::stamp).unwrap_or_default();
                for change in screen::changes(&before, &facts) {
                    say(&format!("{stamp} {change}\n"))?;
                }
                before = facts;
            }
            // A program that reads this is told by the exit status.
            (Err(told), false) => {
                eprintln!("standfast: {told}");
                return Ok(NOT_RUNNING);
            }
        }
        loop {
            let rest = next.saturating_duration_since(Instant::now()) + Duration::from_micros(999);
            let mut wait = vec![PollFd::new(signals.as_fd(), PollFlags::POLLIN)];
            // Without a terminal nobody presses a key, and its end means nothing.
            wait.extend(drawn.then(|| PollFd::new(stdin.as_fd(), PollFlags::POLLIN)));
            let woken = poll(&mut wait, PollTimeout::try_from(rest).unwrap_or(PollTimeout::ZERO));
            let pressed = wait.get(1).and_then(PollFd::any) == Some(true);
            drop(wait);
            if signals.by_ref().any(|signal| matches!(signal, Signal::Stop | Signal::Interrupt | Signal::Reload)) || pressed && is_enough()
            {
                drop(keys);
                return Ok(GOOD);
            }
            if woken == Ok(0) || Instant::now() >= next {
                break;
            }
        }
    }
}

/// The status, or why there is none. A daemon that is started again is found again.
fn look(whom: &Whom, connection: &mut Option<Connection>) -> Result<Value, String> {
    let asked = match connection.take() {
        Some(open) => Ok(open),
        None => Connection::open(whom),
    };
    let answer = asked.and_then(|mut open| {
        let answer = open.ask(&Request::Status)?;
        *connection = Some(open);
        Ok(answer)
    });
    answer.map(|mut answer| answer.value["status"].take()).map_err(|failed| failed.to_string())
}

/// q, Ctrl-C, Ctrl-D, or nobody there to press any.
fn is_enough() -> bool {
    const ENOUGH: [u8; 4] = [b'q', b'Q', 3, 4];
    let mut keys = [0; 64];
    match io::stdin().read(&mut keys) {
        Ok(0) | Err(_) => true,
        Ok(length) => keys[..length].iter().any(|key| ENOUGH.contains(key)),
    }
}

/// Over what was there, without a flicker; what does not fit is cut off.
fn draw(lines: &[String]) -> Result<(), Failed> {
    let rows = terminal::size(io::stdout()).map_or(ROWS, |(_, rows)| rows);
    let most = usize::from(rows).saturating_sub(2).max(1);
    let mut text = "\x1b[H".to_owned();
    for line in lines.iter().take(most) {
        text.push_str(&format!("{line}\x1b[K\r\n"));
    }
    let more = lines.len().saturating_sub(most);
    if more > 0 {
        text.push_str(&format!("... {more} more lines; "));
    }
    text.push_str("q ends\x1b[K\x1b[J");
    say(&text)
}

/// Keys come one by one and are not shown, and the screen is another one, as long as this is there.
struct Keys {
    before: Termios,
}

impl Keys {
    fn take() -> io::Result<Self> {
        let before = tcgetattr(io::stdin())?;
        let mut raw = before.clone();
        raw.local_flags.remove(LocalFlags::ICANON | LocalFlags::ECHO | LocalFlags::ISIG);
        tcsetattr(io::stdin(), SetArg::TCSADRAIN, &raw)?;
        // Another screen, no cursor, and long lines are cut.
        drop(say("\x1b[?1049h\x1b[?25l\x1b[?7l"));
        Ok(Self { before })
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        drop(say("\x1b[?7h\x1b[?25h\x1b[?1049l"));
        let _ = tcsetattr(io::stdin(), SetArg::TCSADRAIN, &self.before);
    }
}
