//! Which backend a request goes to: a choice among those of the configuration that its exchange began with.

use std::sync::Arc;

/// The names of a configuration's backends, each known by its place.
#[derive(Debug)]
pub struct BackendNames(Box<[String]>);

impl BackendNames {
    pub fn new(names: impl IntoIterator<Item = String>) -> Self {
        Self(names.into_iter().collect())
    }

    fn number(&self, name: &str) -> Option<usize> {
        self.0.iter().position(|known| known == name)
    }
}

/// The backend of one request. A blank exchange has none to choose from.
#[derive(Debug, Clone, Default)]
pub struct BackendChoice {
    names: Option<Arc<BackendNames>>,
    number: usize,
}

impl BackendChoice {
    /// The one of this name; none if there is no such backend.
    pub fn of(names: &Arc<BackendNames>, name: &str) -> Option<Self> {
        Some(Self {
            number: names.number(name)?,
            names: Some(names.clone()),
        })
    }

    /// Its name; empty if there is none.
    pub fn name(&self) -> &str {
        let name = self
            .names
            .as_ref()
            .and_then(|names| names.0.get(self.number));
        name.map_or("", String::as_str)
    }

    /// Its place among these names; none if the choice is among others, which are those of another configuration.
    pub fn number_among(&self, names: &Arc<BackendNames>) -> Option<usize> {
        let own = self.names.as_ref()?;
        Arc::ptr_eq(own, names).then_some(self.number)
    }

    /// Whether there are backends to choose from.
    pub fn has_names(&self) -> bool {
        self.names.is_some()
    }

    /// Whether there is a backend of this name.
    pub fn knows(&self, name: &str) -> bool {
        let names = self.names.as_ref();
        names.is_some_and(|names| names.number(name).is_some())
    }

    /// Chooses the one of this name. False if there is none: then nothing has changed.
    pub fn choose(&mut self, name: &str) -> bool {
        let number = self.names.as_ref().and_then(|names| names.number(name));
        self.number = number.unwrap_or(self.number);
        number.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_is_among_the_names_that_it_began_with() {
        let names = |names: [&str; 2]| Arc::new(BackendNames::new(names.map(str::to_owned)));
        let (old, new) = (names(["a", "b"]), names(["a", "b"]));
        assert!(BackendChoice::of(&old, "c").is_none());
        let mut choice = BackendChoice::of(&old, "a").unwrap();
        assert_eq!((choice.name(), choice.number_among(&old)), ("a", Some(0)));
        assert!(!choice.choose("c") && choice.name() == "a");
        assert!(choice.choose("b") && choice.name() == "b");
        assert_eq!(choice.number_among(&old), Some(1));
        assert_eq!(choice.number_among(&new), None);
        let mut none = BackendChoice::default();
        assert!(!none.choose("a") && !none.has_names() && none.name().is_empty());
        assert_eq!(none.number_among(&new), None);
    }
}
