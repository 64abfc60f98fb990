//! One guest for `wasi:http` 0.2 that does, well or badly, what the request's field `x-do` says; what stands behind the
//! first comma is for the next standard component in the chain. Without that field the request goes on to
//! `backend.internal` (or to the authority in `x-authority`), and what comes back is the answer.

mod answers;
mod failures;
mod forward;
mod message;

use message::{Exchange, first_line};
use wasip2::exports::http::incoming_handler::Guest;
use wasip2::http::types::{IncomingRequest, ResponseOutparam};

struct Component;

mod export {
    use super::Component;
    wasip2::http::proxy::export!(Component);
}

impl Guest for Component {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let orders = first_line(&request.headers(), "x-do").unwrap_or_default();
        let action = orders.split(',').next().unwrap_or_default().trim();
        let exchange = Exchange { request, out };
        match action {
            "" | "pass" => forward::pass(exchange),
            "twice" => forward::twice(exchange),
            "broken-request" => forward::broken_request(exchange),
            "drop-next" => forward::drop_next(exchange),
            "fetch" => forward::fetch(exchange),
            "hello" => answers::text(exchange, 200, "hello from a stock proxy\n"),
            "deny" => answers::text(exchange, 403, "denied\n"),
            "drop-request" => answers::drop_request(exchange),
            "turns" => answers::turns(exchange),
            "echo" => answers::echo(exchange),
            "late" => answers::late(exchange),
            "trailers" => answers::trailers(exchange),
            "status" => answers::status(exchange),
            "endless" => answers::endless(exchange),
            "error" => failures::error(exchange),
            "trap-before" => failures::trap(),
            "trap-after-next" => failures::trap_after_next(exchange),
            "trap-after-head" => failures::after_head(exchange, failures::trap),
            "loop" => failures::spin(),
            "loop-after-head" => failures::after_head(exchange, failures::spin),
            "hang" => failures::hang(),
            "hang-after-head" => failures::after_head(exchange, failures::hang),
            "no-answer" => drop(exchange.request),
            "give-up" => failures::give_up(exchange),
            "unfinished" => failures::unfinished(exchange),
            "short" => failures::wrong_length(exchange, "100"),
            "long" => failures::wrong_length(exchange, "2"),
            "grow" => failures::grow(),
            other => panic!("no action {other}"),
        }
    }
}
