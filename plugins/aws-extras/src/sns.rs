//! SNS to HTTP(S) endpoints: confirmation first, then notifications, with retries.
//!
//! The backend gets a URL of ours in the place of the endpoint. So it is the backend that decides who gets a message, by its own
//! topics and filter policies, also of messages that other services publish. What it posts there goes into the queue.

mod answers;
mod messages;
mod subscriptions;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tollgate_plugin::{
    Answer, BodyError, Request, Response, Result, Verdict, clocks, exchange, info,
};

use crate::call;
use crate::form::{self, Call};
use crate::queue::{self, Limits};
use crate::urls;
use crate::xml;

use messages::region;
pub use messages::uuid;
use subscriptions::{PLACE, Subscription};

const NOTE: &str = "aws-extras.sns";

/// How it is set up.
#[derive(Clone, Debug)]
pub struct Sns {
    /// How the backend reaches the proxy; none if clients and backend call it the same.
    pub callback: Option<String>,
    pub limits: Limits,
}

/// What `return_response` has to know of a call.
#[derive(Debug, Serialize, Deserialize)]
enum Asked {
    Subscribe {
        token: String,
        subscription: Subscription,
        shows_arn: bool,
    },
    Set {
        arn: String,
        is_raw: bool,
    },
    Unsubscribe {
        arn: String,
    },
    DeleteTopic {
        arn: String,
    },
    /// Answers may name endpoints.
    Read,
}

impl Sns {
    pub fn forward_request(
        &self,
        request: &mut Request,
        public: Option<&str>,
    ) -> Result<Option<Verdict>> {
        let path = request.path();
        if let Some(token) = path.strip_prefix(PLACE) {
            return Ok(Some(self.posted(request, token)?.into()));
        }
        if !form::may_be_for(request, "sns") {
            return Ok(None);
        }
        let is_form = request.method() == "POST";
        let text = match is_form.then(|| request.body()) {
            None => request.query().unwrap_or_default(),
            Some(Ok(body)) => String::from_utf8(body).unwrap_or_default(),
            // No call of SNS is that long.
            Some(Err(BodyError::TooLarge(_))) => return Ok(None),
            Some(Err(error)) => return Err(error.into()),
        };
        let Some(call) = Call::read(&text) else {
            return Ok(None);
        };
        let asked = match call.text("Action") {
            "Subscribe" if is_form => match self.subscribe(request, &call, public)? {
                Ok(Some(asked)) => asked,
                Ok(None) => return Ok(None),
                Err(refusal) => return Ok(Some(refusal.into())),
            },
            "ConfirmSubscription" => return confirm(&call).map(|answer| Some(answer.into())),
            "Publish" | "PublishBatch" => {
                messages::keep_attributes(&call)?;
                return Ok(None);
            }
            "Unsubscribe" => {
                let arn = call.text("SubscriptionArn").to_owned();
                if request.field("authorization").is_none() {
                    request.set_field("authorization", call::authorization("sns", region(&arn)))?;
                }
                Asked::Unsubscribe { arn }
            }
            "DeleteTopic" => Asked::DeleteTopic {
                arn: call.text("TopicArn").to_owned(),
            },
            "SetSubscriptionAttributes" if call.text("AttributeName") == "RawMessageDelivery" => {
                Asked::Set {
                    arn: call.text("SubscriptionArn").to_owned(),
                    is_raw: call.text("AttributeValue").eq_ignore_ascii_case("true"),
                }
            }
            "ListSubscriptions" | "ListSubscriptionsByTopic" | "GetSubscriptionAttributes" => {
                request.accept_identity()?;
                Asked::Read
            }
            _ => return Ok(None),
        };
        exchange::set_note(NOTE, serde_json::to_vec(&asked)?);
        Ok(None)
    }

    /// Gives the backend an endpoint of ours. Nothing if it is no HTTP endpoint.
    fn subscribe(
        &self,
        request: &mut Request,
        call: &Call,
        public: Option<&str>,
    ) -> Result<Result<Option<Asked>, Answer>> {
        let (protocol, endpoint, topic) = (
            call.text("Protocol"),
            call.text("Endpoint"),
            call.text("TopicArn"),
        );
        if !matches!(protocol, "http" | "https") {
            return Ok(Ok(None));
        }
        if !endpoint.starts_with(&format!("{protocol}://")) {
            let why = "Invalid parameter: Endpoint must match the specified protocol";
            return Ok(Err(answers::error(400, "InvalidParameter", why)));
        }
        if endpoint.contains(PLACE) {
            let why = "Invalid parameter: Endpoint: one of this proxy's own URLs cannot subscribe";
            return Ok(Err(answers::error(400, "InvalidParameter", why)));
        }
        let token = subscriptions::token(topic, protocol, endpoint)?;
        if subscriptions::by_token(&token)?.is_none() && !subscriptions::have_room()? {
            let why =
                "Subscription limit exceeded: the proxy keeps 1000 subscriptions of HTTP endpoints";
            return Ok(Err(answers::error(403, "SubscriptionLimitExceeded", why)));
        }
        let base = urls::base(request, public);
        let callback = self.callback.as_deref().unwrap_or(&base);
        let mut changed = call.clone();
        changed.set("Endpoint", &format!("{callback}{PLACE}{token}"));
        request.set_body(changed.write());
        request.accept_identity()?;
        Ok(Ok(Some(Asked::Subscribe {
            token,
            shows_arn: call
                .text("ReturnSubscriptionArn")
                .eq_ignore_ascii_case("true"),
            subscription: Subscription {
                endpoint: endpoint.to_owned(),
                protocol: protocol.to_owned(),
                topic: topic.to_owned(),
                arn: String::new(),
                is_confirmed: false,
                is_raw: is_raw(call),
                confirmation: subscriptions::long_random(),
                base,
            },
        })))
    }

    /// What the backend posts for a subscription.
    fn posted(&self, request: &Request, token: &str) -> Result<Answer> {
        let agent = request
            .field("user-agent")
            .map(|value| value.to_string())
            .unwrap_or_default();
        let subscription = subscriptions::by_token(token)?;
        let Some(subscription) =
            subscription.filter(|_| request.method() == "POST" && agent != messages::AGENT)
        else {
            return Ok(Answer::new(404).text("there is no such subscription\n"));
        };
        if !subscription.is_confirmed {
            info!(
                "a message for {} is dropped: the subscription is not confirmed",
                subscription.endpoint
            );
            return Ok(Answer::new(200));
        }
        let posted: Value = request.json()?;
        queue::put(
            &[messages::notification(&subscription, &posted)?],
            self.limits,
        )?;
        Ok(Answer::new(200))
    }

    pub fn return_response(&self, response: &mut Response) -> Result<()> {
        let Some(note) = exchange::note(NOTE) else {
            return Ok(());
        };
        if response.status() != 200 {
            return Ok(());
        }
        match serde_json::from_slice(&note)? {
            Asked::Subscribe {
                token,
                subscription,
                shows_arn,
            } => {
                self.subscribed(response, &token, subscription, shows_arn)?;
            }
            Asked::Set { arn, is_raw } => {
                if let Some((token, mut found)) = subscriptions::by_arn(&arn)? {
                    found.is_raw = is_raw;
                    subscriptions::write(&token, &found)?;
                }
            }
            Asked::Unsubscribe { arn } => {
                if let Some((token, found)) = subscriptions::by_arn(&arn)? {
                    subscriptions::remove(&token, &found)?;
                }
            }
            Asked::DeleteTopic { arn } => {
                for (token, found) in subscriptions::all()? {
                    if found.topic == arn {
                        subscriptions::remove(&token, &found)?;
                    }
                }
            }
            Asked::Read => {
                if let Some(shown) = answers::show_endpoints(&response.text()?)? {
                    response.set_body(shown);
                }
            }
        }
        Ok(())
    }

    fn subscribed(
        &self,
        response: &mut Response,
        token: &str,
        mut new: Subscription,
        shows_arn: bool,
    ) -> Result<()> {
        let document = response.text()?;
        let arn = xml::text(&document, "SubscriptionArn").unwrap_or_default();
        if let Some(old) = subscriptions::by_token(token)? {
            if old.arn == arn && old.is_confirmed {
                return Ok(());
            }
            // Whoever got the first confirmation can still answer it.
            if old.arn == arn {
                new.confirmation = old.confirmation;
            }
        }
        new.arn.clone_from(&arn);
        subscriptions::write(token, &new)?;
        queue::put(
            &[messages::confirmation(&new, clocks::unix_ms())],
            self.limits,
        )?;
        if !shows_arn {
            response.set_body(answers::hide_arn(&document, &arn));
        }
        Ok(())
    }
}

/// Confirms a subscription, as the endpoint asks for it by the URL that it got, or a client that has the token.
fn confirm(call: &Call) -> Result<Answer> {
    let found = subscriptions::by_confirmation(call.text("Token"))?;
    let Some((token, mut found)) = found.filter(|(_, found)| found.topic == call.text("TopicArn"))
    else {
        return Ok(answers::error(
            400,
            "InvalidParameter",
            "Invalid parameter: Token",
        ));
    };
    found.is_confirmed = true;
    subscriptions::write(&token, &found)?;
    let result = xml::element("SubscriptionArn", &found.arn);
    Ok(answers::answer("ConfirmSubscription", &result))
}

/// Whether a subscription is made with raw delivery.
fn is_raw(call: &Call) -> bool {
    let name = "RawMessageDelivery";
    let mut attributes = call.below("Attributes.entry.");
    let number =
        attributes.find_map(|(rest, value)| rest.strip_suffix(".key").filter(|_| value == name));
    number.is_some_and(|number| {
        call.text(&format!("Attributes.entry.{number}.value"))
            .eq_ignore_ascii_case("true")
    })
}
