//! What one step changed, side by side.

use super::bodies;
use super::data::{Diff, FragmentView, PieceView, SideDiff, StepDetail};
use super::diff::diff;
use super::lines;
use crate::record::{Message, Piece, PieceFate, Recorded, Sender};

impl StepDetail {
    /// None if the exchange has no such step.
    pub fn of(exchange: &Recorded, index: usize) -> Option<Self> {
        let step = exchange.steps.get(index)?;
        let (request, response) = exchange.before(index);
        let after = step.request.apply(Some(request.clone()));
        let pieces = step.transcript.as_ref();
        let pieces = pieces.map_or(&[][..], |transcript| &transcript.pieces);
        let response_after = step.response.apply(response.clone());
        Some(Self {
            request: SideDiff::of(Some(&request), after.as_ref()),
            response: (response.is_some() || response_after.is_some())
                .then(|| SideDiff::of(response.as_ref(), response_after.as_ref())),
            pieces: pieces.iter().map(PieceView::of).collect(),
        })
    }
}

impl SideDiff {
    fn of(left: Option<&Message>, right: Option<&Message>) -> Self {
        let head = |message: Option<&Message>| message.map_or_else(Vec::new, lines::head);
        let head: Diff = diff(&head(left), &head(right));
        Self {
            head,
            body: bodies::compare(left, right),
        }
    }
}

impl PieceView {
    fn of(piece: &Piece) -> Self {
        let sender = piece.sender.map(|sender| match sender {
            Sender::Client => "client",
            Sender::Backend => "backend",
            Sender::Plugin => "plugin",
        });
        Self {
            at_us: piece.at,
            sender: sender.map(str::to_owned),
            fate: match piece.fate {
                PieceFate::Keep => "keep",
                PieceFate::Replace => "replace",
                PieceFate::Stop => "stop",
                PieceFate::End => "end",
            }
            .to_owned(),
            came: FragmentView::of(&piece.came),
            went: piece.went.iter().map(FragmentView::of).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::view::{BodyKind, DiffOp};
    use crate::record::sample::{self, content, field};
    use crate::record::{Edit, FieldEdit, MessageEdit};

    /// A body before and after a step, with a media type.
    fn bodies(media_type: &str, left: &[u8], right: &[u8]) -> crate::admin::view::BodyDiff {
        let mut exchange = sample::exchange();
        let before = sample::response(200, vec![field("content-type", media_type)], left);
        exchange.steps[1] = sample::backend_step(before);
        let edit = Edit {
            content: Some(content(right)),
            ..Edit::default()
        };
        exchange.steps[2].response = MessageEdit::Edited(edit);
        StepDetail::of(&exchange, 2).unwrap().response.unwrap().body
    }

    #[test]
    fn heads_are_compared_field_by_field() {
        let detail = StepDetail::of(&sample::exchange(), 2).unwrap();
        assert!(
            detail
                .request
                .head
                .rows
                .iter()
                .all(|row| row.op == DiffOp::Equal)
        );
        assert!(detail.request.body.unchanged);
        assert!(detail.request.body.left.is_none() && detail.request.body.right.is_some());
        let response = detail.response.unwrap();
        let changed: Vec<_> = response
            .head
            .rows
            .iter()
            .filter(|row| row.op != DiffOp::Equal)
            .collect();
        assert_eq!(changed.len(), 1);
        assert_eq!(changed[0].left.as_deref(), Some("content-length: 14"));
        assert_eq!(changed[0].right.as_deref(), Some("content-length: 12"));
        assert!(
            StepDetail::of(&sample::exchange(), 0)
                .unwrap()
                .response
                .is_none()
        );
        assert!(StepDetail::of(&sample::exchange(), 3).is_none());
    }

    #[test]
    fn bodies_are_compared_as_what_they_are() {
        let json = bodies("application/json", br#"{"a":1,"b":2}"#, br#"{"a":1,"b":3}"#);
        assert_eq!((json.kind, json.rows.len()), (BodyKind::Json, 4));
        assert_eq!(json.rows[2].left.as_deref(), Some("  \"b\": 2"));
        assert_eq!(json.rows[2].op, DiffOp::Replace);
        let text = bodies("text/plain", b"a\nb", b"a\nc\n");
        assert_eq!((text.kind, text.rows.len()), (BodyKind::Text, 2));
        let binary = bodies("application/x", b"\0\x01hello", b"\0\x01hallo");
        assert_eq!((binary.kind, binary.rows.len()), (BodyKind::Binary, 1));
        let expected = "00000000  00 01 68 65 6c 6c 6f                             ..hello";
        assert_eq!(binary.rows[0].left.as_deref(), Some(expected));
        let image = bodies("image/png", b"\x89PNG", b"\x89PNH");
        assert!(image.kind == BodyKind::Image && image.rows.is_empty());
        assert!(image.left.unwrap().base64.is_some());
        let none = bodies("text/plain", b"", b"");
        assert!(none.kind == BodyKind::None && none.unchanged);
        let same = bodies("text/plain", b"x", b"x");
        assert!(same.unchanged && same.rows.is_empty() && same.left.is_none());
    }

    #[test]
    fn codings_are_undone_and_named() {
        use std::io::Write as _;
        let mut zip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        zip.write_all(b"{\"a\": 1}").unwrap();
        let zipped = zip.finish().unwrap();
        let mut exchange = sample::exchange();
        let fields = vec![
            field("content-encoding", "gzip"),
            field("content-type", "application/json"),
        ];
        exchange.steps[1] = sample::backend_step(sample::response(200, fields, &zipped));
        let edit = Edit {
            fields: vec![FieldEdit::Remove { at: 0 }],
            content: Some(content(b"{\"a\": 2}")),
            ..Edit::default()
        };
        exchange.steps[2].response = MessageEdit::Edited(edit);
        let body = StepDetail::of(&exchange, 2).unwrap().response.unwrap().body;
        assert_eq!((body.kind, body.rows.len()), (BodyKind::Json, 3));
        let left = body.left.unwrap();
        assert_eq!(
            (left.coding.as_deref(), left.text.as_deref()),
            (Some("gzip"), Some("{\"a\": 1}"))
        );
        assert_eq!(
            (left.length, body.right.unwrap().coding),
            (zipped.len() as u64, None)
        );
    }

    #[test]
    fn a_large_body_is_cut_and_says_so() {
        let lines = |word: &str| {
            (0..9000)
                .map(|at| format!("{word}{at}\n"))
                .collect::<String>()
        };
        let body = bodies("text/plain", lines("a").as_bytes(), lines("b").as_bytes());
        assert!(body.truncated && body.rows.len() == 2000);
    }
}
