//! One value out of its layers: flag, environment, file.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use crate::cli::RunArgs;
use crate::config::Place;
use crate::config::file::{Mistakes, Scalar};
use crate::config::units::{self, path_problem};

/// A value and where it was given.
pub(super) type Placed<T> = (T, Place);
/// An address of the proxy and where it was given.
pub(super) type PlacedAddress = Placed<SocketAddr>;

/// Where values come from besides the file, and where mistakes go.
pub(super) struct Layers<'a> {
    pub(super) args: &'a RunArgs,
    pub(super) env: &'a dyn Fn(&str) -> Option<OsString>,
    pub(super) mistakes: &'a Mistakes,
}

/// The value that was given, else the default.
pub(super) fn chosen<T>(given: Option<Placed<T>>, default: T) -> T {
    given.map_or(default, |(value, _)| value)
}

impl Layers<'_> {
    /// The value of the strongest layer that gives one.
    pub(super) fn value<T>(
        &self,
        name: &'static str,
        flag: &Option<String>,
        file: Option<Scalar>,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Option<Placed<T>> {
        self.value_at(name, flag, file, |text, _| parse(text))
    }

    /// As [`value`](Self::value), where it matters in which place the text stands.
    pub(super) fn value_at<T>(
        &self,
        name: &'static str,
        flag: &Option<String>,
        file: Option<Scalar>,
        parse: impl Fn(&str, &Place) -> Result<T, String>,
    ) -> Option<Placed<T>> {
        let flag = flag.clone().map(|text| {
            let value = Some(text.clone());
            let place = Place::Flag { name, value };
            Scalar { place, text }
        });
        let layers = [flag, self.variable(name).and_then(|v| self.utf8(v)), file];
        let read = |entry: Scalar| {
            let value = entry.read(self.mistakes, |text| parse(text, &entry.place))?;
            Some((value, entry.place))
        };
        // Collected, so that all are read.
        let values: Vec<_> = layers.into_iter().flatten().filter_map(read).collect();
        values.into_iter().next()
    }

    /// As [`value`](Self::value), for flags that are there or not. A flag can only say yes.
    pub(super) fn switch(
        &self,
        name: &'static str,
        flag: bool,
        file: Option<Placed<bool>>,
    ) -> Option<Placed<bool>> {
        let flag = flag.then_some((true, Place::Flag { name, value: None }));
        let variable = self.variable(name).and_then(|v| {
            let entry = self.utf8(v)?;
            Some((entry.read(self.mistakes, units::boolean)?, entry.place))
        });
        flag.or(variable).or(file)
    }

    /// As [`value`](Self::value), for paths; those of the file are relative to its directory.
    pub(super) fn path(
        &self,
        name: &'static str,
        flag: Option<&Path>,
        file: Option<(Scalar, &Path)>,
    ) -> Option<Placed<PathBuf>> {
        let flag = flag.map(|path| {
            let value = Some(path.display().to_string());
            (path.to_owned(), Place::Flag { name, value })
        });
        let variable = self
            .variable(name)
            .map(|(value, place)| (PathBuf::from(value), place));
        let file = file.map(|(entry, base)| (PathBuf::from(entry.text), entry.place, base));
        let given = [flag, variable]
            .into_iter()
            .flatten()
            .map(|(path, place)| (path, place, Path::new("")));
        let paths: Vec<_> = given
            .chain(file)
            .filter_map(|(path, place, base)| match path_problem(&path) {
                None => Some((base.join(path), place)),
                Some(problem) => {
                    self.mistakes.add(place, problem);
                    None
                }
            })
            .collect();
        paths.into_iter().next()
    }

    /// A path of the file, relative to its directory.
    pub(super) fn path_in_file(
        &self,
        entry: Option<Scalar>,
        base: &Path,
    ) -> Option<Placed<PathBuf>> {
        let entry = entry?;
        let path = entry.read(self.mistakes, |text| {
            let path = Path::new(text);
            path_problem(path).map_or_else(|| Ok(base.join(path)), |problem| Err(problem.into()))
        })?;
        Some((path, entry.place))
    }

    /// A directory of the XDG base directory specification: this variable, or this path below the home. None without either.
    pub(super) fn base_directory(&self, variable: &str, below_home: &str) -> Option<PathBuf> {
        let absolute = |name| {
            (self.env)(name)
                .map(PathBuf::from)
                .filter(|path| path.is_absolute())
        };
        absolute(variable).or_else(|| absolute("HOME").map(|home| home.join(below_home)))
    }

    /// The variable of a flag: `TOLLGATE_CACHE_DIR` for `cache-dir`.
    pub(super) fn variable(&self, flag: &str) -> Option<(OsString, Place)> {
        let name = format!("TOLLGATE_{}", flag.replace('-', "_").to_uppercase());
        let value = (self.env)(&name).filter(|value| !value.is_empty())?;
        let shown = value.to_string_lossy().into_owned();
        Some((value, Place::Env { name, value: shown }))
    }

    pub(super) fn utf8(&self, (value, place): (OsString, Place)) -> Option<Scalar> {
        match value.into_string() {
            Ok(text) => Some(Scalar { place, text }),
            Err(_) => {
                self.mistakes.add(place, "expected UTF-8");
                None
            }
        }
    }

    /// What an entry of the file means, if it is there and means something.
    pub(super) fn said<T>(
        &self,
        entry: Option<Scalar>,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Option<T> {
        entry?.read(self.mistakes, parse)
    }

    /// Puts what the file says in the place of a default.
    pub(super) fn set<T>(
        &self,
        slot: &mut T,
        entry: Option<Scalar>,
        parse: impl Fn(&str) -> Result<T, String>,
    ) {
        if let Some(value) = self.said(entry, parse) {
            *slot = value;
        }
    }
}
