//! `NAME.toml` with one thing in it changed, and everything else as its author wrote it.
//!
//! A value is changed where it stands, in the text. What comes of that is read again, and counts only if it says what it was
//! to say and nothing else has changed; otherwise the file is written anew, if it has no comments that would be lost.

use std::fs;
use std::io::{self, Write as _};
use std::ops::Range;
use std::path::{Path, PathBuf};

use toml::de::DeTable;

use crate::config::{self, OverlayKey, PluginKeys, Settings};
use crate::text;

/// Why such a file can't be changed. The texts say what to do.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    #[error("{0}; correct it, or keep the change in memory")]
    Mistakes(String),
    #[error(
        "null can't be written in TOML (settings.{0}); leave the key out, or keep the change in memory"
    )]
    Null(String),
    #[error("{0}")]
    Unreadable(String),
    #[error(
        "{0} is a symbolic link, which is not replaced; change the file that it leads to, or keep the change in memory"
    )]
    Link(String),
    #[error(
        "{0} has comments, and they would be lost; change it by hand, or keep the change in memory"
    )]
    Comments(String),
}

/// A change of such a file that waits to be written.
#[derive(Debug, Clone, PartialEq)]
pub struct FileChange {
    path: PathBuf,
    /// None if there is no such file.
    before: Option<String>,
    after: String,
    /// What the file will say.
    pub keys: PluginKeys,
}

impl FileChange {
    /// Reads the file and makes what it will be. Blocks.
    ///
    /// # Errors
    /// When it can't be read, or can't be changed without harm.
    pub fn prepare(path: &Path, key: &OverlayKey) -> Result<Self, EditError> {
        let shown = || text::path(path).to_string();
        if fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_symlink()) {
            return Err(EditError::Link(shown()));
        }
        let before = read(path)
            .map_err(|problem| EditError::Unreadable(format!("{}: {problem}", shown())))?;
        let (after, keys) = edited(path, before.as_deref().unwrap_or_default(), key)?;
        Ok(Self {
            path: path.to_owned(),
            before,
            after,
            keys,
        })
    }

    /// Puts the new file in the place of the old one, at once and with its mode. Blocks.
    ///
    /// # Errors
    /// When somebody else has changed it since, or it can't be written.
    pub fn write(&self) -> Result<(), String> {
        let shown = text::path(&self.path).to_string();
        if read(&self.path).ok().as_ref() != Some(&self.before) {
            return Err(format!(
                "{shown} was changed by somebody else meanwhile; nothing was done, try again"
            ));
        }
        let written = self.replace();
        written.map_err(|error| format!("{shown} can't be written: {error}"))
    }

    fn replace(&self) -> io::Result<()> {
        let directory = self.path.parent().unwrap_or(Path::new("."));
        // A name that the watcher leaves alone.
        let mut file = tempfile::Builder::new()
            .prefix(".tollgate-")
            .tempfile_in(directory)?;
        file.write_all(self.after.as_bytes())?;
        if let Ok(old) = fs::metadata(&self.path) {
            file.as_file().set_permissions(old.permissions())?;
        }
        file.as_file().sync_all()?;
        file.persist(&self.path).map_err(|error| error.error)?;
        Ok(())
    }
}

fn read(path: &Path) -> Result<Option<String>, String> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        _ => config::read_file(path, super::LARGEST, "TOML").map(Some),
    }
}

/// The text of such a file with this key as it is to be, and what it says then. The path is for messages alone.
///
/// # Errors
/// When the text has mistakes, or can't be changed without harm.
pub fn edited(
    path: &Path,
    text: &str,
    key: &OverlayKey,
) -> Result<(String, PluginKeys), EditError> {
    let read = |text: &str| {
        let keys = config::plugin_file(path, text, None);
        keys.map_err(|errors| EditError::Mistakes(errors.to_string()))
    };
    let wanted = with(read(text)?, key);
    let is_right = |text: &String| read(text).is_ok_and(|keys| keys == wanted);
    let in_place = in_place(text, key)?;
    if let Some(text) = in_place.filter(is_right) {
        return Ok((text, wanted));
    }
    let comments = || EditError::Comments(text::path(path).to_string());
    if text.contains('#') {
        return Err(comments());
    }
    let anew = anew(text, key).filter(is_right);
    anew.map(|text| (text, wanted)).ok_or_else(comments)
}

/// What a file says if this key is as it is to be.
fn with(mut keys: PluginKeys, key: &OverlayKey) -> PluginKeys {
    match key {
        OverlayKey::Enabled(enabled) => keys.enabled = Some(*enabled),
        OverlayKey::Order(order) => keys.order = Some(*order),
        OverlayKey::Settings(settings) => keys.settings = settings.clone(),
    }
    keys
}

/// The text with changes where the values stand; none if they can't be found.
fn in_place(text: &str, key: &OverlayKey) -> Result<Option<String>, EditError> {
    let Ok(root) = DeTable::parse(text) else {
        return Ok(None);
    };
    Ok(match key {
        OverlayKey::Enabled(enabled) => Some(scalar(
            text,
            root.get_ref(),
            "enabled",
            &enabled.to_string(),
        )),
        OverlayKey::Order(order) => Some(scalar(text, root.get_ref(), "order", &order.to_string())),
        OverlayKey::Settings(settings) => table(text, root.get_ref(), settings)?,
    })
}

/// A key of the file itself: in its place, or as the first line.
fn scalar(text: &str, root: &DeTable<'_>, key: &str, value: &str) -> String {
    match root.get(key) {
        Some(old) => {
            let mut changed = text.to_owned();
            changed.replace_range(old.span(), value);
            changed
        }
        None => format!("{key} = {value}\n{text}"),
    }
}

/// The table of the settings: values in their place, lines of keys that go, and lines for new keys behind the header.
fn table(text: &str, root: &DeTable<'_>, settings: &Settings) -> Result<Option<String>, EditError> {
    let none = DeTable::new();
    let old = match root.get("settings") {
        Some(table) => match table.get_ref().as_table() {
            Some(table) => table,
            None => return Ok(None),
        },
        None => &none,
    };
    let mut changes: Vec<(Range<usize>, String)> = Vec::new();
    for (key, value) in old {
        let name: &str = key.get_ref();
        match settings.values().get(name) {
            Some(wanted) => changes.push((value.span(), toml_value(name, wanted)?)),
            None => changes.push((
                lines(text, key.span().start..value.span().end),
                String::new(),
            )),
        }
    }
    let mut new = String::new();
    for (key, value) in settings.values() {
        if !old.contains_key(key.as_str()) {
            new += &format!("{} = {}\n", toml_key(key), toml_value(key, value)?);
        }
    }
    match header(text) {
        _ if new.is_empty() => {}
        Some(end) => changes.push((end..end, new)),
        None if root.contains_key("settings") => return Ok(None),
        None => {
            let gap = if text.is_empty() || text.ends_with('\n') {
                ""
            } else {
                "\n"
            };
            let end = text.len();
            changes.push((end..end, format!("{gap}[settings]\n{new}")));
        }
    }
    changes.sort_by_key(|(range, _)| std::cmp::Reverse(range.start));
    let mut changed = text.to_owned();
    for (range, with) in changes {
        changed.replace_range(range, &with);
    }
    Ok(Some(changed))
}

/// The whole lines of a range, with the last one's end.
fn lines(text: &str, range: Range<usize>) -> Range<usize> {
    let start = text[..range.start].rfind('\n').map_or(0, |at| at + 1);
    let end = text[range.end..]
        .find('\n')
        .map_or(text.len(), |at| range.end + at + 1);
    start..end
}

/// Behind the line `[settings]`; none if it is written in another way.
fn header(text: &str) -> Option<usize> {
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        at += line.len();
        let code = line.split('#').next().unwrap_or_default().trim();
        if code == "[settings]" && line.ends_with('\n') {
            return Some(at);
        }
    }
    None
}

fn toml_key(key: &str) -> String {
    let is_bare = !key.is_empty()
        && key
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    match is_bare {
        true => key.to_owned(),
        false => toml::Value::from(key).to_string(),
    }
}

fn toml_value(key: &str, value: &serde_json::Value) -> Result<String, EditError> {
    let value = toml::Value::try_from(value).map_err(|_| EditError::Null(key.to_owned()))?;
    Ok(value.to_string())
}

/// The file written anew, from what it says.
fn anew(text: &str, key: &OverlayKey) -> Option<String> {
    let mut table: toml::Table = text.parse().ok()?;
    match key {
        OverlayKey::Enabled(enabled) => table.insert("enabled".to_owned(), (*enabled).into()),
        OverlayKey::Order(order) => table.insert("order".to_owned(), i64::from(*order).into()),
        OverlayKey::Settings(settings) => {
            let settings = toml::Value::try_from(settings.values()).ok()?;
            table.insert("settings".to_owned(), settings)
        }
    };
    toml::to_string(&table).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn settings(value: &serde_json::Value) -> OverlayKey {
        OverlayKey::Settings(Settings::from_values(value.as_object().unwrap().clone()).unwrap())
    }

    fn edit(text: &str, key: &OverlayKey) -> Result<String, EditError> {
        edited(Path::new("a.toml"), text, key).map(|(text, _)| text)
    }

    #[test]
    fn what_is_not_changed_stays_as_it_was_written() {
        let text = "# Mine.\norder = 5 # before auth\n\n[settings] # what it does\n# The name.\nname = 'x'\nlist = [\n  1, # one\n  2,\n]\n\n[limits]\nmemory = '1MiB'\n";
        let cases = [
            (
                OverlayKey::Order(-3),
                text.replace("order = 5", "order = -3"),
            ),
            (
                OverlayKey::Enabled(false),
                format!("enabled = false\n{text}"),
            ),
            (
                settings(&json!({"name": "y", "list": [1, 2]})),
                text.replace("'x'", "\"y\"")
                    .replace("[\n  1, # one\n  2,\n]", "[1, 2]"),
            ),
            (
                settings(&json!({"name": "x", "new key": {"a": 1.5}})),
                text.replace("name = 'x'", "name = \"x\"")
                    .replace("list = [\n  1, # one\n  2,\n]\n", "")
                    .replace(
                        "what it does\n",
                        "what it does\n\"new key\" = { a = 1.5 }\n",
                    ),
            ),
        ];
        for (key, expected) in cases {
            assert_eq!(edit(text, &key).unwrap(), expected, "{key:?}");
        }
    }

    #[test]
    fn a_file_is_replaced_whole_unless_it_has_changed_meanwhile() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.toml");
        let change = FileChange::prepare(&path, &OverlayKey::Order(1)).unwrap();
        change.write().unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "order = 1\n");
        let change = FileChange::prepare(&path, &OverlayKey::Order(2)).unwrap();
        assert_eq!(change.keys.order, Some(2));
        fs::write(&path, "order = 7 # mine").unwrap();
        assert!(change.write().unwrap_err().contains("by somebody else"));
        assert_eq!(fs::read_to_string(&path).unwrap(), "order = 7 # mine");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
        let link = dir.path().join("b.toml");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        let said = FileChange::prepare(&link, &OverlayKey::Order(1)).unwrap_err();
        assert!(matches!(said, EditError::Link(_)), "{said}");
    }

    #[test]
    fn a_file_that_has_none_gets_a_table() {
        let key = settings(&json!({"a": true}));
        assert_eq!(edit("", &key).unwrap(), "[settings]\na = true\n");
        assert_eq!(
            edit("order = 1", &key).unwrap(),
            "order = 1\n[settings]\na = true\n"
        );
        let text = "[match]\npath = '/x/**' # there\n";
        let expected = format!("{text}[settings]\na = true\n");
        assert_eq!(edit(text, &key).unwrap(), expected);
        assert_eq!(
            edit(text, &OverlayKey::Order(2)).unwrap(),
            format!("order = 2\n{text}")
        );
    }

    #[test]
    fn what_can_not_be_changed_in_its_place_is_written_anew_or_left() {
        let key = settings(&json!({"b": 1}));
        let inline = "settings = { a = 1 }\norder = 3\n";
        let anew = edit(inline, &key).unwrap();
        let keys = config::plugin_file(Path::new("a.toml"), &anew, None).unwrap();
        assert_eq!((keys.order, keys.settings.values().len()), (Some(3), 1));
        let said = edit(&format!("# mine\n{inline}"), &key)
            .unwrap_err()
            .to_string();
        assert!(said.contains("a.toml has comments"), "{said}");
        let said = edit("ordr = 1", &key).unwrap_err().to_string();
        assert!(said.contains("did you mean order?"), "{said}");
        // Nothing of a header in a string is one.
        let tricky = "[settings]\na = '''\n[settings]\n'''\n";
        let keys = |text: &str| config::plugin_file(Path::new("a.toml"), text, None).unwrap();
        let key = settings(&json!({"a": "\n[settings]\n", "b": 1}));
        assert_eq!(
            keys(&edit(tricky, &key).unwrap()).settings.values().len(),
            2
        );
    }
}
