//! Commands as written: the words of a script by the rules of keepalived's two passes, and whom it runs as.

use super::args::Args;
use super::diagnostic::Origin;
use crate::model::script::Script;
use pest::Parser;
use pest::iterators::Pair;

mod grammar {
    #[derive(pest_derive::Parser)]
    #[grammar = "grammar/script.pest"]
    pub(super) struct Words;
}
use grammar::{Rule, Words};

/// A command as one statement gives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    pub at: Origin,
    pub argv: Box<[Box<str>]>,
    /// As given with the command itself; without it the default user runs the command.
    pub user: Option<UserSpec>,
}

/// A user, with an optional group, as a configuration names them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserSpec {
    pub at: Origin,
    pub user: Box<str>,
    pub group: Option<Box<str>>,
    /// `USER :GROUP` or `USER :`: the other groups of the user come along.
    pub supplementary: bool,
}

impl UserSpec {
    fn new(at: Origin, user: &str, group: Option<&str>) -> Self {
        let (group, supplementary) = match group.map(|g| (g.strip_prefix(':'), g)) {
            None => (None, false),
            Some((None, group)) => (Some(group), false),
            Some((Some(""), _)) => (None, true),
            Some((Some(group), _)) => (Some(group), true),
        };
        Self { at, user: user.into(), group: group.map(Into::into), supplementary }
    }
}

impl From<&Script> for UserSpec {
    fn from(script: &Script) -> Self {
        let (user, group) = (script.uid.to_string().into(), Some(script.gid.to_string().into()));
        Self { at: Origin::default(), user, group, supplementary: script.groups.is_some() }
    }
}

impl From<&Script> for Command {
    fn from(script: &Script) -> Self {
        Self { at: Origin::default(), argv: script.argv.clone(), user: Some(UserSpec::from(script)) }
    }
}

impl Command {
    /// The arguments in single quotes, as keepalived's messages show a command.
    pub fn quoted(&self) -> String {
        let quoted: Vec<String> = self.argv.iter().map(|argument| format!("'{argument}'")).collect();
        quoted.join(" ")
    }

    /// The name of the program.
    pub fn program(&self) -> &str {
        self.argv.first().map_or("", |program| program)
    }
}

impl Args<'_> {
    /// The rest of the line as `COMMAND [USER [[:]GROUP]]`; what is wrong with it is reported, its absence as well.
    pub fn command(&mut self) -> Option<Command> {
        let tokens = self.script_words()?;
        if tokens.len() < 2 {
            self.missing();
            return None;
        }
        let user = tokens.get(2).map(|user| UserSpec::new(self.at, user, tokens.get(3).map(String::as_str)));
        self.split(tokens.get(1)?, user)
    }

    /// The rest of the line as a COMMAND whose user is the matter of another keyword (`script`, `misc_path`). As with
    /// keepalived, what follows the first word is not the command's; here that is at least told. Nothing at all is left
    /// to the end of the block.
    pub fn command_alone(&mut self) -> Option<Command> {
        let tokens = self.script_words()?;
        if let Some(extra) = tokens.get(2) {
            let keyword = self.keyword;
            let text = format!("{keyword} takes one word: '{extra}' is not passed to the command");
            self.notice(text).word(extra).hint(format!("{keyword} \"COMMAND ARGUMENTS\""));
        }
        self.split(tokens.get(1)?, None)
    }

    /// `USER [[:]GROUP]`, for the keywords that are about the user alone.
    pub fn user(&mut self) -> Option<UserSpec> {
        let user = self.need()?;
        Some(UserSpec::new(self.at, user, self.word()))
    }

    /// The first pass over the line, keyword included.
    fn script_words(&mut self) -> Option<Vec<String>> {
        let line = self.line;
        let words = first_pass(line);
        if words.is_err() {
            self.error(format!("Unterminated quote '{line}'"));
        }
        words.ok()
    }

    fn split(&mut self, command: &str, user: Option<UserSpec>) -> Option<Command> {
        match second_pass(command) {
            Ok(argv) if argv.is_empty() => {
                let keyword = self.keyword;
                self.error(format!("{keyword} names no command"));
                None
            }
            Ok(argv) => Some(Command { at: self.at, argv: argv.into(), user }),
            Err(fault) => {
                self.error(format!("String '{command}': {}", fault.text()));
                None
            }
        }
    }
}

/// Why a text has no words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    Unclosed(char),
    LoneBackslash,
    /// Escapes made something that is not UTF-8.
    NotText,
    Nul,
}

impl Fault {
    fn text(self) -> String {
        match self {
            Self::Unclosed(quote) => format!("missing terminating {quote}"),
            Self::LoneBackslash => "nothing follows the last \\".to_owned(),
            Self::NotText => "escapes that make no UTF-8 text".to_owned(),
            Self::Nul => "an argument cannot hold a NUL".to_owned(),
        }
    }
}

fn unclosed(pair: &Pair<'_, Rule>) -> Fault {
    Fault::Unclosed(pair.as_str().chars().next().unwrap_or('"'))
}

/// The words of a line: quotes gone, escapes as they were.
fn first_pass(line: &str) -> Result<Vec<String>, Fault> {
    let mut words = Vec::new();
    let outer = Words::parse(Rule::outer, line).map_err(|_| Fault::LoneBackslash)?;
    for token in outer.flat_map(Pair::into_inner).filter(|pair| pair.as_rule() == Rule::token) {
        let mut word = String::new();
        for piece in token.into_inner() {
            match piece.as_rule() {
                Rule::unclosed => return Err(unclosed(&piece)),
                Rule::bare => word.push_str(piece.as_str()),
                _ => piece.into_inner().for_each(|text| word.push_str(text.as_str())),
            }
        }
        words.push(word);
    }
    Ok(words)
}

/// The arguments in a command.
fn second_pass(command: &str) -> Result<Vec<Box<str>>, Fault> {
    let mut argv = Vec::new();
    let inner = Words::parse(Rule::inner, command).map_err(|_| Fault::LoneBackslash)?;
    for argument in inner.flat_map(Pair::into_inner).filter(|pair| pair.as_rule() == Rule::argument) {
        let mut bytes = Vec::new();
        for piece in argument.into_inner() {
            match piece.as_rule() {
                Rule::unclosed => return Err(unclosed(&piece)),
                Rule::dangling => return Err(Fault::LoneBackslash),
                Rule::in_double | Rule::in_single => piece.into_inner().for_each(|part| append(&mut bytes, part)),
                _ => append(&mut bytes, piece),
            }
        }
        if bytes.contains(&0) {
            return Err(Fault::Nul);
        }
        argv.push(String::from_utf8(bytes).map_err(|_| Fault::NotText)?.into());
    }
    Ok(argv)
}

/// Appends a run of text, or the character an escape stands for.
fn append(bytes: &mut Vec<u8>, piece: Pair<'_, Rule>) {
    if piece.as_rule() != Rule::escape {
        return bytes.extend(piece.as_str().bytes());
    }
    let Some(code) = piece.into_inner().next() else { return };
    let text = code.as_str();
    let number = |digits, radix| u32::from_str_radix(digits, radix).unwrap_or_default().to_le_bytes()[0];
    match code.as_rule() {
        Rule::octal => bytes.push(number(text, 8)),
        Rule::hex => bytes.push(number(&text[1..], 16)),
        Rule::control => bytes.extend(text[1..].bytes().map(|b| b & 0x1f)),
        _ => match text {
            "a" => bytes.push(0x07),
            "b" => bytes.push(0x08),
            "E" => bytes.push(0x1b),
            "f" => bytes.push(0x0c),
            "n" => bytes.push(b'\n'),
            "r" => bytes.push(b'\r'),
            "t" => bytes.push(b'\t'),
            "v" => bytes.push(0x0b),
            _ => bytes.extend(text.bytes()),
        },
    }
}

/// The command in the form [`Args::command`] reads.
pub fn text(command: &Command) -> String {
    let user = command.user.as_ref().map(|user| format!(" {}", user_text(user)));
    format!("{}{}", text_alone(command), user.unwrap_or_default())
}

/// The command in the form [`Args::command_alone`] reads.
pub fn text_alone(command: &Command) -> String {
    let argv: Vec<String> = command.argv.iter().map(|argument| argument_text(argument)).collect();
    format!("\"{}\"", argv.join(" "))
}

/// A user in the form [`Args::user`] reads.
pub fn user_text(user: &UserSpec) -> String {
    let group = match (&user.group, user.supplementary) {
        (None, false) => String::new(),
        (None, true) => " :".to_owned(),
        (Some(group), supplementary) => format!(" {}{group}", if supplementary { ":" } else { "" }),
    };
    format!("{}{group}", user.user)
}

/// One argument inside a double-quoted command. What could mean something to an earlier stage (quotes, braces, `$`) or is
/// not printed is written as its octal code, so that no stage has to know of another's escapes.
fn argument_text(argument: &str) -> String {
    let mut text = String::new();
    for c in argument.chars() {
        if matches!(c, '"' | '\'' | '\\' | '{' | '}' | '$') || c.is_ascii_control() {
            text.push_str(&format!("\\{:03o}", u32::from(c)));
        } else {
            text.push(c);
        }
    }
    if text.is_empty() || text.contains(' ') { format!("'{text}'") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::args::{Context, Manners};
    use crate::config::syntax::Statement;
    use proptest::prelude::*;

    fn read(line: &str) -> (Option<Command>, Vec<String>) {
        let mut cx = Context::default();
        let statement = Statement { text: line, at: Origin::default() };
        let command = Args::new(&statement, Manners::USUAL, &mut cx).command();
        (command, cx.problems.iter().map(|d| d.text.clone()).collect())
    }

    fn argv(line: &str) -> Vec<String> {
        let (command, problems) = read(line);
        let command = command.unwrap_or_else(|| Command { at: Origin::default(), argv: Box::default(), user: None });
        command.argv.iter().map(ToString::to_string).chain(problems).collect()
    }

    #[test]
    fn a_command_is_split_in_two_passes() {
        for (line, want) in [
            (r#"notify "/p/n.sh \"in quotes\" plain""#, vec!["/p/n.sh", "\"in", "quotes\"", "plain"]),
            (r"notify '/p/n.sh x\ty' nobody nogroup", vec!["/p/n.sh", "x\ty"]),
            (r#"notify "/p/n.sh 'it''s' a\x41\101\cA" u"#, vec!["/p/n.sh", "its", "aAA\x01"]),
            (r"notify /p/n.sh backup", vec!["/p/n.sh"]),
            (r#"notify '/bin/echo "x y"'"abc"def nobody"#, vec!["/bin/echo", "x yabcdef"]),
            (r#"notify "ps aux | grep -v "grep" | grep ha""#, vec!["ps", "aux", "|", "grep", "-v", "grep", "|", "grep", "ha"]),
            (r#"notify "/p '' '\E\a\b\f\n\r\t\v\q' \8""#, vec!["/p", "", "\x1b\x07\x08\x0c\n\r\t\x0bq", "8"]),
            (r#"notify "/p é \303\251""#, vec!["/p", "é", "é"]),
            (r"notify /p\ q", vec!["/p q"]),
            (r#"notify "/p 'x""#, vec!["String '/p 'x': missing terminating '"]),
            (r#"notify "/p x"#, vec![r#"Unterminated quote 'notify "/p x'"#]),
            (r#"notify '/p x\'"#, vec![r"Unterminated quote 'notify '/p x\''"]),
            (r"notify /p\", vec![r"String '/p\': nothing follows the last \"]),
            (r#"notify "/p \0""#, vec![r"String '/p \0': an argument cannot hold a NUL"]),
            (r#"notify "/p \377""#, vec![r"String '/p \377': escapes that make no UTF-8 text"]),
            (r#"notify """#, vec!["notify names no command"]),
            ("notify", vec!["*** Configuration line starting `notify` is missing a parameter after keyword `notify`"]),
        ] {
            assert_eq!(argv(line), want, "{line}");
        }
    }

    #[test]
    fn a_user_may_bring_a_group_or_all_of_them() {
        for (line, want) in [
            ("notify /p", None),
            ("notify /p u", Some(("u", None, false))),
            ("notify /p u g", Some(("u", Some("g"), false))),
            ("notify /p u :g more", Some(("u", Some("g"), true))),
            ("notify '/p x' u :", Some(("u", None, true))),
        ] {
            let user = read(line).0.expect("a command").user;
            assert_eq!(user.as_ref().map(|u| (&*u.user, u.group.as_deref(), u.supplementary)), want, "{line}");
        }
    }

    #[test]
    fn words_behind_a_lone_command_are_told_and_left_out() {
        let mut cx = Context::default();
        let statement = Statement { text: "script /bin/pidof nginx", at: Origin::default() };
        let command = Args::new(&statement, Manners::USUAL, &mut cx).command_alone().expect("a command");
        assert_eq!((command.argv.len(), command.user), (1, None));
        assert_eq!(cx.problems.iter().count(), 1);
        let statement = Statement { text: "script", at: Origin::default() };
        assert_eq!(Args::new(&statement, Manners::USUAL, &mut Context::default()).command_alone(), None);
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(
            arguments in prop::collection::vec("[^\0]{0,12}", 1..5),
            user in prop::option::of(("[a-z_][a-z0-9-]{0,8}", prop::option::of("[a-z0-9]{1,8}"), any::<bool>())),
        ) {
            let user = user.map(|(user, group, supplementary)| {
                UserSpec { at: Origin::default(), user: user.into(), group: group.map(Into::into), supplementary }
            });
            let argv = arguments.into_iter().map(String::into_boxed_str).collect();
            let command = Command { at: Origin::default(), argv, user };
            let line = format!("notify {}", text(&command));
            let plain = !line.chars().any(|c| c.is_ascii_control() || "{}$".contains(c));
            prop_assert!(plain, "{}", line);
            prop_assert_eq!(line.matches('"').count(), 2);
            prop_assert_eq!(read(&line).0, Some(command));
        }

        #[test]
        fn any_line_is_read_or_refused(line in "notify .{0,40}") {
            let (command, problems) = read(&line);
            prop_assert!(command.is_some() || !problems.is_empty());
        }
    }
}
