//! The manual page keepalived.conf(5), from the vocabularies.

use super::document::blocks;
use super::{Effect, Entry};
use std::fmt::Write as _;

const HEAD: &str = r#".SH NAME
keepalived.conf \- configuration of keepalived, as standfast reads it
.SH DESCRIPTION
The file is made of lines. A line is a keyword with its arguments, or the beginning of a block in braces, or its end. Arguments with
blanks stand in double quotes.
.PP
\fB!\fR and \fB#\fR begin a comment, \fB\e\fR at the end of a line continues it.
.SS Files
.TP
\fBinclude\fR \fIPATTERN\fR
reads other files in this place; \fBincluder\fR, \fBincludem\fR, \fBincludew\fR and \fBincludeb\fR also insist that they can be read, that
there is one, that a pattern has a match, and that every brace has one. \fBincludea\fR insists on all of that.
.SS Conditions
.TP
\fB@\fR\fIID\fR \fILINE\fR
is read where the option \fB\-i\fR gives this ID; \fB@^\fR\fIID\fR where it does not. \fB@standfast\fR is always true for standfast and
never for keepalived, so that one file can serve both.
.SS Definitions
.TP
\fB$\fR\fINAME\fR\fB=\fR\fIVALUE\fR
defines what \fB${\fR\fINAME\fR\fB}\fR stands for from then on. A value may go on over several lines, each but the last ending in \fB\e\fR.
.TP
\fB~SEQ(\fR\fIVARIABLE\fR\fB,\fR\fIFIRST\fR\fB,\fR\fISTEP\fR\fB,\fR\fILAST\fR\fB)\fR \fILINE\fR
repeats the line; \fB~LST\fR does so for a list of values.
.SH KEYWORDS
Each section is a block. What is marked \(lqno effect\(rq is read and checked, and that is all.
"#;

const TAIL: &str = r#".SH FILES
.TP
/etc/keepalived/keepalived.conf
the configuration, unless \fB\-f\fR names another.
.SH SEE ALSO
.BR keepalived (8),
.BR standfast (1),
.BR genhash (1)
"#;

/// The page in roff.
pub fn configuration() -> String {
    let mut out = format!(".TH KEEPALIVED.CONF 5 \"\" \"standfast {}\" \"File formats\"\n{HEAD}", env!("CARGO_PKG_VERSION"));
    for block in blocks() {
        let _ = writeln!(out, ".SS {}", escaped(block.name()));
        for entry in block.entries() {
            out.push_str(&paragraph(&entry));
        }
    }
    out.push_str(TAIL);
    out
}

fn paragraph(entry: &Entry) -> String {
    let mut out = format!(".TP\n\\fB{}\\fR", escaped(entry.name));
    for alias in entry.aliases {
        let _ = write!(out, ", \\fB{}\\fR", escaped(alias));
    }
    if !entry.syntax.is_empty() {
        let _ = write!(out, " \\fI{}\\fR", escaped(entry.syntax));
    }
    let _ = write!(out, "\n{}", sentence(entry.doc));
    for (word, text) in [("Range", entry.range), ("Default", entry.default)] {
        if !text.is_empty() {
            let _ = write!(out, " {word}: {}.", escaped(text));
        }
    }
    match entry.effect {
        Effect::Done => {}
        Effect::Planned => out.push_str(" (No effect yet.)"),
        Effect::Inert => out.push_str(" (No effect.)"),
    }
    for (old, _) in entry.deprecated {
        let _ = write!(out, " Formerly \\fB{}\\fR.", escaped(old));
    }
    out.push('\n');
    out
}

/// A line of text: what roff would take for a request at its beginning is none.
fn sentence(text: &str) -> String {
    let text = escaped(text);
    if text.starts_with(['.', '\'']) { format!("\\&{text}") } else { text }
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\e").replace('-', "\\-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_keyword_of_every_block_is_in_the_page() {
        let page = configuration();
        for block in blocks() {
            assert!(page.contains(&format!(".SS {}\n", escaped(block.name()))), "{}", block.name());
            for entry in block.entries() {
                assert!(page.contains(&format!(".TP\n\\fB{}\\fR", escaped(entry.name))), "{} {}", block.name(), entry.name);
            }
        }
    }

    #[test]
    fn no_text_is_taken_for_a_request() {
        assert_eq!(sentence(".so /etc/passwd"), "\\&.so /etc/passwd");
        assert_eq!(sentence("a-b\\c"), "a\\-b\\ec");
        let requests = [".TH", ".SH", ".SS", ".TP", ".PP", ".BR"];
        for line in configuration().lines().filter(|line| line.starts_with(['.', '\''])) {
            assert!(requests.iter().any(|request| line == *request || line.starts_with(&format!("{request} "))), "{line}");
        }
    }
}
