//! The folders and the tools with which artefacts are made.

use crate::trouble::{Result, Trouble, While};
use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Packages of PyPI. Another version of one of them may change the bytes of all archives.
const PACKAGES: &[&str] = &[
    "ziglang==0.17.1",
    "cargo-zigbuild==0.24.1",
    "cmake==3.31.6",
    "ninja==1.11.1.3",
    "setuptools==80.9.0",
    "wheel==0.45.1",
];

/// The suffixes of LLVM's tools, in the order in which they are tried. "" is a tool without a number.
const LLVM: &[&str] = &["-19", "", "-22", "-21", "-20", "-18", "-17", "-16"];

pub struct Workshop {
    /// The folder of the checkout.
    pub root: PathBuf,
    /// The version of the package, such as `0.2.0`.
    pub version: String,
    /// The time of all files in archives, in seconds since 1970. It is the time of the commit.
    pub time: u64,
    tools: PathBuf,
    /// Held so that only one process at a time makes artefacts.
    _lock: File,
}

impl Workshop {
    /// Takes the lock, and installs the tools if they are missing.
    pub fn open() -> Result<Self> {
        let manifest = std::env::var_os("CARGO_MANIFEST_DIR");
        let manifest = manifest.ok_or("it is to be run by cargo").doing("cargo xtask")?;
        let root = Path::new(&manifest).parent().expect("the crate is in a folder").to_owned();
        let tools = root.join("target/dist-tools");
        fs::create_dir_all(&tools).doing(tools.display())?;
        let lock = File::create(tools.join("lock")).doing("the lock of target/dist-tools")?;
        lock.lock().doing("the lock of target/dist-tools")?;
        let version = version(&root)?;
        let time = time(&root)?;
        let workshop = Self { root, version, time, tools, _lock: lock };
        workshop.install_tools()?;
        Ok(workshop)
    }

    fn install_tools(&self) -> Result<()> {
        let done = self.tools.join("installed");
        let wanted = PACKAGES.join(" ");
        if fs::read_to_string(&done).is_ok_and(|installed| installed == wanted) {
            return Ok(());
        }
        println!("installing {wanted} into {}", self.tools.display());
        let environment = self.tools.join("venv");
        succeed(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&environment))?;
        let mut pip = Command::new(environment.join("bin/python"));
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]).args(PACKAGES);
        succeed(&mut pip).map_err(|why| Trouble::Lacks(format!("{wanted} of PyPI: {why}")))?;
        fs::write(done, wanted).doing("the mark of installed tools")
    }

    /// The folder for the finished artefacts.
    pub fn dist(&self) -> PathBuf {
        self.root.join("target/dist")
    }

    /// The folder in which one artefact is made.
    pub fn folder(&self, name: &str) -> PathBuf {
        self.root.join("target/dist-build").join(name)
    }

    /// A command that runs in the checkout and finds the tools. Variables that cargo has set for this
    /// process are removed.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy();
            let is_foreign = ["CARGO", "RUST", "ZIG", "CMAKE", "PYTHON"]
                .iter()
                .any(|start| text.starts_with(start));
            let is_kept = ["CARGO_HOME", "RUSTUP_HOME", "RUSTUP_TOOLCHAIN"].contains(&&*text);
            if is_foreign && !is_kept || ["LD_LIBRARY_PATH", "CFLAGS", "LDFLAGS"].contains(&&*text)
            {
                command.env_remove(name);
            }
        }
        let mut path = self.tools.join("venv/bin").into_os_string();
        path.push(":");
        path.push(std::env::var_os("PATH").unwrap_or_default());
        command.current_dir(&self.root).env("PATH", path);
        for variable in ["ZIG_GLOBAL_CACHE_DIR", "ZIG_LOCAL_CACHE_DIR"] {
            command.env(variable, self.tools.join("cache"));
        }
        command
    }

    /// The path of one of the tools from PyPI.
    pub fn tool(&self, name: &str) -> PathBuf {
        self.tools.join("venv/bin").join(name)
    }

    /// The folder of zig. Code of it is linked into the delivered files.
    pub fn zig(&self) -> Result<PathBuf> {
        let mut python = self.command(self.tool("python"));
        let folder = print(python.args(["-c", "import ziglang; print(ziglang.__path__[0])"]))?;
        Ok(folder.into())
    }
}

/// The name of one of LLVM's tools, with the suffix under which it is installed.
pub fn llvm(name: &str) -> Result<String> {
    let found = LLVM.iter().map(|version| format!("{name}{version}")).find(|tool| {
        let mut command = Command::new(tool);
        command.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
        // The status is not checked, because some tools do not know that argument.
        command.status().is_ok()
    });
    found.ok_or_else(|| Trouble::Lacks(format!("{name} (Debian: llvm-19 clang-19)")))
}

fn version(root: &Path) -> Result<String> {
    let manifest = fs::read_to_string(root.join("Cargo.toml")).doing("Cargo.toml")?;
    let line =
        manifest.lines().find_map(|line| line.strip_prefix("version = \"")?.strip_suffix('"'));
    line.map(str::to_owned).ok_or("no line with the version").doing("Cargo.toml")
}

/// The value of SOURCE_DATE_EPOCH, as in other tools, or the time of the commit.
fn time(root: &Path) -> Result<u64> {
    let text = match std::env::var("SOURCE_DATE_EPOCH") {
        Ok(text) => text,
        Err(_) => {
            let mut git = Command::new("git");
            print(git.current_dir(root).args(["log", "-1", "--format=%ct"]))?
        }
    };
    text.parse().doing(format!("the time of the sources is {text:?}"))
}

/// Runs a command that has to succeed. Its output is shown.
pub fn succeed(command: &mut Command) -> Result<()> {
    let program = command.get_program().display().to_string();
    let status = command.status().doing(&program)?;
    if status.success() { Ok(()) } else { Err(format!("ended with {status}")).doing(program) }
}

/// Runs a command that has to succeed, and returns what it prints.
pub fn print(command: &mut Command) -> Result<String> {
    let program = command.get_program().display().to_string();
    let output = command.stderr(Stdio::inherit()).output().doing(&program)?;
    if !output.status.success() {
        return Err(format!("ended with {}", output.status)).doing(program);
    }
    Ok(String::from_utf8(output.stdout).doing(program)?.trim_end().to_owned())
}
