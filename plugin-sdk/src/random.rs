//! Unpredictable random numbers from the host.

/// A random number from the whole range of `u64`.
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
/// // In a test the numbers depend on the seed.
/// let refused = (0..1000).filter(|seed| !testing::exchange().random_seed(*seed).run::<Flaky>().reached_backend);
/// assert!((50..150).contains(&refused.count()));
/// ```
pub fn u64() -> u64 {
    crate::host::random()
}

/// A random number from 0 (inclusive) to 1 (exclusive).
#[expect(
    clippy::cast_precision_loss,
    reason = "53 bits are what an f64 holds exactly"
)]
pub fn f64() -> f64 {
    (u64() >> 11) as f64 / (1_u64 << 53) as f64
}
