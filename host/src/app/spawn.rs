//! How the tasks that live as long as the process are started.

use tokio_util::sync::CancellationToken;

use crate::essential;

/// Runs what must not end before it is told to.
pub fn spawn(
    name: &'static str,
    stop: &CancellationToken,
    work: impl Future<Output = ()> + Send + 'static,
) {
    let stop = stop.clone();
    tokio::spawn(essential::task(name, move || stop.is_cancelled(), work));
}
