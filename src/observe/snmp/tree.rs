//! Objects by their names, in order: tables whose rows and columns are known, and whose values are made when they are asked for.

use crate::wire::agentx::{Oid, Value};
use std::cmp::Ordering;
use std::fmt;

/// Where the things that a row is about are in what the values are made of.
pub(super) type Place = [usize; 3];

/// A table, or a row of scalars.
pub(super) struct Table<S> {
    /// What the names of its objects begin with.
    entry: Oid,
    /// Whatever is not among them is no object of the table. In order.
    columns: &'static [u32],
    /// By index, in order.
    rows: Vec<(Box<[u32]>, Place)>,
    /// A row need not have all of the columns.
    value: fn(&S, Place, u32) -> Option<Value>,
}

/// All tables, and what their values are made of.
#[derive(Debug)]
pub struct Tree<S> {
    scene: S,
    tables: Vec<Table<S>>,
}

impl<S> fmt::Debug for Table<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} rows", self.entry, self.rows.len())
    }
}

impl<S> Table<S> {
    /// Of several rows with one index the first is the one that there is.
    pub(super) fn new(
        entry: &Oid,
        columns: &'static [u32],
        rows: impl IntoIterator<Item = (Box<[u32]>, Place)>,
        value: fn(&S, Place, u32) -> Option<Value>,
    ) -> Self {
        let mut rows: Vec<_> = rows.into_iter().collect();
        rows.sort_by(|(one, _), (other, _)| one.cmp(other));
        rows.dedup_by(|(one, _), (other, _)| one == other);
        Self { entry: entry.clone(), columns, rows, value }
    }

    /// Objects of which there is one each.
    pub(super) fn scalars(group: &Oid, columns: &'static [u32], value: fn(&S, Place, u32) -> Option<Value>) -> Self {
        Self::new(group, columns, [(Box::from([0]), Place::default())], value)
    }

    fn first(&self) -> Oid {
        self.entry.join(self.columns.get(..1).unwrap_or_default())
    }

    fn get(&self, scene: &S, name: &[u32]) -> Value {
        let Some((column, index)) = name.split_first().filter(|(column, _)| self.columns.contains(column)) else {
            return Value::NoSuchObject;
        };
        let found = self.rows.binary_search_by(|(row, _)| (**row).cmp(index)).ok().and_then(|at| self.rows.get(at));
        found.and_then(|(_, place)| (self.value)(scene, *place, *column)).unwrap_or(Value::NoSuchInstance)
    }

    /// The first object at or behind the name.
    fn next(&self, scene: &S, start: &[u32], include: bool) -> Option<(Oid, Value)> {
        // What of the name is about columns and rows; without anything, all of the table is behind it.
        let rest = match start.strip_prefix(self.entry.parts()) {
            Some(rest) => rest,
            None if start < self.entry.parts() => &[],
            None => return None,
        };
        let (asked, index) = rest.split_first().map_or((0, rest), |(column, index)| (*column, index));
        for &column in self.columns {
            let from = match column.cmp(&asked) {
                Ordering::Less => continue,
                Ordering::Greater => 0,
                Ordering::Equal => self.rows.partition_point(|(row, _)| if include { &**row < index } else { &**row <= index }),
            };
            for (row, place) in self.rows.get(from..).unwrap_or_default() {
                if let Some(value) = (self.value)(scene, *place, column) {
                    return Some((self.entry.join(&[&[column], &**row].concat()), value));
                }
            }
        }
        None
    }
}

impl<S> Tree<S> {
    pub(super) fn new(scene: S, mut tables: Vec<Table<S>>) -> Self {
        tables.sort_by_cached_key(Table::first);
        Self { scene, tables }
    }

    /// One that is not there is told as what is missing.
    pub fn get(&self, name: &Oid) -> Value {
        // Rows of scalars may be interrupted by tables, and then are several tables with one beginning.
        let mut missing = Value::NoSuchObject;
        for table in &self.tables {
            let Some(rest) = name.below(table.entry.parts()) else { continue };
            match table.get(&self.scene, rest) {
                Value::NoSuchObject => {}
                Value::NoSuchInstance => missing = Value::NoSuchInstance,
                value => return value,
            }
        }
        missing
    }

    /// The first one at or behind `start`, and before `end` unless that is null.
    pub fn next(&self, start: &Oid, include: bool, end: &Oid) -> Option<(Oid, Value)> {
        let found = self.tables.iter().find_map(|table| table.next(&self.scene, start.parts(), include))?;
        (end.is_null() || found.0 < *end).then_some(found)
    }

    /// All of them.
    pub fn walk(&self) -> impl Iterator<Item = (Oid, Value)> {
        let mut at = Oid::default();
        std::iter::from_fn(move || {
            let found = self.next(&at, false, &Oid::default())?;
            at = found.0.clone();
            Some(found)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two scalars, a table, and two scalars more, as `KEEPALIVED-MIB` has them in places.
    fn tree() -> Tree<()> {
        let base = Oid::from([1, 3]);
        let value = |(): &(), place: Place, column: u32| {
            // One cell is missing.
            (place != [0, 1, 0] || column != 3).then(|| Value::Integer(i32::try_from(place[1] * 10).unwrap_or(-1) + column.cast_signed()))
        };
        let rows = [[7].as_slice(), &[7, 1], &[5], &[7]].into_iter().enumerate().map(|(at, index)| (index.into(), [0, at, 0]));
        Tree::new(
            (),
            vec![
                Table::scalars(&base, &[4, 9], value),
                Table::new(&base.join(&[3, 1]), &[2, 3], rows, value),
                Table::scalars(&base, &[1, 2], value),
                Table::new(&base.join(&[6, 1]), &[1], [], value),
            ],
        )
    }

    #[test]
    fn all_objects_come_in_the_order_of_their_names() {
        let names: Vec<String> = tree().walk().map(|(name, _)| name.to_string()).collect();
        let table = ["1.3.3.1.2.5", "1.3.3.1.2.7", "1.3.3.1.2.7.1", "1.3.3.1.3.5", "1.3.3.1.3.7"];
        assert_eq!(names, [&["1.3.1.0", "1.3.2.0"], &table[..], &["1.3.4.0", "1.3.9.0"]].concat());
        assert!(tree().walk().is_sorted_by(|one, other| one.0 < other.0));
    }

    #[test]
    fn each_has_the_value_that_a_walk_shows() {
        let tree = tree();
        assert_eq!(tree.walk().count(), 9);
        for (name, value) in tree.walk() {
            assert_eq!(tree.get(&name), value, "{name}");
            assert_eq!(tree.next(&name, true, &Oid::default()), Some((name, value)));
        }
    }

    #[test]
    fn what_is_not_there_is_told_as_what_is_missing() {
        let tree = tree();
        for (name, want) in [
            (&[1, 3, 1, 0][..], Value::Integer(1)),
            (&[1, 3, 1], Value::NoSuchInstance),
            (&[1, 3, 1, 1], Value::NoSuchInstance),
            (&[1, 3, 1, 0, 0], Value::NoSuchInstance),
            (&[1, 3, 4, 0], Value::Integer(4)),
            (&[1, 3, 5, 0], Value::NoSuchObject),
            (&[1, 3, 3, 1, 2, 7, 1], Value::Integer(12)),
            (&[1, 3, 3, 1, 3, 7, 1], Value::NoSuchInstance),
            (&[1, 3, 3, 1, 4, 7], Value::NoSuchObject),
            (&[1, 3, 3], Value::NoSuchObject),
            (&[1, 4], Value::NoSuchObject),
            (&[], Value::NoSuchObject),
        ] {
            assert_eq!(tree.get(&Oid::new(name)), want, "{name:?}");
        }
    }

    #[test]
    fn the_next_one_is_behind_the_name_and_before_the_end() {
        let tree = tree();
        for (start, include, end, want) in [
            (&[][..], false, &[][..], Some("1.3.1.0")),
            (&[1, 3], false, &[], Some("1.3.1.0")),
            (&[1, 3, 1, 0], false, &[], Some("1.3.2.0")),
            (&[1, 3, 1, 0], true, &[], Some("1.3.1.0")),
            (&[1, 3, 2, 0], false, &[1, 3, 3], None),
            (&[1, 3, 2, 0], false, &[1, 3, 3, 1, 2, 5], None),
            (&[1, 3, 2, 0], false, &[1, 3, 3, 1, 2, 6], Some("1.3.3.1.2.5")),
            (&[1, 3, 3, 1, 2, 6], false, &[], Some("1.3.3.1.2.7")),
            (&[1, 3, 3, 1, 2, 7], false, &[], Some("1.3.3.1.2.7.1")),
            (&[1, 3, 3, 1, 2, 7, 0], true, &[], Some("1.3.3.1.2.7.1")),
            (&[1, 3, 3, 1, 3, 7], false, &[], Some("1.3.4.0")),
            (&[1, 3, 3, 0, 9], false, &[], Some("1.3.3.1.2.5")),
            (&[1, 3, 4, 1], false, &[], Some("1.3.9.0")),
            (&[1, 3, 9, 0], false, &[], None),
            (&[1, 4], true, &[], None),
        ] {
            let found = tree.next(&Oid::new(start), include, &Oid::new(end)).map(|(name, _)| name.to_string());
            assert_eq!(found.as_deref(), want, "{start:?} {include} {end:?}");
        }
    }
}
