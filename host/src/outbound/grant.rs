//! The lines that would allow what was refused, ready to be put into the configuration.

use std::net::IpAddr;

use super::url::Url;

/// The line that allows calls to the origin of a URL.
pub(super) fn destination(plugin: &str, url: &Url<'_>) -> String {
    line(plugin, "http", &url.origin())
}

/// The line that allows names to lead to an address that is not of the internet.
pub(super) fn private(plugin: &str, address: IpAddr) -> String {
    let bits = if address.is_ipv4() { 32 } else { 128 };
    line(plugin, "http-private", &format!("{address}/{bits}"))
}

fn line(plugin: &str, key: &str, value: &str) -> String {
    let is_bare = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let name = if !plugin.is_empty() && plugin.chars().all(is_bare) {
        plugin.to_owned()
    } else {
        format!("{plugin:?}")
    };
    format!("[plugin.{name}.allow] {key} = [\"{value}\"]")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_what_the_configuration_takes() {
        let url = Url::read("https://API.example.com:443/v1?x").unwrap();
        assert_eq!(
            destination("jwt-auth", &url),
            r#"[plugin.jwt-auth.allow] http = ["https://api.example.com"]"#
        );
        assert_eq!(
            private("my plugin", "10.0.0.1".parse().unwrap()),
            r#"[plugin."my plugin".allow] http-private = ["10.0.0.1/32"]"#
        );
    }
}
