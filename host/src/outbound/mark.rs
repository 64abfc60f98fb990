//! How deep a request is in calls that plugins made: a call to this proxy causes an exchange, whose plugins may call again.
//!
//! Two fields tell. The field `tollgate-call` is for this process alone: its value is one of eight random tokens, one for
//! each depth, made when the process starts. Nobody can guess one, and no value but these eight counts for anything, so the
//! proxy takes the field away from all other requests. A peer that a plugin has called knows the token of that call and can
//! send it back; it can claim that its own request is deep, and nothing else.
//!
//! Other hosts that run tollgate are told in `cdn-loop` (RFC 8586), which is made for this and which servers, unlike `via`,
//! don't take for the mark of an old proxy. Anybody can write it, but each value can only make its own request deeper.

use std::sync::LazyLock;

use http::header::{HeaderName, HeaderValue};
use ring::rand::{SecureRandom, SystemRandom};

use crate::message::syntax;

/// The field that only this process can write.
pub const MARK: HeaderName = HeaderName::from_static("tollgate-call");

pub(super) const CDN_LOOP: HeaderName = HeaderName::from_static("cdn-loop");

/// A request that is so deep is answered with 508 (Loop Detected) by the host that receives it.
pub const DEEPEST: u32 = 8;

/// The tokens of this process: at `n` that of depth `n + 1`.
static TOKENS: LazyLock<[HeaderValue; DEEPEST as usize]> = LazyLock::new(|| {
    std::array::from_fn(|_| {
        let mut bytes = [0; 16];
        // Without randomness of the system there is no TLS either, and no request gets this far.
        let filled = SystemRandom::new().fill(&mut bytes).is_ok();
        let token = u128::from_ne_bytes(bytes);
        let mut value = HeaderValue::from_str(&format!("{token:032x}"))
            .ok()
            .filter(|_| filled)
            .unwrap_or(HeaderValue::from_static(""));
        value.set_sensitive(true);
        value
    })
});

static CDN_LOOPS: LazyLock<[HeaderValue; DEEPEST as usize]> = LazyLock::new(|| {
    std::array::from_fn(|at| {
        let value = format!("tollgate;d={}", at + 1);
        HeaderValue::from_str(&value).unwrap_or(HeaderValue::from_static("tollgate"))
    })
});

/// The field that marks a request as so many calls deep, from 1 to [`DEEPEST`]; what is deeper gets the mark of that.
pub fn mark(depth: u32) -> (HeaderName, HeaderValue) {
    (MARK, TOKENS[index(depth)].clone())
}

/// What tells the same to other hosts.
pub(super) fn cdn_loop(depth: u32) -> HeaderValue {
    CDN_LOOPS[index(depth)].clone()
}

fn index(depth: u32) -> usize {
    (depth.clamp(1, DEEPEST) - 1) as usize
}

/// How deep the calls are that a request is part of; none when it comes from a client. From [`DEEPEST`] on it must be refused.
///
/// Names are compared without case. Of several marks the deepest counts.
pub fn depth_of<'f>(fields: impl IntoIterator<Item = (&'f [u8], &'f [u8])>) -> Option<u32> {
    let depths = fields.into_iter().filter_map(|(name, value)| {
        if name.eq_ignore_ascii_case(MARK.as_str().as_bytes()) {
            of_mark(value)
        } else if name.eq_ignore_ascii_case(CDN_LOOP.as_str().as_bytes()) {
            syntax::items(value).filter_map(of_cdn).max()
        } else {
            None
        }
    });
    depths.max()
}

/// Whether this value of the field [`MARK`] is from this process. The field is to be removed if it isn't.
pub fn is_own_mark(value: &[u8]) -> bool {
    of_mark(value).is_some()
}

/// It makes no difference how long the comparison takes: there is no way to come nearer to a token by parts of it that
/// would be worth more than the token, which each called peer is told.
fn of_mark(value: &[u8]) -> Option<u32> {
    let value = syntax::trim(value);
    let at = TOKENS.iter().position(|token| token.as_bytes() == value)?;
    (!value.is_empty()).then_some(at as u32 + 1)
}

/// One item of `cdn-loop`: `tollgate; d=3`. One without a depth counts as one call.
fn of_cdn(item: &[u8]) -> Option<u32> {
    let mut parts = item.split(|b| *b == b';').map(syntax::trim);
    if !parts.next()?.eq_ignore_ascii_case(b"tollgate") {
        return None;
    }
    let depth = parts.find_map(|part| part.strip_prefix(b"d="));
    let Some(depth) = depth else { return Some(1) };
    let depth = syntax::decimal(depth).unwrap_or(u64::from(DEEPEST));
    Some(u32::try_from(depth).unwrap_or(DEEPEST).clamp(1, DEEPEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn depth(fields: &[(&str, &str)]) -> Option<u32> {
        depth_of(fields.iter().map(|(n, v)| (n.as_bytes(), v.as_bytes())))
    }

    #[test]
    fn own_marks_tell_their_depth_exactly() {
        for at in 1..=DEEPEST {
            let (name, value) = mark(at);
            let value = value.to_str().unwrap();
            assert_eq!(depth(&[(name.as_str(), value)]), Some(at));
            assert_eq!(depth(&[("Tollgate-Call", value)]), Some(at));
            assert!(is_own_mark(value.as_bytes()) && value.len() == 32);
            assert!(!is_own_mark(&value.as_bytes()[1..]));
            assert!(!is_own_mark(value.to_uppercase().as_bytes()) || value.to_uppercase() == value);
        }
        assert_eq!(mark(0), mark(1));
        assert_eq!(mark(99), mark(DEEPEST));
        assert_ne!(mark(1), mark(2));
    }

    #[test]
    fn forged_marks_count_for_nothing() {
        for forged in [
            "",
            "1",
            "8",
            "tollgate;d=3",
            "00000000000000000000000000000000",
        ] {
            assert_eq!(depth(&[("tollgate-call", forged)]), None, "{forged:?}");
            assert!(!is_own_mark(forged.as_bytes()));
        }
        let three = mark(3).1;
        let three = three.to_str().unwrap();
        // A mark that is forged, or older, doesn't make a request less deep.
        let one = mark(1).1;
        let fields = [
            ("tollgate-call", "x"),
            ("tollgate-call", three),
            ("tollgate-call", one.to_str().unwrap()),
            ("cdn-loop", "tollgate;d=1"),
        ];
        assert_eq!(depth(&fields), Some(3));
    }

    #[test]
    fn other_hosts_are_told_in_cdn_loop() {
        for (value, expected) in [
            ("tollgate;d=3", Some(3)),
            ("cloudflare, Tollgate ; d=2 , tollgate;d=5;x", Some(5)),
            ("tollgate", Some(1)),
            ("tollgate;d=0", Some(1)),
            ("tollgate;d=99", Some(DEEPEST)),
            ("tollgate;d=99999999999999999999999", Some(DEEPEST)),
            ("tollgate;d=x", Some(DEEPEST)),
            ("fastly", None),
            ("tollgatex;d=3", None),
            ("", None),
        ] {
            assert_eq!(depth(&[("cdn-loop", value)]), expected, "{value:?}");
        }
        let given = cdn_loop(4);
        assert_eq!(depth(&[("CDN-Loop", given.to_str().unwrap())]), Some(4));
        assert_eq!(depth(&[]), None);
    }
}
