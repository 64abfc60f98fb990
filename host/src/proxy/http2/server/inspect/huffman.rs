//! The Huffman code of HPACK (RFC 7541, appendix B). It is canonical: the lengths say all.

use std::sync::LazyLock;

/// Bits of each symbol's code; the last symbol is the end of a string.
const LENGTHS: [u8; 257] = [
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28,
    28, 28, 28, 28, 28, 28, 28, 28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5,
    5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10, 13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
    7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6, 15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6,
    6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28, 20, 22, 20, 20, 22, 22, 22, 23, 22,
    23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24, 22,
    21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20,
    22, 22, 22, 23, 22, 22, 23, 26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19,
    21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27, 20, 24, 20, 21, 22, 21, 21, 23, 22,
    22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26, 30,
];

/// A step through eight bits: to a table further down, or to a symbol and the bits that its code takes of the eight.
#[derive(Debug, Clone, Copy)]
enum Step {
    None,
    Table(usize),
    Symbol { symbol: u8, bits: u8 },
}

static TABLES: LazyLock<Vec<[Step; 256]>> = LazyLock::new(tables);

fn tables() -> Vec<[Step; 256]> {
    let mut tables = vec![[Step::None; 256]];
    let mut symbols: Vec<usize> = (0..LENGTHS.len()).collect();
    symbols.sort_by_key(|symbol| (LENGTHS[*symbol], *symbol));
    let (mut code, mut length) = (0u32, LENGTHS[symbols[0]]);
    for symbol in symbols {
        code <<= LENGTHS[symbol] - length;
        length = LENGTHS[symbol];
        // The end of a string has no place within one.
        if let Ok(symbol) = u8::try_from(symbol) {
            enter(&mut tables, symbol, code, length);
        }
        code += 1;
    }
    tables
}

fn enter(tables: &mut Vec<[Step; 256]>, symbol: u8, code: u32, mut length: u8) {
    let mut table = 0;
    while length > 8 {
        length -= 8;
        let index = (code >> length) as usize & 0xff;
        table = match tables[table][index] {
            Step::Table(next) => next,
            _ => {
                let next = tables.len();
                tables.push([Step::None; 256]);
                tables[table][index] = Step::Table(next);
                next
            }
        };
    }
    let spare = 8 - length;
    let first = (code << spare) as usize & 0xff;
    tables[table][first..first + (1 << spare)].fill(Step::Symbol {
        symbol,
        bits: length,
    });
}

/// Appends the decoded string; none if it is not one.
pub(super) fn decode(coded: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let tables = &*TABLES;
    let (mut bits, mut count, mut table) = (0u64, 0u32, 0);
    let mut coded = coded.iter();
    // Bits since the last symbol.
    let mut open = 0;
    loop {
        while count <= 56
            && let Some(byte) = coded.next()
        {
            bits = bits << 8 | u64::from(*byte);
            count += 8;
        }
        if count == 0 {
            break;
        }
        // At the end, what is missing is taken for ones, as padding is.
        let index = if count >= 8 {
            bits >> (count - 8)
        } else {
            bits << (8 - count) | ((1 << (8 - count)) - 1)
        };
        match tables[table][usize::try_from(index & 0xff).ok()?] {
            Step::None => return None,
            Step::Table(_) if count < 8 => break,
            Step::Table(next) => {
                (table, count, open) = (next, count - 8, open + 8);
            }
            Step::Symbol { bits, .. } if u32::from(bits) > count => break,
            Step::Symbol { symbol, bits } => {
                out.push(symbol);
                (table, count, open) = (0, count - u32::from(bits), 0);
            }
        }
    }
    // Padding is less than a byte, of ones (RFC 7541, section 5.2).
    let ones = (1u64 << count) - 1;
    (open + count < 8 && bits & ones == ones).then_some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(coded: &[u8]) -> Option<String> {
        let mut out = Vec::new();
        decode(coded, &mut out)?;
        Some(out.iter().map(|byte| char::from(*byte)).collect())
    }

    #[test]
    fn strings_of_the_rfc() {
        // RFC 7541, appendix C.4 and C.6.
        let cases: [(&[u8], &str); 5] = [
            (
                b"\xf1\xe3\xc2\xe5\xf2\x3a\x6b\xa0\xab\x90\xf4\xff",
                "www.example.com",
            ),
            (b"\xa8\xeb\x10\x64\x9c\xbf", "no-cache"),
            (b"\x25\xa8\x49\xe9\x5b\xb8\xe8\xb4\xbf", "custom-value"),
            (b"\x64\x02", "302"),
            (b"", ""),
        ];
        for (coded, plain) in cases {
            assert_eq!(decoded(coded).as_deref(), Some(plain));
        }
    }

    #[test]
    fn every_symbol_comes_back() {
        let mut symbols: Vec<usize> = (0..257).collect();
        symbols.sort_by_key(|symbol| (LENGTHS[*symbol], *symbol));
        let (mut code, mut length) = (0u64, 5);
        for symbol in symbols {
            code <<= LENGTHS[symbol] - length;
            length = LENGTHS[symbol];
            let padding = (8 - length % 8) % 8;
            let padded = code << padding | ((1 << padding) - 1);
            let bytes = padded.to_be_bytes();
            let coded = &bytes[8 - usize::from((length + padding) / 8)..];
            let expected = u8::try_from(symbol).ok().map(|symbol| vec![symbol]);
            let mut out = Vec::new();
            let got = decode(coded, &mut out).map(|()| out);
            assert_eq!(got, expected, "{symbol}");
            code += 1;
        }
        assert_eq!(code, 1 << 30, "the code is complete");
    }

    #[test]
    fn padding_is_short_and_of_ones() {
        assert_eq!(decoded(b"\x07").as_deref(), Some("0"));
        assert_eq!(decoded(b"\x00"), None);
        assert_eq!(decoded(b"\xff"), None);
        assert_eq!(decoded(b"\x64\x02\xff"), None);
    }
}
