//! What the figures are measured on, and whether it is quiet.

use super::table::Table;
use std::fs::read_to_string;
use std::time::Duration;

/// A processor may be at work for so much of the time while nothing is measured.
const QUIET: f64 = 0.05;

pub fn describe() {
    let processors = std::thread::available_parallelism().map_or(1, |count| count.get());
    let text = read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = text.lines().find_map(|line| line.strip_prefix("model name")?.split(": ").nth(1));
    println!("{}, {processors} processors, {}", name.unwrap_or("unknown"), std::env::consts::ARCH);
}

/// Says so if others are at work at this moment: ratios say little then, above all where threads wait for
/// each other.
pub fn look_around(when: &str, table: &mut Table) {
    let Some((busy_before, all_before)) = ticks() else { return };
    std::thread::sleep(Duration::from_millis(500));
    let Some((busy, all)) = ticks() else { return };
    let part = (busy - busy_before) as f64 / (all - all_before).max(1) as f64;
    if part > QUIET {
        let what = format!("{:.0} % of the processors were at work {when}", part * 100.0);
        println!("NOT QUIET: {what}");
        table.left_out("a quiet machine", &what);
    }
}

/// Of all processors since the machine started: at work, and all.
fn ticks() -> Option<(u64, u64)> {
    let text = read_to_string("/proc/stat").ok()?;
    let numbers = text.lines().next()?.split_whitespace().skip(1).take(8);
    let ticks: Vec<u64> = numbers.map(|number| number.parse().ok()).collect::<Option<_>>()?;
    // User, nice, system, idle, waiting for a disk, interrupts, others' machines.
    let idle = ticks.get(3)? + ticks.get(4)?;
    let all: u64 = ticks.iter().sum();
    Some((all - idle, all))
}
