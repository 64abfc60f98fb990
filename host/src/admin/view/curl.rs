//! A request as a curl command, for whoever wants to send it again by hand.

use super::lines::lossy;
use crate::record::{Recorded, StartLine};

/// Fields that curl makes itself.
const BY_CURL: [&str; 5] = [
    "host",
    "content-length",
    "transfer-encoding",
    "connection",
    "accept-encoding",
];

/// The command, for a POSIX shell. What was masked stays so, and a body that was not kept whole is left out and named.
pub fn curl(exchange: &Recorded) -> String {
    let request = &exchange.request;
    let StartLine::Request { method, .. } = &request.line else {
        return String::new();
    };
    let content = &request.content;
    let mut words = vec!["curl".to_owned()];
    match &**method {
        "GET" if content.length == 0 => {}
        "HEAD" => words.push("--head".to_owned()),
        "POST" if content.length > 0 => {}
        method => words.push(format!("--request {}", quoted(method))),
    }
    let url = exchange.url();
    if url.contains(['[', ']', '{', '}']) {
        words.push("--globoff".to_owned());
    }
    words.push(format!("--url {}", quoted(&url)));
    for field in &request.fields {
        if BY_CURL
            .iter()
            .any(|name| field.name.eq_ignore_ascii_case(name))
        {
            continue;
        }
        let value = lossy(&field.value);
        // With a colon curl would leave an empty field out.
        let field = match value.is_empty() {
            true => format!("{};", field.name),
            false => format!("{}: {value}", field.name),
        };
        words.push(format!("--header {}", quoted(&field)));
    }
    let has_type = request.field("content-type").is_some();
    let mut note = String::new();
    let is_whole = content.kept.len() as u64 == content.length;
    match std::str::from_utf8(&content.kept) {
        _ if content.length == 0 => {}
        Ok(text) if is_whole && !text.contains('\0') => {
            if !has_type {
                // Curl would say that it is a form.
                words.push("--header 'content-type:'".to_owned());
            }
            words.push(format!("--data-raw {}", quoted(text)));
        }
        _ => {
            let (kept, length) = (content.kept.len(), content.length);
            note = format!(
                "# its body is not here: {kept} of {length} bytes are kept, and must be text\n"
            );
        }
    }
    format!("{note}{}\n", words.join(" \\\n  "))
}

/// A word for a POSIX shell, whatever is in it.
fn quoted(word: &str) -> String {
    let is_plain = !word.is_empty()
        && word
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-_./:=,+@%".contains(&b));
    match is_plain {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::sample::{self, content, field};

    #[test]
    fn says_what_was_asked() {
        let expected = "curl \\\n  --url 'https://api.example.com:8443/orders/7?x=1' \\\n  --header 'X-Tenant: Blue' \\\n  \
            --header 'Content-Type: application/json' \\\n  --data-raw '{\"word\":\"open sesame\"}'\n";
        assert_eq!(curl(&sample::exchange()), expected);
    }

    /// The shell gives curl the words that were meant, and nothing of them is run.
    #[test]
    fn no_value_is_read_by_the_shell() {
        let mut exchange = sample::exchange();
        let nasty = "@'; touch pwned; $(touch pwned) `touch pwned` \"\\ !!\n";
        exchange.request.fields = vec![field("x-nasty", nasty.trim_end()), field("x-empty", "")];
        exchange.request.content = content(nasty.as_bytes());
        let dir = tempfile::tempdir().unwrap();
        let script = format!(
            "curl() {{ for word; do printf '%s\\0' \"$word\"; done; }}\n{}",
            curl(&exchange)
        );
        let output = std::process::Command::new("sh")
            .args(["-c", &script])
            .current_dir(dir.path())
            .output()
            .unwrap();
        let words = String::from_utf8(output.stdout).unwrap();
        let words: Vec<_> = words.split_terminator('\0').collect();
        let header = format!("x-nasty: {}", nasty.trim_end());
        let expected = [
            "--url",
            "https://api.example.com:8443/orders/7?x=1",
            "--header",
            &header,
            "--header",
            "x-empty;",
            "--header",
            "content-type:",
            "--data-raw",
            nasty,
        ];
        assert_eq!(words, expected);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_body_that_is_not_whole_is_left_out_and_named() {
        let mut exchange = sample::exchange();
        exchange.request.content.length += 1;
        let command = curl(&exchange);
        assert!(
            command.starts_with("# its body is not here: 22 of 23 bytes"),
            "{command}"
        );
        assert!(!command.contains("--data"), "{command}");
    }
}
