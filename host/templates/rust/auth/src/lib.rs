//! Lets in who sends `authorization: Bearer TOKEN`. The backend doesn't see the field.

use tollgate_plugin::{Answer, Plugin, Request, Result, Verdict};

/// The settings.
#[derive(serde::Deserialize)]
struct Auth {
    token: String,
}

impl Plugin for Auth {
    fn forward_request(&self, request: &mut Request) -> Result<Verdict> {
        let expected = format!("Bearer {}", self.token);
        let sent = request.field("authorization");
        if !sent.is_some_and(|sent| same(sent.as_bytes(), expected.as_bytes())) {
            let refusal = Answer::new(401).field("www-authenticate", "Bearer");
            return Ok(refusal.text("token required\n").into());
        }
        request.delete_field("authorization")?;
        Ok(Verdict::Forward)
    }
}

/// Compares in a time that doesn't tell how much of a guess was right.
fn same(a: &[u8], b: &[u8]) -> bool {
    let differing = a.iter().zip(b).fold(0, |bits, (a, b)| bits | (a ^ b));
    a.len() == b.len() && differing == 0
}

tollgate_plugin::export!(Auth);

#[cfg(test)]
mod tests;
