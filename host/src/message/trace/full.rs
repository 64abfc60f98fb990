//! The messages of an exchange, as they came and as each step left them. Not masked.

use std::sync::Arc;

use bytes::Bytes;
use http::HeaderMap;

use super::pieces::Pieces;
use super::said::Said;
use super::tapped::{Taken, Tapped};
use crate::message::{Fields, RequestHead, ResponseHead};

/// Bytes of a part beside its contents, roughly.
const PART: usize = 256;

/// The messages of one exchange.
#[derive(Debug)]
pub struct Full {
    /// As it came.
    pub request: Shot<RequestHead>,
    /// What each step changed, in the order of [`Times::steps`](super::Times::steps).
    pub steps: Vec<FullStep>,
    /// Up to where heads are known: the step that changed one last, if any.
    pub(super) request_at: Option<usize>,
    pub(super) response_at: Option<usize>,
}

/// A whole message.
#[derive(Debug)]
pub struct Shot<H> {
    pub head: H,
    pub content: Kept,
}

/// What one step did to the two messages.
#[derive(Debug, Default)]
pub struct FullStep {
    pub request: Option<Box<Change<RequestHead>>>,
    pub response: Option<Box<Change<ResponseHead>>>,
    pub pieces: Option<Box<Pieces>>,
    pub log: Vec<Said>,
}

/// What was changed in a message; what is none is as it was.
#[derive(Debug)]
pub struct Change<H> {
    pub head: Option<H>,
    pub content: Option<Kept>,
    /// Nothing of the message before is left, if there was one.
    pub whole: bool,
}

/// A body as it is taken down.
#[derive(Debug)]
pub enum Kept {
    /// All of it was in memory.
    Whole {
        /// The first bytes.
        data: Bytes,
        length: u64,
        trailers: Option<Box<HeaderMap>>,
    },
    /// It is read later.
    Tapped(Arc<Tapped>),
    /// It could not be looked at.
    Unknown,
}

impl Kept {
    /// What was read of it by now.
    pub fn take(&self) -> Taken {
        match self {
            Kept::Whole {
                data,
                length,
                trailers,
            } => Taken {
                kept: data.clone(),
                length: *length,
                complete: true,
                trailers: trailers.clone(),
            },
            Kept::Tapped(tapped) => tapped.take(),
            Kept::Unknown => Taken::default(),
        }
    }
}

impl Kept {
    /// Bytes that are kept of it.
    fn weight(&self) -> usize {
        match self {
            Kept::Whole { data, .. } => data.len(),
            Kept::Tapped(tapped) => tapped.lengths().1,
            Kept::Unknown => 0,
        }
    }
}

impl<H> Change<H> {
    fn weight(&self, fields: impl Fn(&H) -> &Fields) -> usize {
        let head = self.head.as_ref();
        let head = head.map_or(0, |head| fields(head).most_bytes());
        head + self.content.as_ref().map_or(0, Kept::weight)
    }
}

impl FullStep {
    fn weight(&self) -> usize {
        let request = self.request.as_deref();
        let request = request.map_or(0, |it| it.weight(|head| &head.fields));
        let response = self.response.as_deref();
        let response = response.map_or(0, |it| it.weight(|head| &head.fields));
        let log: usize = self.log.iter().map(|line| line.text.len() + PART).sum();
        let pieces = self.pieces.as_deref().map_or(0, Pieces::weight);
        PART + request + response + log + pieces
    }
}

impl Full {
    /// Bytes of memory that it holds, roughly.
    pub(super) fn weight(&self) -> usize {
        let steps: usize = self.steps.iter().map(FullStep::weight).sum();
        let fields = self.request.head.fields.most_bytes();
        PART + fields + self.request.content.weight() + steps
    }

    pub(super) fn new(head: RequestHead) -> Self {
        Self {
            request: Shot {
                head,
                content: Kept::Unknown,
            },
            steps: Vec::with_capacity(4),
            request_at: None,
            response_at: None,
        }
    }

    /// The head of the request as it was left last.
    fn request_head(&self) -> &RequestHead {
        let step = self.request_at.and_then(|at| self.steps.get(at));
        let head = step.and_then(|step| step.request.as_ref()?.head.as_ref());
        head.unwrap_or(&self.request.head)
    }

    fn response_head(&self) -> Option<&ResponseHead> {
        let step = self.steps.get(self.response_at?)?;
        step.response.as_ref()?.head.as_ref()
    }

    pub(super) fn is_request(&self, head: &RequestHead) -> bool {
        let known = self.request_head();
        known.method == head.method
            && known.target == head.target
            && known.fields.is_identical(&head.fields)
    }

    pub(super) fn is_response(&self, head: &ResponseHead) -> bool {
        self.response_head().is_some_and(|known| {
            known.status == head.status && known.fields.is_identical(&head.fields)
        })
    }

    /// A step left the request like this; its body is as before unless there is one here.
    pub(super) fn saw_request(&mut self, step: usize, head: &RequestHead, content: Option<Kept>) {
        let head = (!self.is_request(head)).then(|| head.clone());
        self.put_request(step, head, content);
    }

    /// A step left the request with a head that is known to be another one.
    pub(super) fn new_request(&mut self, step: usize, head: &RequestHead) {
        self.put_request(step, Some(head.clone()), None);
    }

    fn put_request(&mut self, step: usize, head: Option<RequestHead>, content: Option<Kept>) {
        if head.is_none() && content.is_none() {
            return;
        }
        if head.is_some() {
            self.request_at = Some(step);
        }
        if let Some(step) = self.steps.get_mut(step) {
            step.request = Some(Box::new(Change {
                head,
                content,
                whole: false,
            }));
        }
    }

    /// The same of the response, of which nothing is left if `whole`.
    pub(super) fn saw_response(
        &mut self,
        step: usize,
        head: &ResponseHead,
        content: Option<Kept>,
        whole: bool,
    ) {
        let head = (whole || !self.is_response(head)).then(|| head.clone());
        self.put_response(step, head, content, whole);
    }

    /// The same of a response that was there, with a head that is known to be another one.
    pub(super) fn new_response(&mut self, step: usize, head: &ResponseHead) {
        self.put_response(step, Some(head.clone()), None, false);
    }

    fn put_response(
        &mut self,
        step: usize,
        head: Option<ResponseHead>,
        content: Option<Kept>,
        whole: bool,
    ) {
        if head.is_none() && content.is_none() {
            return;
        }
        if head.is_some() {
            self.response_at = Some(step);
        }
        if let Some(step) = self.steps.get_mut(step) {
            step.response = Some(Box::new(Change {
                head,
                content,
                whole,
            }));
        }
    }
}
