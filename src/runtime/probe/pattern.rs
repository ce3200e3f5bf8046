//! Regular expressions of checkers.

use crate::model::checker::{Probe, Regex};
use crate::probe::{Found, Matcher, Window};
use crate::sys::pcre2::{Pattern, Search};
use std::io;
use std::rc::Rc;

/// What the answer to this URL is searched for.
pub(super) fn wanted(probe: &Probe, url: u16) -> Option<&Regex> {
    match probe {
        Probe::Http(http) => http.urls.get(usize::from(url))?.regex.as_deref(),
        Probe::Tcp(_) | Probe::Ping(_) | Probe::Smtp(_) | Probe::Dns(_) | Probe::Udp(_) | Probe::Misc(_) => None,
    }
}

/// What finds a regular expression in a response, however that comes in pieces.
pub fn compile(regex: &Regex) -> io::Result<Rc<dyn Matcher>> {
    Ok(Rc::new(Compiled(Pattern::new(&regex.pattern, regex.options.names(), regex.stack)?)))
}

struct Compiled(Pattern);

impl Matcher for Compiled {
    fn lookbehind(&self) -> usize {
        self.0.lookbehind()
    }

    fn search(&self, window: Window<'_>) -> Found {
        match self.0.search(window.bytes, window.from, window.latest, window.last) {
            Ok(Search::Match { .. }) => Found::Yes,
            Ok(Search::NotBefore(place)) => Found::NotBefore(place),
            Err(error) => Found::Gave(error.to_string().into()),
        }
    }
}
