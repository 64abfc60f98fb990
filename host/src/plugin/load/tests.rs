//! Whole files through [`super::load`]: every kind that is accepted, every way to miss the contract, every prefix.

mod damage;
mod versions;

use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

use super::*;
use crate::plugin::kind::PluginKind;
use crate::plugin::kind::wasi_http::StandardWorld;

/// A plugin by hand: imports one function, needs no `cabi_realloc`, keeps its text in a data segment.
const BY_HAND: &str = r#"(module
  (import "tollgate:proxy/request@0.1.0" "set-body" (func $set_body (param i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 8) "by hand")
  (func (export "tollgate:proxy/interceptor@0.1.0#forward-request") (result i32)
    (call $set_body (i32.const 8) (i32.const 7))
    (i32.const 128))
  (func (export "tollgate:proxy/interceptor@0.1.0#return-response") (result i32)
    (i32.const 128)))"#;

const REALLOC: &str =
    r#"(func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))"#;

/// The body of a module whose hooks are named as given and do nothing.
fn hooks(first: &str, second: &str) -> String {
    let hook = |name: &str| format!("(func (export \"{name}\") (result i32) (i32.const 128))");
    format!(
        "(memory (export \"memory\") 1) {} {}",
        hook(first),
        hook(second)
    )
}

fn ours(function: &str) -> String {
    format!("tollgate:proxy/interceptor@0.1.0#{function}")
}

fn plain_hooks() -> String {
    hooks(&ours("forward-request"), &ours("return-response"))
}

fn assemble(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap()
}

/// A core module with the description that wit-bindgen would embed, made from WIT of the test's own.
fn described(text: &str, wit: &[&str], world: &str) -> Vec<u8> {
    let mut resolve = Resolve::default();
    let mut package = None;
    for (number, wit) in wit.iter().enumerate() {
        package = Some(resolve.push_source(&format!("{number}.wit"), wit).unwrap());
    }
    let world = resolve
        .select_world(&[package.unwrap()], Some(world))
        .unwrap();
    let mut module = assemble(text);
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
    module
}

fn component(text: &str, wit: &[&str], world: &str) -> Vec<u8> {
    let module = described(text, wit, world);
    ComponentEncoder::default()
        .validate(true)
        .module(&module)
        .unwrap()
        .encode()
        .unwrap()
}

/// A package like ours, with one deviation in the test's favour.
fn contract_like(version: &str, request: &str, interceptor: &str, world: &str) -> String {
    format!(
        "package tollgate:proxy@{version};
         interface types {{ variant field-error {{ invalid-name(string), invalid-value(string),
             owned-by-host(string), too-many }} }}
         interface request {{ use types.{{field-error}}; {request} }}
         interface background {{ tick: func(); }}
         interface interceptor {{ enum verdict {{ forward, respond }} {interceptor} }}
         world plugin {{ {world} export interceptor; }}"
    )
}

const HOOKS: &str = "forward-request: func() -> result<verdict, string>; return-response: func() -> result<_, string>;";

fn refusal(bytes: &[u8]) -> LoadError {
    load(bytes.to_vec())
        .map(|loaded| loaded.source)
        .unwrap_err()
}

#[test]
fn accepts_every_form_of_a_plugin() {
    let module = assemble(BY_HAND);
    let from_text = load(BY_HAND.into()).unwrap();
    assert_eq!(
        (from_text.source, from_text.may_be_prefix),
        (SourceKind::Wat, false)
    );
    assert_eq!(from_text.hash, ContentHash::of(BY_HAND.as_bytes()));
    let from_module = load(module.clone()).unwrap();
    assert_eq!(
        (from_module.source, from_module.may_be_prefix),
        (SourceKind::CoreModule, true)
    );
    assert_eq!(from_module.component, from_text.component);
    let from_component = load(from_module.component.clone()).unwrap();
    assert_eq!(
        (from_component.source, from_component.may_be_prefix),
        (SourceKind::Component, false)
    );
    assert_eq!(from_component.kind.to_string(), "tollgate:proxy@0.1");

    let found = interfaces(&from_component.component).unwrap();
    assert_eq!(found.imports, ["tollgate:proxy/request@0.1.0"]);
    assert_eq!(found.exports, ["tollgate:proxy/interceptor@0.1.0"]);
}

#[test]
fn a_module_that_needs_nothing_imports_nothing() {
    let loaded = load(format!("(module {})", plain_hooks()).into()).unwrap();
    assert_eq!(
        interfaces(&loaded.component).unwrap().imports,
        [] as [&str; 0]
    );
}

#[test]
fn accepts_the_newer_core_names() {
    let name = |function: &str| format!("cm32p2|tollgate:proxy/interceptor@0.1|{function}");
    let body = hooks(&name("forward-request"), &name("return-response"))
        .replace("\"memory\"", "\"cm32p2_memory\"");
    load(format!("(module {body})").into()).unwrap();
}

#[test]
fn links_the_adapter_for_wasi_preview_1() {
    let text = format!(
        r#"(module (import "wasi_snapshot_preview1" "random_get" (func (param i32 i32) (result i32)))
           (global $next (mut i32) (i32.const 1024))
           (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
             (global.get $next) (global.set $next (i32.add (global.get $next) (local.get 3))))
           {})"#,
        plain_hooks().replace(
            "(memory (export \"memory\") 1)",
            "(memory (export \"memory\") 4)"
        )
    );
    let loaded = load(assemble(&text)).unwrap();
    assert_eq!(loaded.source, SourceKind::CoreModuleWasip1);
    let imports = interfaces(&loaded.component).unwrap().imports;
    assert!(
        imports
            .iter()
            .any(|name| name.starts_with("wasi:random/random@0.2.")),
        "{imports:?}"
    );
}

#[test]
fn accepts_a_later_patch_version_and_further_exports() {
    let wit = contract_like("0.1.9", "", HOOKS, "export more: func();");
    let text = format!(
        "(module {} (func (export \"more\")))",
        plain_hooks().replace("0.1.0", "0.1.9")
    );
    let made = component(&text, &[&wit], "plugin");
    assert_eq!(interfaces(&made).unwrap().exports.len(), 2);
    load(made).unwrap();
}

#[test]
fn a_type_that_differs_is_named_with_its_place() {
    let import = "(module (import \"tollgate:proxy/request@0.1.0\" \"set-field\" \
                  (func (param i32 i32 i32 i32 i32)))";
    let cases = [
        (
            "set-field: func(name: string, value: string) -> result<_, field-error>;",
            HOOKS,
            "function `set-field` of `tollgate:proxy/request@0.1.0` has another type than in this host's contract: type \
             mismatch in function parameter `value`: expected list, found string",
        ),
        (
            "set-field: func(key: string, value: list<u8>) -> result<_, field-error>;",
            HOOKS,
            "expected parameter named `name`, found `key`",
        ),
        (
            "set-field: func(name: string, value: list<u8>) -> result<_, field-error>;",
            "forward-request: func() -> result<verdict, u32>; return-response: func() -> result<_, string>;",
            "function `forward-request` of `tollgate:proxy/interceptor@0.1.0` has another type",
        ),
    ];
    for (request, interceptor, expected) in cases {
        let wit = contract_like("0.1.0", request, interceptor, "import request;");
        let made = component(
            &format!("{import} {REALLOC} {})", plain_hooks()),
            &[&wit],
            "plugin",
        );
        let error = refusal(&made);
        assert!(error.to_string().contains(expected), "{error}");
        assert!(matches!(error, LoadError::TypeMismatch { .. }) && !error.could_be_incomplete());
    }
}

#[test]
fn a_function_that_one_side_lacks_is_named() {
    let wit = contract_like("0.1.5", "peek: func();", HOOKS, "import request;");
    let text = format!(
        "(module (import \"tollgate:proxy/request@0.1.5\" \"peek\" (func)) {})",
        plain_hooks()
    );
    let error = refusal(&component(
        &text.replace("@0.1.0", "@0.1.5"),
        &[&wit],
        "plugin",
    ));
    assert!(
        matches!(&error, LoadError::MissingImport { function, .. } if function == "peek"),
        "{error}"
    );

    let wit = contract_like(
        "0.1.0",
        "",
        "forward-request: func() -> result<verdict, string>;",
        "",
    );
    let error = refusal(&component(
        &format!("(module {})", plain_hooks()),
        &[&wit],
        "plugin",
    ));
    assert!(
        matches!(&error, LoadError::MissingExport { function, .. } if function == "return-response"),
        "{error}"
    );

    let by_name = format!(
        "(module {})",
        hooks(&ours("forward-request"), "return-response")
    );
    let error = refusal(&assemble(&by_name));
    assert!(
        matches!(&error, LoadError::MissingExport { function, .. } if function == "return-response"),
        "{error}"
    );
}

#[test]
fn unknown_imports_are_all_named() {
    let others = [
        "package acme:db@1.0.0; interface kv { get: func(); }",
        "package wasi:logging@0.1.0; interface logging { log: func(); }",
        "package wasi:http@0.3.0; interface client { send: func(); }",
        "package wasi:io@0.3.0; interface poll { poll: func(); }",
    ];
    let world = "import background; import acme:db/kv@1.0.0; import wasi:logging/logging@0.1.0;
                 import wasi:http/client@0.3.0; import wasi:io/poll@0.3.0; import free: func();";
    let wit = contract_like("0.1.0", "", HOOKS, world);
    let import = |module: &str, name: &str| format!("(import \"{module}\" \"{name}\" (func))");
    let imports = [
        import("tollgate:proxy/background@0.1.0", "tick"),
        import("acme:db/kv@1.0.0", "get"),
        import("wasi:logging/logging@0.1.0", "log"),
        import("wasi:http/client@0.3.0", "send"),
        import("wasi:io/poll@0.3.0", "poll"),
        import("$root", "free"),
    ];
    let text = format!("(module {} {})", imports.concat(), plain_hooks());
    let wits: Vec<&str> = others.iter().copied().chain([wit.as_str()]).collect();
    let error = refusal(&component(&text, &wits, "plugin"));
    let said = error.to_string();
    for expected in [
        "`tollgate:proxy/background@0.1.0` (the contract declares it, but this host does not serve it yet)",
        "`acme:db/kv@1.0.0` (which this host does not have)",
        "`wasi:logging/logging@0.1.0` (this host has `wasi:logging/logging@0.1.0-draft`)",
        "`wasi:http/client@0.3.0` (of wasi:http this host has types and outgoing-handler in version 0.2)",
        "`wasi:io/poll@0.3.0` (this host has version 0.2)",
        "`free` (imports must be interfaces with a package)",
        "may import tollgate:proxy/{state,client,backends,request,response,exchange,body-sink,timer,metrics,websocket}",
    ] {
        assert!(said.contains(expected), "{said}");
    }
}

#[test]
fn a_bare_module_is_told_of_its_imports_by_name() {
    let cases = [
        (
            "acme:db/kv@1.0.0",
            "the plugin imports `acme:db/kv@1.0.0` (which this host does not have)",
        ),
        (
            "env",
            "the plugin imports `env.x` (no part of the build defines it,",
        ),
        ("tollgate:proxy/background@0.1.0", "does not serve it yet"),
        (
            "tollgate:proxy/request@0.1.7",
            "by these very names, and it imports `tollgate:proxy/request@0.1.7`",
        ),
        (
            "wasi:random/insecure@0.2.0",
            "it imports `wasi:random/insecure@0.2.0`",
        ),
    ];
    for (module, expected) in cases {
        let text = format!(
            "(module (import \"{module}\" \"x\" (func)) {})",
            plain_hooks()
        );
        let error = refusal(text.as_bytes());
        assert!(error.to_string().contains(expected), "{error}");
    }
}

#[test]
fn a_bare_module_may_ask_for_time_and_chance() {
    let imports = r#"
        (import "wasi:random/random@0.2.0" "get-random-u64" (func (result i64)))
        (import "wasi:random/random@0.2.0" "get-random-bytes" (func (param i64 i32)))
        (import "wasi:clocks/wall-clock@0.2.0" "now" (func (param i32)))"#;
    let text = format!("(module {imports} {REALLOC} {})", plain_hooks());
    let loaded = load(text.into_bytes()).unwrap();
    assert_eq!(
        interfaces(&loaded.component).unwrap().imports,
        ["wasi:clocks/wall-clock@0.2.0", "wasi:random/random@0.2.0"]
    );
}

#[test]
fn standard_components_are_told_by_what_they_export_and_import() {
    let cases = [
        ("0.2.6", "incoming-handler", "", StandardWorld::Proxy),
        ("0.3.0", "handler", "", StandardWorld::Service),
        (
            "0.3.2",
            "handler",
            "import handler;",
            StandardWorld::Middleware,
        ),
    ];
    for (version, interface, import, expected) in cases {
        let wit = format!(
            "package wasi:http@{version}; interface {interface} {{ handle: func(); }} \
             world stock {{ {import} export {interface}; }}"
        );
        let name = format!("wasi:http/{interface}@{version}");
        let mut text = format!("(func (export \"{name}#handle\"))");
        if !import.is_empty() {
            text.insert_str(0, &format!("(import \"{name}\" \"handle\" (func))"));
        }
        let bytes = component(&format!("(module {text})"), &[&wit], "stock");
        assert_eq!(
            load(bytes).unwrap().kind,
            PluginKind::Standard(expected),
            "{name}"
        );
    }
}

#[test]
fn what_is_no_plugin_is_told_what_it_is() {
    let http = "package wasi:http@0.3.0-rc-1; interface handler { handle: func(); } \
                world service { export handler; }";
    let handler = "(module (func (export \"wasi:http/handler@0.3.0-rc-1#handle\")))";
    let cases: Vec<(Vec<u8>, &str)> = vec![
        (
            component(handler, &[http], "service"),
            "for another version of wasi:http: it exports `wasi:http/handler@0.3.0-rc-1`",
        ),
        (
            component("(module)", &["package a:b; world w {}"], "w"),
            "the component exports nothing",
        ),
        (
            assemble("(module (func (export \"run\")))"),
            "without a component-type section",
        ),
        (
            assemble("(module (func (export \"run\")))"),
            "exports `run`; a plugin exports tollgate:proxy/interceptor@0.1.0",
        ),
        (
            assemble("(module (func (export \"_start\")))"),
            "a program with a `main`",
        ),
        (
            assemble("(module (func (export \"proxy_abi_version_0_2_1\")))"),
            "proxy-wasm",
        ),
    ];
    for (bytes, expected) in cases {
        let error = refusal(&bytes);
        assert!(error.to_string().contains(expected), "{error}");
    }
}
