//! What fails, fails in the same words whichever way a plugin is linked and called.

use std::time::Duration;

use super::Exchange;
use super::ways::{self, call_both};
use crate::config::PluginLimits;

/// A guest with this function `$go` as its first hook, `$allocate` behind its `cabi_realloc`, and whatever more. It has names for
/// everything that the tests call.
fn guest(go: &str, allocate: &str, more: &str) -> String {
    format!(
        r#"(module
  (import "tollgate:proxy/request@0.1.0" "set-field"
    (func $set (param i32 i32 i32 i32 i32)))
  (import "tollgate:proxy/request@0.1.0" "set-fields" (func $set_all (param i32 i32 i32)))
  (import "tollgate:proxy/request@0.1.0" "target" (func $target (param i32)))
  (import "tollgate:proxy/request@0.1.0" "fields" (func $fields (param i32)))
  (import "tollgate:proxy/response@0.1.0" "status" (func $status (result i32)))
  (import "tollgate:proxy/exchange@0.1.0" "set-note" (func $note (param i32 i32 i32 i32)))
  (import "wasi:logging/logging@0.1.0-draft" "log"
    (func $log (param i32 i32 i32 i32 i32)))
  (memory (export "memory") 1)
  (global $calls (mut i32) (i32.const 0))
  (data (i32.const 16) "x-name") (data (i32.const 32) "value") (data (i32.const 48) "\ff\fe")
  (func $allocate (param $old i32) (param $old_size i32) (param $align i32) (param $size i32) (result i32) {allocate})
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (call $allocate (local.get 0) (local.get 1) (local.get 2) (local.get 3)))
  (func $go (result i32) {go})
  (func (export "tollgate:proxy/interceptor@0.1.0#forward-request") (result i32)
    (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
    (call $go))
  (func (export "tollgate:proxy/interceptor@0.1.0#return-response") (result i32)
    (i32.store8 (i32.const 128) (i32.const 0)) (i32.const 128))
  {more})"#
    )
}

/// Calls such a guest in every way; the hook must end with these words in each.
async fn ends(words: &str, go: &str, allocate: &str, more: &str) {
    let mut first = None;
    for way in ways::all() {
        let limits = PluginLimits {
            deadline: Duration::from_millis(50),
            memory: 2 << 20,
            ..PluginLimits::default()
        };
        let plugin = way.plugin(&guest(go, allocate, more), limits);
        let (_, forward, _) = call_both(&plugin, Exchange::blank()).await;
        let said = match forward {
            Ok(verdict) => format!("{verdict:?}"),
            Err(error) => error.to_string(),
        };
        assert!(said.contains(words), "{}: {said}, not {words}", way.name);
        // Not only the words that are asked for.
        let first = first.get_or_insert_with(|| said.clone());
        assert_eq!(&said, first, "{}", way.name);
    }
}

const FINE: &str = "(i32.store8 (i32.const 128) (i32.const 0)) (i32.const 128)";
const ROOM: &str = "(i32.const 4096)";

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_that_traps_or_takes_too_much() {
    ends(
        "wasm `unreachable` instruction executed",
        "unreachable",
        ROOM,
        "",
    )
    .await;
    ends(
        "took more than 50 ms of CPU time",
        "(loop (br 0)) unreachable",
        ROOM,
        "",
    )
    .await;
    let grow = "(loop (br_if 0 (i32.ne (memory.grow (i32.const 8)) (i32.const -1)))) unreachable";
    ends("wanted more than 2097152 bytes of memory", grow, ROOM, "").await;
    ends("call stack exhausted", "(call $go)", ROOM, "").await;
    let past = "(i32.load (i32.const -4))";
    ends("out of bounds memory access", past, ROOM, "").await;
    let note = "(drop (memory.grow (i32.const 20)))
        (call $note (i32.const 0x10000) (i32.const 0xc0000) (i32.const 0x10000) (i32.const 0xc0000)) unreachable";
    ends("the notes of one exchange may take", note, ROOM, "").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn strings_and_lists_that_are_none() {
    let set = |name: &str, value: &str, at: u32| {
        format!("(call $set {name} {value} (i32.const {at})) {FINE}")
    };
    let (name, value) = (
        "(i32.const 16) (i32.const 6)",
        "(i32.const 32) (i32.const 5)",
    );
    ends("Forward", &set(name, value, 64), ROOM, "").await;
    ends(
        "invalid utf-8 sequence",
        &set("(i32.const 48) (i32.const 2)", value, 64),
        ROOM,
        "",
    )
    .await;
    for bad in [
        "(i32.const -1) (i32.const 5)",
        "(i32.const 16) (i32.const -1)",
        "(i32.const 65536) (i32.const 1)",
    ] {
        ends(
            "string pointer/length out of bounds of memory",
            &set(bad, value, 64),
            ROOM,
            "",
        )
        .await;
        ends(
            "list pointer/length out of bounds of memory",
            &set(name, bad, 64),
            ROOM,
            "",
        )
        .await;
    }
    ends(
        "Forward",
        &set(
            "(i32.const 65530) (i32.const 6)",
            "(i32.const 65536) (i32.const 0)",
            64,
        ),
        ROOM,
        "",
    )
    .await;
    ends("pointer not aligned", &set(name, value, 65), ROOM, "").await;
    ends("pointer out of bounds", &set(name, value, 65532), ROOM, "").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn more_lists_and_numbers_that_are_none() {
    let all = |at: &str, len: &str| {
        format!("(call $set_all (i32.const {at}) (i32.const {len}) (i32.const 64)) {FINE}")
    };
    ends("list pointer is not aligned", &all("17", "1"), ROOM, "").await;
    ends(
        "list pointer/length out of bounds of memory",
        &all("16", "0x10000000"),
        ROOM,
        "",
    )
    .await;
    ends(
        "list pointer/length out of bounds of memory",
        &all("65536", "1"),
        ROOM,
        "",
    )
    .await;
    let log = |level: u32| {
        format!(
            "(call $log (i32.const {level}) (i32.const 16) (i32.const 1) (i32.const 16) (i32.const 1)) {FINE}"
        )
    };
    ends("unexpected discriminant: 6", &log(6), ROOM, "").await;
    // The same bytes many times are little in the guest and much in the host.
    let much = "(local $at i32) (local.set $at (i32.const 1024))
        (loop
          (i32.store offset=4 (local.get $at) (i32.const 0))
          (i32.store offset=8 (local.get $at) (i32.const 0))
          (i32.store offset=12 (local.get $at) (i32.const 65536))
          (local.set $at (i32.add (local.get $at) (i32.const 16)))
          (br_if 0 (i32.lt_u (local.get $at) (i32.const 65520))))
        (call $set_all (i32.const 1024) (i32.const 4000) (i32.const 64)) unreachable";
    ends(
        "too much data is being copied between the host and the guest",
        much,
        ROOM,
        "",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_that_is_none() {
    let result = |bytes: &str, at: u32| {
        format!(
            r#"(memory.copy (i32.const 128) (i32.const 256) (i32.const 12)) (i32.const {at})) (data (i32.const 256) "{bytes}") (func (result i32) (i32.const 0)"#
        )
    };
    ends("Forward", &result("\\00", 128), ROOM, "").await;
    ends("Respond", &result("\\00\\07\\07\\07\\01", 128), ROOM, "").await;
    ends(
        "returned an error: x-name",
        &result("\\01\\00\\00\\00\\10\\00\\00\\00\\06\\00\\00\\00", 128),
        ROOM,
        "",
    )
    .await;
    ends(
        "invalid expected discriminant",
        &result("\\02", 128),
        ROOM,
        "",
    )
    .await;
    ends(
        "unexpected discriminant: 2",
        &result("\\00\\00\\00\\00\\02", 128),
        ROOM,
        "",
    )
    .await;
    ends(
        "string pointer/length out of bounds of memory",
        &result("\\01\\00\\00\\00\\ff\\ff\\ff\\ff\\01", 128),
        ROOM,
        "",
    )
    .await;
    ends(
        "invalid utf-8 sequence",
        &result("\\01\\00\\00\\00\\30\\00\\00\\00\\02", 128),
        ROOM,
        "",
    )
    .await;
    for misaligned in [129, 130, 65537] {
        ends(
            "return pointer not aligned",
            &result("\\00", misaligned),
            ROOM,
            "",
        )
        .await;
    }
    for outside in [65536, 65528, 0xffff_fffc] {
        ends(
            "pointer out of bounds of memory",
            &result("\\00", outside),
            ROOM,
            "",
        )
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn room_that_is_none() {
    let target = format!("(call $target (i32.const 64)) {FINE}");
    ends("Forward", &target, ROOM, "").await;
    ends(
        "wasm `unreachable` instruction executed",
        &target,
        "unreachable",
        "",
    )
    .await;
    ends(
        "realloc return: beyond end of memory",
        &target,
        "(i32.const 65536)",
        "",
    )
    .await;
    ends(
        "realloc return: beyond end of memory",
        &target,
        "(i32.const -1)",
        "",
    )
    .await;
    // It is at the very end, and grows meanwhile.
    ends("Forward", &target, "(i32.const 65535)", "").await;
    ends("Forward", &target, "(i32.sub (i32.shl (i32.add (memory.grow (i32.const 1)) (i32.const 1)) (i32.const 16)) (i32.const 1))", "").await;
    let fields = format!(
        "(call $set (i32.const 16) (i32.const 6) (i32.const 32) (i32.const 5) (i32.const 64)) (call $fields (i32.const 64)) {FINE}"
    );
    ends(
        "realloc return: result not aligned",
        &fields,
        "(i32.const 4097)",
        "",
    )
    .await;
    ends(
        "cannot leave component instance",
        &target,
        "(drop (call $status)) (i32.const 4096)",
        "",
    )
    .await;
    ends("cannot leave component instance", &target, "(call $set (i32.const 16) (i32.const 6) (i32.const 32) (i32.const 5) (i32.const 64)) (i32.const 4096)", "").await;
    ends(
        "took more than 50 ms of CPU time",
        &target,
        "(loop (br 0)) unreachable",
        "",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_given_is_freed_once_it_was_read() {
    let post = |body: &str| {
        format!(
            r#"(func (export "cabi_post_tollgate:proxy/interceptor@0.1.0#forward-request") (param i32) {body})"#
        )
    };
    ends(
        "wasm `unreachable` instruction executed",
        FINE,
        ROOM,
        &post("unreachable"),
    )
    .await;
    ends(
        "cannot leave component instance",
        FINE,
        ROOM,
        &post("(drop (call $status))"),
    )
    .await;
    // It is given the place, and what stands there was read before.
    ends("Forward", FINE, ROOM, &post("(i32.store8 (local.get 0) (i32.const 9)) (if (i32.ne (local.get 0) (i32.const 128)) (then unreachable))")).await;
    let counting = "(i32.store8 (i32.const 132) (i32.eq (global.get $freed) (i32.const 3))) (i32.store8 (i32.const 128) (i32.const 0)) (i32.const 128)";
    let count = post("(global.set $freed (i32.add (global.get $freed) (i32.const 1)))")
        + "(global $freed (mut i32) (i32.const 0))";
    for way in ways::all() {
        let plugin = way.plugin(&guest(counting, ROOM, &count), PluginLimits::default());
        let mut verdicts = Vec::new();
        for _ in 0..5 {
            let (_, forward, back) = call_both(&plugin, Exchange::blank()).await;
            back.unwrap();
            verdicts.push(format!("{:?}", forward.unwrap()));
        }
        let expected = ["Forward", "Forward", "Forward", "Respond", "Forward"];
        assert_eq!(verdicts, expected, "{}", way.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_starts_before_its_first_call() {
    let start = |body: &str| format!("(func $start {body}) (start $start)");
    let initialize = |body: &str| format!(r#"(func (export "_initialize") {body})"#);
    let answer = "(i32.store8 (i32.const 132) (global.get $calls)) (i32.store8 (i32.const 128) (i32.const 0)) (i32.const 128)";
    // The first call makes it 1.
    ends("Respond", answer, ROOM, "").await;
    let zero = "(global.set $calls (i32.const -1))";
    ends("Forward", answer, ROOM, &start(zero)).await;
    ends("Forward", answer, ROOM, &initialize(zero)).await;
    ends(
        "trapped: wasm trap: wasm `unreachable` instruction executed",
        FINE,
        ROOM,
        &start("unreachable"),
    )
    .await;
    ends(
        "trapped: wasm trap: wasm `unreachable` instruction executed",
        FINE,
        ROOM,
        &initialize("unreachable"),
    )
    .await;
    ends(
        "took more than 50 ms",
        FINE,
        ROOM,
        &initialize("(loop (br 0))"),
    )
    .await;
    // A start function has no strings to pass yet, but numbers.
    ends(
        "Forward",
        FINE,
        ROOM,
        &start("(if (i32.ne (call $status) (i32.const 200)) (then unreachable))"),
    )
    .await;
    ends(
        "uninitialized element",
        FINE,
        ROOM,
        &start("(call $target (i32.const 64))"),
    )
    .await;
    ends("Forward", FINE, ROOM, &initialize("(call $target (i32.const 64)) (if (i32.ne (i32.load (i32.const 64)) (i32.const 4096)) (then unreachable))")).await;
}

/// What it had in memory is gone with an instance that trapped; one that returned an error serves on.
#[tokio::test(flavor = "multi_thread")]
async fn an_instance_is_replaced_after_a_trap_alone() {
    let go = "(if (i32.eq (global.get $calls) (i32.const 3)) (then unreachable))
        (i32.store8 (i32.const 132) (i32.const 0)) (i32.store8 (i32.const 128) (i32.eq (global.get $calls) (i32.const 2)))
        (i32.store8 (i32.const 136) (i32.const 0)) (i32.const 128)";
    for way in ways::all() {
        let plugin = way.plugin(&guest(go, ROOM, ""), PluginLimits::default());
        let mut ended = Vec::new();
        for _ in 0..5 {
            let (_, forward, _) = call_both(&plugin, Exchange::blank()).await;
            ended.push(
                forward.map_err(|error| error.to_string().split(':').next().unwrap().to_owned()),
            );
        }
        use crate::interceptor::Verdict::Forward;
        let expected = [
            Ok(Forward),
            Err("returned an error".to_owned()),
            Err("trapped".to_owned()),
            Ok(Forward),
            Err("returned an error".to_owned()),
        ];
        assert_eq!(ended, expected, "{}", way.name);
        assert_eq!(plugin.replaced().count, 1, "{}", way.name);
    }
}
