//! The syncer: the thread that brings the log to the disk for all who wait for it at once (group commit).

use super::shared::{Shared, Synced};

/// Works until the store is dropped.
pub fn sync(shared: &Shared) {
    while let Some(mut writer) = shared.wait_for_changes() {
        let Some(journal) = &mut writer.journal else {
            return;
        };
        let last = journal.last();
        let log = journal.active();
        let tainted = journal.is_tainted();
        // Others write meanwhile, and wait for the next time.
        drop(writer);
        let result = if tainted {
            Err(
                "bringing the log to the disk failed, and the database doesn't hold it yet"
                    .to_owned(),
            )
        } else {
            let synced = log.sync();
            synced.map_err(|error| format!("its log can't be brought to the disk: {error}"))
        };
        if result.is_err() {
            let mut writer = shared.writer();
            if let Some(journal) = writer.journal.as_mut().filter(|_| !tainted) {
                journal.taint();
            }
        }
        shared
            .synced
            .send_modify(|synced| publish(synced, last, result));
    }
}

fn publish(synced: &mut Synced, last: u64, result: Result<(), String>) {
    match result {
        Ok(()) => synced.done = synced.done.max(last),
        Err(why) => {
            synced.failed = synced.failed.max(last);
            synced.why = why;
        }
    }
}
