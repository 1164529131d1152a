//! `include/dcc_cancel.hpp`, compiled and run in every way that its users compile it.

#![cfg(target_os = "linux")]

mod support;

use std::path::Path;
use std::process::Command;

fn compile_and_run(source: &str, compiler: &str, flags: &[&str]) {
    let name = Path::new(source).file_stem().unwrap().to_str().unwrap();
    let folder = support::scratch(&format!("cpp_wrapper_{name}_{}", flags.concat()));
    support::staged_library(&folder);
    let source = support::root().join(source);
    let program = folder.join(name);
    support::run(
        Command::new(compiler)
            .args(support::CXX_FLAGS)
            .args(["-Wconversion", "-Wold-style-cast", "-O1", "-g", "-pthread"])
            .args(flags)
            .arg("-I")
            .arg(support::include())
            .arg(source)
            .arg("-L")
            .arg(&folder)
            .args(["-ldcc_cancel", "-Wl,-rpath,$ORIGIN", "-o"])
            .arg(&program),
    );
    support::run(&mut Command::new(program));
}

#[test]
fn the_wrapper_does_what_it_says() {
    compile_and_run("tests/cpp/wrapper.cpp", &support::cxx(), &[]);
}

#[test]
fn it_does_so_without_exceptions_and_rtti() {
    compile_and_run("tests/cpp/wrapper.cpp", &support::cxx(), &["-fno-exceptions", "-fno-rtti"]);
}

#[test]
fn it_does_so_as_cpp20() {
    compile_and_run("tests/cpp/wrapper.cpp", &support::cxx(), &["-std=c++20"]);
}

#[test]
fn it_compiles_after_hostile_macros() {
    compile_and_run("tests/cpp/hostile_macros.cpp", &support::cxx(), &[]);
    compile_and_run(
        "tests/cpp/hostile_macros.cpp",
        &support::cxx(),
        &["-fno-exceptions", "-fno-rtti"],
    );
}

#[test]
fn the_smallest_example_runs() {
    compile_and_run("examples/minimal.cpp", &support::cxx(), &[]);
}

#[test]
fn clang_takes_it_too() {
    let names = ["clang++", "clang++-19", "clang++-16", "clang++-14"];
    match names.iter().find(|name| support::exists(name)) {
        Some(clang) => {
            compile_and_run("tests/cpp/wrapper.cpp", clang, &["-DBY_CLANG"]);
            compile_and_run("tests/cpp/hostile_macros.cpp", clang, &["-DBY_CLANG"]);
        }
        None => support::skip("clang_takes_it_too", "no clang++ is installed"),
    }
}
