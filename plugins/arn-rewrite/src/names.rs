//! The names that are swapped.

/// One name on the client's and on the backend's side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pair {
    pub(crate) client: String,
    pub(crate) backend: String,
}

/// What is swapped. It is a swap: the client's name becomes the backend's and the backend's becomes the client's, so no
/// two names fall together, and what went to the backend comes back as it was.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names {
    /// Twelve digits.
    pub(crate) account: Option<Pair>,
    /// `us-east-1`.
    pub(crate) region: Option<Pair>,
    /// `aws`: in ARNs alone.
    pub(crate) partition: Option<Pair>,
}

impl Names {
    pub(crate) fn is_empty(&self) -> bool {
        self.account.is_none() && self.region.is_none() && self.partition.is_none()
    }

    /// The account in place of this one.
    pub(crate) fn account(&self, name: &[u8]) -> Option<&str> {
        self.account.as_ref()?.other(name)
    }

    /// The region in place of this one.
    pub(crate) fn region(&self, name: &[u8]) -> Option<&str> {
        self.region.as_ref()?.other(name)
    }

    /// The partition in place of this one.
    pub(crate) fn partition(&self, name: &[u8]) -> Option<&str> {
        self.partition.as_ref()?.other(name)
    }
}

impl Pair {
    /// The other side's name, if this is one of the two.
    pub(crate) fn other(&self, name: &[u8]) -> Option<&str> {
        if name == self.client.as_bytes() {
            Some(&self.backend)
        } else if name == self.backend.as_bytes() {
            Some(&self.client)
        } else {
            None
        }
    }

    /// The name that the text begins with: its length, and what takes its place. The longer one counts, where one
    /// begins with the other.
    pub(crate) fn at(&self, text: &[u8]) -> Option<(usize, &str)> {
        let mut sides = [(&self.client, &self.backend), (&self.backend, &self.client)];
        sides.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
        let found = sides
            .into_iter()
            .find(|(name, _)| text.starts_with(name.as_bytes()));
        found.map(|(name, other)| (name.len(), other.as_str()))
    }
}
