//! Files that are damaged, newer, missing, or somebody else's: the error says what and what to do, and they stay as they are.

use std::fs;

use chacha20::ChaCha8Rng;
use chacha20::rand_core::{Rng as _, SeedableRng as _};
use redb::TableDefinition;

use super::*;
use crate::store::StoreError;

const FILES: [&str; 3] = ["state.redb", "state.redb.log0", "state.redb.log1"];

fn open(folder: &Path) -> Result<Store, StoreError> {
    Store::open(&StoreConfig {
        kind: embedded(&folder.join(FILES[0]), Durability::Eventual),
        quotas: Quotas::default(),
    })
}

/// The bytes of a store's files.
fn read(folder: &Path) -> [Vec<u8>; 3] {
    FILES.map(|name| fs::read(folder.join(name)).unwrap_or_default())
}

fn write(files: &[Vec<u8>; 3]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in FILES.iter().zip(files) {
        fs::write(folder.path().join(name), bytes).unwrap();
    }
    folder
}

fn value(n: usize) -> String {
    format!("value {n} {}", "x".repeat(n % 300))
}

/// A store with many entries: as it is when it was closed, and as it is when its process was killed.
async fn filled(entries: usize) -> ([Vec<u8>; 3], [Vec<u8>; 3]) {
    let folder = tempfile::tempdir().unwrap();
    let put = async |store: &Store, range: std::ops::Range<usize>| {
        for n in range {
            store
                .set("b", &n.to_string(), value(n).into(), None)
                .await
                .unwrap();
        }
    };
    let store = open(folder.path()).unwrap();
    put(&store, 0..entries / 2).await;
    drop(store);
    let store = open(folder.path()).unwrap();
    put(&store, entries / 2..entries).await;
    let killed = read(folder.path());
    drop(store);
    (read(folder.path()), killed)
}

/// How many entries of those that were put in are there, from the first; none may be wrong.
async fn count(store: &Store) -> usize {
    let mut count = 0;
    while let Some(found) = store.get("b", &count.to_string()).await.unwrap() {
        assert_eq!(found, value(count).as_bytes());
        count += 1;
    }
    assert_eq!(store.usage("b").await.unwrap().entries, count as u64);
    count
}

#[tokio::test]
async fn damage_is_found_and_nothing_is_overwritten() {
    let (closed, killed) = filled(2000).await;
    let mut random = ChaCha8Rng::seed_from_u64(12);
    let mut refused = 0;
    for round in 0..120 {
        let mut files = if round % 2 == 0 {
            closed.clone()
        } else {
            killed.clone()
        };
        let length = files[0].len();
        let at = usize::try_from(random.next_u64()).unwrap() % length;
        match round % 3 {
            0 => files[0].truncate(at),
            1 => {
                let end = (at + 64).min(length);
                random.fill_bytes(&mut files[0][at..end]);
            }
            _ => {
                let start = at / 4096 * 4096;
                let end = (start + 4096).min(length);
                files[0][start..end].fill(0);
            }
        }
        let folder = write(&files);
        match open(folder.path()) {
            Ok(store) => assert_eq!(
                count(&store).await,
                2000,
                "{round}: places that nobody uses"
            ),
            Err(error) => {
                refused += 1;
                let text = error.to_string();
                assert!(matches!(error, StoreError::Damaged { .. }), "{text}");
                assert!(text.contains("state.redb is damaged"), "{text}");
                assert!(read(folder.path()) == files, "round {round}: {text}");
            }
        }
    }
    assert!(refused > 60, "{refused}");
}

#[tokio::test]
async fn an_emptied_database_is_no_new_one() {
    let (mut files, _) = filled(20).await;
    files[0].clear();
    let folder = write(&files);
    let error = open(folder.path()).unwrap_err().to_string();
    assert!(
        error.contains("it ends with change 0, and its log begins with 11"),
        "{error}"
    );
    // A file that is no database is not taken for one either.
    let folder = write(&[b"hello\n".repeat(1000), Vec::new(), Vec::new()]);
    let error = open(folder.path()).unwrap_err();
    assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
    assert!(fs::read(folder.path().join(FILES[0])).unwrap() == b"hello\n".repeat(1000));
}

#[tokio::test]
async fn a_first_start_that_was_cut_short_is_made_again() {
    let folder = write(&[vec![0; 70_000], Vec::new(), Vec::new()]);
    let store = open(folder.path()).unwrap();
    store.set("b", "0", value(0).into(), None).await.unwrap();
    drop(store);
    assert_eq!(count(&open(folder.path()).unwrap()).await, 1);
    // With a log there was something.
    let mut files = read(folder.path());
    files[0].fill(0);
    assert!(matches!(
        open(write(&files).path()),
        Err(StoreError::Damaged { .. })
    ));
}

#[tokio::test]
async fn a_log_is_read_as_far_as_it_is_whole() {
    let (_, killed) = filled(200).await;
    let log = killed[1].len();
    let mut before = 0;
    for end in (32..log).step_by(97) {
        let mut files = killed.clone();
        files[1].truncate(end);
        let found = count(&open(write(&files).path()).unwrap()).await;
        assert!(
            found >= before && (100..200).contains(&found),
            "{end}: {found}"
        );
        before = found;
        // The same if the file is as long as it was, which is what a machine that stopped may leave.
        files[1].resize(log, 0);
        assert_eq!(count(&open(write(&files).path()).unwrap()).await, found);
    }
    let mut files = killed.clone();
    files[1][log / 2] ^= 1;
    assert!((100..200).contains(&count(&open(write(&files).path()).unwrap()).await));
    let mut files = killed;
    files[1][20] ^= 1;
    let folder = write(&files);
    let error = open(folder.path()).unwrap_err().to_string();
    assert!(
        error.contains("its beginning is not that of a log"),
        "{error}"
    );
    assert!(read(folder.path()) == files);
}

#[tokio::test]
async fn what_a_newer_version_wrote_is_left_alone() {
    let (closed, killed) = filled(20).await;
    for files in [&closed, &killed] {
        let mut newer = files.clone();
        newer[1][8] = 2;
        refuses_newer(&newer, "format 2, and this one knows 1");
        // The version of redb's own format, in both places where it is.
        let mut newer = files.clone();
        newer[0][64] = 9;
        newer[0][192] = 9;
        refuses_newer(&newer, "found 9");
    }
    let folder = write(&closed);
    let database = redb::Database::open(folder.path().join(FILES[0])).unwrap();
    let transaction = database.begin_write().unwrap();
    let about: TableDefinition<'_, &str, u64> = TableDefinition::new("about");
    transaction
        .open_table(about)
        .unwrap()
        .insert("format", 7)
        .unwrap();
    transaction.commit().unwrap();
    drop(database);
    refuses_newer(&read(folder.path()), "format 7, and this one knows 1");
}

fn refuses_newer(files: &[Vec<u8>; 3], text: &str) {
    let folder = write(files);
    let error = open(folder.path()).unwrap_err();
    assert!(matches!(error, StoreError::Newer { .. }), "{error}");
    assert!(error.to_string().contains(text), "{error}");
    assert!(read(folder.path()) == *files, "{text}");
}

#[test]
fn a_place_that_is_no_place_is_told() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("file"), "").unwrap();
    fs::create_dir_all(folder.path().join("directory/state.redb")).unwrap();
    for (place, why) in [
        ("missing", "No such file or directory"),
        ("file", "Not a directory"),
        ("directory", "Is a directory"),
        ("/proc", "No such file or directory"),
    ] {
        let error = open(&folder.path().join(place)).unwrap_err();
        assert!(matches!(error, StoreError::CannotOpen { .. }), "{error}");
        assert!(error.to_string().contains(why), "{error}");
    }
}

#[test]
fn a_directory_is_made_if_it_shall_be() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state/tollgate/state.redb");
    let config = StoreConfig {
        kind: Kind::Embedded {
            path: path.clone(),
            durability: Durability::Eventual,
            make_directory: true,
        },
        quotas: Quotas::default(),
    };
    for _ in 0..2 {
        Store::open(&config).unwrap();
    }
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(path.parent().unwrap()), 0o700);
}

#[test]
fn a_file_that_may_not_be_written_is_told() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o555)).unwrap();
    let mut program = test_program(module_path!(), "as_a_process_of_its_own");
    if rustix::process::geteuid().is_root() {
        // root may write anywhere, unless that right is taken away.
        let without = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"];
        program.splice(0..0, without.map(str::to_owned));
    }
    let mut command = Command::new(&program[0]);
    let output = command
        .args(&program[1..])
        .env(PLACE, folder.path())
        .output();
    let said = String::from_utf8(output.unwrap().stdout).unwrap();
    assert!(
        said.contains("can't be opened: Permission denied"),
        "{said}"
    );
}

/// Where a process of a test is to open a store.
const PLACE: &str = "STORE_TEST_DAMAGE";

/// Only does something in a process that another test has started: opens a store, says how that went, and has it until its
/// input ends.
#[test]
fn as_a_process_of_its_own() {
    let Some(place) = std::env::var_os(PLACE) else {
        return;
    };
    let store = open(Path::new(&place));
    match &store {
        Ok(_) => println!("it is open"),
        Err(error) => println!("{error}"),
    }
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
}

#[test]
fn one_process_has_it_at_a_time() {
    use std::io::BufRead as _;
    let folder = tempfile::tempdir().unwrap();
    let program = test_program(module_path!(), "as_a_process_of_its_own");
    let mut child = Command::new(&program[0])
        .args(&program[1..])
        .env(PLACE, folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = std::io::BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(
        lines
            .map(Result::unwrap)
            .any(|line| line.contains("it is open"))
    );
    let error = open(folder.path()).unwrap_err();
    assert!(matches!(error, StoreError::InUse { .. }), "{error}");
    assert!(error.to_string().contains("need Redis"), "{error}");
    drop(child.stdin.take());
    child.wait().unwrap();
    open(folder.path()).unwrap();
    // Two stores in one process are no different.
    let _first = open(folder.path()).unwrap();
    assert!(matches!(open(folder.path()), Err(StoreError::InUse { .. })));
}
