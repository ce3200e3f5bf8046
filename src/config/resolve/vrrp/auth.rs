//! Authentication: which of it the instance can have.

use super::Vrrps;
use super::family::Agreed;
use super::instance::Standing;
use crate::config::diagnostic::{Class, Phase};
use crate::config::draft::vrrp::{Authentication, Hmac as HmacDraft, HmacKey as KeyDraft, Instance as Draft, KeyText, Protection};
use crate::config::host::KeyFile;
use crate::config::keyword::vrrp::bytes_of_hex;
use crate::model::net::Family;
use crate::model::vrrp::{Auth, Hmac, HmacKey, HmacMode, Secret, Version};
use std::path::Path;
use std::time::Duration;

impl Vrrps<'_, '_> {
    pub(super) fn auth(&mut self, draft: &mut Draft, agreed: &Agreed, standing: Standing, interval: Duration) -> Auth {
        let hmac = draft.hmac.take().and_then(|hmac| self.hmac(hmac, standing.strict, interval));
        let Some(simple) = draft.authentication.take() else {
            return hmac.map_or(Auth::None, |hmac| Auth::Hmac(Box::new(hmac)));
        };
        if let Some(hmac) = hmac {
            self.fault(simple.at, format!("({}) authentication cannot be used with auth_hmac. Ignoring.", draft.name));
            return Auth::Hmac(Box::new(hmac));
        }
        self.simple(&simple, agreed.family, standing)
    }

    fn simple(&mut self, simple: &Authentication, family: Family, standing: Standing) -> Auth {
        let (name, at) = (&simple.instance, simple.at);
        let Some(protection) = simple.protection else { return Auth::None };
        let Some(password) = simple.password.clone().filter(|password| !password.0.is_empty()) else {
            self.fault(at, format!("({name}) Authentication specified but no password given. Ignoring")).hint("auth_pass STRING");
            return Auth::None;
        };
        if standing.version == Version::V3 {
            self.fault(at, format!("({name}) VRRP version 3 does not support authentication. Ignoring."))
                .hint("auth_hmac is for every version");
            return Auth::None;
        }
        if standing.strict {
            self.fault(at, format!("({name}) Strict mode does not support authentication. Ignoring."));
            return Auth::None;
        }
        match protection {
            Protection::Pass => Auth::Pass(password),
            Protection::Ah if family == Family::V6 => {
                self.fault(at, format!("({name}) Cannot use AH authentication with IPv6. ignoring"));
                Auth::None
            }
            Protection::Ah => Auth::Ah(password),
        }
    }

    fn hmac(&mut self, draft: HmacDraft, strict: bool, interval: Duration) -> Option<Hmac> {
        const SHORTEST: u64 = 5;
        const LONGEST: u64 = 300;
        let name = draft.instance;
        let mut keys: Vec<HmacKey> = Vec::with_capacity(draft.keys.len());
        for key in draft.keys {
            if keys.iter().any(|known| known.id == key.id) {
                self.error(key.at, format!("({name}) auth_hmac key {} already defined - ignoring", key.id));
            } else if let Some(secret) = self.secret(&name, &key) {
                keys.push(HmacKey { id: key.id, secret });
            }
        }
        let Some(active) = draft.active.filter(|active| keys.iter().any(|key| key.id == *active)) else {
            let text = match draft.active {
                Some(active) => format!("({name}) auth_hmac active_key {active} is not defined - auth_hmac is disabled"),
                None => format!("({name}) auth_hmac has no active_key - auth_hmac is disabled"),
            };
            self.fault(draft.end, text).hint("key ID VALUE and active_key ID");
            return None;
        };
        let mut mode = draft.mode;
        if strict && mode != HmacMode::Enforce {
            self.fault(draft.at, format!("({name}) Strict mode requires auth_hmac mode enforce. resetting"));
            mode = HmacMode::Enforce;
        }
        let window = draft.window.unwrap_or(Duration::from_secs((3 * interval.as_secs()).clamp(SHORTEST, LONGEST)));
        Some(Hmac { keys, active, window, replay: draft.replay, mode })
    }

    fn secret(&mut self, name: &str, key: &KeyDraft) -> Option<Secret> {
        let bytes = match &key.text {
            KeyText::Bytes(bytes) => bytes.clone(),
            KeyText::File(path) => self.key_file(name, key, path)?,
        };
        if !(32..=64).contains(&bytes.len()) {
            let text = format!("({name}) auth_hmac key {} has {} bytes - ignoring", key.id, bytes.len());
            self.error(key.at, text).hint("a key has 32 to 64 bytes");
            return None;
        }
        Some(Secret(bytes))
    }

    /// A key in a file is a text, or `hex:` and digits; line ends behind it do not count.
    fn key_file(&mut self, name: &str, key: &KeyDraft, path: &str) -> Option<Box<[u8]>> {
        let Some(KeyFile { mut bytes, exposed }) = self.resolver.host.key_file(Path::new(path)) else {
            self.error(key.at, format!("({name}) auth_hmac key {} cannot be read from {path}", key.id)).word(path);
            return None;
        };
        if exposed {
            let text = format!("({name}) auth_hmac key file {path} can be read by others than its owner");
            self.resolver.problems.report(Class::Security, Phase::Reading, Some(key.at), text).hint(format!("chmod 600 {path}"));
        }
        while matches!(bytes.last(), Some(b'\r' | b'\n')) {
            bytes.pop();
        }
        let Some(hex) = bytes.strip_prefix(b"hex:") else { return Some(bytes.into()) };
        let decoded = std::str::from_utf8(hex).ok().and_then(bytes_of_hex);
        if decoded.is_none() {
            self.error(key.at, format!("({name}) auth_hmac key {} is not a hexadecimal string", key.id)).word(path);
        }
        decoded
    }
}
