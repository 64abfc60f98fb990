//! Work that no exchange asks for.

use crate::{Plugin, Result};

/// Work that is done at an interval. Export it with `export!(MyPlugin, Background)`.
///
/// The host calls [`tick`](Self::tick) as soon as a version of the plugin serves, and then at the interval `every` in its configuration (by
/// default every 60 seconds):
///
/// ```toml
/// [plugin.keys.background]
/// every = "30s"
/// ```
///
/// It runs on an instance of its own, which the hooks don't see: what it finds out is passed to them by [`state`](crate::state). Nothing
/// else of the plugin waits for it.
///
/// ```
/// use tollgate_plugin::{Answer, Background, Plugin, Request, Result, Verdict, client, state, testing};
///
/// /// Keeps a list of blocked users up to date.
/// #[derive(serde::Deserialize)]
/// struct Blocked;
///
/// impl Background for Blocked {
///     fn tick(&self) -> Result<()> {
///         let list = client::get("https://users.example/blocked")?;
///         if list.status == 200 {
///             state::set("blocked", list.body)?;
///         }
///         Ok(())
///     }
/// }
///
/// impl Plugin for Blocked {
///     fn forward_request(&self, request: &mut Request) -> Result<Verdict> {
///         let list = state::get("blocked")?.unwrap_or_default();
///         let user = request.field("x-user").map(|user| user.to_string()).unwrap_or_default();
///         let is_blocked = list.split(|byte| *byte == b'\n').any(|line| line == user.as_bytes());
///         Ok(if is_blocked { Answer::new(403).into() } else { Verdict::Forward })
///     }
/// }
///
/// tollgate_plugin::export!(Blocked, Background);
///
/// let list = Answer::new(200).text("eve\nmallory");
/// let ticked = testing::exchange().outbound("https://users.example/blocked", list).tick::<Blocked>();
/// assert_eq!(ticked.state["blocked"], b"eve\nmallory");
/// ```
pub trait Background: Plugin {
    /// Does the work once. No two calls run at the same time.
    ///
    /// # Errors
    /// It could not be done. The host logs the text and waits longer before the next call: twice the interval, then four times, up to a
    /// hundred times.
    fn tick(&self) -> Result<()>;
}
