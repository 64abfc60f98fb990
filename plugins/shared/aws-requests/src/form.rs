//! The Query protocol: parameters in a form or in the query, of which one names the operation.

use crate::{Call, Protocol};

/// The versions of the APIs that speak it, each with the name that its requests are signed by.
const VERSIONS: [(&str, &str); 21] = [
    ("2009-04-15", "sdb"),
    ("2010-03-31", "sns"),
    ("2010-05-08", "iam"),
    ("2010-05-15", "cloudformation"),
    ("2010-06-01", "importexport"),
    ("2010-08-01", "monitoring"),
    ("2010-12-01", "ses"),
    ("2010-12-01", "elasticbeanstalk"),
    ("2011-01-01", "autoscaling"),
    ("2011-06-15", "sts"),
    ("2012-06-01", "elasticloadbalancing"),
    ("2012-11-05", "sqs"),
    ("2012-12-01", "redshift"),
    ("2013-01-01", "cloudsearch"),
    ("2014-10-31", "rds"),
    ("2015-02-02", "elasticache"),
    ("2015-12-01", "elasticloadbalancing"),
    ("2016-11-15", "ec2"),
    ("2011-02-01", "cloudsearch"),
    ("2009-05-15", "monitoring"),
    ("2010-07-15", "iam"),
];

/// The call in a form: it has an `Action` and a `Version` that belongs to an API of AWS.
pub(crate) fn call(form: &[u8], signed_for: Option<&str>) -> Option<Call> {
    let action = value(form, "Action")?;
    let version = value(form, "Version")?;
    let version = std::str::from_utf8(&version).ok()?;
    let mut fitting = VERSIONS.iter().filter(|(known, _)| *known == version);
    let service = match signed_for {
        // EC2 serves its old versions, too.
        Some("ec2") if is_date(version) => "ec2",
        Some(service) => {
            fitting.next()?;
            service
        }
        None => fitting.next()?.1,
    };
    let action = String::from_utf8(action).ok()?;
    let is_name = |b: u8| b.is_ascii_alphanumeric();
    (!action.is_empty() && action.bytes().all(is_name)).then(|| Call {
        protocol: if service == "ec2" {
            Protocol::Ec2
        } else {
            Protocol::Query
        },
        service: service.to_owned(),
        action: Some(action),
    })
}

/// Where such calls are sent: to the root, or to the URL of a queue.
pub(crate) fn is_place_of_calls(path: &str) -> bool {
    let words: Vec<_> = path.split('/').filter(|word| !word.is_empty()).collect();
    let is_account = |word: &str| word.len() == 12 && word.bytes().all(|b| b.is_ascii_digit());
    match words.as_slice() {
        [] => true,
        [account, _] => is_account(account),
        ["queue", .., account, _] => is_account(account),
        _ => false,
    }
}

fn is_date(text: &str) -> bool {
    let shape = |(at, b): (usize, u8)| {
        if matches!(at, 4 | 7) {
            b == b'-'
        } else {
            b.is_ascii_digit()
        }
    };
    text.len() == 10 && text.bytes().enumerate().all(shape)
}

/// The names of a query's or form's parameters, undecoded, in their order.
pub fn parameters(query: &str) -> impl Iterator<Item = &str> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs.map(|pair| pair.split_once('=').map_or(pair, |(name, _)| name))
}

/// The first value of a parameter, decoded.
pub(crate) fn value(form: &[u8], name: &str) -> Option<Vec<u8>> {
    form.split(|b| *b == b'&').find_map(|pair| {
        let rest = pair.strip_prefix(name.as_bytes())?;
        Some(decoded(rest.strip_prefix(b"=")?))
    })
}

fn decoded(text: &[u8]) -> Vec<u8> {
    let digit = |at: usize| text.get(at).and_then(|b| char::from(*b).to_digit(16));
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    while at < text.len() {
        match (text[at], digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                out.push(u8::try_from(high * 16 + low).unwrap_or_default());
                at += 2;
            }
            (b'+', ..) => out.push(b' '),
            (b, ..) => out.push(b),
        }
        at += 1;
    }
    out
}
