//! SMTP: a greeting, HELO, QUIT.

use super::{Dialogue, Target, Transport, Trouble, failed};
use crate::effect::probe::Outcome;
use crate::model::checker::Smtp;

/// A line, and a reply of many lines, that no honest server sends.
const LONGEST_LINE: usize = 4096;
const MOST_LINES: u32 = 100;

#[derive(Debug)]
pub(super) struct Hello {
    target: Target,
    helo_name: Box<str>,
    stage: Stage,
    line: Vec<u8>,
    /// Of this reply.
    lines: u32,
}

/// Whose answer is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Connection,
    Greeting,
    Helo,
    Quit,
}

/// What one line is of a reply.
enum Line {
    /// More of the reply follows.
    Goes,
    Ends([u8; 3]),
    None,
}

impl Line {
    /// Three digits; a hyphen behind them says that the reply goes on.
    fn parse(line: &[u8]) -> Self {
        match line {
            [a, b, c, rest @ ..] if [a, b, c].iter().all(|byte| byte.is_ascii_digit()) => match rest.first() {
                Some(b'-') => Self::Goes,
                None | Some(b' ' | b'\t' | b'\r') => Self::Ends([*a, *b, *c]),
                Some(_) => Self::None,
            },
            _ => Self::None,
        }
    }
}

impl Hello {
    pub(super) fn new(smtp: &Smtp) -> Self {
        let target = Target::new(&smtp.connection, "tcp");
        Self { target, helo_name: smtp.helo_name.clone(), stage: Stage::Connection, line: Vec::new(), lines: 0 }
    }

    fn line(&mut self, send: &mut Vec<u8>) -> Option<Outcome> {
        let line = Line::parse(&self.line);
        self.line.clear();
        self.lines += 1;
        let code = match line {
            // That it has answered is all that counts.
            _ if self.stage == Stage::Quit => return Some(Outcome::Good),
            Line::Goes if self.lines < MOST_LINES => return None,
            Line::Goes | Line::None => [0; 3],
            Line::Ends(code) => code,
        };
        self.lines = 0;
        match (self.stage, &code) {
            (Stage::Connection | Stage::Greeting, b"220") => {
                send.extend_from_slice(format!("HELO {}\r\n", self.helo_name).as_bytes());
                self.stage = Stage::Helo;
                None
            }
            (Stage::Helo, b"250") => {
                send.extend_from_slice(b"QUIT\r\n");
                self.stage = Stage::Quit;
                None
            }
            (Stage::Connection | Stage::Greeting | Stage::Helo | Stage::Quit, _) => Some(self.bad()),
        }
    }

    fn bad(&self) -> Outcome {
        let what = if self.stage == Stage::Helo { "Bad HELO response" } else { "Bad greeting banner" };
        Outcome::Failed(format!("{what} from server {}", self.target).into())
    }
}

impl Dialogue for Hello {
    fn transport(&self) -> Transport {
        Transport::Stream { tls: None }
    }

    fn opened(&mut self, _: &mut Vec<u8>) -> Option<Outcome> {
        self.stage = Stage::Greeting;
        None
    }

    fn received(&mut self, bytes: &[u8], send: &mut Vec<u8>) -> Option<Outcome> {
        for &byte in bytes {
            if byte == b'\n' {
                let outcome = self.line(send);
                if outcome.is_some() {
                    return outcome;
                }
            } else if self.line.len() == LONGEST_LINE {
                return Some(Outcome::Failed(format!("A line without end from server {}", self.target).into()));
            } else {
                self.line.push(byte);
            }
        }
        None
    }

    fn closed(&mut self) -> Outcome {
        Outcome::Failed(format!("Read failure from server {}", self.target).into())
    }

    fn expired(&mut self) -> Outcome {
        let what = match self.stage {
            Stage::Connection => "Connection timeout to server",
            Stage::Greeting | Stage::Helo | Stage::Quit => "Read timeout from server",
        };
        Outcome::Failed(format!("{what} {}", self.target).into())
    }

    fn failed(&mut self, trouble: Trouble) -> Outcome {
        let what = match self.stage {
            Stage::Connection => "Error connecting to server",
            Stage::Greeting | Stage::Helo | Stage::Quit => "Read failure from server",
        };
        failed(trouble, format_args!("{what} {}", self.target))
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{bad, connection, converse, everything_ends, pieces_change_nothing};
    use super::*;
    use proptest::prelude::*;

    fn hello() -> Hello {
        Hello::new(&Smtp { connection: connection("10.0.0.1", 25), helo_name: "lab.example".into() })
    }

    #[test]
    fn a_server_is_greeted_and_left() {
        for (answers, want) in [
            (&["220 lab ESMTP\r\n", "250 hello\r\n", "221 bye\r\n"][..], Outcome::Good),
            (&["220\n", "250\n", "bye\n"], Outcome::Good),
            (&["220-first\r\n220 lab\r\n", "250-one\r\n250-two\r\n250 three\r\n", "221 bye\r\n"], Outcome::Good),
            (&["554 no\r\n"], bad("Bad greeting banner from server [10.0.0.1]:tcp:25")),
            (&["2200 lab\r\n"], bad("Bad greeting banner from server [10.0.0.1]:tcp:25")),
            (&["hello\r\n"], bad("Bad greeting banner from server [10.0.0.1]:tcp:25")),
            (&["220-first\r\n554 lab\r\n"], bad("Bad greeting banner from server [10.0.0.1]:tcp:25")),
            (&["220 lab\r\n", "500 no\r\n"], bad("Bad HELO response from server [10.0.0.1]:tcp:25")),
            (&["220 lab\r\n", "250 ok\r\n"], bad("Read failure from server [10.0.0.1]:tcp:25")),
            (&["220 lab"], bad("Read failure from server [10.0.0.1]:tcp:25")),
            (&[], bad("Read failure from server [10.0.0.1]:tcp:25")),
        ] {
            let mut hello = hello();
            let (said, outcome) = converse(&mut hello, answers.iter().map(|answer| answer.as_bytes()));
            assert_eq!(outcome, want, "{answers:?}");
            if outcome == Outcome::Good {
                assert_eq!(said, b"HELO lab.example\r\nQUIT\r\n");
            }
        }
        assert_eq!(hello().expired(), bad("Connection timeout to server [10.0.0.1]:tcp:25"));
    }

    #[test]
    fn what_has_no_end_is_given_up() {
        let mut one = hello();
        assert!(matches!(one.received(&[b'x'; LONGEST_LINE + 1], &mut Vec::new()), Some(Outcome::Failed(_))));
        let mut many = hello();
        let lines = "220-more\r\n".repeat(100);
        assert!(matches!(many.received(lines.as_bytes(), &mut Vec::new()), Some(Outcome::Failed(_))));
    }

    proptest! {
        #[test]
        fn anything_may_be_answered(answer in "(220[ -]x?\r?\n|250[ -]\r\n|.|[0-9]{3}\n){0,12}", sizes in prop::collection::vec(1_usize..9, 1..4)) {
            pieces_change_nothing(hello, answer.as_bytes(), &sizes)?;
        }

        #[test]
        fn garbage_ends(pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..6)) {
            everything_ends(&mut hello(), &pieces);
        }
    }
}
