//! The artefacts that can be made, and their names for `--only`.

use crate::platform::{PLATFORMS, Platform};

pub enum Artefact {
    /// The archive of a platform, the archive of its symbols, and the wheel.
    Platform(&'static Platform),
    /// The archive of the sources, with the sources of all crates.
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

/// All names, as a text for people.
pub fn names() -> String {
    Artefact::all().map(|artefact| artefact.name()).collect::<Vec<_>>().join(", ")
}
