//! A body that is a document: which ones may be, which are read as a whole, how they are written, and undoing gzip.

use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use tollgate_plugin::{BodyError, Error, FieldValue};

use crate::document::Syntax;
use crate::flow::Kind;

/// A document up to this length is read as a whole if its length is known, so that its digests can be made anew. All others flow.
const LONGEST_WHOLE: u64 = 1 << 20;

/// Content codings that the host undoes.
const CODINGS: [&str; 6] = ["gzip", "x-gzip", "deflate", "br", "zstd", "identity"];

/// What a message says of its body.
#[derive(Debug, Default)]
pub(crate) struct Head {
    media_type: String,
    coding: String,
    length: Option<u64>,
    /// S3 dates and tags objects, not its own answers.
    pub(crate) is_stored: bool,
}

/// A body as it can be read.
#[derive(Debug)]
pub(crate) struct Body {
    pub(crate) bytes: Vec<u8>,
    /// Whether it was compressed, and is to be again.
    is_gzip: bool,
}

/// Why a body that has to be looked at can't be.
#[derive(Debug)]
pub(crate) enum Unreadable {
    /// Longer than so many bytes, by the plugin's setting.
    LongerThanSetting(u64),
    /// Longer than so many bytes, by the host's limit.
    LongerThanHost(u64),
    /// Coded in another way than gzip.
    Coded(String),
    NotGzip,
    /// It did not arrive.
    Missing(Error),
}

impl Head {
    pub(crate) fn new(field: impl Fn(&str) -> Option<FieldValue>) -> Self {
        let text = |name: &str| {
            let value = field(name).map(|value| value.text().trim().to_ascii_lowercase());
            value.unwrap_or_default()
        };
        let media_type = text("content-type");
        let essence = media_type.split(';').next().unwrap_or_default().trim();
        Self {
            media_type: essence.to_owned(),
            coding: text("content-encoding"),
            length: text("content-length").parse().ok(),
            is_stored: field("etag").is_some() && field("last-modified").is_some(),
        }
    }

    /// Whether the body may be a document. Without a type, and with one that says no more than `text`, it may be.
    pub(crate) fn may_be_document(&self) -> bool {
        let media_type = self.media_type.as_str();
        let is_text = media_type.is_empty()
            || media_type == "text"
            || (media_type.starts_with("text/") && media_type != "text/event-stream");
        let is_written = ["json", "xml", "yaml", "cbor", "urlencoded"];
        let is_document = is_text || is_written.iter().any(|word| media_type.contains(word));
        self.length != Some(0) && is_document
    }

    /// Whether nothing can be said of the document before its end: CBOR has lengths, and a form names its call anywhere.
    pub(crate) fn has_to_be_whole(&self) -> bool {
        self.media_type.contains("cbor") || self.is_form()
    }

    pub(crate) fn is_form(&self) -> bool {
        self.media_type.contains("urlencoded")
    }

    /// Whether the body is swapped as it flows, and not read before.
    pub(crate) fn flows(&self) -> bool {
        let is_long = self.length.is_none_or(|length| length > LONGEST_WHOLE);
        let is_gzip = matches!(self.coding.as_str(), "" | "identity" | "gzip" | "x-gzip");
        !self.has_to_be_whole() && (is_long || !is_gzip)
    }

    /// Whether a body is said to be there, as far as one can tell.
    pub(crate) fn may_have_body(&self) -> bool {
        self.length.is_some() || !self.media_type.is_empty()
    }

    /// How an answer that streams is framed, if it is.
    pub(crate) fn framing(&self) -> Option<Kind> {
        match self.media_type.as_str() {
            "text/event-stream" => Some(Kind::Events),
            "application/vnd.amazon.eventstream" => Some(Kind::Frames),
            _ => None,
        }
    }

    /// Checks that the host can undo the coding of a body that flows.
    pub(crate) fn check_coding(&self) -> Result<(), Unreadable> {
        let mut codings = self.coding.split(',').map(str::trim);
        match codings.find(|coding| !coding.is_empty() && !CODINGS.contains(coding)) {
            Some(coding) => Err(Unreadable::Coded(coding.to_owned())),
            None => Ok(()),
        }
    }

    /// What the body is written in: the type says it for CBOR and forms, and the body's own beginning for all else.
    pub(crate) fn syntax(&self, body: &[u8]) -> Syntax {
        if self.media_type.contains("cbor") {
            return Syntax::Cbor;
        }
        if self.is_form() {
            return Syntax::Form;
        }
        Syntax::of(body)
    }

    /// The body, decompressed; up to `most` bytes.
    pub(crate) fn read(
        &self,
        most: u64,
        body: impl FnOnce() -> Result<Vec<u8>, BodyError>,
    ) -> Result<Body, Unreadable> {
        let is_gzip = match self.coding.as_str() {
            "" | "identity" => false,
            "gzip" | "x-gzip" => true,
            other => return Err(Unreadable::Coded(other.to_owned())),
        };
        if self.length.is_some_and(|length| length > most) {
            return Err(Unreadable::LongerThanSetting(most));
        }
        let bytes = match body() {
            Ok(bytes) => bytes,
            Err(BodyError::TooLarge(limit)) => return Err(Unreadable::LongerThanHost(limit)),
            Err(error) => return Err(Unreadable::Missing(error.into())),
        };
        let bytes = if is_gzip && !bytes.is_empty() {
            decompressed(&bytes, most)?
        } else {
            bytes
        };
        if bytes.len() as u64 > most {
            return Err(Unreadable::LongerThanSetting(most));
        }
        Ok(Body { bytes, is_gzip })
    }
}

impl Body {
    /// Another text, coded as this body was.
    pub(crate) fn coded(&self, text: Vec<u8>) -> Vec<u8> {
        if !self.is_gzip {
            return text;
        }
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        // Writing to memory doesn't fail.
        let written = encoder.write_all(&text).and_then(|()| encoder.finish());
        written.unwrap_or_default()
    }
}

/// No more than one byte above the bound is ever made, however much the body would unpack to.
fn decompressed(bytes: &[u8], most: u64) -> Result<Vec<u8>, Unreadable> {
    let mut text = Vec::new();
    let mut decoder = MultiGzDecoder::new(bytes).take(most.saturating_add(1));
    match decoder.read_to_end(&mut text) {
        Ok(_) => Ok(text),
        Err(_) => Err(Unreadable::NotGzip),
    }
}

impl Unreadable {
    /// The status of the answer to a request with such a body.
    pub(crate) fn status(&self) -> u16 {
        match self {
            Self::LongerThanSetting(_) | Self::LongerThanHost(_) => 413,
            Self::Coded(_) => 415,
            Self::NotGzip | Self::Missing(_) => 400,
        }
    }

    /// Whether it is only too long to be read as a whole.
    pub(crate) fn is_longer(&self) -> bool {
        matches!(self, Self::LongerThanSetting(_) | Self::LongerThanHost(_))
    }

    /// What is wrong and what to do, about the body of a request or of a response.
    pub(crate) fn text(&self, whose: &str) -> String {
        match self {
            Self::LongerThanSetting(most) => format!(
                "the {whose}'s body is longer than {most} bytes and can't be searched for names: raise max_body in \
                 [plugin.arn-rewrite.settings]"
            ),
            Self::LongerThanHost(most) => format!(
                "the {whose}'s body is longer than {most} bytes and can't be searched for names: set limits = {{ body = \
                 \"32MiB\" }} in [plugin.arn-rewrite], and max_body in its settings to as much"
            ),
            Self::Coded(coding) => format!(
                "the {whose}'s body has content-encoding {coding} and can't be searched for names: send it as it is, or \
                 with gzip"
            ),
            Self::NotGzip => {
                format!("the {whose}'s body has content-encoding gzip, and is not in that format")
            }
            Self::Missing(error) => error.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(fields: &[(&str, &str)]) -> Head {
        Head::new(|name| {
            let found = fields.iter().find(|(of, _)| *of == name);
            found.map(|(_, value)| FieldValue::from(*value))
        })
    }

    #[test]
    fn documents_are_told_from_other_bodies() {
        for (media_type, may_be) in [
            ("application/json", true),
            ("application/x-amz-json-1.0", true),
            ("application/x-amz-cbor-1.1", true),
            ("application/cbor", true),
            ("text/xml", true),
            ("application/xml;charset=utf-8", true),
            ("application/x-www-form-urlencoded; charset=utf-8", true),
            ("text", true),
            ("text/html", true),
            ("", true),
            ("text/event-stream", false),
            ("application/octet-stream", false),
            ("binary/octet-stream", false),
            ("application/vnd.amazon.eventstream", false),
            ("image/png", false),
        ] {
            let head = head(&[("content-type", media_type)]);
            assert_eq!(head.may_be_document(), may_be, "{media_type}");
        }
        assert!(!head(&[("content-length", "0")]).may_be_document());
    }

    #[test]
    fn a_document_is_read_by_how_it_begins() {
        for (media_type, body, syntax) in [
            ("text", " {}", Syntax::Json),
            ("text/plain", "<a/>", Syntax::Xml),
            ("application/json", "<a/>", Syntax::Xml),
            ("", "openapi: 3", Syntax::Text),
            ("application/x-www-form-urlencoded", "{", Syntax::Form),
            ("application/cbor", "{", Syntax::Cbor),
        ] {
            let head = head(&[("content-type", media_type)]);
            assert_eq!(head.syntax(body.as_bytes()), syntax, "{media_type} {body}");
        }
    }

    #[test]
    fn gzip_is_undone_within_bounds_and_done_again() {
        let gzip = head(&[("content-encoding", "gzip")]);
        let pack = |text: &[u8]| {
            Body {
                bytes: Vec::new(),
                is_gzip: true,
            }
            .coded(text.to_vec())
        };
        let packed = pack(b"text");
        let body = gzip.read(4, || Ok(packed.clone())).unwrap();
        assert_eq!(body.bytes, b"text");
        assert_eq!(body.coded(b"text".to_vec()), packed);
        // Two members are one body (RFC 1952, section 2.2).
        let twice = [packed.clone(), packed.clone()].concat();
        assert_eq!(gzip.read(8, || Ok(twice)).unwrap().bytes, b"texttext");
        let bomb = pack(&vec![0; 1 << 20]);
        assert!(bomb.len() < 50_000);
        assert_eq!(decompressed(&bomb, 10_000).unwrap().len(), 10_001);
        let error = gzip.read(10_000, || Ok(bomb)).unwrap_err();
        assert!(matches!(error, Unreadable::LongerThanSetting(10_000)));
        let cut = packed[..packed.len() - 1].to_vec();
        assert!(matches!(
            gzip.read(9, || Ok(cut)).unwrap_err(),
            Unreadable::NotGzip
        ));
        let brotli = head(&[("content-encoding", "br")]);
        assert_eq!(brotli.read(9, || Ok(Vec::new())).unwrap_err().status(), 415);
    }
}
