//! Bodies that are swapped as they flow.

use tollgate_plugin::{Fate, Result, Rewriter, Sink, Unit, Wish, events, exchange, warn};

use crate::document::{self, Stream, Syntax};
use crate::frames::Frames;
use crate::keys::Api;
use crate::names::Names;

/// How a body that flows is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// As one document, or as values in a row.
    Document,
    /// The same, if it turns out to be an error of S3's.
    S3Error,
    /// As events, with a document in the data of each.
    Events,
    /// As messages of AWS's own framing, with a document in each.
    Frames,
}

impl Kind {
    const ALL: [(Self, &'static str); 4] = [
        (Self::Document, "document"),
        (Self::S3Error, "error"),
        (Self::Events, "events"),
        (Self::Frames, "frames"),
    ];

    /// Leaves word that a body of a service is to flow. `note` is the side's.
    pub(crate) fn announce(self, note: &str, service: &str) {
        let name = Self::ALL.iter().find(|(kind, _)| *kind == self);
        let name = name.map_or("", |(_, name)| name);
        exchange::set_note(note, format!("{name} {service}"));
    }

    /// What was announced, and the service.
    fn announced(note: &str) -> Option<(Self, String)> {
        let note = exchange::note(note)?;
        let (name, service) = std::str::from_utf8(&note).ok()?.split_once(' ')?;
        let (kind, _) = Self::ALL.iter().find(|(_, of)| *of == name)?;
        Some((*kind, service.to_owned()))
    }
}

/// Swaps the names in one body.
#[derive(Debug)]
pub struct Flow {
    names: Names,
    service: String,
    is_answer: bool,
    reader: Reader,
    out: Vec<u8>,
}

#[derive(Debug)]
enum Reader {
    Document(Stream),
    Event,
    Frames(Frames),
}

impl Flow {
    /// What a hook announced.
    pub(crate) fn wish(names: &Names, note: &str, is_answer: bool) -> Option<Wish<Self>> {
        let (kind, service) = Kind::announced(note)?;
        let (unit, reader) = match kind {
            Kind::Document => (Unit::Bytes, Reader::Document(Stream::new())),
            Kind::S3Error => (Unit::Bytes, Reader::Document(Stream::of_s3_error())),
            Kind::Events => (Unit::Events, Reader::Event),
            Kind::Frames => (Unit::Bytes, Reader::Frames(Frames::default())),
        };
        let flow = Self {
            names: names.clone(),
            service,
            is_answer,
            reader,
            out: Vec::new(),
        };
        Some(Wish::cut(unit, flow).decoded())
    }

    fn swap(&mut self, piece: Option<&[u8]>, sink: &mut Sink) -> Fate {
        let service = self.service.as_str();
        let is_answer = self.is_answer;
        let api = Api { service, is_answer };
        self.out.clear();
        match (&mut self.reader, piece) {
            (Reader::Document(stream), Some(piece)) => {
                stream.push(&self.names, api, piece, &mut self.out);
            }
            (Reader::Document(stream), None) => stream.end(&self.names, api, &mut self.out),
            (Reader::Frames(frames), Some(piece)) => {
                let was_foreign = frames.is_foreign();
                frames.push(&self.names, api, piece, &mut self.out);
                if frames.is_foreign() && !was_foreign {
                    warn!(
                        "the response is no event stream of AWS's: the rest of it goes on as it is"
                    );
                }
            }
            (Reader::Frames(frames), None) => frames.end(&mut self.out),
            (Reader::Event, Some(event)) => match in_event(&self.names, api, event) {
                Some(new) => self.out = new,
                None => return Fate::Keep,
            },
            (Reader::Event, None) => {}
        }
        if piece.is_some_and(|piece| piece == self.out) {
            return Fate::Keep;
        }
        if !self.out.is_empty() {
            sink.emit(&self.out);
        }
        Fate::Replace
    }
}

impl Rewriter for Flow {
    fn piece(&mut self, piece: &[u8], sink: &mut Sink) -> Result<Fate> {
        Ok(self.swap(Some(piece), sink))
    }

    fn end(&mut self, sink: &mut Sink) -> Result<()> {
        let _ = self.swap(None, sink);
        Ok(())
    }
}

/// An event with the names in its data swapped; none if it stays as it is.
fn in_event(names: &Names, api: Api<'_>, event: &[u8]) -> Option<Vec<u8>> {
    let data = events::data(event)?;
    let new = document::swap(names, api, Syntax::of(&data), &data)?;
    Some(events::with_data(event, new))
}
