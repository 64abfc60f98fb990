//! What every backend does in the same way.

use super::*;
use crate::store::StoreError;

/// Runs a test on each backend.
macro_rules! on_all {
    ($($name:ident($lab:ident: $quotas:expr) $body:block)*) => {$(
        #[tokio::test]
        async fn $name() {
            for which in ALL {
                println!("{which:?}");
                #[allow(unused_mut, reason = "only some tests open the store again")]
                let mut $lab = Lab::new(which, $quotas);
                $body
            }
        }
    )*};
}

fn bytes(text: &'static str) -> Bytes {
    Bytes::from_static(text.as_bytes())
}

/// Expected, new, whether it is done, and what is there then.
type SwapCase = (
    Option<&'static [u8]>,
    Option<&'static str>,
    bool,
    Option<&'static str>,
);

on_all! {
    values_are_bytes_and_keys_any_text(lab: Quotas::default()) {
        assert_eq!(lab.get("b", "k").await, None);
        for key in ["", "k", "a:b", "%3a", "ключ\n", "\0", "x y"] {
            let value = Bytes::from_static(b"\0\xff\r\n$-1\r\n");
            lab.store().set("b", key, value.clone(), None).await.unwrap();
            assert_eq!(lab.get("b", key).await, Some(value), "{key:?}");
            lab.set("b", key, "").await;
            assert_eq!(lab.get("b", key).await, Some(Bytes::new()), "{key:?}");
            assert!(lab.store().delete("b", key).await.unwrap());
            assert!(!lab.store().delete("b", key).await.unwrap());
            assert_eq!(lab.get("b", key).await, None);
        }
        assert_eq!(lab.store().usage("b").await.unwrap(), crate::store::Usage::default());
    }

    buckets_do_not_mix(lab: Quotas::default()) {
        lab.set("a", "b:v:k", "1").await;
        lab.set("a:v:b", "k", "2").await;
        lab.set("a%3av%3ab", "k", "3").await;
        assert_eq!(lab.get("a", "b:v:k").await, Some(bytes("1")));
        assert_eq!(lab.get("a:v:b", "k").await, Some(bytes("2")));
        assert_eq!(lab.get("a%3av%3ab", "k").await, Some(bytes("3")));
        assert_eq!(lab.store().keys("a", "", None, 9).await.unwrap(), ["b:v:k"]);
    }

    an_increment_is_exact_to_the_last_bit(lab: Quotas::default()) {
        let store = lab.store();
        assert_eq!(store.increment("b", "n", 5, None).await, Ok(5));
        assert_eq!(store.increment("b", "n", -7, None).await, Ok(-2));
        assert_eq!(lab.get("b", "n").await, Some(bytes("-2")));
        for (start, by, end) in [
            ("9007199254740993", 1, 9_007_199_254_740_994),
            ("9223372036854775806", 1, i64::MAX),
            ("-9223372036854775807", -1, i64::MIN),
            ("9", 1, 10),
        ] {
            lab.set("b", "n", start).await;
            assert_eq!(store.increment("b", "n", by, None).await, Ok(end));
        }
        let key = || "n".to_owned();
        for (start, by) in [("9223372036854775807", 1), ("-9223372036854775808", -1), ("1", i64::MAX)] {
            lab.set("b", "n", start).await;
            let error = StoreError::Overflow { key: key(), by };
            assert_eq!(store.increment("b", "n", by, None).await, Err(error));
            assert_eq!(lab.get("b", "n").await, Some(bytes(start)));
        }
        for text in ["", " 1", "1 ", "+1", "01", "-0", "1.0", "x", "9223372036854775808", "0x1"] {
            lab.set("b", "n", text).await;
            let error = StoreError::NotANumber { key: key() };
            assert_eq!(store.increment("b", "n", 1, None).await, Err(error), "{text:?}");
            assert_eq!(lab.get("b", "n").await, Some(bytes(text)));
        }
        assert_eq!(store.increment("b", "min", i64::MIN, None).await, Ok(i64::MIN));
        assert_eq!(store.increment("b", "nil", 0, None).await, Ok(0));
        assert_eq!(lab.get("b", "nil").await, Some(bytes("0")));
    }

    a_swap_is_done_only_where_it_is_expected(lab: Quotas::default()) {
        let store = lab.store();
        let cases: [SwapCase; 9] = [
            (Some(b""), Some("x"), false, None),
            (None, None, true, None),
            (None, Some(""), true, Some("")),
            (None, Some("a"), false, Some("")),
            (Some(b""), Some("a"), true, Some("a")),
            (Some(b"b"), None, false, Some("a")),
            (Some(b"a"), Some("a"), true, Some("a")),
            (Some(b"a"), None, true, None),
            (Some(b"a"), None, false, None),
        ];
        for (expected, new, done, then) in cases {
            let new = new.map(bytes);
            let swapped = store.compare_and_swap("b", "k", expected, new.clone(), None).await;
            assert_eq!(swapped, Ok(done), "{expected:?} {new:?}");
            assert_eq!(lab.get("b", "k").await, then.map(bytes));
        }
    }

    entries_expire(lab: Quotas::default()) {
        let store = lab.store();
        store.set("b", "set", bytes("1"), seconds(10)).await.unwrap();
        store.set("b", "stays", bytes("1"), None).await.unwrap();
        store.increment("b", "count", 1, seconds(10)).await.unwrap();
        store.compare_and_swap("b", "swap", None, Some(bytes("1")), seconds(10)).await.unwrap();
        store.set("b", "made to stay", bytes("1"), seconds(10)).await.unwrap();
        store.set("b", "soon", bytes("1"), Some(Duration::ZERO)).await.unwrap();
        store.set("b", "late", bytes("1"), Some(Duration::MAX)).await.unwrap();
        let left = store.time_left("b", "set").await.unwrap();
        assert!(left.is_some_and(|left| (1..=10).contains(&left.as_secs())), "{left:?}");
        for forever in ["stays", "absent"] {
            assert_eq!(store.time_left("b", forever).await, Ok(None), "{forever}");
        }
        lab.pass(6).await;
        let left = store.time_left("b", "set").await.unwrap();
        assert!(left.is_some_and(|left| left.as_secs() <= 4), "{left:?}");
        // Each write but an increment sets the expiry anew.
        store.set("b", "made to stay", bytes("1"), None).await.unwrap();
        assert_eq!(store.increment("b", "count", 1, seconds(100)).await, Ok(2));
        assert!(lab.get("b", "set").await.is_some() && lab.get("b", "swap").await.is_some());
        lab.pass(6).await;
        for gone in ["set", "count", "swap", "soon"] {
            assert_eq!(lab.get("b", gone).await, None, "{gone}");
        }
        let left = ["late", "made to stay", "stays"];
        assert_eq!(store.keys("b", "", None, 9).await.unwrap(), left);
        assert!(!store.delete("b", "set").await.unwrap());
        assert_eq!(store.compare_and_swap("b", "swap", None, Some(bytes("2")), None).await, Ok(true));
        assert_eq!(store.increment("b", "count", 1, seconds(10)).await, Ok(1));
        lab.pass(6).await;
        assert_eq!(store.increment("b", "count", 1, None).await, Ok(2));
        lab.pass(6).await;
        assert_eq!(store.increment("b", "count", 1, None).await, Ok(1));
    }

    keys_are_sorted_and_paged(lab: Quotas::default()) {
        let store = lab.store();
        let mut all: Vec<String> = (0..50).map(|n| format!("p{n}")).collect();
        all.extend(["", "o", "q", "p", "pé", "p\u{10ffff}", "P1"].map(str::to_owned));
        for key in &all {
            lab.set("b", key, "1").await;
        }
        all.sort();
        assert_eq!(store.keys("b", "", None, 100).await.unwrap(), all);
        let with_prefix: Vec<_> = all.iter().filter(|key| key.starts_with('p')).cloned().collect();
        for size in [1, 7, 100] {
            let mut found: Vec<String> = Vec::new();
            loop {
                let after = found.last().cloned();
                let page = store.keys("b", "p", after.as_deref(), size).await.unwrap();
                assert!(page.len() <= size);
                if page.is_empty() {
                    break;
                }
                found.extend(page);
            }
            assert_eq!(found, with_prefix, "{size}");
        }
        assert_eq!(store.keys("b", "p4", Some("p"), 2).await.unwrap(), ["p4", "p40"]);
        assert!(store.keys("b", "p", Some("q"), 9).await.unwrap().is_empty());
        assert!(store.keys("b", "p", None, 0).await.unwrap().is_empty());
        assert!(store.keys("other", "", None, 9).await.unwrap().is_empty());
    }

    several_at_once(lab: Quotas::default()) {
        let store = lab.store();
        store.set_many("b", &[("1", bytes("a")), ("2", bytes("b"))], seconds(10)).await.unwrap();
        store.set_many("b", &[("3", bytes("c"))], None).await.unwrap();
        let found = store.get_many("b", &["2", "x", "1"]).await.unwrap();
        assert_eq!(found, [Some(bytes("b")), None, Some(bytes("a"))]);
        store.delete_many("b", &["2", "x"]).await.unwrap();
        assert_eq!(store.keys("b", "", None, 9).await.unwrap(), ["1", "3"]);
        lab.pass(11).await;
        assert_eq!(store.keys("b", "", None, 9).await.unwrap(), ["3"]);
        store.set_many("b", &[], None).await.unwrap();
        store.delete_many("b", &[]).await.unwrap();
        assert!(store.get_many("b", &[]).await.unwrap().is_empty());
    }

    limits_have_names(lab: Quotas { key_bytes: 4, value_bytes: 10, bucket_bytes: 24, bucket_entries: 3 }) {
        let store = lab.store();
        let too_large = |what, size, limit| Err(StoreError::TooLarge { what, size, limit });
        assert_eq!(store.set("b", "12345", bytes(""), None).await, too_large("key", 5, 4));
        assert_eq!(store.increment("b", "12345", 1, None).await.map(drop), too_large("key", 5, 4));
        assert_eq!(store.set("b", "1", bytes("12345678901"), None).await, too_large("value", 11, 10));
        let full = |what, limit| StoreError::Full { bucket: "b".to_owned(), what, limit };
        lab.set("b", "1", "1234567890").await;
        store.set("b", "2", bytes("1234567890"), seconds(10)).await.unwrap();
        let set = async |key, value| store.set("b", key, value, None).await;
        assert_eq!(set("3", bytes("22")).await, Err(full("bytes", 24)));
        assert_eq!(set("3", bytes("9")).await, Ok(()));
        // 24 of 24 bytes, and 3 of 3 entries.
        assert_eq!(set("4", bytes("")).await, Err(full("entries", 3)));
        assert_eq!(store.increment("b", "3", 1, None).await, Err(full("bytes", 24)));
        assert_eq!(lab.get("b", "3").await, Some(bytes("9")));
        assert_eq!(store.increment("b", "3", -1, None).await, Ok(8));
        let swap = store.compare_and_swap("b", "3", Some(b"8"), Some(bytes("10")), None);
        assert_eq!(swap.await, Err(full("bytes", 24)));
        assert_eq!(set("1", bytes("1")).await, Ok(()));
        assert_eq!(set("3", bytes("1234567890")).await, Ok(()));
        // Another bucket has its own limits, and what has expired makes room.
        assert_eq!(store.set("c", "4", bytes("1"), None).await, Ok(()));
        assert_eq!(set("4", bytes("1")).await, Err(full("entries", 3)));
        lab.pass(11).await;
        assert_eq!(set("4", bytes("12345")).await, Ok(()));
        let usage = store.usage("b").await.unwrap();
        assert_eq!((usage.entries, usage.bytes), (3, 2 + 11 + 6));
    }
}

#[tokio::test]
async fn all_that_has_expired_makes_room_for_one_large_value() {
    let quotas = Quotas {
        bucket_bytes: 3000,
        ..Quotas::default()
    };
    for which in ALL {
        let lab = Lab::new(which, quotas);
        for n in 100..350 {
            let key = n.to_string();
            let small = bytes("123456789");
            let set = lab.store().set("b", &key, small, seconds(10));
            set.await.unwrap();
        }
        let large = Bytes::from(vec![b'x'; 2900]);
        let full = lab.store().set("b", "large", large.clone(), None).await;
        assert!(matches!(full, Err(StoreError::Full { .. })), "{full:?}");
        lab.pass(11).await;
        let set = lab.store().set("b", "large", large, None).await;
        assert_eq!(set, Ok(()), "{which:?}");
    }
}

#[tokio::test]
async fn what_has_expired_is_removed_though_nobody_asks() {
    for which in [Which::Memory, Which::Eventual] {
        let lab = Lab::with(which);
        for n in 0..2500 {
            let key = n.to_string();
            lab.store()
                .set("b", &key, bytes("1"), seconds(10))
                .await
                .unwrap();
        }
        lab.set("b", "stays", "1").await;
        lab.pass(11).await;
        until("one entry is left", async || {
            lab.store().usage("b").await.unwrap().entries == 1
        })
        .await;
    }
}
