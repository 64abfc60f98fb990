//! Where spans go, and which.

/// `--otlp` and the table `[tracing]`.
#[derive(Debug, Clone, PartialEq)]
pub struct OtlpConfig {
    /// Where spans are posted to, with the path: `http://127.0.0.1:4318/v1/traces`.
    pub endpoint: String,
    /// The attribute `service.name`.
    pub service_name: String,
    /// The share of traces that are exported if they begin here, 0 to 1.
    pub sample: f64,
    /// Fields of each request to the collector.
    pub headers: Vec<(String, String)>,
}

/// The path for traces (OTLP, section "OTLP/HTTP Request").
const PATH: &str = "v1/traces";

/// Where traces are posted to below the URL of a collector, as OTEL_EXPORTER_OTLP_ENDPOINT has it.
///
/// # Errors
/// When it is no such URL.
pub fn traces_url(endpoint: &str) -> Result<String, String> {
    let expected = || "expected a URL such as http://127.0.0.1:4318".to_owned();
    let uri: http::Uri = endpoint.parse().map_err(|_| expected())?;
    let is_http = matches!(uri.scheme_str(), Some("http" | "https"));
    if !is_http || uri.host().is_none_or(str::is_empty) || uri.query().is_some() {
        return Err(expected());
    }
    let endpoint = endpoint.trim_end_matches('/');
    Ok(match endpoint.ends_with(PATH) {
        true => endpoint.to_owned(),
        false => format!("{endpoint}/{PATH}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_is_added_where_it_lacks() {
        for (endpoint, url) in [
            ("http://127.0.0.1:4318", "http://127.0.0.1:4318/v1/traces"),
            ("https://a.test/", "https://a.test/v1/traces"),
            ("http://a.test/otlp", "http://a.test/otlp/v1/traces"),
            ("http://a.test/v1/traces", "http://a.test/v1/traces"),
        ] {
            assert_eq!(traces_url(endpoint).as_deref(), Ok(url));
        }
        for bad in [
            "",
            "127.0.0.1:4318",
            "ftp://a",
            "http://",
            "http://a?b",
            "grpc://a",
        ] {
            assert!(traces_url(bad).is_err(), "{bad}");
        }
    }
}
