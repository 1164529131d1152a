//! What the figures were measured on, and whether it was quiet.

use std::fs::read_to_string;

/// More than this many programs at work, beside none, disturb.
const QUIET: f64 = 0.5;

/// Prints it, and notes a machine at work, whose ratios say little where threads wait for each other.
pub fn describe(table: &mut super::table::Table) {
    let processors = std::thread::available_parallelism().map_or(1, |count| count.get());
    let text = read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = text.lines().find_map(|line| line.strip_prefix("model name")?.split(": ").nth(1));
    println!("{}, {processors} processors, {}", name.unwrap_or("unknown"), std::env::consts::ARCH);
    let load = read_to_string("/proc/loadavg").unwrap_or_default();
    let load: f64 = load.split(' ').next().and_then(|first| first.parse().ok()).unwrap_or(0.0);
    if load > QUIET {
        println!("NOT QUIET: {load} programs were at work during the last minute");
        table.left_out("a quiet machine", &format!("{load} programs were at work before"));
    }
}
