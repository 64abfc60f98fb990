//! What a plugin may reach beyond the exchange: `[plugin.NAME.allow]`. Nothing is allowed unless it is granted there.

use crate::outbound;

/// What the configuration can grant, each a key of the table `allow`. An interface that needs one is refused without it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Permission {
    /// Data that outlives an exchange.
    State,
    /// Requests to other servers.
    Http,
    /// Choosing the backend of a request.
    Backends,
}

impl Permission {
    /// The key that grants it.
    pub fn key(self) -> &'static str {
        match self {
            Permission::State => "state",
            Permission::Http => "http",
            Permission::Backends => "backends",
        }
    }

    /// A line that grants it.
    fn line(self) -> &'static str {
        match self {
            Permission::State => "state = true",
            Permission::Http => "http = [\"https://api.example.com/\"]",
            Permission::Backends => "backends = [\"NAME\"]",
        }
    }

    /// The lines of the configuration that grant all of these to a plugin.
    pub fn lines(permissions: &[Permission], plugin: &str) -> String {
        let lines: Vec<&str> = permissions.iter().map(|one| one.line()).collect();
        format!("[plugin.{plugin}.allow]\n{}", lines.join("\n"))
    }
}

/// What is granted to one plugin.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Allow {
    pub state: Option<Bucket>,
    /// Where it may send requests; none if it may send none.
    pub http: Option<outbound::Allow>,
    /// Names of the backends that it may choose; none if it may choose none.
    pub backends: Option<Vec<String>>,
    /// Names of environment variables that the plugin sees.
    pub environment: Vec<String>,
}

/// Where a plugin's state is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bucket {
    /// One that no other plugin has, named after the plugin.
    Own,
    /// One that every plugin has to which the same name is granted.
    Shared(String),
}

impl Allow {
    pub fn grants(&self, permission: Permission) -> bool {
        match permission {
            Permission::State => self.state.is_some(),
            Permission::Http => self.http.is_some(),
            Permission::Backends => self.backends.is_some(),
        }
    }
}
