//! Tables of destinations, of calls and what becomes of them, and of addresses.

use super::*;

fn allow(destinations: &[&str], private: &[&str]) -> Allow {
    Allow::new(
        destinations
            .iter()
            .map(|text| Destination::parse(text).unwrap())
            .collect(),
        private
            .iter()
            .map(|text| AddressRange::parse(text).unwrap())
            .collect(),
    )
}

#[test]
fn destinations_are_read_and_shown() {
    for (text, shown) in [
        ("https://api.example.com", "https://api.example.com"),
        ("https://API.example.com:443/", "https://api.example.com"),
        (" http://a:8080/v1/ ", "http://a:8080/v1"),
        ("https://*.example.com", "https://*.example.com"),
        ("https://*", "https://*"),
        ("http://127.0.0.1:*/", "http://127.0.0.1:*"),
        ("http://localhost:4566", "http://localhost:4566"),
        ("http://[::1]:80", "http://[::1]"),
        ("http://[0:0::1]:*", "http://[::1]:*"),
        ("https://*:*/a%20b", "https://*:*/a%20b"),
    ] {
        assert_eq!(Destination::parse(text).unwrap().to_string(), shown);
    }
}

#[test]
fn bad_destinations_say_what_to_write() {
    for (text, part) in [
        ("", "expected a URL such as"),
        ("api.example.com", "did you mean https://api.example.com?"),
        (
            "//api.example.com/v1",
            "did you mean https://api.example.com/v1?",
        ),
        ("*.example.com", "did you mean https://*.example.com?"),
        ("localhost:4566", "did you mean https://localhost:4566?"),
        ("ftp://a", "expected http or https"),
        ("*://a", "can't be a wildcard"),
        (
            "https://a*.example.com",
            "stands for what is before a domain",
        ),
        ("https://a.*.com", "stands for what is before a domain"),
        ("https://*example.com", "stands for what is before a domain"),
        ("https://*.", "expected a host"),
        ("https://*.127.0.0.1", "no host is below an address"),
        ("https://user@a", "user and password"),
        ("https://a?x", "query or fragment"),
        ("https://a/#x", "query or fragment"),
        ("https://a:0", "between 1 and 65535, or `*` for any"),
        ("https://a:", "between 1 and 65535"),
        ("https://a:8*", "between 1 and 65535"),
        ("https://a/v1/*", "leave out the `*`"),
        ("https://a/v1/../b", "the path has a segment of dots"),
        ("https://a/%2e%2e/b", "the path has a segment of dots"),
        ("https://a/v1%2fb", "the path has an encoded slash"),
        ("https://a.example.", "dot at the end"),
        ("https://a b", "can't stand in it"),
        ("https://a\\b", "can't stand in it"),
        ("https://127.1", "several ways"),
        ("https:///v1", "expected a host"),
    ] {
        let problem = Destination::parse(text).expect_err(text);
        assert!(problem.contains(part), "{text:?}: {problem}");
    }
}

/// What is listed, and URLs that it allows and that it doesn't.
const LISTED: &[(&str, &[&str], &[&str])] = &[
    (
        "https://api.example.com",
        &[
            "https://api.example.com",
            "https://api.example.com/",
            "HTTPS://API.EXAMPLE.COM:443/any/../thing?x",
            "https://api.example.com/a%2fb//c",
        ],
        &[
            "http://api.example.com/",
            "https://api.example.com:8443/",
            "https://example.com/",
            "https://x.api.example.com/",
            "https://api.example.com.evil.example/",
            "https://apiXexample.com/",
            "https://evil.example/?https://api.example.com/",
            "https://evil.example/api.example.com",
        ],
    ),
    (
        "https://*.example.com",
        &["https://a.example.com/", "https://a.b.Example.com/"],
        &[
            "https://example.com/",
            "https://evilexample.com/",
            "https://example.com.evil.example/",
            "https://a.example.com:444/",
        ],
    ),
    (
        "http://a:*/v1",
        &["http://a/v1", "http://a:81/v1/b?c=/../d", "http://a/v1//b"],
        &[
            "http://a/",
            "http://a/v10",
            "http://a/V1",
            "http://a/v1;x",
            "http://a//v1",
            "http://a/?/v1",
            "http://a/b/v1",
            "https://a/v1",
        ],
    ),
    (
        "http://127.0.0.1:*/",
        &["http://127.0.0.1/", "http://127.0.0.1:4566/x"],
        &[
            "http://127.0.0.2/",
            "http://localhost/",
            "http://[::ffff:127.0.0.1]/",
        ],
    ),
    (
        "http://[::1]:8080",
        &["http://[::1]:8080/", "http://[0:0:0::1]:8080/"],
        &[
            "http://[::1]/",
            "http://[::2]:8080/",
            "http://127.0.0.1:8080/",
        ],
    ),
    (
        "http://localhost:4566",
        &["http://LOCALHOST:4566/"],
        &["http://localhost/"],
    ),
    (
        "http://*.localhost",
        &["http://a.localhost/"],
        &["http://localhost/"],
    ),
    (
        "https://*",
        &["https://a/", "https://1.1.1.1/"],
        &["http://a/", "https://a:1/"],
    ),
];

#[test]
fn only_what_is_listed_is_allowed() {
    for (listed, good, bad) in LISTED {
        let allow = allow(&[listed], &[]);
        for url in *good {
            let verdict = allow.verdict(&Url::read(url).unwrap());
            assert_eq!(verdict, Verdict::Allowed, "{listed}: {url}");
        }
        for url in *bad {
            let verdict = allow.verdict(&Url::read(url).unwrap());
            assert_eq!(verdict, Verdict::Denied, "{listed}: {url}");
        }
    }
    let nothing = Allow::default().verdict(&Url::read("https://a/").unwrap());
    assert_eq!(nothing, Verdict::Denied);
}

#[test]
fn a_path_that_is_read_in_several_ways_is_below_no_prefix() {
    let limited = allow(&["http://a/v1"], &[]);
    let open = allow(&["http://a/v1", "http://a"], &[]);
    for path in [
        "/v1/../admin",
        "/v1/%2e%2e/admin",
        "/v1/..%2fadmin",
        "/v1/..;/admin",
        "/v1/%252e%252e/admin",
        "/v1/..%5cadmin",
        "/v1/%c0%ae%c0%ae/admin",
    ] {
        let text = format!("http://a{path}");
        let url = Url::read(&text).unwrap();
        let verdict = limited.verdict(&url);
        assert!(
            matches!(&verdict, Verdict::Ambiguous { prefix, .. } if prefix == "/v1"),
            "{path}: {verdict:?}"
        );
        assert_eq!(open.verdict(&url), Verdict::Allowed, "{path}");
    }
}

#[test]
fn a_wildcard_grants_no_address_that_is_not_of_the_internet() {
    let wide = allow(&["http://*:*", "https://*:*"], &[]);
    for url in [
        "http://127.0.0.1/",
        "http://localhost:4566/",
        "http://a.localhost/",
        "http://169.254.169.254/latest/meta-data/",
        "http://10.0.0.1/",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[::ffff:8.8.8.8]/",
        "https://[64:ff9b::7f00:1]/",
        "https://[2002:7f00:1::]/",
        "http://0.0.0.0/",
        "http://255.255.255.255/",
    ] {
        let verdict = wide.verdict(&Url::read(url).unwrap());
        assert!(
            matches!(verdict, Verdict::Forbidden { .. }),
            "{url}: {verdict:?}"
        );
    }
    // A narrower entry that names the address grants what it covers, and no more.
    let both = allow(
        &[
            "http://*:*",
            "http://127.0.0.1:80/v1",
            "http://localhost/v1",
        ],
        &[],
    );
    for (url, allowed) in [
        ("http://127.0.0.1/v1/a", true),
        ("http://127.0.0.1/admin", false),
        ("http://127.0.0.1:81/v1", false),
        ("http://localhost/v1", true),
        ("http://localhost/admin", false),
    ] {
        let verdict = both.verdict(&Url::read(url).unwrap());
        assert_eq!(verdict == Verdict::Allowed, allowed, "{url}: {verdict:?}");
    }
    let private = allow(&["http://*:*"], &["10.0.0.0/8", "127.0.0.1"]);
    for (url, allowed) in [
        ("http://10.1.2.3/", true),
        ("http://127.0.0.1/", true),
        ("http://localhost/", true),
        ("http://127.0.0.2/", false),
        ("http://192.168.0.1/", false),
        ("http://[::ffff:10.0.0.1]/", false),
    ] {
        let verdict = private.verdict(&Url::read(url).unwrap());
        assert_eq!(verdict == Verdict::Allowed, allowed, "{url}: {verdict:?}");
    }
}

#[test]
fn an_address_that_a_name_leads_to_needs_a_grant() {
    let listed = [
        "http://localhost:*",
        "http://name.example",
        "http://127.0.0.1",
        "http://[::ffff:10.0.0.1]",
        "http://*.example",
    ];
    let plain = allow(&listed, &[]);
    let private = allow(&listed, &["10.0.0.0/8"]);
    for (host, address, in_plain, in_private) in [
        ("name.example", "8.8.8.8", true, true),
        ("name.example", "2606:4700::1111", true, true),
        ("name.example", "127.0.0.1", false, false),
        ("name.example", "169.254.169.254", false, false),
        ("name.example", "10.0.0.1", false, true),
        ("name.example", "::ffff:10.0.0.1", false, false),
        ("name.example", "64:ff9b::808:808", false, false),
        ("other.example", "10.0.0.1", false, true),
        ("localhost", "127.0.0.1", true, true),
        ("localhost", "127.8.8.8", true, true),
        ("localhost", "::1", true, true),
        ("localhost", "192.168.0.1", false, false),
        ("localhost", "10.0.0.1", false, true),
        ("a.localhost", "127.0.0.1", false, false),
        ("127.0.0.1", "127.0.0.1", true, true),
        ("[::ffff:10.0.0.1]", "::ffff:10.0.0.1", true, true),
    ] {
        let parsed = Host::read(host).unwrap();
        let address = address.parse().unwrap();
        for (allow, expected) in [(&plain, in_plain), (&private, in_private)] {
            let refusal = allow.refusal(Scheme::Http, &parsed, 80, address);
            assert_eq!(refusal.is_none(), expected, "{host} {address}: {refusal:?}");
        }
    }
    // The grant is for the scheme and port of the entry.
    let host = Host::read("127.0.0.1").unwrap();
    let address = "127.0.0.1".parse().unwrap();
    assert!(plain.refusal(Scheme::Http, &host, 81, address).is_some());
    assert!(plain.refusal(Scheme::Https, &host, 80, address).is_some());
}
