//! Finds the machine's Pythons that the package supports.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Major, minor and patch version; `None` if this Python cannot be run.
fn version_of(python: &Path) -> Option<(u32, u32, u32)> {
    let asks = "import sys; print('%d.%d.%d' % sys.version_info[:3])";
    let output = Command::new(python).args(["-c", asks]).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let mut numbers = text.trim().split('.').map(|number| number.parse().ok());
    Some((numbers.next()??, numbers.next()??, numbers.next()??))
}

/// One Python of each version from 3.7 on, without the versions of the named Pythons.
pub fn pythons_besides(known: &[&Path]) -> Vec<PathBuf> {
    let mut candidates = vec![PathBuf::from("/usr/bin/python3")];
    if let Some(home) = std::env::var_os("HOME") {
        let versions = std::fs::read_dir(Path::new(&home).join(".pyenv/versions"));
        for version in versions.into_iter().flatten() {
            candidates.push(version.unwrap().path().join("bin/python"));
        }
    }
    let mut seen: Vec<_> = known.iter().map(|python| version_of(python).unwrap()).collect();
    candidates.retain(|python| match version_of(python) {
        Some(found) if found >= (3, 7, 0) && !seen.contains(&found) => {
            seen.push(found);
            true
        }
        _ => false,
    });
    candidates
}
