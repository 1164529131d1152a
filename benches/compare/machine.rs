//! The machine on which the figures are measured, and whether it is quiet.

use super::figures::is_quick;
use super::support::printed;
use super::table::Table;
use std::fs::read_to_string;
use std::process::Command;
use std::time::Duration;

/// The part of the time for which processors may be at work while nothing is measured.
const QUIET: f64 = 0.05;

pub fn describe(table: &mut Table) {
    let processors = std::thread::available_parallelism().map_or(1, |count| count.get());
    let text = read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = text.lines().find_map(|line| line.strip_prefix("model name")?.split(": ").nth(1));
    let name = name.unwrap_or("unknown");
    let machine = format!("{name}, {processors} processors, {}", std::env::consts::ARCH);
    println!("{machine}");
    table.record.fact("machine", &machine);
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    let version = printed(Command::new(rustc).arg("--version"));
    table.record.fact("library and Rust peers", &format!("{}, release", version.trim_end()));
    if is_quick() {
        table.record.fact("rounds", "few, DCC_BENCH_QUICK was set");
    }
}

/// Whether no other program is at work at this moment. If one is, this says so: ratios then say
/// little, most of all when threads wait for each other.
pub fn is_quiet(when: &str, table: &mut Table) -> bool {
    let Some((busy_before, all_before)) = ticks() else { return true };
    std::thread::sleep(Duration::from_millis(500));
    let Some((busy, all)) = ticks() else { return true };
    let part = (busy - busy_before) as f64 / (all - all_before).max(1) as f64;
    if part > QUIET {
        let what = format!("{:.0} % of the processors were at work {when}", part * 100.0);
        println!("NOT QUIET: {what}");
        table.record.fact("not quiet", &what);
        table.left_out("a quiet machine", &what);
    }
    part <= QUIET
}

/// The ticks of all processors since the machine started: at work, and in total.
fn ticks() -> Option<(u64, u64)> {
    let text = read_to_string("/proc/stat").ok()?;
    let numbers = text.lines().next()?.split_whitespace().skip(1).take(8);
    let ticks: Vec<u64> = numbers.map(|number| number.parse().ok()).collect::<Option<_>>()?;
    // The order: user, nice, system, idle, waiting for a disk, interrupts, other virtual machines.
    let idle = ticks.get(3)? + ticks.get(4)?;
    let all: u64 = ticks.iter().sum();
    Some((all - idle, all))
}
