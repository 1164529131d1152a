//! GIMP with a folder of its own, which contains only `examples/hosts/gimp` and what scripts and
//! files need. So GIMP starts in a second, and the user's own folder is not touched.

use super::built_once::built_once;
use super::support;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

const SOURCES: [&str; 6] =
    ["Makefile", "dcc-smooth.c", "plug-in-job.c", "plug-in-job.h", "smooth.c", "smooth.h"];

/// Longer than any step takes, even on a busy machine.
const LONG: Duration = Duration::from_secs(include!("hang_seconds"));

/// Functions that all scripts use.
const PRELUDE: &str = r#"
    (define (say text) (gimp-message text))
    (define (load file) (car (gimp-file-load 1 file file)))
    (define (layer-of image) (car (gimp-image-get-active-drawable image)))
    (define (save image file) (file-ppm-save 1 image (layer-of image) file file 1))
    (define (save-as-rgb image file)
        (let* ((copy (car (gimp-image-duplicate image))))
            (gimp-image-convert-rgb copy)
            (save copy file)
            (gimp-image-delete copy)))
    (define (say-changes image)
        (say (if (= FALSE (car (gimp-image-is-dirty image))) "unchanged" "changed")))
    (define (smooth run-mode image iterations time-limit)
        (gimp-image-clean-all image)
        (say (if (car (plug-in-dcc-smooth run-mode image (layer-of image) iterations time-limit))
            "completed" "not completed"))
        (say-changes image))
"#;

/// A folder for GIMP, with the plug-in in it.
pub struct Gimp {
    folder: PathBuf,
    preloaded: PathBuf,
}

/// The words that `pkg-config` prints; empty if GIMP's headers are not installed.
fn pkg_config(what: &str) -> Vec<String> {
    let output = Command::new("pkg-config").args([what, "gimp-2.0"]).output();
    let printed = output.map(|output| output.stdout).unwrap_or_default();
    String::from_utf8_lossy(&printed).split_whitespace().map(str::to_owned).collect()
}

/// Whether all that a test needs is installed; if not, this notes the skip.
pub fn is_installed(test: &str) -> bool {
    if pkg_config("--cflags").is_empty() || !support::exists("gimp-console") {
        support::skip(test, "no gimp and libgimp2.0-dev");
        return false;
    }
    true
}

/// The compiler for the library that is preloaded into the plug-in.
fn compiler() -> Command {
    let mut compiler = Command::new(support::cc());
    compiler.args(support::C_FLAGS).args(["-Wconversion", "-O2", "-shared", "-fPIC"]);
    compiler.args(["-Wl,-z,lazy", "-I"]).arg(support::include());
    compiler
}

/// The plug-in as its author wrote it, or with one change in `smooth.c`.
pub struct Variant {
    name: &'static str,
    change: Option<(&'static str, &'static str)>,
}

/// As its author wrote it.
pub const AS_SHIPPED: Variant = Variant { name: "as_shipped", change: None };
/// The plug-in does not poll.
pub const WITHOUT_POLL: Variant =
    Variant { name: "without_poll", change: Some(("dcc_poll (poll)", "(void) poll, 0")) };
/// The plug-in does not call libgimp while it works, so only its polls can notice a cancel.
pub const WITHOUT_PROGRESS: Variant =
    Variant { name: "without_progress", change: Some(("gimp_progress_update (", "(void) (")) };

impl Variant {
    fn text(&self, file: &str) -> String {
        let path = support::root().join("examples/hosts/gimp").join(file);
        let text = std::fs::read_to_string(path).unwrap();
        match self.change {
            Some((before, after)) if file == "smooth.c" => {
                assert_eq!(text.matches(before).count(), 1, "{before}");
                text.replace(before, after)
            }
            _ => text,
        }
    }
}

/// Builds the plug-in by its Makefile, and the library that is preloaded into it.
fn built(variant: &Variant) -> PathBuf {
    let preloaded = support::root().join("tests/hosts/gimp/half-way.c");
    let texts = SOURCES.map(|file| (file, variant.text(file)));
    let used = [&support::include().join("dcc_cancel.h"), &preloaded];
    let used = used.map(|file| std::fs::read_to_string(file).unwrap());
    let name = format!("gimp_plug_in_{}", variant.name);
    let contents = format!("{:?}{texts:?}{used:?}", compiler());
    built_once(&name, &contents, |folder| {
        for (file, text) in &texts {
            std::fs::write(folder.join(file), text).unwrap();
        }
        support::staged_library(folder);
        let (include, libraries) = (support::include(), folder.display());
        let package = format!(
            "libdir={libraries}\nName: dcc_cancel\nDescription: the one of this build\nVersion: 0\n\
             Cflags: -I{}\nLibs: -L{libraries} -ldcc_cancel\n",
            include.display()
        );
        std::fs::write(folder.join("dcc_cancel.pc"), package).unwrap();
        // GIMP's include folders are given as system folders, because our warnings do not apply to
        // its headers.
        let gimps = pkg_config("--cflags").join(" ").replace("-I", "-isystem");
        support::run(
            Command::new("make")
                .arg("-C")
                .arg(folder)
                .arg(format!("CC={}", support::cc()))
                .arg(format!("CFLAGS=-O2 -Wconversion {}", support::C_FLAGS.join(" ")))
                .arg(format!("GIMP_CFLAGS={gimps}"))
                .env("PKG_CONFIG_PATH", folder),
        );
        support::run(compiler().arg(&preloaded).arg("-o").arg(folder.join("half-way.so")));
    })
}

impl Gimp {
    /// A folder for GIMP with the plug-in.
    pub fn with_plug_in(name: &str, variant: &Variant) -> Self {
        let plug_in = built(variant);
        let folder = support::scratch(name);
        support::staged_library(&folder);
        // GIMP writes into these folders when it quits.
        for made in ["plug-ins", "gradients", "home"] {
            std::fs::create_dir(folder.join(made)).unwrap();
        }
        let libraries = pkg_config("--variable=gimplibdir").concat();
        let theirs = |name: &str| Path::new(&libraries).join("plug-ins").join(name);
        for (name, from) in [
            ("dcc-smooth", plug_in.clone()),
            ("script-fu", theirs("script-fu")),
            ("file-pnm", theirs("file-pnm")),
        ] {
            std::os::unix::fs::symlink(from, folder.join("plug-ins").join(name)).unwrap();
        }
        let settings = concat!(
            "(plug-in-path \"${gimp_dir}/plug-ins\")\n",
            "(swap-path \"${gimp_dir}\")\n",
            "(temp-path \"${gimp_dir}\")\n",
        );
        std::fs::write(folder.join("gimprc"), settings).unwrap();
        Self { folder, preloaded: plug_in.join("half-way.so") }
    }

    /// The path of a file in its folder.
    pub fn path(&self, file: &str) -> PathBuf {
        self.folder.join(file)
    }

    /// Starts GIMP without its interface. GIMP runs each of these Script-Fu scripts and quits.
    pub fn run(&self, scripts: &[&str]) -> Running {
        let mut command = Command::new("gimp-console");
        command.arg("--no-interface");
        self.start(command, scripts)
    }

    /// As `run`, but after half of its work the plug-in waits for the cancel before it continues.
    pub fn run_and_wait_for_cancel(&self, scripts: &[&str]) -> Running {
        let mut command = Command::new("gimp-console");
        command.arg("--no-interface").env("WAIT_FOR_CANCEL", "1");
        self.start(command, scripts)
    }

    /// As `run`, with its interface on an X display.
    pub fn show(&self, display: &str, scripts: &[&str]) -> Running {
        let mut command = Command::new("gimp");
        command.args(["--no-splash", "--console-messages"]).env("DISPLAY", display);
        self.start(command, scripts)
    }

    fn start(&self, mut command: Command, scripts: &[&str]) -> Running {
        command.args(["--new-instance", "--no-data", "--no-fonts"]);
        command.args(["--batch-interpreter", "plug-in-script-fu-eval"]);
        for script in scripts {
            command.arg("--batch").arg(format!("{PRELUDE} {script}"));
        }
        command
            .args(["--batch", "(gimp-quit TRUE)"])
            .current_dir(&self.folder)
            .env("GIMP2_DIRECTORY", &self.folder)
            .env("HOME", self.folder.join("home"))
            .env("LC_ALL", "C")
            .env("LD_LIBRARY_PATH", &self.folder)
            .env("LD_PRELOAD", &self.preloaded)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        for theirs in ["XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"] {
            command.env_remove(theirs);
        }
        let mut process = command.spawn().unwrap();
        let stream = process.stderr.take().unwrap();
        let (sender, lines) = channel();
        thread::spawn(move || {
            for line in BufReader::new(stream).split(b'\n') {
                let line = String::from_utf8_lossy(&line.unwrap()).into_owned();
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        Running { process, lines, printed: String::new() }
    }
}

/// A running GIMP; dropping this kills it.
pub struct Running {
    process: Child,
    lines: Receiver<String>,
    printed: String,
}

impl Running {
    /// Waits for a line that contains this text, and returns the rest of that line.
    pub fn until(&mut self, text: &str) -> String {
        let end = Instant::now() + LONG;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let Ok(line) = self.lines.recv_timeout(left) else {
                panic!("GIMP did not print {text:?} but:\n{}", self.printed)
            };
            self.printed += &format!("{line}\n");
            if let Some((_, rest)) = line.split_once(text) {
                return rest.to_owned();
            }
        }
    }

    /// Waits until a script prints this; fails if the script prints another of its results.
    pub fn says(&mut self, text: &str) {
        assert_eq!(self.until("script-fu-Warning: "), text, "{}", self.printed);
    }

    /// Waits until half of the plug-in's work is done, and returns its process id.
    pub fn half_way(&mut self) -> u32 {
        self.until("half-way: process ").parse().unwrap()
    }

    /// The id of GIMP's own process.
    pub fn process(&self) -> u32 {
        self.process.id()
    }

    /// Waits until GIMP and all of its plug-ins have ended, and returns all that they printed.
    pub fn end(mut self) -> (ExitStatus, String) {
        let end = Instant::now() + LONG;
        loop {
            match self.lines.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(line) => self.printed += &format!("{line}\n"),
                Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => break,
                Err(_) => panic!("something of GIMP still runs; it printed\n{}", self.printed),
            }
        }
        (self.process.wait().unwrap(), std::mem::take(&mut self.printed))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Prints a measured figure, even if the test passes.
pub fn figure(text: &str) {
    support::show(&format!("FIGURE {text}"));
}
