//! From what a plugin asks for to a request that may be sent: read, compared with what is allowed, and written anew.
//!
//! The field `host` may be set by the plugin, as RFC 9110, section 7.2 lets any client: servers on one address tell their
//! sites apart by it. But to a server it is the destination, so it has to be allowed like one, with the scheme and path of
//! the URL. Such a request is sent over HTTP/1.1, because HTTP/2 has no second place for it (RFC 9113, section 8.3.1).

use http::header::{HOST, HeaderValue};
use http::{Method, Request, Uri};

use super::allow::{Allow, Verdict};
use super::config::OutboundConfig;
use super::error::{CallError, Part};
use super::url::{Host, Scheme, Url, authority_of};
use super::{fields, grant};
use crate::text;

/// The head of a request as a plugin gives it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CallHead {
    pub method: String,
    /// An absolute `http` or `https` URL.
    pub uri: String,
    /// Names in any case, values as bytes; repeated names stay repeated.
    pub fields: Vec<(String, Vec<u8>)>,
}

/// A request that may be sent.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) request: Request<()>,
    /// What `content-length` promised; it is not among the fields.
    pub(super) content_length: Option<u64>,
    /// The field `host` says another host than the URL.
    pub(super) http1_only: bool,
}

/// Who asks, and within which bounds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asker<'a> {
    pub(super) plugin: &'a str,
    pub(super) allow: &'a Allow,
    pub(super) config: &'a OutboundConfig,
    /// How many calls deep the request will be.
    pub(super) depth: u32,
}

pub(super) fn prepare(head: &CallHead, asker: Asker<'_>) -> Result<Prepared, CallError> {
    let limit = asker.config.max_head;
    let line = head.method.len() + head.uri.len();
    let room = limit.checked_sub(line).ok_or(CallError::TooLarge {
        what: Part::RequestHead,
        limit: limit as u64,
    })?;
    let method = method(&head.method)?;
    let url = Url::read(&head.uri).map_err(|why| {
        CallError::InvalidRequest(format!("its URL {:?}: {why}", text::name(&head.uri)))
    })?;
    asker.permit(&url)?;
    let given = fields::of_request(&head.fields, room, limit, asker.depth)?;

    let uri = uri_of(&head.uri, &url)?;
    let mut request = Request::new(());
    *request.method_mut() = method;
    *request.uri_mut() = uri;
    *request.headers_mut() = given.fields;
    let mut http1_only = false;
    if let Some(host) = given.host
        && !is_of(&host, &url)
    {
        asker.permit_host(&host, &url)?;
        request.headers_mut().insert(HOST, host);
        http1_only = true;
    }
    Ok(Prepared {
        request,
        content_length: given.content_length,
        http1_only,
    })
}

/// The URL as hyper takes it, which must have read it in the same way.
fn uri_of(text: &str, url: &Url<'_>) -> Result<Uri, CallError> {
    let invalid =
        |why: String| CallError::InvalidRequest(format!("its URL {:?}: {why}", text::name(text)));
    let uri = Uri::try_from(text).map_err(|error| invalid(error.to_string()))?;
    let is_same = uri.scheme_str().and_then(Scheme::read) == Some(url.scheme)
        && uri.host().map(Host::read) == Some(Ok(url.host.clone()))
        && uri.port_u16().unwrap_or(url.scheme.default_port()) == url.port
        && uri.path() == url.path
        && uri.query() == url.query.strip_prefix('?');
    if is_same {
        Ok(uri)
    } else {
        Err(invalid("it can be read in two ways".into()))
    }
}

fn method(text: &str) -> Result<Method, CallError> {
    match Method::from_bytes(text.as_bytes()) {
        Ok(Method::CONNECT) => Err(CallError::InvalidRequest(
            "CONNECT opens a tunnel and can't be sent, use another method".into(),
        )),
        Ok(method) => Ok(method),
        Err(_) => Err(CallError::InvalidRequest(format!(
            "{:?} is no method, use one such as GET or POST",
            text::name(text)
        ))),
    }
}

/// Whether the field `host` says the same as the URL.
fn is_of(host: &HeaderValue, url: &Url<'_>) -> bool {
    let Ok(text) = host.to_str() else {
        return false;
    };
    authority_of(text).is_ok_and(|(host, port)| {
        host == url.host && port.unwrap_or(url.scheme.default_port()) == url.port
    })
}

impl Asker<'_> {
    fn permit(&self, url: &Url<'_>) -> Result<(), CallError> {
        match self.allow.verdict(url) {
            Verdict::Allowed => Ok(()),
            Verdict::Denied => Err(CallError::Denied {
                url: text::name(&format!("{}{}", url.origin(), url.path)).into_owned(),
                permission: grant::destination(self.plugin, url),
            }),
            Verdict::Forbidden { address, what } => Err(CallError::ForbiddenAddress {
                host: url.host.to_string(),
                address,
                what,
                permission: grant::destination(self.plugin, url),
            }),
            Verdict::Ambiguous { prefix, why } => Err(CallError::InvalidRequest(format!(
                "its path has {why}, servers read that in several ways, and only what is below {prefix} is allowed: \
                 write the path without it, or add {} to the configuration",
                grant::destination(self.plugin, url)
            ))),
        }
    }

    fn permit_host(&self, host: &HeaderValue, url: &Url<'_>) -> Result<(), CallError> {
        let invalid = |why: &str| {
            let shown = String::from_utf8_lossy(host.as_bytes());
            let shown = text::name(&shown).into_owned();
            CallError::InvalidRequest(format!("its field `host`, {shown:?}: {why}"))
        };
        let said = host.to_str().map_err(|_| invalid("expected a host"))?;
        let (host, port) = authority_of(said).map_err(|why| invalid(&why))?;
        self.permit(&Url {
            scheme: url.scheme,
            host,
            port: port.unwrap_or(url.scheme.default_port()),
            path: url.path,
            query: url.query,
        })
    }
}
