//! Unpacks the archives of a platform that this machine does not have.

use super::{archives, support};
use std::path::{Path, PathBuf};
use std::process::Command;
use support::{run, scratch};

/// Makes the archives and unpacks them. Returns the folder of the archive, and the folder of its
/// symbols.
pub fn tar(platform: &str) -> [PathBuf; 2] {
    let dist = archives::make(platform);
    let folder = scratch("archive");
    ["", "-symbols"].map(|kind| {
        let name = format!("{}{kind}", archives::name(platform));
        let archive = dist.join(format!("{name}.tar.gz"));
        run(Command::new("tar").arg("-xf").arg(archive).arg("-C").arg(&folder));
        folder.join(name)
    })
}

/// Checks that no file of a folder contains a path of this machine.
pub fn assert_names_no_folder(folder: &Path) {
    let mut count = 0;
    let files = support::printed(Command::new("find").arg(folder).args(["-type", "f"]));
    for file in files.lines() {
        archives::assert_names_no_folder(Path::new(file));
        count += 1;
    }
    assert!(count > 1, "{}", folder.display());
}
