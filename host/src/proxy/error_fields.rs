//! Fields that plugins set on the response before they forwarded a request, for an error answer of the host.
//!
//! They are kept outside the exchange, because a timeout drops that.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::{HeaderMap, HeaderName, header};

/// Fields that describe a body. The body of an error answer is the host's, and so are these.
static OF_A_BODY: [HeaderName; 10] = [
    header::CONTENT_TYPE,
    header::CONTENT_LENGTH,
    header::CONTENT_ENCODING,
    header::CONTENT_LANGUAGE,
    header::CONTENT_LOCATION,
    header::CONTENT_RANGE,
    header::ETAG,
    header::LAST_MODIFIED,
    HeaderName::from_static("content-digest"),
    HeaderName::from_static("repr-digest"),
];

/// What one run through a chain, or a part of it, has kept. Nothing is allocated while no plugin sets a field.
#[derive(Debug, Default)]
pub struct ErrorFields(Mutex<Option<Box<Kept>>>);

#[derive(Debug, Default)]
struct Kept {
    fields: HeaderMap,
    /// Of the last run through the part of the chain that a plugin surrounds.
    surrounded: Option<Arc<ErrorFields>>,
}

impl ErrorFields {
    /// Keeps the fields of a response whose plugin has forwarded the request, after those that are kept already.
    pub fn keep(&self, response: &mut HeaderMap) {
        if response.is_empty() {
            return;
        }
        let mut kept = self.lock();
        let fields = &mut kept.get_or_insert_default().fields;
        if fields.is_empty() {
            *fields = std::mem::take(response);
        } else {
            append(fields, response);
        }
    }

    /// A set for the part of the chain that a plugin surrounds. It counts in place of any earlier one.
    pub fn surrounded(&self) -> Arc<ErrorFields> {
        let inner = Arc::new(ErrorFields::default());
        self.lock().get_or_insert_default().surrounded = Some(inner.clone());
        inner
    }

    /// Adds the kept fields to an error answer, in the order of the chain. What the answer has itself stays as it is, and
    /// what describes a body is left out.
    pub fn put_on(&self, answer: &mut HeaderMap) {
        let mut all = HeaderMap::new();
        self.collect(&mut all);
        if all.is_empty() {
            return;
        }
        for name in answer.keys().chain(&OF_A_BODY) {
            all.remove(name);
        }
        append(answer, &all);
    }

    fn collect(&self, all: &mut HeaderMap) {
        let kept = self.lock();
        let Some(kept) = kept.as_deref() else {
            return;
        };
        append(all, &kept.fields);
        if let Some(inner) = &kept.surrounded {
            inner.collect(all);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Box<Kept>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn append(to: &mut HeaderMap, from: &HeaderMap) {
    for (name, value) in from {
        to.append(name, value.clone());
    }
}
