//! The host's functions, each declared by its types.

use std::future::Future;
use std::pin::Pin;

use wasmtime::{
    AsContextMut, Caller, Engine, FuncType, Linker, Memory, StoreContextMut, Trap, Val, ValRaw,
};

use super::call_on_fiber;
use super::layout::{Layout, MOST_PARAMS, MOST_RESULTS, func_type};
use super::lift::{FlatValues, Lift, Reading, place};
use super::lower::{FlatSlots, Lower, Writing};
use crate::plugin::host::HooksState;
use crate::plugin::wasm::{MOST_NUMBERS, define};

/// All that a core module may import, function by function.
#[derive(Debug, Default)]
pub struct Functions(Vec<HostFunction>);

/// One of them.
pub struct HostFunction {
    /// `tollgate:proxy/request@0.1.0`
    pub interface: String,
    pub name: &'static str,
    /// Whether it can keep a guest waiting.
    pub waits: bool,
    ty: fn(&Engine) -> FuncType,
    define: Box<Define>,
}

/// Puts it into a linker under the names that a module has for it.
type Define =
    dyn Fn(FuncType, &mut Linker<HooksState>, (&str, &str)) -> wasmtime::Result<()> + Send + Sync;

/// What a function that waits does meanwhile.
pub type Waiting<'m, R> = Pin<Box<dyn Future<Output = wasmtime::Result<R>> + Send + 'm>>;

impl std::fmt::Debug for HostFunction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.interface, self.name)
    }
}

impl HostFunction {
    /// Its type as a core function.
    pub fn func_type(&self, engine: &Engine) -> FuncType {
        (self.ty)(engine)
    }

    /// # Errors
    /// When the linker has these names already.
    pub fn define(
        &self,
        engine: &Engine,
        linker: &mut Linker<HooksState>,
        names: (&str, &str),
    ) -> wasmtime::Result<()> {
        (self.define)(self.func_type(engine), linker, names)
    }
}

impl Functions {
    pub fn iter(&self) -> impl Iterator<Item = &HostFunction> {
        self.0.iter()
    }

    /// Adds functions of the interface of this name, with its version.
    pub fn interface(&mut self, name: &str) -> InterfaceFunctions<'_> {
        InterfaceFunctions {
            name: name.to_owned(),
            all: self,
        }
    }
}

/// Those of one interface.
#[derive(Debug)]
pub struct InterfaceFunctions<'a> {
    name: String,
    all: &'a mut Functions,
}

impl InterfaceFunctions<'_> {
    /// One that answers at once, with parameters `P` and the result `R`. An error of it is a trap.
    pub fn function<P, R>(
        &mut self,
        name: &'static str,
        function: impl for<'m> Fn(&mut HooksState, P::Value<'m>) -> wasmtime::Result<R>
        + Copy
        + Send
        + Sync
        + 'static,
    ) -> &mut Self
    where
        P: Lift + 'static,
        R: Lower + 'static,
    {
        let define = move |ty, linker: &mut Linker<HooksState>, names: (&str, &str)| {
            let enter = move |caller: Caller<'_, HooksState>, numbers: &[ValRaw]| {
                answer::<P, R>(caller, numbers, function)
            };
            define(linker, names, ty, enter)
        };
        let ty = |engine: &Engine| func_type::<P, R>(engine, true);
        self.add(name, false, ty, Box::new(define))
    }

    /// One that can keep the guest waiting.
    pub fn waiting<P, R>(
        &mut self,
        name: &'static str,
        function: impl for<'m> Fn(&'m mut HooksState, P::Value<'m>) -> Waiting<'m, R>
        + Copy
        + Send
        + Sync
        + 'static,
    ) -> &mut Self
    where
        P: Lift + 'static,
        R: Lower + 'static,
        for<'m> P::Value<'m>: Send,
    {
        let define = move |ty, linker: &mut Linker<HooksState>, (module, name): (&str, &str)| {
            linker.func_new_async(module, name, ty, move |caller, params, results| {
                Box::new(wait::<P, R>(caller, params, results, function))
            })?;
            Ok(())
        };
        let ty = |engine: &Engine| func_type::<P, R>(engine, true);
        self.add(name, true, ty, Box::new(define))
    }

    fn add(
        &mut self,
        name: &'static str,
        waits: bool,
        ty: fn(&Engine) -> FuncType,
        define: Box<Define>,
    ) -> &mut Self {
        self.all.0.push(HostFunction {
            interface: self.name.clone(),
            name,
            waits,
            ty,
            define,
        });
        self
    }
}

#[inline]
fn answer<P: Lift, R: Lower>(
    mut caller: Caller<'_, HooksState>,
    numbers: &[ValRaw],
    function: impl for<'m> Fn(&mut HooksState, P::Value<'m>) -> wasmtime::Result<R>,
) -> wasmtime::Result<Option<ValRaw>> {
    let memory = admit::<P, R>(caller.data())?;
    let result = match memory {
        Some(memory) => {
            let fuel = caller.as_context_mut().hostcall_fuel();
            let (bytes, state) = memory.data_and_store_mut(&mut caller);
            let params = lift_params::<P>(numbers, &mut Reading::new(bytes, fuel))?;
            function(state, params)?
        }
        None => {
            let params = lift_params::<P>(numbers, &mut Reading::new(&[], 0))?;
            function(caller.data_mut(), params)?
        }
    };
    lower_result(caller.as_context_mut(), &result, numbers.last())
}

async fn wait<P, R>(
    mut caller: Caller<'_, HooksState>,
    params: &[Val],
    results: &mut [Val],
    function: impl for<'m> Fn(&'m mut HooksState, P::Value<'m>) -> Waiting<'m, R>,
) -> wasmtime::Result<()>
where
    P: Lift,
    R: Lower + 'static,
{
    let memory = admit::<P, R>(caller.data())?;
    let mut numbers = [ValRaw::u64(0); MOST_NUMBERS];
    for (number, param) in numbers.iter_mut().zip(params) {
        *number = match param {
            Val::I32(value) => ValRaw::i32(*value),
            Val::I64(value) => ValRaw::i64(*value),
            Val::F64(bits) => ValRaw::f64(*bits),
            _ => return Err(Trap::BadSignature.into()),
        };
    }
    let fuel = caller.as_context_mut().hostcall_fuel();
    let (bytes, state) = match memory {
        Some(memory) => {
            let (bytes, state) = memory.data_and_store_mut(&mut caller);
            (&*bytes, state)
        }
        None => (&[][..], caller.data_mut()),
    };
    let given = lift_params::<P>(&numbers, &mut Reading::new(bytes, fuel))?;
    let result = function(state, given).await?;
    let place = numbers[params.len().saturating_sub(1)];
    // To get the room the guest may be called, which may give way there: not from within a future.
    let lowered = call_on_fiber(&mut caller, move |store| {
        lower_result(store, &result, Some(&place))
    });
    if let (Some(given), Some(slot)) = (lowered.await?, results.first_mut()) {
        *slot = match slot {
            Val::I64(_) => Val::I64(given.get_i64()),
            _ => Val::I32(given.get_i32()),
        };
    }
    Ok(())
}

/// Whether the guest may call a host function of these types now, and the memory that is needed for it.
#[inline]
fn admit<P: Layout, R: Layout>(state: &HooksState) -> wasmtime::Result<Option<Memory>> {
    if !state.core.may_leave {
        return Err(Trap::CannotLeaveComponent.into());
    }
    let in_memory = P::FLAT > MOST_PARAMS || R::FLAT > MOST_RESULTS;
    if !(in_memory || P::POINTS || R::POINTS) {
        return Ok(None);
    }
    match state.core.memory {
        Some(memory) => Ok(Some(memory)),
        // Its start function runs. In a component such an import is a table's entry that is filled afterwards.
        None => Err(Trap::IndirectCallToNull.into()),
    }
}

#[inline]
fn lift_params<'m, P: Lift>(
    numbers: &[ValRaw],
    memory: &mut Reading<'m>,
) -> wasmtime::Result<P::Value<'m>> {
    let mut numbers = FlatValues::new(numbers);
    if P::FLAT <= MOST_PARAMS {
        return P::lift(&mut numbers, memory);
    }
    let at = numbers.next_u32() as usize;
    let at = memory.place::<P>(at, "pointer not aligned", "pointer out of bounds")?;
    P::load(memory, at)
}

/// Into the place that the last of the numbers names, or as the one number that it is.
#[inline]
fn lower_result<R: Lower>(
    store: StoreContextMut<'_, HooksState>,
    result: &R,
    last: Option<&ValRaw>,
) -> wasmtime::Result<Option<ValRaw>> {
    let mut guest = Writing::new(store);
    if R::FLAT > MOST_RESULTS {
        let at = last.map_or(0, ValRaw::get_u32) as usize;
        let at = place::<R>(
            guest.size(),
            at,
            "pointer not aligned",
            "pointer out of bounds",
        )?;
        result.store(&mut guest, at)?;
        return Ok(None);
    }
    let mut number = [ValRaw::u64(0)];
    result.lower(&mut guest, &mut FlatSlots::new(&mut number))?;
    Ok((R::FLAT == 1).then_some(number[0]))
}
