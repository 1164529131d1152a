//! The artefacts that can be made, and their names for `--only`.

use crate::platform::{PLATFORMS, Platform};
use crate::unreal;

pub enum Artefact {
    /// The archive of a platform, the archive of its symbols, and the wheel.
    Platform(&'static Platform),
    /// The archive of the sources, with the sources of all crates.
    Source,
    /// What a plugin of Unreal takes of the platforms' archives.
    Unreal,
}

impl Artefact {
    pub fn all() -> impl Iterator<Item = Self> {
        PLATFORMS.iter().map(Self::Platform).chain([Self::Source, Self::Unreal])
    }

    pub fn name(&self) -> &'static str {
        match self {
            Self::Platform(platform) => platform.name,
            Self::Source => "source",
            Self::Unreal => "unreal",
        }
    }

    /// Whether it is to be made where these were asked for: one of them, or what one of them is made of.
    pub fn is_asked_for(&self, only: &[String]) -> bool {
        let is_in = |name: &str| only.iter().any(|asked| asked == name);
        only.is_empty()
            || is_in(self.name())
            || is_in(Self::Unreal.name()) && unreal::platforms().any(|of| of == self.name())
    }
}

/// All names, as a text for people.
pub fn names() -> String {
    Artefact::all().map(|artefact| artefact.name()).collect::<Vec<_>>().join(", ")
}
