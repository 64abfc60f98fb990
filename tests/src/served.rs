//! What a proxy can be asked, wherever it runs.

use std::net::SocketAddr;

use crate::{Answer, Client, Plugins, Request, get};

/// A proxy that serves, wherever it runs.
#[derive(Debug)]
pub struct Served {
    pub address: SocketAddr,
    pub plugins: Plugins,
}

impl Served {
    /// A new connection.
    pub async fn client(&self) -> Client {
        Client::connect(self.address).await
    }

    /// Asks on a connection of its own.
    pub async fn get(&self, target: &str) -> Answer {
        self.ask(&get(target)).await
    }

    /// Asks on a connection of its own.
    pub async fn ask(&self, request: &Request) -> Answer {
        self.client().await.ask(request).await
    }

    /// The version of the guest `mark` that serves, by what it adds to a response; none when there is none.
    pub async fn mark(&self) -> Option<String> {
        self.get("/").await.field("x-mark")
    }
}
