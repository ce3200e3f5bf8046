//! What is asked, and the answer to it (RFC 2741 section 7.2.3).

use super::tree::Tree;
use crate::wire::agentx::{Range, Value, VarBind};

/// So many variables are answered for at most: an agent that asks for more gets fewer, which it is used to.
const MOST: usize = 2000;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Query {
    Get(Vec<Range>),
    Next(Vec<Range>),
    Bulk { non_repeaters: u16, max_repetitions: u16, ranges: Vec<Range> },
}

impl Query {
    pub fn answer<S>(&self, tree: &Tree<S>) -> Vec<VarBind> {
        match self {
            Self::Get(ranges) => {
                let bind = |range: &Range| VarBind { name: range.start.clone(), value: tree.get(&range.start) };
                ranges.iter().map(bind).collect()
            }
            Self::Next(ranges) => ranges.iter().map(|range| next(tree, range)).collect(),
            Self::Bulk { non_repeaters, max_repetitions, ranges } => {
                let (once, again) = ranges.split_at(ranges.len().min(usize::from(*non_repeaters)));
                let mut binds: Vec<VarBind> = once.iter().map(|range| next(tree, range)).collect();
                let mut again = again.to_vec();
                for _ in 0..*max_repetitions {
                    if again.is_empty() || binds.len() + again.len() > MOST {
                        break;
                    }
                    let row: Vec<VarBind> = again.iter().map(|range| next(tree, range)).collect();
                    let over = row.iter().all(|bind| bind.value == Value::EndOfMibView);
                    for (range, bind) in again.iter_mut().zip(&row) {
                        range.start = bind.name.clone();
                        range.include = false;
                    }
                    binds.extend(row);
                    if over {
                        break;
                    }
                }
                binds
            }
        }
    }
}

fn next<S>(tree: &Tree<S>, range: &Range) -> VarBind {
    match tree.next(&range.start, range.include, &range.end) {
        Some((name, value)) => VarBind { name, value },
        None => VarBind { name: range.start.clone(), value: Value::EndOfMibView },
    }
}

#[cfg(test)]
mod tests {
    use super::super::tree::Table;
    use super::*;
    use crate::wire::agentx::Oid;

    /// Without an end.
    fn from(start: &[u32]) -> Range {
        Range { start: Oid::new(start), include: false, end: Oid::default() }
    }

    /// 1.1.1 to 1.1.3, and 2.1.1.
    fn tree() -> Tree<()> {
        let rows = |count: u32| (1..=count).map(|row| (Box::from([row]), [0; 3]));
        let value = |(): &(), _, _| Some(Value::Null);
        Tree::new((), vec![Table::new(&[1].into(), &[1], rows(3), value), Table::new(&[2].into(), &[1], rows(1), value)])
    }

    fn said(query: &Query) -> Vec<String> {
        let end = |bind: &VarBind| if bind.value == Value::EndOfMibView { " end" } else { "" };
        query.answer(&tree()).iter().map(|bind| format!("{}{}", bind.name, end(bind))).collect()
    }

    #[test]
    fn each_variable_is_answered_in_its_place() {
        assert_eq!(said(&Query::Next(vec![from(&[2]), from(&[1, 1, 3]), from(&[2, 1, 1])])), ["2.1.1", "2.1.1", "2.1.1 end"]);
        let got = Query::Get(vec![from(&[1, 1, 2]), from(&[1, 1, 9])]).answer(&tree());
        assert_eq!(got.iter().map(|bind| &bind.value).collect::<Vec<_>>(), [&Value::Null, &Value::NoSuchInstance]);
    }

    #[test]
    fn bulk_repeats_until_all_are_at_their_end() {
        let bulk = |non_repeaters, max_repetitions, starts: &[&[u32]]| {
            let ranges = starts.iter().map(|start| from(start)).collect();
            said(&Query::Bulk { non_repeaters, max_repetitions, ranges })
        };
        assert_eq!(bulk(1, 2, &[&[2], &[1]]), ["2.1.1", "1.1.1", "1.1.2"]);
        assert_eq!(bulk(0, 2, &[&[1], &[2]]), ["1.1.1", "2.1.1", "1.1.2", "2.1.1 end"]);
        assert_eq!(bulk(0, 100, &[&[1, 1, 3], &[2]]), ["2.1.1", "2.1.1", "2.1.1 end", "2.1.1 end"]);
        assert_eq!(bulk(9, 5, &[&[1]]), ["1.1.1"]);
        assert_eq!(bulk(0, 0, &[&[1]]), [""; 0]);
    }

    #[test]
    fn bulk_has_an_end_however_much_is_asked_for() {
        let rows = (1..=3000).map(|row| (Box::from([row]), [0; 3]));
        let tree = Tree::new((), vec![Table::new(&[1].into(), &[1], rows, |(): &(), _, _| Some(Value::Null))]);
        let query = Query::Bulk { non_repeaters: 0, max_repetitions: u16::MAX, ranges: vec![from(&[1])] };
        assert_eq!(query.answer(&tree).len(), MOST);
    }
}
