//! Lines of a text with wildcards beside the lines that came: which stands for which.

use super::pattern;

/// Pairs of lines that are looked at; of larger texts only beginning and end are brought together.
const MOST_PAIRS: usize = 250_000;

/// A text's lines, each with its line break.
pub(super) fn lines(text: &[u8]) -> Vec<&[u8]> {
    text.split_inclusive(|byte| *byte == b'\n').collect()
}

/// For each line that came the number of the expected one that it meets, in the same order; as many as can be.
pub(super) fn align<L: AsRef<[u8]>>(expected: &[L], came: &[L]) -> Vec<Option<usize>> {
    let meets = |e: &L, c: &L| pattern::meets(e.as_ref(), c.as_ref());
    let mut aligned = vec![None; came.len()];
    let both = expected.len().min(came.len());
    let begin = (0..both)
        .take_while(|at| meets(&expected[*at], &came[*at]))
        .count();
    let from_end = |length: usize, at: usize| length - 1 - at;
    let end = (0..both - begin)
        .take_while(|at| {
            meets(
                &expected[from_end(expected.len(), *at)],
                &came[from_end(came.len(), *at)],
            )
        })
        .count();
    for (at, line) in aligned.iter_mut().enumerate().take(begin) {
        *line = Some(at);
    }
    for at in 0..end {
        aligned[from_end(came.len(), at)] = Some(from_end(expected.len(), at));
    }
    let left = &expected[begin..expected.len() - end];
    let right = &came[begin..came.len() - end];
    if left.len() * right.len() <= MOST_PAIRS {
        for (l, r) in common(left, right, meets) {
            aligned[begin + r] = Some(begin + l);
        }
    }
    aligned
}

/// The longest common subsequence, as pairs of places.
fn common<L>(left: &[L], right: &[L], meets: impl Fn(&L, &L) -> bool) -> Vec<(usize, usize)> {
    let mut met = vec![vec![false; right.len()]; left.len()];
    // The length of what the rests from here have in common.
    let mut length = vec![vec![0_u32; right.len() + 1]; left.len() + 1];
    for l in (0..left.len()).rev() {
        for r in (0..right.len()).rev() {
            met[l][r] = meets(&left[l], &right[r]);
            let skip = length[l + 1][r].max(length[l][r + 1]);
            length[l][r] = match met[l][r] {
                true => skip.max(length[l + 1][r + 1] + 1),
                false => skip,
            };
        }
    }
    let (mut l, mut r, mut pairs) = (0, 0, Vec::new());
    while l < left.len() && r < right.len() {
        if met[l][r] && length[l][r] == length[l + 1][r + 1] + 1 {
            pairs.push((l, r));
            (l, r) = (l + 1, r + 1);
        } else if length[l + 1][r] >= length[l][r + 1] {
            l += 1;
        } else {
            r += 1;
        }
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_brought_together_in_their_order() {
        type Case = (
            &'static [&'static str],
            &'static [&'static str],
            &'static [Option<usize>],
        );
        let cases: [Case; 6] = [
            (&["a", "b"], &["a", "b"], &[Some(0), Some(1)]),
            (
                &["a", "{{any}}", "c"],
                &["a", "x", "d"],
                &[Some(0), Some(1), None],
            ),
            (
                &["a", "{{re:x+}}", "c"],
                &["new", "a", "xx", "c"],
                &[None, Some(0), Some(1), Some(2)],
            ),
            (
                &["q", "{{re:x+}}", "r", "c"],
                &["xx", "s", "c"],
                &[Some(1), None, Some(3)],
            ),
            (&[], &["a"], &[None]),
            (&["a", "a"], &["a"], &[Some(0)]),
        ];
        for (expected, came, aligned) in cases {
            assert_eq!(align(expected, came), aligned, "{expected:?} {came:?}");
        }
        assert_eq!(lines(b"a\n\nb"), [&b"a\n"[..], b"\n", b"b"]);
    }
}
