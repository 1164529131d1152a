//! A folder for `Source/ThirdParty` of a plugin of Unreal: the example's build rules, and what they name.

use crate::install::empty;
use crate::pack;
use crate::trouble::{Result, Trouble, While};
use crate::workshop::Workshop;
use std::fs;
use std::path::Path;

/// The build rules, which name the folders and the files below.
const RULES: &str = "examples/hosts/unreal/Source/ThirdParty/DccCancel/DccCancel.Build.cs";

/// What Unreal calls a platform, and what the rules take of its archive.
struct Part {
    name: &'static str,
    platform: &'static str,
    files: [&'static str; 2],
}

const PARTS: [Part; 3] = [
    Part {
        name: "Linux",
        platform: "linux-x86_64",
        files: ["lib/libdcc_cancel.so", "lib/libdcc_cancel.so.2"],
    },
    Part {
        name: "Mac",
        platform: "macos-universal",
        files: ["lib/libdcc_cancel.dylib", "lib/libdcc_cancel.2.dylib"],
    },
    Part {
        name: "Win64",
        platform: "windows-x86_64",
        files: ["bin/dcc_cancel.dll", "lib/dcc_cancel.lib"],
    },
];

/// The platforms whose archives have to be made before.
pub fn platforms() -> impl Iterator<Item = &'static str> {
    PARTS.iter().map(|part| part.platform)
}

/// `made` has the platforms whose archives are of this run.
pub fn make(workshop: &Workshop, made: &[&str]) -> Result<()> {
    let archive = workshop.dist().join(format!("dcc-cancel-{}-unreal.zip", workshop.version));
    if archive.exists() {
        fs::remove_file(&archive).doing(archive.display())?;
    }
    let lacking: Vec<&str> = platforms().filter(|of| !made.contains(of)).collect();
    if !lacking.is_empty() {
        return Err(Trouble::Lacks(format!("the archives for {}", lacking.join(", "))));
    }
    let folder = workshop.folder("unreal");
    empty(&folder)?;
    copy(&workshop.root, RULES, &folder.join("DccCancel.Build.cs"))?;
    for Part { name, platform, files } in PARTS {
        let (prefix, to) = (workshop.folder(platform).join("prefix"), folder.join(name));
        for file in files {
            copy(&prefix, file, &to.join(file))?;
        }
        for all in ["include", "share/licenses"] {
            for file in pack::entries(&prefix.join(all))? {
                let file = Path::new(all).join(file);
                if prefix.join(&file).is_file() {
                    copy(&prefix, &file, &to.join(&file))?;
                }
            }
        }
    }
    pack::zip(&folder, "DccCancel", &archive, workshop.time)
}

/// A link becomes the file that it leads to, since a `.zip` has none.
fn copy(from: &Path, name: impl AsRef<Path>, to: &Path) -> Result<()> {
    let folder = to.parent().expect("a file is in a folder");
    fs::create_dir_all(folder).doing(folder.display())?;
    let from = from.join(name);
    fs::copy(&from, to).doing(from.display())?;
    Ok(())
}
