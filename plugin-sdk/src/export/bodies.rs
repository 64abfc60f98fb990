//! The way from the contract's exports for bodies to the traits' methods. The functions are the same in a native test.

use core::cell::RefCell;

use super::loaded::{HookResult, Loaded, line, loaded};
use crate::body::{Fate, RequestBody, ResponseBody, Rewriter, Sink, Unit, Wish};
use crate::{Request, Response};

/// Where an instance keeps what rewrites the body in hand. It has one at a time.
pub type Slot<R> = RefCell<Option<R>>;

/// What the contract's `begin` says: how the body is cut, and whether it is decoded.
pub type Wished = Option<(Unit, bool)>;

/// Asks whether the plugin wants the body of this request.
pub fn begin_request<P: RequestBody>(
    plugin: &Loaded<P>,
    slot: &Slot<<P as RequestBody>::Rewriter>,
) -> HookResult<Wished> {
    let wish = line(loaded(plugin)?.request_body(&Request::in_hand()));
    Ok(begin(slot, wish?))
}

/// Asks whether the plugin wants the body of this response.
pub fn begin_response<P: ResponseBody>(
    plugin: &Loaded<P>,
    slot: &Slot<<P as ResponseBody>::Rewriter>,
) -> HookResult<Wished> {
    let wish = line(loaded(plugin)?.response_body(&Request::in_hand(), &Response::in_hand()));
    Ok(begin(slot, wish?))
}

fn begin<R>(slot: &Slot<R>, wish: Option<Wish<R>>) -> Wished {
    let (wished, rewriter) = match wish {
        Some(wish) => (Some((wish.unit, wish.decoded)), Some(wish.rewriter)),
        None => (None, None),
    };
    slot.replace(rewriter);
    wished
}

/// Gives a piece to what rewrites the body.
pub fn piece<R: Rewriter>(slot: &Slot<R>, data: &[u8]) -> HookResult<Fate> {
    let fate = match &mut *slot.borrow_mut() {
        Some(rewriter) => line(rewriter.piece(data, &mut Sink::in_hand()))?,
        None => return Err(NOT_BEGUN.into()),
    };
    if fate == Fate::Stop {
        // The host says nothing more of this body.
        slot.take();
    }
    Ok(fate)
}

/// The body is complete.
pub fn end<R: Rewriter>(slot: &Slot<R>) -> HookResult<()> {
    match slot.take() {
        Some(mut rewriter) => line(rewriter.end(&mut Sink::in_hand())),
        None => Err(NOT_BEGUN.into()),
    }
}

const NOT_BEGUN: &str = "the host gave a piece of a body that had not begun";

#[cfg(target_family = "wasm")]
mod wit {
    use super::{Fate, HookResult, Unit, Wished};
    use crate::bindings::tollgate::proxy::types;

    pub use types::{BodyWish as WitWish, Fate as WitFate};

    /// For the contract.
    pub fn wit_wish(wished: HookResult<Wished>) -> HookResult<Option<WitWish>> {
        let wish = |(unit, decoded)| WitWish {
            unit: match unit {
                Unit::Bytes => types::Unit::Bytes,
                Unit::Text => types::Unit::Text,
                Unit::Lines => types::Unit::Lines,
                Unit::Events => types::Unit::Events,
                Unit::Messages => types::Unit::Messages,
            },
            decoded,
        };
        Ok(wished?.map(wish))
    }

    /// For the contract.
    pub fn wit_fate(fate: HookResult<Fate>) -> HookResult<WitFate> {
        Ok(match fate? {
            Fate::Keep => WitFate::Keep,
            Fate::Replace => WitFate::Replace,
            Fate::Stop => WitFate::Stop,
        })
    }
}
#[cfg(target_family = "wasm")]
pub use wit::{WitFate, WitWish, wit_fate, wit_wish};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Result;

    struct Stops;

    impl Rewriter for Stops {
        fn piece(&mut self, _: &[u8], _: &mut Sink) -> Result<Fate> {
            Ok(Fate::Stop)
        }
    }

    #[test]
    fn a_slot_holds_a_body_from_its_beginning_to_its_end() {
        let slot = Slot::new(None);
        assert_eq!(piece::<Stops>(&slot, b"x"), Err(NOT_BEGUN.to_owned()));
        assert_eq!(
            begin(&slot, Some(Wish::lines(Stops).decoded())),
            Some((Unit::Lines, true))
        );
        assert_eq!(piece(&slot, b"x"), Ok(Fate::Stop));
        assert!(slot.borrow().is_none());
        begin(&slot, Some(Wish::bytes(Stops)));
        assert_eq!(end(&slot), Ok(()));
        assert_eq!(end(&slot), Err(NOT_BEGUN.to_owned()));
        // A body that the plugin leaves alone takes nothing over from one that broke off.
        begin(&slot, Some(Wish::bytes(Stops)));
        assert_eq!(begin(&slot, None), None);
        assert!(slot.borrow().is_none());
    }
}
