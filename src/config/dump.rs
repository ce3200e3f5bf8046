//! The canonical dump of a model: it reads back to an equal model.

use super::draft::Draft;
use super::keyword::root::ROOT;
use super::text::Dump;
use crate::model::Model;

/// A whole model as a configuration.
pub fn dump(model: &Model) -> String {
    let mut dump = Dump::default();
    ROOT.show(&Draft::from(model), &mut dump);
    dump.into_text()
}
