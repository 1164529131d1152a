//! The library's size: its file, the time to load it, and the memory of each of many objects.

use super::support::{self, printed, root, run};
use super::table::Table;
use std::path::Path;
use std::process::Command;

/// The target for the stripped file in bytes, see "What is in the file" of docs/costs.md.
const FILE: f64 = 600_000.0;
/// The target for loading the library in nanoseconds: less than ten milliseconds.
const LOADED_NS: f64 = 9_999_999.0;
const TOKEN: f64 = 128.0;
/// The pages at both ends of the measured memory may be shared with other memory.
const PAGES: f64 = 1.0;

const PROCESSES: usize = 21;

pub fn show(folder: &Path, table: &mut Table) {
    let library = support::staged(&support::release_library(), folder);
    println!("\n{:<52} {:>12}  target", "what it takes", "amount");
    let size = std::fs::metadata(&library).expect("a file that was just written").len();
    table.amount("the library, bytes", size as f64, Some(FILE));
    sections(&library, table);

    let program = folder.join("footprint");
    let mut command = Command::new(support::cc());
    command.args(["-O2", "-Wall", "-Wextra", "-Werror", "-I"]).arg(support::include());
    command.arg(root().join("benches/footprint.c"));
    run(command.args(["-ldl", "-pthread", "-o"]).arg(&program));
    let measured = |what: &str| -> f64 {
        let text = printed(Command::new(&program).arg(&library).arg(what));
        text.trim().parse().expect("a number")
    };
    let mut loaded: Vec<f64> = (0..PROCESSES).map(|_| measured("dlopen")).collect();
    loaded.sort_by(f64::total_cmp);
    table.amount("dlopen, nanoseconds, the median", loaded[PROCESSES / 2], Some(LOADED_NS));
    table.amount("a token, bytes", measured("token"), Some(TOKEN + PAGES));
    table.amount("a job with its token, bytes", measured("job"), None);
    table.amount("a posted job with its job and token, bytes", measured("posted"), None);
    table.amount("a request with its token, bytes", measured("request"), None);
    table.amount("a thread that uses the library, bytes", measured("thread"), None);
}

/// Prints the larger sections, and the number of relocations.
fn sections(library: &Path, table: &mut Table) {
    if !support::exists("readelf") {
        return table.skipped("the sections of the library", "install binutils");
    }
    let text = printed(Command::new("readelf").args(["--section-headers", "--wide"]).arg(library));
    for line in text.lines() {
        // [ 1] .text PROGBITS address offset size ...
        let Some((_, rest)) = line.split_once("] ") else { continue };
        let fields: Vec<&str> = rest.split_whitespace().collect();
        let [name, kind, _, _, size, ..] = fields[..] else { continue };
        let Ok(size) = u64::from_str_radix(size, 16) else { continue };
        if name == ".rela.dyn" {
            table.amount("  relocations", (size / 24) as f64, None);
        }
        if kind != "NOBITS" && size >= 4096 {
            table.amount(&format!("  of it {name}"), size as f64, None);
        }
    }
}
