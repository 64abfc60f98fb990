//! Who wants which events: what a bucket's configuration and the settings say.

use serde::{Deserialize, Serialize};

use crate::xml;

/// Where an event goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Place {
    /// The ARN of a queue.
    Queue(String),
    /// The ARN of a topic.
    Topic(String),
    /// The ARN of a function.
    Function(String),
    /// A URL.
    Http(String),
}

/// Someone who wants events.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    pub id: String,
    pub place: Place,
    /// Such as `s3:ObjectCreated:*`.
    pub events: Vec<String>,
    pub prefix: String,
    pub suffix: String,
}

impl Target {
    /// Whether the target wants this event, such as `ObjectCreated:Put`, of this object.
    pub fn wants(&self, event: &str, key: &str) -> bool {
        let wants = |wanted: &String| {
            let wanted = wanted.strip_prefix("s3:").unwrap_or(wanted);
            match wanted.strip_suffix('*') {
                Some(kind) => event.starts_with(kind),
                None => wanted == event,
            }
        };
        self.events.iter().any(wants)
            && key.starts_with(&self.prefix)
            && key.ends_with(&self.suffix)
    }
}

/// The targets in the answer to `GetBucketNotificationConfiguration`.
pub fn read(document: &str) -> Vec<Target> {
    let kinds = [
        ("QueueConfiguration", "Queue"),
        ("TopicConfiguration", "Topic"),
        ("CloudFunctionConfiguration", "CloudFunction"),
    ];
    let mut targets = Vec::new();
    for (element, kind) in kinds {
        for configuration in xml::all(document, element) {
            let rule = |name: &str| {
                let is_meant = |rule: &&str| {
                    xml::text(rule, "Name").is_some_and(|of| of.eq_ignore_ascii_case(name))
                };
                let rule = xml::all(configuration, "FilterRule").find(is_meant);
                rule.and_then(|rule| xml::text(rule, "Value"))
                    .unwrap_or_default()
            };
            let Some(arn) = xml::text(configuration, kind) else {
                continue;
            };
            targets.push(Target {
                id: xml::text(configuration, "Id").unwrap_or_default(),
                place: match kind {
                    "Queue" => Place::Queue(arn),
                    "Topic" => Place::Topic(arn),
                    _ => Place::Function(arn),
                },
                events: xml::all(configuration, "Event")
                    .map(xml::unescape)
                    .collect(),
                prefix: rule("prefix"),
                suffix: rule("suffix"),
            });
        }
    }
    targets
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configuration_is_read_as_moto_writes_it() {
        let document = "<NotificationConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\
            <TopicConfiguration><Id>1</Id><Topic>arn:t</Topic><Event>s3:ObjectRemoved:Delete</Event><Event>s3:ObjectCreated:*</Event></TopicConfiguration>\
            <QueueConfiguration><Id>2</Id><Queue>arn:q</Queue><Event>s3:ObjectRemoved:*</Event>\
            <Filter><S3Key>\
            <FilterRule><Name>Prefix</Name><Value>a&amp;b/</Value></FilterRule>\
            <FilterRule><Name>suffix</Name><Value>.txt</Value></FilterRule></S3Key></Filter></QueueConfiguration>\
            <CloudFunctionConfiguration><Id>3</Id><CloudFunction>arn:f</CloudFunction>\
            <Event>s3:ObjectCreated:*</Event></CloudFunctionConfiguration></NotificationConfiguration>";
        let targets = read(document);
        let places: Vec<_> = targets.iter().map(|target| target.place.clone()).collect();
        assert_eq!(
            places,
            [
                Place::Queue("arn:q".into()),
                Place::Topic("arn:t".into()),
                Place::Function("arn:f".into())
            ]
        );
        assert!(targets[0].wants("ObjectRemoved:DeleteMarkerCreated", "a&b/x.txt"));
        assert!(
            !targets[0].wants("ObjectRemoved:Delete", "a&b/x.bin")
                && !targets[0].wants("ObjectRemoved:Delete", "x.txt")
        );
        assert!(!targets[0].wants("ObjectCreated:Put", "a&b/x.txt"));
        assert!(
            targets[1].wants("ObjectRemoved:Delete", "x")
                && targets[1].wants("ObjectCreated:Copy", "x")
        );
        assert!(!targets[1].wants("ObjectRemoved:DeleteMarkerCreated", "x"));
    }
}
