//! A regular expression over a response of any length, of which little is kept.

use crate::model::checker::Regex;
use crate::probe::{Found, Matcher, Window};
use std::fmt;
use std::rc::Rc;

/// Searched at a time. Where a response was cut on its way must not matter, so it is cut here, always in the same places.
const STEP: u64 = 16 << 10;
/// What is kept for a match that has begun; beyond, it is none.
const LARGEST_WINDOW: usize = 256 << 10;

/// A search, in the whole response from its first line on.
pub(super) struct Search {
    matcher: Rc<dyn Matcher>,
    /// Where a match may begin in the text.
    earliest: u64,
    latest: Option<u64>,
    window: Vec<u8>,
    /// Where the window lies in the text.
    base: u64,
    /// Where in the window a match may begin at the earliest, for all that was searched.
    from: usize,
    state: State,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    Searching,
    Found,
    Nowhere,
    Gave(Box<str>),
}

impl Search {
    pub(super) fn new(regex: &Regex, matcher: Rc<dyn Matcher>) -> Self {
        let (earliest, latest) = (regex.min_offset, regex.max_offset);
        Self { matcher, earliest, latest, window: Vec::new(), base: 0, from: 0, state: State::Searching }
    }

    pub(super) fn push(&mut self, mut bytes: &[u8]) {
        while self.state == State::Searching && !bytes.is_empty() {
            let room = usize::try_from(STEP - self.end() % STEP).unwrap_or(usize::MAX);
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            self.window.extend_from_slice(now);
            bytes = later;
            if self.end() % STEP == 0 {
                self.look(false);
            }
        }
    }

    /// The text is over: whether there was a match.
    pub(super) fn finish(&mut self) -> Result<bool, Box<str>> {
        if self.state == State::Searching {
            self.look(true);
        }
        match &self.state {
            State::Found => Ok(true),
            State::Searching | State::Nowhere => Ok(false),
            State::Gave(why) => Err(why.clone()),
        }
    }

    /// Where the window ends in the text.
    fn end(&self) -> u64 {
        self.base + u64::try_from(self.window.len()).unwrap_or(u64::MAX)
    }

    /// An offset in the text as one in the window; before it is at its beginning.
    fn inside(&self, offset: u64) -> usize {
        usize::try_from(offset.saturating_sub(self.base)).unwrap_or(usize::MAX)
    }

    fn look(&mut self, last: bool) {
        let from = self.from.max(self.inside(self.earliest));
        let latest = self.latest.map(|latest| self.inside(latest));
        if self.latest.is_some_and(|latest| latest < self.base) || latest.is_some_and(|latest| latest < from) {
            self.settle(State::Nowhere);
        } else if from <= self.window.len() {
            match self.matcher.search(Window { bytes: &self.window, from, latest, last }) {
                Found::Yes => self.settle(State::Found),
                Found::NotBefore(place) => self.keep(place.min(self.window.len())),
                Found::Gave(why) => self.settle(State::Gave(why)),
            }
        } else {
            self.keep(self.window.len());
        }
    }

    /// Lets go of what no match needs that begins here or later.
    fn keep(&mut self, place: usize) {
        // One byte at least, or the window's beginning would be taken for the text's.
        let behind = self.matcher.lookbehind().max(1);
        let place = if self.window.len() - place > LARGEST_WINDOW { self.window.len() } else { place };
        let gone = place.saturating_sub(behind);
        self.window.drain(..gone);
        self.base += u64::try_from(gone).unwrap_or(0);
        self.from = place - gone;
    }

    fn settle(&mut self, state: State) {
        (self.window, self.state) = (Vec::new(), state);
    }
}

impl fmt::Debug for Search {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Search").field("base", &self.base).field("from", &self.from).field("state", &self.state).finish_non_exhaustive()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Finds a plain word.
    pub(in crate::probe::http) struct Word(pub(in crate::probe::http) &'static [u8]);

    impl Matcher for Word {
        fn lookbehind(&self) -> usize {
            0
        }

        fn search(&self, window: Window<'_>) -> Found {
            assert!(window.from <= window.bytes.len());
            let end = window.latest.map_or(window.bytes.len(), |latest| latest.saturating_add(1)).min(window.bytes.len());
            for at in window.from..end {
                let rest = &window.bytes[at..];
                if rest.starts_with(self.0) {
                    return Found::Yes;
                }
                if !window.last && self.0.starts_with(rest) {
                    return Found::NotBefore(at);
                }
            }
            Found::NotBefore(window.bytes.len())
        }
    }

    pub(in crate::probe::http) fn regex(min_offset: u64, max_offset: Option<u64>, no_match: bool) -> Regex {
        Regex { pattern: "".into(), options: crate::model::checker::RegexOptions::default(), no_match, min_offset, max_offset, stack: None }
    }

    fn found(text: &[u8], piece: usize, min: u64, max: Option<u64>) -> bool {
        let mut search = Search::new(&regex(min, max, false), Rc::new(Word(b"needle")));
        for piece in text.chunks(piece) {
            search.push(piece);
        }
        assert!(search.window.len() <= LARGEST_WINDOW + 2 * (16 << 10));
        search.finish().expect("it can be found out")
    }

    #[test]
    fn a_match_is_found_wherever_it_lies() {
        for at in [0, 1, 16_378, 16_379, 16_383, 16_384, 32_765, 100_000] {
            let text = [&vec![b'.'; at][..], b"needle", &[b'.'; 100]].concat();
            let offset = u64::try_from(at).expect("small");
            for piece in [1, 1000, 16_384, 200_000] {
                for (min, max, want) in [
                    (0, None, true),
                    (offset, Some(offset), true),
                    (offset + 1, None, false),
                    (0, Some(offset), true),
                    (0, offset.checked_sub(1), at == 0),
                    (1_000_000, None, false),
                ] {
                    assert_eq!(found(&text, piece, min, max), want, "{at} {piece} {min} {max:?}");
                }
            }
        }
    }

    /// Is never sure.
    struct Perhaps;

    impl Matcher for Perhaps {
        fn lookbehind(&self) -> usize {
            3
        }

        fn search(&self, window: Window<'_>) -> Found {
            if window.last { Found::Gave("enough".into()) } else { Found::NotBefore(window.from) }
        }
    }

    #[test]
    fn a_match_that_takes_too_much_is_none() {
        let mut search = Search::new(&regex(0, None, false), Rc::new(Perhaps));
        for _ in 0..100 {
            search.push(&[b'x'; 10_000]);
            assert!(search.window.len() <= LARGEST_WINDOW + 2 * (16 << 10));
        }
        assert_eq!(search.finish(), Err("enough".into()));
    }
}
