//! Disks that are full or broken: the call fails, the store goes on, and works again when the disk does.

use std::sync::atomic::Ordering;

use super::*;
use crate::store::StoreError;

fn large(byte: u8) -> Bytes {
    vec![byte; 1024 * 1024].into()
}

fn unavailable(result: Result<(), StoreError>) -> String {
    match result {
        Err(StoreError::Unavailable(why)) => why,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_full_disk_fails_the_writes_and_nothing_else() {
    for which in [Which::Eventual, Which::Immediate] {
        let mut lab = Lab::with(which);
        lab.set("b", "before", "1").await;
        lab.disk.faults.full.store(true, Ordering::SeqCst);
        for n in 0..3 {
            let key = format!("meanwhile {n}");
            let done = lab.store().set("b", &key, "1".into(), None).await;
            let why = unavailable(done);
            assert!(
                why.contains("its log can't be written: no storage space"),
                "{why}"
            );
            assert_eq!(lab.get("b", &key).await, None);
        }
        assert!(lab.store().increment("b", "before", 1, None).await.is_err());
        assert_eq!(lab.get("b", "before").await, Some("1".into()));
        lab.disk.faults.full.store(false, Ordering::SeqCst);
        lab.set("b", "after", "1").await;
        let keys = ["after", "before"];
        assert_eq!(lab.store().keys("b", "", None, 9).await.unwrap(), keys);
        lab.reopen();
        assert_eq!(lab.store().keys("b", "", None, 9).await.unwrap(), keys);
        assert_eq!(lab.get("b", "before").await, Some("1".into()));
    }
}

/// The log takes what the database can't, up to a bound.
#[tokio::test]
async fn a_database_that_cannot_be_written_is_tried_again() {
    let mut lab = Lab::with(Which::Eventual);
    lab.set("b", "before", "1").await;
    lab.disk.faults.database.store(true, Ordering::SeqCst);
    let mut written = 0;
    let why = loop {
        let value = large(written);
        match lab.store().set("b", "large", value, None).await {
            Ok(()) => written += 1,
            failed => break unavailable(failed),
        }
    };
    assert!(
        why.contains("the log is full, and its database can't take it"),
        "{why}"
    );
    assert!((60..150).contains(&written), "{written}");
    assert_eq!(lab.get("b", "large").await, Some(large(written - 1)));
    assert_eq!(lab.get("b", "before").await, Some("1".into()));
    // What is there now is all there for the next process, though the database never took it.
    lab.disk.faults.database.store(false, Ordering::SeqCst);
    until("it takes writes again", async || {
        lab.store()
            .set("b", "after", "1".into(), None)
            .await
            .is_ok()
    })
    .await;
    lab.reopen();
    assert_eq!(
        lab.store().keys("b", "", None, 9).await.unwrap(),
        ["after", "before", "large"]
    );
    assert_eq!(lab.get("b", "large").await, Some(large(written - 1)));
}

#[tokio::test]
async fn what_the_database_never_took_is_in_the_log() {
    let mut lab = Lab::with(Which::Eventual);
    lab.disk.faults.database.store(true, Ordering::SeqCst);
    // More than one log's worth.
    for n in 0..20 {
        lab.store()
            .set("b", &n.to_string(), large(n), None)
            .await
            .unwrap();
    }
    lab.store = None;
    let clock = lab.clock.clone();
    let refused = Store::open_with(&lab.config, clock, &lab.disk).unwrap_err();
    assert!(
        matches!(refused, StoreError::CannotOpen { .. }),
        "{refused}"
    );
    lab.disk.faults.database.store(false, Ordering::SeqCst);
    lab.reopen();
    for n in 0..20 {
        assert_eq!(lab.get("b", &n.to_string()).await, Some(large(n)));
    }
}

#[tokio::test]
async fn a_sync_that_fails_is_no_acknowledgement() {
    let mut lab = Lab::with(Which::Immediate);
    lab.set("b", "before", "1").await;
    lab.disk.faults.sync.store(true, Ordering::SeqCst);
    for _ in 0..3 {
        let why = unavailable(lab.store().set("b", "meanwhile", "1".into(), None).await);
        assert!(why.contains("disk"), "{why}");
    }
    assert_eq!(lab.get("b", "before").await, Some("1".into()));
    lab.disk.faults.sync.store(false, Ordering::SeqCst);
    until("it takes writes again", async || {
        lab.store()
            .set("b", "after", "1".into(), None)
            .await
            .is_ok()
    })
    .await;
    lab.reopen();
    assert!(lab.get("b", "before").await.is_some() && lab.get("b", "after").await.is_some());
}

#[tokio::test]
async fn expiry_goes_on_while_the_process_is_away() {
    let mut lab = Lab::with(Which::Eventual);
    lab.store()
        .set("b", "soon", "1".into(), seconds(10))
        .await
        .unwrap();
    lab.store()
        .set("b", "later", "1".into(), seconds(100))
        .await
        .unwrap();
    lab.set("b", "never", "1").await;
    lab.reopen();
    assert_eq!(
        lab.store().keys("b", "", None, 9).await.unwrap(),
        ["later", "never", "soon"]
    );
    lab.store = None;
    lab.pass(11).await;
    lab.reopen();
    assert_eq!(
        lab.store().keys("b", "", None, 9).await.unwrap(),
        ["later", "never"]
    );
    assert_eq!(lab.store().usage("b").await.unwrap().entries, 2);
    lab.pass(100).await;
    lab.reopen();
    lab.reopen();
    assert_eq!(lab.store().keys("b", "", None, 9).await.unwrap(), ["never"]);
}

const PLACE: &str = "STORE_TEST_DISK";

/// On a real disk of 8 MiB. A machine that lets nobody mount one has the tests above only, and says so.
#[test]
fn a_real_disk_that_is_full() {
    let folder = tempfile::tempdir().unwrap();
    let script = r#"mount -t tmpfs -o size=8m tmpfs "$0" || exit 77; exec "$@""#;
    let program = test_program(module_path!(), "as_a_process_of_its_own");
    let output = Command::new("unshare")
        .args(["--map-root-user", "--mount", "sh", "-c", script])
        .arg(folder.path())
        .args(program)
        .env(PLACE, folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    let may_not = output.status.code() == Some(77) || said.contains("unshare failed");
    if may_not {
        println!("no disk can be mounted here: {said}");
        return;
    }
    assert!(said.contains("all went well"), "{said}");
}

/// Only does something in the process that the test above has started.
#[tokio::test]
async fn as_a_process_of_its_own() {
    let Some(place) = std::env::var_os(PLACE).map(PathBuf::from) else {
        return;
    };
    let filler = place.join("filler");
    std::fs::write(&filler, vec![1; 5 * 1024 * 1024]).unwrap();
    let config = StoreConfig {
        kind: embedded(&place.join("state.redb"), Durability::Eventual),
        quotas: Quotas::default(),
    };
    let store = Store::open(&config).unwrap();
    let value = Bytes::from(vec![7; 100_000]);
    let mut there = 0;
    let why = loop {
        let key = there.to_string();
        match store.set("b", &key, value.clone(), None).await {
            Ok(()) => there += 1,
            failed => break unavailable(failed),
        }
    };
    assert!(why.contains("No space left on device"), "{why}");
    assert!(there > 5, "{there}");
    assert_eq!(store.get("b", "0").await.unwrap(), Some(value.clone()));
    std::fs::remove_file(&filler).unwrap();
    until("it takes writes again", async || {
        store.set("b", "after", value.clone(), None).await.is_ok()
    })
    .await;
    drop(store);
    let store = Store::open(&config).unwrap();
    assert_eq!(store.usage("b").await.unwrap().entries, there + 1);
    for n in 0..there {
        assert_eq!(
            store.get("b", &n.to_string()).await.unwrap(),
            Some(value.clone())
        );
    }
    println!("all went well");
}
