//! `standfast`: what goes beyond keepalived.

use super::process;
use crate::config::args::Args;
use crate::config::draft::Draft;
use crate::config::draft::global::Global;
use crate::config::draft::global::Pipe;
use crate::config::keyword::{Keyword, Shown, Vocabulary, block, boolean, line, live};
use crate::config::parser::Parser;
use crate::config::syntax::Statement;
use crate::config::{command, text};
use crate::model::global::observe::{Control, Listen, Metrics, Names};
use std::net::SocketAddr;
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
    let watched = settings.control != Control::Usual || root.global.control.is_some() || settings.metrics != Metrics::default();
    let logged = log.json.is_some() || log.journal;
    if settings.vrrp.vip_lease.is_some() || settings.scripts.notify_json || watched || logged {
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
            "control",
            line!("PATH [USER [GROUP]]|off", "", set_control, show_control),
            "beside the PID file, for the superuser",
            "The socket that standfast status and its like ask at. USER may also reload; GROUP may only look.",
        ),
        live(
            "metrics",
            line!("HOST:PORT|PATH", "", add_metrics, show_metrics),
            "none",
            "Where Prometheus finds metrics, at /metrics: an address, of IPv6 in brackets, or a unix socket. May be repeated.",
        ),
        live(
            "metrics_names",
            line!("native|cafebazaar|gen2brain", "", set_names, show_names),
            "native",
            "Whose names the metrics have: our own, those of keepalived-exporter or of keepalived_exporter; several words for several.",
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

fn set_control(global: &mut Global, args: &mut Args<'_>) {
    let Some(path) = args.need() else { return };
    global.control = None;
    global.settings.control = Control::Usual;
    if path == "off" {
        global.settings.control = Control::Off;
        return;
    }
    if !path.starts_with('/') {
        args.error(format!("control takes a path from the root on, or off, not '{path}'")).hint("the usual socket is used");
        return;
    }
    let owner = if args.peek().is_some() { args.user() } else { None };
    global.control = Some(Pipe { at: args.at, path: path.into(), owner });
}

fn show_control(global: &Global, shown: &mut Shown<'_>) {
    if let Some(pipe) = &global.control {
        let owner = pipe.owner.as_ref().map(|owner| format!(" {}", command::user_text(owner))).unwrap_or_default();
        shown.text(&format!("{}{owner}", text::word(&pipe.path.to_string_lossy())));
    } else if global.settings.control == Control::Off {
        shown.text("off");
    }
}

fn add_metrics(global: &mut Global, args: &mut Args<'_>) {
    let Some(word) = args.need() else { return };
    let listen = if word.starts_with('/') { Some(Listen::Path(word.into())) } else { word.parse::<SocketAddr>().ok().map(Listen::Address) };
    match listen {
        Some(listen) if !global.settings.metrics.listen.contains(&listen) => global.settings.metrics.listen.push(listen),
        Some(_) => drop(args.notice(format!("metrics {word} is given twice"))),
        None => {
            args.error(format!("metrics takes an address with a port, or a path, not '{word}'"))
                .hint("127.0.0.1:9650, [::1]:9650, /run/x.sock");
        }
    }
}

fn show_metrics(global: &Global, shown: &mut Shown<'_>) {
    for listen in &global.settings.metrics.listen {
        match listen {
            Listen::Address(address) => shown.text(&address.to_string()),
            Listen::Path(path) => shown.text(&text::word(&path.to_string_lossy())),
        }
    }
}

fn set_names(global: &mut Global, args: &mut Args<'_>) {
    let mut names = Names { native: false, cafebazaar: false, gen2brain: false };
    let Some(first) = args.need() else { return };
    let mut word = Some(first);
    while let Some(name) = word {
        match name {
            "native" => names.native = true,
            "cafebazaar" => names.cafebazaar = true,
            "gen2brain" => names.gen2brain = true,
            _ => {
                args.error(format!("nobody's metrics are called '{name}'")).hint("native, cafebazaar or gen2brain");
                return;
            }
        }
        word = args.word();
    }
    global.settings.metrics.names = names;
}

fn show_names(global: &Global, shown: &mut Shown<'_>) {
    let Names { native, cafebazaar, gen2brain } = global.settings.metrics.names;
    if global.settings.metrics.names == Names::default() {
        return;
    }
    let words = [("native", native), ("cafebazaar", cafebazaar), ("gen2brain", gen2brain)];
    let words: Vec<&str> = words.into_iter().filter(|(_, asked)| *asked).map(|(word, _)| word).collect();
    shown.text(&words.join(" "));
}
