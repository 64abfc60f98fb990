//! The little XML that is written and read here: elements with text in them, as AWS and moto write them.

/// Text as it stands in an element.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&apos;"),
            // XML has no other control characters, not even escaped.
            c if c.is_control() && !"\n\t\r".contains(c) => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}

/// An element with a text.
pub fn element(name: &str, text: &str) -> String {
    format!("<{name}>{}</{name}>", escape(text))
}

/// The content of the first element of this name, as it stands there. Elements inside of one with the same name are not looked for.
pub fn inside<'a>(document: &'a str, name: &str) -> Option<&'a str> {
    all(document, name).next()
}

/// The text of the first element of this name.
pub fn text(document: &str, name: &str) -> Option<String> {
    inside(document, name).map(unescape)
}

/// The contents of all elements of this name.
pub fn all<'a>(document: &'a str, name: &str) -> impl Iterator<Item = &'a str> {
    let (open, close) = (format!("<{name}"), format!("</{name}>"));
    let mut rest = document;
    std::iter::from_fn(move || {
        loop {
            let behind = &rest[rest.find(&open)? + open.len()..];
            rest = behind;
            // `<Key` is also the begin of `<KeyCount`.
            let is_whole = behind.starts_with(['>', '/', ' ', '\n', '\r', '\t']);
            let tag = is_whole.then(|| behind.split_once('>')).flatten();
            let Some((attributes, content)) = tag else {
                continue;
            };
            if attributes.ends_with('/') {
                rest = content;
                return Some("");
            }
            let end = content.find(&close)?;
            rest = &content[end + close.len()..];
            return Some(&content[..end]);
        }
    })
}

/// The text that escaped text stands for.
pub fn unescape(escaped: &str) -> String {
    let mut text = String::with_capacity(escaped.len());
    let mut rest = escaped;
    while let Some(at) = rest.find('&') {
        text.push_str(&rest[..at]);
        let entity = &rest[at + 1..];
        match entity
            .split_once(';')
            .and_then(|(name, behind)| Some((character(name)?, behind)))
        {
            Some((character, behind)) => {
                text.push(character);
                rest = behind;
            }
            None => {
                text.push('&');
                rest = entity;
            }
        }
    }
    text.push_str(rest);
    text
}

fn character(entity: &str) -> Option<char> {
    match entity {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => {
            let number = entity.strip_prefix('#')?;
            let number = match number.strip_prefix(['x', 'X']) {
                Some(digits) => u32::from_str_radix(digits, 16),
                None => number.parse(),
            };
            char::from_u32(number.ok()?)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_found_by_their_whole_name() {
        let document = "<R xmlns=\"x\"><KeyCount>2</KeyCount><Key>a</Key><Key/><Key a='b'>c &amp; &#233;&#xe9;</Key></R>";
        let keys: Vec<_> = all(document, "Key").map(unescape).collect();
        assert_eq!(keys, ["a", "", "c & éé"]);
        assert_eq!(text(document, "KeyCount").as_deref(), Some("2"));
        assert_eq!(text(document, "Count"), None);
        assert!(inside(document, "R").is_some_and(|inside| inside.starts_with("<KeyCount>")));
    }

    #[test]
    fn what_is_cut_off_is_nothing() {
        for document in ["", "<Key", "<Key>", "<Key>a</Ke", "<Key/", "<KeyCount>"] {
            assert_eq!(text(document, "Key"), None, "{document}");
        }
    }

    #[test]
    fn text_comes_back_as_it_was() {
        let text = "a<b>&\"c'\n&amp; é & ; &x;";
        assert_eq!(unescape(&escape(text)), text);
        assert_eq!(unescape("& &x; &#; &#xd800; &"), "& &x; &#; &#xd800; &");
        assert_eq!(escape("\u{0}"), "\u{fffd}");
    }
}
