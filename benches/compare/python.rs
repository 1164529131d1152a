//! The costs of polls from Python; see calls.py.

use super::support::{self, printed, root};
use super::table::Table;
use std::path::{Path, PathBuf};
use std::process::Command;

const PEER: &str = "dcc-mcp-core==0.20.49";

/// The Python of an environment that has the peer. pip may have to install it.
fn with_peer() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("compare-python");
    let python = folder.join("bin/python");
    let succeeds =
        |command: &mut Command| command.output().is_ok_and(|output| output.status.success());
    let has_it =
        || succeeds(Command::new(&python).args(["-c", "import dcc_mcp_core.cancellation"]));
    let is_there = has_it()
        || succeeds(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder))
            // The packages that it depends on are left out: the module that is used needs none.
            && succeeds(Command::new(&python).args(["-m", "pip", "install", "--no-deps", PEER]))
            && has_it();
    is_there.then_some(python)
}

pub fn compare(folder: &Path, table: &mut Table) {
    if !support::exists("python3") {
        return table.skipped("rows of Python", "install python3");
    }
    table.head("from Python");
    let python = with_peer().unwrap_or_else(|| {
        table.skipped("rows beside dcc_mcp_core", "pip and venv did not install it");
        "python3".into()
    });
    let library = support::staged(&support::release_library(), folder);
    let mut command = Command::new(python);
    command.arg(root().join("benches/calls.py"));
    command.env("PYTHONPATH", root().join("python")).env("PYTHONDONTWRITEBYTECODE", "1");
    table.rows(&printed(command.env("DCC_CANCEL_LIBRARY", library)));
}
