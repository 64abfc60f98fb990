//! The form of a HAR. What nobody needs to know of those of others is only written: they have it in many forms.

use serde::{Deserialize, Serialize};

#[derive(Debug, Deserialize)]
pub struct Har {
    pub log: HarLog,
}

#[derive(Debug, Deserialize)]
pub struct HarLog {
    pub entries: Vec<HarEntry>,
}

/// A request and its response.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HarEntry {
    /// As RFC 3339 has it.
    #[serde(default)]
    pub started_date_time: String,
    /// Milliseconds.
    #[serde(default)]
    pub time: Option<f64>,
    pub request: HarRequest,
    pub response: Option<HarResponse>,
    #[serde(skip_deserializing)]
    pub cache: Nothing,
    #[serde(skip_deserializing)]
    pub timings: HarTimings,
    #[serde(rename = "serverIPAddress", skip_serializing_if = "Option::is_none")]
    pub server_ip_address: Option<String>,
    #[serde(rename = "_tollgate", skip_serializing_if = "Option::is_none")]
    pub tollgate: Option<EntryExtra>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HarRequest {
    pub method: String,
    pub url: String,
    #[serde(default)]
    pub http_version: String,
    #[serde(skip_deserializing)]
    pub cookies: Vec<HarField>,
    #[serde(default)]
    pub headers: Vec<HarField>,
    #[serde(skip_deserializing)]
    pub query_string: Vec<HarField>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub post_data: Option<HarPostData>,
    #[serde(skip_deserializing)]
    pub headers_size: i64,
    #[serde(skip_deserializing)]
    pub body_size: i64,
    #[serde(rename = "_tollgate", skip_serializing_if = "Option::is_none")]
    pub tollgate: Option<MessageExtra>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HarResponse {
    /// 0: there was none.
    pub status: u16,
    #[serde(skip_deserializing)]
    pub status_text: String,
    #[serde(default)]
    pub http_version: String,
    #[serde(skip_deserializing)]
    pub cookies: Vec<HarField>,
    #[serde(default)]
    pub headers: Vec<HarField>,
    pub content: Option<HarContent>,
    #[serde(rename = "redirectURL", skip_deserializing)]
    pub redirect_url: String,
    #[serde(skip_deserializing)]
    pub headers_size: i64,
    #[serde(skip_deserializing)]
    pub body_size: i64,
    /// As Chromium writes why there was no response.
    #[serde(rename = "_error", skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    #[serde(rename = "_tollgate", skip_serializing_if = "Option::is_none")]
    pub tollgate: Option<MessageExtra>,
}

/// A field, a cookie, or a part of a query.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HarField {
    pub name: String,
    #[serde(default)]
    pub value: String,
    /// The value if it is not UTF-8.
    #[serde(rename = "_tollgate", skip_serializing_if = "Option::is_none")]
    pub base64: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HarPostData {
    #[serde(default)]
    pub mime_type: String,
    #[serde(default)]
    pub text: String,
    /// Some tools leave the text out and give the parts of a form.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub params: Vec<HarField>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encoding: Option<String>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HarContent {
    #[serde(skip_deserializing)]
    pub size: i64,
    #[serde(skip_deserializing)]
    pub mime_type: String,
    /// Without content codings.
    #[serde(default)]
    pub text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encoding: Option<String>,
}

/// Milliseconds.
#[derive(Debug, Default, Serialize)]
pub struct HarTimings {
    pub send: f64,
    pub wait: f64,
    pub receive: f64,
}

/// `{}`
#[derive(Debug, Default, Serialize)]
pub struct Nothing {}

/// What a HAR can't say of an exchange.
#[derive(Debug, Serialize, Deserialize)]
pub struct EntryExtra {
    pub id: String,
    pub client: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backend: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// `complete`, `failed`, `cut-off`.
    pub ending: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proxy_error: Option<String>,
    /// The plugins that took part, for those who read the file; they don't come back.
    #[serde(default)]
    pub plugins: Vec<PluginExtra>,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct PluginExtra {
    pub name: String,
    pub version: String,
    pub hook: String,
    pub changed: bool,
}

/// What a HAR can't say of a message.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct MessageExtra {
    /// As in the request, if the URL doesn't show them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authority: Option<String>,
    /// What was kept of the body as it was on the wire, in base64, if the text is something else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// Bytes of the whole body, if not all was kept or it did not come to its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub length: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub complete: Option<bool>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub trailers: Vec<HarField>,
}
