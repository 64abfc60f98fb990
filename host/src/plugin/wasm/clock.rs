//! The clock that interrupts guests: one for all engines of the process. It goes only while there are instances, which are let
//! go when they have been idle for a while, so a proxy at rest is not woken by it.

use std::io;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use wasmtime::{Engine, EngineWeak};

use crate::essential;

/// How often guests are interrupted to let other work of their thread run, and the unit of their CPU budget.
///
/// Short enough that a busy guest delays others little; long enough that the clock itself costs nothing.
pub const TICK: Duration = Duration::from_millis(5);

static CLOCK: Clock = Clock::new();

#[derive(Debug)]
struct Clock {
    state: Mutex<State>,
    /// The first instance is there.
    first: Condvar,
}

struct State {
    engines: Vec<EngineWeak>,
    instances: usize,
    is_started: bool,
}

/// Keeps the clock going. It is part of every store's state, so no guest can run without it.
#[derive(Debug)]
pub struct ClockGoes(&'static Clock);

impl ClockGoes {
    pub fn new() -> Self {
        CLOCK.go()
    }
}

impl Drop for ClockGoes {
    fn drop(&mut self) {
        self.0.state().instances -= 1;
    }
}

/// Has the clock interrupt guests of these engines, for as long as those live.
///
/// # Errors
/// When its thread can't be started.
pub fn interrupt<const N: usize>(engines: [&Engine; N]) -> io::Result<()> {
    let mut state = CLOCK.state();
    if !state.is_started {
        // Without it no plugin could be stopped any more.
        essential::thread("epoch", || {
            loop {
                wait_for_an_instance();
                std::thread::sleep(TICK);
                CLOCK.tick();
            }
        })?;
        state.is_started = true;
    }
    state.engines.extend(engines.map(Engine::weak));
    Ok(())
}

/// Blocks while there is no instance.
pub fn wait_for_an_instance() {
    let state = CLOCK.state();
    let waited = CLOCK.first.wait_while(state, |state| !state.goes());
    drop(waited.unwrap_or_else(PoisonError::into_inner));
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("State")
            .field("instances", &self.instances)
            .finish_non_exhaustive()
    }
}

impl State {
    fn goes(&self) -> bool {
        self.instances > 0
    }
}

impl Clock {
    const fn new() -> Self {
        Self {
            state: Mutex::new(State {
                engines: Vec::new(),
                instances: 0,
                is_started: false,
            }),
            first: Condvar::new(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn go(&'static self) -> ClockGoes {
        let mut state = self.state();
        state.instances += 1;
        if state.instances == 1 {
            self.first.notify_all();
        }
        ClockGoes(self)
    }

    fn tick(&self) {
        let mut alive = Vec::new();
        self.state().engines.retain(|engine| {
            // Compiled code keeps its own engine alive.
            let engine = engine.upgrade();
            alive.extend(engine.clone());
            engine.is_some()
        });
        // Not while the state is locked: one of them may be dropped here.
        for engine in alive {
            engine.increment_epoch();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_goes_while_there_is_an_instance() {
        static OWN: Clock = Clock::new();
        assert!(!OWN.state().goes());
        let (first, second) = (OWN.go(), OWN.go());
        drop(first);
        assert!(OWN.state().goes());
        drop(second);
        assert!(!OWN.state().goes());
    }

    #[test]
    fn who_waits_for_an_instance_hears_of_it() {
        let waiting = std::thread::spawn(wait_for_an_instance);
        let _goes = ClockGoes::new();
        waiting.join().unwrap();
    }
}
