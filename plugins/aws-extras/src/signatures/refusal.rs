//! What a client hears whose signature is not good, in S3's words and in those of other services.

use tollgate_plugin::{Answer, exchange};

use crate::time;
use crate::xml;

/// Why a request does not go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The parameters of the signature are not complete, or cannot be read.
    Malformed(String),
    /// The field `authorization`, or what belongs to it, is not complete or cannot be read.
    MalformedField(String),
    /// There is more than one signature, and the backend may take another one.
    Ambiguous,
    /// It was good for a time that is over: when it ended, and how many seconds it lasted if the URL says so.
    Expired {
        at: u64,
        lasted: Option<u64>,
        now: u64,
    },
    /// It is not good yet.
    TooEarly,
    /// The request's time and the server's differ by more than 15 minutes.
    Skewed { sent: u64, now: u64 },
    /// Nobody has this access key.
    UnknownKey(String),
    /// Fields that have to be signed are not.
    NotSigned(Vec<String>),
    /// Another signature was calculated.
    Mismatch {
        key: String,
        string_to_sign: String,
        canonical_request: Option<String>,
        provided: String,
    },
    /// A condition of the policy of a form is not met.
    Policy(String),
    /// The policy of a form is no JSON.
    PolicyDocument,
    /// The backend may read something else in a form than what was checked.
    Form(String),
    /// The file of a form is longer than its policy allows, in bytes.
    TooLarge { length: u64, most: u64 },
    /// The file of a form is shorter than its policy demands, in bytes.
    TooSmall { length: u64, least: u64 },
}

/// Whose way of writing errors a client understands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    S3,
    Json,
    /// JSON for services whose operation stands in method and path.
    RestJson,
    Query,
}

impl Refusal {
    pub fn answer(&self, style: Style) -> Answer {
        let id = exchange::id();
        match style {
            Style::S3 => {
                let body = format!(
                    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{}</Code><Message>{}</Message>{}\
                     <RequestId>{id}</RequestId><HostId>{id}</HostId></Error>",
                    self.code(),
                    xml::escape(&self.message()),
                    self.details(),
                );
                let answer = Answer::new(self.status()).field("content-type", "application/xml");
                answer.field("x-amz-request-id", id).body(body)
            }
            Style::Json | Style::RestJson => {
                let code = self.code_of_others();
                let body = serde_json::json!({ "__type": code, "message": self.message() });
                let status = if style == Style::Json { 400 } else { 403 };
                let answer =
                    Answer::new(status).field("content-type", "application/x-amz-json-1.1");
                let answer = answer.field("x-amzn-errortype", code);
                answer.field("x-amzn-requestid", id).body(body.to_string())
            }
            Style::Query => {
                let body = format!(
                    "<ErrorResponse><Error><Type>Sender</Type><Code>{}</Code><Message>{}</Message></Error><RequestId>{id}</RequestId></ErrorResponse>",
                    match self {
                        Self::UnknownKey(_) => "InvalidClientTokenId",
                        _ if self.is_malformed() => "IncompleteSignature",
                        _ => self.code(),
                    },
                    xml::escape(&self.message()),
                );
                Answer::new(self.status())
                    .field("content-type", "text/xml")
                    .body(body)
            }
        }
    }

    /// Whether there is no one signature that can be read.
    fn is_malformed(&self) -> bool {
        matches!(
            self,
            Self::Malformed(_) | Self::MalformedField(_) | Self::Ambiguous
        )
    }

    fn status(&self) -> u16 {
        match self {
            _ if self.is_malformed() => 400,
            Self::PolicyDocument
            | Self::Form(_)
            | Self::TooLarge { .. }
            | Self::TooSmall { .. } => 400,
            _ => 403,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Malformed(_) => "AuthorizationQueryParametersError",
            Self::MalformedField(_) => "AuthorizationHeaderMalformed",
            Self::Ambiguous => "InvalidArgument",
            Self::PolicyDocument => "InvalidPolicyDocument",
            Self::Form(_) => "MalformedPOSTRequest",
            Self::TooLarge { .. } => "EntityTooLarge",
            Self::TooSmall { .. } => "EntityTooSmall",
            Self::Expired { .. } | Self::TooEarly | Self::NotSigned(_) | Self::Policy(_) => {
                "AccessDenied"
            }
            Self::Skewed { .. } => "RequestTimeTooSkewed",
            Self::UnknownKey(_) => "InvalidAccessKeyId",
            Self::Mismatch { .. } => "SignatureDoesNotMatch",
        }
    }

    fn code_of_others(&self) -> &'static str {
        match self {
            _ if self.is_malformed() => "IncompleteSignatureException",
            Self::UnknownKey(_) => "UnrecognizedClientException",
            _ => "InvalidSignatureException",
        }
    }

    pub fn message(&self) -> String {
        let text = match self {
            Self::Malformed(why) | Self::MalformedField(why) | Self::Policy(why) => why,
            Self::Ambiguous => {
                "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter or the Authorization header should be specified"
            }
            Self::PolicyDocument => "Invalid Policy: Invalid JSON.",
            Self::Form(why) => {
                return format!(
                    "The body of your POST request is not well-formed multipart/form-data: {why}."
                );
            }
            Self::TooLarge { .. } => "Your proposed upload exceeds the maximum allowed size",
            Self::TooSmall { .. } => {
                "Your proposed upload is smaller than the minimum allowed size"
            }
            Self::Expired { .. } => "Request has expired",
            Self::TooEarly => "Request is not yet valid",
            Self::Skewed { .. } => {
                "The difference between the request time and the current time is too large."
            }
            Self::UnknownKey(_) => {
                "The AWS Access Key Id you provided does not exist in our records."
            }
            Self::NotSigned(_) => "There were headers present in the request which were not signed",
            Self::Mismatch { .. } => {
                "The request signature we calculated does not match the signature you provided. Check your key and signing method."
            }
        };
        text.to_owned()
    }

    /// The elements of S3's error behind the message.
    fn details(&self) -> String {
        match self {
            Self::TooLarge { length, most } => format!(
                "{}{}",
                xml::element("ProposedSize", &length.to_string()),
                xml::element("MaxSizeAllowed", &most.to_string()),
            ),
            Self::TooSmall { length, least } => format!(
                "{}{}",
                xml::element("ProposedSize", &length.to_string()),
                xml::element("MinSizeAllowed", &least.to_string()),
            ),
            Self::Expired { at, lasted, now } => {
                let lasted =
                    lasted.map(|seconds| xml::element("X-Amz-Expires", &seconds.to_string()));
                format!(
                    "{}{}{}",
                    lasted.unwrap_or_default(),
                    xml::element("Expires", &time::seconds(*at)),
                    xml::element("ServerTime", &time::seconds(*now)),
                )
            }
            Self::Skewed { sent, now } => format!(
                "{}{}<MaxAllowedSkewMilliseconds>900000</MaxAllowedSkewMilliseconds>",
                xml::element("RequestTime", &time::seconds(*sent)),
                xml::element("ServerTime", &time::seconds(*now)),
            ),
            Self::UnknownKey(key) => xml::element("AWSAccessKeyId", key),
            Self::NotSigned(names) => xml::element("HeadersNotSigned", &names.join(", ")),
            Self::Mismatch {
                key,
                string_to_sign,
                canonical_request,
                provided,
            } => {
                let canonical = canonical_request.as_deref();
                let canonical = canonical.map(|text| xml::element("CanonicalRequest", text));
                format!(
                    "{}{}{}{}",
                    xml::element("AWSAccessKeyId", key),
                    xml::element("StringToSign", string_to_sign),
                    xml::element("SignatureProvided", provided),
                    canonical.unwrap_or_default(),
                )
            }
            _ => String::new(),
        }
    }
}
