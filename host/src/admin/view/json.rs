//! JSON with a line for each value. Only white space is changed: no number loses digits, and no key its place.

/// Indents what is JSON.
pub fn indented(json: &str) -> String {
    let mut text = String::with_capacity(json.len() * 2);
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    let mut open = false;
    for c in json.chars() {
        if in_string {
            text.push(c);
            in_string = escaped || c != '"';
            escaped = c == '\\' && !escaped;
            continue;
        }
        if c.is_ascii_whitespace() {
            continue;
        }
        let closes = matches!(c, '}' | ']');
        if closes {
            depth = depth.saturating_sub(1);
        }
        // An empty object or array stays on its line.
        if open != closes && (open || closes) {
            break_line(&mut text, depth);
        }
        text.push(c);
        open = matches!(c, '{' | '[');
        match c {
            '{' | '[' => depth += 1,
            ',' => break_line(&mut text, depth),
            ':' => text.push(' '),
            '"' => in_string = true,
            _ => {}
        }
    }
    text
}

fn break_line(text: &mut String, depth: usize) {
    text.push('\n');
    text.extend(std::iter::repeat_n("  ", depth.min(64)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_as_others_indent_it() {
        let cases = [
            r#"{"a":1,"b":[1,2,{"c":[]}],"d":{}, "e":"x{,\"[:","f":null}"#,
            "[]",
            "[[],[1]]",
            r#"[ "\\" , "\\\"" ]"#,
        ];
        for json in cases {
            let value: serde_json::Value = serde_json::from_str(json).unwrap();
            assert_eq!(
                indented(json),
                serde_json::to_string_pretty(&value).unwrap(),
                "{json}"
            );
        }
    }

    #[test]
    fn nothing_but_white_space_changes() {
        let json = r#"{"z": 1.10, "a": 12345678901234567890123, "z": "doubled"}"#;
        let without = |text: &str| text.replace([' ', '\n'], "");
        assert_eq!(without(&indented(json)), without(json));
    }
}
