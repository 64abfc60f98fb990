//! Which way a plugin is linked, and why.

use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::abi::{AbiVariant, WasmType};

use super::{CONTRACTS, REALLOC, field, host, hosts, one, prepare, run, two, v0_2};
use crate::plugin::kind::hooks::{Contracts, v0_1};
use crate::plugin::kind::linking::Linking;

fn linking(file: &[u8]) -> String {
    let host = host(CONTRACTS, None);
    let guest = prepare(&host, "p", file).unwrap().guest;
    guest.linking().unwrap().to_string()
}

/// A component of this module, as tools make one, with strings in this encoding.
fn component(module: &str, encoding: StringEncoding) -> Vec<u8> {
    let wit = v0_1::CONTRACT.wit.parsed();
    let mut module = wat::parse_str(module).unwrap();
    embed_component_metadata(&mut module, &wit.resolve, wit.world, encoding).unwrap();
    let encoder = ComponentEncoder::default().validate(true);
    encoder.module(&module).unwrap().encode().unwrap()
}

const HOOKS: &str = r#"
  (func (export "tollgate:proxy/interceptor@0.1.0#forward-request") (result i32) (i32.const 128))
  (func (export "tollgate:proxy/interceptor@0.1.0#return-response") (result i32) (i32.const 128))"#;

#[tokio::test(flavor = "multi_thread")]
async fn one_module_is_linked_directly_however_it_comes() {
    let directly = "directly: it is one core module";
    for file in [one(), two(), format!("(module {REALLOC} {HOOKS})")] {
        assert_eq!(linking(file.as_bytes()), directly);
    }
    assert_eq!(linking(&wat::parse_str(one()).unwrap()), directly);
    assert_eq!(linking(&component(&one(), StringEncoding::UTF8)), directly);
    let newer = one()
        .replace(
            "tollgate:proxy/request@0.1.0\"",
            "cm32p2|tollgate:proxy/request@0.1\"",
        )
        .replace(
            "tollgate:proxy/response@0.1.0\"",
            "cm32p2|tollgate:proxy/response@0.1\"",
        )
        .replace(
            "tollgate:proxy/interceptor@0.1.0#",
            "cm32p2|tollgate:proxy/interceptor@0.1|",
        )
        .replace("\"memory\"", "\"cm32p2_memory\"")
        .replace("\"cabi_realloc\"", "\"cm32p2_realloc\"")
        .replace(
            "(memory (export",
            "(func (export \"cm32p2_initialize\")) (memory (export",
        );
    assert_eq!(linking(newer.as_bytes()), directly);
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_else_stays_a_component() {
    let wide = component(&one(), StringEncoding::UTF16);
    assert_eq!(
        linking(&wide),
        "as a component: it has strings that are not UTF-8"
    );
    let preview1 = format!(
        r#"(module
          (import "wasi_snapshot_preview1" "random_get" (func (param i32 i32) (result i32)))
          {REALLOC} {HOOKS})"#
    );
    let said = linking(preview1.as_bytes());
    let words = "as a component: it imports random_get of wasi_snapshot_preview1, which only components get";
    assert_eq!(said, words);
    // One that gets more from the host than plain functions.
    let text = crossed_component();
    assert!(
        linking(text.as_bytes()).starts_with("as a component: it "),
        "{}",
        linking(text.as_bytes())
    );
    let [_, forced] = hosts(CONTRACTS, None);
    let guest = prepare(&forced, "p", one().as_bytes()).unwrap().guest;
    let said = guest.linking().unwrap().to_string();
    assert_eq!(said, "as a component: TOLLGATE_LINKING says so");
}

/// A component by hand, whose hooks are crossed: by their names they are what the component says the other way round.
fn crossed_component() -> String {
    r#"(component
      (core module $m
        (memory (export "memory") 1)
        (func (export "tollgate:proxy/interceptor@0.1.0#forward-request") (result i32) (i32.const 128))
        (func (export "tollgate:proxy/interceptor@0.1.0#return-response") (result i32) (i32.const 128)))
      (core instance $i (instantiate $m))
      (alias core export $i "memory" (core memory $memory))
      (alias core export $i "tollgate:proxy/interceptor@0.1.0#forward-request" (core func $one))
      (alias core export $i "tollgate:proxy/interceptor@0.1.0#return-response" (core func $two))
      (type $verdict' (enum "forward" "respond"))
      (component $inner
        (type $v (enum "forward" "respond"))
        (import "verdict" (type $verdict (eq $v)))
        (import "one" (func $one (result (result $verdict (error string)))))
        (import "two" (func $two (result (result (error string)))))
        (export $out "verdict" (type $verdict))
        (export "forward-request" (func $one) (func (result (result $out (error string)))))
        (export "return-response" (func $two)))
      (func $first (result (result $verdict' (error string))) (canon lift (core func $two) (memory $memory)))
      (func $second (result (result (error string))) (canon lift (core func $one) (memory $memory)))
      (instance $e (instantiate $inner (with "verdict" (type $verdict')) (with "one" (func $first)) (with "two" (func $second))))
      (export "tollgate:proxy/interceptor@0.1.0" (instance $e)))"#
        .to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn names_count_for_nothing_if_the_component_says_otherwise() {
    let crossed = crossed_component();
    let said = linking(crossed.as_bytes());
    assert!(said.contains("for what its name says"), "{said}");
    let straight = crossed
        .replace("lift (core func $two)", "lift (core func $ONE)")
        .replace("lift (core func $one)", "lift (core func $two)")
        .replace("$ONE", "$one");
    assert_eq!(
        linking(straight.as_bytes()),
        "directly: it is one core module"
    );
}

/// The same file for another version of our package with as many letters.
fn made_for(version: &str, file: &[u8]) -> Vec<u8> {
    let mut file = file.to_vec();
    let served = v0_1::CONTRACT.version.as_bytes();
    let names = ["exchange", "interceptor", "request", "response", "types"];
    let mut found = 0;
    for name in names.map(|name| format!("tollgate:proxy/{name}@")) {
        let end = file.len() - name.len() - served.len();
        for at in 0..end {
            let place = at + name.len()..at + name.len() + served.len();
            if file[at..].starts_with(name.as_bytes()) && &file[place.clone()] == served {
                file[place].copy_from_slice(version.as_bytes());
                found += 1;
            }
        }
    }
    assert!(found > 3, "{found}");
    file
}

/// A plugin that was built with the WIT of a later patch version is served as one of ours, in both ways of linking.
#[tokio::test(flavor = "multi_thread")]
async fn another_patch_version_fits_and_another_minor_version_does_not() {
    let of_ours = component(&one(), StringEncoding::UTF8);
    let later = made_for("0.1.3", &of_ours);
    assert_eq!(linking(&later), "directly: it is one core module");
    for host in hosts(Contracts::SERVED, None) {
        let mut answers = Vec::new();
        for file in [&of_ours, &later] {
            let guest = prepare(&host, "p", file).unwrap().guest;
            assert_eq!(guest.kind(), "tollgate:proxy@0.1");
            let (exchange, _) = run(&[guest], "/teapot").await;
            let asked = field(&exchange.request.fields, "x-one");
            answers.push((asked, field(&exchange.response.fields, "x-one")));
        }
        assert_eq!(answers[0], ("1".to_owned(), "other".to_owned()));
        assert_eq!(answers[0], answers[1]);
    }
    let next = made_for("0.3.0", &of_ours);
    let error = prepare(&host(Contracts::SERVED, None), "p", &next).unwrap_err();
    assert!(error.to_string().contains("0.3.0"), "{error}");
}

/// Every function of the WIT has a row, of the very numbers that it is passed as.
#[test]
fn the_rows_are_those_of_the_wit() {
    for (contracts, newest) in [
        (Contracts::SERVED, &v0_1::CONTRACT),
        (CONTRACTS, &v0_2::CONTRACT),
    ] {
        let functions = contracts.functions();
        let wit = newest.wit.parsed();
        let engine = wasmtime::Engine::default();
        let mut rows = 0;
        for import in wit.resolve.worlds[wit.complete].imports.values() {
            let wit_parser::WorldItem::Interface { id, .. } = import else {
                panic!()
            };
            let interface = wit.resolve.id_of(*id).unwrap();
            for (name, function) in &wit.resolve.interfaces[*id].functions {
                let row = functions
                    .iter()
                    .find(|row| row.interface == interface && row.name == name);
                let row = row.unwrap_or_else(|| panic!("{interface} {name} has no row"));
                let kinds = |types: &[WasmType]| -> Vec<String> {
                    types
                        .iter()
                        .map(|ty| match ty {
                            WasmType::I64 => "i64".to_owned(),
                            WasmType::F64 => "f64".to_owned(),
                            _ => "i32".to_owned(),
                        })
                        .collect()
                };
                let expected = wit
                    .resolve
                    .wasm_signature(AbiVariant::GuestImport, function);
                let ty = row.func_type(&engine);
                let params: Vec<_> = ty.params().map(|ty| ty.to_string()).collect();
                let results: Vec<_> = ty.results().map(|ty| ty.to_string()).collect();
                assert_eq!(
                    (params, results),
                    (kinds(&expected.params), kinds(&expected.results)),
                    "{interface} {name}"
                );
                let mut capabilities = contracts.capabilities();
                let capability = capabilities.find(|one| one.interface == interface);
                assert_eq!(
                    row.waits,
                    capability.unwrap().waiting.contains(&&**name),
                    "{interface} {name}"
                );
                rows += 1;
            }
        }
        assert!(rows > 5);
    }
    let all = Contracts::SERVED.functions();
    let declared = |row: &&crate::plugin::kind::hooks::abi::HostFunction| {
        let wit = v0_1::CONTRACT.wit.parsed();
        wit.imports().contains(&row.interface)
    };
    assert!(
        all.iter().all(|row| declared(&row)),
        "a row for what the WIT does not have"
    );
}

/// Code that was linked in one way is never read in the other.
#[tokio::test(flavor = "multi_thread")]
async fn the_cache_keeps_both_ways_apart() {
    let directory = tempfile::tempdir().unwrap();
    let [direct, component] = hosts(Contracts::SERVED, Some(directory.path()));
    for (host, expected) in [
        (&direct, Linking::Direct),
        (&component, Linking::Component { why: None }),
    ] {
        for round in 0..2 {
            let fresh = prepare(host, "p", one().as_bytes()).unwrap();
            assert_eq!(
                fresh.improve.is_none(),
                round == 1,
                "only what was kept is the best at once"
            );
            assert_eq!(fresh.guest.linking().unwrap().name(), expected.name());
            if round == 0 {
                host.keep(&super::improve(host, &fresh));
            }
        }
    }
    // Entries that are said to be of the other way, as if a mistake of ours had written them.
    let fresh = prepare(&direct, "p", one().as_bytes()).unwrap().guest;
    let file = directory.path().join("code");
    std::fs::write(&file, fresh.serialize().unwrap()).unwrap();
    let read = |linking: &Linking| {
        direct
            .compiler
            .restore(&file, &v0_1::CONTRACT, fresh.tier(), linking)
    };
    assert!(read(&Linking::Direct).is_ok());
    assert!(read(&Linking::Component { why: None }).is_err());
    let fresh = prepare(&component, "p", one().as_bytes()).unwrap().guest;
    let file = directory.path().join("other");
    std::fs::write(&file, fresh.serialize().unwrap()).unwrap();
    let read = |linking: &Linking| {
        direct
            .compiler
            .restore(&file, &v0_1::CONTRACT, fresh.tier(), linking)
    };
    assert!(read(&Linking::Direct).is_err());
    assert!(read(&Linking::Component { why: None }).is_ok());
}
