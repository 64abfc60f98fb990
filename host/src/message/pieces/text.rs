//! Where text may be cut: between the characters of UTF-8.

/// How many bytes at the end of `before` and `after` together are the beginning of a character whose rest is missing: 0 to 3.
/// Bytes that can't become a character don't count.
pub(super) fn cut_character(before: &[u8], after: &[u8]) -> usize {
    let mut last = [0; 3];
    let mut len = 0;
    for &byte in after.iter().rev().chain(before.iter().rev()).take(3) {
        len += 1;
        last[3 - len] = byte;
        // All bytes of a character but the first begin with the bits 10.
        if byte & 0xc0 != 0x80 {
            break;
        }
    }
    let is_cut = match std::str::from_utf8(&last[3 - len..]) {
        // No length: valid as far as it goes, and not at its end.
        Err(error) => error.valid_up_to() == 0 && error.error_len().is_none(),
        Ok(_) => false,
    };
    if is_cut { len } else { 0 }
}
