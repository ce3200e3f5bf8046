//! `DNS_CHECK`.

use super::{connected, open, probe};
use crate::config::args::Args;
use crate::config::draft::lvs::checker::{Checker, Dns, Probe};
use crate::config::keyword::{Vocabulary, line, live};
use crate::config::text::word;
use crate::model::checker::RecordType;

open!(open, DNS, Checker::Dns, |rs, statement| probe::<Dns>(rs, statement));

pub static DNS: Vocabulary<Probe<Dns>> = Vocabulary::new(
    "DNS_CHECK",
    connected!(
        Probe<Dns>;
        live(
            "type",
            line!("A|NS|CNAME|SOA|MX|TXT|AAAA|RRSIG|DNSKEY", "", set_type, |c, s| s.text(c.kind.record.name())),
            "SOA",
            "What to ask for.",
        ),
        live(
            "name",
            line!("NAME", "labels of up to 63 characters", set_name, |c, s| {
                if let Some(name) = &c.kind.name {
                    s.text(&if name.is_empty() { ".".to_owned() } else { word(name) });
                }
            }),
            "the root",
            "Of which name.",
        ),
    ),
);

fn set_type(check: &mut Probe<Dns>, args: &mut Args<'_>) {
    let Some(word) = args.need() else { return };
    match RecordType::ALL.into_iter().find(|record| record.name().eq_ignore_ascii_case(word)) {
        Some(record) => check.kind.record = record,
        None => {
            args.error(format!("Unknown DNS check type {word} - ignoring")).hint(RecordType::ALL.map(RecordType::name).join(" "));
        }
    }
}

fn set_name(check: &mut Probe<Dns>, args: &mut Args<'_>) {
    let Some(word) = args.need() else { return };
    if check.kind.name.is_some() {
        args.error("DNS_CHECK name already specified - ignoring");
        return;
    }
    let name = word.strip_suffix('.').unwrap_or(word);
    if !name.is_empty() && name.split('.').any(str::is_empty) {
        args.error(format!("DNS_CHECK name '{word}' has empty label - ignoring"));
        return;
    }
    if name.len() > 253 || name.split('.').any(|label| label.len() > 63) {
        args.notice(format!("DNS_CHECK name '{word}' is too long - ignoring")).hint("labels have up to 63 characters, names 253");
        return;
    }
    check.kind.name = Some(name.into());
}
