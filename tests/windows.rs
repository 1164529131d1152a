//! The library as a Windows DLL, built by the GNU cross compiler and run under wine.

#![cfg(target_os = "linux")]

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use support::{C_FLAGS, CXX_FLAGS, exists, include, printed, root, run, scratch, skip};

const TARGET: &str = "x86_64-pc-windows-gnu";
const CC: &str = "x86_64-w64-mingw32-gcc-posix";
const CXX: &str = "x86_64-w64-mingw32-g++-posix";
const OBJDUMP: &str = "x86_64-w64-mingw32-objdump";

/// What these tests need and a plain Rust installation lacks.
struct Tools {
    /// Where wine keeps its drive C, and the DLL is built.
    folder: PathBuf,
    wine: String,
}

/// The tools, or why there are none.
fn find_tools() -> Result<Tools, String> {
    // Debian's own compiler, because its package of sources for the standard library fits it.
    let sysroot = Command::new("/usr/bin/rustc").args(["--print", "sysroot"]).output();
    let sysroot = sysroot.map_err(|_| "no /usr/bin/rustc (Debian: rustc-web)")?.stdout;
    let sysroot = PathBuf::from(String::from_utf8_lossy(&sysroot).trim());
    if !sysroot.join("lib/rustlib/src/rust/library/std/Cargo.toml").exists() {
        return Err("no sources of Rust's standard library (Debian: rust-web-src)".to_owned());
    }
    if !exists("/usr/bin/cargo") {
        return Err("no /usr/bin/cargo (Debian: cargo-web)".to_owned());
    }
    for compiler in [CC, CXX, OBJDUMP] {
        if !exists(compiler) {
            return Err(format!("no {compiler} (Debian: g++-mingw-w64-x86-64-posix)"));
        }
    }
    let wine = ["/usr/lib/wine/wine64", "wine64", "wine"].into_iter().find(|name| exists(name));
    let wine = wine.ok_or("no wine (Debian: wine64)")?.to_owned();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("windows");
    Ok(Tools { folder, wine })
}

/// The tools; `None`, and the skip is said, if they are not there.
fn tools(check: &str) -> Option<&'static Tools> {
    static TOOLS: OnceLock<Result<Tools, String>> = OnceLock::new();
    match TOOLS.get_or_init(find_tools) {
        Ok(tools) => Some(tools),
        Err(why) => {
            skip(check, why);
            None
        }
    }
}

/// The folder with `dcc_cancel.dll` and its import library, built from this tree.
fn dll(tools: &Tools) -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let mut cargo = Command::new("/usr/bin/cargo");
        // What the cargo of this test says to its children is not meant for another compiler.
        for (name, _) in std::env::vars() {
            let foreign = name.starts_with("CARGO") || name.starts_with("RUST");
            if foreign && name != "CARGO_HOME" || name == "LD_LIBRARY_PATH" {
                cargo.env_remove(name);
            }
        }
        cargo
            .current_dir(root())
            .env("RUSTC", "/usr/bin/rustc")
            .env("RUSTC_BOOTSTRAP", "1")
            .env("CARGO_TARGET_X86_64_PC_WINDOWS_GNU_LINKER", CC)
            .args(["build", "--release", "--lib", "--locked", "--target", TARGET, "--target-dir"])
            .arg(&tools.folder)
            .arg("-Zbuild-std=std,panic_abort,panic_unwind");
        run(&mut cargo);
        tools.folder.join(TARGET).join("release")
    })
}

/// Compiles a program, or a DLL with `-shared` among the arguments.
fn compile(source: &Path, output: &Path, arguments: &[&str]) {
    let is_c = source.extension().is_some_and(|extension| extension == "c");
    let (compiler, flags) = if is_c { (CC, C_FLAGS) } else { (CXX, CXX_FLAGS) };
    run(Command::new(compiler)
        .args(flags)
        .args(["-O2", "-static", "-I"])
        .arg(include())
        .arg(source)
        .arg("-o")
        .arg(output)
        .args(arguments));
}

/// A folder with the DLL, and what it needs under wine, beside the programs of one test.
fn stage(tools: &Tools, folder: &Path) {
    std::fs::create_dir_all(folder).unwrap();
    std::fs::copy(dll(tools).join("dcc_cancel.dll"), folder.join("dcc_cancel.dll")).unwrap();
    let random = folder.join("bcryptprimitives.dll");
    compile(&source("process_prng.c"), &random, &["-shared", "-ladvapi32"]);
}

fn source(name: &str) -> PathBuf {
    root().join("tests/windows").join(name)
}

/// What a program that has to succeed printed under wine.
fn wine(tools: &Tools, program: &Path, arguments: &[&str]) -> String {
    static PREFIX: OnceLock<PathBuf> = OnceLock::new();
    let command = |prefix: &Path| {
        let mut command = Command::new("timeout");
        command
            .args(["--kill-after=5", "300", &tools.wine])
            .env("WINEPREFIX", prefix)
            .env("WINEDEBUG", "-all")
            .env("WINEDLLOVERRIDES", "mscoree,mshtml=");
        command
    };
    let prefix = PREFIX.get_or_init(|| {
        let prefix = tools.folder.join("wine-prefix");
        std::fs::create_dir_all(&prefix).unwrap();
        run(command(&prefix).args(["wineboot", "--init"]));
        prefix
    });
    let folder = program.parent().unwrap();
    printed(command(prefix).current_dir(folder).arg(program).args(arguments))
}

#[test]
fn the_dll_exports_the_functions_of_the_header_and_nothing_else() {
    let Some(tools) = tools("exports of the DLL") else { return };
    let table = printed(Command::new(OBJDUMP).arg("-p").arg(dll(tools).join("dcc_cancel.dll")));
    let (_, names) = table.split_once("[Ordinal/Name Pointer] Table").expect("an export table");
    let mut exported: Vec<&str> = names
        .lines()
        .skip(1)
        .take_while(|line| !line.trim().is_empty())
        .map(|line| line.rsplit(' ').next().unwrap())
        .collect();
    exported.sort_unstable();
    assert_eq!(exported, header_functions());
}

/// A COFF import library made from the header's functions, as cl.exe needs it, links a program.
/// The real linker of that compiler does not run here; LLVM's reads the same files.
#[test]
fn an_msvc_import_library_links_a_program() {
    // llvm-dlltool, which comes with llvm-objdump, has no --version.
    let version = ["19", "18", "17", "16", "15", "14"].into_iter().find(|version| {
        let mut tools = ["clang", "llvm-objdump", "lld-link"].iter();
        tools.all(|tool| exists(&format!("{tool}-{version}")))
    });
    let Some(version) = version else {
        return skip("MSVC import library", "no clang, llvm, lld of one version");
    };
    let folder = scratch("windows-msvc");
    let definitions = folder.join("dcc_cancel.def");
    let names = header_functions();
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
        assert!(imports.lines().any(|line| line.trim_end().ends_with(name)), "{name}: {imports}");
    }
}

/// The functions that the header declares.
fn header_functions() -> Vec<&'static str> {
    static HEADER: OnceLock<String> = OnceLock::new();
    let header = HEADER
        .get_or_init(|| std::fs::read_to_string(include().join("dcc_cancel.h")).unwrap())
        .as_str();
    let (_, prototypes) = header.split_once("extern \"C\" {").unwrap();
    let (prototypes, _) = prototypes.split_once("#endif /* DCC_CANCEL_NO_PROTOTYPES */").unwrap();
    let mut names: Vec<&str> = prototypes
        .lines()
        .filter(|line| !line.starts_with([' ', '/', '#']))
        .filter_map(|line| line.split_once('('))
        .filter_map(|(before, _)| before.rsplit([' ', '*']).next())
        .collect();
    names.sort_unstable();
    assert!(names.len() > 50, "{names:?}");
    names
}

#[test]
fn the_header_compiles_for_msvc() {
    let clang = ["clang-19", "clang-16", "clang-14", "clang"].into_iter().find(|name| exists(name));
    let Some(clang) = clang else { return skip("header for MSVC", "no clang") };
    for (language, flags) in [("c", C_FLAGS), ("c++", CXX_FLAGS)] {
        run(Command::new(clang)
            .args(["--target=x86_64-pc-windows-msvc", "-ffreestanding", "-fsyntax-only"])
            .args(flags)
            // It is the main file here, whose unused functions are warned of.
            .args(["-Wno-unused-function", "-Wno-pragma-once-outside-header", "-x", language])
            .arg(include().join("dcc_cancel.h")));
    }
}

#[test]
fn a_linked_c_program_uses_it() {
    let Some(tools) = tools("linked C program under wine") else { return };
    let folder = scratch("windows-linked-c");
    stage(tools, &folder);
    let program = folder.join("linked.exe");
    let import = dll(tools).join("libdcc_cancel.dll.a");
    compile(&source("linked.c"), &program, &[import.to_str().unwrap()]);
    assert!(wine(tools, &program, &[]).contains("linked: fine"));
}

#[test]
fn a_linked_cpp_program_uses_it() {
    let Some(tools) = tools("linked C++ program under wine") else { return };
    let folder = scratch("windows-linked-cpp");
    stage(tools, &folder);
    let program = folder.join("linked.exe");
    let import = dll(tools).join("libdcc_cancel.dll.a");
    compile(&source("linked.cpp"), &program, &[import.to_str().unwrap()]);
    assert!(wine(tools, &program, &[]).contains("linked C++: fine"));
}

/// The C and C++ programs of the other tests are portable.
#[test]
fn the_programs_of_other_tests_use_it() {
    let Some(tools) = tools("programs of other tests under wine") else { return };
    let folder = scratch("windows-shared");
    stage(tools, &folder);
    let import = dll(tools).join("libdcc_cancel.dll.a");
    let mut sources = vec![root().join("examples/minimal.cpp")];
    for kind in ["c", "cpp"] {
        let Ok(entries) = std::fs::read_dir(root().join("tests").join(kind)) else { continue };
        let paths = entries.map(|entry| entry.unwrap().path());
        sources.extend(paths.filter(|path| path.extension().is_some_and(|end| end == kind)));
    }
    assert!(sources.len() >= 3, "{sources:?}");
    for source in sources {
        let program = folder.join(source.file_stem().unwrap()).with_extension("exe");
        compile(&source, &program, &[import.to_str().unwrap()]);
        wine(tools, &program, &[]);
    }
}

#[test]
fn a_program_loads_two_copies_by_path_and_frees_them() {
    let Some(tools) = tools("program that loads the DLL under wine") else { return };
    let folder = scratch("windows-loaded");
    // The DLLs lie in other folders; what they need is found beside the program.
    stage(tools, &folder);
    std::fs::remove_file(folder.join("dcc_cancel.dll")).unwrap();
    stage(tools, &folder.join("first"));
    stage(tools, &folder.join("second"));
    let program = folder.join("loaded.exe");
    compile(&source("loaded.c"), &program, &[]);
    let printed = wine(tools, &program, &["first\\dcc_cancel.dll", "second\\dcc_cancel.dll"]);
    assert!(printed.contains("loaded: fine"), "{printed}");
}
