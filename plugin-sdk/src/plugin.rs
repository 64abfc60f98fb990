//! What an author writes: one type with one trait.

use serde::de::DeserializeOwned;

use crate::{Answer, Request, Response, Result, missing};

/// A plugin: a type whose fields are its settings, with up to two hooks.
///
/// `forward_request` runs in the order of the chain. `return_response` runs in reverse order, for every plugin whose
/// `forward_request` ran.
///
/// `serde` deserializes the type from the plugin's settings, once for each instance. A string setting is a string; any
/// other setting is read as JSON. For work that is done once per instance, such as checking or parsing a setting, use
/// `#[serde(try_from = "Settings")]`. If the settings are wrong, the host refuses the plugin, or the changed configuration, with
/// an error that names the key, the value and what was expected. A plugin without settings derives `Deserialize` on a unit struct.
///
/// Hooks take `&self`. An instance serves many exchanges, one at a time. The host may replace it at any time, and the two
/// hooks of an exchange may run in two instances. Use notes ([`exchange`](crate::exchange)) to pass data to
/// `return_response`.
///
/// At least one of the two hooks must be implemented, unless the plugin exports more ([`RequestBody`](crate::RequestBody),
/// [`ResponseBody`](crate::ResponseBody), [`Background`](crate::Background)): the host refuses a plugin that does nothing.
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
    /// Called once for each instance, before the hooks, when the settings have been read. Does nothing by default.
    ///
    /// # Errors
    /// The plugin cannot work. The host refuses the version, or the changed configuration, and shows the text.
    fn start(&self) -> Result<()> {
        Ok(())
    }

    /// Called when the request's head has arrived, before the request is sent to the backend. Does nothing by default.
    fn forward_request(&self, request: &mut Request) -> Result<Verdict> {
        let _ = request;
        missing::is_missing(missing::FORWARD_REQUEST);
        Ok(Verdict::Forward)
    }

    /// Called when the response's head is available, from the backend or from a plugin. Does nothing by default.
    fn return_response(&self, request: &Request, response: &mut Response) -> Result<()> {
        let _ = (request, response);
        missing::is_missing(missing::RETURN_RESPONSE);
        Ok(())
    }
}

/// What happens to a request after the hook.
#[must_use = "the host hears of a verdict only if the hook returns it"]
#[derive(Clone, Debug)]
pub enum Verdict {
    /// Forwards the request to the next plugin, or after the last one to the backend.
    Forward,
    /// Answers the request with this response; later plugins and the backend are skipped.
    Respond(Answer),
}

impl From<Answer> for Verdict {
    fn from(answer: Answer) -> Self {
        Self::Respond(answer)
    }
}
