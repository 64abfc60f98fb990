//! Ids that clients choose by a tag.

use tollgate_plugin::testing::{self, Exchange, Rewritten};
use tollgate_plugin::{Answer, BodyError};

use super::run;
use crate::settings::AwsExtras;

fn call(service: &str, method: &str, target: &str, body: &str) -> Exchange {
    let field = crate::call::authorization(service, "us-east-1");
    testing::exchange()
        .setting("ids", true)
        .method(method)
        .target(target)
        .field("authorization", field)
        .body(body)
}

fn through(exchange: Exchange, answer: &str) -> Rewritten {
    let exchange = exchange.backend_response(Answer::new(200).body(answer));
    let rewritten = exchange.rewrite_response::<AwsExtras>(answer.as_bytes().chunks(3));
    assert_eq!(rewritten.error, None);
    rewritten
}

#[test]
fn a_new_resource_has_the_id_of_its_tag() {
    let target = |exchange: Exchange, target: &str| exchange.field("x-amz-target", target);
    let pool = "AWSCognitoIdentityProviderService.CreateUserPool";
    let form = "Action=CreateVpc&CidrBlock=10.0.0.0%2F16&TagSpecification.1.ResourceType=vpc&TagSpecification.1.Tag.1.Key=_custom_id_&TagSpecification.1.Tag.1.Value=mine";
    for (exchange, answer, expected) in [
        (
            call(
                "apigateway",
                "POST",
                "/v2/apis",
                r#"{"tags":{"_custom_id_":"mine"}}"#,
            ),
            r#"{"apiId":"x1"}"#,
            r#"{"apiId":"mine"}"#,
        ),
        (
            call(
                "apigateway",
                "POST",
                "/apikeys",
                r#"{"tags":{"_custom_id_":"mine"}}"#,
            ),
            r#"{"id":"x1","a":"/x1/"}"#,
            r#"{"id":"mine","a":"/mine/"}"#,
        ),
        (
            target(
                call(
                    "kms",
                    "POST",
                    "/",
                    r#"{"Tags":[{"TagKey":"a","TagValue":"b"},{"TagKey":"_custom_id_","TagValue":"mine"}]}"#,
                ),
                "TrentService.CreateKey",
            ),
            r#"{"KeyMetadata":{"KeyId":"x1","Arn":"key/x1"}}"#,
            r#"{"KeyMetadata":{"KeyId":"mine","Arn":"key/mine"}}"#,
        ),
        (
            target(
                call(
                    "cognito-idp",
                    "POST",
                    "/",
                    r#"{"UserPoolTags":{"_custom_id_":"mine"}}"#,
                ),
                pool,
            ),
            r#"{"UserPool":{"Id":"x1"}}"#,
            r#"{"UserPool":{"Id":"mine"}}"#,
        ),
        (
            call("ec2", "POST", "/", form),
            "<R><vpcId>x1</vpcId></R>",
            "<R><vpcId>mine</vpcId></R>",
        ),
    ] {
        let rewritten = through(exchange, answer);
        assert_eq!(rewritten.text(), expected);
        assert!(
            rewritten
                .outcome
                .state
                .values()
                .any(|kept| kept == br#"[["mine","x1"]]"#)
        );
    }
}

#[test]
fn later_requests_have_the_backends_id_and_answers_the_clients() {
    let exchange = call(
        "apigateway",
        "PATCH",
        "/v2/apis/mine/routes?x=mine2&y=mine",
        r#"{"a":"mine","b":"mine-too mine_2 xmine %2Fmine"}"#,
    );
    let rewritten = through(
        exchange.state("i/apigateway", r#"[["mine","x1"]]"#),
        r#"{"apiId":"x1","e":"https://x1.execute-api"}"#,
    );
    assert_eq!(
        rewritten.outcome.request.target,
        "/v2/apis/x1/routes?x=mine2&y=x1"
    );
    assert_eq!(
        rewritten.outcome.request.text(),
        r#"{"a":"x1","b":"mine-too mine_2 xmine %2Fx1"}"#
    );
    assert_eq!(
        rewritten.text(),
        r#"{"apiId":"mine","e":"https://mine.execute-api"}"#
    );
}

#[test]
fn the_last_resource_has_the_id_and_the_oldest_ids_give_way() {
    let create = call(
        "apigateway",
        "POST",
        "/v2/apis",
        r#"{"tags":{"_custom_id_":"mine"}}"#,
    );
    let again = through(
        create.state("i/apigateway", r#"[["mine","x1"],["other","x2"]]"#),
        r#"{"apiId":"x3"}"#,
    );
    assert_eq!(
        again.outcome.state["i/apigateway"],
        br#"[["other","x2"],["mine","x3"]]"#
    );
    let many: Vec<_> = (0..200)
        .map(|number| (format!("c{number}"), format!("b{number}")))
        .collect();
    let create = call(
        "apigateway",
        "POST",
        "/v2/apis",
        r#"{"tags":{"_custom_id_":"mine"}}"#,
    );
    let full = through(
        create.state("i/apigateway", serde_json::to_vec(&many).unwrap()),
        r#"{"apiId":"x3"}"#,
    );
    let kept: Vec<(String, String)> =
        serde_json::from_slice(&full.outcome.state["i/apigateway"]).unwrap();
    assert_eq!(
        (kept.len(), kept[0].0.as_str(), kept[199].0.as_str()),
        (200, "c1", "mine")
    );
}

#[test]
fn what_cannot_be_an_id_is_told_and_what_the_backend_does_is_left_to_it() {
    let create = call(
        "apigateway",
        "POST",
        "/v2/apis",
        r#"{"tags":{"_custom_id_":"a/b"}}"#,
    );
    let wrong = through(create, r#"{"apiId":"x1"}"#);
    assert!(
        wrong
            .outcome
            .log
            .iter()
            .any(|(_, text)| text.contains("cannot be an id"))
            && wrong.unit.is_none()
    );
    // moto gives REST APIs the id by itself.
    let rest = through(
        call(
            "apigateway",
            "POST",
            "/restapis",
            r#"{"tags":{"_custom_id_":"mine"}}"#,
        ),
        r#"{"id":"mine"}"#,
    );
    assert!(rest.unit.is_none() && rest.outcome.state.is_empty());
    let failed = call(
        "apigateway",
        "POST",
        "/v2/apis",
        r#"{"tags":{"_custom_id_":"mine"}}"#,
    )
    .backend_response(Answer::new(400));
    assert!(run(failed).state.is_empty());
}

#[test]
fn other_services_are_not_read() {
    let outcome = run(call("s3", "PUT", "/bkt/k", "").body_error(BodyError::TimedOut));
    assert!(outcome.reached_backend && !outcome.response.body_wanted);
}
