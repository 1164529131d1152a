//! Compiles and runs programs with `include/dcc_cancel.hpp` in all ways in which users compile it.

#![cfg(target_os = "linux")]

#[path = "../support/cpp_programs.rs"]
mod cpp_programs;
#[path = "../support/page.rs"]
mod page;
#[path = "../support/mod.rs"]
mod support;

use cpp_programs::{COROUTINE_PROGRAMS, PROGRAMS};
use std::path::Path;
use std::process::{Command, Output};

/// As users with optimization have it, which warns of more.
const OPTIMIZED: &[&str] = &["-O1"];
const COROUTINES: &[&str] = &["-std=c++20"];
const FRUGAL: &[&str] = &["-O1", "-fno-exceptions", "-fno-rtti"];

fn compile_and_run(source: &str, compiler: &str, flags: &[&str]) -> Output {
    let name = Path::new(source).file_stem().unwrap().to_str().unwrap();
    let flags_of_name = flags.concat().replace('/', "_");
    let folder = support::scratch(&format!("cpp_wrapper_{name}_{compiler}_{flags_of_name}"));
    support::staged_library(&folder);
    let source = support::root().join(source);
    let program = folder.join(name);
    support::run(
        Command::new(compiler)
            .args(support::CXX_FLAGS)
            .args(["-Wconversion", "-Wold-style-cast", "-O0", "-pthread"])
            .args(flags)
            .arg("-I")
            .arg(support::include())
            .arg(source)
            .arg("-L")
            .arg(&folder)
            .args(["-ldcc_cancel", "-Wl,-rpath,$ORIGIN", "-o"])
            .arg(&program),
    );
    support::run(&mut Command::new(program))
}

fn run_programs(compiler: &str, flags: &[&str]) {
    for name in PROGRAMS {
        compile_and_run(&format!("tests/cpp/{name}.cpp"), compiler, flags);
    }
    for name in COROUTINE_PROGRAMS {
        let flags = [flags, COROUTINES].concat();
        compile_and_run(&format!("tests/cpp/{name}.cpp"), compiler, &flags);
    }
}

#[test]
fn the_wrapper_does_what_it_says() {
    run_programs(&support::cxx(), &[]);
}

#[test]
#[ignore = "compiles the programs once more"]
fn it_does_so_with_optimization() {
    run_programs(&support::cxx(), OPTIMIZED);
}

#[test]
#[ignore = "compiles the programs once more"]
fn it_compiles_in_other_ways_after_hostile_macros() {
    for flags in [OPTIMIZED, FRUGAL, &["-O1", "-std=c++20"]] {
        compile_and_run("tests/cpp/hostile_macros.cpp", &support::cxx(), flags);
    }
}

#[test]
#[ignore = "compiles the programs once more"]
fn it_does_so_without_exceptions_and_rtti() {
    run_programs(&support::cxx(), FRUGAL);
}

#[test]
#[ignore = "compiles the programs once more"]
fn it_does_so_as_cpp20() {
    run_programs(&support::cxx(), &["-O1", "-std=c++20"]);
}

#[test]
fn what_could_not_work_does_not_compile() {
    let source = support::root().join("tests/cpp/refused.cpp");
    let text = std::fs::read_to_string(&source).unwrap();
    // Each with the words that the compiler has to say.
    let marked =
        text.lines().filter_map(|line| line.split_once("if CASE == ")?.1.split_once(" // "));
    let mut cases: Vec<_> = marked.collect();
    assert_eq!(cases.len(), 12);
    cases.push(("0", ""));
    for (case, words) in cases {
        let output = Command::new(support::cxx())
            .args(["-std=c++20", "-fsyntax-only", "-I"])
            .arg(support::include())
            .arg(format!("-DCASE={case}"))
            .arg(&source)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.success(), words.is_empty(), "case {case}: {said}");
        assert!(said.contains(words), "case {case} does not say {words:?}: {said}");
    }
}

/// The pieces of code of a page.
fn code_of(path: &str) -> Vec<String> {
    let text = page::page(path);
    page::blocks(&text).into_iter().map(|(_, code)| format!("{code}\n")).collect()
}

#[test]
fn the_recipes_are_compiled_and_run() {
    let folder = support::scratch("recipes_page");
    std::fs::write(folder.join("recipes_page.inc"), code_of("docs/recipes.md").concat()).unwrap();
    let including = format!("-I{}", folder.display());
    compile_and_run("tests/cpp/recipes_page.cpp", &support::cxx(), &[&including]);
}

#[test]
fn the_page_about_adapters_is_compiled_and_run() {
    let code = code_of("docs/write_an_adapter.md");
    let [library, adapter, its_use, in_c] = &code[..] else {
        panic!("the library, its adapter, the use of that, and all of it in C");
    };
    let folder = support::scratch("adapter_page");
    let in_cpp = [&**library, adapter, its_use].concat();
    std::fs::write(folder.join("adapter_page.inc"), in_cpp).unwrap();
    std::fs::write(folder.join("adapter_page_c.inc"), [&**library, in_c].concat()).unwrap();
    let including = format!("-I{}", folder.display());
    compile_and_run("tests/cpp/adapter_page.cpp", &support::cxx(), &[including.as_str()]);
    support::staged_library(&folder);
    let program = folder.join("adapter_page_c");
    support::run(
        Command::new(support::cc())
            .args(support::C_FLAGS)
            .arg(&including)
            .arg("-I")
            .arg(support::include())
            .arg(support::root().join("tests/c/adapter_page.c"))
            .arg("-L")
            .arg(&folder)
            .args(["-ldcc_cancel", "-Wl,-rpath,$ORIGIN", "-o"])
            .arg(&program),
    );
    support::run(&mut Command::new(program));
}

#[test]
fn every_program_is_run() {
    let folder = std::fs::read_dir(support::root().join("tests/cpp")).unwrap();
    let names = folder.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    // Run or looked at by tests of their own.
    let others =
        ["adapter_page", "hostile_macros", "poll_loop", "process_life", "recipes_page", "refused"];
    let mut sources: Vec<String> =
        names.filter_map(|name| name.strip_suffix(".cpp").map(str::to_owned)).collect();
    let mut expected = [PROGRAMS, COROUTINE_PROGRAMS, &others].concat();
    sources.sort();
    expected.sort();
    assert_eq!(sources, expected);
}

#[test]
fn what_a_callback_throws_is_written_to_stderr() {
    let output = compile_and_run("tests/cpp/callback.cpp", &support::cxx(), &["-DSHOWN"]);
    assert_eq!(
        String::from_utf8_lossy(&output.stderr),
        "dcc-cancel: a callback threw: the socket is gone\n"
    );
}

#[test]
fn it_compiles_after_hostile_macros() {
    compile_and_run(
        "tests/cpp/hostile_macros.cpp",
        &support::cxx(),
        &["-fno-exceptions", "-fno-rtti"],
    );
}

#[test]
fn the_examples_run() {
    for source in ["examples/minimal.cpp", "examples/callbacks.cpp", "examples/dispatcher.cpp"] {
        compile_and_run(source, &support::cxx(), &[]);
    }
    compile_and_run("examples/coroutine.cpp", &support::cxx(), COROUTINES);
}

#[test]
#[ignore = "compiles the programs once more"]
fn clang_takes_it_too() {
    let names = ["clang++", "clang++-19", "clang++-16", "clang++-14"];
    match names.iter().find(|name| support::exists(name)) {
        Some(clang) => {
            let in_cpp20 = [OPTIMIZED, COROUTINES].concat();
            for flags in [OPTIMIZED, &in_cpp20] {
                run_programs(clang, flags);
                compile_and_run("tests/cpp/hostile_macros.cpp", clang, flags);
            }
        }
        None => support::skip("clang_takes_it_too", "no clang++ is installed"),
    }
}
