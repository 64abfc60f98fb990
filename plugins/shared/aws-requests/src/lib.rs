//! Tells which of AWS's APIs a request is for, from its head and, for forms, its body.
//!
//! What can't be told for certain is not recognised: a plugin then leaves it alone.
//!
//! The facts about services and operations are those of botocore's models; `data/generate.py` makes the tables.

mod form;
mod rest;
pub mod s3;
mod scope;

pub use form::parameters;
pub use rest::{Known, known_operation, known_service};
pub use scope::Signature;

/// What of a request's head matters here.
#[derive(Clone, Debug, Default)]
pub struct Head {
    pub method: String,
    /// The field `host`, or HTTP/2's `:authority`.
    pub authority: String,
    /// Path and query as on the wire.
    pub target: String,
    pub signature: Option<Signature>,
    amz_target: Option<String>,
    content_type: String,
    smithy_protocol: Option<String>,
    copies: bool,
    names_account: bool,
}

/// How a call and its answer are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// The operation in `x-amz-target`, JSON both ways.
    Json,
    /// The same with CBOR (`application/x-amz-cbor-1.1`).
    Cbor,
    /// `POST /service/X/operation/Y`, CBOR both ways (Smithy's rpc-v2-cbor).
    RpcCbor,
    /// Parameters in a form or in the query, XML back.
    Query,
    /// The same with EC2's form of errors.
    Ec2,
    /// The operation in method and path, JSON or XML both ways.
    Rest,
    S3,
}

/// A request that is known to be for an API of AWS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    pub protocol: Protocol,
    /// The name by which requests to the service are signed: `dynamodb`, `monitoring` for CloudWatch.
    pub service: String,
    /// The operation, where the request names it; see [`Head::action`] for the others.
    pub action: Option<String>,
}

/// What the head alone tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recognised {
    Call(Call),
    /// A form, which may hold a call of the Query protocol: see [`Head::call_in_form`].
    Form,
    No,
}

impl Head {
    /// Reads a head. `field` gives the first value of a field by its name in lower case.
    pub fn new(
        method: String,
        authority: String,
        target: String,
        field: impl Fn(&str) -> Option<String>,
    ) -> Self {
        let query = target.split_once('?').map_or("", |(_, query)| query);
        Self {
            signature: Signature::of(field("authorization").as_deref(), query),
            amz_target: field("x-amz-target"),
            content_type: field("content-type")
                .unwrap_or_default()
                .to_ascii_lowercase(),
            smithy_protocol: field("smithy-protocol"),
            copies: field("x-amz-copy-source").is_some(),
            names_account: field("x-amz-account-id").is_some(),
            method,
            authority,
            target,
        }
    }

    /// The target up to the query.
    pub fn path(&self) -> &str {
        self.target
            .split_once('?')
            .map_or(&self.target, |(path, _)| path)
    }

    /// The query; empty if there is none.
    pub fn query(&self) -> &str {
        self.target.split_once('?').map_or("", |(_, query)| query)
    }

    /// The service that the signature names.
    pub fn signed_for(&self) -> Option<&str> {
        self.signature.as_ref()?.service.as_deref()
    }

    pub fn recognise(&self) -> Recognised {
        let post = self.method == "POST";
        let is_s3 = self.signed_for().is_some_and(s3::is_service);
        if is_s3 && self.names_account && self.path().starts_with("/v20180820/") {
            return call(Protocol::Rest, "s3-control");
        }
        if is_s3 {
            return call(Protocol::S3, "s3");
        }
        if let Some(call) = self.rpc().filter(|_| post) {
            return Recognised::Call(call);
        }
        if matches!(self.method.as_str(), "GET" | "POST")
            && form::is_place_of_calls(self.path())
            && let Some(call) = form::call(self.query().as_bytes(), self.signed_for())
        {
            return Recognised::Call(call);
        }
        let is_form = self
            .content_type
            .starts_with("application/x-www-form-urlencoded");
        if post && is_form && form::is_place_of_calls(self.path()) {
            return Recognised::Form;
        }
        match self.signed_for() {
            Some(service) if rest::is_rest(service) => call(Protocol::Rest, service),
            Some(_) => Recognised::No,
            None if self.signature.is_some() || s3::is_host(&self.authority) => {
                call(Protocol::S3, "s3")
            }
            None => Recognised::No,
        }
    }

    /// The call that a form is, if it is one.
    pub fn call_in_form(&self, form: &[u8]) -> Option<Call> {
        form::call(form, self.signed_for())
    }

    /// Whether what the client sends or gets by this call is its own: a payload, a file, a message.
    pub fn is_content(&self, call: &Call) -> bool {
        match call.protocol {
            Protocol::Rest => {
                rest::is_content(&call.service, &self.method, self.path(), self.query())
            }
            _ => false,
        }
    }

    /// The operation of a call, where the request names it or it is in the tables.
    pub fn action(&self, call: &Call) -> Option<String> {
        let found = match call.protocol {
            Protocol::S3 => {
                let place = s3::place(&self.authority, self.path());
                s3::operation(place, &self.method, self.query(), self.copies)
            }
            Protocol::Rest => {
                rest::operation(&call.service, &self.method, self.path(), self.query())
            }
            _ => return call.action.clone(),
        };
        found.map(str::to_owned)
    }

    /// A call whose operation stands in a field or in Smithy's path.
    fn rpc(&self) -> Option<Call> {
        let cbor = self.content_type.contains("cbor");
        if let Some(target) = &self.amz_target {
            let (prefix, action) = target.rsplit_once('.')?;
            let service = self
                .signed_for()
                .map_or_else(|| service_of_prefix(prefix), str::to_owned);
            return Some(Call {
                protocol: if cbor { Protocol::Cbor } else { Protocol::Json },
                service,
                action: Some(action.to_owned()),
            });
        }
        let mut words = self.path().rsplit('/');
        let (action, operation) = (words.next()?, words.next()?);
        let (shape, service) = (words.next()?, words.next()?);
        let is_rpc = operation == "operation" && service == "service";
        let says_so = cbor || self.smithy_protocol.as_deref() == Some("rpc-v2-cbor");
        (is_rpc && says_so && !action.is_empty()).then(|| Call {
            protocol: Protocol::RpcCbor,
            service: self
                .signed_for()
                .map_or_else(|| service_of_prefix(shape), str::to_owned),
            action: Some(action.to_owned()),
        })
    }
}

fn call(protocol: Protocol, service: &str) -> Recognised {
    Recognised::Call(Call {
        protocol,
        service: service.to_owned(),
        action: None,
    })
}

/// Services whose prefix in `x-amz-target` differs from the name that they are signed by.
const PREFIXES: [(&str, &str); 18] = [
    ("AWSEvents", "events"),
    ("AWSGlue", "glue"),
    ("AWSStepFunctions", "states"),
    ("AmazonEC2ContainerRegistry", "ecr"),
    ("AmazonEC2ContainerServiceV", "ecs"),
    ("AmazonSQS", "sqs"),
    ("AmazonSSM", "ssm"),
    ("AWSCognitoIdentityProviderService", "cognito-idp"),
    ("CertificateManager", "acm"),
    ("CloudTrail", "cloudtrail"),
    ("DynamoDB", "dynamodb"),
    ("Firehose", "firehose"),
    ("GraniteServiceVersion", "monitoring"),
    ("Kinesis", "kinesis"),
    ("Logs", "logs"),
    ("ResourceGroupsTaggingAPI", "tagging"),
    ("TrentService", "kms"),
    ("secretsmanager", "secretsmanager"),
];

fn service_of_prefix(prefix: &str) -> String {
    let last = prefix.rsplit('.').next().unwrap_or(prefix);
    PREFIXES
        .iter()
        .find(|(of, _)| last.starts_with(of))
        .map_or_else(
            || last.to_ascii_lowercase(),
            |(_, service)| (*service).to_owned(),
        )
}

#[cfg(test)]
mod tests;
