//! What an author writes: one type with one trait.

use serde::de::DeserializeOwned;

use crate::{Answer, Request, Response, Result, export};

/// A plugin: a type whose fields are its settings, with up to two hooks.
///
/// Plugins form an onion around the backend: `forward_request` runs in the order of the chain, `return_response` in
/// reverse order for every plugin whose `forward_request` ran.
///
/// The type is made from the host's settings by `serde`, once for each instance. A string setting is the string;
/// anything else is read as JSON. For work that shall be done once, such as checking or parsing a setting, use
/// `#[serde(try_from = "Settings")]`. Settings that don't fit make every hook fail with an error that names the key, the
/// value and what was expected. A plugin without settings derives `Deserialize` on a unit struct.
///
/// Hooks take `&self`: an instance serves one exchange at a time but many in a row, comes and goes as the host likes,
/// and the two hooks of an exchange may run in two instances. Notes ([`exchange`](crate::exchange)) carry what
/// `return_response` must know.
///
/// One of the two hooks must be there: the host does not take a plugin without both into service.
///
/// ```
/// use tollgate_plugin::{Answer, Plugin, Request, Result, Verdict, testing};
///
/// /// The settings as they are written.
/// #[derive(serde::Deserialize)]
/// #[serde(deny_unknown_fields)]
/// struct Settings {
///     closed: Vec<String>,
///     #[serde(default)]
///     dry_run: bool,
/// }
///
/// /// The settings as they are used.
/// #[derive(serde::Deserialize)]
/// #[serde(try_from = "Settings")]
/// struct Closed {
///     prefixes: Vec<String>,
/// }
///
/// impl TryFrom<Settings> for Closed {
///     type Error = String;
///
///     fn try_from(settings: Settings) -> std::result::Result<Self, String> {
///         if let Some(bad) = settings.closed.iter().find(|prefix| !prefix.starts_with('/')) {
///             return Err(format!("setting closed has {bad:?}: expected a path"));
///         }
///         Ok(Self { prefixes: if settings.dry_run { Vec::new() } else { settings.closed } })
///     }
/// }
///
/// impl Plugin for Closed {
///     fn forward_request(&self, request: &mut Request) -> Result<Verdict> {
///         let path = request.path();
///         let closed = self.prefixes.iter().any(|prefix| path.starts_with(prefix.as_str()));
///         Ok(if closed { Answer::new(403).into() } else { Verdict::Forward })
///     }
/// }
///
/// let with = |settings| testing::exchange().target("/a/b").settings(settings).run::<Closed>();
/// assert_eq!(with(testing::json!({ "closed": ["/a/"] })).response.status, 403);
/// assert_eq!(with(testing::json!({ "closed": ["/a/"], "dry_run": true })).response.status, 200);
/// assert_eq!(
///     with(testing::json!({ "closed": ["a"] })).error.as_deref(),
///     Some("setting closed has \"a\": expected a path")
/// );
/// ```
pub trait Plugin: DeserializeOwned + 'static {
    /// Called before the backend is asked, as soon as the request's head is there. Does nothing by default.
    fn forward_request(&self, request: &mut Request) -> Result<Verdict> {
        let _ = request;
        export::is_missing(export::FORWARD_REQUEST);
        Ok(Verdict::Forward)
    }

    /// Called when the response's head is there, whoever made it. Does nothing by default.
    fn return_response(&self, request: &Request, response: &mut Response) -> Result<()> {
        let _ = (request, response);
        export::is_missing(export::RETURN_RESPONSE);
        Ok(())
    }
}

/// What becomes of a request.
#[must_use = "the host hears of a verdict only if the hook returns it"]
#[derive(Clone, Debug)]
pub enum Verdict {
    /// Goes on to the next plugin, and behind the last one to the backend.
    Forward,
    /// Is answered with this; later plugins and the backend are skipped.
    Respond(Answer),
}
