//! Tasks and threads without which the proxy must not go on: what accepts connections, what puts plugins into service,
//! what watches files, what ticks. If one of them ends although nobody told it to, by a panic or by returning, the process
//! ends too, with a last line in the log and [`EXIT_CODE`]. Whatever started the process starts it again; a proxy that goes
//! on without, say, the task that looks after its plugins would seem to work, and let requests pass by a plugin.
//!
//! Every task or thread that lives as long as the process is started here; `tests/all/tidy.rs` holds that.

use std::any::Any;
use std::future::{Future, poll_fn};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;

use crate::telemetry;

/// The exit code of a process that lost one of these tasks (`EX_SOFTWARE` of sysexits.h).
pub const EXIT_CODE: u8 = 70;

/// Runs a task that may end only when `may_end` says so. To be spawned.
pub async fn task(name: &'static str, may_end: impl Fn() -> bool, work: impl Future<Output = ()>) {
    let ended = caught(work).await;
    if !may_end() {
        end_process(&format!("the task `{name}`"), ended.err());
    }
}

/// Starts a thread that returns only when those who need it are gone, and never panics.
///
/// # Errors
/// When the thread can't be started.
pub fn thread(name: &'static str, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let work = move || call(name, work);
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(work)
        .map(drop)
}

/// Runs what must not panic, on a thread that somebody else started.
pub fn call<T>(name: &'static str, work: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|panic| end_process(&format!("the thread `{name}`"), Some(panic)))
}

/// A future's output, or what it panicked with. It is gone then, with all that it had.
///
/// # Errors
/// The panic; the hook has told it already.
pub async fn caught<T>(work: impl Future<Output = T>) -> Result<T, Box<dyn Any + Send>> {
    let mut work = pin!(work);
    poll_fn(
        |cx| match catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(cx))) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(output)) => Poll::Ready(Ok(output)),
            Err(panic) => Poll::Ready(Err(panic)),
        },
    )
    .await
}

fn end_process(who: &str, panic: Option<Box<dyn Any + Send>>) -> ! {
    let how = match panic {
        Some(panic) => format!("panicked ({})", telemetry::panic_message(&*panic)),
        None => "ended".to_owned(),
    };
    telemetry::last_word(
        "tollgate",
        &format!(
            "{who} {how}, and the proxy can't go on without it: the process ends with exit code {EXIT_CODE}. \
             This is a mistake in tollgate, please report it"
        ),
    );
    telemetry::flush();
    std::process::exit(i32::from(EXIT_CODE))
}

#[cfg(test)]
mod tests {
    use std::process::Command;
    use std::time::Duration;

    use super::*;

    /// Which case a process is to live through that was started for that.
    const CASE: &str = "ESSENTIAL_TEST_CASE";

    /// What becomes of a process in each case: its exit code and what it says last.
    const CASES: [(&str, i32, &str); 6] = [
        (
            "task panics",
            70,
            "the task `teller` panicked (on purpose), and the proxy can't go on",
        ),
        (
            "task returns",
            70,
            "the task `teller` ended, and the proxy can't go on",
        ),
        ("task is told to end", 0, ""),
        (
            "thread panics",
            70,
            "the thread `teller` panicked (on purpose), and",
        ),
        ("thread returns", 0, ""),
        (
            "call panics",
            70,
            "the thread `teller` panicked (on purpose), and",
        ),
    ];

    #[test]
    fn the_process_ends_with_whom_it_needs() {
        for (case, code, said) in CASES {
            let child = Command::new(std::env::current_exe().unwrap())
                .args([
                    "--exact",
                    "essential::tests::as_a_process_of_its_own",
                    "--nocapture",
                ])
                .env(CASE, case)
                .output()
                .unwrap();
            let stderr = String::from_utf8_lossy(&child.stderr);
            assert_eq!(child.status.code(), Some(code), "{case}: {stderr}");
            assert!(stderr.contains(said), "{case}: {stderr}");
            assert_eq!(
                code == 70,
                stderr.contains("exit code 70"),
                "{case}: {stderr}"
            );
        }
    }

    /// Only does something in a process that the test above has started.
    #[test]
    fn as_a_process_of_its_own() {
        let Some(case) = std::env::var(CASE).ok() else {
            return;
        };
        telemetry::start(Some("off")).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let panics = || panic!("on purpose");
        match case.as_str() {
            "task panics" => runtime.block_on(task("teller", || false, async { panics() })),
            "task returns" => runtime.block_on(task("teller", || false, async {})),
            "task is told to end" => runtime.block_on(task("teller", || true, async {})),
            "thread panics" => {
                thread("teller", panics).unwrap();
                // The process doesn't live to see the end of it.
                std::thread::sleep(Duration::from_secs(60));
            }
            "thread returns" => {
                let (sender, returned) = std::sync::mpsc::channel();
                thread("teller", move || sender.send(()).unwrap()).unwrap();
                returned.recv().unwrap();
            }
            _ => call("teller", panics),
        }
    }
}
