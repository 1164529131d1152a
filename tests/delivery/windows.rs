//! The library as a Windows DLL, built by the GNU cross compiler and run under wine.

#![cfg(target_os = "linux")]

#[path = "../support/build_tools.rs"]
mod build_tools;
#[path = "../support/built_once.rs"]
mod built_once;
#[path = "../support/cpp_programs.rs"]
mod cpp_programs;
#[allow(dead_code, reason = "this test uses a part of it")]
#[path = "../support/loader_header.rs"]
mod loader_header;
#[path = "../support/mod.rs"]
mod support;
#[allow(dead_code, reason = "this test uses a part of it")]
#[path = "../support/windows.rs"]
mod windows;

use build_tools::{cmake, tool};
use cpp_programs::{COROUTINE_PROGRAMS, PROGRAMS};
use std::collections::BTreeSet;
use std::process::Command;
use support::{C_FLAGS, exists, include, printed, run, scratch, skip};
use windows::{OBJDUMP, Stage, tools};

/// The functions that the header declares.
fn header_functions() -> BTreeSet<String> {
    let header = std::fs::read_to_string(include().join("dcc_cancel.h")).unwrap();
    let names: BTreeSet<String> = loader_header::function_names(&header).into_iter().collect();
    assert!(names.len() > 50, "{names:?}");
    names
}

#[test]
#[ignore = "builds the DLL with its standard library and runs wine"]
fn the_dll_exports_the_functions_of_the_header_and_nothing_else() {
    let Some(tools) = tools("exports of the DLL") else { return };
    let library = tools.dll_folder().join("dcc_cancel.dll");
    let table = printed(Command::new(OBJDUMP).arg("-p").arg(library));
    let (_, names) = table.split_once("[Ordinal/Name Pointer] Table").expect("an export table");
    assert_eq!(windows::exported(names), header_functions());
}

/// A COFF import library, generated from the header's functions as cl.exe needs it, links a
/// program. The linker of that compiler does not run here; LLVM's linker reads the same files.
#[test]
fn an_msvc_import_library_links_a_program() {
    // llvm-dlltool comes with llvm-objdump and has no --version.
    let version = ["19", "18", "17", "16", "15", "14"].into_iter().find(|version| {
        let mut tools = ["clang", "llvm-objdump", "lld-link"].iter();
        tools.all(|tool| exists(&format!("{tool}-{version}")))
    });
    let Some(version) = version else {
        return skip("MSVC import library", "no clang, llvm, lld of one version");
    };
    let folder = scratch("windows-msvc");
    let definitions = folder.join("dcc_cancel.def");
    let names: Vec<String> = header_functions().into_iter().collect();
    std::fs::write(
        &definitions,
        format!("LIBRARY dcc_cancel.dll\nEXPORTS\n{}\n", names.join("\n")),
    )
    .unwrap();
    let import = folder.join("dcc_cancel.lib");
    run(Command::new(format!("llvm-dlltool-{version}"))
        .args(["-m", "i386:x86-64", "-d"])
        .arg(&definitions)
        .arg("-l")
        .arg(&import));
    let object = folder.join("every_function.obj");
    let source = folder.join("every_function.c");
    let uses: Vec<String> =
        names.iter().map(|name| format!("    (any_function){name},\n")).collect();
    let text = format!(
        "#include <dcc_cancel.h>\ntypedef void (*any_function)(void);\n\
         const any_function every_function[] = {{\n{}}};\nint entry(void);\n\
         int entry(void) {{ return every_function[0] != 0; }}\n",
        uses.concat()
    );
    std::fs::write(&source, text).unwrap();
    run(Command::new(format!("clang-{version}"))
        .args(C_FLAGS)
        .args(["--target=x86_64-pc-windows-msvc", "-ffreestanding", "-c", "-I"])
        .arg(include())
        .arg(&source)
        .arg("-o")
        .arg(&object));
    let program = folder.join("every_function.exe");
    let mut out = std::ffi::OsString::from("/out:");
    out.push(&program);
    run(Command::new(format!("lld-link-{version}"))
        .args(["/nodefaultlib", "/entry:entry", "/subsystem:console"])
        .arg(out)
        .args([&object, &import]));
    let imports = printed(Command::new(format!("llvm-objdump-{version}")).arg("-p").arg(&program));
    for name in names {
        assert!(imports.lines().any(|line| line.trim_end().ends_with(&name)), "{name}: {imports}");
    }
}

#[test]
#[ignore = "builds the DLL with its standard library and runs wine"]
fn a_linked_c_program_uses_it() {
    let Some(tools) = tools("linked C program under wine") else { return };
    let stage = Stage::new(tools, "linked_c");
    stage.compile_linked("tests/windows/linked.c", "linked.exe", &[]);
    assert_eq!(stage.run("linked.exe", &[]), "linked: fine\n");
}

#[test]
#[ignore = "builds the DLL with its standard library and runs wine"]
fn a_linked_cpp_program_uses_it() {
    let Some(tools) = tools("linked C++ program under wine") else { return };
    let stage = Stage::new(tools, "linked_cpp");
    stage.compile_linked("tests/windows/linked.cpp", "linked.exe", &[]);
    assert_eq!(stage.run("linked.exe", &[]), "linked C++: fine\n");
}

#[test]
#[ignore = "builds the DLL with its standard library and runs wine"]
fn a_program_loads_two_copies_by_path_and_frees_them() {
    let Some(tools) = tools("program that loads the DLL under wine") else { return };
    let stage = Stage::without_dll(tools, "loaded");
    stage.copy_dll("first");
    stage.copy_dll("second");
    stage.compile("tests/windows/loaded.c", "loaded.exe", &[]);
    let copies = ["first\\dcc_cancel.dll", "second\\dcc_cancel.dll"];
    assert_eq!(stage.run("loaded.exe", &copies), "loaded: fine\n");
}

#[test]
#[ignore = "builds the DLL with its standard library and runs wine"]
fn the_wrapper_and_the_examples_do_what_they_say() {
    let Some(tools) = tools("C++ programs under wine") else { return };
    let stage = Stage::new(tools, "cpp");
    let programs = PROGRAMS
        .iter()
        .chain(&["hostile_macros"])
        .map(|name| format!("tests/cpp/{name}.cpp"))
        .collect::<Vec<_>>();
    for source in &programs {
        for flags in [&["-fno-exceptions", "-fno-rtti"][..], &["-std=c++20"]] {
            stage.compile_linked(source, "program.exe", flags);
            stage.run("program.exe", &[]);
        }
    }
    for name in COROUTINE_PROGRAMS {
        for flags in [&["-std=c++20", "-fno-exceptions", "-fno-rtti"][..], &["-std=c++20"]] {
            stage.compile_linked(&format!("tests/cpp/{name}.cpp"), "program.exe", flags);
            stage.run("program.exe", &[]);
        }
    }
    stage.compile_linked("examples/coroutine.cpp", "program.exe", &["-std=c++20"]);
    stage.run("program.exe", &[]);
    for source in [
        programs[0].as_str(),
        "examples/minimal.cpp",
        "examples/callbacks.cpp",
        "examples/dispatcher.cpp",
    ] {
        stage.compile_linked(source, "program.exe", &[]);
        stage.run("program.exe", &[]);
    }
}

#[test]
#[ignore = "builds the DLL with its standard library and runs wine"]
fn every_row_of_the_python_semantics_holds() {
    let Some(tools) = tools("Python semantics under wine") else { return };
    let stage = Stage::new(tools, "python_semantics");
    stage.compile_linked("tests/c/python_semantics.c", "rows.exe", &["-pthread"]);
    let rows = stage.run("rows.exe", &["--list"]);
    assert!(rows.lines().count() > 20, "{rows}");
    for row in rows.lines() {
        stage.run("rows.exe", &[row]);
    }
}

#[test]
#[ignore = "builds the DLL with its standard library and runs wine"]
fn the_consumers_get_the_library_however_they_load_it() {
    let Some(tools) = tools("consumers under wine") else { return };
    let stage = Stage::new(tools, "consumers");
    stage.compile_linked("tests/consumers/linked.cpp", "linked.exe", &[]);
    let version = stage.run("linked.exe", &[]);
    assert!(version.starts_with(concat!("dcc-cancel ", env!("CARGO_PKG_VERSION"))), "{version}");
    for source in ["loader.c", "loader.cpp", "by_hand.c"] {
        stage.compile(&format!("tests/consumers/{source}"), "consumer.exe", &[]);
        assert_eq!(stage.run("consumer.exe", &["dcc_cancel.dll"]), version, "{source}");
    }
}

/// CMake installs the library, the prefix is moved, and CMake finds it there.
#[test]
#[ignore = "builds the DLL with its standard library and runs wine"]
fn find_package_finds_the_dll_and_its_import_library() {
    let Some(tools) = tools("CMake package for Windows") else { return };
    let folder = scratch("windows_cmake");
    let (build, first, moved) = (folder.join("build"), folder.join("first"), folder.join("moved"));
    cmake(&support::root(), &build, &tools.cmake_settings());
    run(tool("cmake").arg("--install").arg(&build).arg("--prefix").arg(&first));
    std::fs::rename(&first, &moved).unwrap();
    let prefix = format!("-DCMAKE_PREFIX_PATH={}", moved.display());
    let consumer = folder.join("consumer");
    cmake(
        &support::root().join("tests/consumers/find_package"),
        &consumer,
        &[&tools.cmake_settings()[..4], &[prefix]].concat(),
    );
    let stage = Stage::without_dll(tools, "found");
    for file in
        ["moved/bin/dcc_cancel.dll", "consumer/consumer.exe", "consumer/loading_consumer.exe"]
    {
        stage.take(&folder.join(file));
    }
    let version = stage.run("consumer.exe", &[]);
    assert!(version.starts_with(concat!("dcc-cancel ", env!("CARGO_PKG_VERSION"))), "{version}");
    assert_eq!(stage.run("loading_consumer.exe", &["dcc_cancel.dll"]), version);
}

/// The same as tests/sys/instances.rs, with the same host and plugins.
#[test]
#[ignore = "builds the DLL with its standard library and runs wine"]
fn plugins_share_one_instance_that_outlives_them() {
    let Some(tools) = tools("plugins under wine") else { return };
    let stage = Stage::new(tools, "plugins");
    stage.copy_dll("copy_one");
    stage.copy_dll("copy_two");
    stage.compile("tests/plugins/host.c", "host.exe", &["-pthread"]);
    for plugin in ["one", "two"] {
        let linked = format!("linked_{plugin}.dll");
        stage.compile_linked("tests/plugins/linked.c", &linked, &["-shared"]);
        stage.compile("tests/plugins/loading.c", &format!("loading_{plugin}.dll"), &["-shared"]);
    }
    let loading = ["loading_one.dll", "loading_two.dll"];
    let copies = ["copy_one\\dcc_cancel.dll", "copy_two\\dcc_cancel.dll"];
    let host = |what, files: &[&str]| stage.run("host.exe", &[&[what], files].concat());
    host("linked_local", &["linked_one.dll", "linked_two.dll"]);
    host("own_copies", &[loading, copies].concat());
    host("own_copies", &[loading, ["dcc_cancel.dll", copies[0]]].concat());
    host("first_user_leaves", &["linked_one.dll", loading[0], copies[0]]);
    host("second_copy", &copies);
    host("unload", &["linked_one.dll"]);
    for _ in 0..10 {
        host("racing_loaders", &[loading, copies].concat());
    }
}

/// The same as tests/sys/process_life.rs, with the same program.
#[test]
#[ignore = "builds the DLL with its standard library and runs wine"]
fn processes_end_soon_whatever_the_library_does() {
    let Some(tools) = tools("ends of processes under wine") else { return };
    let stage = Stage::new(tools, "process_life");
    stage.compile_linked("tests/cpp/process_life.cpp", "process_life.exe", &[]);
    let ways = stage.run("process_life.exe", &["--list"]);
    assert!(ways.lines().count() > 8, "{ways}");
    for way in ways.lines() {
        stage.run("process_life.exe", &[way]);
    }
}

/// A DLL's static objects are destroyed after all other threads have ended, and the objects that
/// they hold with them.
#[test]
#[ignore = "builds the DLL with its standard library and runs wine"]
fn a_plugin_with_static_handles_lets_the_process_end() {
    let Some(tools) = tools("plugin with static handles under wine") else { return };
    let stage = Stage::new(tools, "static_handles");
    stage.compile_linked("tests/windows/static_handles.cpp", "plugin.dll", &["-shared"]);
    stage.compile("tests/windows/ends_with_plugin.c", "host.exe", &[]);
    for round in 0..10 {
        let arguments = if round % 2 == 0 { &["plugin.dll"][..] } else { &["plugin.dll", "free"] };
        assert_eq!(stage.run("host.exe", arguments), "ends: fine\n");
    }
}
