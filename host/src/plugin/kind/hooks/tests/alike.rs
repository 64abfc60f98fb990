//! One guest, driven by chance, in every way in which it can be linked and called: what it does to an exchange, what it is told,
//! and how it fails must be the same.
//!
//! The guest reads a script from a note and calls the host's functions as it says, with places and lengths that are often
//! wrong. What each call wrote for it, and in the end all that the host put into its memory, it keeps in notes.

use std::fmt::Write as _;

use bytes::Bytes;

use super::ways::{self, call_both};
use super::{Body, Exchange};
use crate::config::PluginLimits;
use crate::message::{Fields, Target};

/// Functions that the guest calls: interface, name, what it passes (`s` a place and a length, `n` a number), and what it gets
/// (`p` a result at a place that it names, `i` a number, `-` nothing).
const CALLS: [(&str, &str, &str, char); 31] = [
    ("tollgate:proxy/request@0.1.0", "method", "", 'p'),
    ("tollgate:proxy/request@0.1.0", "set-method", "s", 'p'),
    ("tollgate:proxy/request@0.1.0", "scheme", "", 'p'),
    ("tollgate:proxy/request@0.1.0", "authority", "", 'p'),
    ("tollgate:proxy/request@0.1.0", "set-authority", "s", 'p'),
    ("tollgate:proxy/request@0.1.0", "target", "", 'p'),
    ("tollgate:proxy/request@0.1.0", "set-target", "s", 'p'),
    ("tollgate:proxy/request@0.1.0", "field", "s", 'p'),
    ("tollgate:proxy/request@0.1.0", "field-values", "s", 'p'),
    ("tollgate:proxy/request@0.1.0", "fields", "", 'p'),
    ("tollgate:proxy/request@0.1.0", "set-field", "ss", 'p'),
    ("tollgate:proxy/request@0.1.0", "set-fields", "s", 'p'),
    ("tollgate:proxy/request@0.1.0", "append-field", "ss", 'p'),
    ("tollgate:proxy/request@0.1.0", "delete-field", "s", 'p'),
    ("tollgate:proxy/request@0.1.0", "set-body", "s", '-'),
    ("tollgate:proxy/response@0.1.0", "status", "", 'i'),
    ("tollgate:proxy/response@0.1.0", "set-status", "n", 'p'),
    ("tollgate:proxy/response@0.1.0", "field", "s", 'p'),
    ("tollgate:proxy/response@0.1.0", "fields", "", 'p'),
    ("tollgate:proxy/response@0.1.0", "set-field", "ss", 'p'),
    ("tollgate:proxy/response@0.1.0", "append-field", "ss", 'p'),
    ("tollgate:proxy/response@0.1.0", "delete-field", "s", 'p'),
    ("tollgate:proxy/response@0.1.0", "set-body", "s", '-'),
    ("tollgate:proxy/exchange@0.1.0", "id", "", 'p'),
    ("tollgate:proxy/exchange@0.1.0", "client-address", "", 'p'),
    ("tollgate:proxy/exchange@0.1.0", "note", "s", 'p'),
    ("tollgate:proxy/exchange@0.1.0", "set-note", "ss", '-'),
    ("wasi:config/store@0.2.0-rc.1", "get", "s", 'p'),
    ("wasi:config/store@0.2.0-rc.1", "get-all", "", 'p'),
    ("wasi:logging/logging@0.1.0-draft", "log", "nss", '-'),
    ("wasi:clocks/wall-clock@0.2.0", "resolution", "", 'p'),
];

/// Those that wait; a guest that imports them never runs straight.
const WAITING: [(&str, &str, &str, char); 2] = [
    ("tollgate:proxy/request@0.1.0", "body", "", 'p'),
    ("tollgate:proxy/response@0.1.0", "body", "", 'p'),
];

/// Where the script is in the guest: the first thing that it gets room for.
const SCRIPT: u32 = 0x10000;
/// Bytes of a step: which call, four numbers for it, and the place of its result.
const STEP: u32 = 24;
const END: u32 = 0xff;

fn guest(calls: &[(&str, &str, &str, char)]) -> String {
    let (mut imports, mut cases) = (String::new(), String::new());
    for (number, (interface, name, passes, gets)) in calls.iter().enumerate() {
        let (mut params, mut given, mut at) = (String::new(), String::new(), 4);
        for kind in passes.chars() {
            for _ in 0..if kind == 's' { 2 } else { 1 } {
                params += "i32 ";
                // Numbers come before strings, and there the first of the four is used for both.
                let from = if kind == 'n' { 4 } else { at };
                let _ = write!(given, "(i32.load offset={from} (local.get $at))");
                at += if kind == 's' { 4 } else { 0 };
            }
        }
        if *gets == 'p' {
            params += "i32";
            given += "(global.get $place)";
        }
        let result = if *gets == 'i' { "(result i32)" } else { "" };
        let _ = writeln!(
            imports,
            r#"(import "{interface}" "{name}" (func $f{number} (param {params}) {result}))"#
        );
        let call = format!("(call $f{number} {given})");
        let call = if *gets == 'i' {
            format!("(i32.store (i32.const 1024) {call})")
        } else {
            call
        };
        let _ = writeln!(
            cases,
            "(if (i32.eq (i32.load (local.get $at)) (i32.const {number})) (then {call}))"
        );
    }
    TEMPLATE
        .replace("IMPORTS", &imports)
        .replace("CASES", &cases)
}

const TEMPLATE: &str = r#"(module
  IMPORTS
  (memory (export "memory") 4)
  (global $next (mut i32) (i32.const 65536))
  (global $place (mut i32) (i32.const 1024))
  (global $count (mut i32) (i32.const 0))
  (data (i32.const 16) "forward") (data (i32.const 32) "return") (data (i32.const 48) "kept-")
  (func (export "cabi_realloc") (param $old i32) (param $was i32) (param $align i32) (param $size i32) (result i32)
    (local $at i32)
    (local.set $at (i32.and (i32.add (global.get $next) (i32.sub (local.get $align) (i32.const 1)))
      (i32.sub (i32.const 0) (local.get $align))))
    (global.set $next (i32.add (local.get $at) (local.get $size)))
    (if (i32.gt_u (global.get $next) (i32.const 262144)) (then unreachable))
    (local.get $at))
  (func $keep (param $at i32) (param $len i32)
    (global.set $count (i32.add (global.get $count) (i32.const 1)))
    (i32.store8 (i32.const 52) (i32.add (i32.const 33) (global.get $count)))
    (call $f26 (i32.const 48) (i32.const 5) (local.get $at) (local.get $len)))
  (func $run (param $key i32) (param $len i32) (result i32)
    (local $at i32)
    (global.set $next (i32.const 65536))
    (global.set $count (i32.const 0))
    (call $f25 (local.get $key) (local.get $len) (i32.const 1024))
    (local.set $at (i32.const 65536))
    (block $done
      (loop $more
        (br_if $done (i32.eq (i32.load (local.get $at)) (i32.const 255)))
        (memory.fill (i32.const 1024) (i32.const 0) (i32.const 64))
        (global.set $place (i32.load offset=20 (local.get $at)))
        CASES
        (call $keep (i32.const 1024) (i32.const 64))
        (local.set $at (i32.add (local.get $at) (i32.const 24)))
        (br $more)))
    (call $keep (i32.const 65536) (i32.sub (global.get $next) (i32.const 65536)))
    (i32.load offset=4 (local.get $at)))
  (func (export "tollgate:proxy/interceptor@0.1.0#forward-request") (result i32)
    (call $run (i32.const 16) (i32.const 7)))
  (func (export "tollgate:proxy/interceptor@0.1.0#return-response") (result i32)
    (call $run (i32.const 32) (i32.const 6))))"#;

/// Numbers that are the same for the same seed.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: u32) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 33) as u32 % end
    }

    fn one_in(&mut self, count: u32) -> bool {
        self.below(count) == 0
    }

    fn of<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.below(list.len() as u32) as usize]
    }
}

const WORDS: [&str; 20] = [
    "x-a",
    "X-A",
    "host",
    "content-length",
    "accept",
    "te",
    "a b",
    "",
    "GET",
    "CONNECT",
    "/p?q",
    "no target",
    "a.test:80",
    "u@h",
    "value",
    "v\tw",
    "one",
    "two",
    "forward",
    "\u{fc}\u{20ac}",
];

/// What the steps pass, from this place on: words, then a list of names and values for `set-fields`.
struct Pool {
    bytes: Vec<u8>,
    /// Where the words are.
    words: Vec<(u32, u32)>,
    /// Where there are bytes that are no text.
    odd: u32,
    list: u32,
}

impl Pool {
    fn new(chance: &mut Chance, start: u32) -> Self {
        let mut bytes = Vec::new();
        let mut add = |word: &[u8]| {
            let at = start + bytes.len() as u32;
            bytes.extend_from_slice(word);
            (at, word.len() as u32)
        };
        let words: Vec<_> = WORDS.iter().map(|word| add(word.as_bytes())).collect();
        let (odd, len) = add(b"\xff\xfe\r\n");
        let list = (odd + len).next_multiple_of(4);
        bytes.resize((list - start) as usize, 0);
        for _ in 0..4 {
            for (at, len) in [chance.of(&words), chance.of(&words)] {
                bytes.extend([at, len].map(u32::to_le_bytes).concat());
            }
        }
        Self {
            bytes,
            words,
            odd,
            list,
        }
    }
}

/// Steps, the result of the hook, and behind them the words that they pass.
fn script(chance: &mut Chance, calls: usize) -> Vec<u8> {
    let steps = 1 + chance.below(12);
    let pool = Pool::new(chance, SCRIPT + (steps + 3) * STEP);
    let mut numbers = Vec::new();
    for _ in 0..steps {
        let number = chance.below(calls as u32);
        let set_fields = number == 11;
        let mut pair = || match chance.below(60) {
            0 => (chance.below(u32::MAX), chance.below(u32::MAX)),
            1 => (pool.odd, chance.below(5)),
            2 => (0x40000 - 2, chance.below(4)),
            _ if set_fields => (pool.list, chance.below(5)),
            _ => chance.of(&pool.words),
        };
        let (mut one, other) = (pair(), pair());
        if ["n", "nss"].contains(&CALLS.get(number as usize).map_or("", |call| call.2))
            && !chance.one_in(4)
        {
            one.0 = chance.of(&[200, 404, 599, 0, 3, 5, 65736]);
        }
        let place = match chance.below(60) {
            0 => chance.below(u32::MAX),
            1 => 1025,
            2 => 0x40000 - 4,
            _ => 1024,
        };
        numbers.extend([number, one.0, one.1, other.0, other.1, place]);
    }
    let result = SCRIPT + (steps + 1) * STEP;
    let at = if chance.one_in(20) {
        chance.below(u32::MAX)
    } else {
        result
    };
    numbers.extend([END, at, 0, 0, 0, 0]);
    let kind = if chance.one_in(20) {
        chance.below(256)
    } else {
        u32::from(chance.one_in(5))
    };
    let text = chance.of(&pool.words);
    let payload = if kind == 0 {
        (chance.below(2), 0)
    } else {
        text
    };
    numbers.extend([kind, payload.0, payload.1]);
    numbers.resize((steps + 3) as usize * STEP as usize / 4, 0);
    let mut bytes: Vec<u8> = numbers.into_iter().flat_map(u32::to_le_bytes).collect();
    bytes.extend(pool.bytes);
    bytes
}

fn exchange(seed: u64, calls: usize) -> Exchange {
    let mut chance = Chance(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let mut exchange = Exchange::blank();
    exchange.request.target = Target::new(b"/start?x=1").unwrap();
    for fields in [&mut exchange.request.fields, &mut exchange.response.fields] {
        for _ in 0..chance.below(6) {
            let name = chance.of(&["x-a", "Accept", "etag", "X-B", "content-encoding", "digest"]);
            fields.append(
                name,
                chance.of(&["1", "\"tag\"", "long value of a field", ""]),
            );
        }
    }
    if chance.one_in(2) {
        exchange.request_body = Body::Arrived(Bytes::from_static(b"the request's body"));
    }
    exchange
        .notes
        .set("forward".to_owned(), script(&mut chance, calls));
    exchange
        .notes
        .set("return".to_owned(), script(&mut chance, calls));
    exchange
}

fn told(fields: &Fields) -> String {
    let lines = fields
        .iter()
        .map(|(name, value)| format!("{name:?}: {:?}\n", Bytes::copy_from_slice(value)));
    lines.collect()
}

/// All that can be seen of an exchange.
fn described(exchange: &Exchange) -> String {
    let Exchange {
        request, response, ..
    } = exchange;
    format!(
        "{} {}\n{}{:?}\n\n{} {:?}\n{}{:?}\n\n{:?}",
        request.method,
        request.target.as_str(),
        told(&request.fields),
        exchange.request_body,
        response.status,
        response.reason,
        told(&response.fields),
        exchange.response_body,
        exchange.notes,
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn chance_finds_no_difference() {
    let waiting: Vec<_> = CALLS.into_iter().chain(WAITING).collect();
    for calls in [&CALLS[..], &waiting] {
        let text = guest(calls);
        let limits = PluginLimits::default();
        let ways: Vec<_> = ways::all()
            .into_iter()
            .map(|way| (way.plugin(&text, limits), way.name))
            .collect();
        assert!(
            ways.iter()
                .all(|(plugin, _)| plugin.can_wait() == (calls.len() > CALLS.len()))
        );
        let (mut well, mut trapped) = (0, std::collections::BTreeSet::new());
        for seed in 1..=400 {
            let mut first = None;
            for (plugin, name) in &ways {
                let (exchange, forward, back) =
                    call_both(plugin, exchange(seed, calls.len())).await;
                let seen = format!("{forward:?} {back:?}\n{}", described(&exchange));
                well += usize::from(forward.is_ok() && back.is_ok());
                if let Err(error) = forward {
                    trapped.insert(
                        error
                            .to_string()
                            .split(['0', ' '])
                            .take(6)
                            .collect::<Vec<_>>()
                            .join(" "),
                    );
                }
                let first = first.get_or_insert_with(|| seen.clone());
                assert_eq!(&seen, first, "seed {seed}, {name}");
            }
        }
        // Chance must reach both what goes well and what does not.
        assert!(well > 100, "{well}");
        assert!(trapped.len() > 5, "{trapped:?}");
    }
}
