//! The platforms that archives are made for.

/// What libraries and programs are called, and how they are taken apart.
#[derive(Clone, Copy, PartialEq)]
pub enum System {
    Linux,
    Windows,
}

/// One archive.
pub struct Platform {
    /// As `--only` names it.
    pub name: &'static str,
    pub system: System,
    /// What cargo builds for. Its output is in a folder of this name.
    pub triple: &'static str,
    /// What follows it for zig: the glibc of the VFX Reference Platform.
    pub version: &'static str,
    /// What pip calls it.
    pub wheel: &'static str,
}

pub const PLATFORMS: &[Platform] = &[
    Platform {
        name: "linux-x86_64",
        system: System::Linux,
        triple: "x86_64-unknown-linux-gnu",
        version: ".2.28",
        wheel: "manylinux_2_28_x86_64",
    },
    Platform {
        name: "windows-x86_64",
        system: System::Windows,
        triple: "x86_64-pc-windows-gnullvm",
        version: "",
        wheel: "win_amd64",
    },
];

impl System {
    /// As cargo calls it.
    pub fn library(self) -> &'static str {
        match self {
            Self::Linux => "libdcc_cancel.so",
            Self::Windows => "dcc_cancel.dll",
        }
    }

    pub fn tool(self) -> &'static str {
        match self {
            Self::Windows => "dcc-control.exe",
            Self::Linux => "dcc-control",
        }
    }
}

/// All names, for people.
pub fn names() -> String {
    PLATFORMS.iter().map(|platform| platform.name).collect::<Vec<_>>().join(", ")
}
