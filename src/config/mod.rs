//! Text to [`Model`](crate::model::Model): the only place that knows keepalived's syntax.
//!
//! ```text
//! files -> reader -> clean logical lines -> pest -> statements -> vocabularies -> Draft -> resolve -> Model
//! ```
//!
//! Each stage reports into one [`Diagnostics`](diagnostic::Diagnostics) and goes on: a run tells all that is wrong.

pub mod args;
pub mod command;
pub mod diagnostic;
pub mod draft;
pub mod dump;
pub mod host;
pub mod keyword;
pub mod parser;
pub mod render;
pub mod resolve;
pub mod source;
pub mod syntax;

#[cfg(test)]
pub(crate) mod testing {
    //! A configuration from a string, without files: what vocabulary tests need.

    use super::diagnostic::{Diagnostics, Origin};
    use super::host::Host;
    use super::parser::{Lines, parse};
    use super::resolve::resolve;
    use super::syntax::Chunk;
    use crate::model::Model;

    struct Plain<'a>(std::iter::Enumerate<std::str::Lines<'a>>);

    impl Lines for Plain<'_> {
        fn fill(&mut self, chunk: &mut Chunk, _: &mut Diagnostics) -> bool {
            for (n, line) in self.0.by_ref() {
                let line = line.trim();
                if !line.is_empty() {
                    let n = u32::try_from(n + 1).expect("a test is short");
                    chunk.push(line, Origin { order: n, file: 0, line: n });
                }
            }
            false
        }
    }

    /// Reads and resolves lines whose closing braces stand alone; no comments, includes or definitions.
    pub(crate) fn load(text: &str, host: &dyn Host) -> (Model, Vec<String>) {
        let (draft, mut problems) = parse(&mut Plain(text.lines().enumerate()));
        let model = resolve(draft, host, &mut problems);
        problems.sort();
        (model, problems.iter().map(|d| format!("{}: {}", d.at.map_or(0, |at| at.line), d.text)).collect())
    }

    /// Reads `text`, which must be faultless, and checks that its dump reads back to an equal model.
    pub(crate) fn round_trip(text: &str, host: &dyn Host) -> Model {
        let (model, problems) = load(text, host);
        assert!(problems.is_empty(), "{problems:?}");
        let dump = super::dump::dump(&model);
        let (again, problems) = load(&dump, host);
        assert!(problems.is_empty(), "{problems:?}\n{dump}");
        assert_eq!(again, model, "{dump}");
        model
    }
}
