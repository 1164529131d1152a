//! Builds the library as a Windows DLL on Linux, and builds and runs programs that use it.

use crate::support::{C_FLAGS, CXX_FLAGS, exists, include, limited, root, run, scratch, skip};
use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

const TARGET: &str = "x86_64-pc-windows-gnu";
const CC: &str = "x86_64-w64-mingw32-gcc-posix";
const CXX: &str = "x86_64-w64-mingw32-g++-posix";
/// The program that prints the exports of a DLL.
pub const OBJDUMP: &str = "x86_64-w64-mingw32-objdump";

/// The programs that these tests need and that a plain Rust installation lacks.
pub struct Tools {
    /// The folder in which the DLL is built and wine keeps its drive C.
    folder: PathBuf,
    wine: String,
}

fn find_tools() -> Result<Tools, String> {
    // Debian's own compiler, because Debian's sources of the standard library fit only that one.
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

/// The tools. If they are not there, this notes the skip and returns `None`.
pub fn tools(check: &str) -> Option<&'static Tools> {
    static TOOLS: OnceLock<Result<Tools, String>> = OnceLock::new();
    match TOOLS.get_or_init(find_tools) {
        Ok(tools) => Some(tools),
        Err(why) => {
            skip(check, why);
            None
        }
    }
}

impl Tools {
    /// The folder with `dcc_cancel.dll` and its import library, built from this tree.
    pub fn dll_folder(&self) -> &'static Path {
        static FOLDER: OnceLock<PathBuf> = OnceLock::new();
        FOLDER.get_or_init(|| {
            let mut cargo = Command::new("/usr/bin/cargo");
            // The cargo that runs this test sets variables for its own compiler, and this build
            // uses another one.
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
                .args(["rustc", "--release", "--lib", "--crate-type", "cdylib", "--locked"])
                .args(["--target", TARGET, "--target-dir"])
                .arg(&self.folder)
                .arg("-Zbuild-std=std,panic_abort,panic_unwind");
            run(&mut cargo);
            self.folder.join(TARGET).join("release")
        })
    }

    /// The settings with which users let CMake build for Windows.
    pub fn cmake_settings(&self) -> Vec<String> {
        let library = self.dll_folder().join("dcc_cancel.dll");
        let import = self.dll_folder().join("libdcc_cancel.dll.a");
        vec![
            "-DCMAKE_SYSTEM_NAME=Windows".to_owned(),
            format!("-DCMAKE_C_COMPILER={CC}"),
            format!("-DCMAKE_CXX_COMPILER={CXX}"),
            "-DCMAKE_EXE_LINKER_FLAGS=-static".to_owned(),
            format!("-DDCC_CANCEL_LIBRARY={}", library.display()),
            format!("-DDCC_CANCEL_IMPORT_LIBRARY={}", import.display()),
        ]
    }

    fn wine_command(&self, prefix: &Path) -> Command {
        let mut command = limited(&self.wine);
        command
            .env("WINEPREFIX", prefix)
            .env("WINEDEBUG", "-all")
            .env("WINEDLLOVERRIDES", "mscoree,mshtml=");
        command
    }

    /// Runs a program under wine that must succeed, and returns what it printed.
    fn wine(&self, program: &Path, arguments: &[&str]) -> String {
        static PREFIX: OnceLock<PathBuf> = OnceLock::new();
        let prefix = PREFIX.get_or_init(|| {
            let prefix = self.folder.join("wine-prefix");
            // On a busy machine wine sometimes gives up before a prefix is set up, and never
            // completes that prefix later.
            let is_whole = || prefix.join("drive_c/windows/system32/kernel32.dll").exists();
            for _ in 0..3 {
                if !is_whole() {
                    _ = std::fs::remove_dir_all(&prefix);
                    std::fs::create_dir_all(&prefix).unwrap();
                    _ = self.wine_command(&prefix).args(["wineboot", "--init"]).status();
                }
            }
            assert!(is_whole(), "wine set up no whole {}", prefix.display());
            prefix
        });
        let folder = program.parent().unwrap();
        // Output goes to a file and not through pipes: services that wine starts inherit pipes and
        // keep them open for seconds.
        let log = folder.join("printed.txt");
        let mut command = self.wine_command(prefix);
        command.current_dir(folder).arg(program).args(arguments);
        let mut begin = || {
            let file = File::create(&log).unwrap();
            command.stdout(file.try_clone().unwrap()).stderr(file);
            (command.status().unwrap(), std::fs::read_to_string(&log).unwrap())
        };
        let (mut status, mut printed) = begin();
        if !status.success() && printed.is_empty() {
            // wine sometimes fails to start a program while its server is ending.
            (status, printed) = begin();
        }
        let printed = printed.replace("\r\n", "\n");
        // wine itself prints this about a thread that it ends with the process.
        let is_programs = |line: &&str| !line.starts_with("wine client error:");
        let printed: String = printed.split_inclusive('\n').filter(is_programs).collect();
        assert!(status.success(), "{command:?} failed: {status}\n{printed}");
        printed
    }
}

/// A folder of one test, with the DLL, the files that the DLL needs under wine, and programs.
pub struct Stage {
    tools: &'static Tools,
    folder: PathBuf,
}

impl Stage {
    /// A folder with the DLL beside the programs.
    pub fn new(tools: &'static Tools, name: &str) -> Self {
        let stage = Self::without_dll(tools, name);
        stage.copy_dll("");
        stage
    }

    /// The path of the folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// A folder without the DLL.
    pub fn without_dll(tools: &'static Tools, name: &str) -> Self {
        let stage = Self { tools, folder: scratch(&format!("windows_{name}")) };
        stage.compile(
            "tests/windows/process_prng.c",
            "bcryptprimitives.dll",
            &["-shared", "-ladvapi32"],
        );
        stage
    }

    /// Copies a file to the folder.
    pub fn take(&self, file: &Path) {
        std::fs::copy(file, self.folder.join(file.file_name().unwrap())).unwrap();
    }

    /// Copies the DLL to a folder inside this one.
    pub fn copy_dll(&self, folder: &str) {
        let folder = self.folder.join(folder);
        std::fs::create_dir_all(&folder).unwrap();
        let built = self.tools.dll_folder().join("dcc_cancel.dll");
        std::fs::copy(built, folder.join("dcc_cancel.dll")).unwrap();
    }

    /// Compiles a program, or a DLL with `-shared` among the arguments.
    pub fn compile(&self, source: &str, output: &str, arguments: &[&str]) {
        let (compiler, flags) =
            if source.ends_with(".c") { (CC, C_FLAGS) } else { (CXX, CXX_FLAGS) };
        run(Command::new(compiler)
            .args(flags)
            // At run time only the system's DLLs and ours are there.
            .args(["-O2", "-static", "-I"])
            .arg(include())
            .arg("-I")
            .arg(root().join("tests/windows"))
            .arg(root().join(source))
            .arg("-o")
            .arg(self.folder.join(output))
            .args(arguments));
    }

    /// Compiles a program or a DLL that links the library.
    pub fn compile_linked(&self, source: &str, output: &str, arguments: &[&str]) {
        let import = self.tools.dll_folder().join("libdcc_cancel.dll.a");
        self.compile(source, output, &[&[import.to_str().unwrap()], arguments].concat());
    }

    /// Runs a program that must succeed, and returns what it printed.
    pub fn run(&self, program: &str, arguments: &[&str]) -> String {
        self.tools.wine(&self.folder.join(program), arguments)
    }
}

/// The names in an export table, as `OBJDUMP -p` prints it below its heading.
pub fn exported(table: &str) -> BTreeSet<String> {
    table
        .lines()
        .skip(1)
        .take_while(|line| !line.trim().is_empty())
        .map(|line| line.rsplit(' ').next().unwrap().to_owned())
        .collect()
}
