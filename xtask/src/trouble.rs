//! The reasons why an artefact was not made.

use std::fmt;

pub enum Trouble {
    /// This machine lacks a tool or a library that is needed.
    Lacks(String),
    /// The attempt has failed.
    Failed(String),
}

pub type Result<T> = std::result::Result<T, Trouble>;

impl fmt::Display for Trouble {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Lacks(what) => write!(out, "this machine lacks {what}"),
            Self::Failed(how) => out.write_str(how),
        }
    }
}

/// Adds to an error what was being done when it happened.
pub trait While<T> {
    fn doing(self, what: impl fmt::Display) -> Result<T>;
}

impl<T, E: fmt::Display> While<T> for std::result::Result<T, E> {
    fn doing(self, what: impl fmt::Display) -> Result<T> {
        self.map_err(|error| Trouble::Failed(format!("{what}: {error}")))
    }
}
