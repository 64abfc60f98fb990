//! A request as an origin received it, byte for byte.

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// With the empty line.
    pub head: Vec<u8>,
    /// With chunk framing, if there was any.
    pub body: Vec<u8>,
}

impl Recorded {
    /// The target as it stands in the request line.
    pub fn target(&self) -> Vec<u8> {
        let line = self.head.split(|byte| *byte == b'\r').next().unwrap();
        line.split(|byte| *byte == b' ')
            .nth(1)
            .unwrap_or_default()
            .to_vec()
    }

    /// All values of a field in their order.
    pub fn values(&self, name: &str) -> Vec<Vec<u8>> {
        let lines = self.head.split(|byte| *byte == b'\n').skip(1);
        let fields = lines.filter_map(|line| {
            let colon = line.iter().position(|byte| *byte == b':')?;
            let same = line[..colon].eq_ignore_ascii_case(name.as_bytes());
            same.then(|| line[colon + 1..].trim_ascii().to_vec())
        });
        fields.collect()
    }

    /// The same, as text.
    pub fn texts(&self, name: &str) -> Vec<String> {
        self.values(name)
            .iter()
            .map(|value| String::from_utf8_lossy(value).into_owned())
            .collect()
    }

    /// The body without chunk framing.
    pub fn content(&self) -> Vec<u8> {
        if self.values("transfer-encoding").is_empty() {
            return self.body.clone();
        }
        let (mut content, mut rest) = (Vec::new(), &self.body[..]);
        while let Some((size, after)) = chunk_size(rest).filter(|(size, _)| *size > 0) {
            content.extend_from_slice(&after[..size]);
            rest = &after[size + 2..];
        }
        content
    }
}

/// The size of the chunk that these bytes begin with, and what follows its line.
fn chunk_size(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let end = bytes.windows(2).position(|window| window == b"\r\n")?;
    let size = std::str::from_utf8(&bytes[..end])
        .unwrap()
        .split(';')
        .next()
        .unwrap();
    Some((usize::from_str_radix(size, 16).unwrap(), &bytes[end + 2..]))
}

/// Where a chunked body ends, trailers included; none while it isn't all there.
pub(crate) fn chunked_end(bytes: &[u8]) -> Option<usize> {
    let mut rest = bytes;
    loop {
        let (size, after) = chunk_size(rest)?;
        if size == 0 {
            let line_before = &rest[rest.len() - after.len() - 2..];
            let end = line_before
                .windows(4)
                .position(|window| window == b"\r\n\r\n")?;
            return Some(bytes.len() - line_before.len() + end + 4);
        }
        rest = after.get(size + 2..)?;
    }
}
