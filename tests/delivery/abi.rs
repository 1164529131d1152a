//! The ABI keeps all that programs were built against. Each minor version has its record in
//! `tests/data/abi/`, which is compared with the library as it is now.
//!
//! `DCC_UPDATE_ABI=1 cargo test --test abi` writes the record of this minor version again. Do so
//! until the version is released; additions after that belong to the next minor version.

#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

#[path = "../support/c_header.rs"]
mod c_header;
#[path = "abi/compare.rs"]
mod compare;
#[path = "abi/record.rs"]
mod record;
#[path = "../support/mod.rs"]
mod support;
#[path = "../support/version_list.rs"]
mod version_list;

use compare::{broken, differences, size};
use dcc_cancel::ffi::library::{DCC_ABI_MAJOR, DCC_ABI_MINOR};
use record::Record;
use std::collections::BTreeSet;
use std::process::Command;
use support::scratch;

fn header() -> String {
    std::fs::read_to_string(support::include().join("dcc_cancel.h")).unwrap()
}

fn has_tools(check: &str) -> bool {
    let has = support::exists("abidw") && support::exists("abidiff");
    if !has {
        support::skip(check, "there is no abidw; install Debian's abigail-tools");
    }
    has
}

/// The structures that may get new fields, with their smallest sizes.
fn growing() -> Vec<(String, usize)> {
    let sizes = include_str!("../../src/ffi/first_sizes.rs");
    let lines = sizes.lines().skip_while(|line| *line != "first_sizes! {").skip(1);
    lines
        .map_while(|line| line.strip_suffix(',')?.trim().split_once(" = "))
        .map(|(name, size)| (name.to_owned(), size.parse().unwrap()))
        .collect()
}

fn growing_names() -> Vec<String> {
    growing().into_iter().map(|(name, _)| name).collect()
}

#[test]
fn each_function_has_a_version() {
    let nodes = version_list::nodes();
    let names: Vec<&str> = nodes.iter().map(|(name, _)| name.as_str()).collect();
    let expected: Vec<String> =
        (0..=DCC_ABI_MINOR).map(|minor| format!("DCC_CANCEL_{DCC_ABI_MAJOR}.{minor}")).collect();
    assert_eq!(names, expected, "the nodes of cmake/dcc_cancel.map");
    let listed: Vec<&String> = nodes.iter().flat_map(|(_, functions)| functions).collect();
    let once: BTreeSet<&String> = listed.iter().copied().collect();
    assert_eq!(listed.len(), once.len(), "a function has two versions");
    let parsed = c_header::Header::parse(&header()).unwrap();
    let declared: BTreeSet<&String> = parsed.functions.iter().map(|one| &one.name).collect();
    assert_eq!(once, declared, "cmake/dcc_cancel.map, and the header");
}

#[test]
fn this_minor_is_as_its_record_says() {
    if !has_tools("the record of the ABI") {
        return;
    }
    let folder = scratch("this_minor");
    let now = Record::of(&header(), &version_list::text(), &folder);
    let version = format!("{DCC_ABI_MAJOR}.{DCC_ABI_MINOR}");
    if std::env::var_os("DCC_UPDATE_ABI").is_some() {
        now.write(&version);
    }
    if let Some(difference) = differences(&Record::read(&version), &now, &folder) {
        panic!(
            "the ABI is not that of the record of {version}; if that is released, raise DCC_ABI_MINOR, \
             else write the record with DCC_UPDATE_ABI=1:\n{difference}"
        );
    }
}

#[test]
fn programs_of_every_minor_run() {
    if !has_tools("the ABI for programs of older minors") {
        return;
    }
    let folder = scratch("every_minor");
    let now = Record::of(&header(), &version_list::text(), &folder);
    for minor in 0..=DCC_ABI_MINOR {
        let version = format!("{DCC_ABI_MAJOR}.{minor}");
        let old = Record::read(&version);
        if let Err(why) = broken(&old, &now, &growing_names(), &folder) {
            panic!("programs that were built for {version} do not run any more:\n{why}");
        }
    }
}

#[test]
fn least_sizes_are_those_that_were_first_released() {
    let growing = growing();
    assert!(growing.len() > 20, "{growing:?}");
    for (name, least) in growing {
        let first = (0..=DCC_ABI_MINOR)
            .find_map(|minor| size(&Record::read(&format!("{DCC_ABI_MAJOR}.{minor}")), &name));
        assert_eq!(first, Some(least), "{name}");
    }
}

/// A copy of the header that is changed in one place.
fn changed(from: &str, to: &str) -> String {
    let header = header();
    assert_eq!(header.matches(from).count(), 1, "{from}");
    header.replace(from, to)
}

#[test]
fn what_breaks_programs_is_told_from_what_is_new() {
    if !has_tools("changes of the ABI") {
        return;
    }
    let folder = scratch("changes");
    let versions = version_list::text();
    let old = Record::of(&header(), &versions, &folder);
    let judge = |header: &str, versions: &str| {
        let new = Record::of(header, versions, &folder);
        assert!(differences(&old, &new, &folder).is_some(), "no difference was found");
        broken(&old, &new, &growing_names(), &folder)
    };

    const LAST: &str = "  uint64_t late;\n";
    const FIRST: &str = "  uint64_t done;\n";
    const FUNCTION: &str = "DCC_API uint64_t dcc_clock_now_ns(void);";
    let grown = format!("{LAST}  uint64_t later;\n");
    assert_eq!(judge(&changed(LAST, &grown), &versions), Ok(()));
    let more = format!("{FUNCTION}\nDCC_API uint64_t dcc_clock_of_2_1(void);");
    let next = "DCC_CANCEL_2.1 {\nglobal:\n    dcc_clock_of_2_1;\n} DCC_CANCEL_2.0;\n";
    assert_eq!(judge(&changed(FUNCTION, &more), &format!("{versions}{next}")), Ok(()));
    let constant = "#define DCC_ABI_MINOR 0\n";
    let new_constant = format!("{constant}#define DCC_NEW 1\n");
    assert_eq!(judge(&changed(constant, &new_constant), &versions), Ok(()));

    let listed = "    dcc_clock_now_ns;\n";
    for (what, header, versions) in [
        ("a function is gone", changed(FUNCTION, ""), versions.replace(listed, "")),
        (
            "a result is another",
            changed(FUNCTION, &FUNCTION.replace("uint64_t", "int32_t")),
            versions.clone(),
        ),
        (
            "a field is in between",
            changed(FIRST, &format!("  uint64_t b;\n{FIRST}")),
            versions.clone(),
        ),
        (
            "a field is another, and there is one more",
            changed(LAST, &grown).replace(FIRST, "  double done;\n"),
            versions.clone(),
        ),
        (
            "a function has another version",
            header(),
            format!(
                "{}{}",
                versions.replace(listed, ""),
                next.replace("dcc_clock_of_2_1", "dcc_clock_now_ns")
            ),
        ),
        (
            "a constant is another",
            changed("#define DCC_ABI_MAJOR 2\n", "#define DCC_ABI_MAJOR 3\n"),
            versions.clone(),
        ),
    ] {
        assert!(judge(&header, &versions).is_err(), "{what}, and nobody notices");
    }
}

#[test]
#[ignore = "builds the release library"]
fn the_librarys_symbols_have_their_versions() {
    let shown = version_list::shown(&support::release_library());
    assert_eq!(shown, version_list::expected());
    // A program that needs a version names that version.
    let folder = scratch("needs");
    let library = support::staged(&support::release_library(), &folder);
    let source = "#include <dcc_cancel.h>\nint main(void) { return dcc_abi_version() == 0; }\n";
    std::fs::write(folder.join("asks.c"), source).unwrap();
    let program = folder.join("asks");
    let mut compile = Command::new(support::cc());
    compile.arg("-I").arg(support::include()).arg(folder.join("asks.c")).arg(library);
    support::run(compile.arg("-o").arg(&program));
    let needs = support::printed(Command::new("readelf").arg("-VW").arg(&program));
    assert!(needs.contains("Name: DCC_CANCEL_2.0"), "{needs}");
    support::run(Command::new(program).env("LD_LIBRARY_PATH", &folder));
}
