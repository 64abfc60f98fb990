//! Rules and the requests that they match.

use super::*;

fn rule(host: &str, path: &str, methods: &[&str]) -> MatchRule {
    let given = |text: &str| !text.is_empty();
    MatchRule {
        host: given(host).then(|| host.parse().unwrap()),
        path: given(path).then(|| path.parse().unwrap()),
        methods: methods.iter().map(|m| method(m).unwrap()).collect(),
    }
}

#[test]
fn hosts() {
    let cases = [
        ("example.com", "example.com", true),
        ("example.com", "EXAMPLE.com:8080", true),
        ("Example.COM", "example.com.", true),
        ("example.com.", "example.com", true),
        ("example.com", "example.com..:80", true),
        ("example.com", "user@example.com:80", true),
        ("example.com", "www.example.com", false),
        ("example.com", "example.com.evil.org", false),
        ("example.com", "exampleXcom", false),
        ("example.com", "", false),
        ("*.example.com", "a.example.com:1", true),
        ("*.example.com", "a.b.example.com", true),
        ("*.example.com", "example.com", false),
        ("*.example.com", "badexample.com", false),
        ("{a,b}.test", "B.test", true),
        ("*", "", true),
        ("[::1]", "[::1]:8080", true),
        ("[::1]", "[::1]", true),
        ("[::1]", "[0:0::0:1]:80", true),
        ("[fe80::A]", "[FE80:0::a]", true),
        ("[::1]", "[::2]", false),
        ("[::1]", "1", false),
        ("127.0.0.1", "127.0.0.1:4566", true),
    ];
    for (pattern, authority, expected) in cases {
        let matches = Matches::new(vec![rule(pattern, "", &[])]);
        assert_eq!(
            matches.matches(authority, "/", "GET"),
            expected,
            "{pattern} on {authority:?}"
        );
    }
}

#[test]
fn paths() {
    let cases = [
        ("/health", "/health", true),
        ("/health", "/health?full=1", true),
        ("/health", "/health/", false),
        ("/health", "/healthy", false),
        ("/api/**", "/api", true),
        ("/api/**", "/api/", true),
        ("/api/**", "/api?x", true),
        ("/api/**", "/api/v1/users?x=/y", true),
        ("/api/**", "/apis", false),
        ("/api/**", "/v1/api/x", false),
        ("/a,b/**", "/a,b", true),
        ("/a,b/**", "/a", false),
        ("/**", "/", true),
        ("/**", "/a/b", true),
        ("/**", "*", false),
        ("/**", "", false),
        ("**", "/a/b", true),
        ("**", "*", true),
        ("/users/*/keys", "/users/7/keys", true),
        ("/users/*/keys", "/users/7/8/keys", false),
        ("/users/*", "/users/a/b", false),
        ("/**/keys", "/keys", true),
        ("/**/keys", "/a/b/keys", true),
        ("/*.png", "/a.png", true),
        ("/*.png", "/a/b.png", false),
        ("**/*.png", "/a/b.png", true),
        ("/Api", "/api", false),
        ("/api", "/%61pi", true),
        ("/api/**", "/x/../api/y?z", true),
        ("/api/**", "/x/..%2fapi", true),
        ("/api/**", "//api", true),
        ("/api/**", "/x/..;/api", true),
        ("/api/**", "/%2561pi/x", true),
        ("/api/**", "/x?/../api", false),
        ("/a%20b", "/a%20b", true),
        ("/{a,b}/x", "/b/x", true),
        ("/api/**", "http://example.com/api/x?y", true),
        ("/", "http://example.com?x=/api", true),
        ("/ü", "/ü", true),
    ];
    for (pattern, target, expected) in cases {
        let matches = Matches::new(vec![rule("", pattern, &[])]);
        assert_eq!(
            matches.matches("", target, "GET"),
            expected,
            "{pattern} on {target:?}"
        );
    }
}

#[test]
fn rules_are_any_and_their_parts_are_all() {
    let rules = vec![
        rule("a.test", "/x/**", &["GET", "PURGE"]),
        rule("", "/y", &[]),
    ];
    let matches = Matches::new(rules);
    let cases = [
        ("a.test", "/x/1", "GET", true),
        ("a.test", "/x/1", "PURGE", true),
        ("a.test", "/x/1", "POST", false),
        ("a.test", "/x/1", "get", true),
        ("b.test", "/x/1", "GET", false),
        ("a.test", "/z", "GET", false),
        ("b.test", "/y", "POST", true),
    ];
    for (authority, target, method, expected) in cases {
        let got = matches.matches(authority, target, method);
        assert_eq!(got, expected, "{method} {authority}{target}");
    }
    assert!(!matches.is_everything());
}

#[test]
fn no_rule_and_an_empty_rule_are_everything() {
    for matches in [
        Matches::default(),
        Matches::new(vec![rule("a", "", &[]), MatchRule::default()]),
    ] {
        assert!(matches.is_everything());
        assert!(matches.matches("", "*", "OPTIONS"));
    }
}

#[test]
fn rules_that_are_written_alike_are_equal() {
    let one = |host: &str, path: &str| Matches::new(vec![rule(host, path, &["GET"])]);
    assert_eq!(one("a.test", "/x/**"), one("a.test", "/x/**"));
    assert_ne!(one("a.test", "/x/**"), one("b.test", "/x/**"));
    assert_ne!(one("a.test", "/x/**"), one("a.test", "/y/**"));
    assert_ne!(
        one("a.test", ""),
        Matches::new(vec![rule("a.test", "", &["PUT"])])
    );
}

#[test]
fn refused_patterns() {
    let host = |text: &str| text.parse::<HostPattern>().err();
    let path = |text: &str| text.parse::<PathPattern>().err();
    let verb = |text: &str| method(text).err();
    let cases = [
        (host(""), "expected a host"),
        (host("a.test:80"), "expected \"a.test\""),
        (host("[::1]:80"), "expected \"[::1]\""),
        (host("::1"), "in brackets: [::1]"),
        (host("http://a.test"), "without \"/\""),
        (host("a.test/x"), "without \"/\""),
        (host("{a,b"), "not a glob: unclosed alternate group"),
        (path(""), "expected \"/\""),
        (path("api/**"), "expected \"/api/**\""),
        (path("/api**"), "as in /api/**"),
        (path("/a?b=c"), "the query doesn't count"),
        (path("/a[z"), "not a glob: unclosed character class"),
        (verb("get"), "did you mean \"GET\"?"),
        (verb("GE T"), "expected a method"),
        (verb(""), "expected a method"),
        (verb("Purge"), ""),
    ];
    for (problem, part) in cases {
        assert_eq!(
            problem.is_none(),
            part.is_empty(),
            "{problem:?} for {part:?}"
        );
        assert!(
            problem.as_deref().unwrap_or_default().contains(part),
            "{problem:?} for {part:?}"
        );
    }
}
