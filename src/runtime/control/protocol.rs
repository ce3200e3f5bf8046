//! What goes over the control socket: a line of JSON asks, a line of JSON answers. docs/CONTROL.md describes it. Pure.

use serde_json::{Value, json};

/// Of requests and answers. What is added later is added without breaking who knows this one.
pub(in crate::runtime) const VERSION: u64 = 1;
/// A request is no longer, its end of line included.
pub(in crate::runtime) const LONGEST: usize = 4096;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::runtime) enum Request {
    Status,
    Explain(Box<str>),
    Reload { force: bool },
    Plan { force: bool },
    Upgrade,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::runtime) struct Fault {
    /// For programs.
    pub(in crate::runtime) code: &'static str,
    pub(in crate::runtime) text: String,
}

impl Fault {
    pub(in crate::runtime) fn new(code: &'static str, text: impl Into<String>) -> Self {
        Self { code, text: text.into() }
    }

    pub(in crate::runtime) fn encode(&self) -> String {
        let value = json!({ "version": VERSION, "ok": false, "error": { "code": self.code, "text": self.text } });
        format!("{value}\n")
    }
}

impl Request {
    pub(in crate::runtime) const fn name(&self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Explain(_) => "explain",
            Self::Reload { .. } => "reload",
            Self::Plan { .. } => "plan",
            Self::Upgrade => "upgrade",
        }
    }

    pub(in crate::runtime) fn encode(&self) -> String {
        let mut value = json!({ "version": VERSION, "request": self.name() });
        match self {
            Self::Status | Self::Upgrade => {}
            Self::Explain(name) => value["name"] = (**name).into(),
            Self::Reload { force } | Self::Plan { force } => value["force"] = (*force).into(),
        }
        format!("{value}\n")
    }

    /// What a line asks for. Members that nobody knows are left alone: a newer client may have more to say.
    pub(in crate::runtime) fn decode(line: &[u8]) -> Result<Self, Fault> {
        let value: Value = serde_json::from_slice(line).map_err(|error| Fault::new("malformed", format!("this is no JSON: {error}")))?;
        if !value.is_object() {
            return Err(Fault::new("malformed", "a request is an object"));
        }
        match value.get("version").map(Value::as_u64) {
            Some(Some(VERSION)) => {}
            None => return Err(Fault::new("malformed", "a request has a version")),
            Some(_) => return Err(Fault::new("version", format!("this daemon speaks version {VERSION}"))),
        }
        let force = || match value.get("force") {
            None => Ok(false),
            Some(force) => force.as_bool().ok_or_else(|| Fault::new("malformed", "force is true or false")),
        };
        match value.get("request").and_then(Value::as_str) {
            Some("status") => Ok(Self::Status),
            Some("explain") => {
                let name = value.get("name").and_then(Value::as_str).ok_or_else(|| Fault::new("malformed", "explain takes a name"))?;
                Ok(Self::Explain(name.into()))
            }
            Some("reload") => Ok(Self::Reload { force: force()? }),
            Some("plan") => Ok(Self::Plan { force: force()? }),
            Some("upgrade") => Ok(Self::Upgrade),
            Some(other) => Err(Fault::new("unknown", format!("there is no request '{other}'"))),
            None => Err(Fault::new("malformed", "a request says what it requests")),
        }
    }
}

/// The beginning of a good answer, up to its first member.
pub(in crate::runtime) fn good(request: &str) -> String {
    format!("{{\"version\":{VERSION},\"ok\":true,\"request\":\"{request}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_cross_the_socket() {
        for request in [
            Request::Status,
            Request::Explain("VI_1 \"quoted\"\n\u{fc}".into()),
            Request::Explain("".into()),
            Request::Reload { force: true },
            Request::Reload { force: false },
            Request::Plan { force: true },
            Request::Upgrade,
        ] {
            let line = request.encode();
            assert!(line.ends_with('\n') && line.matches('\n').count() == 1, "{line}");
            assert_eq!(Request::decode(line.as_bytes()), Ok(request));
        }
        assert_eq!(Request::decode(br#"{"version":1,"request":"reload","since":"later"}"#), Ok(Request::Reload { force: false }));
    }

    #[test]
    fn what_is_no_request_is_told_why() {
        for (line, code) in [
            ("", "malformed"),
            ("status", "malformed"),
            ("[]", "malformed"),
            ("{}", "malformed"),
            (r#"{"request":"status"}"#, "malformed"),
            (r#"{"version":1}"#, "malformed"),
            (r#"{"version":1,"request":7}"#, "malformed"),
            (r#"{"version":1,"request":"explain"}"#, "malformed"),
            (r#"{"version":1,"request":"reload","force":"yes"}"#, "malformed"),
            (r#"{"version":2,"request":"status"}"#, "version"),
            (r#"{"version":"1","request":"status"}"#, "version"),
            (r#"{"version":1,"request":"dance"}"#, "unknown"),
            ("{\"version\":1,\"request\":\"status\"", "malformed"),
            ("\u{0}\u{1}GET / HTTP/1.1", "malformed"),
        ] {
            let fault = Request::decode(line.as_bytes()).err();
            assert_eq!(fault.as_ref().map(|fault| fault.code), Some(code), "{line}");
            let text = fault.map(|fault| fault.encode()).unwrap_or_default();
            let value: Value = serde_json::from_str(&text).expect("an answer is JSON");
            assert!(value["ok"] == false && value["error"]["code"] == code && text.ends_with('\n'));
        }
        assert_eq!(Request::decode(&[0xff, 0xfe]).err().map(|fault| fault.code), Some("malformed"));
        // As deep as a line can be.
        assert_eq!(Request::decode("[".repeat(LONGEST).as_bytes()).err().map(|fault| fault.code), Some("malformed"));
    }
}
