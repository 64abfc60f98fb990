//! The fields of a head, kept as they came: one piece of bytes and the lines in it. What is changed is added behind them.
//!
//! Nothing is put into a map. A field that nobody changes is sent with the letters of its name, its spaces and its
//! place as it came. Names are compared without case.

mod convert;
mod found;
mod line;
mod name;
#[cfg(test)]
mod tests;

use super::known::Known;
use super::syntax;

use found::Found;
pub use found::Replaced;
use line::Line;
pub use line::Lines;
pub use name::{AsName, AsValue, Checked, GivenName, Name, as_text};

/// The fields of a message, in their order.
#[derive(Clone, Default)]
pub struct Fields {
    /// The lines as they came, and behind them those that were added since. Some are no field's any more.
    bytes: Vec<u8>,
    lines: Vec<Line>,
    /// The known names among the lines: [`Known::bit`].
    present: u64,
}

/// A field that is written out once and added to many heads.
#[derive(Debug)]
pub struct FieldLine {
    bytes: Vec<u8>,
    /// Where the value begins.
    value: usize,
    known: Known,
}

impl FieldLine {
    pub fn new(name: Known, value: impl AsValue) -> Self {
        let mut fields = Fields::new();
        fields.append(name, value);
        Self {
            bytes: fields.bytes,
            value: name.as_str().len() + 2,
            known: name,
        }
    }
}

/// Room for the lines that most heads get: `via`, `date`, `x-forwarded-*`.
const ADDED: usize = 256;

impl Fields {
    /// No fields.
    pub fn new() -> Self {
        Self::default()
    }

    /// The fields of a head that was read and checked: its bytes, and where the lines are in them.
    pub fn of_head(head: &[u8], lines: Lines) -> Self {
        let mut bytes = Vec::with_capacity(head.len() + ADDED);
        bytes.extend_from_slice(head);
        Self {
            bytes,
            lines: lines.lines,
            present: lines.present,
        }
    }

    pub fn len(&self) -> usize {
        self.lines.len()
    }

    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// All fields in their order.
    pub fn iter(&self) -> impl Iterator<Item = (Name<'_>, &[u8])> {
        self.lines
            .iter()
            .map(|line| (self.name(line), self.value(line)))
    }

    /// The names in their order; one that has several lines as often.
    pub fn names(&self) -> impl Iterator<Item = Name<'_>> {
        self.lines.iter().map(|line| self.name(line))
    }

    pub fn contains(&self, name: impl AsName) -> bool {
        match name.known() {
            Known::Other => self.lines.iter().any(|line| self.is(line, name.bytes())),
            known => self.present & known.bit() != 0,
        }
    }

    /// Whether any of these names is there; the sum of their [`Known::bit`]s.
    pub fn contains_any(&self, set: u64) -> bool {
        self.present & set != 0
    }

    /// The value of the first field of this name.
    pub fn get(&self, name: impl AsName) -> Option<&[u8]> {
        let known = name.known();
        if self.lacks(known) {
            return None;
        }
        let mut lines = self.lines.iter();
        let line = lines.find(|line| self.matches(line, known, name.bytes()));
        line.map(|line| self.value(line))
    }

    /// As [`get`](Self::get), if the value is of visible ASCII characters, spaces and tabs.
    pub fn get_text(&self, name: impl AsName) -> Option<&str> {
        self.get(name).and_then(as_text)
    }

    /// The values of all fields of this name, in their order.
    pub fn get_all<N: AsName>(&self, name: N) -> impl Iterator<Item = &[u8]> + use<'_, N> {
        let known = name.known();
        let lines = if self.lacks(known) {
            &[]
        } else {
            &self.lines[..]
        };
        lines
            .iter()
            .filter(move |line| self.matches(line, known, name.bytes()))
            .map(|line| self.value(line))
    }

    /// Puts one field in the place of all of this name.
    pub fn insert(&mut self, name: impl AsName, value: impl AsValue) {
        let known = name.known();
        let new = self.add(name.bytes(), known, value.bytes());
        let old = self.find(known, name.bytes());
        self.put(new, old, known, name.bytes());
    }

    /// The same if `agree` does with what is replaced, which is looked for once.
    ///
    /// # Errors
    /// What `agree` says; then nothing is changed.
    pub fn insert_if<E>(
        &mut self,
        name: impl AsName,
        value: impl AsValue,
        agree: impl FnOnce(Replaced) -> Result<(), E>,
    ) -> Result<(), E> {
        let known = name.known();
        let old = self.find(known, name.bytes());
        agree(old.replaced)?;
        let new = self.add(name.bytes(), known, value.bytes());
        self.put(new, old, known, name.bytes());
        Ok(())
    }

    /// Puts a copy of the first value of one name in the place of all fields of another one. Tells whether there is such a
    /// value.
    pub fn copy(&mut self, from: Known, to: Known) -> bool {
        let Some(from) = self.lines.iter().position(|line| line.known == from) else {
            return false;
        };
        let name = to.as_str().as_bytes();
        self.make_room(name.len() + self.lines[from].value_range().len() + 4);
        let (value, start) = (self.lines[from].value_range(), self.bytes.len());
        self.bytes.extend_from_slice(name);
        self.bytes.extend_from_slice(b": ");
        self.bytes.extend_from_within(value.clone());
        self.bytes.extend_from_slice(b"\r\n");
        let at = start + name.len() + 2;
        let end = at + value.len();
        let new = Line::new((start, end + 2), name.len(), (at, end), to);
        let old = self.find(to, name);
        self.put(new, old, to, name);
        true
    }

    fn put(&mut self, new: Line, old: Found, known: Known, name: &[u8]) {
        match self.lines.get_mut(old.first) {
            Some(line) => {
                *line = new;
                if old.replaced.lines > 1 {
                    self.remove_after(old.first + 1, known, name);
                }
            }
            None => {
                self.lines.push(new);
                self.present |= known.bit();
            }
        }
    }

    /// Looks for all fields of a name.
    #[inline]
    fn find(&self, known: Known, name: &[u8]) -> Found {
        let mut found = Found::nothing();
        if self.lacks(known) {
            return found;
        }
        let lines = self.lines.iter().enumerate();
        if known == Known::Other {
            let lines = lines.filter(|(_, line)| self.is(line, name));
            lines.for_each(|(at, line)| found.add(at, line));
        } else {
            let lines = lines.filter(|(_, line)| line.known == known);
            lines.for_each(|(at, line)| found.add(at, line));
        }
        found
    }

    /// Adds a field behind all others.
    pub fn append(&mut self, name: impl AsName, value: impl AsValue) {
        let known = name.known();
        let new = self.add(name.bytes(), known, value.bytes());
        self.lines.push(new);
        self.present |= known.bit();
    }

    /// Adds a field that is written already behind all others.
    pub fn append_line(&mut self, field: &FieldLine) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(&field.bytes);
        let value = start + field.value;
        self.lines.push(Line::new(
            (start, self.bytes.len()),
            field.value - 2,
            (value, self.bytes.len() - 2),
            field.known,
        ));
        self.present |= field.known.bit();
    }

    /// Removes all fields of this name. Tells whether there were any.
    pub fn remove(&mut self, name: impl AsName) -> bool {
        let known = name.known();
        if self.lacks(known) {
            return false;
        }
        let before = self.lines.len();
        self.remove_after(0, known, name.bytes());
        self.present &= !known.bit();
        self.lines.len() < before
    }

    /// Removes all fields of these known names; the sum of their [`Known::bit`]s.
    pub fn remove_all(&mut self, set: u64) {
        if self.present & set != 0 {
            self.lines.retain(|line| line.known.bit() & set == 0);
            self.present &= !set;
        }
    }

    /// Keeps the fields for which `keep` is true.
    pub fn retain(&mut self, mut keep: impl FnMut(Name<'_>, &[u8]) -> bool) {
        let mut lines = std::mem::take(&mut self.lines);
        lines.retain(|line| keep(self.name(line), self.value(line)));
        self.present = lines.iter().fold(0, |set, line| set | line.known.bit());
        self.lines = lines;
    }

    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// Adds all fields of another head behind these.
    pub fn extend(&mut self, more: &Fields) {
        for line in &more.lines {
            let new = self.add(more.name(line).bytes, line.known, more.value(line));
            self.lines.push(new);
        }
        self.present |= more.present;
    }

    /// The value of this name if it has one line, with one space before the value and nothing behind it.
    pub fn get_plain(&self, name: Known) -> Option<&[u8]> {
        let mut lines = self.lines.iter().filter(|line| line.known == name);
        let (Some(line), None) = (lines.next(), lines.next()) else {
            return None;
        };
        let value = line.start + u32::from(line.name_len) + 2;
        let is_plain = line.value == value
            && line.end == value + line.value_len + 2
            && self.bytes[value as usize - 1] == b' ';
        is_plain.then(|| self.value(line))
    }

    /// Bytes that the fields take at most as lines of HTTP/1.1.
    pub fn most_bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Writes the fields as lines of HTTP/1.1, without the empty line behind them.
    pub fn write_to(&self, out: &mut Vec<u8>) {
        self.write_without(0, out);
    }

    /// As [`write_to`](Self::write_to), without fields of these known names; the sum of their [`Known::bit`]s.
    pub fn write_without(&self, set: u64, out: &mut Vec<u8>) {
        let set = set & self.present;
        let kept = |line: &&Line| set == 0 || line.known.bit() & set == 0;
        let mut lines = self.lines.iter().filter(kept).peekable();
        // Lines that lie side by side, as those do that nobody touched, are copied at once.
        while let Some(first) = lines.next() {
            let mut end = first.end;
            while let Some(next) = lines.next_if(|next| next.start == end) {
                end = next.end;
            }
            out.extend_from_slice(self.bytes(first.start, end));
        }
    }

    fn bytes(&self, start: u32, end: u32) -> &[u8] {
        &self.bytes[start as usize..end as usize]
    }

    fn name(&self, line: &Line) -> Name<'_> {
        Name {
            bytes: self.bytes(line.start, line.start + u32::from(line.name_len)),
            known: line.known,
        }
    }

    fn value(&self, line: &Line) -> &[u8] {
        &self.bytes[line.value_range()]
    }

    #[inline]
    fn is(&self, line: &Line, name: &[u8]) -> bool {
        usize::from(line.name_len) == name.len()
            && line.known == Known::Other
            && self.name(line).bytes.eq_ignore_ascii_case(name)
    }

    fn matches(&self, line: &Line, known: Known, name: &[u8]) -> bool {
        match known {
            Known::Other => self.is(line, name),
            known => line.known == known,
        }
    }

    fn remove_after(&mut self, from: usize, known: Known, name: &[u8]) {
        let mut lines = std::mem::take(&mut self.lines);
        let mut index = 0;
        lines.retain(|line| {
            index += 1;
            index <= from || !self.matches(line, known, name)
        });
        self.lines = lines;
    }

    /// Whether a name that the host knows is not there. Of others it can't be told without looking.
    fn lacks(&self, known: Known) -> bool {
        known != Known::Other && self.present & known.bit() == 0
    }

    /// Makes room for a line of so many bytes. What no field needs any more goes if it is most of what is here: a plugin may
    /// set a field for as long as it may run.
    fn make_room(&mut self, size: usize) {
        if self.bytes.capacity() - self.bytes.len() >= size {
            return;
        }
        let line = |line: &Line| (line.end - line.start) as usize;
        let needed: usize = self.lines.iter().map(line).sum();
        if self.bytes.len() <= 2 * needed {
            // The first of several, most often: one allocation for all of them.
            let room = if self.bytes.is_empty() { ADDED } else { 0 };
            return self.bytes.reserve(size.max(room));
        }
        let mut bytes = Vec::with_capacity(needed + size.max(ADDED));
        for line in &mut self.lines {
            let (from, to) = (line.start as usize, bytes.len());
            bytes.extend_from_slice(&self.bytes[from..line.end as usize]);
            let value = line.value_range();
            let value = (value.start - from + to, value.end - from + to);
            *line = Line::new((to, bytes.len()), line.name_len.into(), value, line.known);
        }
        self.bytes = bytes;
    }

    /// Writes a line behind those that were added.
    fn add(&mut self, name: &[u8], known: Known, value: &[u8]) -> Line {
        let value = syntax::trim(value);
        self.make_room(name.len() + value.len() + 4);
        let start = self.bytes.len();
        self.bytes.extend_from_slice(name);
        self.bytes.extend_from_slice(b": ");
        self.bytes.extend_from_slice(value);
        self.bytes.extend_from_slice(b"\r\n");
        let at = start + name.len() + 2;
        let end = at + value.len() + 2;
        Line::new((start, end), name.len(), (at, at + value.len()), known)
    }
}
