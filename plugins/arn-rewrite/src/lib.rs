//! Shows clients another account, region or partition than the backend has.
//!
//! Only what is known to be a call of one of AWS's APIs is changed (`aws-requests` knows), and in it only what is known
//! to hold names: ARNs, accounts, regions, hosts, service URLs, names of resources (`find.rs`, `keys.rs`). Objects,
//! messages, items and whatever else a user stores stay as they are, byte for byte.
//!
//! A short document of known length is read and swapped in the hooks. All others are swapped as they flow (`flow.rs`): the hooks leave
//! word what they are.

mod body;
mod decoded;
mod document;
mod find;
mod flow;
mod frames;
mod head;
mod integrity;
mod keys;
mod names;
mod s3;
mod settings;
#[cfg(test)]
mod tests;

use aws_requests::{Call, Head, Protocol, Recognised};
use tollgate_plugin::{
    Answer, Error, Plugin, Request, RequestBody, Response, ResponseBody, Result, Verdict, Wish,
    exchange,
};

use body::{Body, Unreadable};
use document::Syntax;
use flow::{Flow, Kind};
use keys::{Api, Class};
use s3::Document;
use settings::ArnRewrite;

/// Where the first hook tells the second which service was called. `content` before it says that a good answer is the
/// user's own.
const CALL: &str = "arn-rewrite.call";
/// Where the hooks tell those of the bodies how a body is to flow.
const REQUEST: &str = "arn-rewrite.request";
const ANSWER: &str = "arn-rewrite.answer";

/// What becomes of a body.
enum Change {
    /// It stays as it is.
    None,
    To(Vec<u8>),
    Flows(Kind),
}

impl From<Option<Vec<u8>>> for Change {
    fn from(new: Option<Vec<u8>>) -> Self {
        new.map_or(Self::None, Self::To)
    }
}

impl Plugin for ArnRewrite {
    fn forward_request(&self, request: &mut Request) -> Result<Verdict> {
        if self.names.is_empty() {
            return Ok(Verdict::Forward);
        }
        let head = head_of(request);
        let message = body::Head::new(|name| request.field(name));
        let mut form = None;
        let call = match head.recognise() {
            Recognised::Call(call) => Some(call),
            Recognised::Form => match message.read(self.max_body, || request.body()) {
                Ok(body) => {
                    let call = head.call_in_form(&body.bytes);
                    form = Some(body);
                    call
                }
                Err(Unreadable::Missing(error)) => return Err(error),
                Err(why) if head.signed_for().is_some() => return Ok(refused(&why, &message)),
                // A form of no one knows whom.
                Err(_) => None,
            },
            Recognised::No if s3::is_unsigned_document(&head) => Some(unsigned_s3()),
            Recognised::No => None,
        };
        if let Some(call) = &call {
            match self.request_body(&head, call, &message, form, request) {
                Ok(Change::None) => {}
                Ok(Change::To(bytes)) => set_body(request, bytes)?,
                Ok(Change::Flows(kind)) => {
                    let changes = integrity::of_flowing_body(&request.fields());
                    for name in changes.obsolete {
                        request.delete_field(name)?;
                    }
                    request.set_fields(changes.renewed)?;
                    kind.announce(REQUEST, &call.service);
                }
                Err(Unreadable::Missing(error)) => return Err(error),
                Err(why) => return Ok(refused(&why, &message)),
            }
            // Not before here: an answer of this plugin's own is not the service's.
            let is_content = head.is_content(call);
            let note = if is_content { "content " } else { "" };
            exchange::set_note(CALL, format!("{note}{}", call.service));
        }
        self.swap_head(&head, call.as_ref(), request)?;
        Ok(Verdict::Forward)
    }

    fn return_response(&self, request: &Request, response: &mut Response) -> Result<()> {
        if self.names.is_empty() {
            return Ok(());
        }
        let note = exchange::note(CALL).map(|note| String::from_utf8_lossy(&note).into_owned());
        let change = match &note {
            Some(note) => self.response_body(note, request, response)?,
            None => Change::None,
        };
        match change {
            Change::None => {}
            Change::To(bytes) => {
                let changes = integrity::of_changed_body(&response.fields(), &bytes);
                for name in changes.obsolete {
                    response.delete_field(name)?;
                }
                response.set_fields(changes.renewed)?;
                if let Some(coding) = response.field("content-encoding") {
                    response.set_field("content-encoding", coding)?;
                }
                response.set_body(bytes);
            }
            Change::Flows(kind) => {
                for name in integrity::of_flowing_body(&response.fields()).obsolete {
                    response.delete_field(name)?;
                }
                let note = note.as_deref().unwrap_or_default();
                kind.announce(ANSWER, service_of(note));
            }
        }
        let location = match note.as_deref() {
            Some("s3") => Class::Bucket,
            Some(_) => Class::Text,
            None => Class::Content,
        };
        let fields = head::fields(&self.names, location, &response.fields());
        if !fields.is_empty() {
            response.set_fields(fields)?;
        }
        Ok(())
    }
}

impl ArnRewrite {
    /// What becomes of the request's body. `read` is the body, if it was read.
    fn request_body(
        &self,
        head: &Head,
        call: &Call,
        message: &body::Head,
        read: Option<Body>,
        request: &Request,
    ) -> Result<Change, Unreadable> {
        let document = match call.protocol {
            Protocol::S3 => s3::request(head),
            _ if head.is_content(call) || head.method == "GET" || head.method == "HEAD" => {
                Document::No
            }
            _ => Document::Yes,
        };
        let region = self.names.region.as_ref();
        match document {
            Document::No => return Ok(Change::None),
            Document::Yes if !message.may_be_document() => return Ok(Change::None),
            Document::Location if region.is_none() => return Ok(Change::None),
            Document::Yes | Document::Location => {}
        }
        let may_flow = document == Document::Yes && !message.has_to_be_whole();
        if read.is_none() && may_flow && message.flows() && message.may_have_body() {
            message.check_coding()?;
            return Ok(Change::Flows(Kind::Document));
        }
        let body = match read {
            Some(body) => body,
            None => match message.read(self.max_body, || request.body()) {
                Err(why) if why.is_longer() && may_flow => {
                    return Ok(Change::Flows(Kind::Document));
                }
                read => read?,
            },
        };
        let new = match (document, region) {
            (Document::Location, Some(region)) => {
                let signature = head.signature.as_ref();
                let signed_in = signature.and_then(|signature| signature.region.as_deref());
                s3::create_in_other_region(region, &body.bytes, signed_in)
            }
            _ => self.swapped(
                &call.service,
                false,
                message.syntax(&body.bytes),
                &body.bytes,
            ),
        };
        Ok(new.map(|new| body.coded(new)).into())
    }

    /// What becomes of the response's body.
    fn response_body(&self, note: &str, request: &Request, response: &Response) -> Result<Change> {
        let status = response.status();
        let message = body::Head::new(|name| response.field(name));
        let head = head_of(request);
        let document = match note.strip_prefix("content ") {
            Some(_) if status < 400 => Document::No,
            None if note == "s3" => s3::answer(&head, status, message.is_stored),
            _ => Document::Yes,
        };
        // A part of a document, or none.
        let is_partial = matches!(status, 204 | 206 | 304) || head.method == "HEAD";
        if document == Document::No || is_partial {
            return Ok(Change::None);
        }
        let is_s3_error = note == "s3" && status >= 300;
        let framing = message.framing().filter(|_| note != "s3");
        if framing.is_none() && !message.may_be_document() {
            return Ok(Change::None);
        }
        let of_document = match is_s3_error {
            true => Kind::S3Error,
            false => Kind::Document,
        };
        let may_flow = document == Document::Yes && !message.has_to_be_whole();
        let kind = framing.or(may_flow.then_some(of_document));
        let unreadable = |why: Unreadable| match why {
            Unreadable::Missing(error) => error,
            why => Error::new(why.text("response")),
        };
        if let Some(kind) = kind.filter(|_| framing.is_some() || message.flows()) {
            message.check_coding().map_err(unreadable)?;
            return Ok(Change::Flows(kind));
        }
        let body = match (message.read(self.max_body, || response.body()), kind) {
            (Ok(body), _) => body,
            (Err(why), Some(kind)) if why.is_longer() => return Ok(Change::Flows(kind)),
            (Err(why), _) => return Err(unreadable(why)),
        };
        if document == Document::Location {
            let region = self.names.region.as_ref();
            let new = region.and_then(|region| s3::tell_other_region(region, &body.bytes));
            return Ok(new.map(|new| body.coded(new)).into());
        }
        let syntax = message.syntax(&body.bytes);
        let is_error = || document::root_is_error(&body.bytes) == Some(true);
        if is_s3_error && (syntax != Syntax::Xml || !is_error()) {
            return Ok(Change::None);
        }
        let new = self.swapped(service_of(note), true, syntax, &body.bytes);
        Ok(new.map(|new| body.coded(new)).into())
    }

    fn swapped(
        &self,
        service: &str,
        is_answer: bool,
        syntax: Syntax,
        text: &[u8],
    ) -> Option<Vec<u8>> {
        let service = match (service, syntax) {
            // A bucket's policy is written as IAM's are.
            ("s3", Syntax::Json) => "iam",
            ("s3", Syntax::Xml) => "s3",
            ("s3", _) => return None,
            (service, _) => service,
        };
        document::swap(&self.names, Api { service, is_answer }, syntax, text)
    }

    fn swap_head(&self, head: &Head, call: Option<&Call>, request: &mut Request) -> Result<()> {
        let service = call.map(|call| call.service.as_str());
        if let Some(target) = head::target(&self.names, service, &head.authority, &head.target) {
            request.set_target(target)?;
        }
        let mut fields = head::fields(&self.names, Class::Content, &request.fields());
        let is_object = service == Some("s3") && s3::place(head) == aws_requests::s3::Place::Object;
        if service.is_some() && !is_object {
            // What need not be decompressed need not be compressed again.
            fields.push(("accept-encoding".to_owned(), b"identity".to_vec()));
        }
        if !fields.is_empty() {
            request.set_fields(fields)?;
        }
        Ok(())
    }
}

impl RequestBody for ArnRewrite {
    type Rewriter = Flow;

    fn request_body(&self, _: &Request) -> Result<Option<Wish<Flow>>> {
        Ok(Flow::wish(&self.names, REQUEST, false))
    }
}

impl ResponseBody for ArnRewrite {
    type Rewriter = Flow;

    fn response_body(&self, _: &Request, _: &Response) -> Result<Option<Wish<Flow>>> {
        Ok(Flow::wish(&self.names, ANSWER, true))
    }
}

/// The service in the note that the first hook leaves.
fn service_of(note: &str) -> &str {
    note.strip_prefix("content ").unwrap_or(note)
}

fn set_body(request: &mut Request, bytes: Vec<u8>) -> Result<()> {
    let changes = integrity::of_changed_body(&request.fields(), &bytes);
    for name in changes.obsolete {
        request.delete_field(name)?;
    }
    request.set_fields(changes.renewed)?;
    // The host takes the coding for that of the old bytes, unless it is set along with the new ones.
    if let Some(coding) = request.field("content-encoding") {
        request.set_field("content-encoding", coding)?;
    }
    request.set_body(bytes);
    Ok(())
}

fn head_of(request: &Request) -> Head {
    Head::new(
        request.method(),
        request.authority(),
        request.target(),
        |name| request.field(name).map(|value| value.to_string()),
    )
}

fn unsigned_s3() -> Call {
    Call {
        protocol: Protocol::S3,
        service: "s3".to_owned(),
        action: None,
    }
}

/// The answer to a request whose body has to be looked at and can't be. Clients that send forms read XML alone.
fn refused(why: &Unreadable, message: &body::Head) -> Verdict {
    let text = why.text("request");
    tollgate_plugin::warn!("{text}");
    let answer = Answer::new(why.status());
    if !message.is_form() {
        return answer.text(format!("plugin arn-rewrite: {text}\n")).into();
    }
    let xml = format!(
        "<ErrorResponse><Error><Type>Sender</Type><Code>RequestBodyNotReadable</Code><Message>plugin arn-rewrite: {text}</Message>\
         </Error></ErrorResponse>"
    );
    answer.field("content-type", "text/xml").body(xml).into()
}

tollgate_plugin::export!(ArnRewrite, RequestBody, ResponseBody);
