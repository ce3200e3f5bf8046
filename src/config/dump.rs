//! The canonical dump of a model: it reads back to an equal model.

use super::draft::Draft;
use super::keyword::root::ROOT;
use super::text::Dump;
use crate::model::Model;

/// A whole model as a configuration.
pub fn dump(model: &Model) -> String {
    write(model, Dump::default())
}

/// The same without keys and passwords, for logs and terminals.
pub fn masked(model: &Model) -> String {
    write(model, Dump::masked())
}

fn write(model: &Model, mut dump: Dump) -> String {
    ROOT.show(&Draft::from(model), &mut dump);
    dump.into_text()
}
