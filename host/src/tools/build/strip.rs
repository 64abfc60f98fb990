//! Custom sections that a component can do without: what debuggers read always, function names on request.
//!
//! The host has no use for a debugger's sections, and they can be ten times the code. Names stay unless somebody says
//! otherwise, so that a trap says where it happened.

/// The first eight bytes of a core module and of a component.
const MODULE: &[u8] = b"\0asm\x01\0\0\0";
const COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";

/// Sections of both by their number.
const CUSTOM: u8 = 0;
/// Of a component: a core module, and another component.
const NESTED: [u8; 2] = [1, 4];

/// The component without debuggers' sections, and with `names` false without names. What can't be read stays as it is: it is
/// the loader that judges it.
pub fn stripped(component: Vec<u8>, names: bool) -> Vec<u8> {
    let goes = |name: &[u8]| {
        name.starts_with(b".debug_")
            || [&b"sourceMappingURL"[..], b"external_debug_info"].contains(&name)
            || (!names && [&b"name"[..], b"component-name"].contains(&name))
    };
    without(&component, &goes).unwrap_or(component)
}

/// The same without the custom sections whose names go; none if nothing goes or the sections can't be told apart.
fn without(binary: &[u8], goes: &dyn Fn(&[u8]) -> bool) -> Option<Vec<u8>> {
    let is_component = binary.starts_with(COMPONENT);
    if !is_component && !binary.starts_with(MODULE) {
        return None;
    }
    let (header, mut rest) = binary.split_at(MODULE.len());
    let mut kept = header.to_vec();
    let mut changed = false;
    while let Some((&id, after)) = rest.split_first() {
        let (size, after) = number(after)?;
        let (content, after) = after.split_at_checked(size)?;
        let section = &rest[..rest.len() - after.len()];
        rest = after;
        if id == CUSTOM {
            let (length, name) = number(content)?;
            if goes(name.get(..length)?) {
                changed = true;
                continue;
            }
        }
        match without(content, goes).filter(|_| is_component && NESTED.contains(&id)) {
            Some(content) => {
                changed = true;
                kept.push(id);
                write_number(&mut kept, content.len());
                kept.extend(content);
            }
            None => kept.extend_from_slice(section),
        }
    }
    changed.then_some(kept)
}

/// A number as WebAssembly writes sizes (LEB128, of 32 bits), and what stands behind it.
fn number(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let mut number = 0_u32;
    for (at, byte) in bytes.iter().enumerate().take(5) {
        number |= u32::from(byte & 0x7f).checked_shl(7 * u32::try_from(at).ok()?)?;
        if byte & 0x80 == 0 {
            return Some((usize::try_from(number).ok()?, &bytes[at + 1..]));
        }
    }
    None
}

fn write_number(bytes: &mut Vec<u8>, mut number: usize) {
    loop {
        let low = (number & 0x7f) as u8;
        number >>= 7;
        if number == 0 {
            return bytes.push(low);
        }
        bytes.push(low | 0x80);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn component() -> Vec<u8> {
        let filler = "x".repeat(300);
        let text = format!(
            r#"(component $outer
                (core module $m
                    (@custom ".debug_info" (after last) "{filler}")
                    (@custom "producers" (after last) "\00")
                    (func $trapping unreachable) (export "f" (func $trapping)))
                (component $inner (core module (@custom ".debug_line" (after last) "{filler}") (func $deep))))"#
        );
        wat::parse_str(text).unwrap()
    }

    fn has(binary: &[u8], text: &str) -> bool {
        binary
            .windows(text.len())
            .any(|bytes| bytes == text.as_bytes())
    }

    #[test]
    fn what_debuggers_read_goes_and_names_go_on_request() {
        let whole = component();
        wasmparser::validate(&whole).unwrap();
        let lean = stripped(whole.clone(), true);
        wasmparser::validate(&lean).unwrap();
        assert!(!has(&lean, ".debug_") && lean.len() < whole.len() - 600);
        assert!(has(&lean, "trapping") && has(&lean, "deep") && has(&lean, "producers"));
        let bare = stripped(whole, false);
        wasmparser::validate(&bare).unwrap();
        assert!(!has(&bare, "trapping") && !has(&bare, "deep") && has(&bare, "producers"));
        assert_eq!(stripped(bare.clone(), false), bare);
    }

    #[test]
    fn what_cannot_be_read_stays() {
        let whole = component();
        for length in 0..whole.len() {
            let cut = whole[..length].to_vec();
            let left = stripped(cut.clone(), true);
            assert!(left == cut || left.len() < cut.len());
        }
        for bytes in [
            &b"(component)"[..],
            b"\0asm\x01\0\0\0\0\xff\xff\xff\xff\xff\x0f",
        ] {
            assert_eq!(stripped(bytes.to_vec(), false), bytes);
        }
    }
}
