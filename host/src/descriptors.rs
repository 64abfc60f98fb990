//! File descriptors: each connection takes one, and a process may have only so many.

use std::io;
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{Resource, getrlimit, setrlimit};
use tokio::time::Instant;

/// What a process needs beside its connections: plugins and their cache, certificates, the log, the runtime.
const OTHERS: u64 = 100;

/// How long to leave off accepting when the process is out of file descriptors; doubled each time that it still is,
const SHORTEST_PAUSE: Duration = Duration::from_millis(10);

/// up to this.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// How often it is told.
const TELL_EVERY: Duration = Duration::from_secs(10);

/// Raises the limit of this process (`RLIMIT_NOFILE`) as far as the system lets it, and gives it; none when there is none.
/// Shells and service managers start processes with 1,024 for programs that use `select(2)`, which this is not.
pub fn raise_limit() -> Option<u64> {
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum {
        limit.current = limit.maximum;
        // Some systems have a bound beside this one. Then it stays as it is.
        let _ = setrlimit(Resource::Nofile, limit);
    }
    self::limit()
}

/// How many this process may have now; none when there is no limit.
pub fn limit() -> Option<u64> {
    getrlimit(Resource::Nofile).current
}

/// What is wrong with a limit if so many clients may be connected: each exchange has a connection to its client and one to
/// its backend.
pub fn too_few_for(max_connections: usize, limit: Option<u64>) -> Option<String> {
    let wanted = (max_connections as u64)
        .saturating_mul(2)
        .saturating_add(OTHERS);
    let limit = limit.filter(|limit| *limit < wanted)?;
    let fits = limit.saturating_sub(OTHERS) / 2;
    Some(format!(
        "server.max-connections = {max_connections} may need {wanted} file descriptors (one for each client, one for its \
         backend, {OTHERS} others), and this process may have {limit}: raise the hard limit (`ulimit -Hn`, LimitNOFILE= of \
         systemd, --ulimit nofile= of docker), or set server.max-connections to {fits} or less"
    ))
}

/// Why this machine or this process, and nobody else, is to blame that a connection could not be had.
pub fn own_shortage(error: &io::Error) -> Option<String> {
    let errno = Errno::from_io_error(error)?;
    if errno == Errno::MFILE {
        let limit = limit().map_or_else(String::new, |limit| format!(" ({limit})"));
        return Some(format!(
            "this process has all the file descriptors that it may have{limit}: raise the limit (`ulimit -n`, LimitNOFILE= \
             of systemd), or lower server.max-connections"
        ));
    }
    let what = match errno {
        Errno::NFILE => "this machine is out of file descriptors (fs.file-max)",
        Errno::NOBUFS | Errno::NOMEM => "this machine is out of memory for sockets",
        Errno::ADDRNOTAVAIL => {
            "this machine has no local port free for it (net.ipv4.ip_local_port_range)"
        }
        _ => return None,
    };
    Some(what.to_owned())
}

/// Attempts to accept that failed for want of something that may be there again soon.
#[derive(Debug, Default)]
pub struct Trouble {
    in_a_row: u32,
    untold: u32,
    told: Option<Instant>,
}

impl Trouble {
    /// One more, with this error. How long to wait before the next attempt, and what to say if it is time to say it.
    pub fn again(&mut self, error: &io::Error, now: Instant) -> (Duration, Option<String>) {
        let pause = SHORTEST_PAUSE * 2_u32.saturating_pow(self.in_a_row.min(10));
        self.in_a_row = self.in_a_row.saturating_add(1);
        self.untold = self.untold.saturating_add(1);
        let due = self.told.is_none_or(|told| now >= told + TELL_EVERY);
        let said = due.then(|| {
            self.told = Some(now);
            let why = own_shortage(error).unwrap_or_else(|| error.to_string());
            let times = std::mem::take(&mut self.untold);
            format!("{why} (failed attempts since this was last told: {times})")
        });
        (pause.min(LONGEST_PAUSE), said)
    }

    /// One succeeded.
    pub fn over(&mut self) {
        self.in_a_row = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_that_is_too_low_is_told_with_numbers() {
        let cases = [
            (20_000, Some(40_100), None),
            (20_000, None, None),
            (20_000, Some(1024), Some("to 462 or less")),
            (20_000, Some(10), Some("to 0 or less")),
            (
                usize::MAX,
                Some(u64::MAX - 1),
                Some("may have 18446744073709551614"),
            ),
        ];
        for (connections, limit, expected) in cases {
            let said = too_few_for(connections, limit);
            assert_eq!(
                said.is_some(),
                expected.is_some(),
                "{connections} {limit:?}"
            );
            let said = said.unwrap_or_default();
            assert!(said.contains(expected.unwrap_or_default()), "{said}");
        }
    }

    #[test]
    fn a_shortage_of_our_own_is_told_from_the_others_failure() {
        let error = |errno: Errno| io::Error::from(errno);
        assert!(own_shortage(&error(Errno::MFILE)).is_some_and(|said| said.contains("ulimit -n")));
        for errno in [
            Errno::NFILE,
            Errno::NOBUFS,
            Errno::NOMEM,
            Errno::ADDRNOTAVAIL,
        ] {
            assert!(own_shortage(&error(errno)).is_some(), "{errno}");
        }
        for errno in [
            Errno::CONNREFUSED,
            Errno::TIMEDOUT,
            Errno::HOSTUNREACH,
            Errno::NOENT,
        ] {
            assert_eq!(own_shortage(&error(errno)), None, "{errno}");
        }
        assert_eq!(own_shortage(&io::ErrorKind::AddrNotAvailable.into()), None);
    }

    #[test]
    fn a_shortage_is_told_once_in_a_while() {
        let start = Instant::now();
        let full = io::Error::from(Errno::MFILE);
        let mut trouble = Trouble::default();
        let (mut now, mut told) = (start, Vec::new());
        let mut longest = Duration::ZERO;
        while now < start + TELL_EVERY * 3 {
            let (pause, said) = trouble.again(&full, now);
            told.extend(said);
            longest = longest.max(pause);
            now += pause;
        }
        assert_eq!(longest, LONGEST_PAUSE);
        assert_eq!(told.len(), 3, "{told:?}");
        assert!(
            told[0].contains("ulimit -n") && told[0].ends_with("told: 1)"),
            "{told:?}"
        );
        assert!(told[2].ends_with("told: 10)"), "{told:?}");
        trouble.over();
        assert_eq!(trouble.again(&full, now).0, SHORTEST_PAUSE);
        // One that is accepted now and then doesn't make it a new story.
        for _ in 0..100 {
            trouble.over();
            assert_eq!(trouble.again(&full, now), (SHORTEST_PAUSE, None));
        }
    }
}
