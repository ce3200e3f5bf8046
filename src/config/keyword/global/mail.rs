//! Mail.

use crate::config::args::{Args, decimal};
use crate::config::draft::global::{Global, SmtpServer};
use crate::config::keyword::{Shown, Vocabulary};
use crate::config::parser::Parser;
use crate::config::syntax::Statement;
use crate::config::text::word;
use std::time::Duration;

const SMTP: u16 = 25;

/// The list of recipients has no keywords.
pub(super) static RECIPIENTS: Vocabulary<Global> = Vocabulary::new("notification_email", &[]);

pub(super) fn open_recipients(global: &mut Global, parser: &mut Parser<'_>, statement: &Statement<'_>) {
    if let Some(extra) = statement.words().nth(1) {
        parser.error(statement.at, format!("Block notification_email has extra parameters {extra} ...")).word(extra);
    }
    let mut recipients = Vec::new();
    let end = parser.entries(statement, "notification_email", &mut recipients, |list, args| {
        while let Some(address) = args.word() {
            list.push(address.into());
        }
    });
    if recipients.is_empty() {
        parser.error(end, "Warning - empty notification_email block").hint("no mail is sent without a recipient");
    }
    global.settings.mail.recipients.append(&mut recipients);
}

pub(super) fn show_recipients(global: &Global, shown: &mut Shown<'_>) {
    shown.list(global.settings.mail.recipients.iter().map(|address| word(address)));
}

pub(super) fn set_from(global: &mut Global, args: &mut Args<'_>) {
    let Some(from) = super::need(args, "emailfrom missing - ignoring") else { return };
    global.from = Some(from.into());
    if let Some(extra) = args.word() {
        args.error(format!("notification_email_from takes one word: '{extra}' is ignored"))
            .hint("put a name with blanks into double quotes");
    }
}

pub(super) fn set_server(global: &mut Global, args: &mut Args<'_>) {
    let at = args.at;
    let Some(host) = args.need() else { return };
    let port = match args.word() {
        None => SMTP,
        // Unlike other numbers, a port with junk behind it is none even at run time.
        Some(word) => match decimal(word).ok().and_then(|port| u16::try_from(port).ok()).filter(|&port| port > 0) {
            Some(port) => port,
            None => {
                args.error(format!("Invalid smtp server {host} {word}")).hint("the port is a number from 1 to 65535");
                return;
            }
        },
    };
    global.smtp_server = Some(SmtpServer { at, host: host.into(), port });
}

pub(super) fn show_server(global: &Global, shown: &mut Shown<'_>) {
    if let Some(server) = &global.smtp_server {
        shown.text(&format!("{} {}", word(&server.host), server.port));
    }
}

pub(super) fn set_timeout(global: &mut Global, args: &mut Args<'_>) {
    let Some(mut seconds) = args.number::<u64>(0, 4294) else { return };
    if seconds == 0 {
        args.error("smtp_connect_timeout must be greater than 0, setting to 1");
        seconds = 1;
    }
    global.settings.mail.timeout = Duration::from_secs(seconds);
}
