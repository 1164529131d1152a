//! One to ten million tokens that are alive at the same time: the memory of one, and whether many
//! make creating another one more expensive.

use super::figures::{compared, is_quick, nanoseconds, rounds};
use super::raw::{Token, create, release};
use super::table::Table;
use super::targets::TOKIO;
use std::hint::black_box;
use std::ptr::null_mut;
use tokio_util::sync::CancellationToken;

const LIVE: [usize; 8] = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000];

/// The number of tokens that are created and released in a round.
const TURNS: usize = 1_000;

/// More bytes than a token and a peer's token take together, including the lists that hold them.
const BYTES: usize = 640;

pub fn compare(table: &mut Table) {
    memory();
    table.head("tokens that live at once, called from Rust");
    let mut of_one = None;
    for live in LIVE {
        let work = format!("create and release, {live} live");
        if is_quick() && live > 1_000_000 {
            table.left_out(&work, "DCC_BENCH_QUICK is set");
            continue;
        }
        let available = available();
        if available < live * BYTES {
            let [needed, available] = [live * BYTES, available].map(|bytes| bytes >> 20);
            let why = format!("needs up to {needed} MB, {available} MB are available");
            table.left_out(&work, &why);
            continue;
        }
        let tokens: Vec<Token> = (0..live).map(|_| create(&[])).collect();
        let peers: Vec<_> = (0..live).map(|_| CancellationToken::new()).collect();
        let figures = compared(rounds(201, 31), TURNS as u64, one_more, one_more_of_tokio);
        table.row(&work, TOKIO, &figures);
        drop(peers);
        tokens.into_iter().for_each(release);
        let of_one = *of_one.get_or_insert(figures.own);
        println!("    beside that with one live: {:.2}", figures.own / of_one);
    }
}

fn one_more() -> f64 {
    nanoseconds(|| (0..TURNS).for_each(|_| release(black_box(create(&[])))))
}

fn one_more_of_tokio() -> f64 {
    nanoseconds(|| (0..TURNS).for_each(|_| drop(black_box(CancellationToken::new()))))
}

/// The bytes of memory that programs can still get.
fn available() -> usize {
    let text = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"));
    let kilobytes = line.and_then(|rest| rest.split_whitespace().next()?.parse::<usize>().ok());
    kilobytes.unwrap_or(0) * 1024
}

/// The memory of the process in bytes.
fn resident() -> Option<usize> {
    let pages = std::fs::read_to_string("/proc/self/statm").ok()?;
    Some(pages.split_whitespace().nth(1)?.parse::<usize>().ok()? * 4096)
}

/// Measures the memory of a token in slots that were never used before, and checks that tokens that
/// are created and released leave nothing. `DCC_BENCH_TOKENS` says how many are created and
/// released one after the other.
fn memory() {
    let Some(before) = resident() else { return };
    const ALIVE: usize = 1_000_000;
    // This list is not a part of the tokens, so it is allocated before.
    let mut alive: Vec<Token> = Vec::with_capacity(ALIVE);
    alive.resize(ALIVE, null_mut());
    let with_list = resident().unwrap_or(before);
    alive.iter_mut().for_each(|token| *token = create(&[]));
    let after = resident().unwrap_or(before);
    println!(
        "\nmemory of a token: {:.0} bytes (target 128)",
        after.saturating_sub(with_list) as f64 / ALIVE as f64
    );
    alive.into_iter().for_each(release);
    let turns = std::env::var("DCC_BENCH_TOKENS").ok().and_then(|text| text.parse().ok());
    let turns: u64 = turns.unwrap_or(if is_quick() { 1_000_000 } else { 10_000_000 });
    let before = resident().unwrap_or(0);
    (0..turns).for_each(|_| release(create(&[])));
    let grown = resident().unwrap_or(0).saturating_sub(before);
    println!("memory after {turns} more created and released: {} KiB more", grown / 1024);
}
