//! `HTTP_GET` and `SSL_GET`.

use super::{connected, open, probe};
use crate::config::args::{Args, decimal};
use crate::config::draft::lvs::checker::{Checker, Http, Probe, Url};
use crate::config::keyword::lvs::value::text;
use crate::config::keyword::{Shown, Vocabulary, block, boolean, flag, line, live};
use crate::config::parser::Parser;
use crate::config::syntax::Statement;
use crate::model::checker::{HttpVersion, Sni};

open!(open_http, HTTP, Checker::Http, |rs, statement| probe::<Http>(rs, statement));
open!(open_ssl, SSL, Checker::Http, |rs, statement| {
    let mut draft = probe::<Http>(rs, statement);
    draft.kind.tls = true;
    draft
});

/// What both have, behind the keywords given.
macro_rules! http {
    ($url:path, $open_url:path; $($own:expr),* $(,)?) => {
        connected!(
            Probe<Http>;
            live::<Probe<Http>>(
                "nb_get_retry",
                line!("N", "0..4294967295", set_old_retry, |_, _| {}),
                "1",
                "Deprecated: retry.",
            ),
            live::<Probe<Http>>(
                "virtualhost",
                text!("HTTP_GET virtualhost", |c| c.kind.virtualhost),
                "the real server's, the virtual server's",
                "Host header of URLs without one.",
            ),
            live::<Probe<Http>>(
                "http_protocol",
                line!("1.0 | 1.0C | 1.1", "", set_version, show_version),
                "1.0",
                "Version of the requests; 1.0C closes the connection as 1.1 does.",
            ),
            live("enable_sni", line!("[BOOL]", "on true yes off false no", set_sni, show_sni), "off", "Send the host's name with TLS."),
            live("sni_name", line!("[NAME]", "", set_sni_name, show_sni_name), "the host's", "Name to send with TLS; implies enable_sni."),
            live("fast_recovery", boolean!(kind.fast_recovery), "off", "Coming up, go from URL to URL without waiting."),
            $($own,)*
            live("url", block!("", $url, $open_url, show_urls), "required", "A request and what makes its answer a good one."),
        )
    };
}

pub static HTTP: Vocabulary<Probe<Http>> = Vocabulary::new("HTTP_GET", http!(URL, open_url;));

pub static SSL: Vocabulary<Probe<Http>> = Vocabulary::new(
    "SSL_GET",
    http!(
        SSL_URL, open_ssl_url;
        live("tls_compliant", boolean!(kind.tls_compliant), "off", "Announce the end of the TLS connection."),
    ),
);

macro_rules! url {
    ($($own:expr),* $(,)?) => {
        &[
            live::<Url>("path", line!("PATH", "", set_path, |u, s| s.value(&u.path)), "required", "What to ask for."),
            live("digest", line!("MD5", "32 hexadecimal digits", set_digest, show_digest), "none", "MD5 of the body."),
            live(
                "status_code",
                line!("N | N-M ...", "100..599", set_status, show_status),
                "200-299",
                "Status codes that are good; those of several lines add up.",
            ),
            live::<Url>("virtualhost", text!("url virtualhost", |u| u.virtualhost), "the checker's", "Host header."),
            live("regex", line!("PATTERN", "", set_regex, |u, s| s.value(&u.regex.pattern)), "none", "What the answer must match."),
            live("regex_no_match", flag!(regex.no_match), "off", "What it must not match."),
            live(
                "regex_options",
                line!("OPTION...", "", set_regex_options, show_regex_options),
                "none",
                "How to read the pattern: the names of PCRE2's compile options.",
            ),
            live(
                "regex_min_offset",
                line!("N", "0..", |u, a| set_offset(a, |offset| u.regex.min_offset = offset), |u, s| {
                    if u.regex.min_offset > 0 {
                        s.value(&u.regex.min_offset);
                    }
                }),
                "0",
                "A match begins there at the earliest.",
            ),
            live(
                "regex_max_offset",
                line!("N", "0..", |u, a| set_offset(a, |offset| u.regex.max_offset = Some(offset)), |u, s| s.value(&u.regex.max_offset)),
                "none",
                "A match begins there at the latest.",
            ),
            live("regex_stack", line!("START MAX", "", set_stack, show_stack), "PCRE2's", "Bytes of stack for matching."),
            $($own,)*
        ]
    };
}

pub static URL: Vocabulary<Url> = Vocabulary::new("url", url!());

pub static SSL_URL: Vocabulary<Url> =
    Vocabulary::new("url of SSL_GET", url!(live("tls_compliant", boolean!(tls_compliant), "off", "As for the checker, for this request.")));

fn open_url(check: &mut Probe<Http>, parser: &mut Parser<'_>, statement: &Statement<'_>) {
    read_url(check, parser, statement, &URL);
}

fn open_ssl_url(check: &mut Probe<Http>, parser: &mut Parser<'_>, statement: &Statement<'_>) {
    read_url(check, parser, statement, &SSL_URL);
}

fn read_url(check: &mut Probe<Http>, parser: &mut Parser<'_>, statement: &Statement<'_>, vocabulary: &'static Vocabulary<Url>) {
    let mut url = Url { end: statement.at, ..Url::default() };
    url.end = parser.body(statement, vocabulary, &mut url);
    check.kind.urls.push(url);
}

fn show_urls(check: &Probe<Http>, shown: &mut Shown<'_>) {
    for url in &check.kind.urls {
        shown.block("", if check.kind.tls { &SSL_URL } else { &URL }, url);
    }
}

fn set_old_retry(check: &mut Probe<Http>, args: &mut Args<'_>) {
    args.error("nb_get_retry is deprecated - please use 'retry'");
    if let Some(retry) = args.number::<u32>(0, 4_294_967_295) {
        check.schedule.retry = Some(retry);
    }
}

fn set_version(check: &mut Probe<Http>, args: &mut Args<'_>) {
    check.kind.version = match args.word() {
        Some("1.0") => HttpVersion::V1_0,
        Some("1.0C" | "1.0c") => HttpVersion::V1_0Close,
        Some("1.1") => HttpVersion::V1_1,
        Some(other) => {
            args.error(format!("Invalid http_protocol version {other}")).hint("1.0, 1.0C or 1.1");
            return;
        }
        None => {
            args.error("Missing http_protocol version").hint("1.0, 1.0C or 1.1");
            return;
        }
    };
}

fn show_version(check: &Probe<Http>, shown: &mut Shown<'_>) {
    shown.text(match check.kind.version {
        HttpVersion::V1_0 => "1.0",
        HttpVersion::V1_0Close => "1.0C",
        HttpVersion::V1_1 => "1.1",
    });
}

fn set_sni(check: &mut Probe<Http>, args: &mut Args<'_>) {
    match (args.boolean(), &check.kind.sni) {
        (Some(true), Sni::None) => check.kind.sni = Sni::Host,
        (Some(false), _) => check.kind.sni = Sni::None,
        (Some(true), Sni::Host | Sni::Named(_)) | (None, _) => {}
    }
}

fn show_sni(check: &Probe<Http>, shown: &mut Shown<'_>) {
    shown.value(&(check.kind.sni != Sni::None));
}

fn set_sni_name(check: &mut Probe<Http>, args: &mut Args<'_>) {
    match (args.word(), &mut check.kind.sni) {
        (Some(word), Sni::Named(name)) => {
            args.error(format!("Duplicate sni_name - overwriting {name} with {word}"));
            *name = word.into();
        }
        (None, Sni::Named(name)) => {
            args.error(format!("sni_name without a name after {name}"));
        }
        (Some(word), sni) => *sni = Sni::Named(word.into()),
        (None, sni) => *sni = Sni::Host,
    }
}

fn show_sni_name(check: &Probe<Http>, shown: &mut Shown<'_>) {
    match &check.kind.sni {
        Sni::None | Sni::Host => {}
        Sni::Named(name) => shown.value(name),
    }
}

fn set_path(url: &mut Url, args: &mut Args<'_>) {
    let Some(word) = args.need() else { return };
    if let Some(old) = url.path.replace(word.into()) {
        args.error(format!("Duplicate path - overwriting {old} with {word}"));
    }
}

fn set_digest(url: &mut Url, args: &mut Args<'_>) {
    let Some(word) = args.need() else { return };
    if url.digest.is_some() {
        args.error(format!("Digest '{word}' is a duplicate")).hint("the first one counts");
        return;
    }
    if word.len() != 32 {
        args.error(format!("digest '{word}' character length should be 32 rather than {}", word.len()));
        return;
    }
    let mut digest = [0; 16];
    for (byte, pair) in digest.iter_mut().zip(word.as_bytes().chunks(2)) {
        let digits = str::from_utf8(pair).ok().filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
        let Some(value) = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) else {
            args.error(format!("Unable to interpret hex digit in '{word}'"));
            return;
        };
        *byte = value;
    }
    url.digest = Some(digest);
}

fn show_digest(url: &Url, shown: &mut Shown<'_>) {
    if let Some(digest) = url.digest {
        shown.text(&digest.map(|byte| format!("{byte:02x}")).concat());
    }
}

fn set_status(url: &mut Url, args: &mut Args<'_>) {
    while let Some(word) = args.word() {
        let code = |text: &str| {
            let digits = text.bytes().all(|digit| digit.is_ascii_digit());
            text.parse::<u16>().ok().filter(|code| digits && (100..=599).contains(code))
        };
        let (first, last) = word.split_once('-').unwrap_or((word, word));
        match (code(first), code(last)) {
            (Some(first), Some(last)) if first <= last => url.status.push((first, last)),
            _ => {
                args.error(format!("Invalid HTTP_GET status code '{word}'")).hint("100 to 599, or a range such as 200-299");
            }
        }
    }
}

fn show_status(url: &Url, shown: &mut Shown<'_>) {
    let range = |&(first, last): &(u16, u16)| if first == last { first.to_string() } else { format!("{first}-{last}") };
    if !url.status.is_empty() {
        shown.text(&url.status.iter().map(range).collect::<Vec<_>>().join(" "));
    }
}

fn set_regex(url: &mut Url, args: &mut Args<'_>) {
    let (Some(pattern), None) = (args.word(), args.word()) else {
        args.notice("regex missing or too many fields").hint("one word, in double quotes if it has blanks");
        return;
    };
    if let Some(old) = url.regex.pattern.replace(pattern.into()) {
        args.error(format!("Duplicate regex specified - replacing {old} with {pattern}"));
    }
}

fn set_regex_options(url: &mut Url, args: &mut Args<'_>) {
    while let Some(word) = args.word() {
        if !url.regex.options.insert(word) {
            args.notice(format!("unknown regex option {word} - ignoring"));
        }
    }
}

fn show_regex_options(url: &Url, shown: &mut Shown<'_>) {
    let names: Vec<&str> = url.regex.options.names().collect();
    if !names.is_empty() {
        shown.text(&names.join(" "));
    }
}

/// keepalived counts no fault of the offsets and of the stack.
fn set_offset(args: &mut Args<'_>, set: impl FnOnce(u64)) {
    let word = args.word().unwrap_or_default();
    match decimal(word).ok().and_then(|offset| u64::try_from(offset).ok()).filter(|_| !word.is_empty()) {
        Some(offset) => set(offset),
        None => {
            let keyword = args.keyword;
            args.notice(format!("Invalid {keyword} {word} specified"));
        }
    }
}

fn set_stack(url: &mut Url, args: &mut Args<'_>) {
    let size = |word: &str| decimal(word).ok().and_then(|size| u64::try_from(size).ok()).filter(|size| *size > 0);
    let text = match (args.word(), args.word()) {
        (Some(start), Some(max)) => match (size(start), size(max)) {
            (Some(start), Some(max)) if start <= max => {
                url.regex.stack = Some((start, max));
                return;
            }
            (Some(_), Some(_)) => "regex stack start cannot exceed max value",
            (None, _) => "regex_stack invalid start value",
            (_, None) => "regex_stack invalid max value",
        },
        _ => "regex_stack requires start and max values",
    };
    args.notice(text);
}

fn show_stack(url: &Url, shown: &mut Shown<'_>) {
    if let Some((start, max)) = url.regex.stack {
        shown.text(&format!("{start} {max}"));
    }
}
