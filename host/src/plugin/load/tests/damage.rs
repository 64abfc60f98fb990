//! Files that are cut, damaged or made to hurt.

use super::*;

/// Whatever a prefix is, it is refused and known to be possibly incomplete, unless it lost nothing that counts (then
/// only custom sections are missing) or says of itself that it may be a prefix.
#[test]
fn no_prefix_is_mistaken_for_the_whole() {
    let core = assemble(BY_HAND);
    let from_section = {
        let mut module = core.clone();
        let world = Contracts::SERVED.newest().wit.parsed();
        embed_component_metadata(
            &mut module,
            &world.resolve,
            world.world,
            StringEncoding::UTF8,
        )
        .unwrap();
        module
    };
    let whole = load(core.clone()).unwrap().component;
    for file in [core, from_section, whole.clone(), BY_HAND.into()] {
        let names = interfaces(&load(file.clone()).unwrap().component).unwrap();
        for len in 0..file.len() {
            match load(file[..len].to_vec()) {
                Err(error) => assert!(
                    error.could_be_incomplete(),
                    "{len} of {}: {error}",
                    file.len()
                ),
                Ok(loaded) if loaded.may_be_prefix => {}
                Ok(loaded) => {
                    assert_eq!(interfaces(&loaded.component).unwrap(), names);
                    assert!(
                        whole.starts_with(&loaded.component),
                        "{len} of {}",
                        file.len()
                    );
                }
            }
        }
    }
}

#[test]
fn a_cut_says_that_it_is_one() {
    let component = load(BY_HAND.into()).unwrap().component;
    let said = refusal(&component[..component.len() / 2]).to_string();
    assert!(
        said.contains("truncated") && said.contains(&format!("{} bytes", component.len() / 2)),
        "{said}"
    );
}

#[test]
fn a_cut_between_two_sections_is_one_too() {
    let module = assemble(BY_HAND);
    let said = |len: usize| {
        load(module[..len].to_vec()).map_or_else(|error| error.to_string(), |_| String::new())
    };
    assert!(
        (0..module.len()).any(|len| said(len).contains("ends before a section that must follow"))
    );
}

/// Instance types inside each other, in a section of a component.
fn nested_types(levels: usize) -> Vec<u8> {
    let types = [[0x42, 0x01, 0x01].repeat(levels), vec![0x42, 0x00]].concat();
    let section = [vec![0x01], types].concat();
    [
        b"\0asm\x0d\0\x01\0\x07".to_vec(),
        leb(section.len()),
        section,
    ]
    .concat()
}

fn leb(number: usize) -> Vec<u8> {
    let low = (number & 0x7f) as u8;
    if number < 0x80 {
        vec![low]
    } else {
        [vec![low | 0x80], leb(number >> 7)].concat()
    }
}

/// A thread of the runtime has 2 MiB of stack, as one of a test has.
#[test]
fn deep_types_do_not_exhaust_the_stack() {
    let custom = |component: Vec<u8>| {
        let section = [b"\x0ecomponent-type".to_vec(), component].concat();
        [b"\0asm\x01\0\0\0\0".to_vec(), leb(section.len()), section].concat()
    };
    for (levels, expected) in [(190, ""), (100_000, "inside others")] {
        for file in [nested_types(levels), custom(nested_types(levels))] {
            let said = refusal(&file).to_string();
            assert!(said.contains(expected), "{said}");
        }
    }
}

#[test]
fn components_may_end_with_a_nested_one() {
    let mut file = nested_types(1);
    for _ in 0..50 {
        file = [b"\0asm\x0d\0\x01\0\x04".to_vec(), leb(file.len()), file].concat();
    }
    assert!(matches!(refusal(&file), LoadError::NotAPlugin { .. }));
    let deep = (0..200).fold(file.clone(), |inner, _| {
        [b"\0asm\x0d\0\x01\0\x04".to_vec(), leb(inner.len()), inner].concat()
    });
    assert!(refusal(&deep).to_string().contains("inside each other"));
    // In the middle of the innermost section, and just before it.
    for missing in [3, nested_types(1).len() - 8] {
        let cut = refusal(&file[..file.len() - missing]);
        assert!(matches!(cut, LoadError::Truncated { .. }), "{cut}");
    }
}

/// Single wrong bytes anywhere must give an answer that says what is wrong, or a plugin. That something panicked on the way
/// is an answer too, which tells nobody what to do.
#[test]
fn damage_never_panics() {
    let component = load(BY_HAND.into()).unwrap().component;
    for file in [component, assemble(BY_HAND)] {
        let mut refused = 0;
        for at in 0..file.len() {
            for change in [0x01, 0x80, 0xff] {
                let mut damaged = file.clone();
                damaged[at] ^= change;
                let result = load(damaged);
                assert!(
                    !matches!(result, Err(LoadError::Broken { .. })),
                    "byte {at} ^ {change:#x}: {result:?}"
                );
                refused += usize::from(result.is_err());
            }
        }
        let len = file.len();
        assert!(refused > len, "{refused} changes of {len} bytes are told");
    }
}
