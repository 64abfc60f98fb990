//! Fixed ids by the tag `_custom_id_`, for resources to which the backend gives random ones: an overlay that puts the backend's id in the
//! place of the client's in requests, and the other way round in answers.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tollgate_plugin::{Request, Response, Result, exchange, state, warn};

use crate::form::Call;
use crate::xml;

const TAG: &str = "_custom_id_";
const NOTE: &str = "aws-extras.ids";

/// Ids of one service that are kept; the oldest ones give way.
const MOST: usize = 200;

/// The longest id that a client can choose.
const LONGEST: usize = 100;

/// Services with such resources, by the name in the signature.
const SERVICES: [&str; 4] = ["apigateway", "cognito-idp", "ec2", "kms"];

/// The client's id and the backend's.
type Pair = (String, String);

/// What `return_response` has to know.
#[derive(Debug, Serialize, Deserialize)]
struct Asked {
    service: String,
    /// The id that a new resource is to have, and where the backend's stands in the answer.
    new: Option<(String, Where)>,
}

/// Where an answer has the id of a new resource.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Where {
    /// A JSON pointer.
    Json(String),
    /// An element of XML.
    Xml(String),
}

/// Puts the backend's ids into a request.
pub fn forward_request(request: &mut Request) -> Result<()> {
    let Some(service) = service(request) else {
        return Ok(());
    };
    let pairs = pairs(service)?;
    let has_body = request.method() != "GET";
    let mut body = if has_body {
        request.body()?
    } else {
        Vec::new()
    };
    let new = if has_body {
        new(request, service, &body)
    } else {
        None
    };
    if new.is_none() && pairs.is_empty() {
        return Ok(());
    }
    let target = request.target();
    let mut changed = target.clone().into_bytes();
    for (ours, backends) in &pairs {
        changed = replaced(&changed, ours, backends);
        body = replaced(&body, ours, backends);
    }
    if changed != target.as_bytes() {
        request.set_target(String::from_utf8_lossy(&changed))?;
    }
    if has_body && body != request.body()? {
        request.set_body(body);
    }
    let asked = Asked {
        service: service.to_owned(),
        new,
    };
    exchange::set_note(NOTE, serde_json::to_vec(&asked)?);
    Ok(())
}

/// Notes the id of a new resource.
pub fn return_response(response: &Response) -> Result<()> {
    let Some(asked) = asked() else {
        return Ok(());
    };
    let Some((ours, place)) = asked
        .new
        .filter(|_| (200..300).contains(&response.status()))
    else {
        return Ok(());
    };
    let text = response.text()?;
    let found = match &place {
        Where::Json(pointer) => {
            let document: Value = serde_json::from_str(&text).unwrap_or_default();
            document
                .pointer(pointer)
                .and_then(Value::as_str)
                .map(str::to_owned)
        }
        Where::Xml(element) => xml::text(&text, element),
    };
    match found.filter(|found| !found.is_empty()) {
        Some(found) if found != ours => keep(&asked.service, &ours, &found),
        Some(_) => Ok(()),
        None => {
            warn!("the answer has no id for the tag {TAG}={ours}");
            Ok(())
        }
    }
}

/// What is to be replaced in the answer: the backend's ids and the clients'.
pub fn in_answer() -> Result<Vec<Pair>> {
    let Some(asked) = asked() else {
        return Ok(Vec::new());
    };
    let pairs = pairs(&asked.service)?;
    Ok(pairs
        .into_iter()
        .map(|(ours, backends)| (backends, ours))
        .collect())
}

fn asked() -> Option<Asked> {
    serde_json::from_slice(&exchange::note(NOTE)?).ok()
}

/// The service that a request is signed for, if it is one of ours.
fn service(request: &Request) -> Option<&'static str> {
    let field = request.field("authorization")?.to_string();
    SERVICES
        .into_iter()
        .find(|service| field.contains(&format!("/{service}/aws4_request")))
}

/// The id that a request asks for, if it makes a resource that we know.
fn new(request: &Request, service: &str, body: &[u8]) -> Option<(String, Where)> {
    let text = std::str::from_utf8(body).ok()?;
    if !text.contains(TAG) {
        return None;
    }
    let json = |pointer: &str| Some(Where::Json(pointer.to_owned()));
    let action = request
        .field("x-amz-target")
        .map(|target| target.to_string())
        .unwrap_or_default();
    let place = match (service, action.as_str()) {
        ("apigateway", _) if request.method() == "POST" => {
            match request.path().trim_end_matches('/') {
                "/v2/apis" => json("/apiId")?,
                "/apikeys" | "/usageplans" => json("/id")?,
                _ => return None,
            }
        }
        ("kms", "TrentService.CreateKey") => json("/KeyMetadata/KeyId")?,
        ("cognito-idp", "AWSCognitoIdentityProviderService.CreateUserPool") => {
            json("/UserPool/Id")?
        }
        ("ec2", _) => return new_of_ec2(&Call::read(text)?),
        _ => return None,
    };
    let document: Value = serde_json::from_str(text).ok()?;
    let tags = ["tags", "Tags", "UserPoolTags"]
        .iter()
        .find_map(|name| document.get(name))?;
    let id = match tags {
        Value::Object(tags) => tags.get(TAG)?.as_str()?,
        Value::Array(tags) => {
            let member = |tag: &Value, names: [&str; 2]| {
                names
                    .iter()
                    .find_map(|name| tag[*name].as_str().map(str::to_owned))
            };
            let tag = tags
                .iter()
                .find(|tag| member(tag, ["Key", "TagKey"]).as_deref() == Some(TAG))?;
            return usable(member(tag, ["Value", "TagValue"])?).map(|id| (id, place));
        }
        _ => return None,
    };
    usable(id.to_owned()).map(|id| (id, place))
}

fn new_of_ec2(call: &Call) -> Option<(String, Where)> {
    let element = match call.text("Action") {
        "CreateVpc" => "vpcId",
        "CreateSubnet" => "subnetId",
        "CreateSecurityGroup" => "groupId",
        _ => return None,
    };
    let mut tags = call.below("TagSpecification.");
    let name = tags.find_map(|(rest, value)| rest.strip_suffix(".Key").filter(|_| value == TAG))?;
    let id = call.get(&format!("TagSpecification.{name}.Value"))?;
    usable(id.to_owned()).map(|id| (id, Where::Xml(element.to_owned())))
}

/// An id that can stand in a path, in JSON and in a form as it is.
fn usable(id: String) -> Option<String> {
    let is_usable = !id.is_empty() && id.len() <= LONGEST && id.bytes().all(is_part_of_id);
    if !is_usable {
        warn!(
            "the tag {TAG} has a value that cannot be an id: letters, digits, - and _, at most {LONGEST}"
        );
    }
    is_usable.then_some(id)
}

fn is_part_of_id(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'
}

fn key(service: &str) -> String {
    format!("i/{service}")
}

fn pairs(service: &str) -> Result<Vec<Pair>> {
    let kept = state::get(&key(service))?;
    Ok(kept
        .and_then(|kept| serde_json::from_slice(&kept).ok())
        .unwrap_or_default())
}

/// Adds a pair. Who had the client's id before has it no more.
fn keep(service: &str, ours: &str, backends: &str) -> Result<()> {
    loop {
        let before = state::get(&key(service))?;
        let mut pairs: Vec<Pair> = before
            .as_deref()
            .and_then(|kept| serde_json::from_slice(kept).ok())
            .unwrap_or_default();
        pairs.retain(|(other, _)| *other != ours);
        pairs.push((ours.to_owned(), backends.to_owned()));
        let first = pairs.len().saturating_sub(MOST);
        let after = serde_json::to_vec(&pairs[first..])?;
        if state::compare_and_swap(&key(service), before.as_deref(), Some(&after))? {
            return Ok(());
        }
    }
}

/// Puts `to` where `from` stands as a whole: not as a part of a longer id.
fn replaced(bytes: &[u8], from: &str, to: &str) -> Vec<u8> {
    let from = from.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let is_here = bytes[at..].starts_with(from);
        let is_begin = at == 0 || !is_part_of_id(bytes[at - 1]) || is_escape(bytes, at);
        let is_end = bytes
            .get(at + from.len())
            .is_none_or(|byte| !is_part_of_id(*byte));
        if is_here && is_begin && is_end {
            out.extend_from_slice(to.as_bytes());
            at += from.len();
        } else {
            out.push(bytes[at]);
            at += 1;
        }
    }
    out
}

/// Whether an escape such as `%2F` ends here.
fn is_escape(bytes: &[u8], at: usize) -> bool {
    let escape = at.checked_sub(3).map(|begin| &bytes[begin..at]);
    escape.is_some_and(|escape| escape[0] == b'%' && escape[1..].iter().all(u8::is_ascii_hexdigit))
}
