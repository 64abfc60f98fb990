//! What a request asks for, and requests of our own to the backend.

use aws_requests::Head;
use tollgate_plugin::client::OutgoingRequest;
use tollgate_plugin::{Request, client};

/// The region that a request is signed for; `us-east-1` if it names none.
pub fn region(request: &Request) -> String {
    let field = |name: &str| request.field(name).map(|value| value.to_string());
    let head = Head::new(
        request.method(),
        request.authority(),
        request.target(),
        field,
    );
    let region = head.signature.and_then(|signature| signature.region);
    region.unwrap_or_else(|| "us-east-1".to_owned())
}

/// The field `authorization` that tells moto the service and the region. Its signature is none.
pub fn authorization(service: &str, region: &str) -> String {
    format!(
        "AWS4-HMAC-SHA256 Credential=tollgate/20260101/{region}/{service}/aws4_request, SignedHeaders=host, Signature=0"
    )
}

/// A request to the backend, as if a client had signed it.
pub fn to_backend(
    backend: &str,
    method: &str,
    target: &str,
    service: &str,
    region: &str,
) -> OutgoingRequest {
    client::request(method, &format!("{backend}{target}"))
        .field("authorization", authorization(service, region))
}
