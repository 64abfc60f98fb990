//! What a plugin gets by `wasi:keyvalue`: its own bucket, whole listings page by page, swaps that know of others, and nothing without
//! its permission.

use super::*;
use crate::config::{Allow, Bucket, PluginConfig, PluginLimits};
use crate::outbound::OutboundConfig;
use crate::plugin::hash::ContentHash;
use crate::plugin::wasm::{PluginVersion, Services};
use crate::store::{Kind, Quotas, StoreConfig};

/// What plugins share, with room for values of 100 bytes.
fn services() -> Services {
    let state = StoreConfig {
        kind: Kind::Memory,
        quotas: Quotas {
            value_bytes: 100,
            ..Quotas::default()
        },
    };
    Services::new(Some(state), OutboundConfig::default()).unwrap()
}

/// An instance of a plugin to which this bucket is granted.
fn instance(services: &Services, name: &str, bucket: Option<Bucket>) -> HooksState {
    let config = PluginConfig {
        allow: Allow {
            state: bucket,
            ..Allow::default()
        },
        ..PluginConfig::new(PluginLimits::default())
    };
    let reached = services.for_plugin(name, &config.allow).unwrap();
    let version = PluginVersion::new(name.to_owned(), ContentHash::of(b""), config);
    HooksState::new(&Arc::new(version.with_services(reached)))
}

/// The functions of a draft as a guest calls them.
macro_rules! of_draft {
    ($module:ident, $draft:ident, $cursor:ty, $number:ty) => {
        mod $module {
            use super::*;
            use crate::plugin::host::key_value::$draft::bindings::wasi::keyvalue::{
                atomics, store,
            };
            use atomics::Host as _;
            use store::HostBucket as _;

            pub type Handle = Resource<KeyValueBucket>;

            /// What a call is given: the guest keeps the handle.
            pub fn lent(bucket: &Handle) -> Handle {
                Resource::new_own(bucket.rep())
            }

            fn words(error: &store::Error) -> String {
                format!("{error:?}")
            }

            pub fn open(plugin: &mut HooksState, name: &str) -> Result<Handle, String> {
                let opened = store::Host::open(plugin, name.to_owned()).unwrap();
                opened.map_err(|error| words(&error))
            }

            pub async fn get(plugin: &mut HooksState, of: &Handle, key: &str) -> Option<Vec<u8>> {
                plugin.get(lent(of), key.to_owned()).await.unwrap().unwrap()
            }

            pub async fn set(
                plugin: &mut HooksState,
                of: &Handle,
                key: &str,
                value: &[u8],
            ) -> Result<(), String> {
                let set = plugin.set(lent(of), key.to_owned(), value.to_vec()).await;
                set.unwrap().map_err(|error| words(&error))
            }

            pub async fn list(
                plugin: &mut HooksState,
                of: &Handle,
                cursor: Option<$cursor>,
            ) -> Result<(Vec<String>, Option<$cursor>), String> {
                let page = plugin.list_keys(lent(of), cursor).await.unwrap();
                let page = page.map_err(|error| words(&error))?;
                Ok((page.keys, page.cursor))
            }

            /// Of the key `n`.
            pub async fn increment(
                plugin: &mut HooksState,
                of: &Handle,
                by: $number,
            ) -> Result<$number, String> {
                let sum = plugin.increment(lent(of), "n".to_owned(), by).await;
                sum.unwrap().map_err(|error| words(&error))
            }
        }
    };
}

of_draft!(first, draft, u64, u64);
of_draft!(second, draft2, String, i64);

#[tokio::test]
async fn a_plugin_opens_its_own_bucket_and_no_other() {
    let services = services();
    let mut own = instance(&services, "mine", Some(Bucket::Own));
    for (name, opens) in [
        ("default", true),
        ("mine", true),
        ("other", false),
        ("", false),
        ("plugin/mine", false),
    ] {
        assert_eq!(first::open(&mut own, name).is_ok(), opens, "{name:?}");
        assert_eq!(second::open(&mut own, name).is_ok(), opens, "{name:?}");
    }
    let shared = Bucket::Shared("both".to_owned());
    let mut shared = instance(&services, "other", Some(shared));
    assert!(first::open(&mut shared, "both").is_ok() && first::open(&mut shared, "other").is_err());
    let mut none = instance(&services, "none", None);
    let error = format!("{:?}", first::open(&mut none, "default").unwrap_err());
    assert!(error.contains("the plugin has no state"), "{error}");
}

#[tokio::test]
async fn what_one_plugin_writes_no_other_sees() {
    let services = services();
    let (mut one, mut two) = (
        instance(&services, "one", Some(Bucket::Own)),
        instance(&services, "two", Some(Bucket::Own)),
    );
    let (of_one, of_two) = (
        first::open(&mut one, "default").unwrap(),
        second::open(&mut two, "default").unwrap(),
    );
    first::set(&mut one, &of_one, "k", b"1").await.unwrap();
    assert_eq!(
        first::get(&mut one, &of_one, "k").await,
        Some(b"1".to_vec())
    );
    assert_eq!(second::get(&mut two, &of_two, "k").await, None);
    // The other draft, and another instance of the same plugin, see it.
    let mut again = instance(&services, "one", Some(Bucket::Own));
    let of_again = second::open(&mut again, "one").unwrap();
    assert_eq!(
        second::get(&mut again, &of_again, "k").await,
        Some(b"1".to_vec())
    );
    // In a trial it is another bucket, also by a handle from before.
    one.trial = Some(crate::plugin::host::TrialServices::default());
    assert_eq!(first::get(&mut one, &of_one, "k").await, None);
    first::set(&mut one, &of_one, "k", b"trial").await.unwrap();
    one.trial = None;
    assert_eq!(
        first::get(&mut one, &of_one, "k").await,
        Some(b"1".to_vec())
    );
}

#[tokio::test]
async fn limits_hold_here_too() {
    let services = services();
    let mut own = instance(&services, "p", Some(Bucket::Own));
    let (a, b) = (
        first::open(&mut own, "p").unwrap(),
        second::open(&mut own, "p").unwrap(),
    );
    let long = [0; 101];
    for told in [
        format!(
            "{:?}",
            first::set(&mut own, &a, "k", &long).await.unwrap_err()
        ),
        format!(
            "{:?}",
            second::set(&mut own, &b, "k", &long).await.unwrap_err()
        ),
    ] {
        assert!(
            told.contains("the value is 101 bytes long, and at most 100"),
            "{told}"
        );
    }
    assert_eq!(first::get(&mut own, &a, "k").await, None);
}

#[tokio::test]
async fn all_keys_are_listed_page_by_page() {
    let services = services();
    let mut own = instance(&services, "p", Some(Bucket::Own));
    let (a, b) = (
        first::open(&mut own, "p").unwrap(),
        second::open(&mut own, "p").unwrap(),
    );
    let expected: Vec<String> = (0..2500).map(|n| format!("{n:04}")).collect();
    for key in &expected {
        first::set(&mut own, &a, key, b"").await.unwrap();
    }
    let (mut keys, mut cursor, mut sizes) = (Vec::new(), None, Vec::new());
    loop {
        let page = first::list(&mut own, &a, cursor).await.unwrap();
        sizes.push(page.0.len());
        keys.extend(page.0);
        cursor = page.1;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!((keys, sizes), (expected.clone(), vec![1000, 1000, 500]));
    let (mut keys, mut cursor) = (Vec::new(), None);
    loop {
        let page = second::list(&mut own, &b, cursor).await.unwrap();
        keys.extend(page.0);
        cursor = page.1;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(keys, expected);
    let unknown = first::list(&mut own, &a, Some(99)).await.unwrap_err();
    assert!(unknown.contains("the cursor 99 is of no page"), "{unknown}");
}

/// However often a guest lists while it keeps its bucket, nothing grows.
#[tokio::test]
async fn listing_again_and_again_takes_no_memory() {
    let services = services();
    let mut own = instance(&services, "p", Some(Bucket::Own));
    let bucket = first::open(&mut own, "p").unwrap();
    for n in 0..1500 {
        first::set(&mut own, &bucket, &format!("{n:04}"), b"")
            .await
            .unwrap();
    }
    for _ in 0..MOST_PAGES + 50 {
        let (_, cursor) = first::list(&mut own, &bucket, None).await.unwrap();
        let (rest, end) = first::list(&mut own, &bucket, cursor).await.unwrap();
        assert_eq!((rest.len(), end), (500, None));
    }
    let kept = own.guest.table.get(&bucket).unwrap().pages.len();
    assert!(kept <= MOST_PAGES, "{kept} pages");
}

#[tokio::test]
async fn numbers_have_the_bounds_of_their_draft() {
    let services = services();
    let mut own = instance(&services, "p", Some(Bucket::Own));
    let (a, b) = (
        first::open(&mut own, "p").unwrap(),
        second::open(&mut own, "p").unwrap(),
    );
    assert_eq!(second::increment(&mut own, &b, -3).await, Ok(-3));
    let below = first::increment(&mut own, &a, 1).await.unwrap_err();
    assert!(below.contains("would not fit"), "{below}");
    assert_eq!(first::increment(&mut own, &a, 44).await, Ok(42));
    let above = first::increment(&mut own, &a, u64::MAX).await.unwrap_err();
    assert!(above.contains("would not fit"), "{above}");
    assert_eq!(first::increment(&mut own, &a, 0).await, Ok(42));
}

#[tokio::test]
async fn a_swap_succeeds_once_and_says_what_is_there_then() {
    use super::draft2::bindings::wasi::keyvalue::atomics::{CasError, Host as _, HostCas};
    let services = services();
    let mut own = instance(&services, "p", Some(Bucket::Own));
    let bucket = second::open(&mut own, "p").unwrap();
    let looks = async |own: &mut HooksState| {
        let looked = HostCas::new(own, second::lent(&bucket), "k".to_owned()).await;
        looked.unwrap().unwrap()
    };
    let (late, early) = (looks(&mut own).await, looks(&mut own).await);
    assert!(own.swap(early, b"1".to_vec()).await.unwrap().is_ok());
    let Err(CasError::CasFailed(newer)) = own.swap(late, b"2".to_vec()).await.unwrap() else {
        panic!("it was swapped twice");
    };
    let is_there = second::get(&mut own, &bucket, "k").await;
    assert_eq!(is_there, Some(b"1".to_vec()));
    let seen = own.current(Resource::new_own(newer.rep())).await;
    assert_eq!(seen.unwrap().unwrap(), Some(b"1".to_vec()));
    assert!(own.swap(newer, b"2".to_vec()).await.unwrap().is_ok());
    let is_there = second::get(&mut own, &bucket, "k").await;
    assert_eq!(is_there, Some(b"2".to_vec()));
}
