//! Instances between calls: those of one plugin version, and the bounds over all of them together.
//!
//! Each thread keeps the idle instances of a version in a place of its own, so threads hardly ever meet on a lock, and a
//! plugin that never waits has one for each thread at most. What goes beyond that (calls that waited at the same time) is
//! counted over all plugins. When the engine has no room for another instance, the one that has been idle longest gives
//! way; one that was not used for [`LONGEST_IDLE`] goes anyway.
//!
//! A call that runs straight leaves the instance in its thread's place and keeps that locked: nobody but those who look for an
//! instance in vain comes there meanwhile, and they don't wait.

use std::cmp::Reverse;
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError, Weak};
use std::time::Duration;

use super::compile::Linked;
use super::instance::Instance;
use super::thread_number::ThreadNumber;
use crate::interceptor::InterceptError;
use crate::plugin::wasm::{PluginVersion, Tier};

/// The unit in which idle time is counted, and how often it is looked at.
const ROUND: Duration = Duration::from_secs(1);

/// How long an instance may be idle.
const LONGEST_IDLE: Duration = Duration::from_secs(30);

/// The most idle instances of one version and thread.
const MOST_OF_ONE: usize = 64;

/// The most idle instances of all plugins together beyond the first of each version and thread, and the linear memory that
/// those may have, in bytes. They may nearly fill an engine's pool, as they give way to calls.
const MOST_SPARE: usize = 1900;
const MOST_SPARE_MEMORY: u64 = 512 << 20;

/// The idle instances of all plugins.
#[derive(Debug, Default)]
pub struct AllIdle {
    /// Taken only when a version comes or goes, when an instance must give way, and once in a round.
    versions: Mutex<Vec<Weak<IdlePlaces>>>,
    spare: AtomicUsize,
    spare_memory: AtomicU64,
    round: AtomicU32,
}

/// The idle instances of one plugin version.
#[derive(Debug)]
pub struct IdleInstances {
    places: Arc<IdlePlaces>,
    all: Arc<AllIdle>,
    replaced: AtomicU64,
    largest_replaced: AtomicU64,
}

/// One place for each thread; in each the longest idle comes first.
#[derive(Debug)]
struct IdlePlaces {
    tier: Tier,
    of_threads: Box<[Mutex<Vec<Waiting>>]>,
}

#[derive(Debug)]
pub struct Waiting {
    pub instance: Instance,
    /// The round in which its last call ended.
    since: u32,
    /// Bytes that are counted for it among the spare ones; none for the first of its place.
    spare: Option<u64>,
}

/// The place of one thread, locked.
pub type Place<'a> = MutexGuard<'a, Vec<Waiting>>;

/// Instances that were let go after their last call, for whatever reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReplacedInstances {
    pub count: u64,
    /// The most linear memory that one of them had at its end, in bytes.
    pub most_memory: u64,
}

impl AllIdle {
    /// Lets go what was not used for long, once in a round, for as long as anybody else has it.
    pub async fn tend(self: Arc<Self>) {
        let all = Arc::downgrade(&self);
        drop(self);
        loop {
            tokio::time::sleep(ROUND).await;
            let Some(all) = all.upgrade() else { return };
            let round = all.round.fetch_add(1, Ordering::Relaxed) + 1;
            if all.has_stale(round) {
                // To drop an instance is to unmap memory. A panic is in the log, and what is left is seen in the next round.
                let _ = tokio::task::spawn_blocking(move || all.reap(round)).await;
            }
        }
    }

    fn has_stale(&self, round: u32) -> bool {
        self.versions().iter().any(|places| {
            let mut places = places.of_threads.iter().filter_map(|at| self.enter(at));
            places.any(|waiting| {
                let first = waiting.first();
                first.is_some_and(|one| is_stale(one.since, round))
            })
        })
    }

    /// Drops what has been idle for too long at this round.
    fn reap(&self, round: u32) {
        for places in self.versions() {
            for mut waiting in places.of_threads.iter().filter_map(|at| self.enter(at)) {
                let kept = waiting.partition_point(|one| is_stale(one.since, round));
                let stale: Vec<_> = waiting.drain(..kept).collect();
                self.settle(&stale, &mut waiting);
                drop(waiting);
            }
        }
    }

    /// Drops the instance of this tier that has been idle longest. False when there is none.
    fn give_way(&self, tier: Tier) -> bool {
        let mut versions = self.versions();
        versions.retain(|places| places.tier == tier);
        let places = versions.iter().flat_map(|places| &places.of_threads);
        let oldest = places
            .filter_map(|place| {
                let waiting = self.enter(place)?;
                let since = waiting.first()?.since;
                Some((since, Reverse(waiting.len()), place))
            })
            .min_by_key(|(since, count, _)| (*since, *count));
        let Some((_, _, place)) = oldest else {
            return false;
        };
        let Some(mut waiting) = self.enter(place).filter(|waiting| !waiting.is_empty()) else {
            // Somebody took it meanwhile; what that call leaves is another's.
            return true;
        };
        let oldest = [waiting.remove(0)];
        self.settle(&oldest, &mut waiting);
        drop(waiting);
        true
    }

    fn versions(&self) -> Vec<Arc<IdlePlaces>> {
        let mut versions = lock(&self.versions);
        versions.retain(|places| places.strong_count() > 0);
        versions.iter().filter_map(Weak::upgrade).collect()
    }

    /// A place, if nobody is at work there.
    #[inline]
    fn enter<'a>(&self, place: &'a Mutex<Vec<Waiting>>) -> Option<Place<'a>> {
        match place.try_lock() {
            Ok(waiting) => Some(waiting),
            Err(TryLockError::Poisoned(error)) => Some(self.clear(place, error.into_inner())),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    /// A call that ran there has panicked, so nobody knows the state of its guest.
    #[cold]
    fn clear<'a>(&self, place: &'a Mutex<Vec<Waiting>>, mut waiting: Place<'a>) -> Place<'a> {
        let gone = std::mem::take(&mut *waiting);
        self.settle(&gone, &mut []);
        place.clear_poison();
        waiting
    }

    /// Counts one more spare instance, if there may be one.
    fn claim(&self, memory: u64) -> bool {
        let count = self.spare.fetch_add(1, Ordering::Relaxed);
        let bytes = self.spare_memory.fetch_add(memory, Ordering::Relaxed);
        let fits = count < MOST_SPARE && bytes + memory <= MOST_SPARE_MEMORY;
        if !fits {
            self.release(memory);
        }
        fits
    }

    fn release(&self, memory: u64) {
        self.spare.fetch_sub(1, Ordering::Relaxed);
        self.spare_memory.fetch_sub(memory, Ordering::Relaxed);
    }

    /// Brings the count up to date after some were taken from a place: the first of those that are left is no spare one.
    fn settle(&self, gone: &[Waiting], left: &mut [Waiting]) {
        let first = left.first_mut().and_then(|first| first.spare.take());
        for memory in gone.iter().filter_map(|one| one.spare).chain(first) {
            self.release(memory);
        }
    }
}

impl IdleInstances {
    /// For a version that so many threads call, with code of this tier.
    pub fn new(threads: usize, tier: Tier, all: Arc<AllIdle>) -> Self {
        let places = Arc::new(IdlePlaces {
            tier,
            of_threads: (0..threads.max(1)).map(|_| Mutex::default()).collect(),
        });
        lock(&all.versions).push(Arc::downgrade(&places));
        Self {
            places,
            all,
            replaced: AtomicU64::new(0),
            largest_replaced: AtomicU64::new(0),
        }
    }

    /// A new instance. When the engine has no room for it, idle ones of any plugin give way.
    ///
    /// # Errors
    /// When as many calls as can be are under way, no memory is left, or the guest's own start-up traps.
    pub async fn make(
        &self,
        pre: &Linked,
        version: &Arc<PluginVersion>,
    ) -> Result<Instance, InterceptError> {
        loop {
            match Instance::new(pre, version).await {
                Err(InterceptError::Unavailable(_)) if self.all.give_way(self.places.tier) => {}
                made => return made,
            }
        }
    }

    /// An idle instance for a call: the one that this thread used last, which the caches know best, or one of another thread.
    pub fn take(&self) -> Option<Instance> {
        self.free_places()
            .find_map(|mut waiting| self.pop(&mut waiting))
    }

    /// A place with an instance for a call that runs straight: that of this thread, which is the caller's, or else of another
    /// one. The instance stays where it is, as to take it from thread to thread with every call would cost more than the call.
    #[inline]
    pub fn enter(&self, thread: ThreadNumber) -> Option<Place<'_>> {
        let places = &self.places.of_threads;
        let mine = thread.place(places.len());
        let (before, after) = places.split_at(mine);
        let enter = |place| {
            let waiting: Place<'_> = self.all.enter(place)?;
            (!waiting.is_empty()).then_some(waiting)
        };
        after
            .iter()
            .find_map(enter)
            .or_else(|| before.iter().find_map(enter))
    }

    /// After a call of the last instance in a place.
    #[inline]
    pub fn leave<T>(
        &self,
        mut waiting: Place<'_>,
        result: &Result<T, InterceptError>,
        version: &PluginVersion,
    ) {
        let Some(last) = waiting.last_mut() else {
            return;
        };
        // A spare one that has grown is counted anew.
        let is_counted = last
            .spare
            .is_none_or(|memory| memory == last.instance.memory());
        if is_counted && last.instance.is_reusable(result, version) {
            last.since = self.all.round.load(Ordering::Relaxed);
        } else if let Some(instance) = self.pop(&mut waiting) {
            self.put_into(waiting, instance, result, version);
        }
    }

    fn pop(&self, waiting: &mut Vec<Waiting>) -> Option<Instance> {
        let Waiting {
            instance, spare, ..
        } = waiting.pop()?;
        if let Some(memory) = spare {
            self.all.release(memory);
        }
        Some(instance)
    }

    /// Puts an instance back after a call, if it is fit for another.
    pub fn put<T>(
        &self,
        instance: Instance,
        result: &Result<T, InterceptError>,
        version: &PluginVersion,
    ) {
        let mut first = None;
        for waiting in self.free_places() {
            // A thread that has none uses another's.
            if waiting.is_empty() {
                return self.put_into(waiting, instance, result, version);
            }
            first.get_or_insert(waiting);
        }
        match first {
            Some(waiting) => self.put_into(waiting, instance, result, version),
            None => self.let_go(&instance, version),
        }
    }

    fn put_into<T>(
        &self,
        mut waiting: Place<'_>,
        instance: Instance,
        result: &Result<T, InterceptError>,
        version: &PluginVersion,
    ) {
        let fits = instance.is_reusable(result, version);
        let spare = if waiting.is_empty() {
            None
        } else {
            Some(instance.memory())
        };
        if !fits || spare.is_some_and(|memory| !self.claim(&waiting, memory, version)) {
            // To drop an instance is to unmap memory.
            drop(waiting);
            return self.let_go(&instance, version);
        }
        waiting.push(Waiting {
            instance,
            since: self.all.round.load(Ordering::Relaxed),
            spare,
        });
    }

    /// Counts one with this memory that comes to those in a place, if it may.
    fn claim(&self, waiting: &[Waiting], memory: u64, version: &PluginVersion) -> bool {
        let together = memory + waiting.iter().map(|one| one.instance.memory()).sum::<u64>();
        has_room(waiting.len(), together, version.limits.memory) && self.all.claim(memory)
    }

    fn let_go(&self, instance: &Instance, version: &PluginVersion) {
        if let Some(counters) = version.counters() {
            counters.instance_replaced();
        }
        let memory = instance.memory();
        self.largest_replaced.fetch_max(memory, Ordering::Relaxed);
        self.replaced.fetch_add(1, Ordering::Relaxed);
    }

    pub fn replaced(&self) -> ReplacedInstances {
        ReplacedInstances {
            count: self.replaced.load(Ordering::Relaxed),
            most_memory: self.largest_replaced.load(Ordering::Relaxed),
        }
    }

    /// The linear memory of this thread's largest idle instance, in bytes; none if there is none.
    pub fn memory(&self) -> Option<u64> {
        let waiting = lock(self.mine());
        waiting.iter().map(|one| one.instance.memory()).max()
    }

    fn mine(&self) -> &Mutex<Vec<Waiting>> {
        let places = &self.places.of_threads;
        &places[ThreadNumber::mine().place(places.len())]
    }

    /// This thread's place, then the others', but for those where somebody else is at work.
    fn free_places(&self) -> impl Iterator<Item = Place<'_>> {
        let mine = self.mine();
        let others = self.places.of_threads.iter();
        let others = others.filter(move |place| !std::ptr::eq(*place, mine));
        let all = std::iter::once(mine).chain(others);
        all.filter_map(|place| self.all.enter(place))
    }
}

impl Drop for IdleInstances {
    fn drop(&mut self) {
        for place in &self.places.of_threads {
            let gone = std::mem::take(&mut *lock(place));
            self.all.settle(&gone, &mut []);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether a place with so many instances takes another one; `memory` is theirs with it. Together they may have what one
/// may have in a call, so that a burst of calls into a language with a large heap doesn't leave all of those behind.
fn has_room(instances: usize, memory: u64, limit: u64) -> bool {
    instances < MOST_OF_ONE && memory <= limit
}

/// Whether an instance whose last call ended in one round has been idle for too long in another.
fn is_stale(since: u32, round: u32) -> bool {
    u64::from(round.wrapping_sub(since)) * ROUND.as_secs() > LONGEST_IDLE.as_secs()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_bounded_by_count_and_by_memory() {
        let cases = [
            (1, 100, 100, true),
            (1, 101, 100, false),
            (MOST_OF_ONE - 1, 64, 100, true),
            (MOST_OF_ONE, 65, 100, false),
        ];
        for (instances, memory, limit, room) in cases {
            assert_eq!(
                has_room(instances, memory, limit),
                room,
                "{instances} instances, {memory} of {limit} bytes"
            );
        }
    }

    #[test]
    fn what_is_not_used_for_long_is_stale() {
        let cases = [
            (0, 0, false),
            (0, 30, false),
            (0, 31, true),
            (u32::MAX, 29, false),
            (u32::MAX, 30, true),
        ];
        for (since, round, stale) in cases {
            assert_eq!(is_stale(since, round), stale, "{since} {round}");
        }
    }

    #[test]
    fn spare_instances_of_all_plugins_are_bounded_together() {
        let all = AllIdle::default();
        for _ in 0..MOST_SPARE {
            assert!(all.claim(1 << 16));
        }
        assert!(!all.claim(1));
        all.release(1 << 16);
        assert!(all.claim(1 << 16));

        let all = AllIdle::default();
        assert!(all.claim(MOST_SPARE_MEMORY - 1) && all.claim(1) && !all.claim(1));
        all.release(1);
        assert!(all.claim(1));
    }
}
