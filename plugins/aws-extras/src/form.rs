//! Calls of the Query protocol: parameters in a form or in the query.

use tollgate_plugin::{Request, url};

/// The parameters of a call, decoded, in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Call(Vec<(String, String)>);

impl Call {
    /// The call in a query or in a form, if there is one.
    pub fn read(text: &str) -> Option<Self> {
        let pair = |part: &str| {
            let part = part.replace('+', " ");
            let (name, value) = part.split_once('=').unwrap_or((&part, ""));
            (url::decode(name), url::decode(value))
        };
        let parts = text.split('&').filter(|part| !part.is_empty());
        let call = Self(parts.map(pair).collect());
        call.get("Action").is_some().then_some(call)
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(of, _)| of == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The value of a parameter, or nothing.
    pub fn text(&self, name: &str) -> &str {
        self.get(name).unwrap_or_default()
    }

    /// The parameters whose names begin so, with the rest of their names.
    pub fn below<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        let pairs = self.0.iter();
        pairs.filter_map(move |(name, value)| Some((name.strip_prefix(prefix)?, value.as_str())))
    }

    pub fn set(&mut self, name: &str, value: &str) {
        for (of, old) in &mut self.0 {
            if of == name {
                value.clone_into(old);
            }
        }
    }

    /// As a form.
    pub fn write(&self) -> String {
        let pairs = self.0.iter();
        let pairs: Vec<_> = pairs
            .map(|(name, value)| format!("{}={}", url::encode(name), url::encode(value)))
            .collect();
        pairs.join("&")
    }
}

/// Whether the request may be a call of a service, by what is cheap to look at. A request that is not signed may be for any.
pub fn may_be_for(request: &Request, service: &str) -> bool {
    let field = |name: &str| {
        request
            .field(name)
            .map(|value| value.to_string())
            .unwrap_or_default()
    };
    let signed = field("authorization");
    if !signed.is_empty() && !signed.contains(&format!("/{service}/aws4_request")) {
        return false;
    }
    match request.method().as_str() {
        "GET" => request.target().contains("Action="),
        "POST" => field("content-type").starts_with("application/x-www-form-urlencoded"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_comes_back_as_it_was() {
        let mut call = Call::read("Action=A&b=c+d%2B%C3%A9&list.1.x=1&list.2=2").unwrap();
        assert_eq!((call.text("b"), call.text("none")), ("c d+é", ""));
        assert_eq!(
            call.below("list.").collect::<Vec<_>>(),
            [("1.x", "1"), ("2", "2")]
        );
        call.set("b", "&=");
        assert_eq!(Call::read(&call.write()), Some(call));
        assert_eq!(Call::read("a=b"), None);
    }
}
