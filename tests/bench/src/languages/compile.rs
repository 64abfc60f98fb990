//! How long a component takes to become code, in both tiers.

use std::time::{Duration, Instant};

use tollgate::plugin::{CompileError, Contract, HooksCode, HooksCompiler, Tier};

/// Compiled so often, the median counts; what takes long is compiled once.
const MOST_TIMES: usize = 5;
const LONG: Duration = Duration::from_secs(1);

/// Wall-clock time on an otherwise idle machine, with the compiler's threads.
#[derive(Debug, Clone, Copy)]
pub struct Times {
    /// None if this compiler can't do what the component needs.
    pub baseline: Option<Duration>,
    pub optimized: Duration,
}

/// The component's best code, and what it took to compile it.
///
/// # Errors
/// When it can't be compiled or linked.
pub fn measure(
    compiler: &HooksCompiler,
    component: &[u8],
    contract: &'static Contract,
) -> Result<(HooksCode, Times), CompileError> {
    let timed = |tier| timed(compiler, component, contract, tier);
    let baseline = match timed(Tier::Baseline) {
        Ok((_, time)) => Some(time),
        Err(CompileError::Compile(_)) => None,
        Err(error) => return Err(error),
    };
    let (code, optimized) = timed(Tier::Optimized)?;
    let times = Times {
        baseline,
        optimized,
    };
    Ok((code, times))
}

fn timed(
    compiler: &HooksCompiler,
    component: &[u8],
    contract: &'static Contract,
    tier: Tier,
) -> Result<(HooksCode, Duration), CompileError> {
    let mut times = Vec::new();
    loop {
        let began = Instant::now();
        let code = compiler.compile(component, contract, tier)?;
        times.push(began.elapsed());
        if times.len() == MOST_TIMES || times.iter().sum::<Duration>() > LONG {
            times.sort();
            return Ok((code, times[times.len() / 2]));
        }
    }
}
