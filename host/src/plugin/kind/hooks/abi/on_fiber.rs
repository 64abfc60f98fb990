//! Work of the host's on a guest's own stack, where a guest that it calls may give way.

use std::sync::{Arc, Mutex, PoisonError};

use wasmtime::{AsContextMut, Caller, Func, StoreContextMut, Trap, TypedFunc};

use crate::plugin::host::{HooksState, Job};

/// The host function that does jobs, made once for an instance: wasmtime gives a stack only to a call of a function.
///
/// # Errors
/// None; its type is what it says.
pub fn entry(mut store: StoreContextMut<'_, HooksState>) -> wasmtime::Result<TypedFunc<(), ()>> {
    let run = |mut caller: Caller<'_, HooksState>| -> wasmtime::Result<()> {
        match caller.data_mut().core.job.take() {
            Some(job) => job(caller.as_context_mut()),
            None => Ok(()),
        }
    };
    Func::wrap(&mut store, run).typed(&store)
}

/// Does this on a stack of its own.
///
/// # Errors
/// The job's.
pub async fn on_fiber(
    mut store: impl AsContextMut<Data = HooksState>,
    job: Job,
) -> wasmtime::Result<()> {
    let mut store = store.as_context_mut();
    let core = &mut store.data_mut().core;
    core.job = Some(job);
    let entry = core.entry.clone().ok_or(Trap::IndirectCallToNull)?;
    entry.call_async(store, ()).await
}

/// The same for a job that gives something.
///
/// # Errors
/// The job's.
pub async fn call_on_fiber<T: Send + 'static>(
    store: impl AsContextMut<Data = HooksState>,
    job: impl FnOnce(StoreContextMut<'_, HooksState>) -> wasmtime::Result<T> + Send + 'static,
) -> wasmtime::Result<T> {
    let result = Arc::new(Mutex::new(None));
    let given = result.clone();
    let job = Box::new(move |store: StoreContextMut<'_, HooksState>| {
        let value = job(store)?;
        *given.lock().unwrap_or_else(PoisonError::into_inner) = Some(value);
        Ok(())
    });
    on_fiber(store, job).await?;
    let mut result = result.lock().unwrap_or_else(PoisonError::into_inner);
    Ok(result.take().ok_or(Trap::IndirectCallToNull)?)
}
