//! Many exchanges through one plugin: what a call takes, where memory goes, and what fails.

use std::sync::Arc;
use std::time::Duration;

use tollgate::interceptor::{Hook, InterceptError, Transform, Verdict};
use tollgate::message::Exchange;
use tollgate::plugin::{
    CallPace, Guest, HooksCode, HooksPlugin, Instance, PluginVersion, ReplacedInstances,
};

use super::exchanges::{Exchanges, Series};

/// Exchanges whose time is taken together: the clock costs as much as a quick plugin.
const BATCH: usize = 100;

/// With so many failures the rest has nothing to add.
const MOST_FAILURES: usize = 100;

/// What came of it.
#[derive(Debug, Default)]
pub struct Strained {
    /// Median CPU time of both hooks of an exchange, in microseconds; none if nothing ran.
    pub small_us: Option<f64>,
    pub large_us: Option<f64>,
    /// Linear memory of the instance after the last exchange that left one, in bytes.
    pub memory: u64,
    /// The most that an instance had after a call, in bytes.
    pub peak: u64,
    /// Instances that were made.
    pub instances: u64,
    /// Exchanges that went well.
    pub done: usize,
    pub failures: usize,
    /// The first of them.
    pub failure: Option<String>,
}

/// Who calls the plugin.
enum Caller<'a> {
    /// The proxy's own way, with the policy by which it replaces instances.
    Policy(&'a HooksPlugin),
    /// One instance for all.
    One(Box<Instance>, &'a PluginVersion, CallPace),
}

/// As the proxy calls it.
///
/// # Errors
/// When it is a plugin without hooks.
pub async fn by_policy(guest: &Guest, exchanges: &Exchanges) -> Result<Strained, &'static str> {
    match guest {
        Guest::Hooks(hooks) => Ok(strain(Caller::Policy(hooks), exchanges).await),
        Guest::Around(_) => Err("a plugin without hooks is not measured"),
    }
}

/// On one instance that is never replaced; ends with its first failure.
///
/// # Errors
/// When the instance can't be made.
pub async fn on_one(
    code: &HooksCode,
    version: &Arc<PluginVersion>,
    exchanges: &Exchanges,
) -> Result<Strained, InterceptError> {
    let instance = Box::new(Instance::new(&code.linked, version).await?);
    let pace = match code.linked.can_wait {
        true => CallPace::Yielding,
        false => CallPace::Straight,
    };
    Ok(strain(Caller::One(instance, version, pace), exchanges).await)
}

async fn strain(mut caller: Caller<'_>, exchanges: &Exchanges) -> Strained {
    let mut strained = Strained::default();
    strained.small_us = series(&mut caller, &exchanges.small, &mut strained).await;
    strained.large_us = series(&mut caller, &exchanges.large, &mut strained).await;
    caller.account(&mut strained);
    strained
}

/// One series; gives the median time of an exchange in microseconds.
async fn series(caller: &mut Caller<'_>, series: &Series, strained: &mut Strained) -> Option<f64> {
    let mut times = Vec::new();
    let mut done = 0;
    while done < series.count && !caller.is_spent(strained) {
        let batch = BATCH.min(series.count - done);
        let waiting: Vec<_> = (0..batch)
            .map(|n| series.exchange((done + n) as u64))
            .collect();
        let mut through = Vec::with_capacity(batch);
        let before = cpu_time();
        for exchange in waiting {
            let (exchange, failure) = caller.exchange(exchange, series).await;
            strained.see(caller.memory());
            let failed = failure.is_some();
            through.push((exchange, failure));
            if failed {
                break;
            }
        }
        times.push((cpu_time() - before).as_secs_f64() * 1e6 / through.len() as f64);
        for (exchange, failure) in through {
            done += 1;
            strained.judge(failure.or_else(|| series.mistake(&exchange)));
        }
        let fifth = |done: usize| done * 5 / series.count;
        if fifth(done) > fifth(done - batch.min(done)) {
            strained.tell(done, series);
        }
    }
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied()
}

impl Strained {
    fn see(&mut self, memory: Option<u64>) {
        if let Some(memory) = memory {
            self.memory = memory;
            self.peak = self.peak.max(memory);
        }
    }

    /// A line for whoever waits.
    fn tell(&self, done: usize, series: &Series) {
        let (size, kib) = (series.body.len(), self.peak >> 10);
        eprintln!("  {done} exchanges with {size} bytes: {kib} KiB at most");
    }

    fn judge(&mut self, failure: Option<String>) {
        let Some(failure) = failure else {
            self.done += 1;
            return;
        };
        let after = self.done + self.failures;
        self.failures += 1;
        self.failure
            .get_or_insert(format!("{failure} (after {after} exchanges)"));
    }
}

impl Caller<'_> {
    /// Both hooks of an exchange, and why one failed.
    async fn exchange(
        &mut self,
        exchange: Box<Exchange>,
        series: &Series,
    ) -> (Box<Exchange>, Option<String>) {
        let (mut exchange, verdict) = self.call(Hook::ForwardRequest, exchange).await;
        match verdict {
            Ok(Verdict::Forward) => {}
            Ok(Verdict::Respond) => return (exchange, Some("it answered itself".to_owned())),
            Err(error) => return (exchange, Some(format!("it {error}"))),
        }
        series.answer(&mut exchange);
        let (exchange, done) = self.call(Hook::ReturnResponse, exchange).await;
        (exchange, done.err().map(|error| format!("it {error}")))
    }

    async fn call(
        &mut self,
        hook: Hook,
        exchange: Box<Exchange>,
    ) -> (Box<Exchange>, Result<Verdict, InterceptError>) {
        match (self, hook) {
            (Self::One(instance, version, pace), hook) => {
                instance.call(hook, exchange, *pace, version).await
            }
            (Self::Policy(hooks), Hook::ReturnResponse) => {
                let (exchange, done) = hooks.return_response(exchange).await;
                (exchange, done.map(|()| Verdict::Forward))
            }
            (Self::Policy(hooks), _) => hooks.forward_request(exchange).await,
        }
    }

    /// Bytes of linear memory; none when the next call gets a new instance.
    fn memory(&self) -> Option<u64> {
        match self {
            Self::Policy(hooks) => hooks.idle_memory(),
            Self::One(instance, ..) => Some(instance.memory()),
        }
    }

    /// Adds what can be known only at the end.
    fn account(&self, strained: &mut Strained) {
        let Some(replaced) = self.replaced() else {
            strained.instances = 1;
            return;
        };
        strained.instances = replaced.count + u64::from(self.memory().is_some());
        strained.peak = strained.peak.max(replaced.most_memory);
    }

    /// None for one instance for all.
    fn replaced(&self) -> Option<ReplacedInstances> {
        match self {
            Self::Policy(hooks) => Some(hooks.replaced()),
            Self::One(..) => None,
        }
    }

    fn is_spent(&self, strained: &Strained) -> bool {
        match self {
            Self::Policy(..) => strained.failures >= MOST_FAILURES,
            Self::One(..) => strained.failures > 0,
        }
    }
}

/// CPU time of this thread, which is the only one that calls plugins.
fn cpu_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::try_from(time).unwrap_or_default()
}
