//! What the loaded libraries are to the rest of the program.

use crate::model::checker::Regex;
use crate::model::lvs::ClientTls;
use crate::probe::{Found, Matcher, Window};
use crate::sys::pcre2::{Pattern, Search};
use crate::sys::tls::{Context, Identity};
use std::io;
use std::rc::Rc;

/// A pattern, ready to be searched for. Fails where the pattern is none, and where PCRE2 is missing.
pub fn matcher(regex: &Regex) -> io::Result<Rc<dyn Matcher>> {
    let pattern = Pattern::new(&regex.pattern, regex.options.names(), regex.stack)?;
    Ok(Rc::new(Compiled(pattern)))
}

/// What connections under TLS present of us. Fails where a file cannot be used, and where OpenSSL is missing.
pub fn tls(ours: Option<&ClientTls>) -> io::Result<Context> {
    let identity = ours.map_or_else(Identity::default, |ours| Identity {
        password: ours.password.as_deref(),
        ca: ours.ca.as_deref(),
        certificate: ours.certificate.as_deref(),
        key: ours.key.as_deref(),
    });
    Context::new(&identity)
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

#[cfg(test)]
mod tests;
