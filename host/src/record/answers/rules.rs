//! By what a request is compared with recorded ones, and how answers are given.

/// The keys of `[backends.NAME.replay]` but for `on-miss`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnswerRules {
    /// Whether host and port must be the same.
    pub host: bool,
    pub query: QueryRule,
    /// Whether the body must be the same.
    pub body: bool,
    /// Names of header fields in lower case that must have the same values.
    pub fields: Vec<String>,
    /// Names of values in JSON bodies, at any depth, and in forms that may differ.
    pub ignore_keys: Vec<String>,
    pub repeat: Repeat,
    pub pace: Pace,
}

/// What of the query must be the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QueryRule {
    /// All but the parameters of these names; their order is none of it.
    AllBut(Vec<String>),
    Nothing,
}

/// What is given when each answer to a request was given.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Repeat {
    /// The last one again.
    #[default]
    Last,
    /// None.
    Once,
    /// All again, from the first.
    Cycle,
}

/// When an answer is given.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Pace {
    /// At once.
    #[default]
    None,
    /// After the time that the backend took; pieces of streams as they came.
    Original,
}

impl Default for AnswerRules {
    fn default() -> Self {
        Self {
            host: false,
            query: QueryRule::AllBut(Vec::new()),
            body: true,
            // They name the operation, where all requests have one path.
            fields: vec!["x-amz-target".to_owned(), "soapaction".to_owned()],
            ignore_keys: Vec::new(),
            repeat: Repeat::default(),
            pace: Pace::default(),
        }
    }
}
