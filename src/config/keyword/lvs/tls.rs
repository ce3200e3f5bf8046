//! `SSL`.

use super::value::text;
use crate::config::draft::Draft;
use crate::config::keyword::{Shown, Vocabulary, live};
use crate::config::parser::Parser;
use crate::config::syntax::Statement;
use crate::model::lvs::ClientTls;

pub(in crate::config::keyword) fn open_tls(root: &mut Draft, parser: &mut Parser<'_>, statement: &Statement<'_>) {
    if root.lvs.tls.is_some() {
        parser.error(statement.at, "SSL context already specified - replacing").hint("nothing of the first block is kept");
    }
    let mut tls = ClientTls::default();
    parser.body(statement, &TLS, &mut tls);
    root.lvs.tls = Some(tls);
}

pub(in crate::config::keyword) fn show_tls(root: &Draft, shown: &mut Shown<'_>) {
    if let Some(tls) = &root.lvs.tls {
        shown.block("", &TLS, tls);
    }
}

pub static TLS: Vocabulary<ClientTls> = Vocabulary::new(
    "SSL",
    &[
        live("password", text!("SSL password", |t| t.password), "none", "What the key is encrypted with, itself and not a file."),
        live("ca", text!("SSL cafile", |t| t.ca), "none", "File of authorities; servers are not verified against it."),
        live("certificate", text!("SSL certfile", |t| t.certificate), "none", "File with the client's certificate chain."),
        live("key", text!("SSL keyfile", |t| t.key), "none", "File with the client's key."),
    ],
);
