//! Which protocol a request takes to an address: what the settings say, or what ALPN agreed on.

use super::call::{Call, Miss, Received};
use super::endpoint::Endpoint;
use super::shared::Speaks;
use super::wire::Wire;
use crate::config::backend::Protocol;
use crate::tls::Alpn;

impl Endpoint {
    /// Sends a request there and waits for the response's head.
    pub(super) async fn send(&self, call: &mut Call<'_>) -> Result<Received, Miss> {
        if let Some(name) = self.name() {
            name.touch();
        }
        if self.connector.tls.is_none() {
            return match self.config.protocol {
                Protocol::Http2 => Box::pin(self.by_http2(call)).await,
                Protocol::Auto | Protocol::Http1 => self.by_http1(call).await,
            };
        }
        match self.config.protocol {
            Protocol::Http1 => self.by_http1(call).await,
            Protocol::Http2 => Box::pin(self.by_http2(call)).await,
            Protocol::Auto if call.upgrade.is_some() => self.by_http1(call).await,
            Protocol::Auto => {
                let speaks = match self.shared.speaks() {
                    Speaks::Unknown => Box::pin(self.discover()).await?,
                    known => known,
                };
                let result = match speaks {
                    Speaks::Http2 => match Box::pin(self.by_http2(call)).await {
                        Err(miss) if miss.error.wants_http1() => {
                            // Until a connection fails, and ALPN is asked again.
                            self.shared.learn(Speaks::Http1);
                            if !miss.is_unsent {
                                return Err(miss);
                            }
                            Box::pin(self.by_http1(call)).await
                        }
                        other => other,
                    },
                    _ => self.by_http1(call).await,
                };
                if matches!(&result, Err(miss) if miss.is_unsent) {
                    // It may speak something else by now.
                    self.shared.learn(Speaks::Unknown);
                }
                result
            }
        }
    }

    /// Opens the first connection to an address of which it is not known yet what ALPN agrees on.
    async fn discover(&self) -> Result<Speaks, Miss> {
        let _opening = self.shared.opening.lock().await;
        let known = self.shared.speaks();
        if known != Speaks::Unknown {
            return Ok(known);
        }
        let slot = self.slot().await.map_err(Miss::unsent)?;
        let connected = self.connect(Alpn::Either).await?;
        let speaks = if connected.http2 {
            self.add_shared(connected, slot).await?;
            Speaks::Http2
        } else {
            self.pool.put(Wire::new(connected, slot));
            Speaks::Http1
        };
        self.shared.learn(speaks);
        Ok(speaks)
    }
}
