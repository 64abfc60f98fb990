//! The hooks of one instance as functions with types, whichever way its code is linked.

use wasmtime::component::{self, ComponentExportIndex, ComponentNamedList, Instance, TypedFunc};
use wasmtime::{AsContextMut, Func, Store, StoreContextMut};

use super::abi::{Export, Lift, Lower};
use crate::plugin::host::HooksState;

/// An instance whose hooks are looked for.
pub struct Entrance<'a> {
    pub store: StoreContextMut<'a, HooksState>,
    pub hooks: FoundHooks<'a>,
}

/// Where its two hooks are.
#[derive(Debug)]
pub enum FoundHooks<'a> {
    Component(&'a Instance, &'a [ComponentExportIndex; 2]),
    /// The functions of a core module, each with the one that frees what it gave.
    Direct([(Func, Option<Func>); 2]),
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
        Ok(match &self.hooks {
            FoundHooks::Component(instance, hooks) => {
                Exported::Component(instance.get_typed_func(&mut self.store, hooks[number])?)
            }
            FoundHooks::Direct(hooks) => {
                let (function, post_return) = hooks[number];
                Exported::Direct(Export::new(&self.store, function, post_return)?)
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
