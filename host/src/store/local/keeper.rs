//! The keeper: the thread that removes what has expired, and puts the log into the database.

use std::time::Duration;

use super::shared::{Shared, Writer};
use crate::store::journal::Journal;
use crate::store::journal::database::Database;

/// How often it looks without being woken. A log that nobody waits for is on the disk this long after it was written.
pub const INTERVAL: Duration = Duration::from_secs(1);

/// Works until the store is dropped.
pub fn keep(shared: &Shared, mut database: Option<Database>) {
    loop {
        shared.wait_for_work(INTERVAL);
        let closing = shared.writer().closing;
        shared.sweep_all();
        if let Some(database) = &mut database {
            sync(shared);
            // At the end twice: what the other log holds, then what this one does.
            for _ in 0..=u8::from(closing) {
                put(shared, database, closing);
            }
        }
        if closing {
            return;
        }
        // A disk that fails is not asked without pause.
        let trouble = with_journal(shared, |journal| journal.has_trouble());
        if trouble == Some(true) {
            shared.wait_for_end(INTERVAL);
        }
    }
}

/// Brings the log to the disk, so that a power failure takes the last second at most. The lock is not held meanwhile.
fn sync(shared: &Shared) {
    let unsynced = with_journal(shared, Journal::unsynced).flatten();
    let Some((log, last)) = unsynced else {
        return;
    };
    let done = log.sync();
    with_journal(shared, |journal| match &done {
        Ok(()) => journal.synced(last),
        Err(_) => journal.taint(),
    });
    if let Err(error) = done {
        tracing::warn!(
            "the state's log can't be brought to the disk: {error}; it is put into the database instead"
        );
    }
}

/// Puts the log into the database if it is long, or in any case.
fn put(shared: &Shared, database: &mut Database, in_any_case: bool) {
    let turned = with_journal(shared, |journal| {
        let begins = journal.is_long() || in_any_case && !journal.is_put();
        if journal.turned().is_none()
            && begins
            && let Err(error) = journal.turn()
        {
            journal.put(Err(format!("its other log can't be begun: {error}")));
        }
        journal.turned()
    });
    let Some(turned) = turned.flatten() else {
        return;
    };
    let done = database.apply(&turned.dirty, turned.last);
    let said = done.clone();
    let is_news = with_journal(shared, |journal| journal.put(done));
    if is_news != Some(true) {
        return;
    }
    match said {
        Ok(()) => tracing::info!("the state's log was put into its database again"),
        Err(error) => tracing::warn!(
            "the state's log can't be put into its database: {error}; nothing is lost, and it is tried again each second"
        ),
    }
}

fn with_journal<T>(shared: &Shared, work: impl FnOnce(&mut Journal) -> T) -> Option<T> {
    let mut writer: std::sync::MutexGuard<'_, Writer> = shared.writer();
    writer.journal.as_mut().map(work)
}
