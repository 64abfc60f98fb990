//! Bodies: as they are shown, and side by side.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::IgnoredAny;

use super::data::{BodyDiff, BodyKind, ContentView, Diff, FragmentView};
use super::diff::{self, MOST_LINES};
use super::{json, lines};
use crate::record::{Fragment, Message, content};

/// Bytes of a body that are shown.
const MOST_SHOWN: usize = 1 << 20;

impl ContentView {
    pub fn of(message: &Message) -> Self {
        let shown = shown(message);
        let content = &message.content;
        let text = |name: &str| message.field(name).map(lines::lossy);
        let is_decoded = *shown != content.kept[..content.kept.len().min(MOST_SHOWN)];
        let (text_form, base64) = forms(&shown);
        Self {
            text: text_form,
            base64,
            length: content.length,
            kept: content.kept.len() as u64,
            complete: content.complete,
            media_type: text("content-type"),
            coding: text("content-encoding").filter(|_| is_decoded),
        }
    }
}

impl FragmentView {
    pub fn of(fragment: &Fragment) -> Self {
        let (text, base64) = forms(&fragment.kept);
        Self {
            text,
            base64,
            length: fragment.length,
            kept: fragment.kept.len() as u64,
        }
    }
}

/// What is shown of a body: decoded, and not too much of it.
fn shown(message: &Message) -> Cow<'_, [u8]> {
    match content::decoded(message) {
        Cow::Borrowed(bytes) => Cow::Borrowed(&bytes[..bytes.len().min(MOST_SHOWN)]),
        Cow::Owned(mut bytes) => {
            bytes.truncate(MOST_SHOWN);
            Cow::Owned(bytes)
        }
    }
}

/// Text, or base64 of what is none. A character that was cut in its middle is left off.
fn forms(bytes: &[u8]) -> (Option<String>, Option<String>) {
    match text(bytes) {
        Some(text) => (Some(text.to_owned()), None),
        None => (None, Some(STANDARD.encode(bytes))),
    }
}

fn text(bytes: &[u8]) -> Option<&str> {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) if error.error_len().is_none() => {
            std::str::from_utf8(&bytes[..error.valid_up_to()]).ok()?
        }
        Err(_) => return None,
    };
    (!text.contains('\0')).then_some(text)
}

/// Two bodies side by side; either may not be there.
pub fn compare(left: Option<&Message>, right: Option<&Message>) -> BodyDiff {
    let unchanged = match (left, right) {
        (Some(left), Some(right)) => left.content == right.content && coding(left) == coding(right),
        (left, right) => left.is_none() && right.is_none(),
    };
    let kind = kind(left, right);
    let Diff { rows, truncated } = match kind {
        _ if unchanged => Diff::default(),
        BodyKind::None | BodyKind::Image => Diff::default(),
        BodyKind::Text | BodyKind::Json | BodyKind::Binary => {
            diff::diff(&body_lines(left, kind), &body_lines(right, kind))
        }
    };
    let view = |message: Option<&Message>| message.map(ContentView::of);
    BodyDiff {
        kind,
        unchanged,
        left: view(left.filter(|_| !unchanged)),
        right: view(right),
        rows,
        truncated,
    }
}

/// The lines of a body that are compared.
pub fn body_lines(message: Option<&Message>, kind: BodyKind) -> Vec<String> {
    let Some(message) = message else {
        return Vec::new();
    };
    let shown = shown(message);
    match kind {
        BodyKind::None | BodyKind::Image => Vec::new(),
        BodyKind::Binary => lines::hex(&shown, MOST_LINES + 1),
        BodyKind::Json => lines::text(&pretty(&shown).unwrap_or_else(|| lines::lossy(&shown))),
        BodyKind::Text => lines::text(&lines::lossy(&shown)),
    }
}

/// How two bodies are compared: as what both are, where one that is empty is anything.
pub fn kind(left: Option<&Message>, right: Option<&Message>) -> BodyKind {
    let there = [left, right].into_iter().flatten();
    let there: Vec<&Message> = there.filter(|message| message.content.length > 0).collect();
    let all = |is: fn(&Message) -> bool| there.iter().all(|message| is(message));
    match there.is_empty() {
        true => BodyKind::None,
        false if there.iter().any(|message| is_image(message)) => BodyKind::Image,
        false if all(|message| pretty(&shown(message)).is_some()) => BodyKind::Json,
        false if all(|message| text(&shown(message)).is_some()) => BodyKind::Text,
        false => BodyKind::Binary,
    }
}

fn is_image(message: &Message) -> bool {
    let media_type = message.field("content-type").unwrap_or_default();
    media_type.len() > 6 && media_type[..6].eq_ignore_ascii_case(b"image/")
}

fn coding(message: &Message) -> Option<&[u8]> {
    message.field("content-encoding")
}

/// JSON with each value on a line of its own, keys in their order; none if it is no JSON object or array.
fn pretty(bytes: &[u8]) -> Option<String> {
    let first = bytes.iter().find(|byte| !byte.is_ascii_whitespace())?;
    if !matches!(first, b'{' | b'[') {
        return None;
    }
    serde_json::from_slice::<IgnoredAny>(bytes).ok()?;
    Some(json::indented(std::str::from_utf8(bytes).ok()?))
}
