//! `backends`, for components and for core modules.

use super::bindings::tollgate::proxy::backends::{self, BackendError};
use crate::plugin::host::{ChoiceError, HooksState};
use crate::plugin::kind::hooks::abi::{InterfaceFunctions, variant};

variant!(BackendError { 0 Denied(String), 1 Unknown(String), 2 TooLate });

type Chosen = Result<(), BackendError>;

impl backends::Host for HooksState {
    fn set_backend(&mut self, name: String) -> Chosen {
        HooksState::set_backend(self, &name).map_err(backend_error)
    }

    fn backend(&mut self) -> String {
        HooksState::backend(self)
    }
}

pub fn add_backends(functions: &mut InterfaceFunctions<'_>) {
    functions
        .function::<(&str,), Chosen>("set-backend", |state, (name,)| {
            Ok(state.set_backend(name).map_err(backend_error))
        })
        .function::<(), String>("backend", |state, ()| Ok(HooksState::backend(state)));
}

fn backend_error(error: ChoiceError) -> BackendError {
    match error {
        ChoiceError::Denied(why) => BackendError::Denied(why),
        ChoiceError::Unknown(why) => BackendError::Unknown(why),
        ChoiceError::TooLate => BackendError::TooLate,
    }
}
