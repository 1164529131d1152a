//! What can be made, by the names that `--only` takes.

use crate::platform::{PLATFORMS, Platform};

pub enum Artefact {
    /// The archive of a platform, that of its symbols, and the wheel.
    Platform(&'static Platform),
    /// The sources, with those of all crates.
    Source,
}

impl Artefact {
    pub fn all() -> impl Iterator<Item = Self> {
        PLATFORMS.iter().map(Self::Platform).chain([Self::Source])
    }

    pub fn name(&self) -> &'static str {
        match self {
            Self::Platform(platform) => platform.name,
            Self::Source => "source",
        }
    }
}

/// All names, for people.
pub fn names() -> String {
    Artefact::all().map(|artefact| artefact.name()).collect::<Vec<_>>().join(", ")
}
