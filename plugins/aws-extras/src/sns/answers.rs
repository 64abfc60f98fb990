//! Answers to clients: they see their own endpoints, and what waits for its confirmation.

use tollgate_plugin::{Answer, Result, exchange};

use super::subscriptions::{self, PLACE, Subscription};
use crate::xml;

/// An answer of SNS.
pub fn answer(action: &str, result: &str) -> Answer {
    let id = exchange::id();
    let body = format!(
        "<{action}Response xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><{action}Result>{result}</{action}Result>\
         <ResponseMetadata><RequestId>{id}</RequestId></ResponseMetadata></{action}Response>"
    );
    Answer::new(200)
        .field("content-type", "text/xml")
        .body(body)
}

/// An error of SNS.
pub fn error(status: u16, code: &str, message: &str) -> Answer {
    let id = exchange::id();
    let body = format!(
        "<ErrorResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\">\
         <Error><Type>Sender</Type><Code>{code}</Code><Message>{}</Message></Error><RequestId>{id}</RequestId></ErrorResponse>",
        xml::escape(message)
    );
    Answer::new(status)
        .field("content-type", "text/xml")
        .body(body)
}

/// The ARN in the answer to `Subscribe`, if it is not told.
pub fn hide_arn(document: &str, arn: &str) -> String {
    document.replace(&element(arn), &element("pending confirmation"))
}

fn element(arn: &str) -> String {
    format!("<SubscriptionArn>{arn}</SubscriptionArn>")
}

/// Puts the endpoints of the clients where the backend names ours. None if there is nothing to change.
pub fn show_endpoints(document: &str) -> Result<Option<String>> {
    let mut shown = String::with_capacity(document.len());
    let mut pending = Vec::new();
    let mut rest = document;
    while let Some(at) = rest.find(PLACE) {
        let begin = rest[..at].rfind('>').map_or(0, |found| found + 1);
        let end = rest[at..].find('<').map_or(rest.len(), |found| at + found);
        let token = &rest[at + PLACE.len()..end];
        shown.push_str(&rest[..begin]);
        match subscriptions::by_token(token)? {
            Some(found) => {
                shown.push_str(&xml::escape(&found.endpoint));
                if !found.is_confirmed {
                    pending.push(found);
                }
            }
            None => shown.push_str(&rest[begin..end]),
        }
        rest = &rest[end..];
    }
    if rest.len() == document.len() {
        return Ok(None);
    }
    shown.push_str(rest);
    Ok(Some(pending.iter().fold(shown, |shown, subscription| {
        show_pending(&shown, subscription)
    })))
}

fn show_pending(document: &str, subscription: &Subscription) -> String {
    let said = "<key>PendingConfirmation</key><value>false</value>";
    if document.contains(said) {
        return document.replace(said, "<key>PendingConfirmation</key><value>true</value>");
    }
    document.replace(&element(&subscription.arn), &element("PendingConfirmation"))
}
