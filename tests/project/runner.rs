//! What `tests/all` reports for a test program, given the program's output and how it ended.

#![cfg(unix)]
#![allow(dead_code, reason = "the runner uses the rest")]

#[path = "../all/chosen.rs"]
mod chosen;
#[path = "../all/outcome.rs"]
mod outcome;
#[path = "../all/programs.rs"]
mod programs;

use outcome::{End, Outcome};
use programs::{Program, target_folder};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::ExitStatus;
use std::time::Duration;

/// The outcome of a program that printed this and ended with this status of the system.
fn ended(printed: &str, status: i32) -> Outcome {
    let program = Program { name: "one".into(), file: "one".into(), is_run_by_cargo: false };
    let end = End::Exited(ExitStatus::from_raw(status));
    Outcome::new(&program, end, printed.to_owned(), "", Duration::ZERO, Duration::ZERO)
}

/// The system's status after `exit(code)`.
const fn exit(code: i32) -> i32 {
    code << 8
}

const ABORTED: i32 = 6;

/// The numbers of tests that passed, failed, were left out, and have no result.
fn counts(outcome: &Outcome) -> [usize; 4] {
    [outcome.passed, outcome.failures(), outcome.left_out(), outcome.unanswered()]
}

#[test]
fn a_program_that_ends_after_all_its_tests_is_good() {
    let printed = "\nrunning 3 tests\ntest a ... ok\ntest c ... ignored, why\ntest b ... ok\n\n\
                   test result: ok. 2 passed; 0 failed; 1 ignored; 0 measured; 4 filtered out; \
                   finished in 1s\n";
    let whole = ended(printed, exit(0));
    assert!(whole.is_good() && whole.trouble().is_none());
    assert_eq!(counts(&whole), [2, 0, 1, 0]);
    assert_eq!((&*whole.ignored[0].what, &*whole.ignored[0].why), ("c", "why"));
    let nothing = "\nrunning 0 tests\n\n\
                   test result: ok. 0 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; \
                   finished in 0s\n";
    assert!(ended(nothing, exit(0)).is_good(), "nothing to run");
    let ends_badly = ended(printed, ABORTED);
    assert!(!ends_badly.is_good() && ends_badly.trouble().is_some(), "a destructor at its end");
}

#[test]
fn a_test_that_ends_the_program_is_a_failure_whatever_the_status() {
    let printed = "\nrunning 3 tests\ntest a ... ok\n";
    for status in [exit(0), exit(7), exit(101), ABORTED] {
        let early = ended(printed, status);
        assert!(!early.is_good() && early.trouble().is_some(), "{status}");
        assert_eq!(counts(&early), [1, 0, 0, 2]);
    }
    assert!(!ended("", exit(0)).is_good(), "before the first test");
    let of_another = "running 2 tests\nrunning 1 test\ntest a ... ok\n\
                      test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 1 filtered out; \
                      finished in 0s\n";
    assert!(!ended(of_another, exit(0)).is_good(), "a program that it started came to its end");
    let after_a_failure = ended("\nrunning 3 tests\ntest a ... FAILED\n", exit(101));
    assert_eq!(counts(&after_a_failure), [0, 1, 0, 2]);
    assert!(after_a_failure.trouble().is_some(), "two have no answer");
}

#[test]
fn a_failed_test_is_named_although_its_line_is_torn_or_was_not_printed() {
    let end = "\nfailures:\n\n---- b stdout ----\nfailures:\n    not a name\n\n\
               ---- m::d stdout ----\n\nfailures:\n    b\n    m::d\n\n\
               test result: FAILED. 2 passed; 2 failed; 1 ignored; 0 measured; 0 filtered out; \
               finished in 0.34s\n";
    for tests in [
        "test a ... ok\nnoisetest b ... FAILED\ntest m::d - should panic ... FAILED\ntest c ... ok\n\
         test e ... ignored\n",
        ".F\nF.i\n",
    ] {
        let failed = ended(&format!("\nrunning 5 tests\n{tests}{end}"), exit(101));
        assert!(!failed.is_good() && failed.trouble().is_none());
        assert_eq!(failed.failed, ["b", "m::d"]);
        assert_eq!(counts(&failed), [2, 2, 1, 0]);
    }
}

#[test]
fn the_others_are_built_for_the_target_that_this_was_built_for() {
    let target = "x86_64-unknown-linux-gnu";
    let folder = |root: &'static str| target_folder(Path::new(root), target);
    assert_eq!(folder("/a/target"), (Path::new("/a/target"), None));
    assert_eq!(folder("/a/target/loom"), (Path::new("/a/target/loom"), None));
    let named = "/a/target/x86_64-unknown-linux-gnu";
    assert_eq!(folder(named), (Path::new("/a/target"), Some(target)));
}

#[test]
fn what_is_built_for_a_name_is_what_can_have_it() {
    let words = |arguments: &[&str]| {
        let arguments: Vec<String> = arguments.iter().map(|one| one.to_string()).collect();
        chosen::words(&arguments).map(|words| words.join(" "))
    };
    assert_eq!(words(&["--ignored", "some_test"]), Some("some_test".into()));
    assert_eq!(words(&["deep::inside::a", "b::"]), Some("a b".into()));
    for any in [&[][..], &["--ignored"], &["--skip", "some_test"], &["a", "--test-threads", "1"]] {
        assert_eq!(words(any), None, "{any:?}");
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let own = "what_is_built_for_a_name_is_what_can_have_it";
    assert_eq!(chosen::targets(root, &[own]), ["--test", "runner"]);
    // Tests in the library and in the tool, in a module of a program, and in none.
    let unit = ["a_panic_becomes_a_status", "_and_its_text"].concat();
    assert_eq!(chosen::targets(root, &[&unit]), ["--lib"]);
    let in_a_module = ["fn ", "sources", "(main: &Path"].concat();
    assert_eq!(chosen::targets(root, &[&in_a_module]), ["--test", "all", "--test", "runner"]);
    assert_eq!(chosen::targets(root, &[&["no_such", "_test"].concat()]), [""; 0]);
}
