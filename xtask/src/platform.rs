//! The platforms that archives are made for.

/// It decides the names of libraries and programs, and how their symbols are split off.
#[derive(Clone, Copy, PartialEq)]
pub enum System {
    Linux,
    Windows,
    Macos,
}

/// A platform, which gets one archive.
pub struct Platform {
    /// The name that `--only` takes.
    pub name: &'static str,
    pub system: System,
    /// The targets of cargo. Several targets are joined into one file for all of them.
    pub triples: &'static [&'static str],
    /// The suffix of the target for zig: the glibc version of the VFX Reference Platform.
    pub version: &'static str,
    /// The platform tag of the wheel.
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
    /// The name of the file that cargo makes.
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
