//! Random numbers, through `wasi:random`. Behind the feature `random`.

/// A number that nobody can foresee.
///
/// ```
/// use tollgate_plugin::{Answer, Plugin, Request, Result, Verdict, random, testing};
///
/// /// Refuses one request of ten.
/// #[derive(serde::Deserialize)]
/// struct Flaky;
///
/// impl Plugin for Flaky {
///     fn forward_request(&self, _: &mut Request) -> Result<Verdict> {
///         Ok(match random::u64() % 10 {
///             0 => Answer::new(503).into(),
///             _ => Verdict::Forward,
///         })
///     }
/// }
///
/// // In a test the numbers follow from the seed.
/// let refused = (0..1000).filter(|seed| !testing::exchange().random_seed(*seed).run::<Flaky>().reached_backend);
/// assert!((50..150).contains(&refused.count()));
/// ```
pub fn u64() -> u64 {
    crate::host::random()
}
