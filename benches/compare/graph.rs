//! Graphs of tokens beside tokio-util's, both called from Rust: creating children of a parent that
//! has one to a million, and cancels that reach all of them.

use super::figures::{Figures, compared, nanoseconds, rounds};
use super::raw::{self, Token, create, is_cancelled, release};
use super::table::Table;
use super::targets::TOKIO;
use std::hint::black_box;
use tokio_util::sync::CancellationToken;

/// The number of children that are created and released in a round.
const CHILDREN: usize = 20_000;

/// The number of children, the rounds of a whole run, and the rounds of a quick one.
const SIZES: [(usize, usize, usize); 7] = [
    (1, 501, 51),
    (10, 501, 51),
    (100, 501, 51),
    (1_000, 201, 21),
    (10_000, 51, 5),
    (100_000, 15, 3),
    (1_000_000, 7, 1),
];

fn children(parent: Token, count: usize) -> f64 {
    nanoseconds(|| {
        for _ in 0..count {
            release(black_box(create(&[parent])));
        }
    })
}

fn tokio_children(parent: &CancellationToken, count: usize) -> f64 {
    nanoseconds(|| {
        for _ in 0..count {
            drop(black_box(parent.child_token()));
        }
    })
}

/// Measures one more child while the parent has this many.
fn one_more(there: usize, rounds: usize, times: usize) -> Figures {
    let parent = create(&[]);
    let others: Vec<Token> = (0..there).map(|_| create(&[parent])).collect();
    let tokio_parent = CancellationToken::new();
    let tokio_others: Vec<_> = (0..there).map(|_| tokio_parent.child_token()).collect();
    let figures = compared(
        rounds,
        times as u64,
        || children(parent, times),
        || tokio_children(&tokio_parent, times),
    );
    drop(tokio_others);
    others.into_iter().for_each(release);
    release(parent);
    figures
}

/// The time to cancel parents with this many children each.
fn cancel(parents: usize, count: usize) -> f64 {
    let parents: Vec<Token> = (0..parents).map(|_| create(&[])).collect();
    let children: Vec<Token> =
        parents.iter().flat_map(|parent| (0..count).map(|_| create(&[*parent]))).collect();
    let time = nanoseconds(|| parents.iter().for_each(|parent| raw::cancel(*parent)));
    assert!(children.iter().all(|child| is_cancelled(*child)));
    children.into_iter().for_each(release);
    parents.into_iter().for_each(release);
    time
}

fn tokio_cancel(parents: usize, count: usize) -> f64 {
    let parents: Vec<_> = (0..parents).map(|_| CancellationToken::new()).collect();
    let children: Vec<_> =
        parents.iter().flat_map(|parent| (0..count).map(|_| parent.child_token())).collect();
    let time = nanoseconds(|| parents.iter().for_each(CancellationToken::cancel));
    assert!(children.iter().all(CancellationToken::is_cancelled));
    time
}

pub fn compare(table: &mut Table) {
    table.head("graphs of tokens, called from Rust");
    let of_a_child = one_more(0, rounds(41, 5), CHILDREN);
    table.row("create and release a child, from Rust", TOKIO, &of_a_child);
    for (count, ..) in SIZES {
        let figures = one_more(count, rounds(201, 31), 1_000);
        table.row(&format!("create and release a child, {count} there"), TOKIO, &figures);
    }
    for (count, full, quick) in SIZES {
        // The clock is read before and after the cancels; the time of a single child would be lost
        // in that.
        let parents = (500 / count).max(1);
        let figures = compared(
            rounds(full, quick),
            (parents * count) as u64,
            || cancel(parents, count),
            || tokio_cancel(parents, count),
        );
        table.row(&format!("cancel with {count} children"), TOKIO, &figures);
    }
}
