//! What lines look like: one of the formats that have a name, or a template.

use super::entry::AccessEntry;
use super::escape::Escape;
use super::json;
use super::variable::{VARIABLES, Variable};

/// The common log format of CERN and NCSA. There is no `ident`, and user names are not logged.
const COMMON: &str = "$remote_addr - - [$time_local] \"$request\" $status $body_bytes_sent";

/// Apache's: the common one with two fields of the request.
const COMBINED: &str = "$remote_addr - - [$time_local] \"$request\" $status $body_bytes_sent \"$http_referer\" \"$http_user_agent\"";

/// What begins a template whose values are to be written as JSON strings have them. nginx has it in the same place.
const ESCAPE_JSON: &str = "escape=json ";

/// Bytes of a template, and the fields that one may name: they are copied for each exchange.
const LONGEST: usize = 4096;
const MOST_FIELDS: usize = 32;

/// A format of lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessFormat {
    shape: Shape,
    /// Names of the fields whose values lines have, in lower case, each once.
    request_fields: Vec<Box<str>>,
    response_fields: Vec<Box<str>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Shape {
    Json,
    Template { parts: Vec<Part>, escape: Escape },
}

/// A piece of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Variable(Variable),
    /// Positions in the lists of names.
    RequestField(usize),
    ResponseField(usize),
}

impl Default for AccessFormat {
    fn default() -> Self {
        // It has no mistake, as a test says.
        Self::template(COMBINED).unwrap_or_else(|_| Self::json())
    }
}

impl AccessFormat {
    /// What a text stands for: `common`, `combined`, `json`, or a template.
    ///
    /// # Errors
    /// What is wrong with it, and what to write.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text {
            "common" => Self::template(COMMON),
            "combined" => Self::template(COMBINED),
            "json" => Ok(Self::json()),
            _ if !text.contains('$') => Err(
                "expected common, combined, json, or a template with variables such as $request and $status".to_owned(),
            ),
            _ => Self::template(text),
        }
    }

    fn json() -> Self {
        Self {
            shape: Shape::Json,
            request_fields: vec!["referer".into(), "user-agent".into()],
            response_fields: Vec::new(),
        }
    }

    fn template(text: &str) -> Result<Self, String> {
        if text.len() > LONGEST {
            return Err(format!("the template is longer than {LONGEST} bytes"));
        }
        if text.contains(['\n', '\r']) {
            return Err("a template is one line; each exchange gets one".to_owned());
        }
        let (text, escape) = match text.strip_prefix(ESCAPE_JSON) {
            Some(text) => (text, Escape::Json),
            None => (text, Escape::Default),
        };
        let mut format = Self {
            shape: Shape::Json,
            request_fields: Vec::new(),
            response_fields: Vec::new(),
        };
        let parts = format.parts(text)?;
        format.shape = Shape::Template { parts, escape };
        Ok(format)
    }

    fn parts(&mut self, text: &str) -> Result<Vec<Part>, String> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('$') {
            if !before.is_empty() {
                parts.push(Part::Text(before.to_owned()));
            }
            let (name, behind) = name(after)?;
            parts.push(self.part(name)?);
            rest = behind;
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        Ok(parts)
    }

    fn part(&mut self, name: &str) -> Result<Part, String> {
        if let Some((_, variable)) = VARIABLES.iter().find(|(known, _)| *known == name) {
            return Ok(Part::Variable(*variable));
        }
        // `sent_http_` first, as it is the longer one.
        if let Some(field) = name.strip_prefix("sent_http_") {
            return Ok(Part::ResponseField(place(
                &mut self.response_fields,
                field,
            )?));
        }
        if let Some(field) = name.strip_prefix("http_") {
            return Ok(Part::RequestField(place(&mut self.request_fields, field)?));
        }
        let names = VARIABLES.iter().map(|(name, _)| *name);
        let nearest = names
            .max_by(|a, b| strsim::jaro_winkler(name, a).total_cmp(&strsim::jaro_winkler(name, b)));
        Err(format!(
            "there is no variable ${name}; did you mean ${}? Fields are $http_NAME and $sent_http_NAME",
            nearest.unwrap_or_default()
        ))
    }

    /// Names of the request's fields that lines show, in lower case.
    pub fn request_fields(&self) -> &[Box<str>] {
        &self.request_fields
    }

    /// Names of the response's fields that lines show, in lower case.
    pub fn response_fields(&self) -> &[Box<str>] {
        &self.response_fields
    }

    /// The line for an exchange, with its end.
    pub fn line(&self, entry: &AccessEntry<'_>) -> String {
        let mut line = String::with_capacity(256);
        match &self.shape {
            Shape::Json => json::push(&mut line, entry),
            Shape::Template { parts, escape } => {
                for part in parts {
                    part.push(&mut line, entry, *escape);
                }
            }
        }
        line.push('\n');
        line
    }
}

impl Part {
    fn push(&self, line: &mut String, entry: &AccessEntry<'_>, escape: Escape) {
        let of = |values: &'_ [Option<Box<[u8]>>], at: usize| values.get(at).cloned().flatten();
        match self {
            Self::Text(text) => *line += text,
            Self::Variable(variable) => variable.push(line, entry, escape),
            Self::RequestField(at) => escape.push(line, of(entry.request_fields, *at).as_deref()),
            Self::ResponseField(at) => escape.push(line, of(entry.response_fields, *at).as_deref()),
        }
    }
}

/// The name at the beginning of a text, in braces or not, and what is behind it.
fn name(text: &str) -> Result<(&str, &str), String> {
    if let Some(braced) = text.strip_prefix('{') {
        let end = braced.split_once('}');
        return end.ok_or_else(|| "`${` has no `}`".to_owned());
    }
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    match text.split_at(end.unwrap_or(text.len())) {
        ("", _) => Err("a `$` has no name behind it; expected a variable such as $status".into()),
        found => Ok(found),
    }
}

/// The position of a field in a list of names, which gets it if it isn't there. `_` stands for `-`, as in nginx.
fn place(names: &mut Vec<Box<str>>, field: &str) -> Result<usize, String> {
    let name = field.to_ascii_lowercase().replace('_', "-");
    if name.is_empty() {
        return Err("$http_ and $sent_http_ need the name of a field behind them".to_owned());
    }
    if let Some(at) = names.iter().position(|known| **known == *name) {
        return Ok(at);
    }
    if names.len() == MOST_FIELDS {
        return Err(format!("more than {MOST_FIELDS} fields of one message"));
    }
    names.push(name.into());
    Ok(names.len() - 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access_log::entry::tests::entry;

    fn line(format: &str, entry: &AccessEntry<'_>) -> String {
        AccessFormat::parse(format).unwrap().line(entry)
    }

    #[test]
    fn the_formats_with_names_are_those_that_readers_know() {
        let common = "127.0.0.1 - - [30/Nov/2026:09:26:01 +0000] \"GET /a?b=c HTTP/1.1\" 200 17";
        assert_eq!(line("common", &entry()), format!("{common}\n"));
        let fields = [None, Some(Box::from(&b"curl \"8\""[..]))];
        let entry = AccessEntry {
            request_fields: &fields,
            ..entry()
        };
        let combined = format!("{common} \"-\" \"curl \\x228\\x22\"\n");
        assert_eq!(line("combined", &entry), combined);
        assert_eq!(AccessFormat::default().line(&entry), combined);

        let json: serde_json::Value = serde_json::from_str(&line("json", &entry)).unwrap();
        assert_eq!(json["time"], "2026-11-30T09:26:01.123456Z");
        assert_eq!(json["plugins"], serde_json::json!(["cors", "redact"]));
        assert_eq!(json["status"], 200);
        assert_eq!(json["user_agent"], "curl \"8\"");
        assert!(json["referer"].is_null() && json["error"].is_null());
    }

    #[test]
    fn every_variable_has_its_value() {
        let expected = "127.0.0.1|5000|30/Nov/2026:09:26:01 +0000|2026-11-30T09:26:01.123456Z|1796030761.123|\
                        GET /a?b=c HTTP/1.1|GET|/a?b=c|/a|b=c|b=c|http|example.test|HTTP/1.1|200|17|0|0.012|12345|\
                        000000000000001f|127.0.0.1:4566|0.011|11000|default|default|/a|cors,redact|complete|-|";
        let names = VARIABLES.iter().map(|(name, _)| format!("${name}"));
        let template = names.collect::<Vec<_>>().join("|");
        let written = line(&template, &entry());
        assert!(written.starts_with(expected), "{written}");
        let pid = std::process::id().to_string();
        assert!(written[expected.len()..].starts_with(&pid), "{written}");
    }

    #[test]
    fn a_template_has_text_braces_and_fields() {
        let values = [Some(Box::from(&b"a\nb"[..])), None];
        let entry = AccessEntry {
            request_fields: &values,
            response_fields: &values,
            ..entry()
        };
        let format = AccessFormat::parse(
            "${status}x $http_X_Api_key/$http_accept $sent_http_etag $http_x_api_key!",
        );
        let format = format.unwrap();
        assert_eq!(
            format.request_fields(),
            ["x-api-key".into(), Box::from("accept")]
        );
        assert_eq!(format.response_fields(), [Box::from("etag")]);
        assert_eq!(format.line(&entry), "200x a\\x0Ab/- a\\x0Ab a\\x0Ab!\n");

        let json = "escape=json {\"a\":\"$http_a\",\"b\":\"$http_b\",\"s\":$status}";
        assert_eq!(
            line(json, &entry),
            "{\"a\":\"a\\u000ab\",\"b\":\"\",\"s\":200}\n"
        );
    }

    #[test]
    fn an_exchange_of_which_little_is_known_has_its_line() {
        let entry = AccessEntry {
            method: "",
            target: "",
            authority: "",
            status: None,
            backend: None,
            backend_us: None,
            route: None,
            plugins: &[],
            ..entry()
        };
        let template = "\"$request\" $status $host $backend $upstream_response_time $route $plugins $uri $args";
        assert_eq!(line(template, &entry), "\"-\" - - - - - - - -\n");
    }

    #[test]
    fn mistakes_are_told() {
        for (text, mention) in [
            ("combinde", "common, combined, json"),
            ("$statsu", "did you mean $status?"),
            ("a $", "no name behind it"),
            ("${status", "no `}`"),
            ("$http_", "need the name of a field"),
            ("$status\n", "one line"),
        ] {
            let error = AccessFormat::parse(text).unwrap_err();
            assert!(error.contains(mention), "{text}: {error}");
        }
        let many: String = (0..=MOST_FIELDS).map(|n| format!("$http_f{n} ")).collect();
        assert!(AccessFormat::parse(&many).unwrap_err().contains("32"));
    }
}
