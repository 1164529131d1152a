//! Graphs of tokens beside tokio-util's, both called from Rust: children, and cancels that reach
//! up to a million of them. Then what a token takes in memory.

use super::figures::{compared, is_quick, nanoseconds, rounds};
use super::table::Table;
use super::targets::TOKIO;
use dcc_cancel::ffi::{status::DCC_OK, token::*};
use std::hint::black_box;
use std::ptr::{null, null_mut};
use tokio_util::sync::CancellationToken;

type Token = *mut dcc_cancel_token;

const CHILDREN: usize = 20_000;

/// How many children, and rounds: all, and where only a few are asked for.
const CANCELLED: [(usize, usize, usize); 7] = [
    (1, 2001, 101),
    (10, 2001, 101),
    (100, 1001, 51),
    (1_000, 201, 21),
    (10_000, 51, 5),
    (100_000, 15, 3),
    (1_000_000, 7, 1),
];

fn create(parents: &[*const dcc_cancel_token]) -> Token {
    let mut token = null_mut();
    let desc = dcc_cancel_token_desc {
        struct_size: size_of::<dcc_cancel_token_desc>() as u32,
        reserved: 0,
        parents: parents.as_ptr(),
        parent_count: parents.len(),
        caller_id: null(),
        caller_id_length: 0,
    };
    // SAFETY: a filled-in descriptor, a writable result.
    let status = unsafe { dcc_cancel_token_create_from(&desc, &mut token) };
    assert_eq!(status, DCC_OK);
    token
}

fn release(token: Token) {
    assert_eq!(dcc_cancel_token_release(token), DCC_OK);
}

fn children(count: usize) -> f64 {
    let parent = create(&[]);
    let time = nanoseconds(|| {
        for _ in 0..count {
            release(black_box(create(&[parent])));
        }
    });
    release(parent);
    time
}

fn tokio_children(count: usize) -> f64 {
    let parent = CancellationToken::new();
    nanoseconds(|| {
        for _ in 0..count {
            drop(black_box(parent.child_token()));
        }
    })
}

/// Time to cancel a parent of so many.
fn cancel(count: usize) -> f64 {
    let parent = create(&[]);
    let children: Vec<Token> = (0..count).map(|_| create(&[parent])).collect();
    let time = nanoseconds(|| {
        // SAFETY: no reason.
        assert_eq!(unsafe { dcc_cancel_token_cancel(parent, null(), 0) }, DCC_OK);
    });
    assert!(children.iter().all(|child| dcc_cancel_token_is_cancelled(*child) > 0));
    children.into_iter().for_each(release);
    release(parent);
    time
}

fn tokio_cancel(count: usize) -> f64 {
    let parent = CancellationToken::new();
    let children: Vec<_> = (0..count).map(|_| parent.child_token()).collect();
    let time = nanoseconds(|| parent.cancel());
    assert!(children.iter().all(CancellationToken::is_cancelled));
    time
}

/// The rows, from one child to a million.
pub fn compare(table: &mut Table) {
    table.head("graphs of tokens, called from Rust");
    let once = rounds(41, 5);
    let of_a_child =
        compared(once, CHILDREN as u64, || children(CHILDREN), || tokio_children(CHILDREN));
    table.row("create and release a child, from Rust", TOKIO, &of_a_child);
    for (count, full, quick) in CANCELLED {
        let rounds = rounds(full, quick);
        let figures = compared(rounds, count as u64, || cancel(count), || tokio_cancel(count));
        table.row(&format!("cancel with {count} children"), TOKIO, &figures);
    }
    memory();
}

/// What the process takes, in bytes.
fn resident() -> Option<usize> {
    let pages = std::fs::read_to_string("/proc/self/statm").ok()?;
    Some(pages.split_whitespace().nth(1)?.parse::<usize>().ok()? * 4096)
}

/// What a token takes, and that one which comes and goes leaves nothing. `DCC_BENCH_TOKENS` says how many are
/// made and released one after the other.
fn memory() {
    let Some(before) = resident() else { return };
    const ALIVE: usize = 1_000_000;
    // Its own list is no part of a token.
    let mut alive: Vec<Token> = Vec::with_capacity(ALIVE);
    alive.resize(ALIVE, null_mut());
    let with_list = resident().unwrap_or(before);
    alive.iter_mut().for_each(|token| *token = create(&[]));
    let after = resident().unwrap_or(before);
    println!(
        "memory of a token: {:.0} bytes (target 128; slots that earlier rows left are used again)",
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
