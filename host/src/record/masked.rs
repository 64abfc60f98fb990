//! Which parts of a recorded message are masked: who runs it again has to know that they are not as they were.

use super::content;
use super::data::{Field, Message, StartLine};
use super::mask::MASKED;

impl Message {
    /// The names of its fields and trailers that are masked, in small letters, and `target` and `body` if something in them is.
    /// Each once, in the order of the message.
    pub fn masked(&self) -> Vec<String> {
        let mut masked = Vec::new();
        if let StartLine::Request { target, .. } = &self.line
            && is_masked(target.as_bytes())
        {
            masked.push("target".to_owned());
        }
        fields(&self.fields, &mut masked);
        if is_masked(&content::decoded(self)) {
            masked.push("body".to_owned());
        }
        fields(&self.trailers, &mut masked);
        masked
    }
}

fn fields(of: &[Field], masked: &mut Vec<String>) {
    for field in of.iter().filter(|field| is_masked(&field.value)) {
        let name = field.name.to_ascii_lowercase();
        if !masked.contains(&name) {
            masked.push(name);
        }
    }
}

fn is_masked(bytes: &[u8]) -> bool {
    memchr::memmem::find(bytes, MASKED.as_bytes()).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::sample::{self, content, field};

    #[test]
    fn what_is_masked_is_named_once() {
        let mut request = sample::exchange().request;
        assert!(request.masked().is_empty(), "{request:?}");
        request.fields.push(field("Authorization", MASKED));
        request.fields.push(field("x-token", "a=[masked]&b=1"));
        request.fields.push(field("x-token", MASKED));
        request.trailers.push(field("x-secret", MASKED));
        request.content = content(b"{\"password\":\"[masked]\"}");
        request.line = StartLine::Request {
            method: "GET".to_owned(),
            target: "/?key=[masked]".to_owned(),
            authority: String::new(),
        };
        assert_eq!(
            request.masked(),
            ["target", "authorization", "x-token", "body", "x-secret"]
        );
    }
}
