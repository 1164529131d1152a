//! The build rules of the example for Unreal, run by Mono against a stand-in of UnrealBuildTool.

use super::support;
use std::path::{Path, PathBuf};
use std::process::Command;
use support::{printed, root, run};

/// The program that runs them, made in the folder.
pub fn compile(folder: &Path) -> PathBuf {
    let program = folder.join("rules.exe");
    let sources = root().join("examples/hosts/unreal/Source");
    run(Command::new("mcs")
        .arg(format!("-out:{}", program.display()))
        .args(["-warnaserror", "-warn:4"])
        .arg(root().join("tests/hosts/unreal/stand_in/UnrealBuildTool.cs"))
        .arg(sources.join("CancellableJobs/CancellableJobs.Build.cs"))
        .arg(sources.join("ThirdParty/DccCancel/DccCancel.Build.cs")));
    program
}

/// What the rules of a module in a folder name for a platform.
pub fn rules(program: &Path, module: &str, folder: &Path, platform: &str) -> Vec<(String, String)> {
    let printed = printed(Command::new("mono").arg(program).args([module, platform]).arg(folder));
    let lines = printed.lines().map(|line| line.split_once(' ').unwrap());
    lines.map(|(what, value)| (what.to_owned(), value.to_owned())).collect()
}
