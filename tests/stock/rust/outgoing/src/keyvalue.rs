//! Both drafts of `wasi:keyvalue`, each function once.

mod first {
    wit_bindgen::generate!({
        path: "../../../../host/src/plugin/host/key_value/draft.wit",
        world: "wasi:keyvalue/imports",
        generate_all,
    });
}

mod second {
    wit_bindgen::generate!({
        path: "../../../../host/src/plugin/host/key_value/draft2.wit",
        world: "wasi:keyvalue/imports",
        generate_all,
    });
}

/// What the functions of the first draft give, a line for each.
pub fn draft() -> String {
    use first::wasi::keyvalue::{atomics, batch, store};
    let mut lines = Vec::new();
    lines.push(format!("{:?}", store::open("other").map(drop)));
    let bucket = match store::open("default") {
        Ok(bucket) => bucket,
        Err(error) => return format!("{error:?}"),
    };
    lines.push(format!("{:?}", bucket.set("a", b"1")));
    lines.push(format!("{:?}", bucket.get("a")));
    lines.push(format!("{:?}", bucket.exists("b")));
    lines.push(format!("{:?}", atomics::increment(&bucket, "a", 41)));
    lines.push(format!("{:?}", atomics::increment(&bucket, "a", u64::MAX).is_err()));
    let values = [("b".to_owned(), vec![2]), ("c".to_owned(), vec![3])];
    lines.push(format!("{:?}", batch::set_many(&bucket, &values)));
    let keys = ["c".to_owned(), "d".to_owned()];
    lines.push(format!("{:?}", batch::get_many(&bucket, &keys)));
    lines.push(format!("{:?}", batch::delete_many(&bucket, &keys)));
    lines.push(format!("{:?}", bucket.delete("b")));
    let page = bucket.list_keys(None).map(|page| (page.keys, page.cursor));
    lines.push(format!("{page:?}"));
    lines.push(format!("{:?}", bucket.list_keys(Some(7)).is_err()));
    let many: Vec<_> = (0..1001).map(|n| (format!("k{n:04}"), vec![])).collect();
    lines.push(format!("{:?}", batch::set_many(&bucket, &many)));
    lines.push(pages(|cursor| {
        let page = bucket.list_keys(cursor);
        page.map(|page| (page.keys.len(), page.cursor)).ok()
    }));
    let all: Vec<_> = many.into_iter().map(|(key, _)| key).chain(["a".to_owned()]).collect();
    lines.push(format!("{:?}", batch::delete_many(&bucket, &all)));
    lines.join("\n")
}

/// What the functions of the second draft give, a line for each.
pub fn draft2() -> String {
    use second::wasi::keyvalue::{atomics, batch, store};
    let mut lines = Vec::new();
    lines.push(format!("{:?}", store::open("other").map(drop)));
    let bucket = match store::open("default") {
        Ok(bucket) => bucket,
        Err(error) => return format!("{error:?}"),
    };
    lines.push(format!("{:?}", bucket.set("a", b"1")));
    lines.push(format!("{:?}", bucket.get("a")));
    lines.push(format!("{:?}", bucket.exists("b")));
    lines.push(format!("{:?}", atomics::increment(&bucket, "a", -43)));
    let old = atomics::Cas::new(&bucket, "a").unwrap();
    lines.push(format!("{:?}", old.current()));
    lines.push(format!("{:?}", bucket.set("a", b"new")));
    let newer = match atomics::swap(old, b"lost") {
        Err(atomics::CasError::CasFailed(newer)) => newer,
        other => return format!("{other:?}"),
    };
    lines.push(format!("{:?}", newer.current()));
    lines.push(format!("{:?}", atomics::swap(newer, b"kept").is_ok()));
    lines.push(format!("{:?}", bucket.get("a")));
    let values = [("b".to_owned(), vec![2]), ("c".to_owned(), vec![3])];
    lines.push(format!("{:?}", batch::set_many(&bucket, &values)));
    let keys = ["c".to_owned(), "d".to_owned()];
    lines.push(format!("{:?}", batch::get_many(&bucket, &keys)));
    lines.push(format!("{:?}", batch::delete_many(&bucket, &keys)));
    lines.push(format!("{:?}", bucket.delete("b")));
    let page = bucket.list_keys(None).map(|page| (page.keys, page.cursor));
    lines.push(format!("{page:?}"));
    let many: Vec<_> = (0..1001).map(|n| (format!("k{n:04}"), vec![])).collect();
    lines.push(format!("{:?}", batch::set_many(&bucket, &many)));
    lines.push(pages(|cursor: Option<String>| {
        let page = bucket.list_keys(cursor.as_deref());
        page.map(|page| (page.keys.len(), page.cursor)).ok()
    }));
    let all: Vec<_> = many.into_iter().map(|(key, _)| key).chain(["a".to_owned()]).collect();
    lines.push(format!("{:?}", batch::delete_many(&bucket, &all)));
    lines.join("\n")
}

/// How many keys each page has.
fn pages<C>(mut page: impl FnMut(Option<C>) -> Option<(usize, Option<C>)>) -> String {
    let (mut sizes, mut cursor) = (Vec::new(), None);
    while let Some((keys, next)) = page(cursor) {
        sizes.push(keys);
        match next {
            Some(next) => cursor = Some(next),
            None => break,
        }
    }
    format!("{sizes:?}")
}
