//! What clients ask about mappings: Lambda's API, for those of DynamoDB streams.

use serde_json::{Value, json};
use tollgate_plugin::{Answer, Request, Response, Result, Verdict, clocks, exchange, url};

use super::mappings::{self, Mapping};
use super::shards;
use crate::sns::uuid;

const PLACE: &str = "/2015-03-31/event-source-mappings";
const NOTE: &str = "aws-extras.triggers";

/// Answers calls about mappings of DynamoDB streams. The others are the backend's.
pub fn forward_request(backend: &str, request: &mut Request) -> Result<Option<Verdict>> {
    let path = request.path();
    let Some(rest) = path.strip_prefix(PLACE) else {
        return Ok(None);
    };
    let uuid = rest.trim_matches('/');
    let answer = match (request.method().as_str(), uuid) {
        ("POST", "") => match request.json() {
            Ok(asked) => create(backend, &asked)?,
            // The backend says what is wrong with it.
            Err(_) => None,
        },
        ("GET", "") => {
            request.accept_identity()?;
            exchange::set_note(NOTE, request.query().unwrap_or_default());
            return Ok(None);
        }
        (method, uuid) => match mappings::read(uuid)? {
            Some(mapping) => answer_about(method, mapping, request)?,
            None => None,
        },
    };
    Ok(answer.map(Verdict::from))
}

fn create(backend: &str, asked: &Value) -> Result<Option<Answer>> {
    let source = asked["EventSourceArn"].as_str().unwrap_or_default();
    if source.split(':').nth(2) != Some("dynamodb") {
        return Ok(None);
    }
    let mapping = match Mapping::asked(uuid(), asked, clocks::unix_ms()) {
        Ok(mapping) => mapping,
        Err(why) => return Ok(Some(error(400, "InvalidParameterValueException", &why))),
    };
    let all = mappings::all()?;
    if all.iter().any(|other| {
        other.source == mapping.source && other.function_name() == mapping.function_name()
    }) {
        let why = "An event source mapping with this stream and this function exists already";
        return Ok(Some(error(409, "ResourceConflictException", why)));
    }
    if all.len() >= mappings::MOST as usize {
        let why = format!(
            "the proxy keeps {} event source mappings of streams",
            mappings::MOST
        );
        return Ok(Some(error(429, "TooManyRequestsException", &why)));
    }
    // Where LATEST is has to be noted now.
    if let Err(why) = shards::discover(backend, &mapping) {
        mappings::remove(&mapping.uuid)?;
        let why = format!("Cannot access stream {source}: {why}");
        return Ok(Some(error(400, "InvalidParameterValueException", &why)));
    }
    mappings::write(&mapping)?;
    Ok(Some(Answer::new(202).json(&mapping.told(None))?))
}

/// Adds our mappings to the backend's list.
pub fn return_response(response: &mut Response) -> Result<()> {
    let Some(query) = exchange::note(NOTE) else {
        return Ok(());
    };
    let query = String::from_utf8_lossy(&query).into_owned();
    let wanted = |name: &str| {
        let pair = query
            .split('&')
            .find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
        pair.map(url::decode)
    };
    let (source, function) = (wanted("EventSourceArn"), wanted("FunctionName"));
    if response.status() != 200 || query.contains("Marker=") {
        return Ok(());
    }
    let mut list: Value = response.json()?;
    if let Some(told) = list["EventSourceMappings"].as_array_mut() {
        for mapping in mappings::all()? {
            let is_source = source
                .as_ref()
                .is_none_or(|source| *source == mapping.source);
            let is_function = function.as_ref().is_none_or(|function| {
                *function == mapping.function
                    || function.ends_with(&format!(":{}", mapping.function_name()))
                    || function == mapping.function_name()
            });
            if is_source && is_function {
                told.push(mapping.told(problem(&mapping)?.as_deref()));
            }
        }
    }
    response.set_json(&list)
}

fn answer_about(method: &str, mut mapping: Mapping, request: &Request) -> Result<Option<Answer>> {
    let problem = problem(&mapping)?;
    match method {
        "GET" => Ok(Some(
            Answer::new(200).json(&mapping.told(problem.as_deref()))?,
        )),
        "PUT" => {
            if let Err(why) = mapping.change(&request.json().unwrap_or_default(), clocks::unix_ms())
            {
                return Ok(Some(error(400, "InvalidParameterValueException", &why)));
            }
            mappings::write(&mapping)?;
            Ok(Some(
                Answer::new(202).json(&mapping.told(problem.as_deref()))?,
            ))
        }
        "DELETE" => {
            mappings::remove(&mapping.uuid)?;
            let mut told = mapping.told(problem.as_deref());
            told["State"] = "Deleting".into();
            Ok(Some(Answer::new(202).json(&told)?))
        }
        _ => Ok(None),
    }
}

/// What became of the last batch.
fn problem(mapping: &Mapping) -> Result<Option<String>> {
    for shard in shards::known(mapping)? {
        if let Some(problem) =
            shards::read(mapping, &shard)?.and_then(|checkpoint| checkpoint.problem)
        {
            return Ok(Some(problem));
        }
    }
    Ok(None)
}

fn error(status: u16, code: &str, why: &str) -> Answer {
    let body = json!({ "Type": "User", "Message": why, "message": why }).to_string();
    let answer = Answer::new(status).field("content-type", "application/json");
    answer.field("x-amzn-errortype", code).body(body)
}
