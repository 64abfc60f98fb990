//! Where names are found, and where not.

use super::*;
use crate::names::Pair;

fn pair(client: &str, backend: &str) -> Option<Pair> {
    Some(Pair {
        client: client.into(),
        backend: backend.into(),
    })
}

pub(crate) fn all() -> Names {
    Names {
        account: pair("111122223333", "123456789012"),
        region: pair("eu-central-1", "us-east-1"),
        partition: pair("aws-cn", "aws"),
    }
}

/// Replaces what `find` finds.
fn replaced(text: &str, find: impl for<'n> Fn(&'n Names, &[u8], Found<'_, 'n>)) -> String {
    let names = all();
    let mut found = Vec::new();
    find(&names, text.as_bytes(), &mut |range, name| {
        found.push((range, name.to_owned()))
    });
    found.sort_by_key(|(range, _)| std::cmp::Reverse(range.start));
    let mut text = text.to_owned();
    for (range, name) in found {
        text.replace_range(range, &name);
    }
    text
}

fn swap(text: &str) -> String {
    let swapped = replaced(text, in_text);
    assert_eq!(replaced(&swapped, in_text), text, "a swap undoes itself");
    swapped
}

#[test]
fn names_are_found_by_what_is_around_them() {
    for (backend, client) in [
        (
            "arn:aws:sqs:us-east-1:123456789012:q",
            "arn:aws-cn:sqs:eu-central-1:111122223333:q",
        ),
        (
            "see arn:aws:iam::123456789012:role/x, arn:aws:iam::123456789012:root",
            "see arn:aws-cn:iam::111122223333:role/x, arn:aws-cn:iam::111122223333:root",
        ),
        (
            "arn:aws:sqs:*:123456789012:*",
            "arn:aws-cn:sqs:*:111122223333:*",
        ),
        (
            "arn:aws:apigateway:us-east-1:lambda:path/functions/arn:aws:lambda:us-east-1:123456789012:function:f/invocations",
            "arn:aws-cn:apigateway:eu-central-1:lambda:path/functions/arn:aws-cn:lambda:eu-central-1:111122223333:function:f/invocations",
        ),
        (
            "http://h/?TopicArn=arn%3Aaws%3Asns%3Aus-east-1%3A123456789012%3At",
            "http://h/?TopicArn=arn%3Aaws-cn%3Asns%3Aeu-central-1%3A111122223333%3At",
        ),
        // An object's ARN: the bucket, and not the key.
        (
            "arn:aws:s3:::b-123456789012/x-123456789012/* arn:aws:iam::123456789012:root",
            "arn:aws-cn:s3:::b-111122223333/x-123456789012/* arn:aws-cn:iam::111122223333:root",
        ),
        (
            "arn:aws:iam::123456789012:role/cdk-hnb659fds-role-123456789012-us-east-1",
            "arn:aws-cn:iam::111122223333:role/cdk-hnb659fds-role-111122223333-eu-central-1",
        ),
        // Templates: an ARN is joined of pieces.
        (
            "arn:${AWS::Partition}:iam::123456789012:root",
            "arn:${AWS::Partition}:iam::111122223333:root",
        ),
        (":iam::123456789012:root", ":iam::111122223333:root"),
        (
            ":sqs:us-east-1:123456789012",
            ":sqs:eu-central-1:111122223333",
        ),
        // Names of resources.
        (
            "cdk-hnb659fds-assets-123456789012-us-east-1",
            "cdk-hnb659fds-assets-111122223333-eu-central-1",
        ),
        ("123456789012-logs", "111122223333-logs"),
        (
            "${Name}-123456789012-${AWS::Region}",
            "${Name}-111122223333-${AWS::Region}",
        ),
        // Service URLs and hosts.
        (
            "http://h:5000/123456789012/queue",
            "http://h:5000/111122223333/queue",
        ),
        (
            "http://h/queue/us-east-1/123456789012/q",
            "http://h/queue/eu-central-1/111122223333/q",
        ),
        (
            "https://sqs.us-east-1.amazonaws.com/123456789012/q",
            "https://sqs.eu-central-1.amazonaws.com/111122223333/q",
        ),
        (
            "https://us-east-1.console.aws.amazon.com",
            "https://eu-central-1.console.aws.amazon.com",
        ),
        (
            "123456789012.dkr.ecr.us-east-1.amazonaws.com/r",
            "111122223333.dkr.ecr.eu-central-1.amazonaws.com/r",
        ),
        (
            "com.amazonaws.us-east-1.s3",
            "com.amazonaws.eu-central-1.s3",
        ),
        (
            "b.s3-website-us-east-1.amazonaws.com",
            "b.s3-website-eu-central-1.amazonaws.com",
        ),
        (
            "AKIA/20260101/us-east-1/s3/aws4_request",
            "AKIA/20260101/eu-central-1/s3/aws4_request",
        ),
        (
            "A%2F20260101%2Fus-east-1%2Fs3%2Faws4_request",
            "A%2F20260101%2Feu-central-1%2Fs3%2Faws4_request",
        ),
        ("123456789012:function:f", "111122223333:function:f"),
    ] {
        assert_eq!(swap(backend), client);
    }
}

#[test]
fn what_only_looks_like_a_name_is_left_alone() {
    for text in [
        "",
        "123456789012",
        "us-east-1",
        "us-east-1a",
        "account 123456789012.",
        "123456789012/f",
        "/123456789012/f",
        "us-east-1#x us-east-1/x",
        "n°123456789012",
        "1234567890123-x 0123456789012-x",
        "-123456789012 - 123456789012 -",
        "12345678-1234-1234-1234-123456789012",
        "12345678-1234-1234-1234-123456789012-x",
        "x-123456789012é é123456789012-x x-123456789012_y",
        "my-us-east-1-data",
        "us-east-10.x us-east-1.5",
        "arn:awsome:x arn:aws-us-gov:x barn:aws:x sub-arn:aws:x arn:aws%253A arn;aws:",
        "12:30:123456789012:x",
        "http://h/123456789012",
        "http://h/x/123456789012/q",
        "aws AWS aws-cn",
        "\u{fffd}",
    ] {
        assert_eq!(swap(text), text);
    }
}

#[test]
fn a_field_of_accounts_or_regions_holds_them_alone() {
    for (text, swapped) in [
        ("123456789012", "111122223333"),
        (
            "123456789012,444455556666, 111122223333",
            "111122223333,444455556666, 123456789012",
        ),
        ("1234567890123", "1234567890123"),
        ("x123456789012", "x123456789012"),
    ] {
        assert_eq!(replaced(text, accounts), swapped);
    }
    for (text, swapped) in [
        ("us-east-1", "eu-central-1"),
        ("us-east-1a", "eu-central-1a"),
        ("us-east-1ab us-east-12", "us-east-1ab us-east-12"),
        ("us-east-1a,us-east-1", "eu-central-1a,eu-central-1"),
        ("", ""),
    ] {
        assert_eq!(replaced(text, regions), swapped);
    }
}

#[test]
fn any_bytes_will_do() {
    let names = all();
    let noise: Vec<u8> = (0..=255).cycle().take(1000).collect();
    in_text(&names, &noise, &mut |_, _| panic!("nothing is there"));
    for cut in 0..60 {
        let text = "arn:aws:s3:::b/%3A://é/${".repeat(3);
        in_text(&names, &text.as_bytes()[..cut], &mut |_, _| {});
    }
}
