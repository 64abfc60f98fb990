//! What plugins do beside changing messages, as it is kept.

use std::borrow::Cow;

use super::data::{Fragment, LogLine, Outbound, Piece, PieceFate, Sender, Transcript};
use super::mask::{InHeads, MASKED, Masks};
use super::micros::micros;
use crate::message::trace::{self, OutboundTimes, Part, PieceShot, Pieces, Said};
use crate::message::websocket::Peer;

/// What a plugin logged, without the secrets that can be found in it. On stderr it is as the plugin wrote it.
pub fn log_line(said: &Said, masks: &Masks, heads: &InHeads) -> LogLine {
    LogLine {
        at: micros(said.at),
        level: said.level.to_owned(),
        text: masks.log(&heads.masked(&said.text)).into_owned(),
    }
}

pub fn outbound(call: &OutboundTimes, masks: &Masks) -> Outbound {
    Outbound {
        began: micros(call.began),
        duration: micros(call.duration),
        method: call.method.as_str().to_owned(),
        url: masks.url(&without_user(&call.url)).into_owned(),
        result: call.result.clone(),
        length: call.length,
    }
}

/// A URL without name and password.
fn without_user(url: &str) -> Cow<'_, str> {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    match rest[..end].rfind('@') {
        None => Cow::Borrowed(url),
        Some(at) => Cow::Owned(format!("{scheme}://{MASKED}{}", &rest[at..])),
    }
}

pub fn transcript(pieces: &Pieces, masks: &Masks) -> Transcript {
    let mut kept: Vec<Piece> = pieces.first.iter().map(piece).collect();
    if kept.iter().any(|piece| piece.sender.is_some()) {
        // Messages are whole, each by itself.
        for piece in &mut kept {
            masks.pieces(&mut [&mut piece.came.kept]);
            for went in &mut piece.went {
                masks.pieces(&mut [&mut went.kept]);
            }
        }
    } else {
        mask_stream(&mut kept, masks);
    }
    Transcript {
        pieces: kept,
        count: pieces.count,
    }
}

/// Pieces of a body are masked as one text: a secret may begin in one and end in another. So is what went on.
fn mask_stream(pieces: &mut [Piece], masks: &Masks) {
    let as_it_came: Vec<Vec<u8>> = pieces.iter().map(|piece| piece.came.kept.clone()).collect();
    // What was kept is a part of what went on.
    let mut context = as_it_came.clone();
    let went = pieces
        .iter_mut()
        .zip(&mut context)
        .flat_map(|(piece, came)| {
            let kept = (piece.fate == PieceFate::Keep).then_some(came);
            let went = piece.went.iter_mut().map(|went| &mut went.kept);
            went.chain(kept)
        });
    masks.pieces(&mut went.collect::<Vec<_>>());
    let came = pieces.iter_mut().map(|piece| &mut piece.came.kept);
    masks.pieces(&mut came.collect::<Vec<_>>());
    for ((piece, went), before) in pieces.iter_mut().zip(context).zip(as_it_came) {
        // A secret that began in something that a plugin has sent before.
        if piece.fate == PieceFate::Keep && went != before {
            let is_alone = piece.came.kept == before || piece.came.kept == went;
            piece.came.kept = if is_alone {
                went
            } else {
                // Both found one, each another: nothing of it is safe.
                MASKED.as_bytes().to_vec()
            };
        }
    }
}

fn piece(piece: &PieceShot) -> Piece {
    Piece {
        at: micros(piece.at),
        sender: piece.sender.map(|sender| match sender {
            Peer::Client => Sender::Client,
            Peer::Backend => Sender::Backend,
        }),
        text: piece.text,
        came: fragment(&piece.came),
        went: piece.went.iter().map(fragment).collect(),
        fate: match piece.fate {
            trace::PieceFate::Keep => PieceFate::Keep,
            trace::PieceFate::Replace => PieceFate::Replace,
            trace::PieceFate::Stop => PieceFate::Stop,
            trace::PieceFate::End => PieceFate::End,
        },
    }
}

fn fragment(part: &Part) -> Fragment {
    Fragment {
        kept: part.kept.to_vec(),
        length: part.length,
    }
}
