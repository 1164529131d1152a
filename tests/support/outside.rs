//! Folders outside of the checkout, and commands that see nothing of it.

#![allow(dead_code, reason = "each test uses a part of it")]

use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::Command;

/// An empty folder outside of the checkout. Dropping this removes it.
pub struct Outside(PathBuf);

impl Outside {
    /// `name` is one that no other folder of this process has.
    pub fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("dcc-cancel-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir(&folder).unwrap();
        Self(folder)
    }
}

impl Deref for Outside {
    type Target = Path;

    fn deref(&self) -> &Path {
        &self.0
    }
}

impl Drop for Outside {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Takes the variables of this process that `is_hidden` names from the command's environment.
pub fn hide(command: &mut Command, is_hidden: impl Fn(&str) -> bool) {
    for (name, _) in std::env::vars_os() {
        if is_hidden(&name.to_string_lossy()) {
            command.env_remove(name);
        }
    }
}
