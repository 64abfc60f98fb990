//! Lines before and after, side by side.

use std::time::{Duration, Instant};

use similar::{Algorithm, DiffOp as Op, capture_diff_slices_deadline};

use super::data::{Diff, DiffOp, DiffRow};

/// Rows of a diff.
pub const MOST_ROWS: usize = 2_000;

/// Lines of one side that are compared. What comes behind them is left off, which is told.
pub const MOST_LINES: usize = 5_000;

/// After this the rest is taken as one change, which is right though not the shortest.
const PATIENCE: Duration = Duration::from_millis(200);

/// Compares lines. With more of them than [`MOST_LINES`] the first are compared.
pub fn diff(left: &[String], right: &[String]) -> Diff {
    let cut = left.len() > MOST_LINES || right.len() > MOST_LINES;
    let left = &left[..left.len().min(MOST_LINES)];
    let right = &right[..right.len().min(MOST_LINES)];
    let deadline = Some(Instant::now() + PATIENCE);
    let mut rows = Vec::new();
    for op in capture_diff_slices_deadline(Algorithm::Myers, left, right, deadline) {
        add(&mut rows, op, left, right);
    }
    let truncated = cut || rows.len() > MOST_ROWS;
    rows.truncate(MOST_ROWS);
    Diff { rows, truncated }
}

fn add(rows: &mut Vec<DiffRow>, op: Op, left: &[String], right: &[String]) {
    let what = match op {
        Op::Equal { .. } => DiffOp::Equal,
        Op::Insert { .. } => DiffOp::Insert,
        Op::Delete { .. } => DiffOp::Delete,
        Op::Replace { .. } => DiffOp::Replace,
    };
    let (old, new) = (op.old_range(), op.new_range());
    let (old, new) = match what {
        DiffOp::Insert => (&[][..], &right[new]),
        DiffOp::Delete => (&left[old], &[][..]),
        DiffOp::Equal | DiffOp::Replace => (&left[old], &right[new]),
    };
    for at in 0..old.len().max(new.len()) {
        let (left, right) = (old.get(at).cloned(), new.get(at).cloned());
        let op = match (&left, &right) {
            (None, _) => DiffOp::Insert,
            (_, None) => DiffOp::Delete,
            _ => what,
        };
        rows.push(DiffRow { op, left, right });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn lines_stand_beside_what_became_of_them() {
        let Diff { rows, truncated } = diff(&lines("a b c d e"), &lines("a x y z c e f"));
        let rows: Vec<_> = rows
            .iter()
            .map(|row| (row.op, row.left.as_deref(), row.right.as_deref()))
            .collect();
        assert_eq!(
            rows,
            [
                (DiffOp::Equal, Some("a"), Some("a")),
                (DiffOp::Replace, Some("b"), Some("x")),
                (DiffOp::Insert, None, Some("y")),
                (DiffOp::Insert, None, Some("z")),
                (DiffOp::Equal, Some("c"), Some("c")),
                (DiffOp::Delete, Some("d"), None),
                (DiffOp::Equal, Some("e"), Some("e")),
                (DiffOp::Insert, None, Some("f")),
            ]
        );
        assert!(!truncated);
    }

    #[test]
    fn what_is_long_is_cut_off_and_says_so() {
        let many = |count: usize| (0..count).map(|at| at.to_string()).collect::<Vec<_>>();
        let one = diff(&many(MOST_ROWS + 1), &many(MOST_ROWS + 1));
        assert_eq!((one.rows.len(), one.truncated), (MOST_ROWS, true));
        assert!(!diff(&many(MOST_ROWS), &many(MOST_ROWS)).truncated);
        let strange = |count: usize| (0..count).map(|at| format!("x{at}")).collect::<Vec<_>>();
        assert!(diff(&many(100_000), &strange(100_000)).truncated);
    }
}
