//! No operation costs more instructions, locked instructions or system calls than
//! `benches/counts.txt` says.
//!
//! `DCC_UPDATE_COUNTS=1 cargo test --test instruction_counts -- --ignored` writes the table again.
//! It refuses if an operation became more expensive, unless the variable's value is the reason:
//! `DCC_UPDATE_COUNTS='a cancel no longer waits for its callbacks'`. The table then contains that
//! reason. Counts made with another compiler, C library or valgrind are shown beside the table and
//! not judged.

#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

#[path = "../support/callgrind.rs"]
mod callgrind;
mod operations;
#[path = "../support/mod.rs"]
mod support;
mod table;
mod verdict;

use callgrind::Counts;
use operations::{COMPILER, Operations};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use table::{Row, Table};
use verdict::{Verdict, renewed};

const UPDATE: &str = "DCC_UPDATE_COUNTS";

fn table_path() -> PathBuf {
    support::root().join("benches/counts.txt")
}

/// The reason why nothing can be counted on this machine, if there is one.
fn missing() -> Option<&'static str> {
    let compiler = (!support::exists(COMPILER)).then_some("install g++");
    callgrind::missing().or(compiler)
}

fn kept() -> Table {
    Table::parsed(&std::fs::read_to_string(table_path()).unwrap_or_default())
}

/// The rows as counted now, beside those of the table.
fn shown(table: &Table, now: &Table) -> String {
    let mut text = format!(
        "{:<44} {:>12} {:>8} {:>7} {:>7} {:>7} {:>7}\n",
        "operation", "instructions", "table", "locked", "table", "system", "table"
    );
    for Row { operation, counts, .. } in &now.rows {
        let Counts { instructions, locked, system_calls } = counts;
        let before = table.row(operation).map(|row| row.counts);
        let before = |of: fn(&Counts) -> f64, digits| {
            before.map_or("new".to_owned(), |counts| format!("{:.digits$}", of(&counts)))
        };
        let instructions_before = before(|counts| counts.instructions, 1);
        let locked_before = before(|counts| counts.locked, 2);
        let system_before = before(|counts| counts.system_calls, 2);
        writeln!(
            text,
            "{operation:<44} {instructions:>12.1} {instructions_before:>8} {locked:>7.2} \
             {locked_before:>7} {system_calls:>7.2} {system_before:>7}"
        )
        .unwrap();
    }
    text
}

#[test]
#[ignore = "builds the release library"]
fn no_operation_costs_more_than_the_table_says() {
    const CHECK: &str = "no_operation_costs_more_than_the_table_says";
    if let Some(why) = missing() {
        return support::skip(CHECK, why);
    }
    let folder = support::scratch("release");
    support::staged(&support::release_library(), &folder);
    let (table, now) = (kept(), Operations::built(&folder).count_all());
    support::show(&shown(&table, &now));
    if let Ok(reason) = std::env::var(UPDATE) {
        let reason = (reason != "1").then_some(reason);
        let table = renewed(&table, &now, reason.as_deref())
            .unwrap_or_else(|grown| panic!("say in {UPDATE} why this pays: {grown:#?}"));
        return std::fs::write(table_path(), table.written()).unwrap();
    }
    if table.build != now.build {
        let [of_table, here] = [&table.build, &now.build].map(|build| build.join(", "));
        let why = format!(
            "the table is of {of_table}; here is {here}. {UPDATE}=1 writes it anew, on a commit whose \
             counts were good"
        );
        return support::note_skip(CHECK, &why);
    }
    let verdict = Verdict::of(&table, &now);
    if !verdict.fallen.is_empty() {
        let fallen = verdict.fallen.join("\n    ");
        support::show(&format!("{UPDATE}=1 tightens the table, these cost less:\n    {fallen}"));
    }
    assert!(verdict.is_fine(), "{:#?}\n{:#?}", verdict.grown, verdict.unlisted);
}

/// Runs on the debug library, whose counts do not matter.
#[test]
fn one_more_locked_instruction_is_found() {
    if let Some(why) = missing() {
        return support::skip("one_more_locked_instruction_is_found", why);
    }
    let folder = support::scratch("planted");
    support::staged_library(&folder);
    let planted = folder.join("planted.so");
    let source = support::root().join("tests/costs/planted.c");
    let mut command = Command::new(support::cc());
    support::run(command.args(["-O1", "-fPIC", "-shared", "-o"]).arg(&planted).arg(source));

    let operations = Operations::built(&folder);
    let counted = |preloaded: &Path| Table {
        rows: vec![operations.count("retain and release", preloaded)],
        ..Table::default()
    };
    let before = counted(Path::new(""));
    assert!(Verdict::of(&before, &counted(Path::new(""))).is_fine(), "counts are repeatable");
    let now = counted(&planted);
    assert_eq!(now.rows[0].counts.locked, before.rows[0].counts.locked + 1.0);
    let verdict = Verdict::of(&before, &now);
    assert!(verdict.grown[0].contains(" locked instead of "), "{verdict:?}");
}

fn row(operation: &str, instructions: f64, locked: f64, system_calls: f64) -> Row {
    let counts = Counts { instructions, locked, system_calls };
    Row { operation: operation.to_owned(), counts, reason: String::new() }
}

fn table(rows: &[Row]) -> Table {
    Table { build: vec!["rustc 1".to_owned(), "g++ 1".to_owned()], rows: rows.to_vec() }
}

#[test]
fn what_grows_fails_and_what_falls_is_told() {
    let before = table(&[row("create", 100.0, 2.0, 0.0)]);
    let verdict = |instructions, locked, system_calls| {
        Verdict::of(&before, &table(&[row("create", instructions, locked, system_calls)]))
    };
    let same = verdict(103.0, 2.04, 0.0);
    assert!(same.is_fine() && same.fallen.is_empty(), "{same:?}");
    assert_eq!(verdict(104.0, 2.0, 0.0).grown, ["create: 104.00 instructions instead of 100.00"]);
    assert_eq!(verdict(90.0, 2.1, 0.0).grown, ["create: 2.10 locked instead of 2.00"]);
    assert_eq!(verdict(90.0, 2.0, 1.0).grown, ["create: 1.00 system calls instead of 0.00"]);
    let less = verdict(96.0, 1.0, 0.0);
    assert!(less.is_fine(), "{less:?}");
    let told = "create: 96.00 instructions instead of 100.00, 1.00 locked instead of 2.00";
    assert_eq!(less.fallen, [told]);
}

#[test]
fn a_row_in_one_of_both_only_fails() {
    let [one, other] = ["create", "wait"].map(|name| table(&[row(name, 100.0, 2.0, 0.0)]));
    let verdict = Verdict::of(&one, &other);
    assert!(!verdict.is_fine());
    assert_eq!(verdict.unlisted, ["wait is not in the table", "create is not counted"]);
}

#[test]
fn growth_is_written_with_its_reason_only() {
    let mut before = table(&[row("create", 100.0, 2.0, 0.0), row("wait", 50.0, 1.0, 0.0)]);
    before.rows[1].reason = "it asks twice".to_owned();
    let now = table(&[row("create", 120.0, 2.0, 0.0), row("wait", 40.0, 1.0, 0.0)]);
    assert_eq!(
        renewed(&before, &now, None),
        Err(vec!["create: 120.00 instructions instead of 100.00".to_owned()])
    );
    let after = renewed(&before, &now, Some("it is counted")).unwrap();
    assert_eq!(
        [&*after.rows[0].reason, &*after.rows[1].reason],
        ["it is counted", "it asks twice"]
    );
    assert_eq!(after.rows[1].counts, now.rows[1].counts);

    let little = table(&[row("create", 102.0, 2.0, 0.0), row("wait", 40.0, 1.0, 0.0)]);
    let after = renewed(&before, &little, None).unwrap();
    assert_eq!(after.rows[0].counts, before.rows[0].counts, "little by little is a growth, too");

    let of_other = Table { build: vec!["rustc 2".to_owned()], ..now };
    assert_eq!(renewed(&before, &of_other, None).unwrap().rows[0].counts, of_other.rows[0].counts);
}

#[test]
fn the_table_reads_as_it_was_written() {
    let table = kept();
    assert!(table.rows.len() > 30, "{}", table.rows.len());
    assert_eq!(Table::parsed(&table.written()), table);
    assert_eq!(std::fs::read_to_string(table_path()).unwrap(), table.written());
}
