//! The archive of the sources. It has the sources of all crates in `Cargo.lock`, so that a build fetches
//! nothing.

use crate::install::{copy_known, empty};
use crate::pack;
use crate::trouble::{Result, Trouble, While};
use crate::workshop::{Workshop, print};
use std::fs;

/// Added to cargo's settings in the archive only. In a checkout cargo still fetches the crates.
const SETTINGS: &str = "
[source.crates-io]
replace-with = \"vendored\"

[source.vendored]
directory = \"vendor\"
";

pub fn make(workshop: &Workshop) -> Result<()> {
    let name = format!("dcc-cancel-{}-source", workshop.version);
    let archive = workshop.dist().join(format!("{name}.tar.gz"));
    if archive.exists() {
        fs::remove_file(&archive).doing(archive.display())?;
    }
    let folder = workshop.folder("source");
    empty(&folder)?;
    copy_known(workshop, &["."], &folder)?;

    let mut cargo = workshop.command("cargo");
    cargo.args(["vendor", "--quiet", "--locked", "--versioned-dirs", "vendor"]);
    print(cargo.current_dir(&folder))
        .map_err(|why| Trouble::Lacks(format!("the sources of all crates: {why}")))?;
    let file = folder.join(".cargo/config.toml");
    let own = fs::read_to_string(&file).doing(file.display())?;
    fs::write(&file, own + SETTINGS).doing(file.display())?;
    pack::tar_gz(&folder, &name, &archive, workshop.time)
}
