//! Messages of `application/vnd.amazon.eventstream`: total length, length of the headers, CRC-32 of these two, headers, payload, CRC-32
//! of all before it. Numbers are big-endian ("Event stream encoding" in the Smithy specification).

/// The media type.
pub const TYPE: &str = "application/vnd.amazon.eventstream";

/// The type of a header whose value is a string.
const STRING: u8 = 7;

/// An event with a JSON payload.
pub fn event(kind: &str, payload: &str) -> Vec<u8> {
    let headers = [
        (":message-type", "event"),
        (":event-type", kind),
        (":content-type", "application/json"),
    ];
    message(&headers, payload.as_bytes())
}

/// An error that ends a stream.
pub fn exception(kind: &str, text: &str) -> Vec<u8> {
    let headers = [
        (":message-type", "exception"),
        (":exception-type", kind),
        (":content-type", "application/json"),
    ];
    let payload = serde_json::json!({ "message": text }).to_string();
    message(&headers, payload.as_bytes())
}

fn message(headers: &[(&str, &str)], payload: &[u8]) -> Vec<u8> {
    let mut written = Vec::new();
    for (name, value) in headers {
        written.extend(u8::try_from(name.len()).unwrap_or(u8::MAX).to_be_bytes());
        written.extend(name.as_bytes());
        written.push(STRING);
        written.extend(u16::try_from(value.len()).unwrap_or(u16::MAX).to_be_bytes());
        written.extend(value.as_bytes());
    }
    let number = |length: usize| u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes();
    let mut message = Vec::with_capacity(16 + written.len() + payload.len());
    message.extend(number(16 + written.len() + payload.len()));
    message.extend(number(written.len()));
    message.extend(crc32fast::hash(&message).to_be_bytes());
    message.extend(written);
    message.extend(payload);
    message.extend(crc32fast::hash(&message).to_be_bytes());
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The test vectors of aws-c-event-stream: an empty message, and one with a payload and no headers.
    #[test]
    fn messages_are_those_of_aws_own_test_vectors() {
        let empty = [
            0, 0, 0, 0x10, 0, 0, 0, 0, 0x05, 0xc2, 0x48, 0xeb, 0x7d, 0x98, 0xc8, 0xff,
        ];
        assert_eq!(message(&[], b""), empty);
        let payload = b"{'foo':'bar'}";
        let mut expected = vec![0, 0, 0, 0x1d, 0, 0, 0, 0, 0xfd, 0x52, 0x8c, 0x5a];
        expected.extend(payload);
        expected.extend([0xc3, 0x65, 0x39, 0x36]);
        assert_eq!(message(&[], payload), expected);
    }

    #[test]
    fn headers_stand_before_the_payload() {
        let event = event("E", "{}");
        let headers = b"\x0d:message-type\x07\x00\x05event\x0b:event-type\x07\x00\x01E\x0d:content-type\x07\x00\x10application/json";
        assert_eq!(event[12..12 + headers.len()], headers[..]);
        assert_eq!(event[12 + headers.len()..event.len() - 4], b"{}"[..]);
    }
}
