//! Rules that can never strike are found when the settings are read: a typing error would else look like a backend that
//! never fails.

use aws_requests::{Known, known_operation, known_service};

use crate::settings::{Fault, Pattern};

/// Checks all rules. What is certainly a mistake is an error; what may be meant so comes back as a line for the log.
pub(crate) fn check(faults: &[Fault]) -> Result<Vec<String>, String> {
    let mut doubts = Vec::new();
    for (index, fault) in faults.iter().enumerate() {
        check_request(index, fault)?;
        doubts.extend(check_service(index, fault)?);
        for name in fault.fields.keys() {
            check_field_name(&format!("faults[{index}].fields"), name)?;
        }
        if let Some((name, value)) = fault.fields.iter().find(|(_, value)| has_control(value)) {
            return Err(format!(
                "setting faults[{index}].fields.{name} is {value:?}: expected text without control characters"
            ));
        }
        if let Some(first) = faults[..index].iter().position(|first| first.ends(fault)) {
            return Err(format!(
                "setting faults[{index}] can never strike: faults[{first}] answers every request that it is about"
            ));
        }
    }
    Ok(doubts)
}

fn check_request(index: usize, fault: &Fault) -> Result<(), String> {
    let wrong = |key: &str, pattern: &Pattern, expected: &str| {
        let text = &pattern.0;
        Err(format!(
            "setting faults[{index}].{key} is {text:?} and can never strike: expected {expected}"
        ))
    };
    match &fault.method {
        Some(method) if method.0.bytes().any(|b| b.is_ascii_lowercase()) => {
            return wrong("method", method, "a method in capital letters, such as GET");
        }
        _ => {}
    }
    match &fault.path {
        Some(path) if !path.0.starts_with(['/', '*']) => {
            wrong("path", path, "a path that begins with / or *")
        }
        Some(path) if path.0.contains(['?', '#']) => wrong("path", path, "a path without a query"),
        _ => Ok(()),
    }
}

/// Checks service and action. Patterns may fit what isn't in the tables.
fn check_service(index: usize, fault: &Fault) -> Result<Option<String>, String> {
    let exact = |pattern: &Option<Pattern>| {
        let text = pattern.as_ref().map(|pattern| pattern.0.clone());
        text.filter(|text| !text.contains('*'))
    };
    let Some(service) = exact(&fault.service) else {
        return Ok(None);
    };
    let key = format!("setting faults[{index}]");
    if service.bytes().any(|b| b.is_ascii_uppercase()) {
        return Err(format!(
            "{key}.service is {service:?} and can never strike: expected a name in small letters, as in a signature, such \
             as dynamodb"
        ));
    }
    if known_service(&service) == Known::No {
        return Ok(Some(format!(
            "{key}.service is {service:?}: AWS has no service that is signed by this name, so the rule strikes only if a \
             client signs for it itself"
        )));
    }
    let Some(action) = &fault.action else {
        return Ok(None);
    };
    match known_operation(&service, |name| action.fits(name)) {
        Known::Yes => Ok(None),
        Known::No => Err(format!(
            "{key}.action is {:?} and can never strike: {service} has no such operation",
            action.0
        )),
        Known::Unlisted => Err(format!(
            "{key}.action is {:?} and can never strike: the operations of {service} are not known, use path and method",
            action.0
        )),
    }
}

/// Checks a name for its form (RFC 9110, section 5.6.2), and that a plugin may set it.
pub(crate) fn check_field_name(key: &str, name: &str) -> Result<(), String> {
    let is_token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    let of_host = [
        "connection",
        "content-length",
        "keep-alive",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    ];
    if name.is_empty() || !name.bytes().all(is_token) {
        return Err(format!("setting {key} has {name:?}: expected a field name"));
    }
    if key != "key_fields" && of_host.iter().any(|of| name.eq_ignore_ascii_case(of)) {
        return Err(format!(
            "setting {key} has {name:?}: expected a field that is not set by the host alone"
        ));
    }
    Ok(())
}

fn has_control(value: &str) -> bool {
    value.bytes().any(|b| b != b'\t' && b.is_ascii_control())
}

impl Fault {
    /// Whether this rule answers whatever the other one, which comes later, is about.
    fn ends(&self, later: &Self) -> bool {
        let covers = |mine: &Option<Pattern>, its: &Option<Pattern>| mine.is_none() || mine == its;
        self.probability >= 1.0
            && (self.status.is_some() || self.code.is_some())
            && covers(&self.method, &later.method)
            && covers(&self.path, &later.path)
            && covers(&self.service, &later.service)
            && covers(&self.action, &later.action)
    }
}
