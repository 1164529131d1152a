//! The platforms that archives are made for.

/// What libraries and programs are called, and how they are taken apart.
#[derive(Clone, Copy, PartialEq)]
pub enum System {
    Linux,
    Windows,
    Macos,
}

/// One archive.
pub struct Platform {
    /// As `--only` names it.
    pub name: &'static str,
    pub system: System,
    /// What cargo builds for, each in a folder of this name. Several become one file for all of them.
    pub triples: &'static [&'static str],
    /// What follows it for zig: the glibc of the VFX Reference Platform.
    pub version: &'static str,
    /// What pip calls it.
    pub wheel: &'static str,
}

pub const PLATFORMS: &[Platform] = &[
    Platform {
        name: "linux-x86_64",
        system: System::Linux,
        triples: &["x86_64-unknown-linux-gnu"],
        version: ".2.28",
        wheel: "manylinux_2_28_x86_64",
    },
    Platform {
        name: "linux-aarch64",
        system: System::Linux,
        triples: &["aarch64-unknown-linux-gnu"],
        version: ".2.28",
        wheel: "manylinux_2_28_aarch64",
    },
    Platform {
        name: "windows-x86_64",
        system: System::Windows,
        triples: &["x86_64-pc-windows-gnullvm"],
        version: "",
        wheel: "win_amd64",
    },
    Platform {
        name: "macos-universal",
        system: System::Macos,
        triples: &["aarch64-apple-darwin", "x86_64-apple-darwin"],
        version: "",
        wheel: "macosx_11_0_universal2",
    },
];

impl System {
    /// As cargo calls it.
    pub fn library(self) -> &'static str {
        match self {
            Self::Linux => "libdcc_cancel.so",
            Self::Windows => "dcc_cancel.dll",
            Self::Macos => "libdcc_cancel.dylib",
        }
    }

    pub fn tool(self) -> &'static str {
        match self {
            Self::Windows => "dcc-control.exe",
            Self::Linux | Self::Macos => "dcc-control",
        }
    }
}
