//! `standfast`: what goes beyond keepalived.

use super::process;
use crate::config::args::Args;
use crate::config::draft::Draft;
use crate::config::draft::global::Global;
use crate::config::keyword::{Keyword, Shown, Vocabulary, block, boolean, line, live};
use crate::config::parser::Parser;
use crate::config::syntax::Statement;
use std::time::Duration;

/// Long enough for a supervisor to start a dead process again several times.
const USUAL_LEASE: u64 = 10;

pub(in crate::config::keyword) const STANDFAST_BLOCK: Keyword<Draft> = live(
    "standfast",
    block!("", STANDFAST, open, show),
    "none",
    "Settings that keepalived does not know; @standfast before it hides the block from keepalived.",
);

fn open(root: &mut Draft, parser: &mut Parser<'_>, statement: &Statement<'_>) {
    parser.body(statement, &STANDFAST, &mut root.global);
}

fn show(root: &Draft, shown: &mut Shown<'_>) {
    let settings = &root.global.settings;
    let log = &settings.process.log;
    if settings.vrrp.vip_lease.is_some() || settings.scripts.notify_json || log.json.is_some() || log.journal {
        shown.block("", &STANDFAST, &root.global);
    }
}

pub static STANDFAST: Vocabulary<Global> = Vocabulary::new(
    "standfast",
    &[
        live(
            "vip_lease",
            line!("[SECONDS]", "3..3600", set_vip_lease, show_vip_lease),
            "off; 10 without a number",
            "Give virtual addresses a lifetime in the kernel that the running daemon renews: where nothing of it runs any more, they go by themselves.",
        ),
        live(
            "notify_json",
            boolean!(settings.scripts.notify_json),
            "false",
            "Tell notify scripts the transition in STANDFAST_NOTIFY, an environment variable with a line of JSON.",
        ),
        live(
            "log_json",
            line!("PATH", "", |t, a| process::set_one_path(&mut t.settings.process.log.json, a, "log_json needs a path"), |t, s| s
                .value(&t.settings.process.log.json)),
            "none",
            "Write the log of all processes to this file as well, a line of JSON for each line. It is opened at the start.",
        ),
        live(
            "log_journal",
            boolean!(settings.process.log.journal),
            "false",
            "Log to systemd's journal with fields, STANDFAST_INSTANCE among them, and no longer to syslog. Decided at the start.",
        ),
    ],
);

fn set_vip_lease(global: &mut Global, args: &mut Args<'_>) {
    let seconds = match args.word() {
        None => Some(USUAL_LEASE),
        Some(word) => args.number_in::<u64>(word, 3, 3600),
    };
    if let Some(seconds) = seconds {
        global.settings.vrrp.vip_lease = Some(Duration::from_secs(seconds));
    }
}

fn show_vip_lease(global: &Global, shown: &mut Shown<'_>) {
    if let Some(lease) = global.settings.vrrp.vip_lease {
        shown.text(&lease.as_secs().to_string());
    }
}
