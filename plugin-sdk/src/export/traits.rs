//! Which traits beside `Plugin` a plugin has, so that `export!` can tell what it leaves out.

use core::marker::PhantomData;

use crate::{Background, RequestBody, ResponseBody, WebSocket};

/// Tells which of the traits a type has, for [`export!`](crate::export): the constants of `Has` if it has the trait, else those of
/// `Lacks`.
#[derive(Debug)]
pub struct Has<T>(PhantomData<T>);

impl<T: RequestBody> Has<T> {
    /// It has the trait.
    pub const REQUEST_BODY: bool = true;
}

impl<T: ResponseBody> Has<T> {
    /// It has the trait.
    pub const RESPONSE_BODY: bool = true;
}

impl<T: Background> Has<T> {
    /// It has the trait.
    pub const BACKGROUND: bool = true;
}

impl<T: WebSocket> Has<T> {
    /// It has the trait.
    pub const WEB_SOCKET: bool = true;
}

/// See [`Has`].
pub trait Lacks {
    /// It doesn't have the trait.
    const REQUEST_BODY: bool = false;
    /// It doesn't have the trait.
    const RESPONSE_BODY: bool = false;
    /// It doesn't have the trait.
    const BACKGROUND: bool = false;
    /// It doesn't have the trait.
    const WEB_SOCKET: bool = false;
}

impl<T> Lacks for Has<T> {}

/// Whether a trait is among these names, if the type has it.
pub const fn is_named(has: bool, names: &[&str], name: &str) -> bool {
    let mut at = 0;
    while at < names.len() {
        if is_same(names[at].as_bytes(), name.as_bytes()) {
            return true;
        }
        at += 1;
    }
    !has
}

const fn is_same(one: &[u8], other: &[u8]) -> bool {
    let mut at = 0;
    while at < one.len() && at < other.len() && one[at] == other[at] {
        at += 1;
    }
    at == one.len() && at == other.len()
}

#[cfg(test)]
mod tests {
    use super::is_named;

    #[test]
    fn a_trait_that_a_plugin_has_must_be_named() {
        let names = ["RequestBody", "Background"];
        assert!(is_named(true, &names, "Background"));
        assert!(!is_named(true, &names, "ResponseBody"));
        assert!(!is_named(true, &names, "Request"));
        assert!(!is_named(true, &[], "Background"));
        assert!(is_named(false, &[], "Background"));
    }
}
