//! Scripts of what happens when, in milliseconds, and what is to be reported when.

use super::*;
use crate::stamp::Written;

/// The world that the looks see.
struct World {
    start: Instant,
    files: BTreeMap<Part, SeenFile>,
    directory: bool,
    fails: bool,
}

impl World {
    fn put(&mut self, path: &str, ino: u64, content: i64, age: u64) {
        let part = match path {
            "a.toml" => Part::Config,
            "a.schema.json" => Part::Schema,
            _ => Part::Code,
        };
        let identity = Stamp {
            file: FileId { dev: 1, ino },
            written: Written {
                len: 9,
                mtime: (content, 0),
            },
            ctime: (content, 0),
        };
        let seen = SeenFile {
            name: "a".into(),
            part,
            path: path.into(),
            identity: Some(identity),
            age: Duration::from_millis(age),
            shadows: vec![],
        };
        self.files.insert(part, seen);
    }

    fn found(&self) -> Scan {
        if self.fails {
            Scan::Unknown(std::io::Error::other("away"))
        } else if self.directory {
            Scan::Files {
                files: self.files.values().cloned().collect(),
                links: vec![],
                problems: vec![],
            }
        } else {
            Scan::NoDirectory
        }
    }

    /// Carries out a step: `file 1 2` makes `a.wasm` inode 1 with content 2, and so on.
    fn happen(&mut self, settler: &mut Settler, now: Instant, step: &str) {
        let mut words = step.split(' ');
        let what = words.next().unwrap();
        let numbers: Vec<i64> = words.map(|word| word.parse().unwrap()).collect();
        let ino = numbers.first().map_or(0, |ino| ino.cast_unsigned());
        let file = FileId { dev: 1, ino };
        match what {
            "file" => self.put("a.wasm", ino, numbers[1], 0),
            "other" => self.put("a.wat", ino, numbers[1], 0),
            "config" => self.put("a.toml", ino, numbers[1], 0),
            "schema" => self.put("a.schema.json", ino, numbers[1], 0),
            "gone" => drop(self.files.remove(&Part::Code)),
            "config-gone" => drop(self.files.remove(&Part::Config)),
            "written" => settler.hint(now, file, Hint::Written),
            "closed" => settler.hint(now, file, Hint::Closed),
            "moved" => settler.hint(now, file, Hint::Moved),
            "lose-events" => settler.forget_hints(),
            "no-directory" => self.directory = false,
            "directory" => self.directory = true,
            "look-fails" => self.fails = true,
            "look-works" => self.fails = false,
            _ => panic!("unknown step {step}"),
        }
    }
}

/// Plays a script (`100 file 1 1, 102 closed 1`: milliseconds and steps): looks at every step and whenever the settler
/// wants to, and nowhere else, until it rests.
fn play(timing: Timing, mut world: World, script: &str) -> String {
    let after = |milliseconds: &str| Duration::from_millis(milliseconds.parse().unwrap());
    let mut script = script
        .split(", ")
        .filter_map(|step| step.split_once(' '))
        .peekable();
    let mut settler = Settler::new(timing);
    let mut said = Vec::new();
    let mut now = world.start;
    for _ in 0..1000 {
        for change in settler.look(now, world.found()) {
            said.push(format!(
                "{} {}",
                (now - world.start).as_millis(),
                describe(&change)
            ));
        }
        let scripted = script.peek().map(|(at, _)| world.start + after(at));
        match [scripted, settler.wake_at()].into_iter().flatten().min() {
            Some(next) => now = next,
            None => return said.join(", "),
        }
        while let Some((_, step)) = script.next_if(|(at, _)| world.start + after(at) <= now) {
            world.happen(&mut settler, now, step);
        }
    }
    panic!("it never rests: {said:?}");
}

fn describe(change: &Change) -> String {
    match change {
        Change::Directory { present } => (if *present {
            "directory"
        } else {
            "no directory"
        })
        .into(),
        Change::Upsert { files, settled, .. } => {
            let paths = [&files.code, &files.config, &files.schema]
                .into_iter()
                .flatten();
            let paths: Vec<_> = paths.map(|path| path.display().to_string()).collect();
            let what = if *settled { "settled" } else { "try" };
            format!("{what} {}", paths.join("+"))
        }
        Change::Removed { name } => format!("removed {name}"),
        Change::Ready => "ready".into(),
    }
}

fn world() -> World {
    // A moment with enough past, should the machine have just started.
    let start = Instant::now() + Duration::from_secs(3600);
    World {
        start,
        files: BTreeMap::new(),
        directory: true,
        fails: false,
    }
}

/// From an empty directory; the first two reports are always the same.
fn from_empty(timing: Timing, script: &str) -> String {
    let said = play(timing, world(), script);
    let rest = said.strip_prefix("0 directory, 0 ready").unwrap();
    rest.trim_start_matches(", ").to_owned()
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn with_events() {
    let cases: &[(&str, &str, &str)] = &[
        (
            "written in one go",
            "100 file 1 1, 101 written 1, 102 closed 1",
            "102 try a.wasm, 2100 settled a.wasm",
        ),
        (
            "written slowly by one who keeps it open",
            "100 file 1 1, 100 written 1, 3000 file 1 2, 3000 written 1, 6000 file 1 3, 6000 written 1, 6500 closed 1",
            "6500 try a.wasm, 8000 settled a.wasm",
        ),
        (
            "opened, and written only after a while: a first try is in vain",
            "100 file 1 1, 1000 file 1 2, 1000 written 1, 1001 closed 1",
            "110 try a.wasm, 1002 try a.wasm, 3000 settled a.wasm",
        ),
        (
            "appended and closed, again and again",
            "100 file 1 1, 100 closed 1, 105 file 1 2, 105 closed 1, 500 file 1 3, 500 closed 1, 2400 file 1 4, 2400 closed 1",
            "102 try a.wasm, 107 try a.wasm, 502 try a.wasm, 2402 try a.wasm, 4400 settled a.wasm",
        ),
        (
            "never closed: after the limit it is taken as it is",
            "100 file 1 1, 100 written 1",
            "10100 settled a.wasm",
        ),
        (
            "the event of closing got lost",
            "100 file 1 1, 100 written 1, 300 lose-events",
            "300 try a.wasm, 2100 settled a.wasm",
        ),
        (
            "renamed into place",
            "100 file 1 1, 100 moved 1",
            "102 settled a.wasm",
        ),
        (
            "renamed into place while its writer has it open",
            "90 written 1, 100 file 1 1, 100 moved 1, 900 closed 1",
            "900 try a.wasm, 2100 settled a.wasm",
        ),
        (
            "a switched link, without any hint about the file",
            "100 file 1 1, 5000 file 2 1",
            "110 try a.wasm, 2100 settled a.wasm, 5010 try a.wasm, 7000 settled a.wasm",
        ),
        (
            "changed in place without a hint",
            "100 file 1 1, 5000 file 1 2",
            "110 try a.wasm, 2100 settled a.wasm, 5050 try a.wasm, 7000 settled a.wasm",
        ),
        (
            "deleted",
            "100 file 1 1, 5000 gone",
            "110 try a.wasm, 2100 settled a.wasm, 5150 removed a",
        ),
        (
            "deleted and created again by an editor",
            "100 file 1 1, 5000 gone, 5149 file 2 2",
            "110 try a.wasm, 2100 settled a.wasm, 5159 try a.wasm, 7149 settled a.wasm",
        ),
        (
            "renamed away and back",
            "100 file 1 1, 5000 gone, 5100 file 1 1",
            "110 try a.wasm, 2100 settled a.wasm",
        ),
        ("there for a moment only", "100 file 1 1, 105 gone", ""),
        (
            "another file of the same name takes over",
            "100 file 1 1, 5000 other 7 7",
            "110 try a.wasm, 2100 settled a.wasm, 5010 try a.wat, 7000 settled a.wat",
        ),
        (
            "the directory goes for good",
            "100 file 1 1, 5000 no-directory",
            "110 try a.wasm, 2100 settled a.wasm, 6000 no directory, 6000 removed a",
        ),
        (
            "the directory is exchanged",
            "100 file 1 1, 5000 no-directory, 5900 file 2 2, 5900 directory",
            "110 try a.wasm, 2100 settled a.wasm, 5910 try a.wasm, 7900 settled a.wasm",
        ),
        (
            "the directory goes and comes back later",
            "100 file 1 1, 5000 no-directory, 9000 directory",
            "110 try a.wasm, 2100 settled a.wasm, 6000 no directory, 6000 removed a, 9000 directory, 9010 try a.wasm, 11000 settled a.wasm",
        ),
        (
            "the disk is away for a while",
            "100 file 1 1, 1000 look-fails, 3000 look-works",
            "110 try a.wasm, 3000 settled a.wasm",
        ),
    ];
    for (name, script, expected) in cases {
        assert_eq!(from_empty(Timing::EVENTS, script), *expected, "{name}");
    }
}

#[test]
fn with_configuration() {
    let both = "100 file 1 1, 100 moved 1, 100 config 9 1, 100 moved 9";
    let serves = "110 settled a.wasm+a.toml";
    let cases: &[(&str, &str, &str)] = &[
        ("both are renamed into place", "", ""),
        (
            "again, one after the other",
            "5000 config 8 2, 5000 moved 8, 5009 file 2 2, 5009 moved 2",
            "5019 settled a.wasm+a.toml",
        ),
        (
            "code first, which waits as long as its configuration may still be written",
            "5000 file 2 2, 5000 closed 2, 5005 config 9 2, 5005 closed 9",
            "7005 settled a.wasm+a.toml",
        ),
        (
            "half of a configuration is not taken",
            "5000 config 9 2, 5000 closed 9, 6500 config 9 3, 6500 closed 9",
            "8500 settled a.wasm+a.toml",
        ),
        (
            "a configuration that is being written holds up the code",
            "5000 config 9 2, 5000 written 9, 6000 file 2 2, 6000 moved 2, 9000 closed 9",
            "9000 settled a.wasm+a.toml",
        ),
        (
            "the code alone",
            "5000 file 2 2, 5000 moved 2",
            "5010 settled a.wasm+a.toml",
        ),
        (
            "the configuration goes, then the code",
            "5000 config-gone, 6000 gone",
            "5150 settled a.wasm, 6150 removed a",
        ),
        (
            "the code goes, then the configuration",
            "5000 gone, 6000 config-gone",
            "5150 settled a.toml, 6150 removed a",
        ),
        (
            "a schema comes and changes with the code",
            "5000 schema 7 1, 5000 moved 7, 6000 file 2 2, 6000 moved 2, 6005 schema 6 2, 6005 moved 6",
            "5010 settled a.wasm+a.toml+a.schema.json, 6015 settled a.wasm+a.toml+a.schema.json",
        ),
        (
            "a schema that is left alone",
            "5000 schema 7 1, 5000 moved 7, 6000 gone, 6000 config-gone",
            "5010 settled a.wasm+a.toml+a.schema.json, 6150 removed a",
        ),
        ("both go", "5000 gone, 5000 config-gone", "5150 removed a"),
        (
            "an editor deletes the configuration and creates it again",
            "5000 config-gone, 5100 config 8 2, 5100 closed 8",
            "7100 settled a.wasm+a.toml",
        ),
    ];
    for (name, script, expected) in cases {
        let script = format!("{both}, {script}");
        let expected = match *expected {
            "" => serves.to_owned(),
            more => format!("{serves}, {more}"),
        };
        assert_eq!(from_empty(Timing::EVENTS, &script), expected, "{name}");
    }
}

#[test]
fn a_configuration_without_code() {
    let alone: &[(&str, &str, &str)] = &[
        (
            "a configuration alone counts once nothing comes after it",
            "100 config 9 1, 100 moved 9",
            "2100 settled a.toml",
        ),
        (
            "code comes in time",
            "100 config 9 1, 100 moved 9, 1000 file 1 1, 1000 moved 1",
            "1010 settled a.wasm+a.toml",
        ),
        (
            "code comes later",
            "100 config 9 1, 100 moved 9, 5000 file 1 1, 5000 moved 1",
            "2100 settled a.toml, 5010 settled a.wasm+a.toml",
        ),
    ];
    for (name, script, expected) in alone {
        assert_eq!(from_empty(Timing::EVENTS, script), *expected, "{name}");
    }
    let mut world = world();
    world.put("a.toml", 9, 1, 0);
    world.put("a.wasm", 1, 1, 60_000);
    assert_eq!(
        play(Timing::EVENTS, world, ""),
        "0 directory, 0 try a.wasm+a.toml, 0 ready, 2000 settled a.wasm+a.toml"
    );
}

#[test]
fn without_events() {
    let cases: &[(&str, &str, &str)] = &[
        (
            "a copy is tried when it hasn't grown for a moment",
            "100 file 1 1, 140 file 1 2, 180 file 1 3",
            "230 try a.wasm, 2180 settled a.wasm",
        ),
        (
            "a rename too",
            "100 file 1 1",
            "150 try a.wasm, 2100 settled a.wasm",
        ),
    ];
    for (name, script, expected) in cases {
        assert_eq!(from_empty(Timing::POLL, script), *expected, "{name}");
    }
}

#[test]
fn at_the_start_everything_is_reported_before_ready() {
    for (age, expected) in [
        (60_000, "0 directory, 0 settled a.wasm, 0 ready"),
        (
            500,
            "0 directory, 0 try a.wasm, 0 ready, 1500 settled a.wasm",
        ),
        (0, "0 directory, 0 try a.wasm, 0 ready, 2000 settled a.wasm"),
    ] {
        let mut world = world();
        world.put("a.wasm", 1, 1, age);
        assert_eq!(play(Timing::EVENTS, world, ""), expected);
    }
}

#[test]
fn ready_comes_without_a_directory_too() {
    let mut absent = world();
    absent.directory = false;
    let said = play(Timing::EVENTS, absent, "9000 file 1 1, 9000 directory");
    assert_eq!(
        said,
        "0 no directory, 0 ready, 9000 directory, 9010 try a.wasm, 11000 settled a.wasm"
    );
    let mut away = world();
    away.fails = true;
    away.put("a.wasm", 1, 1, 60_000);
    let said = play(Timing::EVENTS, away, "9000 look-works");
    assert_eq!(said, "0 ready, 9000 directory, 9000 settled a.wasm");
}

#[test]
fn a_state_that_cannot_be_had_changes_nothing() {
    let mut world = world();
    world.put("a.wasm", 1, 1, 60_000);
    let mut settler = Settler::new(Timing::EVENTS);
    assert_eq!(settler.look(world.start, world.found()).len(), 3);
    world.files.get_mut(&Part::Code).unwrap().identity = None;
    let later = world.start + Duration::from_secs(1);
    assert_eq!(settler.look(later, world.found()), []);
    assert_eq!(settler.wake_at(), None);
}
