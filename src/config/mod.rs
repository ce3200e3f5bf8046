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
pub mod reader;
pub mod render;
pub mod resolve;
pub mod source;
pub mod syntax;
pub mod text;

use crate::model::Model;
use diagnostic::Diagnostics;
use host::Host;
use keyword::root::ROOT;
use reader::{Checks, Reader};
use source::{Files, Sources};
use std::collections::HashMap;
use std::path::PathBuf;

/// What reading depends on besides the files.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The argument of `-f`, which may be a pattern.
    pub pattern: PathBuf,
    /// Whose `@id` lines are kept.
    pub config_id: String,
    /// In force before any `include_check`.
    pub include_check: Checks,
    /// What `$_RANDOM` gives follows from this alone.
    pub random_seed: u64,
    /// For `${_ENV NAME}`.
    pub environment: HashMap<String, String>,
    /// What a relative pattern is relative to.
    pub directory: PathBuf,
    /// The network namespace to run in, whatever the configuration says.
    pub namespace: Option<String>,
    /// Every part of the MIB is served, whatever the configuration says.
    pub snmp: bool,
    /// Where the AgentX master listens, whatever the configuration says.
    pub snmp_socket: Option<String>,
}

/// A configuration, with all there is to say about it. Without any file in `sources` there was none to read.
#[derive(Debug)]
pub struct Loaded {
    pub model: Model,
    /// In the order of the lines they concern.
    pub problems: Diagnostics,
    pub sources: Sources,
}

/// Reads a configuration from its files to the model.
pub fn load(files: &dyn Files, host: &dyn Host, options: &Options) -> Loaded {
    let mut reader = Reader::new(files, options);
    let (draft, mut problems) = parser::parse(&mut reader, &ROOT);
    let sources = reader.into_sources();
    let mut model = resolve::resolve(draft, options.namespace.as_deref(), host, &mut problems);
    let snmp = &mut model.global.snmp;
    for served in [&mut snmp.vrrp, &mut snmp.checker, &mut snmp.rfc2787, &mut snmp.rfc6527] {
        *served |= options.snmp;
    }
    if let Some(socket) = &options.snmp_socket {
        snmp.socket = Some(socket.as_str().into());
    }
    problems.sort();
    Loaded { model, problems, sources }
}

#[cfg(test)]
pub(crate) mod testing {
    //! A configuration from a string, without files: what vocabulary tests need.

    use super::diagnostic::{Diagnostics, Origin};
    use super::draft::Draft;
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

    /// Reads lines whose closing braces stand alone; no comments, includes or definitions.
    pub(crate) fn read(text: &str) -> (Draft, Diagnostics) {
        parse(&mut Plain(text.lines().enumerate()), &super::ROOT)
    }

    /// Reads and resolves such lines.
    pub(crate) fn load(text: &str, host: &dyn Host) -> (Model, Vec<String>) {
        let (model, problems) = diagnose(text, host);
        (model, problems.iter().map(|d| format!("{}: {}", d.at.map_or(0, |at| at.line), d.text)).collect())
    }

    /// The same, with all that is known of each fault.
    pub(crate) fn diagnose(text: &str, host: &dyn Host) -> (Model, Diagnostics) {
        let (draft, mut problems) = read(text);
        let model = resolve(draft, None, host, &mut problems);
        problems.sort();
        (model, problems)
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
