//! The values that `~SEQ` and `~LST` step through, made one at a time: a sequence costs the same however long it is.

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Values {
    Range { next: Option<i64>, step: i64, end: i64, hexadecimal: bool },
    List { rows: Vec<Vec<String>>, next: usize },
}

impl Values {
    /// From `start` to `end` and no further, by `step`; none when that leads away from the end.
    pub(super) fn range(start: i64, step: i64, end: i64, hexadecimal: bool) -> Option<Self> {
        let forward = if step > 0 { start <= end } else { step < 0 && start >= end };
        forward.then_some(Self::Range { next: Some(start), step, end, hexadecimal })
    }

    pub(super) fn list(rows: Vec<Vec<String>>) -> Self {
        Self::List { rows, next: 0 }
    }

    /// How many are to come.
    pub(super) fn count(&self) -> u64 {
        match self {
            Self::Range { next: None, .. } => 0,
            Self::Range { next: Some(next), step, end, .. } => (end.abs_diff(*next) / step.unsigned_abs().max(1)).saturating_add(1),
            Self::List { rows, next } => u64::try_from(rows.len() - next).unwrap_or(u64::MAX),
        }
    }

    /// The values for the variables, in their order; a variable without one gets the empty text.
    pub(super) fn advance(&mut self) -> Option<Vec<String>> {
        match self {
            Self::Range { next, step, end, hexadecimal } => {
                let value = (*next)?;
                let following = value.checked_add(*step);
                *next = following.filter(|n| if *step > 0 { n <= end } else { n >= end });
                Some(vec![if *hexadecimal { format!("{value:x}") } else { value.to_string() }])
            }
            Self::List { rows, next } => {
                let row = rows.get_mut(*next)?;
                *next += 1;
                Some(std::mem::take(row))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::directive::{Kind, bounds, repetition, values};
    use super::*;

    fn all(mut values: Values) -> String {
        let mut rows = Vec::new();
        while let Some(row) = values.advance() {
            rows.push(row.join(","));
        }
        rows.join(" ")
    }

    #[test]
    fn ranges_run_as_observed() {
        for (parameters, hexadecimal, want) in [
            ("N, 3", false, "1 2 3"),
            ("N, 0", false, "1 0"),
            ("N, -2", false, "-1 -2"),
            ("N,3,1", false, "3 2 1"),
            ("N, 10, -5, 0", false, "10 5 0"),
            (" N , 5 , -2 , 1 ", false, "5 3 1"),
            ("N,0x10,016", false, "16 15 14"),
            ("N, 9, 11", true, "9 a b"),
            ("1N, 1", false, "1"),
            ("N, 9223372036854775806, 9223372036854775807", false, "9223372036854775806 9223372036854775807"),
        ] {
            let (_, values) = bounds(parameters, hexadecimal).expect(parameters);
            let count = values.count();
            let text = all(values);
            assert_eq!(text, want, "{parameters}");
            assert_eq!(usize::try_from(count).expect("small"), text.split(' ').count(), "{parameters}");
        }
    }

    #[test]
    fn malformed_ranges_are_told_apart() {
        for (parameters, hexadecimal, want) in [
            ("N", false, "Invalid ~SEQ definition"),
            ("", false, "Invalid ~SEQ definition"),
            (",2", false, "Invalid ~SEQ definition"),
            ("N,1,x", false, "Invalid ~SEQ definition"),
            ("N,1,5x", false, "Invalid ~SEQ definition"),
            ("N,1,09", false, "Invalid ~SEQ definition"),
            ("N,1,2,3,4", false, "Invalid ~SEQ definition"),
            ("N,1,99999999999999999999", false, "Invalid ~SEQ definition"),
            ("N, 0, -5, 10", false, "Invalid ~SEQ values"),
            ("N, 1, 0, 5", false, "Invalid ~SEQ values"),
            ("N,-1,1", true, "~SEQx is only valid for positive numbers"),
        ] {
            assert_eq!(bounds(parameters, hexadecimal).map_err(|fault| fault.text), Err(want), "{parameters}");
        }
    }

    #[test]
    fn a_range_over_everything_counts_itself() {
        let (_, values) = bounds("N, -9223372036854775808, 9223372036854775807", false).expect("a range");
        assert_eq!(values.count(), u64::MAX);
    }

    #[test]
    fn lists_run_as_observed() {
        for (parameters, names, want) in [
            ("V, 1, x", "V", "1 x"),
            ("{A, B}, {1, x}, {2, y}, {3}", "A B", "1,x 2,y 3"),
            ("{A, B}, 1, 2", "A B", "1 2"),
            ("{A}, 1, {2}", "A", "1 2"),
            ("N,,x,", "N", " x "),
            ("A,$M,'2'", "A", "$M '2'"),
        ] {
            let (seen, rows) = values(parameters).expect(parameters);
            assert_eq!((seen.join(" ").as_str(), all(rows).as_str()), (names, want), "{parameters}");
        }
        for (parameters, want) in [
            ("N", "Invalid ~LST specification"),
            ("{A, B}", "Invalid ~LST specification"),
            ("N,a,b c,d", "Invalid ~LST specification"),
            ("{A, B}, {1, x, z}", "~LST specification has too many values"),
            ("A, {1, 2}", "~LST specification has too many values"),
            (", a", "Invalid ~LST specification"),
        ] {
            assert_eq!(values(parameters).map_err(|fault| fault.text), Err(want), "{parameters}");
        }
    }

    #[test]
    fn the_head_ends_at_the_first_closing_parenthesis() {
        let head = repetition("~SEQx (N, $M)  a ) b").expect("a sequence");
        assert_eq!((head.kind, head.parameters, head.rest), (Kind::Range { hexadecimal: true }, "N, $M", "a ) b"));
        assert_eq!(repetition("~SEQ(N,2)foo").map(|r| r.rest), Some("foo"));
        assert_eq!(repetition("~SEQ(N,2"), None);
        assert_eq!(repetition("~FOO(N,2) x"), None);
    }
}
