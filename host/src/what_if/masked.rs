//! What plugins are given masked when an exchange is played.

use crate::record::{Performer, Recorded};

/// The names of the fields of the request and of the backend's answers that are masked, and `target` and `body`; those of answers
/// with `response ` before them. Each once.
pub fn masked(exchange: &Recorded) -> Vec<String> {
    let mut masked = exchange.request.masked();
    for (index, step) in exchange.steps.iter().enumerate() {
        if matches!(step.performer, Performer::Backend { .. })
            && let (_, Some(answer)) = exchange.before(index + 1)
        {
            for name in answer.masked() {
                let name = format!("response {name}");
                if !masked.contains(&name) {
                    masked.push(name);
                }
            }
        }
    }
    masked
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::MASKED;
    use crate::record::sample::{self, backend_step, field, response};

    #[test]
    fn answers_are_told_from_the_request() {
        let mut exchange = sample::exchange();
        assert!(masked(&exchange).is_empty());
        exchange.request.fields.push(field("cookie", MASKED));
        let answer = response(200, vec![field("set-cookie", MASKED)], b"");
        exchange.steps = vec![backend_step(answer.clone()), backend_step(answer)];
        assert_eq!(masked(&exchange), ["cookie", "response set-cookie"]);
    }
}
