//! Runs one test program, writes its output into a file, and measures its processor time.

use crate::outcome::{End, Outcome};
use crate::programs::Program;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus};
use std::time::{Duration, Instant};

/// After this time a program counts as hanging, even on a very busy machine;
/// `DCC_TEST_PROGRAM_SECONDS`.
fn limit() -> Duration {
    let given = std::env::var("DCC_TEST_PROGRAM_SECONDS").ok().and_then(|text| text.parse().ok());
    Duration::from_secs(given.unwrap_or(3600))
}

/// The folder in which each program's output and skips are left.
fn folder() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("all");
    std::fs::create_dir_all(&folder).expect("a folder below the target folder");
    folder
}

/// Runs the program to its end or to the limit, and reads what it printed.
pub fn run(program: &Program, arguments: &[String]) -> Outcome {
    let [log, skips] = ["log", "skips"].map(|end| folder().join(format!("{}.{end}", program.name)));
    let _ = std::fs::remove_file(&skips);
    let _ = std::fs::remove_file(&log);
    // Both streams are opened for appending, so their lines stay in order and none overwrites
    // another.
    let output =
        File::options().create(true).append(true).open(&log).expect("a file for what is printed");
    let mut command = program.command();
    command.args(arguments).env("DCC_TEST_SKIPS", &skips);
    command.stdout(output.try_clone().expect("a second handle")).stderr(output);
    let began = Instant::now();
    let (end, processor) = match command.spawn() {
        Ok(child) => wait(child, began + limit()),
        Err(error) => (End::NotStarted(error.to_string()), Duration::ZERO),
    };
    let printed = String::from_utf8_lossy(&std::fs::read(&log).unwrap_or_default()).into_owned();
    let skips = std::fs::read_to_string(skips).unwrap_or_default();
    Outcome::new(program, end, printed, &skips, began.elapsed(), processor)
}

/// Waits for the end of a program. Returns how it ended, and the processor time of it and of its
/// children.
fn wait(mut child: Child, until: Instant) -> (End, Duration) {
    loop {
        if let Some((status, processor)) = ended(&mut child) {
            return (End::Exited(status), processor);
        }
        if Instant::now() > until {
            kill_tree(child.id());
            let processor = loop {
                if let Some((_, processor)) = ended(&mut child) {
                    break processor;
                }
                std::thread::sleep(Duration::from_millis(5));
            };
            return (End::TookTooLong(limit()), processor);
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[cfg(unix)]
fn ended(child: &mut Child) -> Option<(ExitStatus, Duration)> {
    use std::os::unix::process::ExitStatusExt;
    let mut status = 0;
    // SAFETY: all bytes zero are a value of it.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: pointers to two values of their types; nothing else waits for this child.
    let waited = unsafe { libc::wait4(child.id() as i32, &mut status, libc::WNOHANG, &mut usage) };
    let time = |part: libc::timeval| Duration::new(part.tv_sec as u64, part.tv_usec as u32 * 1000);
    (waited != 0)
        .then(|| (ExitStatus::from_raw(status), time(usage.ru_utime) + time(usage.ru_stime)))
}

#[cfg(not(unix))]
fn ended(child: &mut Child) -> Option<(ExitStatus, Duration)> {
    child.try_wait().expect("a child can be waited for").map(|status| (status, Duration::ZERO))
}

/// Kills a process and its children, grandchildren and so on, as far as the system still lists them
/// below it.
fn kill_tree(process: u32) {
    let parent_of = |other: u32| -> Option<u32> {
        let text = std::fs::read_to_string(format!("/proc/{other}/stat")).ok()?;
        // The fields are counted behind the program's name, because the name may contain spaces.
        text.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
    };
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let all: Vec<u32> =
        entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    // The children are found before the process ends: after that the system gives them another
    // parent.
    let children: Vec<u32> =
        all.into_iter().filter(|other| parent_of(*other) == Some(process)).collect();
    let _ = std::process::Command::new("kill").args(["-9", &process.to_string()]).status();
    children.into_iter().for_each(kill_tree);
}
