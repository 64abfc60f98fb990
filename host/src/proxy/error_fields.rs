//! Fields that plugins set on the response before they forwarded a request, for an error answer of the host.
//!
//! They are kept outside the exchange, because a timeout drops that.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::message::{Fields, Name};

/// Fields that describe a body. The body of an error answer is the host's, and so are these.
const OF_A_BODY: [&str; 10] = [
    "content-type",
    "content-length",
    "content-encoding",
    "content-language",
    "content-location",
    "content-range",
    "etag",
    "last-modified",
    "content-digest",
    "repr-digest",
];

/// What one run through a chain, or a part of it, has kept. Nothing is allocated while no plugin sets a field.
#[derive(Debug, Default)]
pub struct ErrorFields(Mutex<Option<Box<Kept>>>);

#[derive(Debug, Default)]
struct Kept {
    fields: Fields,
    /// Of the last run through the part of the chain that a plugin surrounds.
    surrounded: Option<Arc<ErrorFields>>,
}

impl ErrorFields {
    /// Keeps the fields of a response whose plugin has forwarded the request, after those that are kept already.
    pub fn keep(&self, response: &mut Fields) {
        if response.is_empty() {
            return;
        }
        let mut kept = self.lock();
        let fields = &mut kept.get_or_insert_default().fields;
        if fields.is_empty() {
            *fields = std::mem::take(response);
        } else {
            fields.extend(response);
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
    pub fn put_on(&self, answer: &mut Fields) {
        let mut all = Fields::new();
        self.collect(&mut all);
        if all.is_empty() {
            return;
        }
        let is_hosts = |name: Name<'_>| {
            answer.contains(name) || OF_A_BODY.iter().any(|of_body| name.is(of_body))
        };
        all.retain(|name, _| !is_hosts(name));
        answer.extend(&all);
    }

    fn collect(&self, all: &mut Fields) {
        let kept = self.lock();
        let Some(kept) = kept.as_deref() else {
            return;
        };
        all.extend(&kept.fields);
        if let Some(inner) = &kept.surrounded {
            inner.collect(all);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Box<Kept>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
