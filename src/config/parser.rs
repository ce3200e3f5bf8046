//! Statements to drafts: a recursive descent over the vocabularies, with keepalived's rules for braces and better manners
//! where a brace or a keyword is wrong.

use super::args::{Args, Context, Manners};
use super::diagnostic::{Class, Diagnostic, Diagnostics, Origin, Phase};
use super::keyword::{Body, Effect, Keyword, Vocabulary};
use super::syntax::{Chunk, Statement, Token, Tokens};
use std::rc::Rc;

/// Where clean lines come from.
pub trait Lines {
    /// Appends lines to an empty chunk; false when there are no more.
    fn fill(&mut self, chunk: &mut Chunk, problems: &mut Diagnostics) -> bool;
}

/// The parser's place in the text.
pub struct Parser<'l> {
    lines: &'l mut dyn Lines,
    tokens: Rc<Tokens>,
    next: usize,
    exhausted: bool,
    /// The blocks that are open, outermost first.
    open: Vec<Opened>,
    /// What was found when the text ended inside a block.
    unclosed: Option<Opened>,
    missing_braces: usize,
    last: Origin,
    pub cx: Context,
}

#[derive(Clone, Debug)]
struct Opened {
    name: String,
    at: Origin,
}

impl std::fmt::Debug for Parser<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Parser").field("open", &self.open).finish_non_exhaustive()
    }
}

/// Reads all lines into a draft by the vocabulary of the top level.
pub fn parse<T: Default>(lines: &mut dyn Lines, root: &'static Vocabulary<T>) -> (T, Diagnostics) {
    let mut parser = Parser {
        lines,
        tokens: Rc::default(),
        next: 0,
        exhausted: false,
        open: Vec::new(),
        unclosed: None,
        missing_braces: 0,
        last: Origin::default(),
        cx: Context::default(),
    };
    let mut draft = T::default();
    // A closing brace too many ends no block: the rest of the file still counts.
    while !parser.block(root, &mut draft) {}
    parser.report_unclosed();
    (draft, parser.cx.problems)
}

impl Parser<'_> {
    /// The next token without taking it.
    fn peek(&mut self) -> Option<(Token, Origin)> {
        loop {
            if let Some(token) = self.tokens.get(self.next) {
                return Some(token);
            }
            if self.exhausted {
                return None;
            }
            let mut chunk = Chunk::default();
            self.exhausted = !self.lines.fill(&mut chunk, &mut self.cx.problems);
            self.tokens = Rc::new(Tokens::parse(&mut chunk));
            self.next = 0;
        }
    }

    fn take(&mut self) -> Option<(Token, Origin)> {
        let token = self.peek()?;
        self.next += 1;
        self.last = token.1;
        Some(token)
    }

    /// The cursor over a statement's arguments.
    pub fn args<'a>(&'a mut self, statement: &Statement<'a>) -> Args<'a> {
        Args::new(statement, Manners::USUAL, &mut self.cx)
    }

    pub fn error(&mut self, at: Origin, text: impl Into<String>) -> &mut Diagnostic {
        self.cx.problems.error(at, text)
    }

    /// Reads the body of a block that `statement` opens into `draft`. Returns where the block ended: keepalived reports
    /// what a block lacks at its closing brace.
    pub fn body<T>(&mut self, statement: &Statement<'_>, vocabulary: &'static Vocabulary<T>, draft: &mut T) -> Origin {
        if self.enter(statement, false) {
            self.block(vocabulary, draft);
            self.open.pop();
        }
        self.last
    }

    /// Passes over the body of a block that cannot be used. Its opening statement has been reported.
    pub fn skip(&mut self) {
        if !matches!(self.peek(), Some((Token::Open, _))) {
            return;
        }
        let mut depth = 0_usize;
        while let Some((token, _)) = self.take() {
            match token {
                Token::Open => depth += 1,
                Token::Close => depth -= 1,
                Token::Text { .. } => {}
            }
            if depth == 0 {
                return;
            }
        }
        self.missing_braces += depth;
        self.cx.problems.ends_in("a block that is skipped");
    }

    /// Takes the opening brace. Without one keepalived complains (for a list it only logs) and reads on as if it were
    /// there; so do we. It notices, and names the line, when it reads what follows: where nothing does, it says nothing.
    fn enter(&mut self, statement: &Statement<'_>, list: bool) -> bool {
        match self.peek() {
            Some((Token::Open, _)) => {
                self.take();
            }
            None => {
                self.cx.problems.notice(statement.at, "'{' missing from beginning of block").word(statement.text);
                return false;
            }
            Some(_) if list => {
                self.cx.problems.notice(statement.at, "'{' missing from beginning of block").word(statement.text);
            }
            Some((_, next)) => {
                let text = "Missing '{' at beginning of configuration block";
                self.error(next, text).hint(format!("line {} should be: {} {{", statement.at.line, statement.text));
            }
        }
        self.open.push(Opened { name: statement.text.to_owned(), at: statement.at });
        true
    }

    /// Reads statements up to the closing brace or the end of the text; true at the end of the text.
    fn block<T>(&mut self, vocabulary: &'static Vocabulary<T>, draft: &mut T) -> bool {
        // Braces that open nothing: their content counts as the block's, and their closing brace closes only them.
        let mut stray = 0_usize;
        loop {
            let Some((token, at)) = self.take() else {
                if let Some(opened) = self.open.last() {
                    self.missing_braces += 1;
                    self.unclosed.get_or_insert_with(|| opened.clone());
                }
                return true;
            };
            match token {
                Token::Close if stray > 0 => stray -= 1,
                Token::Close => {
                    if self.open.is_empty() {
                        self.error(at, "Extra '}' found").word("}");
                        self.missing_braces = self.missing_braces.saturating_sub(1);
                    }
                    return false;
                }
                Token::Open => {
                    stray += 1;
                    if stray == 1 {
                        self.error(at, "Unexpected '{' - ignoring").word("{");
                    }
                }
                Token::Text { start, end } => {
                    // The statement borrows from the chunk, not from the parser, which may load the next one meanwhile.
                    let tokens = Rc::clone(&self.tokens);
                    self.statement(vocabulary, draft, &tokens.statement(start, end, at));
                }
            }
        }
    }

    fn statement<T>(&mut self, vocabulary: &'static Vocabulary<T>, draft: &mut T, statement: &Statement<'_>) {
        let Some(word) = statement.words().next() else {
            return;
        };
        let Some(keyword) = vocabulary.find(word) else {
            let nearest = vocabulary.nearest(word);
            let block = vocabulary.name;
            let is_block = matches!(self.peek(), Some((Token::Open, _)));
            let diagnostic = self.error(statement.at, format!("Unknown keyword '{word}'")).word(word);
            match nearest {
                Some(nearest) => diagnostic.hint(format!("did you mean '{nearest}'?")),
                None if is_block => diagnostic.hint(format!("no such block in {block}; it is skipped to its closing brace")),
                None => diagnostic.hint(format!("no such keyword in {block}")),
            };
            self.skip();
            return;
        };
        if word != keyword.name {
            self.deprecation(keyword, word, statement);
        }
        if keyword.effect == Effect::Planned {
            self.cx.problems.has_no_effect(keyword.name);
        }
        match keyword.body {
            Body::Line { set, .. } => set(draft, &mut Args::new(statement, keyword.manners, &mut self.cx)),
            Body::List { open, entry, .. } => self.list(draft, statement, keyword, open, entry),
            Body::Block { open, .. } => open(draft, self, statement),
        }
    }

    fn deprecation<T>(&mut self, keyword: &Keyword<T>, word: &str, statement: &Statement<'_>) {
        if let Some(&(_, class)) = keyword.deprecated.iter().find(|&&(name, _)| name == word) {
            let text = format!("{word} is deprecated - please use '{}'", keyword.name);
            self.cx.problems.report(class, Phase::Reading, Some(statement.at), text).word(word);
        }
    }

    /// A block of entries, one per line. Extra words before the brace are an error and ignored.
    fn list<T>(
        &mut self,
        draft: &mut T,
        statement: &Statement<'_>,
        keyword: &Keyword<T>,
        open: Option<fn(&mut T, &mut Args<'_>)>,
        entry: fn(&mut T, &mut Args<'_>),
    ) {
        match open {
            Some(open) => open(draft, &mut Args::new(statement, keyword.manners, &mut self.cx)),
            None => {
                if let Some(extra) = statement.words().nth(1) {
                    let text = format!("Block {} has extra parameters {extra} ...", keyword.name);
                    self.error(statement.at, text).word(extra);
                }
            }
        }
        self.entries(statement, keyword.name, draft, entry);
    }

    /// Reads the entries of a list into `draft`, one a line, and returns where the list ended.
    pub fn entries<T>(&mut self, statement: &Statement<'_>, list: &str, draft: &mut T, entry: fn(&mut T, &mut Args<'_>)) -> Origin {
        if !self.enter(statement, true) {
            return self.last;
        }
        loop {
            let Some((token, at)) = self.take() else {
                self.missing_braces += 1;
                self.unclosed = self.open.last().cloned();
                break;
            };
            match token {
                Token::Close => break,
                // Nothing nests in a list: a brace is an entry as any other, and the first closing one ends the list (seen
                // with 2.4.3 and 2.2.7). keepalived's other processes only count braces, and miss a closing one for it.
                Token::Open => {
                    entry(draft, &mut Args::entry(&Statement { text: "{", at }, list, &mut self.cx));
                    self.missing_braces += 1;
                }
                Token::Text { start, end } => {
                    let tokens = Rc::clone(&self.tokens);
                    let line = tokens.statement(start, end, at);
                    entry(draft, &mut Args::entry(&line, list, &mut self.cx));
                }
            }
        }
        self.open.pop();
        self.last
    }

    fn report_unclosed(&mut self) {
        if let Some(opened) = &self.unclosed {
            self.cx.problems.ends_in(&opened.name);
        }
        if self.missing_braces == 0 {
            return;
        }
        let text = format!("There are {} missing '}}'s or extra '{{'s", self.missing_braces);
        let place = self.unclosed.as_ref().map_or(self.last, |o| o.at);
        let diagnostic = self.cx.problems.resolving(Class::Error, place, text);
        if let Some(opened) = &self.unclosed {
            diagnostic.word(&opened.name).hint(format!("the block '{}' that begins here is not closed", opened.name));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::config::host::Stated;
    use crate::config::testing::load;

    fn told(text: &str) -> Vec<String> {
        load(text, &Stated::with(&["eth0"])).1
    }

    #[test]
    fn nothing_nests_in_a_list() {
        let seen = told("static_ipaddress {\n 192.0.2.1 dev eth0 {\n label x\n}\n}\nstatic_rules {\n from 192.0.2.1 table 5\n}");
        let want = ["2: VRRP parsed invalid IP {. skipping IP...", "3: VRRP parsed invalid IP label. skipping IP...", "5: Extra '}' found"];
        assert_eq!(seen.iter().filter(|text| !text.starts_with("7:")).collect::<Vec<_>>(), want);
        // What only counts braces misses one.
        assert_eq!(told("global_defs {\n notification_email {\n a {\n }\n}"), ["5: There are 1 missing '}'s or extra '{'s"]);
    }

    #[test]
    fn a_text_that_ends_in_a_block_is_known_to_be_cut_off() {
        for (text, want) in [
            ("global_defs {\nrouter_id x\n}", None),
            ("global_defs {\nrouter_id x\n", Some("global_defs")),
            ("vrrp_instance A {\nvirtual_ipaddress {\n192.0.2.1\n", Some("virtual_ipaddress")),
            ("vrrp_instance A {\nvirtual_ipaddress {\n192.0.2.1\n}\n", Some("vrrp_instance A")),
            ("no_such_block {\n", Some("a block that is skipped")),
            ("no_such_block {\n}\n}", None),
            // A brace too many within a list is none of this.
            ("static_ipaddress {\n 192.0.2.1 dev eth0 {\n}\n", None),
        ] {
            let problems = crate::config::testing::diagnose(text, &Stated::with(&["eth0"])).1;
            assert_eq!(problems.cut_off(), want, "{text}");
        }
    }

    #[test]
    fn a_missing_brace_is_told_at_what_stands_in_its_place() {
        assert_eq!(told("global_defs\n\nrouter_id x\n}"), ["3: Missing '{' at beginning of configuration block"]);
        let diagnosed = crate::config::testing::diagnose("global_defs", &Stated::default()).1;
        assert_eq!(diagnosed.exit_status(), 0);
    }
}
