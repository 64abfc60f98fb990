//! `tollgate tape send`: the requests of a tape sent again, in order, to a server.
//!
//! What is sent is what the backend got, behind every plugin, unless the server is a proxy and `--as client` is said. Answers are
//! compared with those of then by their status. With `--map-ids` what a server has named anew is renamed in later requests.

mod ids;
mod long_poll;
mod places;
mod plan;
mod reads;
mod report;
mod wire;

use std::io::{self, IsTerminal as _};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use self::ids::Ids;
use self::plan::{Plan, Planned};
use self::report::{Counts, Outcome, Report};
use self::wire::Wire;
use super::lines::{Style, is_plain};
use super::source;
use crate::cli::{SendMasked, SendPace, TapeSendArgs};
use crate::record::answers;
use crate::text;
use crate::tools::exit::USAGE;
use crate::tools::log;

/// Something was answered otherwise, or could not be sent.
const DIFFERS: u8 = 1;

/// Nothing could be done.
const TROUBLE: u8 = 2;

/// Runs the command.
pub fn send(args: &TapeSendArgs) -> ExitCode {
    let filter = match source::filter(&args.filter.join(" ")) {
        Ok(filter) => filter,
        Err(failure) => return failure.told(),
    };
    let wire = match Wire::new(args) {
        Ok(wire) => wire,
        Err(problem) => return told(&problem, USAGE),
    };
    log::start();
    let read = answers::read(&args.tape);
    let (exchanges, torn) = match read {
        Ok(read) => read,
        Err(error) => return told(&format!("{}: {error}", text::path(&args.tape)), TROUBLE),
    };
    if let Some(bytes) = torn {
        eprintln!(
            "tollgate: {}: the last {bytes} bytes are a record that was not written to its end; they are skipped",
            text::path(&args.tape)
        );
    }
    let plan = Plan::new(exchanges, &filter, args);
    let masked = plan.masked();
    if args.masked == SendMasked::Refuse && !masked.is_empty() {
        let problem = format!(
            "{} of the requests have [masked] in the place of secrets (in {}), so they would not be the same, and nothing is sent; \
             set fields anew with --set-field, leave these requests out with --masked skip, or send them so with --masked send",
            masked.requests,
            masked.places.iter().cloned().collect::<Vec<_>>().join(", ")
        );
        return told(&problem, TROUBLE);
    }
    match run(args, &plan, &wire) {
        Ok(counts) if counts.is_same() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::from(DIFFERS),
        // Whoever reads has left.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::from(DIFFERS),
        Err(error) => told(&format!("standard output: {error}"), TROUBLE),
    }
}

fn told(problem: &str, code: u8) -> ExitCode {
    eprintln!("tollgate: {}", text::lines(problem));
    ExitCode::from(code)
}

/// Sends one after the other, and prints what came of each.
fn run(args: &TapeSendArgs, plan: &Plan, wire: &Wire) -> io::Result<Counts> {
    let out = io::stdout();
    let style = Style {
        has_colours: out.is_terminal() && !is_plain(),
    };
    let is_seen = out.is_terminal() || !io::stderr().is_terminal();
    let mut report = Report::new(out.lock(), style);
    let (mut ids, mut clock) = (Ids::default(), Clock::new(args.pace));
    let all = plan.all.len();
    for (number, planned) in plan.all.iter().enumerate() {
        let outcome = match &planned.skipped {
            Some(why) => Outcome::Skipped(why.clone()),
            None if args.dry_run => Outcome::Planned,
            None => {
                std::thread::sleep(clock.wait(planned.began));
                sent(args, planned, wire, &mut ids)
            }
        };
        let is_failure = outcome.is_failure(planned.then_status());
        report.line(planned, &outcome)?;
        if !is_seen {
            eprint!("\r{} of {all}", number + 1);
        }
        if is_failure && !args.keep_going {
            report.stopped(all - number - 1)?;
            break;
        }
    }
    if !is_seen {
        eprintln!();
    }
    report.summary(args.map_ids.then_some(ids.len()))
}

fn sent(args: &TapeSendArgs, planned: &Planned, wire: &Wire, ids: &mut Ids) -> Outcome {
    let mut request = planned.request.clone();
    let renamed = match args.map_ids {
        true => ids.rename(&mut request),
        false => 0,
    };
    let began = Instant::now();
    let now = match wire.send(planned.id, &request) {
        Ok(now) => now,
        Err(why) => return Outcome::Failed(why),
    };
    let took = began.elapsed();
    if let (true, Some(then)) = (args.map_ids, &planned.then) {
        ids.learn(then, &now);
    }
    Outcome::Answered {
        status: now.status().unwrap_or(0),
        took,
        renamed,
    }
}

/// When the next request is due.
struct Clock {
    pace: SendPace,
    /// When the first one was sent, and when it was sent then.
    first: Option<(Instant, u64)>,
    last: Option<Instant>,
}

impl Clock {
    fn new(pace: SendPace) -> Self {
        Self {
            pace,
            first: None,
            last: None,
        }
    }

    /// How long to wait for a request that began then, in microseconds since 1970.
    fn wait(&mut self, began: u64) -> Duration {
        let now = Instant::now();
        let (start, then) = *self.first.get_or_insert((now, began));
        let due = match (self.pace, self.last) {
            (SendPace::Original, _) => start + Duration::from_micros(began.saturating_sub(then)),
            (SendPace::PerSecond(rate), Some(last)) => last + Duration::from_secs_f64(1.0 / rate),
            (SendPace::None, _) | (SendPace::PerSecond(_), None) => now,
        };
        self.last = Some(due.max(now));
        due.saturating_duration_since(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pace_is_kept() {
        let mut original = Clock::new(SendPace::Original);
        assert_eq!(original.wait(1_000_000), Duration::ZERO);
        let wait = original.wait(3_000_000);
        assert!(
            wait > Duration::from_millis(1500) && wait <= Duration::from_secs(2),
            "{wait:?}"
        );
        assert_eq!(
            original.wait(900_000),
            Duration::ZERO,
            "never before its turn"
        );
        let mut rate = Clock::new(SendPace::PerSecond(10.0));
        assert_eq!(rate.wait(0), Duration::ZERO);
        let waits = [rate.wait(0), rate.wait(0)];
        assert!(waits[0] <= Duration::from_millis(100), "{waits:?}");
        assert!(waits[1] > Duration::from_millis(100) && waits[1] <= Duration::from_millis(200));
        let mut none = Clock::new(SendPace::None);
        assert_eq!(
            (none.wait(0), none.wait(1 << 40)),
            (Duration::ZERO, Duration::ZERO)
        );
    }
}
