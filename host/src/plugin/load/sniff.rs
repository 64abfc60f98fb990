//! What a file is, by its first bytes: what can be loaded, and everything that people put there by mistake.

use super::LoadError;

/// What [`super::load`] can go on with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    CoreModule,
    Component,
    /// WebAssembly text, probably.
    Text,
}

const MAGIC: &[u8] = b"\0asm";

/// Beginnings of files that are no plugins: bytes, what they are, what to do.
const OTHERS: &[(&[u8], &str, &str)] = &[
    (b"\x1f\x8b", "gzip data", "decompress it first"),
    (b"\x28\xb5\x2f\xfd", "zstd data", "decompress it first"),
    (b"\xfd7zXZ", "xz data", "decompress it first"),
    (b"BZh", "bzip2 data", "decompress it first"),
    (b"PK\x03\x04", "a zip archive", "unpack it first"),
    (
        b"!<arch>\n",
        "a static library",
        "link it into a WebAssembly module",
    ),
    (
        b"BC\xc0\xde",
        "LLVM bitcode",
        "link it into a WebAssembly module",
    ),
    (b"MZ", "a Windows program", "build for a WebAssembly target"),
    (
        b"\xcf\xfa\xed\xfe",
        "a macOS program or library",
        "build for a WebAssembly target",
    ),
    (b"#!", "a script", "compile it to WebAssembly"),
    (
        b"version https://git-lfs",
        "a Git LFS pointer, not the file that it stands for",
        "run `git lfs pull`",
    ),
    (
        b"<",
        "HTML or XML, perhaps the error page of a download",
        "download it again",
    ),
    (
        b"{",
        "JSON, perhaps the error message of a download",
        "download it again",
    ),
];

/// Section names that wasmtime writes into the ELF files of its precompiled code.
const CWASM_MARK: &[u8] = b".wasmtime.";

pub(super) fn sniff(bytes: &[u8]) -> Result<Format, LoadError> {
    if bytes.is_empty() {
        return Err(LoadError::Empty);
    }
    if bytes.starts_with(MAGIC) {
        return sniff_wasm(bytes);
    }
    if bytes.len() < MAGIC.len() && MAGIC.starts_with(bytes) {
        return Err(LoadError::Truncated {
            size: bytes.len(),
            place: "inside the header",
        });
    }
    if bytes.starts_with(b"\x7fELF") {
        return Err(elf(bytes));
    }
    if bytes.iter().all(|byte| *byte == 0) {
        // What a copy that reserves its space first looks like before the data comes.
        return Err(LoadError::Malformed {
            offset: 0,
            reason: "there are only zeros in the file".into(),
        });
    }
    let text = bytes
        .strip_prefix(b"\xef\xbb\xbf")
        .unwrap_or(bytes)
        .trim_ascii_start();
    if looks_like_wat(text) {
        return Ok(Format::Text);
    }
    Err(other(bytes, text))
}

fn sniff_wasm(bytes: &[u8]) -> Result<Format, LoadError> {
    match bytes.get(MAGIC.len()..8) {
        Some([1, 0, 0, 0]) => Ok(Format::CoreModule),
        Some([0x0d, 0, 1, 0]) => Ok(Format::Component),
        Some([version, 0, 1, 0]) => Err(LoadError::NotWasm {
            what: format!(
                "a component in the binary format of draft {version:#04x}, where 0x0d is current"
            ),
            advice: "build it with current tools",
        }),
        Some(version) => Err(LoadError::NotWasm {
            what: format!("its header claims version {version:02x?}"),
            advice: "build it with current tools",
        }),
        None => Err(LoadError::Truncated {
            size: bytes.len(),
            place: "inside the header",
        }),
    }
}

fn elf(bytes: &[u8]) -> LoadError {
    if bytes
        .windows(CWASM_MARK.len())
        .any(|window| window == CWASM_MARK)
    {
        return LoadError::Precompiled;
    }
    LoadError::NotWasm {
        what: "an ELF file: native code, or a precompiled .cwasm".into(),
        advice: "build for a WebAssembly target and give the .wasm",
    }
}

/// The grammar allows only parentheses and comments at the top; a single `;` is the beginning of a comment.
fn looks_like_wat(text: &[u8]) -> bool {
    text.starts_with(b"(") || text.starts_with(b";;") || text == b";" || text.is_empty()
}

fn other(bytes: &[u8], text: &[u8]) -> LoadError {
    for (start, what, advice) in OTHERS {
        if bytes.starts_with(start) || text.starts_with(start) {
            return LoadError::NotWasm {
                what: (*what).into(),
                advice,
            };
        }
    }
    let what = format!(
        "it begins with \"{}\"",
        bytes[..bytes.len().min(16)].escape_ascii()
    );
    LoadError::NotWasm {
        what,
        advice: "a plugin is a WebAssembly component, module or text",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_formats_apart() {
        let cases: &[(&[u8], Format)] = &[
            (b"\0asm\x01\0\0\0", Format::CoreModule),
            (b"\0asm\x0d\0\x01\0", Format::Component),
            (b"(module)", Format::Text),
            (b"\xef\xbb\xbf\n  ;; words\n(module)", Format::Text),
            (b"(; words ;)", Format::Text),
        ];
        for (bytes, expected) in cases {
            assert_eq!(sniff(bytes).unwrap(), *expected, "{}", bytes.escape_ascii());
        }
    }

    #[test]
    fn says_what_it_found() {
        let cases: &[(&[u8], &str, bool)] = &[
            (b"", "the file is empty", true),
            (b"\0", "truncated", true),
            (b"\0asm\x01", "truncated", true),
            (b"\0\0\0\0\0", "only zeros", true),
            (b"\0asm\x0c\0\x01\0", "draft 0x0c", false),
            (b"\0asm\x02\0\0\0", "version [02, 00, 00, 00]", false),
            (
                b"\x7fELF\x02\x01\x01\0 .wasmtime.engine\0",
                "precompiled code (.cwasm) is not accepted",
                false,
            ),
            (b"\x7fELF\x02\x01\x01\0", "native code", false),
            (b"\x1f\x8b\x08\0", "gzip", false),
            (b"<!DOCTYPE html>", "HTML", false),
            (b"\n <html>", "HTML", false),
            (
                b"version https://git-lfs.github.com/spec/v1",
                "git lfs pull",
                false,
            ),
            (
                b"fn main() {}\xff",
                "begins with \"fn main() {}\\xff\"",
                false,
            ),
        ];
        for (bytes, expected, incomplete) in cases {
            let error = sniff(bytes).unwrap_err();
            assert!(error.to_string().contains(expected), "{error}");
            assert_eq!(error.could_be_incomplete(), *incomplete, "{error}");
        }
    }
}
