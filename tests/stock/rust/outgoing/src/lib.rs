//! A plugin of tollgate's that reaches beyond the exchange by standard interfaces: requests by the crate wstd, which uses
//! `wasi:http/outgoing-handler`, and state by both drafts of `wasi:keyvalue`.
//!
//! - `/fetch`: sends the request on to the URL in the field `x-url`, body and all, and answers with what came of it.
//! - `/keyvalue/draft`, `/keyvalue/draft2`: uses each function once and answers with what they gave, a line for each.

mod keyvalue;

use tollgate_plugin::{Answer, Plugin, Request, Result, Verdict};
use wstd::http::{Body, Client};
use wstd::runtime::block_on;

#[derive(serde::Deserialize)]
struct Outgoing {}

impl Plugin for Outgoing {
    fn forward_request(&self, request: &mut Request) -> Result<Verdict> {
        match &*request.path() {
            "/fetch" => fetch(request),
            "/keyvalue/draft" => Ok(Answer::new(200).text(keyvalue::draft()).into()),
            "/keyvalue/draft2" => Ok(Answer::new(200).text(keyvalue::draft2()).into()),
            _ => Ok(Verdict::Forward),
        }
    }
}

fn fetch(request: &mut Request) -> Result<Verdict> {
    let url = request.field("x-url").map(|url| url.to_string());
    let body = request.body()?;
    let outgoing = wstd::http::Request::builder()
        .method(&*request.method())
        .uri(url.clone().unwrap_or_default())
        .header("x-by", "wstd")
        .header("x-url", url.clone().unwrap_or_default())
        .body(Body::from(body));
    let answer = block_on(async {
        let response = Client::new().send(outgoing?).await?;
        let status = response.status().as_u16();
        let mut body = response.into_body();
        Ok::<_, wstd::http::Error>((status, body.contents().await?.to_vec()))
    });
    Ok(match answer {
        Ok((status, body)) => Answer::new(status).body(body).into(),
        Err(error) => Answer::new(502).text(format!("{error:?}")).into(),
    })
}

tollgate_plugin::export!(Outgoing);
