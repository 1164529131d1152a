//! Plays seeded sequences, in a process of their own that may die of what it finds.
//!
//! `driver run [--seed S] [--count N] [--threads K] [--found FOLDER]` plays N inputs made of the seed,
//! and goes on where a run with the same folder, seed and threads has stopped. It prints rate and total,
//! and leaves the input of what it finds in the folder. With `--many` there may be hundreds of thousands
//! of objects at a time, which makes it slow.
//! `driver replay FILE [--threads K]` plays one input, or without a file that of `--seed S --start NUMBER`;
//! with DCC_FUZZ_TRACE=1 it prints each call. `driver corpus FOLDER` plays all inputs of a folder.
//! `driver minimise FILE [--threads K]` makes it as short as it can.
//! `driver lives [--seed S] [--count N]` plays each sequence in a process of its own, in which
//! dcc_shutdown may be called, and which forks at the end.

use dcc_abi_fuzz::me::mix;
use dcc_abi_fuzz::sequence::{self, Plan};
use dcc_abi_fuzz::watch;
use dcc_abi_fuzz::world::WORLD;
use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Output};
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

struct Options {
    command: String,
    file: Option<PathBuf>,
    seed: u64,
    count: u64,
    start: u64,
    threads: u32,
    found: PathBuf,
    patience: u64,
    many: bool,
}

fn options() -> Options {
    let mut words = std::env::args().skip(1);
    let mut options = Options {
        command: words.next().unwrap_or_default(),
        file: None,
        seed: 1,
        count: 1_000_000,
        start: 0,
        threads: 1,
        found: "found".into(),
        patience: 60,
        many: false,
    };
    while let Some(word) = words.next() {
        let mut value = || words.next().unwrap_or_else(|| panic!("{word} needs a value"));
        let number = |text: String| text.replace('_', "").parse::<u64>().expect("a number");
        match word.as_str() {
            "--seed" => options.seed = number(value()),
            "--count" => options.count = number(value()),
            "--start" => options.start = number(value()),
            "--threads" => options.threads = number(value()) as u32,
            "--patience" => options.patience = number(value()),
            "--many" => options.many = true,
            "--found" => options.found = value().into(),
            _ if !word.starts_with('-') => options.file = Some(word.into()),
            _ => panic!("an unknown option: {word}"),
        }
    }
    options
}

/// The input of this number.
fn input(seed: u64, index: u64, buffer: &mut Vec<u8>) {
    let mut next = mix(mix(seed) ^ index);
    let length = 120 + (next % 1000) as usize;
    buffer.clear();
    while buffer.len() < length {
        next = mix(next);
        buffer.extend(next.to_le_bytes());
    }
}

/// Plays an input. What is of it is over when this returns.
fn play(bytes: &[u8], threads: u32) {
    // SAFETY: the sequence's threads are joined; those of the library keep nothing of it.
    let forever: &'static [u8] = unsafe { std::slice::from_raw_parts(bytes.as_ptr(), bytes.len()) };
    sequence::play(forever, Plan { threads, is_exact: false });
}

/// The inputs of a run, one after the other; the number of the present one stands in a file.
fn worker(options: &Options) {
    watch::start(Duration::from_secs(options.patience));
    let state = OpenOptions::new().write(true).open(&options.found).expect("the state's file");
    let mut buffer = Vec::new();
    for index in options.start..options.count {
        state.write_at(&index.to_le_bytes(), 0).expect("the state is written");
        input(options.seed, index, &mut buffer);
        play(&buffer, options.threads);
    }
    state.write_at(&options.count.to_le_bytes(), 0).expect("the state is written");
}

fn this_program() -> Command {
    Command::new(std::env::current_exe().expect("the path of this program"))
}

fn position(state: &Path) -> u64 {
    let mut bytes = [0; 8];
    let file = File::open(state).expect("the state's file");
    if file.read_at(&mut bytes, 0).unwrap_or(0) == 8 { u64::from_le_bytes(bytes) } else { 0 }
}

/// What a process said of what it found, in one line.
fn headline(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stderr);
    let says = |line: &&str| {
        ["FINDING: ", "ERROR: AddressSanitizer", "ERROR: LeakSanitizer", "panicked at"]
            .iter()
            .any(|word| line.contains(word))
    };
    let line = text.lines().find(says).map(str::to_owned);
    let line = line.unwrap_or_else(|| format!("it ended with {}", output.status));
    // Numbers differ from run to run.
    line.split(' ')
        .filter(|word| !word.contains("==") && !word.starts_with("0x"))
        .collect::<Vec<_>>()
        .join(" ")
}

fn run(options: &Options) -> ExitCode {
    std::fs::create_dir_all(&options.found).expect("the folder of what is found");
    let name = format!("{}-{}", options.seed, options.threads);
    let state = options.found.join(format!("state-{name}"));
    OpenOptions::new().create(true).append(true).open(&state).expect("the state's file");
    let start = position(&state);
    let since = Instant::now();
    let mut command = this_program();
    command.arg("worker").arg("--found").arg(std::path::absolute(&state).expect("a path"));
    for (option, value) in [
        ("--seed", options.seed),
        ("--count", options.count),
        ("--start", start),
        ("--threads", options.threads.into()),
        ("--patience", options.patience),
    ] {
        command.arg(option).arg(value.to_string());
    }
    if options.many {
        command.arg("--many");
    }
    let output = command.current_dir(&options.found).output().expect("the program runs");
    let end = position(&state);
    let rate = (end - start) as f64 / since.elapsed().as_secs_f64();
    println!(
        "seed {}, {} threads: {} sequences, {rate:.0} a second; {end} of {} in all",
        options.seed,
        options.threads,
        end - start,
        options.count
    );
    if output.status.success() {
        return ExitCode::SUCCESS;
    }
    let mut bytes = Vec::new();
    input(options.seed, end, &mut bytes);
    let file = options.found.join(format!("input-{name}-{end}"));
    std::fs::write(&file, bytes).expect("the input is kept");
    std::fs::write(file.with_extension("log"), &output.stderr).expect("the story is kept");
    tell(&output);
    println!("sequence {end} of seed {}: {}", options.seed, headline(&output));
    println!(
        "driver replay --seed {} --start {end} --threads {}; its bytes are in {}",
        options.seed,
        options.threads,
        file.display()
    );
    // A resumed run goes on behind it.
    let file = OpenOptions::new().write(true).open(&state).expect("the state's file");
    file.write_at(&(end + 1).to_le_bytes(), 0).expect("the state is written");
    ExitCode::FAILURE
}

/// The end of what a process said: the calls that led to what it found, or a sanitizer's report.
fn tell(output: &Output) {
    let text = String::from_utf8_lossy(&output.stderr);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(200)..].iter().for_each(|line| println!("{line}"));
}

fn file(options: &Options) -> &Path {
    options.file.as_deref().expect("the file of an input")
}

fn replay(options: &Options) {
    watch::start(Duration::from_secs(options.patience));
    let mut bytes = Vec::new();
    match &options.file {
        Some(file) => bytes = std::fs::read(file).expect("the input"),
        None => input(options.seed, options.start, &mut bytes),
    }
    play(&bytes, options.threads);
}

/// Replays a file in a process of its own.
fn replayed(options: &Options, file: &Path) -> Output {
    this_program()
        .arg("replay")
        .arg(std::path::absolute(file).expect("a path"))
        .args(["--threads", &options.threads.to_string()])
        .args(["--patience", &options.patience.to_string()])
        .args(options.many.then_some("--many"))
        .current_dir(&options.found)
        .output()
        .expect("the program runs")
}

/// What a replay of these bytes finds.
fn finds(options: &Options, bytes: &[u8]) -> Option<String> {
    let file = options.found.join("candidate");
    std::fs::write(&file, bytes).expect("the candidate is written");
    let output = replayed(options, &file);
    (!output.status.success()).then(|| headline(&output))
}

/// Plays all inputs of a folder.
fn corpus(options: &Options) -> ExitCode {
    std::fs::create_dir_all(&options.found).expect("the folder of what is found");
    let entries = std::fs::read_dir(file(options)).expect("the folder of inputs");
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("an input").path()).collect();
    files.sort();
    assert!(!files.is_empty(), "no inputs");
    for file in &files {
        let output = replayed(options, file);
        if !output.status.success() {
            tell(&output);
            println!("{}: {}", file.display(), headline(&output));
            return ExitCode::FAILURE;
        }
    }
    println!("{} inputs", files.len());
    ExitCode::SUCCESS
}

fn minimise(options: &Options) -> ExitCode {
    std::fs::create_dir_all(&options.found).expect("the folder");
    let mut bytes = std::fs::read(file(options)).expect("the input");
    let Some(wanted) = finds(options, &bytes) else {
        println!("nothing is found");
        return ExitCode::FAILURE;
    };
    println!("{wanted}");
    // Few calls first.
    let mut part = bytes.len() / 2;
    while part > 0 {
        let mut at = 0;
        while at < bytes.len() {
            let mut shorter = bytes.clone();
            shorter.drain(at..(at + part).min(bytes.len()));
            if finds(options, &shorter).as_ref() == Some(&wanted) {
                bytes = shorter;
            } else {
                at += part;
            }
        }
        part /= 2;
    }
    let shortest = file(options).with_extension("min");
    std::fs::write(&shortest, &bytes).expect("the shortest is kept");
    println!("{} bytes: {}", bytes.len(), shortest.display());
    ExitCode::SUCCESS
}

/// One sequence with dcc_shutdown among its calls, then calls in a fork.
fn life(options: &Options) {
    watch::start(Duration::from_secs(options.patience));
    WORLD.may_shut_down.store(true, Relaxed);
    let mut buffer = Vec::new();
    input(options.seed, options.start, &mut buffer);
    play(&buffer, options.threads);
    sequence::fork_and_ask();
}

/// Many lives, each in a process of its own.
fn lives(options: &Options) -> ExitCode {
    std::fs::create_dir_all(&options.found).expect("the folder of what is found");
    let since = Instant::now();
    for index in 0..options.count {
        let output = this_program()
            .args(["life", "--start", &index.to_string()])
            .args(["--seed", &options.seed.to_string()])
            .args(["--threads", &options.threads.to_string()])
            .args(["--patience", &options.patience.to_string()])
            .current_dir(&options.found)
            .output()
            .expect("the program runs");
        if !output.status.success() {
            tell(&output);
            println!("life {index} of seed {}: {}", options.seed, headline(&output));
            println!(
                "driver life --seed {} --start {index} --threads {}",
                options.seed, options.threads
            );
            return ExitCode::FAILURE;
        }
    }
    let rate = options.count as f64 / since.elapsed().as_secs_f64();
    println!("seed {}: {} lives, {rate:.0} a second", options.seed, options.count);
    ExitCode::SUCCESS
}

fn main() -> ExitCode {
    let options = options();
    WORLD.may_be_many.store(options.many, Relaxed);
    match options.command.as_str() {
        "run" => return run(&options),
        "worker" => worker(&options),
        "life" => life(&options),
        "lives" => return lives(&options),
        "replay" => replay(&options),
        "minimise" => return minimise(&options),
        "corpus" => return corpus(&options),
        other => panic!("what is {other:?}?"),
    }
    ExitCode::SUCCESS
}
