//! What the host calls of one instance, as functions with types, whichever way its code is linked.

use wasmtime::component::{self, ComponentExportIndex, ComponentNamedList, Instance, TypedFunc};
use wasmtime::{AsContextMut, Func, Store, StoreContextMut, bail};

use super::abi::{Export, Lift, Lower};
use crate::plugin::host::HooksState;

/// Something for each function of each interface in the contract's row, in that order; none for an interface that a plugin
/// doesn't export.
pub type OfExports<T> = Box<[Option<Box<[T]>>]>;

/// An instance whose exports are looked for.
pub struct Entrance<'a> {
    pub store: StoreContextMut<'a, HooksState>,
    pub exports: FoundExports<'a>,
}

/// Where they are.
#[derive(Debug)]
pub enum FoundExports<'a> {
    Component(&'a Instance, &'a OfExports<ComponentExportIndex>),
    /// The functions of a core module, each with the one that frees what it gave.
    Direct(OfExports<(Func, Option<Func>)>),
}

/// A function with the parameters `P` and the result `R`.
pub enum Exported<P, R> {
    Component(TypedFunc<P, (R,)>),
    Direct(Export<P, R>),
}

impl std::fmt::Debug for Entrance<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Entrance").finish_non_exhaustive()
    }
}

impl<P, R> std::fmt::Debug for Exported<P, R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Exported").finish_non_exhaustive()
    }
}

impl Entrance<'_> {
    /// One of the hooks, in the order of the contract's row.
    ///
    /// # Errors
    /// When it is of another type.
    pub fn hook<P, R>(&mut self, number: usize) -> wasmtime::Result<Exported<P, R>>
    where
        P: ComponentNamedList + component::Lower + Lower,
        R: for<'m> Lift<Value<'m> = R>,
        (R,): ComponentNamedList + component::Lift,
    {
        match self.function(0, number)? {
            Some(hook) => Ok(hook),
            None => bail!("there is no interceptor"),
        }
    }

    /// A function of one of the interfaces, both in the order of the contract's row; none if the interface is not exported.
    ///
    /// # Errors
    /// When it is of another type.
    pub fn function<P, R>(
        &mut self,
        interface: usize,
        number: usize,
    ) -> wasmtime::Result<Option<Exported<P, R>>>
    where
        P: ComponentNamedList + component::Lower + Lower,
        R: for<'m> Lift<Value<'m> = R>,
        (R,): ComponentNamedList + component::Lift,
    {
        Ok(match &self.exports {
            FoundExports::Component(instance, exports) => {
                let Some(functions) = &exports[interface] else {
                    return Ok(None);
                };
                let function = instance.get_typed_func(&mut self.store, functions[number])?;
                Some(Exported::Component(function))
            }
            FoundExports::Direct(exports) => {
                let Some(functions) = &exports[interface] else {
                    return Ok(None);
                };
                let (function, post_return) = functions[number];
                Some(Exported::Direct(Export::new(
                    &self.store,
                    function,
                    post_return,
                )?))
            }
        })
    }
}

impl<P, R> Exported<P, R>
where
    P: ComponentNamedList + component::Lower + Lower + Sync + 'static,
    R: for<'m> Lift<Value<'m> = R> + Send + 'static,
    (R,): ComponentNamedList + component::Lift,
{
    /// Calls it on the caller's stack.
    ///
    /// # Errors
    /// The guest's traps.
    pub fn call(&self, store: &mut Store<HooksState>, params: P) -> wasmtime::Result<R> {
        match self {
            Exported::Component(function) => function.call(store, params).map(|(result,)| result),
            Exported::Direct(function) => function.call(store.as_context_mut(), &params),
        }
    }

    /// Calls it on a stack of its own.
    ///
    /// # Errors
    /// The guest's traps.
    pub async fn call_async(
        &self,
        store: &mut Store<HooksState>,
        params: P,
    ) -> wasmtime::Result<R> {
        match self {
            Exported::Component(function) => {
                let (result,) = function.call_async(store, params).await?;
                Ok(result)
            }
            Exported::Direct(function) => function.call_async(store, params).await,
        }
    }
}
