//! `SMTP_CHECK`.

use super::{connected, open, probe};
use crate::config::args::Args;
use crate::config::draft::lvs::checker::{Checker, Probe, Smtp};
use crate::config::keyword::{Shown, Vocabulary, block, line, live};
use crate::config::parser::Parser;
use crate::config::syntax::Statement;

open!(open, SMTP, Checker::Smtp, |rs, statement| probe::<Smtp>(rs, statement));

pub static SMTP: Vocabulary<Probe<Smtp>> = Vocabulary::new(
    "SMTP_CHECK",
    connected!(
        Probe<Smtp>;
        live(
            "helo_name",
            line!("NAME", "", set_helo, |c, s| s.value(&c.kind.helo_name)),
            "smtpchecker.keepalived.org",
            "What to say HELO with.",
        ),
        live("host", block!("", HOST, open_host, show_hosts), "none", "Deprecated: a check of its own, in place of this one."),
    ),
);

pub static HOST: Vocabulary<Probe<()>> = Vocabulary::new("host", connected!(Probe<()>;));

fn set_helo(check: &mut Probe<Smtp>, args: &mut Args<'_>) {
    let Some(word) = args.word() else {
        args.error("SMTP_CHECK helo name missing");
        return;
    };
    if check.kind.helo_name.replace(word.into()).is_some() {
        args.error("SMTP_CHECK helo name already specified").hint("the last one counts");
    }
}

fn open_host(check: &mut Probe<Smtp>, parser: &mut Parser<'_>, statement: &Statement<'_>) {
    let text = "The SMTP_CHECK host block is deprecated. Please define additional checkers.";
    parser.cx.problems.notice(statement.at, text).word("host").hint("one SMTP_CHECK with connect_ip and connect_port for each host");
    let mut host = Probe { end: statement.at, schedule: check.schedule, connection: check.connection.clone(), kind: () };
    host.end = parser.body(statement, &HOST, &mut host);
    check.kind.hosts.push(host);
}

fn show_hosts(check: &Probe<Smtp>, shown: &mut Shown<'_>) {
    for host in &check.kind.hosts {
        shown.block("", &HOST, host);
    }
}
