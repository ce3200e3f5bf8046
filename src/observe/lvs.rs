//! `keepalived_check.data`: the checker process.

use super::checker;
use super::command::left_out;
use super::global::{Part, definitions};
use super::sheet::Sheet;
use super::virtual_server::{group, virtual_server};
use crate::lvs::name;
use crate::lvs::view::View;
use crate::model::Model;
use crate::model::checker::{Checker, Probe};
use crate::model::lvs::{ClientTls, RealServer, VirtualServer};
use crate::model::script::Runner;
use crate::model::track::Weight;

/// `value` is the number in a track file.
pub fn text(model: &Model, view: &View, value: impl Fn(&str) -> Option<i32>) -> String {
    let objects = model.lvs.virtual_servers.iter().map(|server| 1 + server.real_servers.len()).sum();
    let mut sheet = Sheet::for_objects(objects);
    definitions(&mut sheet, &model.global, Part::Other);
    tls(&mut sheet, model);
    if !model.lvs.virtual_servers.is_empty() {
        sheet.section("LVS Topology");
        for each in &model.lvs.groups {
            group(&mut sheet, each, model, view);
        }
        for (server, seen) in model.lvs.virtual_servers.iter().zip(&view.servers) {
            virtual_server(&mut sheet, server, seen);
        }
    }
    checker::all(&mut sheet, model, view);
    files(&mut sheet, model, value);
    sessions(&mut sheet, model);
    left_out(&mut sheet, &model.global.scripts.disabled, Runner::Checker);
    sheet.done()
}

fn tls(sheet: &mut Sheet, model: &Model) {
    let every = checkers(model).map(|(_, _, checker)| checker);
    let speaks = every.clone().any(|checker| matches!(checker, Checker::Probe { probe: Probe::Http(http), .. } if http.tls));
    if !speaks {
        return;
    }
    sheet.section("SSL definitions");
    let Some(ClientTls { password, ca, certificate, key }) = &model.lvs.tls else {
        sheet.line(format_args!(" Using autogen SSL context"));
        return;
    };
    let hidden = password.as_ref().map(|_| super::json::HIDDEN.into());
    for (word, value) in [("Password", &hidden), ("CA-file", ca), ("Certificate file", certificate), ("Key file", key)] {
        if let Some(value) = value {
            sheet.line(format_args!(" {word} : {value}"));
        }
    }
}

/// Every checker, with whom it checks.
fn checkers(model: &Model) -> impl Iterator<Item = (&VirtualServer, &RealServer, &Checker)> + Clone {
    model.lvs.virtual_servers.iter().flat_map(|server| {
        server.real_servers.iter().flat_map(move |real| real.checkers.iter().map(move |checker| (server, real, checker)))
    })
}

fn files(sheet: &mut Sheet, model: &Model, value: impl Fn(&str) -> Option<i32>) {
    let mut begun = false;
    for file in crate::track::file::of_checkers(model) {
        if !std::mem::replace(&mut begun, true) {
            sheet.section("Checker track files");
        }
        sheet.line(format_args!(" Track file = {}", file.name));
        sheet.line(format_args!("   File = {}", file.path.display()));
        sheet.line(format_args!("   Status = {}", value(&file.name).unwrap_or(0)));
        sheet.line(format_args!("   Weight = {}", super::tracked::weight(file.weight)));
        sheet.line(format_args!("   Tracking instances :"));
        for (server, real, checker) in checkers(model) {
            if let Checker::File(check) = checker
                && check.track_file == file.name
            {
                let (server, real) = (name::virtual_server(server), name::real_server(server, real));
                sheet.line(format_args!("     {server} -> {real}, weight {}", weight(check.weight)));
            }
        }
    }
}

pub(super) fn weight(weight: Weight) -> impl std::fmt::Display {
    super::tracked::weight(weight)
}

fn sessions(sheet: &mut Sheet, model: &Model) {
    let mut begun = false;
    for session in model.bfd.iter().filter(|session| session.tells_checkers) {
        let watches = |checker: &Checker| matches!(checker, Checker::Bfd(check) if check.session == session.name);
        if !std::mem::replace(&mut begun, true) {
            sheet.section("Checker track BFDs");
        }
        sheet.line(format_args!(" Checker Track BFD = {}", session.name));
        sheet.line(format_args!("   Tracking RS :"));
        for (server, real, _) in checkers(model).filter(|(_, _, checker)| watches(checker)) {
            sheet.line(format_args!("   {}", name::real_server(server, real)));
        }
    }
}
