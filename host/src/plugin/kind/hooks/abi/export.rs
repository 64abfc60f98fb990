//! A function that a guest exports, by its types.

use std::marker::PhantomData;

use wasmtime::{AsContext, AsContextMut, Func, FuncType, Store, StoreContextMut, ValRaw, ValType};

use super::call_on_fiber;
use super::layout::{MOST_PARAMS, MOST_RESULTS, func_type};
use super::lift::{FlatValues, Lift, Reading};
use super::lower::{FlatSlots, Lower, Writing};
use crate::plugin::host::HooksState;
use crate::plugin::wasm::GuestFunction;

/// A function of an instance, and the one that frees what it gave.
pub struct Export<P, R> {
    function: GuestFunction,
    post_return: Option<GuestFunction>,
    types: PhantomData<fn(P) -> R>,
}

impl<P, R> std::fmt::Debug for Export<P, R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Export").finish_non_exhaustive()
    }
}

impl<P, R> Clone for Export<P, R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<P, R> Copy for Export<P, R> {}

impl<P: Lower, R: for<'m> Lift<Value<'m> = R>> Export<P, R> {
    /// # Errors
    /// When a function is of another type.
    pub fn new(
        store: impl AsContext,
        function: Func,
        post_return: Option<Func>,
    ) -> wasmtime::Result<Self> {
        let store = store.as_context();
        let ty = func_type::<P, R>(store.engine(), false);
        let given = ty.results().collect::<Vec<ValType>>();
        let post_ty = FuncType::new(store.engine(), given, []);
        let post_return = post_return
            .map(|post_return| GuestFunction::of_type(&store, post_return, &post_ty))
            .transpose()?;
        Ok(Self {
            function: GuestFunction::of_type(&store, function, &ty)?,
            post_return,
            types: PhantomData,
        })
    }

    /// Calls it on the caller's stack.
    ///
    /// # Errors
    /// The guest's traps.
    pub fn call(&self, store: StoreContextMut<'_, HooksState>, params: &P) -> wasmtime::Result<R> {
        // Most have none, and to clear room for all that there may be takes longer than the rest.
        if P::FLAT <= 2 {
            self.call_with([ValRaw::u64(0); 2], store, params)
        } else {
            self.call_with([ValRaw::u64(0); MOST_PARAMS], store, params)
        }
    }

    #[inline]
    fn call_with<const N: usize>(
        &self,
        mut numbers: [ValRaw; N],
        mut store: StoreContextMut<'_, HooksState>,
        params: &P,
    ) -> wasmtime::Result<R> {
        let mut guest = Writing::new(store.as_context_mut());
        if P::FLAT <= MOST_PARAMS {
            params.lower(&mut guest, &mut FlatSlots::new(&mut numbers))?;
        } else {
            let at = guest.allocate(P::ALIGN, P::SIZE)?;
            params.store(&mut guest, at)?;
            numbers[0] = ValRaw::u32(u32::try_from(at)?);
        }
        self.function.call(store.as_context_mut(), &mut numbers)?;
        let given = numbers[0];
        let result = lift_result(&store, &numbers)?;
        if let Some(post_return) = &self.post_return {
            let may_leave = std::mem::replace(&mut store.data_mut().core.may_leave, false);
            post_return.call(store.as_context_mut(), &mut [given])?;
            store.data_mut().core.may_leave = may_leave;
        }
        Ok(result)
    }

    /// Calls it on a stack of its own.
    ///
    /// # Errors
    /// The guest's traps.
    pub async fn call_async(self, store: &mut Store<HooksState>, params: P) -> wasmtime::Result<R>
    where
        P: 'static,
        R: Send + 'static,
    {
        call_on_fiber(store, move |store| self.call(store, &params)).await
    }
}

fn lift_result<R: for<'m> Lift<Value<'m> = R>>(
    store: &StoreContextMut<'_, HooksState>,
    numbers: &[ValRaw],
) -> wasmtime::Result<R> {
    let fuel = store.hostcall_fuel();
    let bytes = match store.data().core.memory {
        Some(memory) => memory.data(store.as_context()),
        None => &[],
    };
    let mut memory = Reading::new(bytes, fuel);
    if R::FLAT <= MOST_RESULTS {
        return R::lift(&mut FlatValues::new(numbers), &mut memory);
    }
    let at = numbers[0].get_u32() as usize;
    let misaligned = "return pointer not aligned";
    let at = memory.place::<R>(at, misaligned, "pointer out of bounds of memory")?;
    R::load(&mut memory, at)
}
