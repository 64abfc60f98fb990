//! What the plugin does to an exchange, run natively.

use tollgate_plugin::testing::{self, Exchange, json};
use tollgate_plugin::{Answer, Level};

use crate::settings::Cors;

const PAGE: &str = "http://localhost:3000";

fn preflight(origin: &str) -> Exchange {
    testing::exchange()
        .method("OPTIONS")
        .field("origin", origin)
        .field("access-control-request-method", "PUT")
}

#[test]
fn a_preflight_is_answered_without_the_backend() {
    let outcome = preflight(PAGE)
        .field("Access-Control-Request-Headers", "x-mine, X-Amz-Date")
        .field("Access-Control-Request-Private-Network", "true")
        .setting("max_age", 600)
        .run::<Cors>();
    assert_eq!(outcome.error, None);
    assert!(!outcome.reached_backend);
    let response = outcome.response;
    assert_eq!((response.status, response.text()), (204, ""));
    assert_eq!(response.field_values("access-control-allow-origin"), [PAGE]);
    assert_eq!(
        response.field("access-control-allow-methods"),
        Some("HEAD,GET,PUT,POST,DELETE,OPTIONS,PATCH")
    );
    let headers = response.field("access-control-allow-headers").unwrap();
    assert!(
        headers.starts_with("authorization,") && headers.ends_with(",amz-sdk-request,x-mine"),
        "{headers}"
    );
    assert_eq!(headers.matches("x-amz-date").count(), 1);
    assert_eq!(response.field("access-control-max-age"), Some("600"));
    assert_eq!(
        response.field("access-control-allow-private-network"),
        Some("true")
    );
    assert_eq!(response.field("access-control-allow-credentials"), None);
    assert!(response.field("vary").unwrap().contains("Origin"));
}

#[test]
fn an_options_request_that_is_no_preflight_is_the_backends() {
    let outcome = testing::exchange()
        .method("OPTIONS")
        .target("*")
        .run::<Cors>();
    assert!(outcome.reached_backend);
    let outcome = testing::exchange()
        .method("OPTIONS")
        .field("origin", PAGE)
        .run::<Cors>();
    assert!(outcome.reached_backend);
}

#[test]
fn foreign_origins_are_refused() {
    let get = || testing::exchange().target("/_admin");
    for exchange in [
        get().field("origin", "https://evil.example"),
        get().field("origin", "null"),
        get().field("referer", "https://evil.example/page"),
        preflight("https://evil.example"),
    ] {
        let outcome = exchange.run::<Cors>();
        assert!(!outcome.reached_backend);
        assert_eq!(outcome.response.status, 403);
        assert_eq!(outcome.response.field("access-control-allow-origin"), None);
        assert_eq!(outcome.log[0].0, Level::Info);
    }
    for exchange in [
        get(),
        get().field("referer", "https://localhost/page"),
        get()
            .field("origin", "https://evil.example")
            .setting("allow_origins", json!(["*"])),
        get()
            .field("origin", "https://mine.example")
            .setting("extra_allow_origins", json!(["https://*.example"])),
        get()
            .field("referer", "https://evil.example/page")
            .setting("check_referer", false),
    ] {
        assert!(exchange.run::<Cors>().reached_backend);
    }
}

#[test]
fn without_the_guard_a_foreign_origin_gets_its_answer_but_no_permission() {
    let outcome = testing::exchange()
        .field("origin", "https://evil.example")
        .setting("enforce", false)
        .run::<Cors>();
    assert!(outcome.reached_backend);
    assert_eq!(outcome.response.fields, []);
    let outcome = preflight("https://evil.example")
        .setting("enforce", false)
        .run::<Cors>();
    assert!(outcome.reached_backend);
    assert_eq!(outcome.response.fields, []);
}

#[test]
fn answers_get_what_they_lack() {
    let outcome = testing::exchange()
        .field("origin", PAGE)
        .backend_response(Answer::new(404).field("vary", "accept-encoding"))
        .run::<Cors>();
    let response = outcome.response;
    assert_eq!(response.status, 404);
    assert_eq!(response.field("access-control-allow-origin"), Some(PAGE));
    assert_eq!(
        response.field("access-control-expose-headers"),
        Some("etag,x-amz-version-id,content-encoding,content-range,location")
    );
    assert_eq!(response.field_values("vary"), ["accept-encoding", "Origin"]);

    let outcome = testing::exchange().run::<Cors>();
    assert_eq!(
        outcome.response.field("access-control-allow-origin"),
        Some("*")
    );
}

#[test]
fn what_the_backend_says_stands_and_is_never_doubled() {
    let backend = Answer::new(200)
        .field("Access-Control-Allow-Origin", "https://other.example")
        .field("Access-Control-Expose-Headers", "")
        .field("Vary", "Accept, origin");
    let outcome = testing::exchange()
        .field("origin", PAGE)
        .backend_response(backend)
        .run::<Cors>();
    let response = outcome.response;
    assert_eq!(
        response.field_values("access-control-allow-origin"),
        ["https://other.example"]
    );
    assert_eq!(response.field("access-control-expose-headers"), None);
    assert_eq!(response.field_values("vary"), ["Accept, origin"]);
}

#[test]
fn a_backend_that_allows_an_origin_is_left_to_its_rules() {
    let backend = Answer::new(200)
        .field("access-control-allow-origin", PAGE)
        .field("etag", "x");
    let outcome = testing::exchange()
        .target("/b/k")
        .field("origin", PAGE)
        .setting("allow_credentials", true)
        .backend_response(backend)
        .run::<Cors>();
    let names: Vec<_> = outcome
        .response
        .fields
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(names, ["access-control-allow-origin", "etag", "vary"]);
}

#[test]
fn where_a_bucket_may_have_rules_the_backend_is_asked_first() {
    let ask = |answer: Answer| {
        let outcome = preflight(PAGE)
            .target("/b/k")
            .backend_response(answer)
            .run::<Cors>();
        assert_eq!(outcome.error, None);
        assert!(outcome.reached_backend);
        outcome.response
    };
    // Rules that allow it, and rules that don't.
    let allowed = ask(Answer::new(200)
        .field("access-control-allow-origin", PAGE)
        .field("access-control-allow-methods", "GET"));
    assert_eq!((allowed.status, allowed.fields.len()), (200, 2));
    let refusal =
        "<Error><Message>CORSResponse: This CORS request is not allowed.</Message></Error>";
    let refused = ask(Answer::new(403).text(refusal));
    assert_eq!((refused.status, refused.text()), (403, refusal));
    assert_eq!(refused.field("access-control-allow-origin"), None);
    // No rules: the plugin's own.
    for answer in [
        Answer::new(200).field("x-of", "backend"),
        Answer::new(403),
        Answer::new(403).field("access-control-allow-origin", "*"),
        Answer::new(403)
            .text("<Message>CORSResponse: CORS is not enabled for this bucket.</Message>"),
        Answer::new(404).text("no OPTIONS here"),
    ] {
        let answer = ask(answer);
        assert_eq!((answer.status, answer.text()), (204, ""));
        assert_eq!(answer.field("access-control-allow-origin"), Some(PAGE));
        assert_eq!(
            (answer.field("x-of"), answer.field("content-type")),
            (None, None)
        );
    }
    // A foreign page learns nothing, and a call that can't be for a bucket needs no question.
    assert!(
        !preflight("https://evil.example")
            .target("/b/k")
            .run::<Cors>()
            .reached_backend
    );
    let target = preflight(PAGE)
        .target("/x")
        .field("access-control-request-headers", "x-amz-target");
    assert!(!target.run::<Cors>().reached_backend);
    let hosted = preflight(PAGE).authority("b.s3.localhost");
    assert!(hosted.run::<Cors>().reached_backend);
}

#[test]
fn exposed_names_with_a_star_are_those_that_the_response_has() {
    let exposed = |settings| {
        let backend = Answer::new(200)
            .field("x-amz-meta-a", "1")
            .field("x-amz-checksum-crc32", "2")
            .field("x-other", "3");
        let outcome = testing::exchange()
            .field("origin", PAGE)
            .settings(settings)
            .backend_response(backend)
            .run::<Cors>();
        outcome
            .response
            .field("access-control-expose-headers")
            .unwrap_or_default()
            .to_owned()
    };
    assert_eq!(
        exposed(json!({})),
        "etag,x-amz-version-id,content-encoding,content-range,location,x-amz-meta-a,x-amz-checksum-crc32"
    );
    assert_eq!(
        exposed(json!({ "expose_headers": ["x-o*", "x-amz-meta-*"] })),
        "x-other,x-amz-meta-a"
    );
    assert_eq!(exposed(json!({ "expose_headers": ["*"] })), "*");
    assert_eq!(exposed(json!({ "expose_headers": [] })), "");
}

#[test]
fn errors_of_the_host_can_be_read_by_an_allowed_page() {
    let outcome = testing::exchange().field("origin", PAGE).run::<Cors>();
    let field = |name: &str| {
        let found = outcome.error_fields.iter().find(|(of, _)| of == name);
        found.map(|(_, value)| String::from_utf8_lossy(value).into_owned())
    };
    assert_eq!(field("access-control-allow-origin").as_deref(), Some(PAGE));
    assert_eq!(field("vary").as_deref(), Some("Origin"));
    assert!(
        field("access-control-expose-headers")
            .unwrap()
            .contains("proxy-status")
    );
    let foreign = testing::exchange()
        .field("origin", "https://evil.example")
        .setting("enforce", false);
    assert_eq!(foreign.run::<Cors>().error_fields, []);
    assert_eq!(testing::exchange().run::<Cors>().error_fields, []);
}

#[test]
fn credentials_are_allowed_to_named_origins_only() {
    let outcome = preflight(PAGE)
        .setting("allow_credentials", true)
        .run::<Cors>();
    assert_eq!(
        outcome.response.field("access-control-allow-credentials"),
        Some("true")
    );
    let outcome = testing::exchange()
        .field("origin", PAGE)
        .setting("allow_credentials", true)
        .run::<Cors>();
    assert_eq!(
        outcome.response.field("access-control-allow-credentials"),
        Some("true")
    );
    let outcome = testing::exchange()
        .setting("allow_credentials", true)
        .run::<Cors>();
    assert_eq!(
        outcome.response.field("access-control-allow-credentials"),
        None
    );
}

#[test]
fn exempt_requests_are_left_alone() {
    let exempt = |exchange: Exchange| {
        exchange
            .authority("b.s3.localhost")
            .setting("exempt", json!(["*.s3.*"]))
    };
    let outcome = exempt(preflight("https://evil.example")).run::<Cors>();
    assert!(outcome.reached_backend);
    assert_eq!(outcome.response.fields, []);
    let outcome = exempt(testing::exchange().field("origin", PAGE)).run::<Cors>();
    assert_eq!(outcome.response.fields, []);
}

#[test]
fn mistakes_in_the_settings_are_named() {
    for (key, value, part) in [
        (
            "allow_origins",
            json!(["localhost"]),
            "\"localhost\" is not an origin",
        ),
        (
            "allow_methods",
            json!(["PUT", "a b"]),
            "setting allow_methods has \"a b\": expected a method such as PUT",
        ),
        (
            "extra_expose_headers",
            json!(["x:"]),
            "setting extra_expose_headers has \"x:\": expected the name of a field, or *",
        ),
        ("exempt", json!([""]), "setting exempt has \"\""),
        ("alow_origins", json!([]), "setting alow_origins is unknown"),
        ("max_age", json!("long"), "setting max_age is \"long\""),
    ] {
        let error = testing::exchange()
            .setting(key, value)
            .run::<Cors>()
            .error
            .unwrap();
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn the_hosts_probe_passes() {
    assert_eq!(
        testing::exchange()
            .client_address("0.0.0.0:0")
            .run::<Cors>()
            .error,
        None
    );
}
