//! The command line of the bare proxy. Parsed by hand: five flags are not worth a dependency in the floor.

use std::net::SocketAddr;
use std::str::FromStr;

const USAGE: &str = "usage: bare-proxy --listen IP:PORT --backend IP:PORT \
    [--shape stealing|per-core] [--pool legacy|own|inline] [--workers N]";

/// How the runtime uses the cores.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Shape {
    /// One multi-thread runtime whose workers steal tasks from each other; one listener, one pool.
    Stealing,
    /// One current-thread runtime per worker, each with a `SO_REUSEPORT` listener and a pool of its own.
    PerCore,
}

/// Who keeps the connections to the backend.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pool {
    /// hyper-util's legacy client.
    Legacy,
    /// A stack of hyper senders; each connection is a task.
    Own,
    /// A stack of hyper senders together with their connections, which the exchange itself drives.
    Inline,
}

/// The parsed command line.
#[derive(Debug, PartialEq)]
pub struct Args {
    pub listen: SocketAddr,
    pub backend: SocketAddr,
    pub shape: Shape,
    pub pool: Pool,
    pub workers: usize,
}

/// Reads the flags, each followed by its value.
///
/// # Errors
/// A message that names the flag, followed by the usage.
pub fn parse(args: impl IntoIterator<Item = String>) -> Result<Args, String> {
    let (mut listen, mut backend) = (None, None);
    let (mut shape, mut pool, mut workers) = (Shape::Stealing, Pool::Legacy, 2);
    let mut args = args.into_iter();
    while let Some(flag) = args.next() {
        let value = args
            .next()
            .ok_or_else(|| format!("{flag} needs a value\n{USAGE}"))?;
        match flag.as_str() {
            "--listen" => listen = Some(from_str(&flag, &value)?),
            "--backend" => backend = Some(from_str(&flag, &value)?),
            "--workers" => workers = from_str(&flag, &value)?,
            "--shape" => {
                shape = one_of(
                    &flag,
                    &value,
                    &[("stealing", Shape::Stealing), ("per-core", Shape::PerCore)],
                )?
            }
            "--pool" => {
                let pools = [
                    ("legacy", Pool::Legacy),
                    ("own", Pool::Own),
                    ("inline", Pool::Inline),
                ];
                pool = one_of(&flag, &value, &pools)?;
            }
            _ => return Err(format!("unknown flag {flag}\n{USAGE}")),
        }
    }
    let missing = |flag| format!("{flag} is missing\n{USAGE}");
    let listen = listen.ok_or_else(|| missing("--listen"))?;
    let backend = backend.ok_or_else(|| missing("--backend"))?;
    Ok(Args {
        listen,
        backend,
        shape,
        pool,
        workers,
    })
}

fn from_str<T: FromStr>(flag: &str, value: &str) -> Result<T, String> {
    value
        .parse()
        .map_err(|_| format!("{flag} can't be {value:?}\n{USAGE}"))
}

fn one_of<T: Copy>(flag: &str, value: &str, choices: &[(&str, T)]) -> Result<T, String> {
    let choice = choices.iter().find(|(name, _)| *name == value);
    choice
        .map(|(_, choice)| *choice)
        .ok_or_else(|| format!("{flag} can't be {value:?}\n{USAGE}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse_line(line: &str) -> Result<Args, String> {
        parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn reads_every_flag() {
        let args = parse_line(
            "--listen 127.0.0.1:0 --backend 127.0.0.1:80 --shape per-core --pool inline --workers 4",
        );
        let expected = Args {
            listen: "127.0.0.1:0".parse().unwrap(),
            backend: "127.0.0.1:80".parse().unwrap(),
            shape: Shape::PerCore,
            pool: Pool::Inline,
            workers: 4,
        };
        assert_eq!(args, Ok(expected));
    }

    #[test]
    fn names_the_flag_that_is_wrong() {
        for (line, message) in [
            ("--listen 127.0.0.1:0", "--backend is missing"),
            ("--listen somewhere", "--listen can't be \"somewhere\""),
            ("--shape round", "--shape can't be \"round\""),
            ("--workers", "--workers needs a value"),
            ("--wokers 2", "unknown flag --wokers"),
        ] {
            let error = parse_line(line).unwrap_err();
            assert!(error.starts_with(message), "{line}: {error}");
        }
    }
}
