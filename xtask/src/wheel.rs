//! Makes the wheel: the Python package with the library of a platform, for every Python of the platform.

use crate::install::empty;
use crate::pack;
use crate::platform::Platform;
use crate::trouble::{Result, Trouble, While};
use crate::workshop::{Workshop, succeed};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use zip::ZipArchive;

/// The name of the wheel in `target/dist`.
pub fn name(workshop: &Workshop, platform: &Platform) -> String {
    format!("dcc_cancel-{}-py3-none-{}.whl", workshop.version, platform.wheel)
}

/// Writes the wheel to `to`. The folder `licences` has the licences of everything that is linked.
pub fn write(
    workshop: &Workshop,
    platform: &Platform,
    library: &Path,
    licences: &Path,
    to: &Path,
) -> Result<()> {
    let folder = workshop.folder(platform.name);
    let (made, unpacked) = (folder.join("wheel"), folder.join("wheel-unpacked"));
    empty(&made)?;
    empty(&unpacked)?;
    let mut pip = workshop.command(workshop.tool("python"));
    pip.args(["-m", "pip", "wheel", "--quiet", "--disable-pip-version-check", "--no-index"]);
    pip.args(["--no-deps", "--no-build-isolation", "--wheel-dir"]).arg(&made);
    pip.arg(format!("--config-settings=--build-option=--plat-name={}", platform.wheel));
    pip.env("DCC_CANCEL_BUILT_LIBRARY", library).env("DCC_CANCEL_BUILT_LICENCES", licences);
    succeed(pip.arg(&workshop.root))?;
    // Its files have modes and times of this machine, so the archive is written again.
    let wheel = only(&made)?;
    let file = File::open(&wheel).doing(wheel.display())?;
    let mut archive = ZipArchive::new(file).doing(wheel.display())?;
    archive.extract(&unpacked).doing(wheel.display())?;
    pack::zip(&unpacked, "", to, workshop.time)
}

fn only(folder: &Path) -> Result<PathBuf> {
    let files = fs::read_dir(folder).doing(folder.display())?;
    let files: Vec<PathBuf> = files.flatten().map(|entry| entry.path()).collect();
    match &files[..] {
        [file] => Ok(file.clone()),
        _ => Err(Trouble::Failed(format!("pip has made {files:?} instead of one wheel"))),
    }
}
