//! `authentication` and `auth_hmac`.

use crate::config::args::Args;
use crate::config::draft::vrrp::{Authentication, Hmac, HmacKey, Instance, KeyText, Protection};
use crate::config::keyword::{Shown, Vocabulary, line, live, number, whole_seconds};
use crate::config::parser::Parser;
use crate::config::syntax::Statement;
use crate::config::text::word;
use crate::model::vrrp::{AntiReplay, HmacMode, Password};
use std::fmt::Write;

/// A second block adds to the first.
pub(super) fn open_authentication(instance: &mut Instance, parser: &mut Parser<'_>, statement: &Statement<'_>) {
    let name = &instance.name;
    let mut draft = instance.authentication.take().unwrap_or_else(|| Authentication {
        instance: name.clone(),
        at: statement.at,
        protection: None,
        password: None,
    });
    parser.body(statement, &AUTHENTICATION, &mut draft);
    instance.authentication = Some(draft);
}

pub(super) fn show_authentication(instance: &Instance, shown: &mut Shown<'_>) {
    if let Some(authentication) = &instance.authentication {
        shown.block("", &AUTHENTICATION, authentication);
    }
}

pub static AUTHENTICATION: Vocabulary<Authentication> = Vocabulary::new(
    "authentication",
    &[
        live(
            "auth_type",
            line!("AH|PASS", "", set_protection, show_protection),
            "none",
            "AH for an IPsec header, PASS for a password in clear.",
        ),
        live("auth_pass", line!("STRING", "up to 8 bytes", set_password, show_password), "none", "Key or password."),
    ],
);

fn set_protection(authentication: &mut Authentication, args: &mut Args<'_>) {
    match args.need() {
        None => {}
        Some("AH") => authentication.protection = Some(Protection::Ah),
        Some("PASS") => authentication.protection = Some(Protection::Pass),
        Some(other) => {
            args.error(format!("({}) unknown authentication type '{other}'", authentication.instance)).hint("AH or PASS");
        }
    }
}

fn show_protection(authentication: &Authentication, shown: &mut Shown<'_>) {
    match authentication.protection {
        None => {}
        Some(Protection::Ah) => shown.text("AH"),
        Some(Protection::Pass) => shown.text("PASS"),
    }
}

fn set_password(authentication: &mut Authentication, args: &mut Args<'_>) {
    let Some(text) = args.need() else { return };
    let mut length = text.len();
    if length > Password::LENGTH {
        args.error("Truncating auth_pass to 8 characters").hint("the protocol has room for 8 bytes");
        length = (Password::LENGTH..length).find(|&at| text.is_char_boundary(at)).unwrap_or(length);
    }
    authentication.password = text.get(..length).map(|text| Password(text.into()));
}

fn show_password(authentication: &Authentication, shown: &mut Shown<'_>) {
    if let Some(password) = &authentication.password {
        let text = shown.dump.secret(word(&password.0));
        shown.text(&text);
    }
}

pub(super) fn open_hmac(instance: &mut Instance, parser: &mut Parser<'_>, statement: &Statement<'_>) {
    let name = &instance.name;
    let mut draft = instance.hmac.take().unwrap_or_else(|| Hmac {
        instance: name.clone(),
        at: statement.at,
        end: statement.at,
        keys: Vec::new(),
        active: None,
        window: None,
        replay: AntiReplay::default(),
        mode: HmacMode::default(),
    });
    draft.end = parser.body(statement, &HMAC, &mut draft);
    instance.hmac = Some(draft);
}

pub(super) fn show_hmac(instance: &Instance, shown: &mut Shown<'_>) {
    if let Some(hmac) = &instance.hmac {
        shown.block("", &HMAC, hmac);
    }
}

pub static HMAC: Vocabulary<Hmac> = Vocabulary::new(
    "auth_hmac",
    &[
        live(
            "key",
            line!("ID VALUE|hex:HEX|file:PATH", "1..255; 32..64 bytes", set_key, show_keys),
            "required",
            "A key that verifies; may be repeated.",
        ),
        live::<Hmac>("active_key", number!(active: u8, 1, 255), "required", "The key that signs.").strict(),
        live::<Hmac>(
            "time_window",
            whole_seconds!(window, 1, 300),
            "three advert intervals, at least 5, at most 300",
            "How far a sender's clock may be from ours.",
        )
        .strict(),
        live(
            "anti_replay",
            line!("time|monotonic", "", set_replay, show_replay),
            "time",
            "Sequence numbers must grow, and with time be near the clock.",
        ),
        live(
            "mode",
            line!("enforce|permissive|receive-only", "", set_mode, show_mode),
            "enforce",
            "Demand the trailer, send it without demanding it, or only verify it.",
        ),
    ],
);

fn set_key(hmac: &mut Hmac, args: &mut Args<'_>) {
    let Some(id) = args.number::<u8>(1, 255) else { return };
    let Some(value) = args.need() else { return };
    let text = if let Some(hex) = value.strip_prefix("hex:") {
        match bytes_of_hex(hex) {
            Some(bytes) => KeyText::Bytes(bytes),
            None => {
                let text = format!("({}) auth_hmac key {id} is not a hexadecimal string", hmac.instance);
                args.error(text).hint("an even number of hexadecimal digits");
                return;
            }
        }
    } else if let Some(path) = value.strip_prefix("file:") {
        KeyText::File(path.into())
    } else {
        KeyText::Bytes(value.as_bytes().into())
    };
    hmac.keys.push(HmacKey { at: args.at, id, text });
}

/// Pairs of hexadecimal digits.
pub(in crate::config) fn bytes_of_hex(text: &str) -> Option<Box<[u8]>> {
    let digits: Option<Vec<u8>> = text.chars().map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok())).collect();
    let digits = digits?;
    (digits.len() % 2 == 0).then(|| digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect())
}

fn show_keys(hmac: &Hmac, shown: &mut Shown<'_>) {
    for key in &hmac.keys {
        let value = match &key.text {
            KeyText::File(path) => format!("file:{path}"),
            KeyText::Bytes(bytes) => bytes.iter().fold("hex:".to_owned(), |mut hex, byte| {
                let _ = write!(hex, "{byte:02x}");
                hex
            }),
        };
        let text = shown.dump.secret(word(&value));
        shown.text(&format!("{} {text}", key.id));
    }
}

fn set_replay(hmac: &mut Hmac, args: &mut Args<'_>) {
    hmac.replay = match args.need() {
        None => return,
        Some("time") => AntiReplay::Time,
        Some("monotonic") => AntiReplay::Monotonic,
        Some(other) => {
            args.error(format!("({}) unknown auth_hmac anti_replay '{other}' - ignoring", hmac.instance)).hint("time or monotonic");
            return;
        }
    };
}

fn show_replay(hmac: &Hmac, shown: &mut Shown<'_>) {
    shown.text(match hmac.replay {
        AntiReplay::Time => "time",
        AntiReplay::Monotonic => "monotonic",
    });
}

fn set_mode(hmac: &mut Hmac, args: &mut Args<'_>) {
    hmac.mode = match args.need() {
        None => return,
        Some("enforce") => HmacMode::Enforce,
        Some("permissive") => HmacMode::Permissive,
        Some("receive-only") => HmacMode::ReceiveOnly,
        Some(other) => {
            args.error(format!("({}) unknown auth_hmac mode '{other}' - ignoring", hmac.instance))
                .hint("enforce, permissive or receive-only");
            return;
        }
    };
}

fn show_mode(hmac: &Hmac, shown: &mut Shown<'_>) {
    shown.text(match hmac.mode {
        HmacMode::Enforce => "enforce",
        HmacMode::Permissive => "permissive",
        HmacMode::ReceiveOnly => "receive-only",
    });
}
