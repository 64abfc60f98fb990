//! Names of backends and the addresses that they stand for, asked again from time to time.
//!
//! An answer is kept for `resolve-every`. While a name is in use, [`Name::refresh`] asks again in the background, so
//! that no request waits for it; an old answer outlives a resolver that fails.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::dial::Resolve;

/// A name with the last answer for it.
pub(super) struct Name {
    host: String,
    port: u16,
    resolver: Arc<dyn Resolve>,
    every: Duration,
    answer: Mutex<Option<Answer>>,
    /// Held by whoever asks, so that only one does.
    asking: tokio::sync::Mutex<()>,
    used: AtomicBool,
    /// Grows when an answer differs from the one before.
    version: AtomicU32,
}

#[derive(Clone)]
struct Answer {
    addresses: Arc<[SocketAddr]>,
    at: Instant,
}

impl Name {
    pub(super) fn new(host: &str, port: u16, resolver: Arc<dyn Resolve>, every: Duration) -> Self {
        Self {
            host: host.to_owned(),
            port,
            resolver,
            every,
            answer: Mutex::default(),
            asking: tokio::sync::Mutex::default(),
            used: AtomicBool::new(false),
            version: AtomicU32::new(0),
        }
    }

    pub(super) fn host(&self) -> &str {
        &self.host
    }

    /// The addresses, never none. Asks the resolver when the last answer is too old.
    pub(super) async fn addresses(&self) -> io::Result<Arc<[SocketAddr]>> {
        if let Some(addresses) = self.fresh() {
            return Ok(addresses);
        }
        let _asking = self.asking.lock().await;
        if let Some(addresses) = self.fresh() {
            return Ok(addresses);
        }
        let found = self.resolver.lookup(&self.host, self.port).await;
        match found.and_then(some) {
            Ok(addresses) => Ok(self.store(addresses)),
            Err(e) => self.last().map(|a| a.addresses).ok_or(e),
        }
    }

    /// Marks the name as used, so that it is looked up again when its answer grows old.
    pub(super) fn touch(&self) {
        if !self.used.load(Ordering::Relaxed) {
            self.used.store(true, Ordering::Relaxed);
        }
    }

    /// Asks again in the background if the name was used and its answer is too old. Called each second or so.
    pub(super) fn refresh(self: &Arc<Self>) {
        let old = self.last().is_some() && self.fresh().is_none();
        if !old || !self.used.swap(false, Ordering::Relaxed) {
            return;
        }
        let name = self.clone();
        tokio::spawn(async move {
            if let Err(e) = name.addresses().await {
                tracing::debug!("the name {} can't be resolved: {e}", name.host);
            }
        });
    }

    /// Changes whenever the addresses do.
    pub(super) fn version(&self) -> u32 {
        self.version.load(Ordering::Acquire)
    }

    /// Whether the last answer holds this address.
    pub(super) fn holds(&self, address: SocketAddr) -> bool {
        self.last()
            .is_some_and(|answer| answer.addresses.contains(&address))
    }

    fn last(&self) -> Option<Answer> {
        self.answer
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn fresh(&self) -> Option<Arc<[SocketAddr]>> {
        let answer = self.last()?;
        (answer.at.elapsed() < self.every).then_some(answer.addresses)
    }

    fn store(&self, addresses: Vec<SocketAddr>) -> Arc<[SocketAddr]> {
        let addresses: Arc<[SocketAddr]> = addresses.into();
        let answer = Answer {
            addresses: addresses.clone(),
            at: Instant::now(),
        };
        let mut last = self.answer.lock().unwrap_or_else(PoisonError::into_inner);
        let same = last
            .as_ref()
            .is_some_and(|old| same(&old.addresses, &addresses));
        *last = Some(answer);
        if !same {
            self.version.fetch_add(1, Ordering::Release);
        }
        addresses
    }
}

/// Resolvers rotate their answers: the order makes no difference.
fn same(a: &[SocketAddr], b: &[SocketAddr]) -> bool {
    a.len() == b.len() && a.iter().all(|address| b.contains(address))
}

fn some(addresses: Vec<SocketAddr>) -> io::Result<Vec<SocketAddr>> {
    if addresses.is_empty() {
        return Err(io::Error::new(io::ErrorKind::NotFound, "it has no address"));
    }
    Ok(addresses)
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Name")
            .field("host", &self.host)
            .field("port", &self.port)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::dial::Lookup;

    /// A resolver whose answers a test sets.
    #[derive(Default)]
    pub(in crate::proxy::upstream) struct Scripted(pub(in crate::proxy::upstream) Mutex<Script>);

    #[derive(Default)]
    pub(in crate::proxy::upstream) struct Script {
        pub(in crate::proxy::upstream) answer: Vec<SocketAddr>,
        pub(in crate::proxy::upstream) asked: usize,
        pub(in crate::proxy::upstream) fails: bool,
    }

    impl Resolve for Scripted {
        fn lookup<'a>(&'a self, _: &'a str, _: u16) -> Lookup<'a> {
            Box::pin(async move {
                tokio::task::yield_now().await;
                let mut script = self.0.lock().unwrap();
                script.asked += 1;
                if script.fails {
                    return Err(io::Error::other("no resolver"));
                }
                Ok(script.answer.clone())
            })
        }
    }

    fn name(script: Script) -> (Arc<Scripted>, Arc<Name>) {
        let resolver = Arc::new(Scripted(Mutex::new(script)));
        let every = Duration::from_secs(10);
        let name = Name::new("b.test", 80, resolver.clone(), every);
        (resolver, Arc::new(name))
    }

    fn address(last: u8) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, last], 80))
    }

    #[tokio::test(start_paused = true)]
    async fn many_ask_once_and_the_answer_holds_for_its_time() {
        let (resolver, name) = name(Script {
            answer: vec![address(1)],
            ..Script::default()
        });
        let (a, b) = tokio::join!(name.addresses(), name.addresses());
        assert_eq!(a.unwrap(), b.unwrap());
        tokio::time::advance(Duration::from_secs(9)).await;
        name.addresses().await.unwrap();
        assert_eq!(resolver.0.lock().unwrap().asked, 1);
        tokio::time::advance(Duration::from_secs(2)).await;
        name.addresses().await.unwrap();
        assert_eq!(resolver.0.lock().unwrap().asked, 2);
    }

    #[tokio::test(start_paused = true)]
    async fn an_old_answer_outlives_a_failing_resolver() {
        let (resolver, name) = name(Script {
            fails: true,
            ..Script::default()
        });
        assert!(name.addresses().await.is_err());
        *resolver.0.lock().unwrap() = Script {
            answer: vec![address(1)],
            ..Script::default()
        };
        name.addresses().await.unwrap();
        resolver.0.lock().unwrap().fails = true;
        tokio::time::advance(Duration::from_secs(11)).await;
        assert_eq!(*name.addresses().await.unwrap(), [address(1)]);
    }

    #[tokio::test(start_paused = true)]
    async fn only_names_in_use_are_asked_again_and_only_news_change_the_version() {
        let (resolver, name) = name(Script {
            answer: vec![address(1), address(2)],
            ..Script::default()
        });
        name.addresses().await.unwrap();
        let version = name.version();
        let later = async || {
            tokio::time::advance(Duration::from_secs(11)).await;
            name.refresh();
            tokio::time::sleep(Duration::from_millis(1)).await;
        };
        later().await;
        assert_eq!(resolver.0.lock().unwrap().asked, 1, "not used");
        name.touch();
        resolver.0.lock().unwrap().answer.reverse();
        later().await;
        assert_eq!(resolver.0.lock().unwrap().asked, 2);
        assert_eq!(name.version(), version, "the same addresses");
        name.touch();
        resolver.0.lock().unwrap().answer.pop();
        later().await;
        assert_ne!(name.version(), version);
        assert!(name.holds(address(2)) && !name.holds(address(1)));
    }
}
