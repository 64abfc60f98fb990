//! Bytes that are the same but for what was masked.

use memchr::memmem;

use crate::record::mask::MASKED;

/// Whether `asked` is what `recorded` is, where each `[masked]` in that stands for anything.
pub fn is_like(recorded: &[u8], asked: &[u8]) -> bool {
    let mask = MASKED.as_bytes();
    let Some(first) = memmem::find(recorded, mask) else {
        return recorded == asked;
    };
    let (start, mut recorded) = (&recorded[..first], &recorded[first + mask.len()..]);
    let Some(mut asked) = asked.strip_prefix(start) else {
        return false;
    };
    while let Some(next) = memmem::find(recorded, mask) {
        let part = &recorded[..next];
        let Some(at) = memmem::find(asked, part) else {
            return false;
        };
        (recorded, asked) = (&recorded[next + mask.len()..], &asked[at + part.len()..]);
    }
    asked.ends_with(recorded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_masked_may_be_anything() {
        for (recorded, asked, like) in [
            ("abc", "abc", true),
            ("abc", "abcd", false),
            ("", "", true),
            ("a[masked]c", "abc", true),
            ("a[masked]c", "ac", true),
            ("a[masked]c", "a", false),
            ("a[masked]a", "a", false),
            ("[masked]", "", true),
            ("x=[masked]&y=[masked]&z", "x=1&y=2&z", true),
            ("x=[masked]&y=[masked]&z", "x=1&z", false),
            ("x=[masked]&y=[masked]&z", "x=1&y=2&zz", false),
            ("[masked]b", "abab", true),
        ] {
            assert_eq!(
                is_like(recorded.as_bytes(), asked.as_bytes()),
                like,
                "{recorded} {asked}"
            );
        }
    }
}
