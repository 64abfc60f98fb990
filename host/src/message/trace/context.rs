//! W3C Trace Context (<https://www.w3.org/TR/trace-context/>): which trace an exchange belongs to, and the ids of its spans.
//!
//! Only the exchange's own span id is drawn. Those of its steps and of their outbound calls follow from it by number, so that
//! whoever sends a request on and whoever exports the spans later know the same ids without a list.

/// The two fields.
pub const TRACEPARENT: &str = "traceparent";
pub const TRACESTATE: &str = "tracestate";

/// Where an exchange stands in a trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceContext {
    pub trace_id: u128,
    /// Of the exchange's span.
    pub span_id: u64,
    /// The span of whoever sent the request, if it said so in a way that counts.
    pub parent: Option<u64>,
    /// Whether its spans are exported.
    pub sampled: bool,
}

/// What `traceparent` of a request says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parent {
    pub trace_id: u128,
    pub span_id: u64,
    pub sampled: bool,
}

/// Bytes of a `traceparent` of version 00.
const LENGTH: usize = 55;

impl Parent {
    /// None for what is not valid; then the request begins a trace, and its `tracestate` means nothing.
    pub fn parse(text: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(text).ok()?;
        let known = text.get(..LENGTH)?;
        let rest = &text[LENGTH..];
        let mut parts = known.split('-');
        let version = digits(parts.next()?, 2)?;
        let trace_id = digits(parts.next()?, 32)?;
        let span_id = u64::try_from(digits(parts.next()?, 16)?).ok()?;
        let flags = digits(parts.next()?, 2)?;
        let is_known = match version {
            0 => rest.is_empty(),
            0xff => false,
            // A later version may have more, behind a hyphen.
            _ => rest.is_empty() || rest.starts_with('-'),
        };
        let is_valid = is_known && parts.next().is_none() && trace_id != 0 && span_id != 0;
        is_valid.then_some(Self {
            trace_id,
            span_id,
            sampled: flags & 1 == 1,
        })
    }
}

impl TraceContext {
    /// Of a request with this parent, if it has one. `random` is drawn for each; `ratio` of the traces that begin here are
    /// sampled, and a trace that began elsewhere is if it was there.
    pub fn begin(parent: Option<Parent>, random: [u64; 3], ratio: f64) -> Self {
        let [high, low, span] = random;
        // Ids are never zero.
        let span_id = span.max(1);
        match parent {
            Some(parent) => Self {
                trace_id: parent.trace_id,
                span_id,
                parent: Some(parent.span_id),
                sampled: parent.sampled,
            },
            None => Self {
                trace_id: (u128::from(high) << 64 | u128::from(low)).max(1),
                span_id,
                parent: None,
                // 53 bits, as many as a float has.
                sampled: ((low >> 11) as f64) < ratio * (1u64 << 53) as f64,
            },
        }
    }

    /// The span of a step, by its number.
    pub fn step(&self, number: u32) -> u64 {
        mixed(self.span_id ^ (u64::from(number) + 1))
    }

    /// The span of an outbound call, by its number among those of its step.
    pub fn call(&self, step: u32, number: u32) -> u64 {
        mixed(self.step(step) ^ (u64::from(number) + 1) << 32)
    }

    /// The field for a request that is sent on in this span.
    pub fn traceparent(&self, span_id: u64) -> String {
        let (trace, flags) = (self.trace_id, u8::from(self.sampled));
        format!("00-{trace:032x}-{span_id:016x}-{flags:02x}")
    }
}

/// Exactly so many lower-case hexadecimal digits.
fn digits(text: &str, count: usize) -> Option<u128> {
    let is_hex = |b: u8| matches!(b, b'0'..=b'9' | b'a'..=b'f');
    let is_right = text.len() == count && text.bytes().all(is_hex);
    is_right
        .then(|| u128::from_str_radix(text, 16).ok())
        .flatten()
}

/// The finalizer of splitmix64: different numbers stay different, and look random. Never zero.
fn mixed(mut number: u64) -> u64 {
    number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (number ^ (number >> 31)).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const VALID: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_parent_is_valid_or_it_is_none() {
        let parent = Parent::parse(VALID.as_bytes()).unwrap();
        assert_eq!(parent.trace_id, 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736);
        assert_eq!(
            (parent.span_id, parent.sampled),
            (0x00f0_67aa_0ba9_02b7, true)
        );
        let with = |from: &str, to: &str| VALID.replace(from, to);
        for (text, valid) in [
            (with("-01", "-00"), true),
            (with("-01", "-03"), true),
            (with("00-4", "01-4"), true),
            (format!("{}-more", with("00-4", "01-4")), true),
            (format!("{}more", with("00-4", "01-4")), false),
            (format!("{VALID}-more"), false),
            (with("00-4", "ff-4"), false),
            (with("4bf9", "4BF9"), false),
            (
                with("4bf92f3577b34da6a3ce929d0e0e4736", &"0".repeat(32)),
                false,
            ),
            (with("00f067aa0ba902b7", &"0".repeat(16)), false),
            (with("-01", "-1"), false),
            (with("-00f0", "00f0-"), false),
            (with("b7-", "b7_"), false),
            (String::new(), false),
            ("ü".repeat(40), false),
        ] {
            assert_eq!(Parent::parse(text.as_bytes()).is_some(), valid, "{text}");
        }
    }

    #[test]
    fn a_trace_goes_on_or_begins_and_is_sampled_where_it_began() {
        let parent = Parent::parse(VALID.as_bytes());
        for ratio in [0.0, 1.0] {
            let context = TraceContext::begin(parent, [1, 2, 3], ratio);
            assert_eq!(context.trace_id, parent.unwrap().trace_id);
            assert_eq!(
                (context.parent, context.sampled),
                (Some(0x00f0_67aa_0ba9_02b7), true)
            );
            assert_eq!(
                context.traceparent(context.span_id),
                "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000003-01"
            );
        }
        let begun = |low, ratio| TraceContext::begin(None, [7, low, 0], ratio);
        assert_eq!(
            (begun(5, 0.5).trace_id, begun(5, 0.5).span_id),
            (7 << 64 | 5, 1)
        );
        assert!(!begun(0, 0.0).sampled && begun(u64::MAX, 1.0).sampled);
        assert!(begun(u64::MAX / 2, 0.51).sampled && !begun(u64::MAX / 2, 0.49).sampled);
    }

    #[test]
    fn no_two_spans_of_an_exchange_have_the_same_id() {
        let context = TraceContext::begin(None, [1, 2, 3], 1.0);
        let mut ids: Vec<u64> = (0..100).map(|step| context.step(step)).collect();
        ids.extend((0..100).flat_map(|step| (0..10).map(move |call| context.call(step, call))));
        ids.push(context.span_id);
        let count = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), count);
        assert!(!ids.contains(&0));
    }
}
