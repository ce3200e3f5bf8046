//! One mail handed to a server: what is said to it, and what its answers mean. Bytes come in and go out elsewhere.

use super::Letter;

/// More than any server says in a line, and in one answer.
const LONGEST_LINE: usize = 4_096;
const MOST_LINES: usize = 128;
/// What of an answer goes to the log.
const QUOTED: usize = 200;

/// Why a mail was not handed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    pub reason: String,
    /// It would be the same another time.
    pub lasting: bool,
}

/// A recipient that the server does not take mail for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub recipient: String,
    pub reason: String,
    pub lasting: bool,
}

/// The server has taken the mail, for at least one recipient.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    pub refused: Vec<Refusal>,
}

/// What the next answer is to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    Connection,
    Helo,
    From,
    /// With the index of the recipient.
    To(usize),
    Data,
    Text,
    Quit,
    /// Nothing more is to be heard.
    Over,
}

#[derive(Debug)]
pub struct Dialogue {
    letter: Letter,
    asked: Asked,
    line: Vec<u8>,
    lines: usize,
    answers: usize,
    accepted: usize,
    refused: Vec<Refusal>,
    result: Option<Result<Outcome, Failure>>,
}

impl Dialogue {
    pub fn new(letter: Letter) -> Self {
        Self { letter, asked: Asked::Connection, line: Vec::new(), lines: 0, answers: 0, accepted: 0, refused: Vec::new(), result: None }
    }

    /// Takes what the server says, in pieces of any size, and appends what is to be said to it.
    pub fn hear(&mut self, bytes: &[u8], say: &mut Vec<u8>) {
        for &byte in bytes {
            if self.is_over() {
                return;
            }
            if byte == b'\n' {
                let line = std::mem::take(&mut self.line);
                self.heard(line.strip_suffix(b"\r").unwrap_or(&line), say);
            } else if self.line.len() < LONGEST_LINE {
                self.line.push(byte);
            } else {
                self.give_up(format!("its answer to {} has a line without an end", self.asked_for()), true, say);
            }
        }
    }

    /// The server has closed its side. Without a result there is one now.
    pub fn closed(&mut self) {
        let reason = format!("it closed the connection instead of answering to {}", self.asked_for());
        self.result.get_or_insert(Err(Failure { reason, lasting: false }));
        self.asked = Asked::Over;
    }

    /// How many answers have been heard in full: each may take its time.
    pub fn answers(&self) -> usize {
        self.answers
    }

    /// What has become of the mail, as soon as that is certain.
    pub fn result(&self) -> Option<&Result<Outcome, Failure>> {
        self.result.as_ref()
    }

    /// There is nothing more to be heard.
    pub fn is_over(&self) -> bool {
        self.asked == Asked::Over
    }

    /// What an answer is waited for to, for the log.
    pub fn asked_for(&self) -> String {
        match self.asked {
            Asked::Connection => "the connection".to_owned(),
            Asked::Helo => "HELO".to_owned(),
            Asked::From => "MAIL FROM".to_owned(),
            Asked::To(index) => format!("RCPT TO:<{}>", self.letter.to.get(index).map_or("", |to| to)),
            Asked::Data => "DATA".to_owned(),
            Asked::Text => "the text".to_owned(),
            Asked::Quit | Asked::Over => "QUIT".to_owned(),
        }
    }

    fn heard(&mut self, line: &[u8], say: &mut Vec<u8>) {
        let code = match line {
            [a @ b'2'..=b'5', b @ b'0'..=b'9', c @ b'0'..=b'9'] | [a @ b'2'..=b'5', b @ b'0'..=b'9', c @ b'0'..=b'9', b' ' | b'-', ..] => {
                [*a, *b, *c]
            }
            _ => return self.give_up(format!("it answers {:?} to {}", quoted(line), self.asked_for()), true, say),
        };
        self.lines += 1;
        if line.get(3) == Some(&b'-') {
            if self.lines >= MOST_LINES {
                self.give_up(format!("its answer to {} has no end", self.asked_for()), true, say);
            }
            return;
        }
        (self.lines, self.answers) = (0, self.answers + 1);
        self.answered(code, line, say);
    }

    fn answered(&mut self, code: [u8; 3], line: &[u8], say: &mut Vec<u8>) {
        let [class, ..] = code;
        let lasting = class == b'5';
        let is_right = match self.asked {
            Asked::Connection => code == *b"220",
            Asked::Helo | Asked::From | Asked::To(_) | Asked::Text => class == b'2',
            Asked::Data => code == *b"354",
            Asked::Quit => true,
            Asked::Over => return,
        };
        match self.asked {
            Asked::To(index) if is_right || code != *b"421" => {
                if is_right {
                    self.accepted += 1;
                } else if let Some(recipient) = self.letter.to.get(index) {
                    self.refused.push(Refusal { recipient: recipient.clone(), reason: quoted(line), lasting });
                }
                self.ask_for(index + 1, say);
            }
            _ if !is_right => self.give_up(format!("it answers '{}' to {}", quoted(line), self.asked_for()), lasting, say),
            Asked::Connection => self.ask(Asked::Helo, &format!("HELO {}", self.letter.helo), say),
            Asked::Helo => self.ask(Asked::From, &format!("MAIL FROM:<{}>", self.letter.from), say),
            Asked::From => self.ask_for(0, say),
            Asked::Data => self.ask(Asked::Text, &format!("{}.", self.letter.stuffed()), say),
            Asked::Text => {
                self.result = Some(Ok(Outcome { refused: std::mem::take(&mut self.refused) }));
                self.ask(Asked::Quit, "QUIT", say);
            }
            Asked::To(_) | Asked::Quit | Asked::Over => self.asked = Asked::Over,
        }
    }

    /// Names the next recipient. A server that takes none has no use for the text.
    fn ask_for(&mut self, index: usize, say: &mut Vec<u8>) {
        match self.letter.to.get(index) {
            Some(to) => {
                let line = format!("RCPT TO:<{to}>");
                self.ask(Asked::To(index), &line, say);
            }
            None if self.accepted > 0 => self.ask(Asked::Data, "DATA", say),
            None => {
                let all: Vec<String> = self.refused.iter().map(|no| format!("'{}' to <{}>", no.reason, no.recipient)).collect();
                let lasting = self.refused.iter().all(|no| no.lasting);
                self.give_up(format!("it takes no recipient: {}", all.join(", ")), lasting, say);
            }
        }
    }

    fn ask(&mut self, what: Asked, line: &str, say: &mut Vec<u8>) {
        self.asked = what;
        say.extend_from_slice(line.as_bytes());
        say.extend_from_slice(b"\r\n");
    }

    fn give_up(&mut self, reason: String, lasting: bool, say: &mut Vec<u8>) {
        self.result.get_or_insert(Err(Failure { reason, lasting }));
        // To somebody who speaks no SMTP, or not any more, it does no harm.
        if self.asked != Asked::Quit {
            say.extend_from_slice(b"QUIT\r\n");
        }
        self.asked = Asked::Over;
    }
}

/// What may stand in a log.
fn quoted(line: &[u8]) -> String {
    String::from_utf8_lossy(line).chars().filter(|c| !c.is_control()).take(QUOTED).collect()
}
