//! A client that asks for a page again and again.

#![expect(clippy::disallowed_methods, reason = "it has a thread and connections")]

use crate::place::Place;
use crate::wait::eventually;
use std::collections::BTreeMap;
use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(4);

/// What came of the requests that began in one chapter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// How often each page came.
    pub(crate) answers: BTreeMap<String, usize>,
    pub(crate) failures: Vec<String>,
}

impl Tally {
    pub(crate) fn len(&self) -> usize {
        self.answers.values().sum::<usize>() + self.failures.len()
    }

    /// Everything was answered, and by all of these and nobody else.
    #[track_caller]
    pub(crate) fn is_of(&self, names: &[&str]) {
        let answered: Vec<&str> = self.answers.keys().map(String::as_str).collect();
        assert_eq!((answered.as_slice(), self.failures.as_slice()), (names, [].as_slice()), "{self:?}");
    }

    /// There was somebody for each of them. What the kernel has in hand for a server that is taken out just then it drops.
    #[track_caller]
    pub(crate) fn is_never_refused(&self) {
        assert!(!self.failures.iter().any(|failure| failure.contains("refused")), "{self:?}");
    }
}

#[derive(Debug)]
pub(crate) struct Load {
    chapters: Arc<Mutex<Vec<Tally>>>,
    end: Arc<Mutex<bool>>,
    thread: Option<JoinHandle<()>>,
}

impl Load {
    pub(crate) fn start(place: &Place, to: &str) -> Self {
        let to: SocketAddr = to.parse().expect("an address");
        let (chapters, end) = (Arc::new(Mutex::new(vec![Tally::default()])), Arc::new(Mutex::new(false)));
        let (all, ended) = (Arc::clone(&chapters), Arc::clone(&end));
        let thread = place.spawn(move || {
            while !*ended.lock().expect("no panic") {
                let chapter = all.lock().expect("no panic").len() - 1;
                let answer = get(to);
                if let Some(tally) = all.lock().expect("no panic").get_mut(chapter) {
                    match answer {
                        Ok(page) => *tally.answers.entry(page).or_default() += 1,
                        Err(error) => tally.failures.push(error.to_string()),
                    }
                }
                thread::sleep(PAUSE);
            }
        });
        Self { chapters, end, thread: Some(thread) }
    }

    /// What begins from now on is counted anew. Of the chapter before, one request may still be on its way.
    pub(crate) fn turn(&self) {
        self.chapters.lock().expect("no panic").push(Tally::default());
    }

    /// Waits until so many requests of this chapter have an end, and tells of them.
    #[track_caller]
    pub(crate) fn after(&self, count: usize) -> Tally {
        eventually("requests go on", || self.so_far().filter(|tally| tally.len() >= count))
    }

    fn so_far(&self) -> Option<Tally> {
        self.chapters.lock().expect("no panic").last().cloned()
    }

    /// The end, and what came of this chapter.
    #[track_caller]
    pub(crate) fn finish(mut self) -> Tally {
        *self.end.lock().expect("no panic") = true;
        self.thread.take().map(JoinHandle::join).transpose().expect("no panic");
        self.so_far().expect("there is one")
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        if let Ok(mut end) = self.end.lock() {
            *end = true;
        }
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

fn get(to: SocketAddr) -> io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&to, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(b"GET / HTTP/1.0\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, page) = answer.split_once("\r\n\r\n").ok_or_else(|| io::Error::other(format!("half an answer: {answer:?}")))?;
    if head.split(' ').nth(1) == Some("200") { Ok(page.trim().to_owned()) } else { Err(io::Error::other(head.to_owned())) }
}
