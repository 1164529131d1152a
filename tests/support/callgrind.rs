//! Counts, with callgrind, what pieces of work of a C++ program cost: instructions, and how many of
//! these are locked or call the system. The counts are exact and repeatable, even on a busy
//! machine.
//!
//! The program calls `counted` of benches/counted.hpp twice for each piece of work.

#![allow(dead_code, reason = "each program uses a part of it")]

use super::support;
use std::collections::{HashMap, HashSet};
use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};

/// The counts of one call. They are exact even if the library was built without debug information.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Counts {
    pub instructions: f64,
    /// Read-modify-writes that lock other processors out, and full fences.
    pub locked: f64,
    /// System calls. Reads of the clock count, too: valgrind hides the page by which programs read
    /// the clock without the system.
    pub system_calls: f64,
}

/// The second of two counts covers this many more calls, see `counted_times`.
const CALLS: f64 = 4096.0;

/// The C library chooses its functions that copy and compare by the processor. This setting makes
/// it choose those that all processors can run.
const TUNABLES: &str = "glibc.cpu.hwcaps=-AVX,-AVX2,-AVX512F,-AVX512VL,-AVX512BW,-ERMS,-FSRM";

/// The name of a program that has to be installed and is not.
pub fn missing() -> Option<&'static str> {
    let is_missing = |program: &&str| !support::exists(program);
    ["valgrind", "objdump"].into_iter().find(is_missing).map(|program| match program {
        "objdump" => "install binutils",
        _ => "install valgrind",
    })
}

/// Runs the program and returns the counts of this many pieces of work. `preloaded` may be empty.
/// The program leaves files behind whose names begin with `dump`.
pub fn counts(
    program: &Path,
    arguments: &[impl AsRef<OsStr>],
    preloaded: &Path,
    dump: &Path,
    works: usize,
) -> Vec<Counts> {
    let mut command = Command::new("valgrind");
    command.args(["--tool=callgrind", "--quiet", "--dump-instr=yes"]);
    command.args(["--compress-strings=no", "--compress-pos=no"]);
    command.args(["--zero-before=counted", "--dump-after=counted"]);
    command.arg(format!("--callgrind-out-file={}", dump.display()));
    command.env("GLIBC_TUNABLES", TUNABLES).env("LD_PRELOAD", preloaded);
    support::run(command.arg(program).args(arguments));
    let counted = |number: usize| {
        let path = format!("{}.{number}", dump.display());
        total(&std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}")))
    };
    let of_work = |work: usize| {
        let (short, long) = (counted(2 * work + 1), counted(2 * work + 2));
        // Work that happens once, such as growing a table, may fall into the shorter run.
        let each = |of: fn(&Counts) -> f64| ((of(&long) - of(&short)) / CALLS).max(0.0);
        Counts {
            instructions: each(|counts| counts.instructions),
            locked: each(|counts| counts.locked),
            system_calls: each(|counts| counts.system_calls),
        }
    };
    (0..works).map(of_work).collect()
}

/// The sums of one dump.
fn total(dump: &str) -> Counts {
    let mut counts = Counts::default();
    let mut special = Arc::default();
    // The line after a `calls=` line has the costs of the called function. Those are listed with
    // that function, too, and must not count twice.
    let mut is_of_callee = false;
    for line in dump.lines() {
        if let Some(object) = line.strip_prefix("ob=") {
            special = disassembled(object);
        } else if line.starts_with("calls=") {
            is_of_callee = true;
        } else if let Some(cost) = line.strip_prefix("0x") {
            if std::mem::take(&mut is_of_callee) {
                continue;
            }
            let mut fields = cost.split(' ');
            let address = fields.next().and_then(|field| u64::from_str_radix(field, 16).ok());
            let times: f64 = fields.nth(1).and_then(|field| field.parse().ok()).expect("a cost");
            let address = address.expect("an address");
            counts.instructions += times;
            counts.locked += if special.locked.contains(&address) { times } else { 0.0 };
            counts.system_calls += if special.system.contains(&address) { times } else { 0.0 };
        }
    }
    counts
}

/// The addresses of the instructions of an object that are locked or call the system.
#[derive(Default)]
struct Special {
    locked: HashSet<u64>,
    system: HashSet<u64>,
}

/// Disassembles an object, or returns what an earlier call found.
fn disassembled(object: &str) -> Arc<Special> {
    static KNOWN: Mutex<Option<HashMap<String, Arc<Special>>>> = Mutex::new(None);
    if !object.starts_with('/') {
        return Arc::default();
    }
    let mut known = KNOWN.lock().unwrap();
    let known = known.get_or_insert_default();
    let special = known.entry(object.to_owned()).or_insert_with(|| Arc::new(special(object)));
    Arc::clone(special)
}

fn special(object: &str) -> Special {
    let mut command = Command::new("objdump");
    let listing = support::printed(command.args(["-d", "--no-show-raw-insn", object]));
    let mut special = Special::default();
    for (address, code) in listing.lines().filter_map(|line| line.split_once(":\t")) {
        let Ok(address) = u64::from_str_radix(address.trim(), 16) else { continue };
        if is_locked(code) {
            special.locked.insert(address);
        } else if code.starts_with("syscall") {
            special.system.insert(address);
        }
    }
    special
}

/// Whether an instruction is locked. An exchange with memory always is, without a `lock` prefix.
fn is_locked(code: &str) -> bool {
    let is_exchange = code.starts_with("xchg") && code.contains('(');
    is_exchange || code.starts_with("mfence") || code.split_whitespace().any(|word| word == "lock")
}
