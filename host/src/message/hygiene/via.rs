//! How far a request may go: `via` and `max-forwards` (RFC 9110, section 7.6).

use std::sync::LazyLock;

use http::{HeaderValue, Method, Version};

use super::refusal::BadRequest;
use crate::message::{Checked, FieldLine, Fields, Known, RequestHead, syntax};

/// More passes through one proxy than any arrangement of plugins that call their own proxy needs.
const MOST_PASSES: usize = 10;

/// Adds this hop to `via`, with the version that the sender named (section 7.6.3); see
/// [`ResponseHead::later_minor`](crate::message::ResponseHead::later_minor).
pub fn add_via(fields: &mut Fields, received: Version, later_minor: Option<u8>) {
    static VIA: LazyLock<[FieldLine; 3]> = LazyLock::new(|| {
        ["1.0 tollgate", "1.1 tollgate", "2 tollgate"].map(|via| FieldLine::new(Known::Via, via))
    });
    let [http10, http11, http2] = &*VIA;
    match (received, later_minor) {
        (_, Some(minor)) => {
            if let Some(via) = Checked::new(format!("1.{minor} tollgate").as_bytes()) {
                fields.append(Known::Via, via);
            }
        }
        (Version::HTTP_10, None) => fields.append_line(http10),
        (Version::HTTP_2, None) => fields.append_line(http2),
        _ => fields.append_line(http11),
    }
}

/// "Each intermediary that receives a TRACE or OPTIONS request containing a Max-Forwards header field MUST check and
/// update its value prior to forwarding the request" (section 7.6.2). Of other methods the field is ignored.
pub(super) fn count_forwards(head: &mut RequestHead) -> Result<(), BadRequest> {
    let left = head.fields.get_text(Known::MaxForwards);
    let Some(left) =
        left.filter(|_| head.method == Method::OPTIONS || head.method == Method::TRACE)
    else {
        return Ok(());
    };
    match left.parse::<u32>() {
        Ok(0) => Err(BadRequest::NoForwards),
        Ok(left) => {
            head.fields
                .insert(Known::MaxForwards, HeaderValue::from(left - 1));
            Ok(())
        }
        Err(_) => Ok(()),
    }
}

/// # Errors
/// When the request goes in circles.
pub(super) fn check_loop(fields: &Fields) -> Result<(), BadRequest> {
    if !fields.contains(Known::Via) {
        return Ok(());
    }
    let hops = fields.get_all(Known::Via).flat_map(syntax::items);
    let passes = hops.filter(|hop| hop.ends_with(b" tollgate")).count();
    if passes >= MOST_PASSES {
        Err(BadRequest::Loop(passes))
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forwards_are_counted_for_options_and_trace_alone() {
        for (method, before, after) in [
            (Method::OPTIONS, "1", Ok("0")),
            (Method::TRACE, "0", Err(BadRequest::NoForwards)),
            (Method::GET, "0", Ok("0")),
            (Method::OPTIONS, "x", Ok("x")),
        ] {
            let mut head = RequestHead {
                method,
                fields: [(Known::MaxForwards, before)].into_iter().collect(),
                ..RequestHead::new()
            };
            let counted = count_forwards(&mut head);
            let left = counted.map(|()| head.fields.get_text(Known::MaxForwards).unwrap());
            assert_eq!(left, after);
        }
    }

    #[test]
    fn a_request_that_goes_in_circles_is_stopped() {
        let given = |hops: usize| {
            let via = vec!["1.1 tollgate"; hops].join(", ");
            let mut fields = Fields::new();
            fields.append(Known::Via, HeaderValue::from_str(&via).unwrap());
            check_loop(&fields)
        };
        assert!(given(0).is_ok() && given(9).is_ok());
        assert_eq!(given(10), Err(BadRequest::Loop(10)));
    }

    #[test]
    fn via_names_the_version_received() {
        let mut fields: Fields = [("via", "1.0 other")].into_iter().collect();
        add_via(&mut fields, Version::HTTP_11, None);
        add_via(&mut fields, Version::HTTP_11, Some(2));
        add_via(&mut fields, Version::HTTP_2, None);
        let all: Vec<_> = fields.get_all("via").collect();
        let expected = [
            &b"1.0 other"[..],
            b"1.1 tollgate",
            b"1.2 tollgate",
            b"2 tollgate",
        ];
        assert_eq!(all, expected);
    }
}
