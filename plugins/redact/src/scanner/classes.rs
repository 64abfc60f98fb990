//! What a byte can be a part of.

/// A letter or a digit of ASCII.
pub const ALNUM: u8 = 1;
/// May stand in the name before the `@` of an address.
pub const LOCAL: u8 = 2;
/// May stand in a secret key of AWS.
pub const KEY: u8 = 4;
/// Needs a look of its own.
pub const SPECIAL: u8 = 8;
/// May stand in a bearer token (RFC 6750, section 2.1).
pub const TOKEN: u8 = 16;
/// May stand between the two markers of a PEM block, beside what a base64 body has: headers, and line ends.
pub const PEM: u8 = 32;

/// The classes of each byte.
pub const CLASS: [u8; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = class(byte as u8);
        byte += 1;
    }
    table
};

const fn class(byte: u8) -> u8 {
    match byte {
        b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => ALNUM | LOCAL | KEY | TOKEN | PEM,
        b'+' => LOCAL | KEY | TOKEN | PEM,
        b'/' => KEY | TOKEN | PEM,
        b'-' => LOCAL | SPECIAL | TOKEN | PEM,
        b'.' | b'_' => LOCAL | TOKEN | PEM,
        b'~' => TOKEN,
        b'\n' => SPECIAL | PEM,
        b'@' | b'\\' | b'"' => SPECIAL,
        b'=' | b' ' | b'\t' | b'\r' | b':' | b',' | b'(' | b')' => PEM,
        _ => 0,
    }
}

/// Whether the byte is of one of these classes.
pub fn is(byte: u8, classes: u8) -> bool {
    CLASS[byte as usize] & classes != 0
}
