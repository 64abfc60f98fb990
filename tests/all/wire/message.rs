//! Messages in a form in which what was expected and what came can be compared.
//!
//! Two things may differ from run to run and mean the same: how a body is divided into chunks, and what every message has
//! because it passed through a proxy (`date`, `via`, `x-forwarded-*`). The first is undone. The second is taken out where it
//! is as usual, and where it is not, a line in angle brackets stands for it.

use std::net::Ipv4Addr;

/// Stands for the last chunk, which no length of data shows.
const LAST_CHUNK: &[u8] = b"<last chunk>\r\n";

/// Whose bytes are read.
#[derive(Debug, Clone, Copy)]
enum From {
    /// The table's: nothing is to be taken out.
    Table,
    /// The proxy's, for a client with this address.
    Proxy(Ipv4Addr),
}

/// What has come from the proxy on one connection, and what should come.
#[derive(Debug, Clone)]
pub struct Heard {
    pub got: Vec<u8>,
    /// One of these, all of what came so far.
    pub expected: Vec<Vec<u8>>,
    /// Whose exchange it is.
    pub client: Ipv4Addr,
}

impl Heard {
    pub fn new(client: Ipv4Addr) -> Self {
        Self {
            got: Vec::new(),
            expected: vec![Vec::new()],
            client,
        }
    }

    /// Whether what came is what was expected, no more and no less.
    pub fn is_all(&self) -> bool {
        let got = self.plain_got();
        self.plain_expected()
            .iter()
            .any(|expected| fits(expected, &got))
    }

    /// Whether the first head that came is none of those that were expected, so that waiting for more is of no use.
    pub fn is_another(&self) -> bool {
        let first = |bytes: &[u8]| find(bytes, b"\r\n\r\n").map(|end| bytes[..end + 4].to_vec());
        let Some(got) = first(&self.plain_got()) else {
            return false;
        };
        let mut expected = self.plain_expected().into_iter();
        expected.all(|expected| first(&expected).is_some_and(|expected| !fits(&expected, &got)))
    }

    /// Whether what came is a beginning of what was expected.
    pub fn begins(&self) -> bool {
        let got = self.plain_got();
        self.plain_expected()
            .iter()
            .any(|expected| expected.starts_with(&got))
    }

    pub fn plain_got(&self) -> Vec<u8> {
        plain(&self.got, From::Proxy(self.client))
    }

    pub fn plain_expected(&self) -> Vec<Vec<u8>> {
        let expected = self.expected.iter();
        expected
            .map(|expected| plain(expected, From::Table))
            .collect()
    }

    /// One of these is to come, behind what was to come before.
    pub fn expect(&mut self, either: &[Vec<u8>]) {
        let before = std::mem::take(&mut self.expected);
        let longer = before
            .iter()
            .flat_map(|before| either.iter().map(|next| [&before[..], next].concat()));
        self.expected = longer.collect();
    }
}

/// The messages in `bytes`, which may end anywhere.
fn plain(bytes: &[u8], from: From) -> Vec<u8> {
    let mut plain = Vec::new();
    let mut rest = bytes;
    while let Some((head, after)) = head(rest) {
        rest = after;
        let is_response = head.is_response();
        let (chunked, length, status) = (head.is_chunked(), head.length(), head.status());
        head.write(&mut plain, from);
        let next_is_head = rest.starts_with(b"HTTP/1.");
        if is_response && (next_is_head || matches!(status, 100..=199 | 204 | 304)) {
            // No content, or an answer to HEAD.
            continue;
        }
        if chunked {
            rest = chunks(rest, &mut plain);
        } else if let Some(length) = length {
            let (body, after) = rest.split_at(length.min(rest.len()));
            plain.extend_from_slice(body);
            rest = after;
        } else if is_response {
            break;
        }
    }
    plain.extend_from_slice(rest);
    plain
}

/// Whether what came is what was expected, in which `…` stands for anything within a line.
fn fits(expected: &[u8], got: &[u8]) -> bool {
    let mut parts = split(expected, "…".as_bytes()).into_iter();
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = got.strip_prefix(first) else {
        return false;
    };
    let mut anything = false;
    for part in parts {
        anything = true;
        let line_end = find(rest, b"\r").unwrap_or(rest.len());
        let Some(at) = find(&rest[..rest.len().min(line_end + part.len())], part) else {
            return false;
        };
        rest = &rest[at + part.len()..];
    }
    rest.is_empty() || (anything && expected.ends_with("…".as_bytes()) && !rest.contains(&b'\r'))
}

struct Head {
    start: Vec<u8>,
    /// Name, and all behind the colon, as they stand on their lines.
    fields: Vec<(Vec<u8>, Vec<u8>)>,
}

/// The head at the start, if what stands there is one and is complete.
fn head(bytes: &[u8]) -> Option<(Head, &[u8])> {
    let end = find(bytes, b"\r\n\r\n")?;
    let mut lines = split(&bytes[..end], b"\r\n").into_iter();
    let start = lines.next()?.to_vec();
    if !start.starts_with(b"HTTP/1.") && !is_request_line(&start) {
        return None;
    }
    let fields = lines.map(field).collect();
    Some((Head { start, fields }, &bytes[end + 4..]))
}

/// Whether it is one that this proxy may write.
pub fn is_request_line(line: &[u8]) -> bool {
    line.ends_with(b" HTTP/1.1") || line.ends_with(b" HTTP/1.0")
}

fn field(line: &[u8]) -> (Vec<u8>, Vec<u8>) {
    match find(line, b":") {
        Some(colon) => (line[..colon].to_vec(), line[colon + 1..].to_vec()),
        // No message of the proxy has such a line.
        None => (line.to_vec(), Vec::new()),
    }
}

impl Head {
    fn is_response(&self) -> bool {
        self.start.starts_with(b"HTTP/1.")
    }

    fn status(&self) -> u16 {
        let status = self.start.split(|byte| *byte == b' ').nth(1);
        let status = status.and_then(|status| std::str::from_utf8(status).ok());
        status.and_then(|status| status.parse().ok()).unwrap_or(0)
    }

    fn value(&self, name: &str) -> Option<&[u8]> {
        let of_name = |(of, _): &&(Vec<u8>, Vec<u8>)| of.eq_ignore_ascii_case(name.as_bytes());
        self.fields
            .iter()
            .find(of_name)
            .map(|(_, value)| value.trim_ascii())
    }

    fn is_chunked(&self) -> bool {
        self.value("transfer-encoding") == Some(b"chunked")
    }

    fn length(&self) -> Option<usize> {
        let length = std::str::from_utf8(self.value("content-length")?).ok()?;
        length.parse().ok()
    }

    /// Whether it is an answer of the proxy's own.
    fn is_made_here(&self) -> bool {
        self.value("proxy-status")
            .is_some_and(|status| status.starts_with(b"tollgate;"))
    }

    fn write(mut self, plain: &mut Vec<u8>, from: From) {
        if let From::Proxy(client) = from {
            self.take_out_the_usual(client);
        }
        // The host's own answers are made, not forwarded: their fields have no order that anybody chose.
        if self.is_made_here() {
            lower_and_sort(&mut self.fields);
        }
        plain.extend_from_slice(&self.start);
        plain.extend_from_slice(b"\r\n");
        write_fields(&self.fields, plain);
        plain.extend_from_slice(b"\r\n");
    }

    fn take_out_the_usual(&mut self, client: Ipv4Addr) {
        let is_interim = matches!(self.status(), 100..=199);
        if self.is_response() {
            let made_here = self.is_made_here();
            self.take_out("date", is_interim, is_recent_date);
            self.take_out("via", is_interim || made_here, |via| via == b"1.1 tollgate");
            return;
        }
        let host = self.value("host").unwrap_or_default().to_vec();
        self.take_out("via", false, |via| via == b"1.1 tollgate");
        self.take_out("x-forwarded-for", false, |value| {
            value == client.to_string().as_bytes()
        });
        self.take_out("x-forwarded-host", false, |value| value == host);
        self.take_out("x-forwarded-proto", false, |value| value == b"http");
    }

    /// Takes out the last field of this name if it is as usual. One that is absent is told, unless it may be.
    fn take_out(&mut self, name: &str, may_be_absent: bool, is_usual: impl Fn(&[u8]) -> bool) {
        let last = self
            .fields
            .iter()
            .rposition(|(of, _)| of.eq_ignore_ascii_case(name.as_bytes()));
        match last {
            Some(last) if is_usual(self.fields[last].1.trim_ascii()) => {
                self.fields.remove(last);
            }
            None if !may_be_absent => self
                .fields
                .push((format!("<no {name}>").into(), b" ".to_vec())),
            _ => {}
        }
    }
}

/// What is the same however fields are written and in which order.
fn lower_and_sort(fields: &mut [(Vec<u8>, Vec<u8>)]) {
    for (name, _) in fields.iter_mut() {
        name.make_ascii_lowercase();
    }
    fields.sort_by(|(one, _), (other, _)| one.cmp(other));
}

fn write_fields(fields: &[(Vec<u8>, Vec<u8>)], plain: &mut Vec<u8>) {
    for (name, value) in fields {
        plain.extend_from_slice(&[name, &b":"[..], value, b"\r\n"].concat());
    }
}

/// A date as HTTP writes it, of now or so: the backends here send none of this century.
fn is_recent_date(value: &[u8]) -> bool {
    let shape = b"aaa, 00 aaa 2000 00:00:00 GMT";
    let fits = |(given, shape): (&u8, &u8)| match shape {
        b'a' => given.is_ascii_alphabetic(),
        b'0' => given.is_ascii_digit(),
        other => given == other,
    };
    value.len() == shape.len() && value.iter().zip(shape).all(fits)
}

/// Takes chunks off the start, as a proxy writes them: their data goes to `plain`. What is no such chunk stays.
fn chunks<'a>(bytes: &'a [u8], plain: &mut Vec<u8>) -> &'a [u8] {
    let mut rest = bytes;
    loop {
        let Some(end) = find(rest, b"\r\n") else {
            // The beginning of a line that gives a size: it tells nothing yet.
            return if rest.iter().all(u8::is_ascii_hexdigit) {
                b""
            } else {
                rest
            };
        };
        let Some(size) = size(&rest[..end]) else {
            return rest;
        };
        let after = &rest[end + 2..];
        if size == 0 {
            plain.extend_from_slice(LAST_CHUNK);
            return trailers(after, plain);
        }
        let (data, after) = after.split_at(size.min(after.len()));
        plain.extend_from_slice(data);
        match after.strip_prefix(b"\r\n") {
            Some(next) => rest = next,
            None if b"\r".starts_with(after) => return b"",
            None => return after,
        }
    }
}

/// A size that is written in the shortest way.
fn size(line: &[u8]) -> Option<usize> {
    let line = std::str::from_utf8(line).ok()?;
    let size = usize::from_str_radix(line, 16).ok()?;
    let shortest = line.eq_ignore_ascii_case(&format!("{size:x}"));
    shortest.then_some(size)
}

fn trailers<'a>(bytes: &'a [u8], plain: &mut Vec<u8>) -> &'a [u8] {
    if let Some(after) = bytes.strip_prefix(b"\r\n") {
        plain.extend_from_slice(b"\r\n");
        return after;
    }
    let Some(end) = find(bytes, b"\r\n\r\n") else {
        return bytes;
    };
    let fields: Vec<_> = split(&bytes[..end], b"\r\n")
        .into_iter()
        .map(field)
        .collect();
    write_fields(&fields, plain);
    plain.extend_from_slice(b"\r\n");
    &bytes[end + 4..]
}

pub fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    if what.is_empty() {
        return Some(0);
    }
    bytes.windows(what.len()).position(|window| window == what)
}

fn split<'a>(bytes: &'a [u8], by: &[u8]) -> Vec<&'a [u8]> {
    let mut parts = Vec::new();
    let mut rest = bytes;
    while let Some(at) = find(rest, by) {
        parts.push(&rest[..at]);
        rest = &rest[at + by.len()..];
    }
    parts.push(rest);
    parts
}

#[cfg(test)]
mod tests;
