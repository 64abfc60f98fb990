//! The page: files that are part of the program.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, StatusCode, header};
use include_dir::{Dir, File, include_dir};
use sha2::{Digest as _, Sha256};

use super::input::InPath;
use super::problem::Problem;

static FILES: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/src/admin/page");

/// By path: the tag of the content.
static TAGS: LazyLock<BTreeMap<&'static str, String>> = LazyLock::new(|| {
    let mut tags = BTreeMap::new();
    let mut directories = vec![&FILES];
    while let Some(directory) = directories.pop() {
        directories.extend(directory.dirs());
        for file in directory.files() {
            let digest = Sha256::digest(file.contents());
            let digest: String = digest
                .iter()
                .take(16)
                .map(|byte| format!("{byte:02x}"))
                .collect();
            if let Some(path) = file.path().to_str() {
                tags.insert(path, format!("\"{digest}\""));
            }
        }
    }
    tags
});

/// What the page may load and do: only what is here. Images of bodies are in the page itself.
const POLICY: &str = "default-src 'self'; img-src 'self' data: blob:; object-src 'none'; base-uri 'none'; form-action 'self'; \
                      frame-ancestors 'none'";

/// Whether this program has a page.
pub fn has_page() -> bool {
    FILES.get_file("index.html").is_some()
}

pub async fn index(asked: HeaderMap) -> Response {
    answer("index.html", &asked)
}

pub async fn asset(InPath(path): InPath<String>, asked: HeaderMap) -> Response {
    answer(&format!("assets/{path}"), &asked)
}

fn answer(path: &str, asked: &HeaderMap) -> Response {
    let Some(file) = FILES.get_file(path) else {
        let detail = match path {
            "index.html" => "this program was built without the page; the API is at /openapi.json",
            _ => "the page has no such file",
        };
        return Problem::not_found(detail).into_response();
    };
    let tag = TAGS.get(path).map_or("", String::as_str);
    let known = asked.get_all(header::IF_NONE_MATCH).iter();
    let known = known.filter_map(|tags| tags.to_str().ok());
    let is_known = known
        .flat_map(|tags| tags.split(','))
        .any(|known| known.trim().trim_start_matches("W/") == tag);
    let fields = [
        (header::CONTENT_TYPE, media_type(file)),
        // A new version of the program has other files by the same names.
        (header::CACHE_CONTROL, "no-cache"),
        (header::ETAG, tag),
        (header::CONTENT_SECURITY_POLICY, POLICY),
    ];
    match is_known {
        true => (StatusCode::NOT_MODIFIED, fields).into_response(),
        false => (fields, file.contents()).into_response(),
    }
}

fn media_type(file: &File<'_>) -> &'static str {
    let extension = file
        .path()
        .extension()
        .and_then(|extension| extension.to_str());
    match extension {
        Some("html") => "text/html; charset=utf-8",
        Some("js" | "mjs") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("json" | "webmanifest") => "application/json",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("ico") => "image/x-icon",
        Some("woff2") => "font/woff2",
        Some("txt" | "md") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}
