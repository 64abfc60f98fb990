//! In which form a client wants to be told of an error.

use smallvec::SmallVec;

use crate::message::{Fields, Known, as_text, syntax};

/// How an error is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Text,
    Json,
    /// By `Proxy-Status` alone. AWS SDKs, for example, retry a 5xx only if its body is empty.
    Empty,
    Grpc,
}

impl Form {
    /// The form for a request with these fields.
    ///
    /// Text and JSON are for clients that ask for them; `*/*` asks for nothing in particular. Between the two `Accept`
    /// decides, and text wins a tie. `text/html` counts as asking for text where nothing else does: browsers show it.
    pub fn wanted(asked: &Fields) -> Self {
        let kind = asked.get(Known::ContentType);
        if kind.is_some_and(|kind| {
            kind.starts_with(b"application/grpc") && !kind.starts_with(b"application/grpc-web")
        }) {
            return Form::Grpc;
        }
        if !asked.contains(Known::Accept) {
            return Form::Empty;
        }
        let lists = asked.get_all(Known::Accept).filter(|list| *list != b"*/*");
        let ranges: SmallVec<[_; 8]> = lists
            .flat_map(syntax::items)
            .filter_map(|range| media_range(as_text(range)?))
            .collect();
        let json = weight(&ranges, "application", "json");
        let text = weight(&ranges, "text", "plain");
        match (json, text) {
            (0, 0) if weight(&ranges, "text", "html") > 0 => Form::Text,
            (0, 0) => Form::Empty,
            (json, text) if json > text => Form::Json,
            _ => Form::Text,
        }
    }
}

/// A media range of `Accept` with its weight: type, subtype, thousandths (RFC 9110, section 12.5.1).
type MediaRange<'a> = (&'a str, &'a str, u32);

fn media_range(range: &str) -> Option<MediaRange<'_>> {
    let mut parts = range.split(';').map(str::trim);
    let (kind, subtype) = parts.next()?.split_once('/')?;
    let quality = parts.find_map(|part| part.strip_prefix("q=").or(part.strip_prefix("Q=")));
    let quality = quality.map_or(Ok(1.0), str::parse::<f32>).ok()?;
    // Between 0 and 1 by the grammar; anything else is taken for its nearest.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped before"
    )]
    let weight = (quality.clamp(0.0, 1.0) * 1000.0) as u32;
    Some((kind, subtype, weight))
}

/// How much a media type is asked for: the most specific range decides, and `*/*` asks for none.
fn weight(ranges: &[MediaRange<'_>], kind: &str, subtype: &str) -> u32 {
    let named = |name: &str, range: &str| range.eq_ignore_ascii_case(name);
    let find = |fits: &dyn Fn(&MediaRange<'_>) -> bool| ranges.iter().find(|range| fits(range));
    let range = find(&|range| named(kind, range.0) && named(subtype, range.1))
        .or_else(|| find(&|range| named(kind, range.0) && range.1 == "*"));
    range.map_or(0, |range| range.2)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn the_form_is_the_one_that_the_client_prefers() {
        let cases: [(&[&str], Form); 13] = [
            (&[], Form::Empty),
            (&["*/*"], Form::Empty),
            (&["application/xml, */*;q=0.1"], Form::Empty),
            (&["application/json"], Form::Json),
            (&["text/plain;q=0.5, application/json"], Form::Json),
            (&["application/json;q=0.5, text/plain"], Form::Text),
            (&["application/json;q=0, */*"], Form::Empty),
            (&["text/html, application/json;q=0.9"], Form::Json),
            (&["text/html,application/xml;q=0.9,*/*;q=0.8"], Form::Text),
            (&["application/*"], Form::Json),
            (&["text/*;q=0.1", "Application/JSON;q=0.2"], Form::Json),
            (&["*/*", "text/plain"], Form::Text),
            (&["nonsense, application/json;q=x"], Form::Empty),
        ];
        for (lines, form) in cases {
            let line = |line: &&str| (Known::Accept, HeaderValue::from_str(line).unwrap());
            let asked: Fields = lines.iter().map(line).collect();
            assert_eq!(Form::wanted(&asked), form, "{lines:?}");
        }
    }
}
