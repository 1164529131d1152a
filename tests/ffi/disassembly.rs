//! The machine code of the hot paths: the inlined poll, as compilers translate it, and the fast
//! paths of the release library.

#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

#[path = "../support/mod.rs"]
mod support;

use std::collections::{HashMap, HashSet, VecDeque};
use std::path::Path;
use std::process::Command;
use support::printed;

#[derive(Debug, Clone)]
struct Instruction {
    address: u64,
    mnemonic: String,
    operands: String,
    /// The symbol that the linker fills in, if any.
    symbol: String,
}

impl Instruction {
    fn is_conditional_jump(&self) -> bool {
        self.mnemonic.starts_with('j') && self.mnemonic != "jmp"
    }

    fn jump_target(&self) -> Option<u64> {
        if !self.mnemonic.starts_with('j') {
            return None;
        }
        u64::from_str_radix(self.operands.split_whitespace().next()?, 16).ok()
    }

    fn calls(&self, symbol: &str) -> bool {
        self.mnemonic == "call" && self.symbol.starts_with(symbol)
    }

    fn reads_memory(&self) -> bool {
        self.operands.contains("(%r") && !["lea", "nop", "nopl", "nopw"].contains(&&*self.mnemonic)
    }
}

/// The instructions of one function.
fn disassemble(file: &Path, function: &str) -> Vec<Instruction> {
    let listing = printed(Command::new("objdump").args(["-dr", "--no-show-raw-insn"]).arg(file));
    let heading = format!("<{function}>:");
    // The symbol's name ends with its version, and any version will do.
    let versioned = format!("<{function}@@");
    let is_heading =
        |line: &&str| line.ends_with(&heading) || line.ends_with(">:") && line.contains(&versioned);
    let mut lines = listing.lines().skip_while(|line| !is_heading(line));
    assert!(lines.next().is_some(), "{function} is not in {}", file.display());
    let mut instructions: Vec<Instruction> = Vec::new();
    for line in lines.take_while(|line| !line.is_empty()) {
        if let Some((_, relocation)) = line.split_once("R_X86_64_") {
            let symbol = relocation.split_whitespace().nth(1).unwrap_or_default();
            instructions.last_mut().expect("an instruction").symbol = symbol.to_owned();
            continue;
        }
        let (address, code) = line.split_once(':').expect("an address");
        let mut words = code.split_whitespace();
        instructions.push(Instruction {
            address: u64::from_str_radix(address.trim(), 16).expect("an address"),
            mnemonic: words.next().unwrap_or_default().to_owned(),
            operands: words.collect::<Vec<_>>().join(" "),
            symbol: String::new(),
        });
    }
    instructions
}

/// The shortest path through a loop from one `work` to the next that avoids the slow path.
fn fast_iteration(code: &[Instruction]) -> Option<Vec<Instruction>> {
    let position: HashMap<u64, usize> =
        code.iter().enumerate().map(|(index, instruction)| (instruction.address, index)).collect();
    let start = code.iter().position(|instruction| instruction.calls("work"))?;
    let next = |index: usize| {
        let instruction = &code[index];
        let jump = instruction.jump_target().and_then(|target| position.get(&target).copied());
        let falls = !["jmp", "ret"].contains(&&*instruction.mnemonic);
        jump.into_iter().chain((falls && index + 1 < code.len()).then_some(index + 1))
    };
    let mut came_from = HashMap::new();
    let mut seen = HashSet::from([start]);
    let mut queue = VecDeque::from([start]);
    while let Some(index) = queue.pop_front() {
        for following in next(index) {
            if following == start {
                let mut path = vec![code[index].clone()];
                let mut at = index;
                while let Some(&before) = came_from.get(&at) {
                    at = before;
                    path.push(code[at].clone());
                }
                path.reverse();
                return Some(path);
            }
            if !code[following].calls("dcc_poll_slow") && seen.insert(following) {
                came_from.insert(following, index);
                queue.push_back(following);
            }
        }
    }
    None
}

/// What is wrong with a loop that polls this many layers.
fn complaints(code: &[Instruction], layers: usize) -> Vec<String> {
    let Some(path) = fast_iteration(code) else { return vec!["no fast way round".to_owned()] };
    let count = |test: fn(&Instruction) -> bool| path.iter().filter(|step| test(step)).count();
    let mut complaints = Vec::new();
    let mut expect = |what: &str, found: usize, expected: usize| {
        if found != expected {
            complaints.push(format!("{found} {what}, not {expected}: {path:#?}"));
        }
    };
    expect("loads", count(Instruction::reads_memory), layers);
    expect("loads from the stack", count(|step| step.operands.contains("(%rsp")), 0);
    expect("conditional jumps", count(Instruction::is_conditional_jump), layers + 1);
    expect("comparisons", count(|step| ["cmp", "test"].contains(&&*step.mnemonic)), layers + 1);
    expect("calls", count(|step| step.mnemonic == "call"), 1);
    complaints
}

fn compile(compiler: &str, source: &str) -> std::path::PathBuf {
    let language: &[&str] =
        if source.ends_with(".c") { support::C_FLAGS } else { support::CXX_FLAGS };
    let name = source.replace(['/', '.'], "_");
    let object = support::scratch(&format!("disassembly_{compiler}_{name}")).join("poll_loop.o");
    support::run(
        Command::new(compiler)
            .args(language)
            .args(["-O2", "-c", "-I"])
            .arg(support::include())
            .arg(support::root().join(source))
            .arg("-o")
            .arg(&object),
    );
    object
}

fn check_polls(c: &str, cpp: &str) {
    for object in [compile(c, "tests/c/poll_loop.c"), compile(cpp, "tests/cpp/poll_loop.cpp")] {
        for (function, layers) in [("two_layers", 2), ("one_layer", 1)] {
            let complaints = complaints(&disassemble(&object, function), layers);
            assert!(complaints.is_empty(), "{function} in {}: {complaints:#?}", object.display());
        }
    }
    let object = compile(c, "tests/c/poll_loop.c");
    let bad = disassemble(&object, "snapshot_in_the_loop");
    assert!(!complaints(&bad, 2).is_empty(), "the check notices a loop that is not good");
}

#[test]
fn gcc_makes_one_load_and_one_compare_of_a_layer() {
    if !support::exists("g++") {
        return support::skip("gcc_makes_one_load_and_one_compare_of_a_layer", "install g++");
    }
    check_polls("gcc", "g++");
}

#[test]
fn clang_makes_one_load_and_one_compare_of_a_layer() {
    match ["", "-19", "-16", "-14"]
        .into_iter()
        .find(|version| support::exists(&format!("clang++{version}")))
    {
        Some(version) => check_polls(&format!("clang{version}"), &format!("clang++{version}")),
        None => support::skip("clang_makes_one_load_and_one_compare_of_a_layer", "install clang"),
    }
}

/// The instructions of a function up to its return if no jump is taken.
fn straight(function: &str) -> Vec<Instruction> {
    let code = disassemble(&support::release_library(), function);
    let end = code.iter().position(|instruction| instruction.mnemonic == "ret").expect("a return");
    code[..=end].to_vec()
}

fn check_fast_path(function: &str, calls: &[&str], most: usize) {
    let path = straight(function);
    let called: Vec<&str> = path
        .iter()
        .filter(|step| step.mnemonic.starts_with("call"))
        .map(|step| step.operands.as_str())
        .collect();
    assert_eq!(called, calls, "{path:#?}");
    assert!(
        path.iter().all(|step| step.mnemonic != "lock" && step.mnemonic != "xchg"),
        "{path:#?}"
    );
    assert!(path.len() <= most, "{} instructions: {path:#?}", path.len());
}

/// The one call is the TLS descriptor's, which finds the thread's slots.
#[test]
#[ignore = "builds the release library"]
fn the_probe_takes_no_lock_and_calls_nothing_but_its_thread_slots() {
    check_fast_path("dcc_check_cancelled", &["*(%rax)"], 18);
    check_fast_path("dcc_cancel_token_check_current", &["*(%rax)"], 14);
    check_fast_path("dcc_slice_is_over", &["*(%rax)"], 26);
}

#[test]
#[ignore = "builds the release library"]
fn the_explicit_check_takes_no_lock_and_calls_nothing() {
    check_fast_path("dcc_cancel_token_is_cancelled", &[], 18);
}
