//! A plugin whose hooks may each take so long and no longer, waiting included: computing has a limit of its own.
//!
//! A hook that takes longer ends its case, whatever the plugin's failure policy: as where the proxy's own time for an
//! exchange is over, the exchange is gone with the call.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::interceptor::{
    Hook, Interceptor, Link, Matches, MessageInterceptor, Next, OnFailure, Outcome, Surround,
    Transform, Verdict,
};
use crate::message::{Exchange, Side};

/// A plugin with a limit for each of its hooks.
pub(super) struct Timed<P> {
    plugin: Arc<P>,
    limit: Duration,
    late: watch::Sender<Option<Hook>>,
}

/// Hears of the hook that took too long.
pub(super) struct Alarm(watch::Receiver<Option<Hook>>);

/// The place of a plugin in a chain, with this limit for its hooks.
pub(super) fn link<H, A>(link: Link<H, A>, limit: Duration) -> (Link<Timed<H>, Timed<A>>, Alarm) {
    let (late, alarm) = watch::channel(None);
    let link = match link {
        Link::Hooks(plugin) => Link::Hooks(Timed::new(plugin, limit, late)),
        Link::Around(plugin) => Link::Around(Timed::new(plugin, limit, late)),
        Link::Missing(missing) => Link::Missing(missing),
    };
    (link, Alarm(alarm))
}

impl Alarm {
    /// Waits for a hook that takes too long; for ever, if none does.
    pub(super) async fn hook(&mut self) -> Hook {
        let late = match self.0.wait_for(Option::is_some).await {
            Ok(late) => *late,
            // The plugin is gone, so none can be late any more.
            Err(_) => None,
        };
        match late {
            Some(hook) => hook,
            None => std::future::pending().await,
        }
    }
}

impl<P> Timed<P> {
    fn new(plugin: Arc<P>, limit: Duration, late: watch::Sender<Option<Hook>>) -> Arc<Self> {
        Arc::new(Self {
            plugin,
            limit,
            late,
        })
    }

    /// Never returns once the time is over: who waits for the alarm drops it.
    async fn bound<T>(&self, hook: Hook, call: impl Future<Output = T>) -> T {
        match tokio::time::timeout(self.limit, call).await {
            Ok(done) => done,
            Err(_) => {
                self.late.send_replace(Some(hook));
                std::future::pending().await
            }
        }
    }
}

impl<P: Interceptor> Interceptor for Timed<P> {
    fn name(&self) -> &str {
        self.plugin.name()
    }

    fn rules(&self) -> &Matches {
        self.plugin.rules()
    }

    fn on_failure(&self) -> OnFailure {
        self.plugin.on_failure()
    }
}

impl<P: Transform> Transform for Timed<P> {
    async fn forward_request(&self, exchange: Box<Exchange>) -> Outcome<Verdict> {
        let call = self.plugin.forward_request(exchange);
        self.bound(Hook::ForwardRequest, call).await
    }

    async fn return_response(&self, exchange: Box<Exchange>) -> Outcome<()> {
        let call = self.plugin.return_response(exchange);
        self.bound(Hook::ReturnResponse, call).await
    }

    fn rewrites(&self, side: Side) -> bool {
        self.plugin.rewrites(side)
    }

    async fn rewrite_body(self: &Arc<Self>, side: Side, exchange: Box<Exchange>) -> Outcome<()> {
        let call = self.plugin.rewrite_body(side, exchange);
        self.bound(Hook::Body(side), call).await
    }

    fn reads_messages(&self) -> bool {
        self.plugin.reads_messages()
    }

    async fn open_websocket(
        self: &Arc<Self>,
        exchange: Box<Exchange>,
    ) -> Outcome<Option<Box<dyn MessageInterceptor>>> {
        let call = self.plugin.open_websocket(exchange);
        self.bound(Hook::Messages, call).await
    }
}

impl<P: Surround> Surround for Timed<P> {
    async fn handle(&self, exchange: Box<Exchange>, next: Arc<dyn Next>) -> Outcome<()> {
        self.bound(Hook::Handle, self.plugin.handle(exchange, next))
            .await
    }
}
