//! What is looked for, and in what.

/// A kind of secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    AwsKey,
    BearerToken,
    PrivateKey,
    EmailAddress,
    CardNumber,
}

impl Kind {
    pub const ALL: [Self; 5] = [
        Self::AwsKey,
        Self::BearerToken,
        Self::PrivateKey,
        Self::EmailAddress,
        Self::CardNumber,
    ];

    /// As the settings say it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AwsKey => "aws-key",
            Self::BearerToken => "bearer-token",
            Self::PrivateKey => "private-key",
            Self::EmailAddress => "email-address",
            Self::CardNumber => "card-number",
        }
    }
}

/// Some of the kinds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kinds(u8);

impl Kinds {
    pub fn insert(&mut self, kind: Kind) {
        self.0 |= 1 << kind as u8;
    }

    pub fn has(self, kind: Kind) -> bool {
        self.0 & (1 << kind as u8) != 0
    }
}

/// What text it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Plain,
    Json,
    /// An event stream, whose data may be JSON.
    Events,
}
