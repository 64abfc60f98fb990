//! Documents with their names swapped: what changes, and that all else stays byte for byte.

use super::*;
use crate::find::tests::all;

fn swapped(service: &str, is_answer: bool, syntax: Syntax, text: &str) -> String {
    let api = Api { service, is_answer };
    let names = all();
    let new = swap(&names, api, syntax, text.as_bytes());
    let new = new.unwrap_or_else(|| text.as_bytes().to_vec());
    let again = swap(&names, api, syntax, &new).unwrap_or_else(|| new.clone());
    assert_eq!(
        String::from_utf8_lossy(&again),
        text,
        "a swap undoes itself"
    );
    String::from_utf8(new).unwrap()
}

/// A service, a document, and the document with its names swapped.
pub(super) const JSON: &[(&str, &str, &str)] = &[
    (
        "sts",
        r#"{"Account": "123456789012", "n": 123456789012}"#,
        r#"{"Account": "111122223333", "n": 123456789012}"#,
    ),
    (
        "x",
        r#"{"accountIds":["123456789012","5"],"Note":"123456789012"}"#,
        r#"{"accountIds":["111122223333","5"],"Note":"123456789012"}"#,
    ),
    (
        "x",
        r#"{"awsRegion":"us-east-1","Name":"us-east-1"}"#,
        r#"{"awsRegion":"eu-central-1","Name":"us-east-1"}"#,
    ),
    // Escaped or not, a text is the same text.
    (
        "x",
        r#"{"Description":"n\u00b0123456789012 arn\u003aaws:s3:::b"}"#,
        r#"{"Description":"n\u00b0123456789012 arn\u003aaws-cn:s3:::b"}"#,
    ),
    // A document in a document.
    (
        "sqs",
        r#"{"Policy":"{\"Principal\":{\"AWS\":\"123456789012\"},\"n\":123456789012}"}"#,
        r#"{"Policy":"{\"Principal\":{\"AWS\":\"111122223333\"},\"n\":123456789012}"}"#,
    ),
    (
        "x",
        r#"{"Values":["123456789012"],"Name":"owner-id"}"#,
        r#"{"Values":["111122223333"],"Name":"owner-id"}"#,
    ),
    (
        "x",
        r#"{"Tags":[{"Key":"owner","Value":"123456789012"}]}"#,
        r#"{"Tags":[{"Key":"owner","Value":"123456789012"}]}"#,
    ),
    // Markers are the service's, messages and items the user's.
    (
        "x",
        r#"{"NextToken":"arn:aws:x:us-east-1:123456789012:y"}"#,
        r#"{"NextToken":"arn:aws:x:us-east-1:123456789012:y"}"#,
    ),
    (
        "sqs",
        r#"{"MessageBody":"arn:aws:s3:::b","QueueUrl":"http://h/123456789012/q"}"#,
        r#"{"MessageBody":"arn:aws:s3:::b","QueueUrl":"http://h/111122223333/q"}"#,
    ),
    (
        "dynamodb",
        r#"{"TableName":"arn:aws:dynamodb:us-east-1:123456789012:table/t","Item":{"Account":{"S":"arn:aws:s3:::b"},"n":{"N":"123456789012"}}}"#,
        r#"{"TableName":"arn:aws-cn:dynamodb:eu-central-1:111122223333:table/t","Item":{"Account":{"S":"arn:aws:s3:::b"},"n":{"N":"123456789012"}}}"#,
    ),
    (
        "dynamodb",
        r#"{"Responses":{"arn:aws:dynamodb:us-east-1:123456789012:table/t":[{"Region":{"S":"us-east-1"}}]}}"#,
        r#"{"Responses":{"arn:aws-cn:dynamodb:eu-central-1:111122223333:table/t":[{"Region":{"S":"us-east-1"}}]}}"#,
    ),
    (
        "kms",
        r#"{"Keys":[{"KeyArn":"arn:aws:kms:us-east-1:123456789012:key/k"}]}"#,
        r#"{"Keys":[{"KeyArn":"arn:aws-cn:kms:eu-central-1:111122223333:key/k"}]}"#,
    ),
    (
        "events",
        r#"{"EventPattern":"{\"account\":[\"123456789012\"],\"detail\":{\"account\":[\"123456789012\"]}}"}"#,
        r#"{"EventPattern":"{\"account\":[\"111122223333\"],\"detail\":{\"account\":[\"123456789012\"]}}"}"#,
    ),
    (
        "logs",
        r#"{"sessionResults":[{"message":"arn:aws:s3:::b"}],"message":"arn:aws:s3:::b"}"#,
        r#"{"sessionResults":[{"message":"arn:aws:s3:::b"}],"message":"arn:aws-cn:s3:::b"}"#,
    ),
    (
        "x",
        r#"{"m":{"arn:aws:s3:::b":1}}"#,
        r#"{"m":{"arn:aws-cn:s3:::b":1}}"#,
    ),
];

#[test]
fn json_changes_by_its_fields() {
    for (service, backend, client) in JSON.iter().copied() {
        assert_eq!(swapped(service, true, Syntax::Json, backend), client);
    }
}

#[test]
fn an_escaped_name_is_a_name() {
    let api = Api {
        service: "x",
        is_answer: true,
    };
    let text = br#"{"Account":"\u0031\u00323456789012\n"}"#;
    let new = swap(&all(), api, Syntax::Json, text).unwrap();
    assert_eq!(new, br#"{"Account":"111122223333\n"}"#);
}

#[test]
fn what_is_not_well_formed_stays() {
    for text in [
        r#"{"Account":"123456789012""#,
        r#"{"Account":"123456789012"} x"#,
        r#"{"Account":"123456789012}"#,
        r#"{"Account" "123456789012"}"#,
        "{",
        "[\"\\",
    ] {
        assert_eq!(swapped("x", true, Syntax::Json, text), text);
    }
    let deep = "[".repeat(100_000);
    assert_eq!(swapped("x", true, Syntax::Json, &deep), deep);
}

/// A service, a document, and the document with its names swapped.
pub(super) const XML: &[(&str, &str, &str)] = &[
    (
        "sts",
        "<R><Account>123456789012</Account><Note>123456789012</Note></R>",
        "<R><Account>111122223333</Account><Note>123456789012</Note></R>",
    ),
    (
        "sns",
        "<e><key>Owner</key><value>123456789012</value></e>",
        "<e><key>Owner</key><value>111122223333</value></e>",
    ),
    (
        "ec2",
        "<userIds><item>123456789012</item></userIds>",
        "<userIds><item>111122223333</item></userIds>",
    ),
    (
        "iam",
        "<PolicyDocument>%7B%22AWS%22%3A%20%22123456789012%22%7D</PolicyDocument>",
        "<PolicyDocument>%7B%22AWS%22%3A%20%22111122223333%22%7D</PolicyDocument>",
    ),
    (
        "sqs",
        "<a><Name>Policy</Name><Value>{&quot;AWS&quot;:&quot;123456789012&quot;}</Value></a>",
        "<a><Name>Policy</Name><Value>{&quot;AWS&quot;:&quot;111122223333&quot;}</Value></a>",
    ),
    (
        "x",
        "<!-- <Account>123456789012</Account> --><Account a='>'/><a:Account><![CDATA[123456789012]]></a:Account>",
        "<!-- <Account>123456789012</Account> --><Account a='>'/><a:Account><![CDATA[111122223333]]></a:Account>",
    ),
    (
        "x",
        "<NextMarker>arn:aws:s3:::b</NextMarker><Message>no arn:aws:s3:::b</Message>",
        "<NextMarker>arn:aws:s3:::b</NextMarker><Message>no arn:aws-cn:s3:::b</Message>",
    ),
    // S3: buckets and owners, and no keys.
    (
        "s3",
        "<ListBucketResult><Name>b-123456789012</Name><Prefix>b-123456789012/</Prefix><Contents><Key>b-123456789012</Key><Owner><ID>123456789012</ID></Owner></Contents></ListBucketResult>",
        "<ListBucketResult><Name>b-111122223333</Name><Prefix>b-123456789012/</Prefix><Contents><Key>b-123456789012</Key><Owner><ID>111122223333</ID></Owner></Contents></ListBucketResult>",
    ),
    (
        "s3",
        "<Location>http://h/b-123456789012/k-123456789012</Location>",
        "<Location>http://h/b-111122223333/k-123456789012</Location>",
    ),
    (
        "s3",
        "<Q><Queue>arn:aws:sqs:us-east-1:123456789012:q</Queue><S3Key><Value>arn:aws:s3:::b</Value></S3Key></Q>",
        "<Q><Queue>arn:aws-cn:sqs:eu-central-1:111122223333:q</Queue><S3Key><Value>arn:aws:s3:::b</Value></S3Key></Q>",
    ),
];

#[test]
fn xml_changes_by_its_elements() {
    for (service, backend, client) in XML.iter().copied() {
        assert_eq!(swapped(service, true, Syntax::Xml, backend), client);
    }
    for odd in [
        "<",
        "<a",
        "</a></a>x",
        "<!--",
        "a<![CDATA[x",
        "&;&#;<a>&#x110000;</a>",
    ] {
        assert_eq!(swapped("x", true, Syntax::Xml, odd), odd);
    }
}

#[test]
fn forms_change_by_their_names() {
    for (service, backend, client) in [
        (
            "sns",
            "TopicArn=arn%3Aaws%3Asns%3Aus-east-1%3A123456789012%3At&Message=arn%3Aaws%3As3",
            "TopicArn=arn%3Aaws-cn%3Asns%3Aeu-central-1%3A111122223333%3At&Message=arn%3Aaws%3As3",
        ),
        (
            "sqs",
            "QueueUrl=http%3A%2F%2Fh%2F123456789012%2Fq&MessageBody=a+123456789012-x",
            "QueueUrl=http%3A%2F%2Fh%2F111122223333%2Fq&MessageBody=a+123456789012-x",
        ),
        (
            "sqs",
            "AWSAccountIds.member.1=123456789012&x.1.MessageBody=arn:aws:s3",
            "AWSAccountIds.member.1=111122223333&x.1.MessageBody=arn:aws:s3",
        ),
        (
            "ec2",
            "Filter.1.Value.1=123456789012&Filter.1.Name=owner-id&Filter.2.Name=x&Filter.2.Value.1=123456789012",
            "Filter.1.Value.1=111122223333&Filter.1.Name=owner-id&Filter.2.Name=x&Filter.2.Value.1=123456789012",
        ),
        (
            "sns",
            "Attributes.entry.1.key=FilterPolicy&Attributes.entry.1.value=%7B%22a%22%3A%5B%22arn%3Aaws%3As3%22%5D%7D",
            "Attributes.entry.1.key=FilterPolicy&Attributes.entry.1.value=%7B%22a%22%3A%5B%22arn%3Aaws%3As3%22%5D%7D",
        ),
        (
            "sns",
            "AttributeName=FilterPolicy&AttributeValue=arn:aws:x",
            "AttributeName=FilterPolicy&AttributeValue=arn:aws:x",
        ),
        (
            "sns",
            "MessageAttributes.entry.1.Value.StringValue=arn:aws:x&&a&=b",
            "MessageAttributes.entry.1.Value.StringValue=arn:aws:x&&a&=b",
        ),
        (
            "iam",
            "PolicyDocument=%7B%22AWS%22%3A+%22123456789012%22%7D",
            "PolicyDocument=%7B%22AWS%22%3A+%22111122223333%22%7D",
        ),
        (
            "ec2",
            "Placement.AvailabilityZone=us-east-1a",
            "Placement.AvailabilityZone=eu-central-1a",
        ),
    ] {
        assert_eq!(swapped(service, false, Syntax::Form, backend), client);
    }
}

/// A text of CBOR with its head.
fn text(text: &str) -> Vec<u8> {
    let length = u8::try_from(text.len()).unwrap();
    let head = if length < 24 {
        vec![0x60 | length]
    } else {
        vec![0x78, length]
    };
    [head, text.as_bytes().to_vec()].concat()
}

#[test]
fn cbor_changes_by_its_fields() {
    let names = all();
    let make = |account: &str, arn: &str| {
        [
            vec![0xa5],
            text("Account"),
            text(account),
            text("Data"),
            vec![0x4c],
            b"123456789012".to_vec(),
            text("Arns"),
            vec![0x9f],
            text(arn),
            vec![0xf6, 0xfb, 0, 0, 0, 0, 0, 0, 0, 0, 0xff],
            text("NextToken"),
            text("arn:aws:s3:::b"),
            text("Time"),
            vec![0xc1, 0x1a, 1, 2, 3, 4],
        ]
        .concat()
    };
    let backend = make("123456789012", "arn:aws:sqs:us-east-1:123456789012:q");
    let client = make("111122223333", "arn:aws-cn:sqs:eu-central-1:111122223333:q");
    let api = Api {
        service: "monitoring",
        is_answer: true,
    };
    assert_eq!(
        swap(&names, api, Syntax::Cbor, &backend),
        Some(client.clone())
    );
    assert_eq!(
        swap(&names, api, Syntax::Cbor, &client),
        Some(backend.clone())
    );
    for cut in 0..backend.len() {
        assert_eq!(
            swap(&names, api, Syntax::Cbor, &backend[..cut]),
            None,
            "{cut}"
        );
    }
    for odd in [
        vec![0x9f; 5000],
        vec![0xff],
        vec![0x7b, 255, 255, 255, 255, 255, 255, 255, 255],
        vec![0x5f, 0x41, 1, 0xff],
    ] {
        assert_eq!(swap(&names, api, Syntax::Cbor, &odd), None);
    }
}
