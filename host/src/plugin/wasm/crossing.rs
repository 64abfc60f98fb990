//! Calls between the host and core modules by the numbers that WebAssembly passes, without a type for each in Rust.

use wasmtime::{
    AsContext, AsContextMut, Caller, Func, FuncType, Linker, StoreContextMut, ValRaw, bail,
};

/// More numbers than any call passes: the canonical ABI's 16 parameters and the place for a result.
pub const MOST_NUMBERS: usize = 17;

/// A guest's function whose type was looked at.
#[derive(Debug, Clone, Copy)]
pub struct GuestFunction {
    func: Func,
    /// Numbers that it takes or gives, whichever are more.
    numbers: usize,
}

impl GuestFunction {
    /// # Errors
    /// When the function is of another type.
    pub fn of_type(store: impl AsContext, func: Func, ty: &FuncType) -> wasmtime::Result<Self> {
        if !FuncType::eq(&func.ty(store), ty) {
            bail!("an export has another type than the contract says");
        }
        let numbers = ty.params().len().max(ty.results().len());
        Ok(Self { func, numbers })
    }

    /// Calls it with the numbers at the beginning; what it gives stands there afterwards.
    ///
    /// Straight, or on a stack of its own if its caller is on one. For the latter, whoever calls this from a host function
    /// holds nothing meanwhile that is not `Send`: the guest may give way there, and go on in another thread.
    ///
    /// # Errors
    /// The guest's traps.
    #[expect(
        unsafe_code,
        reason = "the numbers have no types that Rust could check"
    )]
    #[inline]
    pub fn call<T: Send + 'static>(
        &self,
        mut store: StoreContextMut<'_, T>,
        numbers: &mut [ValRaw],
    ) -> wasmtime::Result<()> {
        let numbers = &mut numbers[..self.numbers];
        // SAFETY: there are as many numbers as the function takes or gives, all of them initialised. They are numbers, as
        // `of_type` saw, so whatever bits they have are valid. wasmtime panics if the function is of another store. It asks
        // that no call on a stack of its own is under way in this store, because the guest could give way and go on in
        // another thread with what the host's function left on that stack. All that ours leave there is `Send`: the bounds of
        // `define`, of `Lower` and of jobs ask for it. wasmtime's own lowering calls `realloc` in the same way, by the
        // same argument.
        unsafe { self.func.call_unchecked(store.as_context_mut(), numbers) }
    }
}

/// Offers a host function that gets its parameters as numbers and gives one number at the most.
///
/// # Errors
/// When there is one of this name.
#[expect(
    unsafe_code,
    reason = "the numbers have no types that Rust could check"
)]
pub fn define<T: Send + 'static>(
    linker: &mut Linker<T>,
    (module, name): (&str, &str),
    ty: FuncType,
    function: impl Fn(Caller<'_, T>, &[ValRaw]) -> wasmtime::Result<Option<ValRaw>>
    + Send
    + Sync
    + 'static,
) -> wasmtime::Result<()> {
    let (params, results) = (ty.params().len(), ty.results().len());
    let enter = move |caller: Caller<'_, T>, numbers: &mut [std::mem::MaybeUninit<ValRaw>]| {
        // SAFETY: wasmtime has written the parameters that the type has to the beginning.
        let given = unsafe { numbers[..params].assume_init_ref() };
        match (function(caller, given)?, results) {
            (Some(result), 1) => {
                numbers[0].write(result);
            }
            (None, 0) => {}
            _ => bail!("a host function gave another number of results than it says"),
        }
        Ok(())
    };
    // SAFETY: exactly the results that the type has are written. They are integers or floats, as everything that the canonical
    // ABI passes, so whatever bits they have are valid.
    unsafe { linker.func_new_unchecked(module, name, ty, enter)? };
    Ok(())
}
