//! The archive of `cargo xtask dist` for Windows, used by a user who has nothing else. Programs are
//! compiled with its headers and import libraries and run under wine. `.ci/archives` runs this
//! test.

// This test compiles the standard library, which takes minutes.
#![cfg(dcc_archives)]

#[allow(dead_code, reason = "this test uses a part of it")]
#[path = "../support/archives.rs"]
mod archives;
#[allow(dead_code, reason = "this test uses a part of it")]
#[path = "../support/loader_header.rs"]
mod loader_header;
#[path = "../support/page.rs"]
mod page;
#[path = "../support/mod.rs"]
mod support;
#[allow(dead_code, reason = "this test uses a part of it")]
#[path = "../support/windows.rs"]
mod windows;

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;
use support::{printed, run, scratch};
use windows::{Stage, tools};

const PLATFORM: &str = "windows-x86_64";
const CC: &str = "x86_64-w64-mingw32-gcc-posix";
const CXX: &str = "x86_64-w64-mingw32-g++-posix";

/// The folder of the unpacked archive of this kind.
fn unpacked(kind: &'static str) -> PathBuf {
    static MADE: OnceLock<PathBuf> = OnceLock::new();
    let folder = MADE.get_or_init(|| {
        let dist = archives::make(PLATFORM);
        let folder = scratch("archive");
        for kind in ["", "-symbols"] {
            let archive = dist.join(format!("{}{kind}.zip", archives::name(PLATFORM)));
            run(Command::new("python3").args(["-m", "zipfile", "-e"]).arg(archive).arg(&folder));
        }
        folder
    });
    folder.join(format!("{}{kind}", archives::name(PLATFORM)))
}

/// A stage that has the archive's DLL.
fn stage(name: &str) -> Option<Stage> {
    let stage = Stage::without_dll(tools("the archive for Windows")?, name);
    stage.take(&unpacked("").join("bin/dcc_cancel.dll"));
    Some(stage)
}

#[test]
fn the_pages_plugin_is_cancelled() {
    let Some(stage) = stage("page") else { return };
    let page = unpacked("").join("share/doc/dcc_cancel/docs/install.md");
    page::write_files_of(&fs::read_to_string(page).unwrap(), stage.folder());
    run(Command::new(CXX)
        .current_dir(stage.folder())
        .args(["-std=c++17", "-O2", "-Wall", "-Wextra", "-Werror", "-static"])
        .args(["plugin.cpp", "host.cpp", "-o", "host.exe", "-I"])
        .arg(unpacked("").join("include"))
        .arg("-L")
        .arg(unpacked("").join("lib"))
        .arg("-ldcc_cancel"));
    assert_eq!(stage.run("host.exe", &[]), "cancelled: the user pressed Esc\n");
    stage.take(&unpacked("").join("bin/dcc-control.exe"));
    let usage = stage.run("dcc-control.exe", &["--help"]);
    assert!(usage.contains("dcc-control"), "{usage}");
}

/// A program is linked as MSVC's linker would do it, by LLVM's linker, which reads the same files,
/// and without a C library.
#[test]
fn the_import_library_for_msvc_links_a_program_that_runs() {
    let Some(stage) = stage("msvc") else { return };
    let source = "#include <dcc_cancel.h>\n\
        __declspec(dllimport) void __stdcall ExitProcess(unsigned code);\n\
        void entry(void);\n\
        void entry(void) { ExitProcess(dcc_abi_version() >> 16 == DCC_ABI_MAJOR ? 0 : 1); }\n";
    fs::write(stage.folder().join("entry.c"), source).unwrap();
    run(Command::new("clang-19")
        .current_dir(stage.folder())
        .args(["--target=x86_64-pc-windows-msvc", "-ffreestanding", "-c", "entry.c", "-I"])
        .arg(unpacked("").join("include")));
    run(Command::new("lld-link-19")
        .current_dir(stage.folder())
        .args(["/nodefaultlib", "/entry:entry", "/subsystem:console", "/out:entry.exe", "entry.o"])
        .arg(unpacked("").join("lib/dcc_cancel.lib"))
        .arg("/usr/x86_64-w64-mingw32/lib/libkernel32.a"));
    assert_eq!(stage.run("entry.exe", &[]), "");
}

/// Windows' own functions read the version of the DLL's file.
#[test]
fn windows_shows_the_version() {
    let Some(stage) = stage("version") else { return };
    let source = "#include <stdio.h>\n#include <windows.h>\n\
        static char data[4096];\n\
        int main(void) {\n\
            VS_FIXEDFILEINFO *fixed; char *text; UINT size;\n\
            if (!GetFileVersionInfoA(\"dcc_cancel.dll\", 0, sizeof data, data)) return 1;\n\
            if (!VerQueryValueA(data, \"\\\\\", (void **)&fixed, &size)) return 2;\n\
            if (!VerQueryValueA(data, \"\\\\StringFileInfo\\\\040904b0\\\\ProductVersion\",\n\
                                (void **)&text, &size)) return 3;\n\
            printf(\"%u.%u.%u %s\\n\", HIWORD(fixed->dwFileVersionMS), LOWORD(fixed->dwFileVersionMS),\n\
                   HIWORD(fixed->dwFileVersionLS), text);\n\
            return 0;\n}\n";
    fs::write(stage.folder().join("shows.c"), source).unwrap();
    let mut compile = Command::new(CC);
    compile.current_dir(stage.folder()).args(["shows.c", "-o", "shows.exe", "-lversion"]);
    run(&mut compile);
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(stage.run("shows.exe", &[]), format!("{version} {version}\n"));
}

#[test]
fn the_dll_has_the_headers_functions_and_nothing_of_the_machine() {
    let dll = unpacked("").join("bin/dcc_cancel.dll");
    let declared = archives::functions(&unpacked("").join("include"));
    let table = printed(Command::new(windows::OBJDUMP).arg("-p").arg(&dll));
    let (imports, names) = table.split_once("[Ordinal/Name Pointer] Table").unwrap();
    assert_eq!(windows::exported(names), declared);
    // UCRT and libraries of Windows itself.
    for name in imports.lines().filter_map(|line| line.trim().strip_prefix("DLL Name: ")) {
        let name = name.to_lowercase();
        let systems = ["kernel32.dll", "ntdll.dll", "advapi32.dll", "ws2_32.dll", "userenv.dll"];
        let is_known = name.starts_with("api-ms-win-") || name == "bcryptprimitives.dll";
        assert!(is_known || systems.contains(&&*name), "{name}");
    }
    let dist = support::root().join("target/dist");
    archives::wheel_with(&dist, "win_amd64", &dll, "dcc_cancel.dll");
    let symbols = unpacked("-symbols").join("dcc_cancel.dll.debug");
    let sections = printed(Command::new(windows::OBJDUMP).arg("-h").arg(&symbols));
    assert!(sections.contains(".debug_line"), "{sections}");
    let sections = printed(Command::new(windows::OBJDUMP).arg("-h").arg(&dll));
    assert!(!sections.contains(".debug_") && sections.contains(".gnu_debuglink"), "{sections}");

    for (kind, file) in [
        ("", "bin/dcc_cancel.dll"),
        ("", "bin/dcc-control.exe"),
        ("-symbols", "dcc_cancel.dll.debug"),
        ("-symbols", "dcc-control.exe.debug"),
    ] {
        archives::assert_names_no_folder(&unpacked(kind).join(file));
    }
}
