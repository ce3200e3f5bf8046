//! The grammar and the vocabularies, fed with lines that did not come from the reader.
#![no_main]

use libfuzzer_sys::fuzz_target;
use standfast::config::diagnostic::{Diagnostics, Origin};
use standfast::config::host::Stated;
use standfast::config::keyword::root::ROOT;
use standfast::config::parser::{Lines, parse};
use standfast::config::resolve::resolve;
use standfast::config::syntax::Chunk;

struct Plain<'a>(std::str::Lines<'a>, u32);

impl Lines for Plain<'_> {
    fn fill(&mut self, chunk: &mut Chunk, _: &mut Diagnostics) -> bool {
        for line in self.0.by_ref() {
            if !line.is_empty() {
                chunk.push(line, Origin { order: self.1, file: 0, line: self.1 });
                self.1 += 1;
            }
            if chunk.is_full() {
                return true;
            }
        }
        false
    }
}

fuzz_target!(|text: &str| {
    let (draft, mut problems) = parse(&mut Plain(text.lines(), 0), &ROOT);
    resolve(draft, None, &Stated::default(), &mut problems);
    assert!(problems.exit_status() <= 6);
});
