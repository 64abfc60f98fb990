//! Who a signature is for.

use crate::form;

/// What a request's signature says. Signatures are not checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// None with version 2, whose only REST service is S3.
    pub service: Option<String>,
    pub region: Option<String>,
}

impl Signature {
    /// The signature in the field `authorization` or in the query (a presigned URL), version 4 or 2.
    pub(crate) fn of(authorization: Option<&str>, query: &str) -> Option<Self> {
        if let Some(signed) = authorization {
            if let Some(scope) = signed.split("Credential=").nth(1) {
                let scope = scope.split([',', ' ']).next().unwrap_or_default();
                return Some(Self::of_scope(scope));
            }
            if signed.starts_with("AWS ") {
                return Some(Self::version_2());
            }
        }
        let value = |name: &str| form::value(query.as_bytes(), name);
        if let Some(scope) = value("X-Amz-Credential") {
            return Some(Self::of_scope(&String::from_utf8_lossy(&scope)));
        }
        let signed = value("Signature").is_some() && value("AWSAccessKeyId").is_some();
        signed.then(Self::version_2)
    }

    /// `KEY/DATE/REGION/SERVICE/aws4_request`, or without the region (version 4A).
    fn of_scope(scope: &str) -> Self {
        let words: Vec<_> = scope.rsplit('/').collect();
        let word = |at: usize| words.get(at).map(|word| (*word).to_owned());
        let date = |word: &String| word.len() == 8 && word.bytes().all(|b| b.is_ascii_digit());
        Self {
            service: word(1),
            region: word(2).filter(|word| !date(word)),
        }
    }

    fn version_2() -> Self {
        Self {
            service: None,
            region: None,
        }
    }
}
