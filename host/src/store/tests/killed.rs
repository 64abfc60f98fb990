//! A process that is killed while it writes: all that it was told is done is there afterwards.

use std::io::{BufRead as _, BufReader};

use super::*;

const PLACE: &str = "STORE_TEST_KILLED";
const DURABILITY: &str = "STORE_TEST_DURABILITY";

/// How many count at once.
const TASKS: usize = 4;

fn open(folder: &Path, durability: Durability) -> Store {
    Store::open(&StoreConfig {
        kind: embedded(&folder.join("state.redb"), durability),
        quotas: Quotas::default(),
    })
    .unwrap()
}

/// Only does something in a process that the test below has started: counts, and says each number when it is done.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn as_a_process_of_its_own() {
    let Some(place) = std::env::var_os(PLACE) else {
        return;
    };
    let durability = match std::env::var(DURABILITY).unwrap().as_str() {
        "Immediate" => Durability::Immediate,
        _ => Durability::Eventual,
    };
    let store = Arc::new(open(Path::new(&place), durability));
    let mut tasks = Vec::new();
    for task in 0..TASKS {
        let store = store.clone();
        tasks.push(tokio::spawn(async move {
            let key = format!("count{task}");
            loop {
                let number = store.increment("b", &key, 1, None).await.unwrap();
                // Much, so that logs are put into the database all the time.
                let much = Bytes::from(vec![b'x'; 100_000]);
                store
                    .set("b", &format!("much{task}-{}", number % 16), much, None)
                    .await
                    .unwrap();
                println!("\nack {task} {number}");
                if number == i64::MAX {
                    break;
                }
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
}

#[tokio::test]
async fn what_was_acknowledged_is_there() {
    for durability in [Durability::Eventual, Durability::Immediate] {
        let folder = tempfile::tempdir().unwrap();
        let mut acknowledged = [0; TASKS];
        for round in 1..=5_u32 {
            count_until_killed(folder.path(), durability, 97 * round, &mut acknowledged);
            let store = open(folder.path(), durability);
            for (task, least) in acknowledged.iter_mut().enumerate() {
                let text = store.get("b", &format!("count{task}")).await.unwrap();
                let text = text.unwrap_or_else(|| "0".into());
                let found: i64 = std::str::from_utf8(&text).unwrap().parse().unwrap();
                assert!(
                    (*least..=*least + 1).contains(&found),
                    "{durability:?}: {found}, told {least}"
                );
                *least = found;
            }
        }
    }
}

/// Kills the process when it has told so many numbers, and takes note of all that it told.
fn count_until_killed(
    folder: &Path,
    durability: Durability,
    most: u32,
    acknowledged: &mut [i64; TASKS],
) {
    let program = test_program(module_path!(), "as_a_process_of_its_own");
    let mut child = Command::new(&program[0])
        .args(&program[1..])
        .env(PLACE, folder)
        .env(DURABILITY, format!("{durability:?}"))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut told = 0;
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        let Some(ack) = line.strip_prefix("ack ") else {
            continue;
        };
        let (task, number) = ack.split_once(' ').unwrap();
        // The last line may have been cut off by the end.
        let (Ok(task), Ok(number)) = (task.parse::<usize>(), number.parse::<i64>()) else {
            continue;
        };
        acknowledged[task] = acknowledged[task].max(number);
        told += 1;
        if told == most {
            child.kill().unwrap();
        }
    }
    child.wait().unwrap();
    assert!(told >= most, "it ended by itself after {told}");
}
