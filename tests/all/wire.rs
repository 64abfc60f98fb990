//! What the proxy does to every byte of HTTP/1.1, as tables: bytes in, bytes out, on both sides, and what becomes of
//! the connections. The tables are text (`wire/table.rs` tells how to read it); they are played through the whole proxy.
//!
//! Every row is played whole, cut in two at every byte, and byte by byte: where reads are cut must not matter.

mod backend;
mod message;
mod play;
mod queue;
mod socket;
mod stage;
mod table;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use tokio::sync::Semaphore;
use tollgate_tests::*;

use backend::{Backend, Fate};
use socket::{Cut, Side};
use stage::Stage;
use table::{ASKING, Row};

/// Runs at once. More would not be quicker, and each would take longer.
const AT_ONCE: usize = 12;

/// More cuts than this are made in strides, but for those near both ends.
const MOST_CUTS: usize = 160;
/// The same for what is so long that its length is what the row is about.
const LONG: usize = 4096;
const MOST_CUTS_OF_LONG: usize = 16;
const AT_THE_ENDS: usize = 16;

/// Failures of one table that are shown. After so many nothing more is tried.
const SHOWN: usize = 40;

/// One proxy and its table.
struct Table {
    file: &'static str,
    settings: &'static str,
    /// Because what the backend does in one run could meet another one on the same connection.
    one_at_a_time: bool,
}

macro_rules! table {
    ($name:ident, $file:literal) => {
        table!($name, $file, "", false);
    };
    ($name:ident, $file:literal, $settings:expr, $one_at_a_time:literal) => {
        #[tokio::test(flavor = "multi_thread")]
        async fn $name() {
            let (settings, one_at_a_time) = ($settings, $one_at_a_time);
            hold(Table {
                file: $file,
                settings,
                one_at_a_time,
            })
            .await;
        }
    };
}

table!(request_lines, "requests/lines.txt");
table!(request_targets, "requests/targets.txt");
table!(request_fields, "requests/fields.txt");
table!(request_hosts, "requests/hosts.txt");
table!(request_lengths, "requests/lengths.txt");
table!(request_chunks, "requests/chunks.txt");
table!(request_connections, "requests/connections.txt");
table!(request_expectations, "requests/expectations.txt");
table!(
    request_limits,
    "requests/limits.txt",
    "[server]\nmax-head = '1KiB'\nmax-target = 300\nmax-body = 600",
    false
);
table!(response_heads, "responses/heads.txt");
table!(response_framing, "responses/framing.txt");
table!(response_interim, "responses/interim.txt");
table!(response_ends, "responses/ends.txt");
table!(response_limits, "responses/limits.txt");
table!(response_leftovers, "responses/leftovers.txt", "", true);

#[test]
fn every_table_is_held() {
    let source = fs::read_to_string(directory().with_extension("rs")).unwrap();
    for folder in ["requests", "responses"] {
        for file in fs::read_dir(directory().join(folder)).unwrap() {
            let name = file.unwrap().file_name().into_string().unwrap();
            assert!(
                source.contains(&format!("\"{folder}/{name}\"")),
                "{folder}/{name} is in no test"
            );
        }
    }
}

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("all/wire")
}

async fn hold(table: Table) {
    let backend = Backend::start().await;
    let settings = format!(
        "{}\n[backends.default.ejection]\nfailures = 0",
        table.settings
    );
    let url = format!("http://{}", backend.address);
    let proxy = proxy().config(&settings).backend_at(&url).start().await;
    let stage = Arc::new(Stage {
        proxy: proxy.address,
        backend,
    });
    let text = fs::read_to_string(directory().join(table.file)).unwrap();
    let rows = table::rows(table.file, &text);
    let mut failures = Vec::new();
    let mut sound = Vec::new();
    for row in rows {
        if failures.len() == SHOWN {
            break;
        }
        match play_alone(&stage, &row, Cut::Whole).await {
            Ok(()) => sound.push(Arc::new(row)),
            Err(why) => failures.push(why),
        }
    }
    let runs: Vec<_> = sound
        .iter()
        .flat_map(|row| cuts(row).into_iter().map(|cut| (row.clone(), cut)))
        .collect();
    if table.one_at_a_time {
        for (row, cut) in runs {
            failures.extend(play_alone(&stage, &row, cut).await.err());
        }
    } else {
        failures.extend(play_together(&stage, runs).await);
    }
    eventually!(stage.backend.unbroken() == 0);
    failures.extend(
        stage
            .backend
            .strays()
            .into_iter()
            .map(|stray| format!("nobody asked the backend for {stray}")),
    );
    failures.truncate(SHOWN);
    assert!(failures.is_empty(), "\n\n{}", failures.join("\n"));
}

/// Plays a row while nothing else goes on, and looks what becomes of the backend's connection.
async fn play_alone(stage: &Stage, row: &Row, cut: Cut) -> Result<(), String> {
    let fate = play::play(stage, row, cut).await?;
    let expected = row
        .reuse
        .map(|used| if used { Fate::UsedAgain } else { Fate::Closed });
    match (fate, expected) {
        (Some(fate), Some(expected)) => {
            let found = stage.find_fate(fate, expected).await;
            found.map_err(|why| format!("{}, {cut:?}: {why}", row.name))
        }
        _ => Ok(()),
    }
}

/// Plays all, and of each row no more after the first failure.
async fn play_together(stage: &Arc<Stage>, runs: Vec<(Arc<Row>, Cut)>) -> Vec<String> {
    let places = Arc::new(Semaphore::new(AT_ONCE));
    let failed = Arc::new(Mutex::new(BTreeSet::new()));
    let mut tasks = tokio::task::JoinSet::new();
    for (row, cut) in runs {
        let place = places.clone().acquire_owned().await.unwrap();
        let (stage, failed) = (stage.clone(), failed.clone());
        if failed.lock().unwrap().contains(&row.name) {
            continue;
        }
        tasks.spawn(async move {
            let result = play::play(&stage, &row, cut).await;
            drop(place);
            let is_first = result.is_err() && failed.lock().unwrap().insert(row.name.clone());
            result.err().filter(|_| is_first)
        });
    }
    tasks.join_all().await.into_iter().flatten().collect()
}

/// All ways to divide what both sides send, apart from not dividing it.
fn cuts(row: &Row) -> Vec<Cut> {
    let mut cuts = Vec::new();
    for (side, bytes) in [
        (Side::Client, Row::sent(&row.client)),
        (Side::Backend, Row::sent(&row.backend)),
    ] {
        // What is only there to ask for the answer, or to answer, is cut in other rows.
        let in_one_piece = side == Side::Client && row.in_one_piece;
        if in_one_piece || bytes == ASKING || bytes == table::ANSWERING || bytes.is_empty() {
            continue;
        }
        let length = bytes.len();
        let most = if length > LONG {
            MOST_CUTS_OF_LONG
        } else {
            MOST_CUTS
        };
        let stride = length.div_ceil(most);
        let ends = if length > LONG { 0 } else { AT_THE_ENDS };
        let near_an_end =
            |at: &usize| at.is_multiple_of(stride) || *at < ends || length - at < ends;
        cuts.extend((1..length).filter(near_an_end).map(|at| Cut::At(side, at)));
        cuts.push(Cut::Every(side, stride));
    }
    cuts
}
