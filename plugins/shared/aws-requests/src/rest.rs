//! Services whose operations stand in method and path.

use crate::form::parameters;

const SERVICES: &str = include_str!("../data/services.txt");
const CONTENT: &str = include_str!("../data/content.txt");
const OPERATIONS: &str = include_str!("../data/operations.txt");

/// What is known of a service or of its operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// It exists.
    Yes,
    /// No service of that name is in the tables, or no such operation.
    No,
    /// The service exists, and its operations are not in the tables, so that none is ever recognised.
    Unlisted,
}

/// Whether a service of AWS is signed by this name.
pub fn known_service(name: &str) -> Known {
    // Requests to users' own APIs in API Gateway are signed, too.
    match kinds(name) {
        Some(_) => Known::Yes,
        None if name == "execute-api" => Known::Yes,
        None => Known::No,
    }
}

/// Whether `fits` finds an operation of the service that can be recognised. Operations that the request names itself all
/// can be.
pub fn known_operation(service: &str, fits: impl Fn(&str) -> bool) -> Known {
    match kinds(service) {
        None => Known::No,
        Some(kinds) if kinds.contains("rpc") => Known::Yes,
        Some(_) => {
            let mut listed = rows(OPERATIONS, service).peekable();
            if listed.peek().is_none() {
                return Known::Unlisted;
            }
            let found = listed.any(|row| row.split(' ').nth(2).is_some_and(&fits));
            if found { Known::Yes } else { Known::No }
        }
    }
}

/// Whether requests that are signed for the service have their operation in method and path.
pub(crate) fn is_rest(service: &str) -> bool {
    kinds(service).is_some_and(|kinds| kinds.contains("rest"))
}

/// The operation of a service that is in the table.
pub(crate) fn operation(
    service: &str,
    method: &str,
    path: &str,
    query: &str,
) -> Option<&'static str> {
    let mut best: Option<(usize, usize, &str)> = None;
    for row in rows(OPERATIONS, service) {
        let mut words = row.split(' ');
        let (Some(of), Some(pattern), Some(name)) = (words.next(), words.next(), words.next())
        else {
            continue;
        };
        if of == method && fits(pattern, path, query) {
            let (pattern, wanted) = pattern.split_once('?').unwrap_or((pattern, ""));
            let rank = (parameters(wanted).count(), pattern.replace('*', "").len());
            if best.is_none_or(|(wanted, literal, _)| rank > (wanted, literal)) {
                best = Some((rank.0, rank.1, name));
            }
        }
    }
    best.map(|(_, _, name)| name)
}

/// Whether an operation's request or response is the user's own bytes.
pub(crate) fn is_content(service: &str, method: &str, path: &str, query: &str) -> bool {
    rows(CONTENT, service).any(|row| {
        row.split_once(' ')
            .is_some_and(|(of, pattern)| of == method && fits(pattern, path, query))
    })
}

fn kinds(service: &str) -> Option<&'static str> {
    SERVICES
        .lines()
        .find_map(|line| line.strip_prefix(service)?.strip_prefix(' '))
}

/// The lines of a table that are about a service, without its name.
fn rows(table: &'static str, service: &str) -> impl Iterator<Item = &'static str> {
    let begin = format!("{service} ");
    table
        .lines()
        .filter_map(move |line| line.strip_prefix(begin.as_str()))
}

/// Whether a path has the shape of a pattern, and the query its parameters.
fn fits(pattern: &str, path: &str, query: &str) -> bool {
    let (pattern, wanted) = pattern.split_once('?').unwrap_or((pattern, ""));
    let has = |part: &str| {
        let name = part.split('=').next().unwrap_or_default();
        match part.split_once('=') {
            Some(_) => query.split('&').any(|given| given == part),
            None => parameters(query).any(|given| given == name),
        }
    };
    let words = |path: &str| -> Vec<String> {
        let words = path.split('/').filter(|word| !word.is_empty());
        words.map(str::to_owned).collect()
    };
    segments_fit(&words(pattern), &words(path))
        && wanted.split('&').filter(|part| !part.is_empty()).all(has)
}

fn segments_fit(pattern: &[String], path: &[String]) -> bool {
    match pattern.split_first() {
        None => path.is_empty(),
        Some((word, rest)) if word == "**" => {
            (1..=path.len()).any(|taken| segments_fit(rest, &path[taken..]))
        }
        Some((word, rest)) => path.split_first().is_some_and(|(first, path)| {
            (word == "*" || word == first) && segments_fit(rest, path)
        }),
    }
}
