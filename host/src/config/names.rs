//! Keys and names as people write them, and what they most likely meant.

/// A key as it must be written in TOML.
pub(super) fn quoted(key: &str) -> String {
    let bare = !key.is_empty()
        && key
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "-_".contains(c));
    if bare {
        key.to_owned()
    } else {
        format!("{key:?}")
    }
}

/// The known key that somebody most likely meant, if any is near enough to be worth a question. Of a
/// known path only the last part is compared.
pub(super) fn nearest_key<'k>(
    key: &str,
    known: impl Iterator<Item = &'k &'static str>,
) -> Option<&'static str> {
    nearest(
        key,
        known.map(|path| (path.rsplit_once('.').map_or(*path, |(_, last)| last), *path)),
    )
}

/// As [`nearest_key`], for names that people gave themselves.
pub(crate) fn nearest_name<'n>(
    name: &str,
    known: impl Iterator<Item = &'n str>,
) -> Option<&'n str> {
    nearest(name, known.map(|known| (known, known)))
}

/// Of pairs (what is compared, what is meant by it) the nearest.
fn nearest<'k>(text: &str, known: impl Iterator<Item = (&'k str, &'k str)>) -> Option<&'k str> {
    let text = text.to_lowercase();
    known
        .map(|(compared, meant)| {
            let distance = strsim::damerau_levenshtein(&text, &compared.to_lowercase());
            (distance, compared, meant)
        })
        .filter(|(distance, compared, _)| *distance <= 1 + compared.len() / 4)
        .min_by_key(|(distance, _, _)| *distance)
        .map(|(_, _, meant)| meant)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_keys() {
        let known = ["listen", "drain", "cache.max-size", "limits.body"];
        let cases = [
            ("lsten", Some("listen")),
            ("Listen", Some("listen")),
            ("max_size", Some("cache.max-size")),
            ("bdoy", Some("limits.body")),
            ("train", Some("drain")),
            ("xyz", None),
            ("", None),
        ];
        for (key, expected) in cases {
            assert_eq!(nearest_key(key, known.iter()), expected, "{key}");
        }
    }

    #[test]
    fn nearest_names() {
        let known = ["Users", "api.v1", "api.v2"];
        let cases = [
            ("user", Some("Users")),
            ("api.v3", Some("api.v1")),
            ("v1", None),
        ];
        for (name, expected) in cases {
            assert_eq!(nearest_name(name, known.into_iter()), expected, "{name}");
        }
    }
}
